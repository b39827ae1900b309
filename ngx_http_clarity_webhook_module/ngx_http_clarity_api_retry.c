/*
 * The API's retry of a job: looks at it, writes down who wants it, and puts it
 * back into the stream, if it is still as it was seen.
 */

#include "ngx_http_clarity_api_jobs.h"

#include "job/hand_script.h"
#include "job/key.h"


#define NGX_HTTP_CLARITY_EVAL 3 /* EVAL, the script, the number of keys */


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

    api = ngx_http_clarity_api_loaded(r, result, reply);
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
    size_t          argc;
    u_char          time[NGX_INT64_LEN];
    clarity_key_t   key;
    clarity_str_t   argv[CLARITY_AUDIT_MAX_ARGS];
    clarity_audit_t audit;

    ngx_http_clarity_api_audit(r, api, "retry", &audit, time);
    audit.job = clarity_str(api->jobs->retry.id);

    clarity_key_audit(&key, ngx_http_clarity_api_prefix(api));
    argc = clarity_audit_xadd(&audit, clarity_key_str(&key), argv);

    return ngx_http_clarity_api_give(r, api, argc, argv,
        ngx_http_clarity_api_retry_audited);
}


static void
ngx_http_clarity_api_retry_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    clarity_str_t          *argv;
    clarity_retry_t        *retry;
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

    rc = ngx_http_clarity_api_give(r, ctx->api,
        NGX_HTTP_CLARITY_EVAL + retry->argc, argv,
        ngx_http_clarity_api_retried);

    if (rc == NGX_DONE) {
        return;
    }

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

    } else if (reply->type != REDIS_REPLY_INTEGER) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: a retry was answered with type %d", reply->type);
        rc = ngx_http_clarity_api_internal(r);

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
