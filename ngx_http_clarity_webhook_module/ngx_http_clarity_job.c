/*
 * From a checked context to a job in Redis, and from XADD's reply to the
 * answer: 202 only because Redis said so.
 */

#include "ngx_http_clarity_webhook_module.h"

#include "job/id.h"
#include "job/job.h"
#include "job/key.h"
#include "redis/reply_error.h"


/*
 * One XADD in flight. It belongs to the session until its callback, and does
 * not die with the request: that only takes its name out of here.
 */
struct ngx_http_clarity_call_s {
    ngx_http_request_t      *request; /* NULL: it is gone */
    ngx_clarity_redis_t     *redis;
    ngx_msec_t               started;
    ngx_http_clarity_call_t *next; /* while free */
};


static ngx_http_clarity_call_t *ngx_http_clarity_get_call(
    ngx_http_request_t *r);
static void ngx_http_clarity_free_call(ngx_http_clarity_call_t *call);
static void ngx_http_clarity_request_cleanup(void *data);
static ngx_int_t ngx_http_clarity_job_fields(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_job_t *job,
    u_char *received);
static clarity_str_t ngx_http_clarity_traceparent(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_request_id(
    ngx_http_request_t *r, clarity_str_t *id);
static void ngx_http_clarity_enqueued(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static clarity_outcome_t ngx_http_clarity_job_outcome(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply);


/* The process's own: its sessions, and the calls that are not in use. */
static ngx_clarity_redis_t    **ngx_http_clarity_redis;
static clarity_key_t           *ngx_http_clarity_streams;
static ngx_uint_t               ngx_http_clarity_nredis;
static ngx_http_clarity_call_t *ngx_http_clarity_free_calls;


ngx_int_t
ngx_http_clarity_job_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_uint_t                 i;
    clarity_str_t              prefix;
    ngx_clarity_redis_conf_t **conf;

    conf = cmcf->redis.elts;

    ngx_http_clarity_redis = ngx_pcalloc(cycle->pool,
        cmcf->redis.nelts * sizeof(ngx_clarity_redis_t *));
    ngx_http_clarity_streams = ngx_pcalloc(cycle->pool,
        cmcf->redis.nelts * sizeof(clarity_key_t));

    if (ngx_http_clarity_redis == NULL || ngx_http_clarity_streams == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < cmcf->redis.nelts; i++) {
        prefix.data = (char *) conf[i]->prefix.data;
        prefix.len = conf[i]->prefix.len;

        clarity_key_jobs(&ngx_http_clarity_streams[i], prefix, 0);

        ngx_http_clarity_redis[i] = ngx_clarity_redis_create(conf[i], cycle);

        if (ngx_http_clarity_redis[i] == NULL) {
            return NGX_ERROR;
        }

        ngx_http_clarity_nredis++;
    }

    return NGX_OK;
}


void
ngx_http_clarity_job_exit(void)
{
    ngx_uint_t i;

    for (i = 0; i < ngx_http_clarity_nredis; i++) {
        ngx_clarity_redis_destroy(ngx_http_clarity_redis[i]);
    }
}


ngx_int_t
ngx_http_clarity_enqueue(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t context,
    ngx_http_clarity_refusal_t *refusal)
{
    size_t                       argc;
    clarity_job_t                job;
    clarity_str_t                argv[CLARITY_JOB_MAX_ARGS];
    clarity_redis_given_t        given;
    ngx_http_clarity_call_t     *call;
    ngx_http_clarity_loc_conf_t *clcf;
    u_char                       received[NGX_TIME_T_LEN + 3];

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    refusal->outcome = CLARITY_INTERNAL;

    ngx_memzero(&job, sizeof(clarity_job_t));
    job.context = context;

    if (ngx_http_clarity_job_fields(r, webhook, &job, received) != NGX_OK) {
        return NGX_DECLINED;
    }

    argc = clarity_job_xadd(&job,
        clarity_key_str(&ngx_http_clarity_streams[clcf->redis]), argv);

    call = ngx_http_clarity_get_call(r);
    if (call == NULL) {
        return NGX_DECLINED;
    }

    call->redis = ngx_http_clarity_redis[clcf->redis];

    given = ngx_clarity_redis_command(call->redis, argc, argv,
        ngx_http_clarity_enqueued, call);

    switch (given) {

    case CLARITY_REDIS_GIVEN:
        r->connection->log->action = "waiting for Redis";
        return NGX_AGAIN;

    case CLARITY_REDIS_GONE:
        refusal->outcome = CLARITY_QUEUE_UNAVAILABLE;
        break;

    case CLARITY_REDIS_FULL:
        refusal->outcome = CLARITY_QUEUE_FULL;
        break;

    case CLARITY_REDIS_NO_MEMORY:
        break;
    }

    ngx_http_clarity_request_cleanup(r);
    ngx_http_clarity_free_call(call);

    return NGX_DECLINED;
}


static ngx_http_clarity_call_t *
ngx_http_clarity_get_call(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *cln;
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_call_t *call;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_clarity_request_cleanup;
    cln->data = r;

    call = ngx_http_clarity_free_calls;

    if (call) {
        ngx_http_clarity_free_calls = call->next;

    } else {
        call = ngx_alloc(sizeof(ngx_http_clarity_call_t),
            r->connection->log);
        if (call == NULL) {
            return NULL;
        }
    }

    call->request = r;
    call->started = ngx_current_msec;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->call = call;

    return call;
}


static void
ngx_http_clarity_free_call(ngx_http_clarity_call_t *call)
{
    call->next = ngx_http_clarity_free_calls;
    ngx_http_clarity_free_calls = call;
}


/* A request that is closed by force leaves its command behind. */

static void
ngx_http_clarity_request_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx && ctx->call) {
        ctx->call->request = NULL;
        ctx->call = NULL;
    }
}


