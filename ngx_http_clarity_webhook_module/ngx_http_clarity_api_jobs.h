/*
 * What the API's jobs and their retry share.
 */

#ifndef NGX_HTTP_CLARITY_API_JOBS_H
#define NGX_HTTP_CLARITY_API_JOBS_H

#include "ngx_http_clarity_api.h"

#include "job/hand_retry.h"
#include "job/listing.h"
#include "job/view.h"


/* Lives in the request's pool. */
typedef struct ngx_http_clarity_api_jobs_s {
    ngx_uint_t        shard;  /* the one that is asked */
    clarity_listing_t list;
    clarity_job_id_t  id;
    clarity_retry_t   retry;
    clarity_buf_t     failed; /* the job's entry among the failed */
} ngx_http_clarity_api_jobs_t;

/* Asks for the job of the path. NGX_DONE: the handler will be called; else
 * what an answer returned. */
ngx_int_t ngx_http_clarity_api_job_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_call_pt handler);

/* The reply's strings, where they are: good as long as it is. */
ngx_int_t ngx_http_clarity_api_jobs_fields(ngx_http_request_t *r,
    const redisReply *reply, clarity_str_t **fields, size_t *n);

/* 404, 500 */
ngx_int_t ngx_http_clarity_api_no_job(ngx_http_request_t *r);
ngx_int_t ngx_http_clarity_api_job_unreadable(ngx_http_request_t *r);

#endif
