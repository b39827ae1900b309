/*
 * From a checked context to a job in Redis, and from XADD's reply to the
 * answer: 202 only because Redis said so.
 */

#include "ngx_http_clarity_call.h"

#include "job/id.h"
#include "job/traceparent.h"
#include "redis/reply_error.h"


static ngx_int_t ngx_http_clarity_check_queue(ngx_http_request_t *r,
    ngx_uint_t *full, ngx_http_clarity_refusal_t *refusal);
static ngx_int_t ngx_http_clarity_job_fields(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_job_t *job,
    u_char *received, char traceparent[CLARITY_TRACEPARENT]);
static clarity_str_t ngx_http_clarity_traceparent(
    ngx_http_request_t *r, char made[CLARITY_TRACEPARENT]);
static void ngx_http_clarity_enqueued(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_stored(
    ngx_http_request_t *r, clarity_outcome_t outcome);
static void ngx_http_clarity_replicated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_not_safe(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_enqueue_anew(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal);
static clarity_outcome_t ngx_http_clarity_job_outcome(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply);
static ngx_int_t ngx_http_clarity_keep_id(
    ngx_http_request_t *r, const redisReply *reply);
static clarity_outcome_t ngx_http_clarity_error_outcome(
    ngx_http_clarity_ctx_t *ctx, const redisReply *reply);


ngx_int_t
ngx_http_clarity_enqueue(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t context,
    ngx_http_clarity_refusal_t *refusal)
{
    size_t                         argc;
    ngx_uint_t                     full;
    clarity_job_t                  job;
    clarity_str_t                  argv[CLARITY_ENQUEUE_MAX_ARGS];
    clarity_redis_given_t          given;
    clarity_str_t                  stream;
    ngx_http_clarity_ctx_t        *ctx;
    ngx_http_clarity_loc_conf_t   *clcf;
    ngx_http_clarity_idempotency_t idem;
    u_char                         received[NGX_TIME_T_LEN + 3];
    char                           traceparent[CLARITY_TRACEPARENT];

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_check_queue(r, &full, refusal) != NGX_OK) {
        return NGX_DECLINED;
    }

    refusal->outcome = CLARITY_INTERNAL;

    ngx_memzero(&job, sizeof(clarity_job_t));
    job.context = context;

    if (ngx_http_clarity_job_fields(r, webhook, &job, received, traceparent)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    stream = clarity_key_str(&ngx_http_clarity_watch(clcf->redis)->stream);

    if (ctx->key.len) {

        if (ngx_http_clarity_idempotency(r, webhook, &idem) != NGX_OK) {
            return NGX_DECLINED;
        }

        idem.enqueue.stream = stream;

        argc = clarity_job_enqueue(full ? NULL : &job, &idem.enqueue, argv);

    } else {
        argc = clarity_job_xadd(&job, stream, argv);
    }

    given = ngx_http_clarity_call(r, clcf->redis, argc, argv,
        ngx_http_clarity_enqueued);

    if (given == CLARITY_REDIS_GIVEN) {
        return NGX_AGAIN;
    }

    refusal->outcome = ngx_http_clarity_given_outcome(given);

    return NGX_DECLINED;
}


/*
 * By what was last seen of it. One with a key may have its job already, though
 * the queue is full.
 */

static ngx_int_t
ngx_http_clarity_check_queue(ngx_http_request_t *r, ngx_uint_t *full,
    ngx_http_clarity_refusal_t *refusal)
{
    ngx_http_clarity_ctx_t      *ctx;
    const ngx_clarity_watch_t   *watch;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    watch = ngx_http_clarity_watch(clcf->redis);

    if (watch->unmet) {
        refusal->outcome = CLARITY_DURABILITY_UNAVAILABLE;
        return NGX_DECLINED;
    }

    *full = clcf->queue_limit && watch->depth >= clcf->queue_limit;

    if (*full) {
        ngx_http_clarity_call_full(clcf->redis, clcf->queue_limit);

        if (ctx->key.len == 0) {
            refusal->outcome = CLARITY_QUEUE_FULL;
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_job_fields(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_job_t *job,
    u_char *received, char traceparent[CLARITY_TRACEPARENT])
{
    ngx_time_t *tp;

    tp = ngx_timeofday();

    job->trigger = webhook->trigger->name;

    job->webhook.data = (char *) webhook->name.data;
    job->webhook.len = webhook->name.len;

    job->received.data = (char *) received;
    job->received.len = ngx_sprintf(received, "%T%03M", tp->sec, tp->msec)
        - received;

    job->addr.data = (char *) r->connection->addr_text.data;
    job->addr.len = r->connection->addr_text.len;

    job->traceparent = ngx_http_clarity_traceparent(r, traceparent);

    return ngx_http_clarity_request_id(r, &job->request);
}


/* What is none is as if it had not been sent. */

static clarity_str_t
ngx_http_clarity_traceparent(
    ngx_http_request_t *r, char made[CLARITY_TRACEPARENT])
{
    ngx_str_t     value;
    clarity_str_t none = { NULL, 0 };

    static ngx_str_t name = ngx_string("traceparent");

    if (ngx_http_clarity_header(r, &name, &value) != NGX_OK) {
        return none;
    }

    return clarity_traceparent(
        (clarity_str_t){ (char *) value.data, value.len }, made);
}


static void
ngx_http_clarity_enqueued(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_http_clarity_ctx_t    *ctx;
    ngx_http_clarity_refusal_t refusal;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->enqueue_time += elapsed;
    ctx->enqueued = 1;

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    refusal.outcome = ngx_http_clarity_job_outcome(r, result, reply);

    switch (refusal.outcome) {

    case CLARITY_NOUTCOMES:
        if (ngx_http_clarity_enqueue_anew(r, &refusal) == NGX_AGAIN) {
            return;
        }

        break;

    case CLARITY_ACCEPTED:
    case CLARITY_DUPLICATE:
        ngx_http_clarity_stored(r, refusal.outcome);
        return;

    default:
        break;
    }

    ngx_http_finalize_request(r, ngx_http_clarity_refuse(r, &refusal));
}


/*
 * Redis has the job; whether that is as safe as is asked for is a question of
 * its replicas, or was answered already. It may have been answered anew while
 * the command was under way.
 */

static void
ngx_http_clarity_stored(ngx_http_request_t *r, clarity_outcome_t outcome)
{
    ngx_http_clarity_ctx_t      *ctx;
    const ngx_clarity_watch_t   *watch;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    watch = ngx_http_clarity_watch(clcf->redis);

    ctx->stored = outcome;
    ctx->durability = watch->gives;

    if (clcf->durability.class == CLARITY_DURABILITY_REPLICAS) {

        if (ngx_http_clarity_call_wait(r, clcf->redis,
                ngx_http_clarity_replicated)
            != NGX_OK)
        {
            ngx_http_clarity_not_safe(r);
        }

        return;
    }

    if (watch->unmet) {
        ngx_http_clarity_not_safe(r);
        return;
    }

    ngx_http_finalize_request(r, ngx_http_clarity_accept(r, outcome));
}


static void
ngx_http_clarity_replicated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    ctx->enqueue_time += elapsed;

    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_INTEGER
        || reply->integer < (long long) clcf->durability.replicas)
    {
        ngx_http_clarity_not_safe(r);
        return;
    }

    ngx_http_finalize_request(r, ngx_http_clarity_accept(r, ctx->stored));
}


/* It may run, and it may be lost: its sender has to ask again. */

static void
ngx_http_clarity_not_safe(ngx_http_request_t *r)
{
    ngx_http_clarity_refusal_t refusal;

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    refusal.outcome = CLARITY_QUEUE_TIMEOUT;
    ngx_str_set(&refusal.detail,
        "The job is stored, but not known to be as safe as is configured "
        "here. It is safe to repeat the request with the same "
        "Idempotency-Key; without one it may run twice.");

    ngx_http_finalize_request(r, ngx_http_clarity_refuse(r, &refusal));
}


/*
 * Redis has not got the script, or no longer, or the connection was lost before
 * the command left. What it was made of is made again from the body, rather
 * than kept for all requests that wait.
 */

static ngx_int_t
ngx_http_clarity_enqueue_anew(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t               rc;
    clarity_str_t           context;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_check_context(r, ctx->webhook, &context, refusal)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_clarity_enqueue(r, ctx->webhook, context, refusal);

    ngx_http_clarity_context_done();

    return rc;
}


/* CLARITY_NOUTCOMES: it is to be given anew. */

static clarity_outcome_t
ngx_http_clarity_job_outcome(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply)
{
    clarity_outcome_t            outcome;
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (result == CLARITY_REDIS_NOT_SENT) {

        if (ngx_http_clarity_watch(clcf->redis)->unmet) {
            return CLARITY_DURABILITY_UNAVAILABLE;
        }

        if (ctx->regiven) {
            return CLARITY_QUEUE_UNAVAILABLE;
        }

        /* it waits if the connection is being made, and is refused if not */
        ctx->regiven = 1;
        return CLARITY_NOUTCOMES;
    }

    if (result == CLARITY_REDIS_UNKNOWN) {
        return CLARITY_QUEUE_TIMEOUT;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        return ngx_http_clarity_error_outcome(ctx, reply);
    }

    outcome = CLARITY_ACCEPTED;

    if (ctx->key.len && reply->type == REDIS_REPLY_ARRAY
        && reply->elements && reply->element[0]->type == REDIS_REPLY_STRING)
    {
        if (ngx_strcmp(reply->element[0]->str, "reused") == 0) {
            return CLARITY_IDEMPOTENCY_KEY_REUSED;
        }

        if (ngx_strcmp(reply->element[0]->str, "unknown") == 0) {
            return CLARITY_QUEUE_FULL;
        }

        if (reply->elements == 2) {
            outcome = CLARITY_DUPLICATE;
            reply = reply->element[1];
        }
    }

    /* it is stored, and cannot be told */

    return ngx_http_clarity_keep_id(r, reply) == NGX_OK
        ? outcome
        : CLARITY_QUEUE_TIMEOUT;
}


static ngx_int_t
ngx_http_clarity_keep_id(ngx_http_request_t *r, const redisReply *reply)
{
    size_t                       len;
    clarity_job_id_t             id;
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (reply->type != REDIS_REPLY_STRING
        || !clarity_job_id_from_entry(
            (clarity_str_t){ reply->str, reply->len }, 0, &id))
    {
        clcf = ngx_http_get_module_loc_conf(r,
            ngx_http_clarity_webhook_module);
        ngx_http_clarity_call_distrust(clcf->redis,
            "it answered a job with something else than its entry's id");
        return NGX_ERROR;
    }

    ctx->job_id.data = ngx_pnalloc(r->pool, CLARITY_JOB_ID_MAX);
    if (ctx->job_id.data == NULL) {
        return NGX_ERROR;
    }

    len = clarity_job_id_format(&id, (char *) ctx->job_id.data);
    ctx->job_id.len = len;

    return NGX_OK;
}


static clarity_outcome_t
ngx_http_clarity_error_outcome(
    ngx_http_clarity_ctx_t *ctx, const redisReply *reply)
{
    const clarity_redis_error_info_t *info;

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });

    if (info->code == CLARITY_REDIS_ERR_NOSCRIPT && !ctx->whole) {
        ctx->whole = 1;
        return CLARITY_NOUTCOMES;
    }

    switch (info->fate) {

    case CLARITY_REDIS_NO_ROOM:
        return CLARITY_QUEUE_FULL;

    case CLARITY_REDIS_HALF_DONE:
        return CLARITY_QUEUE_TIMEOUT;

    default: /* CLARITY_REDIS_NOT_DONE */
        return CLARITY_QUEUE_UNAVAILABLE;
    }
}
