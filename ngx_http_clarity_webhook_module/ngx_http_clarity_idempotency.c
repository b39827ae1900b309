/*
 * Idempotency keys: a request that comes again within the window gets the job
 * that it made the first time.
 */

#include "ngx_http_clarity_webhook_module.h"

#include <ngx_sha1.h>


#define NGX_HTTP_CLARITY_SHA1 20 /* bytes */

/* of a window, ms: as the settings API has them */
#define NGX_HTTP_CLARITY_WINDOW_MIN 1000
#define NGX_HTTP_CLARITY_WINDOW_MAX ((ngx_msec_t) 90 * 24 * 60 * 60 * 1000)


static ngx_int_t ngx_http_clarity_find_key(ngx_http_request_t *r,
    ngx_str_t **name, ngx_str_t *value);
static ngx_int_t ngx_http_clarity_refuse_key(ngx_http_request_t *r,
    ngx_str_t *name, const char *why, ngx_http_clarity_refusal_t *refusal);


/* What EVALSHA calls the script. */
static u_char ngx_http_clarity_script_sha[2 * NGX_HTTP_CLARITY_SHA1];


void
ngx_http_clarity_idempotency_init(void)
{
    u_char     digest[NGX_HTTP_CLARITY_SHA1];
    ngx_sha1_t sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, clarity_script_enqueue.lua,
        ngx_strlen(clarity_script_enqueue.lua));
    ngx_sha1_final(digest, &sha1);

    ngx_hex_dump(ngx_http_clarity_script_sha, digest, sizeof(digest));
}


ngx_int_t
ngx_http_clarity_check_key(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t               rc;
    ngx_str_t              *name, value;
    const char             *why;
    ngx_http_clarity_ctx_t *ctx;

    if (webhook->idempotency == 0) {
        return NGX_OK;
    }

    rc = ngx_http_clarity_find_key(r, &name, &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    why = (rc == NGX_ABORT)
        ? "is there twice"
        : clarity_idempotency_refused(
            (clarity_str_t){ (char *) value.data, value.len });

    if (why) {
        return ngx_http_clarity_refuse_key(r, name, why, refusal);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->key = value;

    return NGX_OK;
}


ngx_int_t
ngx_http_clarity_idempotency(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_idempotency_t *idem)
{
    char                          digest[CLARITY_IDEMPOTENCY_NAME];
    u_char                       *p;
    clarity_str_t                 key, name, prefix, body;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_loc_conf_t  *clcf;
    ngx_http_clarity_main_conf_t *cmcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_body(r, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_GET && body.len == 0) {
        body.data = (char *) r->args.data;
        body.len = r->args.len;
    }

    key.data = (char *) ctx->key.data;
    key.len = ctx->key.len;

    name.data = (char *) webhook->name.data;
    name.len = webhook->name.len;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    if (!clarity_idempotency_body(cmcf->sha256, body, idem->body)
        || !clarity_idempotency_name(cmcf->sha256, name, key, digest))
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: SHA-256 of an idempotency key failed");
        return NGX_ERROR;
    }

    prefix.data = (char *) clcf->redis_prefix.data;
    prefix.len = clcf->redis_prefix.len;

    clarity_key_idem(&idem->key, prefix, 0,
        (clarity_str_t){ digest, sizeof(digest) });

    p = ngx_sprintf(idem->window, "%M", webhook->idempotency);

    ngx_memzero(&idem->enqueue, sizeof(clarity_enqueue_t));

    idem->enqueue.key = clarity_key_str(&idem->key);
    idem->enqueue.window.data = (char *) idem->window;
    idem->enqueue.window.len = p - idem->window;
    idem->enqueue.body.data = idem->body;
    idem->enqueue.body.len = sizeof(idem->body);

    if (!ctx->whole) {
        idem->enqueue.sha.data = (char *) ngx_http_clarity_script_sha;
        idem->enqueue.sha.len = sizeof(ngx_http_clarity_script_sha);
    }

    return NGX_OK;
}


/* The first of the headers that is there, whatever stands in it. */

static ngx_int_t
ngx_http_clarity_find_key(
    ngx_http_request_t *r, ngx_str_t **name, ngx_str_t *value)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_clarity_loc_conf_t *clcf;

    static ngx_str_t names[] = {
        ngx_string("idempotency-key"),
        ngx_string("webhook-id") /* of Standard Webhooks */
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        *name = &names[i];

        rc = ngx_http_clarity_header(r, *name, value);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (clcf->idempotency_header.len == 0) {
        return NGX_DECLINED;
    }

    *name = &clcf->idempotency_header;

    return ngx_http_clarity_header(r, *name, value);
}


/*
 * A key that cannot be one is the sender's fault, and to go on without it
 * would be to take from it what it asked for.
 */

static ngx_int_t
ngx_http_clarity_refuse_key(ngx_http_request_t *r, ngx_str_t *name,
    const char *why, ngx_http_clarity_refusal_t *refusal)
{
    u_char *p;

    static const char expected[] = "expected one key of 1 to 255 bytes, "
                                   "another for each new request";

    p = ngx_pnalloc(r->pool,
        name->len + ngx_strlen(why) + sizeof("The header  ; .") - 1
            + sizeof(expected));
    if (p == NULL) {
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    refusal->outcome = CLARITY_BAD_REQUEST;
    refusal->detail.data = p;
    refusal->detail.len = ngx_sprintf(p, "The header %V %s; %s.", name, why,
                              expected)
        - p;

    return NGX_DECLINED;
}


char *
ngx_http_clarity_set_idempotency(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_int_t  ms;
    ngx_str_t *value;

    if (clcf->idempotency != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts == 3) {
            return "is \"off\", and takes nothing more";
        }

        clcf->idempotency = 0;
        return NGX_CONF_OK;
    }

    ms = ngx_parse_time(&value[1], 0);

    if (ms == NGX_ERROR || ms < NGX_HTTP_CLARITY_WINDOW_MIN
        || (ngx_msec_t) ms > NGX_HTTP_CLARITY_WINDOW_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid time \"%V\"; expected 1s to 90d, or \"off\"",
            &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf->idempotency = ms;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "header=", 7) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid parameter \"%V\"; expected \"header=NAME\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    value[2].data += 7;
    value[2].len -= 7;

    if (ngx_http_clarity_header_name(cf, &value[2],
            NGX_HTTP_CLARITY_KEY_HEADER)
        != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    clcf->idempotency_header = value[2];

    return NGX_CONF_OK;
}
