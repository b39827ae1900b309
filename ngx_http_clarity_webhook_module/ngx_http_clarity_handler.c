/*
 * The story of a request: token, method, media type, body, context, queue.
 * Each refusal comes as early, and costs as little, as it can.
 */

#include "ngx_http_clarity_registry.h"


/* bytes of a body that is read although its request is refused */
#define NGX_HTTP_CLARITY_TAKEN_IN 65536


static ngx_int_t ngx_http_clarity_init_ctx(
    ngx_http_request_t *r, const ngx_http_clarity_webhook_t *webhook);
static ngx_int_t ngx_http_clarity_serve(ngx_http_request_t *r);
#if (NGX_HTTP_V2)
static void ngx_http_clarity_refused_body_handler(ngx_http_request_t *r);
#endif
static void ngx_http_clarity_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_receive(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_check_method(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_refusal_t *refusal);
static ngx_int_t ngx_http_clarity_check_media_type(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal);
static ngx_uint_t ngx_http_clarity_is_json_type(ngx_str_t *value);
static ngx_int_t ngx_http_clarity_check_dry_run(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal);
static ngx_int_t ngx_http_clarity_check_twice(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal);


ngx_int_t
ngx_http_clarity_handler(ngx_http_request_t *r)
{
    ngx_http_clarity_refusal_t   refusal;
    ngx_http_clarity_loc_conf_t *clcf;

    if (r != r->main || r->post_action) {
        /* a job is never a by-product of mirror, auth_request, ssi and so on */
        return NGX_HTTP_FORBIDDEN;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
        "clarity webhook \"%V\"", &clcf->webhook.name);

    if (ngx_http_clarity_init_ctx(r, &clcf->webhook) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    if (ngx_http_clarity_check_token(r, clcf, &refusal) != NGX_OK
        || ngx_http_clarity_check_method(r, &clcf->webhook, &refusal)
            != NGX_OK)
    {
        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    return ngx_http_clarity_receive(r);
}


ngx_int_t
ngx_http_clarity_webhooks_handler(ngx_http_request_t *r)
{
    if (r != r->main || r->post_action) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ngx_http_clarity_init_ctx(r, NULL) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_clarity_serve(r);
}


/* Again, where the webhooks have not been loaded yet. */

static ngx_int_t
ngx_http_clarity_serve(ngx_http_request_t *r)
{
    ngx_str_t                   endpoint;
    ngx_http_clarity_ctx_t     *ctx;
    ngx_http_clarity_refusal_t  refusal;
    ngx_http_clarity_webhook_t *webhook;

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    if (ngx_http_clarity_registry_endpoint(r, &endpoint) != NGX_OK) {
        refusal.outcome = CLARITY_WEBHOOK_NOT_FOUND;
        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
        "clarity endpoint \"%V\"", &endpoint);

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_registry_find(r, &endpoint, &webhook, &refusal)
        != NGX_OK)
    {
        if (refusal.outcome == CLARITY_WEBHOOKS_NOT_LOADED && webhook == NULL
            && ngx_http_clarity_early_wait(r, ngx_http_clarity_serve)
                == NGX_DONE)
        {
            return NGX_DONE;
        }

        ctx->webhook = webhook;
        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    ctx->webhook = webhook;

    return ngx_http_clarity_receive(r);
}


/* The rest of the story, the same for all webhooks. */

static ngx_int_t
ngx_http_clarity_receive(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_refusal_t    refusal;
    ngx_http_clarity_main_conf_t *cmcf;

    /* it stays where error_page leads away from here */
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);
    (void) ngx_http_get_flushed_variable(r, cmcf->webhook_index);

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    if (ngx_http_clarity_check_media_type(r, &refusal) != NGX_OK
        || ngx_http_clarity_check_dry_run(r, &refusal) != NGX_OK
        || ngx_http_clarity_check_key(r, ctx->webhook, &refusal) != NGX_OK
        || ngx_http_clarity_check_twice(r, &refusal) != NGX_OK)
    {
        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_clarity_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/*
 * Over HTTP/2 nginx resets a stream whose answer is complete before the body,
 * and clients such as curl then drop the answer. So where what comes is small
 * and its size is known, it is taken in first.
 */

ngx_int_t
ngx_http_clarity_refuse_unread(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal)
{
#if (NGX_HTTP_V2)

    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    if (r->stream && r->request_body == NULL && !r->discard_body
        && r->headers_in.content_length_n > 0
        && r->headers_in.content_length_n <= NGX_HTTP_CLARITY_TAKEN_IN
        && r->headers_in.expect == NULL)
    {
        ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

        ctx->refusal = ngx_palloc(r->pool,
            sizeof(ngx_http_clarity_refusal_t));
        if (ctx->refusal == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        *ctx->refusal = *refusal;

        rc = ngx_http_read_client_request_body(r,
            ngx_http_clarity_refused_body_handler);

        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }

#endif

    return ngx_http_clarity_refuse(r, refusal);
}


#if (NGX_HTTP_V2)

static void
ngx_http_clarity_refused_body_handler(ngx_http_request_t *r)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ngx_http_finalize_request(r, ngx_http_clarity_refuse(r, ctx->refusal));
}

#endif


static ngx_int_t
ngx_http_clarity_init_ctx(
    ngx_http_request_t *r, const ngx_http_clarity_webhook_t *webhook)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->webhook = webhook;
    ctx->outcome = CLARITY_NOUTCOMES;

    ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

    return NGX_OK;
}


static void
ngx_http_clarity_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    clarity_str_t              context;
    ngx_http_clarity_ctx_t    *ctx;
    ngx_http_clarity_refusal_t refusal;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    if (ngx_http_clarity_check_context(r, ctx->webhook, &context, &refusal)
        != NGX_OK)
    {
        ngx_http_finalize_request(r, ngx_http_clarity_refuse(r, &refusal));
        return;
    }

    if (ctx->dry_run) {
        ngx_http_clarity_context_done();
        ngx_http_finalize_request(r, ngx_http_clarity_valid(r));
        return;
    }

    rc = ngx_http_clarity_enqueue(r, ctx->webhook, context, &refusal);

    ngx_http_clarity_context_done();

    if (rc != NGX_AGAIN) {
        ngx_http_finalize_request(r, ngx_http_clarity_refuse(r, &refusal));
    }
}


static ngx_int_t
ngx_http_clarity_check_method(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_refusal_t *refusal)
{
    if (r->method == webhook->method) {
        return NGX_OK;
    }

    refusal->outcome = CLARITY_METHOD_NOT_ALLOWED;
    return NGX_DECLINED;
}


/*
 * No Content-Type counts as JSON. Parameters are passed over: the body is
 * UTF-8 whatever they say (RFC 8259, 8.1).
 */

static ngx_int_t
ngx_http_clarity_check_media_type(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t rc;
    ngx_str_t value;

    static ngx_str_t type = ngx_string("content-type");
    static ngx_str_t coding = ngx_string("content-encoding");

    if (r->method == NGX_HTTP_GET && r->headers_in.content_length_n <= 0
        && !r->headers_in.chunked)
    {
        /* its context is in the query: there is nothing to have a type */
        return NGX_OK;
    }

    refusal->outcome = CLARITY_MEDIA_TYPE_UNSUPPORTED;

    if (r->headers_in.content_type) {
        rc = ngx_http_clarity_header(r, &type, &value);

        if (rc == NGX_ABORT) {
            ngx_str_set(&refusal->detail,
                "The header Content-Type came more than once.");
            return NGX_DECLINED;
        }

        if (rc == NGX_OK && !ngx_http_clarity_is_json_type(&value)) {
            return NGX_DECLINED;
        }
    }

    rc = ngx_http_clarity_header(r, &coding, &value);

    if (rc == NGX_ABORT
        || (rc == NGX_OK && value.len
            && (value.len != sizeof("identity") - 1
                || ngx_strncasecmp(value.data, (u_char *) "identity",
                       value.len)
                    != 0)))
    {
        ngx_str_set(&refusal->detail,
            "Send the context as it is, without Content-Encoding.");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* application/json, or a type with the suffix +json (RFC 6839), or nothing. */

static ngx_uint_t
ngx_http_clarity_is_json_type(ngx_str_t *value)
{
    u_char *p, *last;

    p = value->data;
    last = p;

    while (last < p + value->len && *last != ';') {
        last++;
    }

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    if (value->len == 0) {
        return 1;
    }

    if (last - p == sizeof("application/json") - 1
        && ngx_strncasecmp(p, (u_char *) "application/json", last - p) == 0)
    {
        return 1;
    }

    return last - p > (ssize_t) sizeof("application/+json") - 1
        && ngx_strncasecmp(p, (u_char *) "application/", 12) == 0
        && ngx_strncasecmp(last - 5, (u_char *) "+json", 5) == 0;
}


/*
 * A value that may mean either is refused: what a test was to be must not
 * become a job, nor a job a test.
 */

static ngx_int_t
ngx_http_clarity_check_dry_run(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t               rc;
    ngx_str_t               value;
    ngx_http_clarity_ctx_t *ctx;

    static ngx_str_t name = ngx_string("x-clarity-dry-run");

    rc = ngx_http_clarity_header(r, &name, &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc == NGX_OK && value.len == 1 && value.data[0] == '0') {
        return NGX_OK;
    }

    if (rc == NGX_OK && value.len == 1 && value.data[0] == '1') {
        ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
        ctx->dry_run = 1;
        return NGX_OK;
    }

    refusal->outcome = CLARITY_BAD_REQUEST;
    ngx_str_set(&refusal->detail,
        "The header x-clarity-dry-run is sent once, as \"1\" (check the"
        " request, queue no job) or \"0\", or not at all.");

    return NGX_DECLINED;
}


/* A body in chunks may be empty: that is seen when it has come. */

static ngx_int_t
ngx_http_clarity_check_twice(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal)
{
    if (r->method == NGX_HTTP_GET && r->args.len
        && r->headers_in.content_length_n > 0)
    {
        refusal->outcome = CLARITY_CONTEXT_TWICE;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_clarity_header(
    ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *value)
{
    ngx_int_t        rc;
    ngx_uint_t       i;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    rc = NGX_DECLINED;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != name->len
                || ngx_memcmp(h[i].lowcase_key, name->data, name->len) != 0)
            {
                continue;
            }

            if (rc == NGX_OK) {
                return NGX_ABORT;
            }

            *value = h[i].value;
            rc = NGX_OK;
        }
    }

    return rc;
}
