/*
 * An nginx that has just started, a new binary too, knows nothing of webhooks
 * that were made at run time until it has read Redis: a few milliseconds. A
 * request that comes before waits so long; one that came right after a binary
 * was replaced would fail else.
 */

#include "ngx_http_clarity_registry.h"


#define NGX_HTTP_CLARITY_EARLY_LOOK 10 /* ms */


static void ngx_http_clarity_early_timer_handler(ngx_event_t *ev);
static void ngx_http_clarity_early_cleanup(void *data);


/* Of this process, ms. */
static ngx_msec_t ngx_http_clarity_started;


void
ngx_http_clarity_early_init(void)
{
    ngx_http_clarity_started = ngx_current_msec;
}


ngx_int_t
ngx_http_clarity_early_wait(
    ngx_http_request_t *r, ngx_http_handler_pt again)
{
    ngx_event_t                 *ev;
    ngx_http_cleanup_t          *cln;
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (ngx_current_msec - ngx_http_clarity_started
        >= clcf->redis_connect_timeout)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx->early == NULL) {
        ev = ngx_pcalloc(r->pool, sizeof(ngx_event_t));
        cln = ngx_http_cleanup_add(r, 0);

        if (ev == NULL || cln == NULL) {
            return NGX_DECLINED;
        }

        ev->handler = ngx_http_clarity_early_timer_handler;
        ev->data = r;
        ev->log = r->connection->log;

        cln->handler = ngx_http_clarity_early_cleanup;
        cln->data = ev;

        ctx->early = ev;
        ctx->again = again;

        /* for so short a time nobody looks whether the client has left */
        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_request_empty_handler;
        r->connection->log->action = "waiting for webhooks";
    }

    ngx_add_timer(ctx->early, NGX_HTTP_CLARITY_EARLY_LOOK);
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_clarity_early_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_clarity_ctx_t *ctx;

    r = ev->data;
    c = r->connection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ngx_http_finalize_request(r, ctx->again(r));
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_clarity_early_cleanup(void *data)
{
    ngx_event_t *ev = data;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }
}
