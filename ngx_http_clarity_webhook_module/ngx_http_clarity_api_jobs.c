/*
 * The API's jobs: which there are, one of them, and its retry.
 *
 * A list asks one shard after the other, each with one script whose work has
 * an upper bound (job/listing.h); a request has one command in flight, whatever
 * there is in Redis. A retry looks at the job, writes down who wants it, and
 * then puts the job back into the stream, if it is still as it was seen.
 */

#include "ngx_http_clarity_api.h"

#include "job/hand_script.h"
#include "job/key.h"
#include "job/listing.h"
#include "job/hand_retry.h"
#include "job/view.h"


#define NGX_HTTP_CLARITY_JOBS_PAGE 50 /* jobs in one answer */

/* What the retry's script is given, after EVAL, its text, the number of keys. */
#define NGX_HTTP_CLARITY_EVAL      3


/* Lives in the request's pool. */
typedef struct ngx_http_clarity_api_jobs_s {
    ngx_uint_t       shard;  /* the one that is asked */
    clarity_listing_t   list;
    clarity_job_id_t id;
    clarity_retry_t  retry;
    clarity_buf_t    failed; /* the job's entry among the failed */
} ngx_http_clarity_api_jobs_t;


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
static ngx_int_t ngx_http_clarity_api_job_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_call_pt handler);
static void ngx_http_clarity_api_job_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_retry_seen(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_retry_make(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_str_t *fields, size_t n);
static ngx_int_t ngx_http_clarity_api_retry_audit(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static void ngx_http_clarity_api_retry_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_retried(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_no_job(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_api_job_unreadable(ngx_http_request_t *r);
static ngx_http_clarity_api_t *ngx_http_clarity_api_jobs_answered(
    ngx_http_request_t *r, clarity_redis_result_t result,
    const redisReply *reply);
static ngx_int_t ngx_http_clarity_api_jobs_fields(ngx_http_request_t *r,
    const redisReply *reply, clarity_str_t **fields, size_t *n);
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
    clarity_listing_call_t   call;
    clarity_redis_given_t given;

    clarity_listing_call(&call, &api->jobs->list,
        ngx_http_clarity_api_prefix(api), api->jobs->shard);

    given = ngx_http_clarity_call(r, api->cmcf->registry, CLARITY_LISTING_ARGS,
        call.argv, ngx_http_clarity_api_jobs_handler);

    return given == CLARITY_REDIS_GIVEN
        ? NGX_DONE
        : ngx_http_clarity_api_not_given(r, given);
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

    api = ngx_http_clarity_api_jobs_answered(r, result, reply);
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


/* The job of the path. */

static ngx_int_t
ngx_http_clarity_api_job_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_call_pt handler)
{
    clarity_str_t                text;
    clarity_view_call_t          call;
    clarity_redis_given_t        given;
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

    given = ngx_http_clarity_call(r, api->cmcf->registry, CLARITY_VIEW_ARGS,
        call.argv, handler);

    return given == CLARITY_REDIS_GIVEN
        ? NGX_DONE
        : ngx_http_clarity_api_not_given(r, given);
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

    api = ngx_http_clarity_api_jobs_answered(r, result, reply);
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
ngx_http_clarity_api_retry(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_faults_t faults;

    static const char *const known[] = { NULL };

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    if (api->body) {
        clarity_faults_check_members(&faults, api->body->root, known, NULL);
    }

    if (faults.n) {
        return ngx_http_clarity_api_faults(r, &faults,
            "A retry takes nothing: send {}, or no body.");
    }

    clarity_faults_free(&faults);

    return ngx_http_clarity_api_job_ask(r, api,
        ngx_http_clarity_api_retry_seen);
}


static void
ngx_http_clarity_api_retry_seen(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  n;
    ngx_int_t               rc;
    clarity_str_t          *fields;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_jobs_answered(r, result, reply);
    if (api == NULL) {
        return;
    }

    if (ngx_http_clarity_api_jobs_fields(r, reply, &fields, &n) != NGX_OK) {
        rc = ngx_http_clarity_api_internal(r);

    } else {
        rc = ngx_http_clarity_api_retry_make(r, api, fields, n);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_clarity_api_retry_audit(r, api);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* NGX_DECLINED and jobs->retry, or what the answer returned. */

static ngx_int_t
ngx_http_clarity_api_retry_make(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_str_t *fields, size_t n)
{
    u_char                       detail[128];
    ngx_int_t                    rc;
    clarity_view_job_t           job;
    clarity_view_status_t        status;
    ngx_http_clarity_api_jobs_t *jobs;

    jobs = api->jobs;
    status = clarity_view_read(&job, &jobs->id, fields, n);

    /* the reply does not outlive its handler */
    clarity_buf_add(&jobs->failed, clarity_view_field(fields, n, "failed"));

    if (status == CLARITY_VIEW_NONE) {
        rc = ngx_http_clarity_api_no_job(r);

    } else if (status == CLARITY_VIEW_UNREADABLE) {
        rc = ngx_http_clarity_api_job_unreadable(r);

    } else if (status == CLARITY_VIEW_FOUND && job.state != CLARITY_FAILED) {
        *ngx_snprintf(detail, sizeof(detail) - 1,
            "The job is %s, not failed: nothing is to be retried.",
            clarity_state_name(job.state))
            = '\0';

        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "job_not_failed", (char *) detail);

    } else if (status != CLARITY_VIEW_FOUND || jobs->failed.failed
               || !clarity_retry_make(&jobs->retry,
                   ngx_http_clarity_api_prefix(api), &job,
                   clarity_buf_str(&jobs->failed)))
    {
        rc = ngx_http_clarity_api_internal(r);

    } else {
        rc = NGX_DECLINED;
    }

    clarity_view_job_free(&job);

    return rc;
}


/* No entry in the audit stream, no retry. */

static ngx_int_t
ngx_http_clarity_api_retry_audit(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                argc;
    u_char                time[NGX_INT64_LEN];
    clarity_key_t         key;
    clarity_str_t         argv[CLARITY_AUDIT_MAX_ARGS];
    clarity_audit_t       audit;
    clarity_redis_given_t given;

    ngx_http_clarity_api_audit(r, api, "retry", &audit, time);
    audit.job = clarity_str(api->jobs->retry.id);

    clarity_key_audit(&key, ngx_http_clarity_api_prefix(api));
    argc = clarity_audit_xadd(&audit, clarity_key_str(&key), argv);

    given = ngx_http_clarity_call(r, api->cmcf->registry, argc, argv,
        ngx_http_clarity_api_retry_audited);

    return given == CLARITY_REDIS_GIVEN
        ? NGX_DONE
        : ngx_http_clarity_api_not_given(r, given);
}


static void
ngx_http_clarity_api_retry_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    clarity_str_t          *argv;
    clarity_retry_t        *retry;
    clarity_redis_given_t   given;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    retry = &ctx->api->jobs->retry;

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ERROR) {
        rc = ngx_http_clarity_api_refused(r,
            "The job is not retried, as that cannot be written down in Redis",
            reply);
        goto done;
    }

    if (result != CLARITY_REDIS_REPLIED) {
        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
            clarity_outcome_info(CLARITY_QUEUE_UNAVAILABLE)->code,
            "The job is not retried, as Redis did not say that this is "
            "written down. Try again in a moment.");
        goto done;
    }

    argv = ngx_palloc(r->pool,
        (NGX_HTTP_CLARITY_EVAL + retry->argc) * sizeof(clarity_str_t));
    if (argv == NULL) {
        rc = ngx_http_clarity_api_internal(r);
        goto done;
    }

    argv[0] = clarity_lit("EVAL");
    argv[1] = clarity_str(clarity_script_retry.lua);
    argv[2] = clarity_lit("3");
    ngx_memcpy(&argv[NGX_HTTP_CLARITY_EVAL], retry->argv,
        retry->argc * sizeof(clarity_str_t));

    given = ngx_http_clarity_call(r, ctx->api->cmcf->registry,
        NGX_HTTP_CLARITY_EVAL + retry->argc, argv,
        ngx_http_clarity_api_retried);

    if (given == CLARITY_REDIS_GIVEN) {
        return;
    }

    rc = ngx_http_clarity_api_not_given(r, given);

done:

    ngx_http_finalize_request(r, rc);
}


static void
ngx_http_clarity_api_retried(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    clarity_buf_t           buf;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (result == CLARITY_REDIS_UNKNOWN) {
        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_GATEWAY_TIME_OUT,
            "queue_timeout",
            "Redis did not answer in time: whether the job goes on is not "
            "known. Look at it again.");

    } else if (result == CLARITY_REDIS_NOT_SENT) {
        rc = ngx_http_clarity_api_not_given(r, CLARITY_REDIS_GONE);

    } else if (reply->type == REDIS_REPLY_ERROR) {
        rc = ngx_http_clarity_api_refused(r, "Redis does not take the retry",
            reply);

    } else {
        switch (clarity_retry_result(reply->integer)) {

        case CLARITY_RETRIED:
            ngx_memzero(&buf, sizeof(clarity_buf_t));
            clarity_buf_addf(&buf, "{\"job_id\":\"%s\",\"retried\":true}",
                ctx->api->jobs->retry.id);
            rc = ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
            break;

        case CLARITY_RETRY_CHANGED:
            rc = ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
                "job_changed",
                "The job has changed just now: somebody else retries it, or "
                "erases it. Look at it again.");
            break;

        default:
            rc = ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
                "context_erased",
                "The job has no context any more, or never was a job: it "
                "cannot be retried.");
        }
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_clarity_api_no_job(ngx_http_request_t *r)
{
    return ngx_http_clarity_api_problem(r, NGX_HTTP_NOT_FOUND,
        clarity_outcome_info(CLARITY_JOB_NOT_FOUND)->code,
        "There is no job of that id: one that has ended is kept for a time "
        "(\"keep\" in the worker's configuration).");
}


static ngx_int_t
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


/* NULL: it is no answer of a script's, and that has been said. */

static ngx_http_clarity_api_t *
ngx_http_clarity_api_jobs_answered(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ARRAY) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

        return ctx->api;
    }

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ERROR) {
        rc = ngx_http_clarity_api_refused(r, "Redis cannot tell of the jobs",
            reply);

    } else {
        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
            clarity_outcome_info(CLARITY_QUEUE_UNAVAILABLE)->code,
            "Redis did not answer, so nothing was read or changed. Try again "
            "in a moment.");
    }

    ngx_http_finalize_request(r, rc);

    return NULL;
}


static ngx_int_t
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