static ngx_int_t
ngx_http_clarity_job_fields(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_job_t *job,
    u_char *received)
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

    job->traceparent = ngx_http_clarity_traceparent(r);

    return ngx_http_clarity_request_id(r, &job->request);
}


/*
 * W3C Trace Context: version-trace_id-parent_id-flags, 2-32-16-2 lower-case
 * hex digits; of a version to come, what follows is left out. Anything else
 * is as if it had not been sent.
 */

static clarity_str_t
ngx_http_clarity_traceparent(ngx_http_request_t *r)
{
    size_t        i;
    ngx_str_t     value;
    clarity_str_t none = { NULL, 0 };

    static ngx_str_t name = ngx_string("traceparent");
    static u_char    shape[]
        = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (ngx_http_clarity_header(r, &name, &value) != NGX_OK
        || value.len < sizeof(shape) - 1)
    {
        return none;
    }

    for (i = 0; i < sizeof(shape) - 1; i++) {

        if (shape[i] == '-') {
            if (value.data[i] != '-') {
                return none;
            }

        } else if (!((value.data[i] >= '0' && value.data[i] <= '9')
                     || (value.data[i] >= 'a' && value.data[i] <= 'f')))
        {
            return none;
        }
    }

    return (clarity_str_t){ (char *) value.data, sizeof(shape) - 1 };
}


/*
 * The caller's own x-request-id, if it is one that a log can hold, else
 * nginx's $request_id.
 */

static ngx_int_t
ngx_http_clarity_request_id(ngx_http_request_t *r, clarity_str_t *id)
{
    size_t                        i;
    ngx_str_t                     value;
    ngx_http_variable_value_t    *vv;
    ngx_http_clarity_main_conf_t *cmcf;

    static ngx_str_t name = ngx_string("x-request-id");

    if (ngx_http_clarity_header(r, &name, &value) == NGX_OK && value.len > 0
        && value.len <= 128)
    {
        for (i = 0; i < value.len; i++) {
            if (value.data[i] <= ' ' || value.data[i] > '~') {
                break;
            }
        }

        if (i == value.len) {
            *id = (clarity_str_t){ (char *) value.data, value.len };
            return NGX_OK;
        }
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    vv = ngx_http_get_indexed_variable(r, cmcf->request_id_index);

    if (vv == NULL || vv->not_found) {
        return NGX_ERROR;
    }

    *id = (clarity_str_t){ (char *) vv->data, vv->len };

    return NGX_OK;
}


static void
ngx_http_clarity_enqueued(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_call_t *call = data;

    ngx_int_t                  rc;
    ngx_msec_t                 elapsed;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_clarity_ctx_t    *ctx;
    ngx_http_clarity_refusal_t refusal;

    r = call->request;
    elapsed = ngx_current_msec - call->started;

    if (result == CLARITY_REDIS_REPLIED) {
        ngx_clarity_redis_answered(call->redis, reply);
    }

    ngx_http_clarity_free_call(call);

    if (r == NULL) {
        return;
    }

    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->call = NULL;
    ctx->enqueue_time = elapsed;
    ctx->enqueued = 1;

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    refusal.outcome = ngx_http_clarity_job_outcome(r, result, reply);

    if (refusal.outcome == CLARITY_ACCEPTED) {
        rc = ngx_http_clarity_accept(r);

    } else {
        rc = ngx_http_clarity_refuse(r, &refusal);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static clarity_outcome_t
ngx_http_clarity_job_outcome(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply)
{
    size_t                  len;
    clarity_job_id_t        id;
    ngx_http_clarity_ctx_t *ctx;

    if (result == CLARITY_REDIS_NOT_SENT) {
        return CLARITY_QUEUE_UNAVAILABLE;
    }

    if (result == CLARITY_REDIS_UNKNOWN) {
        return CLARITY_QUEUE_TIMEOUT;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        if (clarity_redis_error_info((clarity_str_t){
                reply->str, reply->len })->code == CLARITY_REDIS_ERR_OOM)
        {
            return CLARITY_QUEUE_FULL;
        }

        return CLARITY_QUEUE_UNAVAILABLE;
    }

    if (reply->type != REDIS_REPLY_STRING
        || !clarity_job_id_from_entry(
            (clarity_str_t){ reply->str, reply->len }, 0, &id))
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: XADD was answered with type %d, not with an entry id",
            reply->type);
        return CLARITY_QUEUE_TIMEOUT;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ctx->job_id.data = ngx_pnalloc(r->pool, CLARITY_JOB_ID_MAX);

    if (ctx->job_id.data == NULL) {
        /* it is stored, and cannot be told */
        return CLARITY_QUEUE_TIMEOUT;
    }

    len = clarity_job_id_format(&id, (char *) ctx->job_id.data);
    ctx->job_id.len = len;

    return CLARITY_ACCEPTED;
}
