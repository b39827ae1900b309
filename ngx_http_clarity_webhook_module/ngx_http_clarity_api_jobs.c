/*
 * The API's jobs: which there are, and one of them.
 *
 * A list asks one shard after the other, each with one script whose work has
 * an upper bound (job/listing.h); a request has one command in flight,
 * whatever there is in Redis.
 */

#include "ngx_http_clarity_api_jobs.h"


#define NGX_HTTP_CLARITY_JOBS_PAGE 50 /* jobs in one answer */


static ngx_http_clarity_api_jobs_t *ngx_http_clarity_api_jobs_init(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static void ngx_http_clarity_api_jobs_free(void *data);
static ngx_int_t ngx_http_clarity_api_jobs_query(
    ngx_http_request_t *r, clarity_listing_t *list);
static ngx_int_t ngx_http_clarity_api_jobs_ask(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static void ngx_http_clarity_api_jobs_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_job_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_uint_t ngx_http_clarity_api_shards(ngx_http_clarity_api_t *api);


ngx_int_t
ngx_http_clarity_api_jobs(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t                    rc;
    ngx_http_clarity_api_jobs_t *jobs;

    jobs = ngx_http_clarity_api_jobs_init(r, api);
    if (jobs == NULL) {
        return ngx_http_clarity_api_internal(r);
    }

    rc = ngx_http_clarity_api_jobs_query(r, &jobs->list);

    if (rc == NGX_DECLINED) {
        return ngx_http_clarity_api_problem(r, 422, "invalid",
            "\"state\" is to be queued, running, waiting, succeeded, failed "
            "or cancelled, \"limit\" a number from 1 to 200, and \"after\" "
            "the \"next\" of the page before.");
    }

    if (rc != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    return ngx_http_clarity_api_jobs_ask(r, api);
}


static ngx_http_clarity_api_jobs_t *
ngx_http_clarity_api_jobs_init(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_pool_cleanup_t *cln;

    api->jobs = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_api_jobs_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (api->jobs == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_clarity_api_jobs_free;
    cln->data = api->jobs;

    return api->jobs;
}


static void
ngx_http_clarity_api_jobs_free(void *data)
{
    ngx_http_clarity_api_jobs_t *jobs = data;

    clarity_listing_free(&jobs->list);
    clarity_retry_free(&jobs->retry);
    clarity_buf_free(&jobs->failed);
}


/* NGX_OK, NGX_ERROR; NGX_DECLINED: the query is not good. */

static ngx_int_t
ngx_http_clarity_api_jobs_query(ngx_http_request_t *r, clarity_listing_t *list)
{
    ngx_int_t            rc, limit;
    ngx_str_t            value;
    clarity_listing_which_t which;

    which = CLARITY_LISTING_ALL;
    limit = NGX_HTTP_CLARITY_JOBS_PAGE;

    rc = ngx_http_clarity_api_arg(r, (ngx_str_t) ngx_string("state"), &value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK
        && !clarity_listing_which(
            (clarity_str_t){ (char *) value.data, value.len }, &which))
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_clarity_api_arg(r, (ngx_str_t) ngx_string("limit"), &value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        limit = ngx_atoi(value.data, value.len);

        if (limit < 1 || limit > CLARITY_LISTING_MAX) {
            return NGX_DECLINED;
        }
    }

    clarity_listing_init(list, which, limit);

    rc = ngx_http_clarity_api_arg(r, (ngx_str_t) ngx_string("after"), &value);

    if (rc == NGX_OK
        && !clarity_listing_after(list,
            (clarity_str_t){ (char *) value.data, value.len }))
    {
        return NGX_DECLINED;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_clarity_api_jobs_ask(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_listing_call_t call;

    clarity_listing_call(&call, &api->jobs->list,
        ngx_http_clarity_api_prefix(api), api->jobs->shard);

    return ngx_http_clarity_api_give(r, api, CLARITY_LISTING_ARGS,
        call.argv, ngx_http_clarity_api_jobs_handler);
}


static void
ngx_http_clarity_api_jobs_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  n;
    ngx_int_t               rc;
    clarity_buf_t           buf;
    clarity_str_t          *fields;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    if (ngx_http_clarity_api_jobs_fields(r, reply, &fields, &n) != NGX_OK
        || clarity_listing_add(&api->jobs->list, fields, n) != CLARITY_LISTING_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: a list of jobs was not put together");
        ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
        return;
    }

    if (++api->jobs->shard < ngx_http_clarity_api_shards(api)) {
        rc = ngx_http_clarity_api_jobs_ask(r, api);

        if (rc != NGX_DONE) {
            ngx_http_finalize_request(r, rc);
        }

        return;
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_listing_write(&api->jobs->list, &buf);

    ngx_http_finalize_request(r,
        ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf));
}


ngx_int_t
ngx_http_clarity_api_job(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    return ngx_http_clarity_api_job_ask(r, api,
        ngx_http_clarity_api_job_handler);
}


ngx_int_t
ngx_http_clarity_api_job_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_call_pt handler)
{
    clarity_str_t                text;
    clarity_view_call_t          call;
    ngx_http_clarity_api_jobs_t *jobs;

    jobs = ngx_http_clarity_api_jobs_init(r, api);
    if (jobs == NULL) {
        return ngx_http_clarity_api_internal(r);
    }

    text.data = (char *) api->id.data;
    text.len = api->id.len;

    if (!clarity_job_id_parse(text, &jobs->id)
        || jobs->id.shard >= ngx_http_clarity_api_shards(api))
    {
        return ngx_http_clarity_api_no_job(r);
    }

    clarity_view_call(&call, ngx_http_clarity_api_prefix(api), &jobs->id);

    return ngx_http_clarity_api_give(r, api, CLARITY_VIEW_ARGS,
        call.argv, handler);
}


static void
ngx_http_clarity_api_job_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  n;
    ngx_int_t               rc;
    clarity_buf_t           buf;
    clarity_str_t          *fields;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    if (ngx_http_clarity_api_jobs_fields(r, reply, &fields, &n) != NGX_OK) {
        ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
        return;
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    switch (clarity_view_write(&buf, &api->jobs->id, fields, n)) {

    case CLARITY_VIEW_FOUND:
        rc = ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
        break;

    case CLARITY_VIEW_NONE:
        rc = ngx_http_clarity_api_no_job(r);
        break;

    case CLARITY_VIEW_UNREADABLE:
        rc = ngx_http_clarity_api_job_unreadable(r);
        break;

    default:
        rc = ngx_http_clarity_api_internal(r);
    }

    clarity_buf_free(&buf);
    ngx_http_finalize_request(r, rc);
}


ngx_int_t
ngx_http_clarity_api_no_job(ngx_http_request_t *r)
{
    return ngx_http_clarity_api_problem(r, NGX_HTTP_NOT_FOUND,
        clarity_outcome_info(CLARITY_JOB_NOT_FOUND)->code,
        "There is no job of that id: one that has ended is kept for a time "
        "(\"keep\" in the worker's configuration).");
}


ngx_int_t
ngx_http_clarity_api_job_unreadable(ngx_http_request_t *r)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
        "clarity: what Redis holds of the runs of job %V cannot be read",
        &ctx->api->id);

    return ngx_http_clarity_api_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
        "record_unreadable",
        "What Redis holds of the job's runs cannot be read. \"clarityctl job\" "
        "says which.");
}


ngx_int_t
ngx_http_clarity_api_jobs_fields(ngx_http_request_t *r,
    const redisReply *reply, clarity_str_t **fields, size_t *n)
{
    size_t i;

    *n = reply->elements;
    *fields = ngx_palloc(r->pool, (*n + 1) * sizeof(clarity_str_t));

    if (*fields == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < *n; i++) {
        (*fields)[i].data = reply->element[i]->str;
        (*fields)[i].len = reply->element[i]->str ? reply->element[i]->len
                                                  : 0;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_clarity_api_shards(ngx_http_clarity_api_t *api)
{
    ngx_clarity_redis_conf_t **conf;

    conf = api->cmcf->redis.elts;

    return conf[api->cmcf->registry]->shards;
}
