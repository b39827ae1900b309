/*
 * A command in flight belongs to the session until its callback, and does not
 * die with the request: that only takes its name out of here.
 */

#include "ngx_http_clarity_call.h"


struct ngx_http_clarity_call_s {
    ngx_http_request_t      *request; /* NULL: it is gone */
    ngx_http_clarity_call_pt handler;
    ngx_clarity_redis_t     *redis;
    ngx_clarity_redis_use_t  use;
    ngx_msec_t               started;
    ngx_http_clarity_call_t *next; /* while free */
};


static ngx_http_clarity_call_t *ngx_http_clarity_get_call(
    ngx_http_request_t *r);
static void ngx_http_clarity_free_call(ngx_http_clarity_call_t *call);
static void ngx_http_clarity_call_cleanup(void *data);
static void ngx_http_clarity_call_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);


/* The process's own: its sessions, and the calls that are not in use. */
static ngx_clarity_redis_t    **ngx_http_clarity_redis;
static ngx_uint_t               ngx_http_clarity_nredis;
static ngx_http_clarity_call_t *ngx_http_clarity_free_calls;


ngx_int_t
ngx_http_clarity_call_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_uint_t                 i;
    ngx_clarity_redis_conf_t **conf;

    conf = cmcf->redis.elts;

    ngx_http_clarity_redis = ngx_pcalloc(cycle->pool,
        cmcf->redis.nelts * sizeof(ngx_clarity_redis_t *));
    if (ngx_http_clarity_redis == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < cmcf->redis.nelts; i++) {
        ngx_http_clarity_redis[i] = ngx_clarity_redis_create(conf[i], NULL,
            cycle);
        if (ngx_http_clarity_redis[i] == NULL) {
            return NGX_ERROR;
        }

        ngx_http_clarity_nredis++;
    }

    return NGX_OK;
}


void
ngx_http_clarity_call_exit(void)
{
    ngx_uint_t               i;
    ngx_http_clarity_call_t *call;

    for (i = 0; i < ngx_http_clarity_nredis; i++) {
        ngx_clarity_redis_destroy(ngx_http_clarity_redis[i]);
    }

    while (ngx_http_clarity_free_calls) {
        call = ngx_http_clarity_free_calls;
        ngx_http_clarity_free_calls = call->next;
        ngx_free(call);
    }
}


clarity_redis_given_t
ngx_http_clarity_call(ngx_http_request_t *r, ngx_uint_t redis, size_t argc,
    const clarity_str_t *argv, ngx_http_clarity_call_pt handler)
{
    clarity_redis_given_t    given;
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_call_t *call;

    call = ngx_http_clarity_get_call(r);
    if (call == NULL) {
        return CLARITY_REDIS_NO_MEMORY;
    }

    call->handler = handler;
    call->redis = ngx_http_clarity_redis[redis];

    /* those of the settings API are no webhook's */
    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    call->use = ctx->webhook ? NGX_CLARITY_REDIS_JOBS
                             : NGX_CLARITY_REDIS_SETTINGS;

    given = ngx_clarity_redis_command(call->redis, call->use, argc, argv,
        ngx_http_clarity_call_handler, call);

    if (given != CLARITY_REDIS_GIVEN) {
        ctx->call = NULL;
        ngx_http_clarity_free_call(call);
        return given;
    }

    /*
     * A command cannot be taken back and its reply is due within
     * clarity_redis_timeout, so a client that leaves meanwhile is not looked
     * for: the log tells the true outcome.
     */
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->connection->log->action = "waiting for Redis";

    return CLARITY_REDIS_GIVEN;
}


ngx_int_t
ngx_http_clarity_call_wait(ngx_http_request_t *r, ngx_uint_t redis,
    ngx_http_clarity_call_pt handler)
{
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_call_t *call;

    call = ngx_http_clarity_get_call(r);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->handler = handler;
    call->redis = ngx_http_clarity_redis[redis];
    call->use = NGX_CLARITY_REDIS_JOBS;

    if (ngx_clarity_redis_wait(call->redis, ngx_http_clarity_call_handler,
            call)
        != NGX_OK)
    {
        ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
        ctx->call = NULL;
        ngx_http_clarity_free_call(call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_clarity_call_distrust(ngx_uint_t redis, const char *reason)
{
    ngx_clarity_redis_distrust(ngx_http_clarity_redis[redis], reason);
}


void
ngx_http_clarity_call_full(ngx_uint_t redis, ngx_uint_t limit)
{
    ngx_clarity_redis_full(ngx_http_clarity_redis[redis], limit);
}


const ngx_clarity_watch_t *
ngx_http_clarity_watch(ngx_uint_t redis)
{
    return ngx_clarity_redis_watch(ngx_http_clarity_redis[redis]);
}


void
ngx_http_clarity_call_state(
    ngx_uint_t redis, ngx_uint_t *pending, ngx_uint_t *ready)
{
    ngx_clarity_redis_state(ngx_http_clarity_redis[redis], pending, ready);
}


clarity_outcome_t
ngx_http_clarity_given_outcome(clarity_redis_given_t given)
{
    switch (given) {

    case CLARITY_REDIS_GONE:
        return CLARITY_QUEUE_UNAVAILABLE;

    case CLARITY_REDIS_FULL:
        return CLARITY_QUEUE_FULL;

    case CLARITY_REDIS_TOO_LARGE:
        return CLARITY_PAYLOAD_TOO_LARGE;

    default:
        return CLARITY_INTERNAL;
    }
}


static ngx_http_clarity_call_t *
ngx_http_clarity_get_call(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *cln;
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_call_t *call;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (!ctx->cleanup) {
        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NULL;
        }

        cln->handler = ngx_http_clarity_call_cleanup;
        cln->data = r;
        ctx->cleanup = 1;
    }

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
    ctx->call = call;

    return call;
}


static void
ngx_http_clarity_free_call(ngx_http_clarity_call_t *call)
{
    call->next = ngx_http_clarity_free_calls;
    ngx_http_clarity_free_calls = call;
}


/*
 * A request that is closed by force leaves its command behind: nobody is told
 * what becomes of that, and the log says so.
 */

static void
ngx_http_clarity_call_cleanup(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx && ctx->call) {
        ctx->call->request = NULL;
        ctx->call = NULL;
        ctx->outcome = CLARITY_QUEUE_TIMEOUT;
    }
}


static void
ngx_http_clarity_call_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_call_t *call = data;

    ngx_msec_t               elapsed;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_call_pt handler;

    r = call->request;
    handler = call->handler;
    elapsed = ngx_current_msec - call->started;

    if (result == CLARITY_REDIS_REPLIED) {
        ngx_clarity_redis_answered(call->redis, call->use, reply);
    }

    ngx_http_clarity_free_call(call);

    if (r == NULL) {
        return;
    }

    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->call = NULL;

    handler(r, result, reply, elapsed);

    ngx_http_run_posted_requests(c);
}
