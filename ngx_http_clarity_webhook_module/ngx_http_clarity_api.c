/*
 * The API's front: who may call it, with which body, and how it answers. Who
 * is let in at all is nginx's own business (auth_basic, auth_request, allow).
 */

#include "ngx_http_clarity_api.h"


static ngx_http_clarity_api_t *ngx_http_clarity_api_init(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_api_check(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static ngx_int_t ngx_http_clarity_api_check_origin(ngx_http_request_t *r);
static ngx_uint_t ngx_http_clarity_api_same_origin(
    ngx_http_request_t *r, ngx_str_t *origin);
static void ngx_http_clarity_api_cut_port(ngx_str_t *host, ngx_str_t *port);
static ngx_uint_t ngx_http_clarity_api_is_json(ngx_http_request_t *r);
static ngx_uint_t ngx_http_clarity_api_has_nothing(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static void ngx_http_clarity_api_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_api_parse_body(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static ngx_int_t ngx_http_clarity_api_json_invalid(ngx_http_request_t *r,
    const clarity_error_t *error, const clarity_json_fault_t *fault);
static void ngx_http_clarity_api_free_body(void *data);
static void ngx_http_clarity_api_add_title(
    clarity_buf_t *buf, const char *code);
static ngx_int_t ngx_http_clarity_api_header(
    ngx_http_request_t *r, const char *name, ngx_str_t value);


ngx_int_t
ngx_http_clarity_api_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_clarity_api_t *api;

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    api = ngx_http_clarity_api_init(r);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_clarity_api_check(r, api);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
        ngx_http_clarity_api_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static ngx_http_clarity_api_t *
ngx_http_clarity_api_init(ngx_http_request_t *r)
{
    ngx_http_clarity_api_t *api;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
    api = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_api_t));

    if (ctx == NULL || api == NULL) {
        return NULL;
    }

    ctx->outcome = CLARITY_NOUTCOMES;
    ctx->api = api;
    ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

    api->cmcf = ngx_http_get_module_main_conf(r,
        ngx_http_clarity_webhook_module);

    return api;
}


/* What the head says. NGX_DECLINED, or what the answer returned. */

static ngx_int_t
ngx_http_clarity_api_check(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t rc;
    ngx_str_t allow;

    if (ngx_http_clarity_api_check_origin(r) != NGX_OK) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_FORBIDDEN,
            "cross_origin",
            "The request comes from a page of another origin than the one "
            "that its Host names. (Behind a proxy, pass on Host.)");
    }

    rc = ngx_http_clarity_api_route(r, api, &allow);

    if (rc == NGX_HTTP_NOT_FOUND) {
        return ngx_http_clarity_api_problem(r, rc, "not_found",
            "There is nothing at this address of the API.");
    }

    if (rc == NGX_HTTP_NOT_ALLOWED) {
        if (ngx_http_clarity_api_header(r, "Allow", allow) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_clarity_api_problem(r, rc, "method_not_allowed",
            "Use a method that Allow names.");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if ((r->method & (NGX_HTTP_POST | NGX_HTTP_PATCH))
        && !ngx_http_clarity_api_is_json(r)
        && !ngx_http_clarity_api_has_nothing(r, api))
    {
        return ngx_http_clarity_api_problem(r,
            NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported",
            "Send JSON, with the header Content-Type: application/json.");
    }

    return NGX_DECLINED;
}


/*
 * A page of somebody else's can make a browser send requests here with the
 * administrator's credentials. What it cannot do: send JSON as such, or name
 * another origin than its own (Fetch, "CORS request" and "Sec-Fetch-Site").
 */

static ngx_int_t
ngx_http_clarity_api_check_origin(ngx_http_request_t *r)
{
    ngx_int_t rc;
    ngx_str_t value;

    static ngx_str_t origin = ngx_string("origin");
    static ngx_str_t site = ngx_string("sec-fetch-site");

    rc = ngx_http_clarity_header(r, &site, &value);

    if (rc == NGX_ABORT
        || (rc == NGX_OK
            && !(value.len == 11
                 && ngx_strncmp(value.data, "same-origin", 11) == 0)
            && !(value.len == 4 && ngx_strncmp(value.data, "none", 4) == 0)))
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_clarity_header(r, &origin, &value);

    if (rc == NGX_ABORT
        || (rc == NGX_OK && !ngx_http_clarity_api_same_origin(r, &value)))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * Host is what the browser was told to connect to: it names our origin, but
 * for the scheme, which is only known where TLS ends here.
 */

static ngx_uint_t
ngx_http_clarity_api_same_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    size_t    len;
    ngx_str_t host, named, port;

    if (r->headers_in.host == NULL) {
        return 0;
    }

    if (origin->len > 8
        && ngx_strncasecmp(origin->data, (u_char *) "https://", 8) == 0)
    {
        len = 8;
        ngx_str_set(&port, ":443");

    } else if (origin->len > 7
               && ngx_strncasecmp(origin->data, (u_char *) "http://", 7) == 0)
    {
        len = 7;
        ngx_str_set(&port, ":80");

#if (NGX_HTTP_SSL)
        if (r->connection->ssl) {
            return 0;
        }
#endif

    } else {
        return 0;
    }

    host = r->headers_in.host->value;
    named.data = origin->data + len;
    named.len = origin->len - len;

    ngx_http_clarity_api_cut_port(&host, &port);
    ngx_http_clarity_api_cut_port(&named, &port);

    return named.len == host.len
        && ngx_strncasecmp(named.data, host.data, host.len) == 0;
}


/* The scheme's own, which may be there or not (RFC 9110, 4.2.3). */

static void
ngx_http_clarity_api_cut_port(ngx_str_t *host, ngx_str_t *port)
{
    if (host->len > port->len
        && ngx_memcmp(host->data + host->len - port->len, port->data,
               port->len)
            == 0)
    {
        host->len -= port->len;
    }
}


/* Not what merely begins so: parameters follow after a ';'. */

static ngx_uint_t
ngx_http_clarity_api_is_json(ngx_http_request_t *r)
{
    ngx_str_t *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    return type->len >= 16
        && ngx_strncasecmp(type->data, (u_char *) "application/json", 16) == 0
        && (type->len == 16 || type->data[16] == ';' || type->data[16] == ' '
            || type->data[16] == '\t');
}


/*
 * No body, and no type for it, where there need not be one. A form names a
 * type without having anything in it; a script's request has an Origin.
 */

static ngx_uint_t
ngx_http_clarity_api_has_nothing(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    return api->may_be_empty && r->headers_in.content_type == NULL
        && r->headers_in.content_length_n <= 0 && !r->headers_in.chunked;
}


static void
ngx_http_clarity_api_body_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_clarity_api_t *api;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    api = ctx->api;

    if (r->method & (NGX_HTTP_POST | NGX_HTTP_PATCH)) {
        rc = ngx_http_clarity_api_parse_body(r, api);

        if (rc != NGX_DECLINED) {
            ngx_http_finalize_request(r, rc);
            return;
        }
    }

    ngx_http_clarity_api_load(r, api);
}


/* NGX_DECLINED and api->body (NULL: there may be none), or what the answer returned. */

static ngx_int_t
ngx_http_clarity_api_parse_body(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_str_t        text;
    clarity_error_t      error;
    ngx_pool_cleanup_t  *cln;
    clarity_json_fault_t fault;

    if (ngx_http_clarity_body(r, &text) != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    if (text.len == 0 && api->may_be_empty) {
        return NGX_DECLINED;
    }

    if (text.len > NGX_HTTP_CLARITY_API_BODY) {
        return ngx_http_clarity_api_problem(r,
            NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "payload_too_large",
            "The body is longer than 64 KB.");
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    api->body = clarity_json_parse_at(text, "body",
        CLARITY_JSON_UNIQUE_NAMES, &error, &fault);

    if (api->body == NULL) {
        return ngx_http_clarity_api_json_invalid(r, &error, &fault);
    }

    cln->handler = ngx_http_clarity_api_free_body;
    cln->data = api->body;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_clarity_api_json_invalid(ngx_http_request_t *r,
    const clarity_error_t *error, const clarity_json_fault_t *fault)
{
    char          place[128];
    clarity_str_t members;

    if (fault->reason == NULL) {
        /* out of memory */
        return ngx_http_clarity_api_internal(r);
    }

    members.data = place;
    members.len = (char *) ngx_snprintf((u_char *) place, sizeof(place),
                      "\"line\":%uz,\"column\":%uz,\"offset\":%uz",
                      fault->line, fault->column, fault->offset)
        - place;

    return ngx_http_clarity_api_problem_with(r, NGX_HTTP_BAD_REQUEST,
        clarity_outcome_info(CLARITY_JSON_INVALID_BODY)->code, error->text,
        members);
}


static void
ngx_http_clarity_api_free_body(void *data)
{
    clarity_json_free(data);
}


ngx_int_t
ngx_http_clarity_api_send(
    ngx_http_request_t *r, ngx_uint_t status, clarity_buf_t *buf)
{
    ngx_buf_t *b;
    ngx_str_t  type = ngx_string("application/json");

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_str_set(&type, "application/problem+json");
    }

    b = buf->failed ? NULL : ngx_create_temp_buf(r->pool, buf->len + 1);

    if (b) {
        b->last = ngx_cpymem(b->last, buf->data, buf->len);
        *b->last++ = '\n';
    }

    clarity_buf_free(buf);

    if (b == NULL
        || ngx_http_clarity_api_header(r, "X-Content-Type-Options",
               (ngx_str_t) ngx_string("nosniff"))
            != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_clarity_send(r, status, &type, b);
}


ngx_int_t
ngx_http_clarity_api_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *detail)
{
    clarity_str_t none = { NULL, 0 };

    return ngx_http_clarity_api_problem_with(r, status, code, detail, none);
}


ngx_int_t
ngx_http_clarity_api_problem_with(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *detail, clarity_str_t members)
{
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_buf_addf(&buf,
        "{\"type\":\"urn:problem-type:clarity:%s\",\"title\":\"", code);
    ngx_http_clarity_api_add_title(&buf, code);

    clarity_buf_addf(&buf, "\",\"status\":%u,\"code\":\"%s\",\"detail\":",
        (unsigned) status, code);
    clarity_buf_add_json(&buf, clarity_str(detail));

    if (members.len) {
        clarity_buf_addz(&buf, ",");
        clarity_buf_add(&buf, members);
    }

    clarity_buf_addz(&buf, "}");

    if (r->request_body == NULL
        && ngx_http_discard_request_body(r) != NGX_OK)
    {
        r->keepalive = 0;
    }

    if ((status == NGX_HTTP_SERVICE_UNAVAILABLE
            || status == NGX_HTTP_GATEWAY_TIME_OUT)
        && ngx_http_clarity_api_header(r, "Retry-After",
               (ngx_str_t) ngx_string("1"))
            != NGX_OK)
    {
        buf.failed = true;
    }

    return ngx_http_clarity_api_send(r, status, &buf);
}


/*
 * A code's title is the same wherever it comes (RFC 9457, 3.1.3): that of a
 * webhook's answers; of those that are the API's alone, the code in words.
 */

static void
ngx_http_clarity_api_add_title(clarity_buf_t *buf, const char *code)
{
    const char                   *p;
    const clarity_outcome_info_t *info;

    info = clarity_outcome_find(code);

    if (info) {
        clarity_buf_addz(buf, info->title);
        return;
    }

    for (p = code; *p; p++) {
        clarity_buf_addf(buf, "%c",
            *p == '_' ? ' ' : p == code ? ngx_toupper(*p) : *p);
    }
}


ngx_int_t
ngx_http_clarity_api_internal(ngx_http_request_t *r)
{
    return ngx_http_clarity_api_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
        clarity_outcome_info(CLARITY_INTERNAL)->code,
        clarity_outcome_info(CLARITY_INTERNAL)->detail);
}


static ngx_int_t
ngx_http_clarity_api_header(
    ngx_http_request_t *r, const char *name, ngx_str_t value)
{
    return ngx_http_clarity_add_header(r, name, &value);
}
