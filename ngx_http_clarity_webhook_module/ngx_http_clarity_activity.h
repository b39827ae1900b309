/*
 * The last requests of each webhook, accepted and refused, in shared memory:
 * an attack costs Redis nothing. No values, no tokens.
 */

#ifndef NGX_HTTP_CLARITY_ACTIVITY_H
#define NGX_HTTP_CLARITY_ACTIVITY_H

#include "ngx_http_clarity_webhook_module.h"

/*
 * Requests kept of a webhook. Those that came without a good token, which
 * anybody can send as many of as he likes, push out none but each other.
 */
#define NGX_HTTP_CLARITY_KNOWN     24
#define NGX_HTTP_CLARITY_STRANGERS 8
#define NGX_HTTP_CLARITY_ACTIVITY                                             \
    (NGX_HTTP_CLARITY_KNOWN + NGX_HTTP_CLARITY_STRANGERS)

/* Lengths are bytes; what is longer is cut. */
typedef struct {
    uint64_t          time; /* ms since 1970 */
    uint64_t          number; /* of the webhook's events */
    clarity_outcome_t outcome;
    ngx_uint_t        status;
    u_short           request_len;
    u_short           addr_len;
    u_short           job_len;
    u_short           token_len;
    u_short           detail_len;
    u_char            request[64];
    u_char            addr[NGX_INET6_ADDRSTRLEN];
    u_char            job[64];
    u_char            token[24]; /* id of the token that was good */
    u_char            detail[192]; /* why it was refused */
    clarity_context_packed_t faults; /* of its context */
} ngx_http_clarity_event_t;

/* The log phase: notes the request, if it was one to a webhook. */
ngx_int_t ngx_http_clarity_activity_handler(ngx_http_request_t *r);

/*
 * Whether nginx has refused a request to a webhook by itself, before or beside
 * our handler: sets the webhook's name and the code for it.
 */
ngx_uint_t ngx_http_clarity_refused_by_nginx(
    ngx_http_request_t *r, ngx_str_t *name, clarity_outcome_t *outcome);

/* Copies the last requests of a webhook, newest first, into events; returns
 * how many. */
ngx_uint_t ngx_http_clarity_activity_get(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool,
    ngx_str_t *webhook,
    ngx_http_clarity_event_t events[NGX_HTTP_CLARITY_ACTIVITY]);

/* The last one that was accepted, and that was refused (outcome
 * CLARITY_NOUTCOMES: none). */
void ngx_http_clarity_activity_last(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, ngx_str_t *webhook,
    ngx_http_clarity_event_t *accepted, ngx_http_clarity_event_t *refused);

/*
 * Forgets what was noted of the webhook that was quiet for longest. The pool
 * is locked. 0: there is none.
 */
ngx_uint_t ngx_http_clarity_activity_forget(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool);

#endif
