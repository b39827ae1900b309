/*
 * $clarity_webhook, $clarity_trigger: of the location, or, where webhooks are
 * made at run time, the one that the address and the method lead to, so that
 * limit_req can use them before the handler runs; and kept then, so that the
 * log has them when error_page has led elsewhere. $clarity_outcome,
 * $clarity_job_id, $clarity_enqueue_time: of the request, for the log.
 */

#include "ngx_http_clarity_activity.h"
#include "ngx_http_clarity_registry.h"


static ngx_int_t ngx_http_clarity_webhook_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_clarity_trigger_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_clarity_request_webhook(
    ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *trigger);
static ngx_int_t ngx_http_clarity_outcome_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_clarity_job_id_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_clarity_enqueue_time_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_clarity_set_variable(
    ngx_http_variable_value_t *v, u_char *data, size_t len);


static ngx_http_variable_t ngx_http_clarity_variables[] = {

    { ngx_string("clarity_webhook"), NULL,
      ngx_http_clarity_webhook_variable, 0, 0, 0 },

    { ngx_string("clarity_trigger"), NULL,
      ngx_http_clarity_trigger_variable, 0, 0, 0 },

    { ngx_string("clarity_outcome"), NULL,
      ngx_http_clarity_outcome_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("clarity_job_id"), NULL,
      ngx_http_clarity_job_id_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("clarity_enqueue_time"), NULL,
      ngx_http_clarity_enqueue_time_variable, 0, NGX_HTTP_VAR_NOCACHEABLE,
      0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_clarity_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t *var, *v;

    for (v = ngx_http_clarity_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return ngx_http_clarity_replace_request(cf);
}


static ngx_int_t
ngx_http_clarity_webhook_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t name, trigger;

    ngx_http_clarity_request_webhook(r, &name, &trigger);

    return ngx_http_clarity_set_variable(v, name.data, name.len);
}


static ngx_int_t
ngx_http_clarity_trigger_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t name, trigger;

    ngx_http_clarity_request_webhook(r, &name, &trigger);

    return ngx_http_clarity_set_variable(v, trigger.data, trigger.len);
}


/* The one that the handler found, else the location's, else empty. */

static void
ngx_http_clarity_request_webhook(
    ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *trigger)
{
    ngx_http_clarity_ctx_t           *ctx;
    ngx_http_clarity_loc_conf_t      *clcf;
    const ngx_http_clarity_webhook_t *webhook;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    webhook = (ctx && ctx->webhook) ? ctx->webhook : &clcf->webhook;

    *name = webhook->name;
    *trigger = webhook->trigger_name;

    if (webhook == &clcf->webhook && clcf->webhooks
        && ngx_http_clarity_registry_name(r, name, trigger) != NGX_OK)
    {
        name->len = 0;
        trigger->len = 0;
    }
}


static ngx_int_t
ngx_http_clarity_outcome_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t               name;
    const char             *code;
    clarity_outcome_t       outcome;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx && ctx->outcome != CLARITY_NOUTCOMES) {
        outcome = ctx->outcome;

    } else if (!ngx_http_clarity_refused_by_nginx(r, &name, &outcome)) {
        return ngx_http_clarity_set_variable(v, NULL, 0);
    }

    code = clarity_outcome_info(outcome)->code;

    return ngx_http_clarity_set_variable(v, (u_char *) code,
        ngx_strlen(code));
}


static ngx_int_t
ngx_http_clarity_job_id_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx == NULL) {
        return ngx_http_clarity_set_variable(v, NULL, 0);
    }

    return ngx_http_clarity_set_variable(v, ctx->job_id.data,
        ctx->job_id.len);
}


/* Seconds with milliseconds, like $request_time. */

static ngx_int_t
ngx_http_clarity_enqueue_time_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                 *p;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx == NULL || !ctx->enqueued) {
        return ngx_http_clarity_set_variable(v, NULL, 0);
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_clarity_set_variable(v, p,
        ngx_sprintf(p, "%T.%03M", (time_t) ctx->enqueue_time / 1000,
            ctx->enqueue_time % 1000)
            - p);
}


/*
 * Nothing: not found, "-" in a log; and to be asked for again, as there may be
 * no location yet. A limit_req whose key stays empty would count nothing.
 */

static ngx_int_t
ngx_http_clarity_set_variable(
    ngx_http_variable_value_t *v, u_char *data, size_t len)
{
    if (len == 0) {
        v->no_cacheable = 1;
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->data = data;
    v->len = len;

    return NGX_OK;
}
