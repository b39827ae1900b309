/*
 * The API's front: who may call what, by which path, with which body. Who is
 * let in at all is nginx's own business (auth_basic, auth_request, allow).
 */

#include "ngx_http_clarity_api.h"


typedef struct {
    ngx_uint_t              method;
    ngx_str_t               path; /* "*" stands for a webhook's id */
    ngx_http_clarity_api_pt act;
} ngx_http_clarity_route_t;


static ngx_int_t ngx_http_clarity_api_guard(
    ngx_http_request_t *r, const char **code, const char **detail);
static ngx_uint_t ngx_http_clarity_api_same_origin(
    ngx_http_request_t *r, ngx_str_t *origin);
static ngx_int_t ngx_http_clarity_api_route(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, ngx_str_t *allow);
static ngx_uint_t ngx_http_clarity_api_path(
    ngx_http_request_t *r, ngx_str_t *prefix, ngx_str_t *path);
static ngx_int_t ngx_http_clarity_api_unescape(
    ngx_http_request_t *r, ngx_str_t *id);
static ngx_uint_t ngx_http_clarity_api_path_matches(
    ngx_str_t *pattern, ngx_str_t *path, ngx_str_t *id);
static void ngx_http_clarity_api_body_handler(ngx_http_request_t *r);
static void ngx_http_clarity_api_free_body(void *data);
static ngx_int_t ngx_http_clarity_api_header(
    ngx_http_request_t *r, const char *name, ngx_str_t value);


static ngx_http_clarity_route_t ngx_http_clarity_routes[] = {
    { NGX_HTTP_GET, ngx_string("triggers"), ngx_http_clarity_api_triggers },
    { NGX_HTTP_GET, ngx_string("workflows"), ngx_http_clarity_api_workflows },
    { NGX_HTTP_GET, ngx_string("webhooks"), ngx_http_clarity_api_list },
    { NGX_HTTP_POST, ngx_string("webhooks"), ngx_http_clarity_api_create },
    { NGX_HTTP_GET, ngx_string("webhooks/*"), ngx_http_clarity_api_get },
    { NGX_HTTP_PATCH, ngx_string("webhooks/*"), ngx_http_clarity_api_patch },
    { NGX_HTTP_DELETE, ngx_string("webhooks/*"),
      ngx_http_clarity_api_delete },
    { NGX_HTTP_GET, ngx_string("webhooks/*/token"),
      ngx_http_clarity_api_token },
    { NGX_HTTP_POST, ngx_string("webhooks/*/rotate"),
      ngx_http_clarity_api_rotate },
    { NGX_HTTP_POST, ngx_string("webhooks/*/revoke"),
      ngx_http_clarity_api_revoke },
    { NGX_HTTP_GET, ngx_string("webhooks/*/activity"),
      ngx_http_clarity_api_activity },
    { 0, ngx_null_string, NULL }
};


ngx_int_t
ngx_http_clarity_api_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_str_t               allow;
    const char             *code, *detail;
    clarity_str_t           none = { NULL, 0 };
    ngx_http_clarity_api_t *api;
    ngx_http_clarity_ctx_t *ctx;

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
    api = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_api_t));

    if (ctx == NULL || api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* If-Match is about what was changed, not about the answer */
    r->disable_not_modified = 1;

    ctx->outcome = CLARITY_NOUTCOMES;
    ctx->api = api;
    ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

    api->cmcf = ngx_http_get_module_main_conf(r,
        ngx_http_clarity_webhook_module);

    rc = ngx_http_clarity_api_guard(r, &code, &detail);

    if (rc != NGX_OK) {
        return ngx_http_clarity_api_problem(r, rc, code, detail, none);
    }

    rc = ngx_http_clarity_api_route(r, api, &allow);

    if (rc == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return rc;
    }

    if (rc == NGX_HTTP_NOT_FOUND) {
        return ngx_http_clarity_api_problem(r, rc, "not_found",
            "There is nothing at this address of the API.", none);
    }

    if (rc == NGX_HTTP_NOT_ALLOWED) {
        if (ngx_http_clarity_api_header(r, "Allow", allow) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_clarity_api_problem(r, rc, "method_not_allowed",
            "Use a method that Allow names.", none);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
        ngx_http_clarity_api_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/*
 * A page of somebody else's can make a browser send requests here with the
 * administrator's credentials. What it cannot do: send JSON as such, or name
 * another origin than its own (Fetch, "CORS request" and "Sec-Fetch-Site").
 */

static ngx_int_t
ngx_http_clarity_api_guard(
    ngx_http_request_t *r, const char **code, const char **detail)
{
    ngx_str_t        value;
    ngx_table_elt_t *type;

    static ngx_str_t origin = ngx_string("origin");
    static ngx_str_t site = ngx_string("sec-fetch-site");

    *code = "cross_origin";
    *detail = "The request comes from a page of another origin.";

    if (ngx_http_clarity_header(r, &site, &value) != NGX_DECLINED
        && !(value.len == 11
             && ngx_strncmp(value.data, "same-origin", 11) == 0)
        && !(value.len == 4 && ngx_strncmp(value.data, "none", 4) == 0))
    {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ngx_http_clarity_header(r, &origin, &value) != NGX_DECLINED
        && !ngx_http_clarity_api_same_origin(r, &value))
    {
        return NGX_HTTP_FORBIDDEN;
    }

    if (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_DELETE)) {
        return NGX_OK;
    }

    type = r->headers_in.content_type;

    if (type == NULL || type->value.len < 16
        || ngx_strncasecmp(type->value.data, (u_char *) "application/json",
               16)
            != 0)
    {
        *code = "media_type_unsupported";
        *detail = "Send JSON, with the header Content-Type: application/json.";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    return NGX_OK;
}


/* Host is what the browser was told to connect to: it names our origin. */

static ngx_uint_t
ngx_http_clarity_api_same_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    size_t     len;
    ngx_str_t *host;

    if (r->headers_in.host == NULL) {
        return 0;
    }

    host = &r->headers_in.host->value;

    if (origin->len > 8
        && ngx_strncasecmp(origin->data, (u_char *) "https://", 8) == 0)
    {
        len = 8;

    } else if (origin->len > 7
               && ngx_strncasecmp(origin->data, (u_char *) "http://", 7) == 0)
    {
        len = 7;

    } else {
        return 0;
    }

    return origin->len - len == host->len
        && ngx_strncasecmp(origin->data + len, host->data, host->len) == 0;
}


/* NGX_OK and api->act, or the status to refuse with. */

static ngx_int_t
ngx_http_clarity_api_route(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, ngx_str_t *allow)
{
    u_char                   *p;
    ngx_str_t                 path;
    ngx_uint_t                found, escaped;
    ngx_http_core_loc_conf_t *clcf;
    ngx_http_clarity_route_t *route;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    escaped = ngx_http_clarity_api_path(r, &clcf->name, &path);

    allow->data = ngx_pnalloc(r->pool, 64);
    if (allow->data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = allow->data;
    found = 0;

    for (route = ngx_http_clarity_routes; route->act; route++) {

        if (!ngx_http_clarity_api_path_matches(&route->path, &path, &api->id))
        {
            continue;
        }

        if (route->method == r->method) {
            api->act = route->act;
            return escaped ? ngx_http_clarity_api_unescape(r, &api->id)
                           : NGX_OK;
        }

        p = ngx_slprintf(p, allow->data + 64, "%s%s", found ? ", " : "",
            route->method == NGX_HTTP_GET          ? "GET"
                : route->method == NGX_HTTP_POST   ? "POST"
                : route->method == NGX_HTTP_PATCH  ? "PATCH"
                                                   : "DELETE");
        found = 1;
    }

    allow->len = p - allow->data;

    return found ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_NOT_FOUND;
}


/*
 * What follows the location's prefix, as it was sent: the name of a webhook of
 * nginx.conf may hold slashes, which are escaped then. Where a rewrite or an
 * escape in the prefix led here, it is what nginx has made of it, and 0 is
 * returned: it has no escapes.
 */

static ngx_uint_t
ngx_http_clarity_api_path(
    ngx_http_request_t *r, ngx_str_t *prefix, ngx_str_t *path)
{
    u_char    *p, *last;
    ngx_uint_t escaped;

    escaped = 1;
    p = r->unparsed_uri.data;
    last = ngx_strlchr(p, p + r->unparsed_uri.len, '?');

    if (last == NULL) {
        last = p + r->unparsed_uri.len;
    }

    if ((size_t) (last - p) < prefix->len
        || ngx_memcmp(p, prefix->data, prefix->len) != 0)
    {
        p = r->uri.data;
        last = p + r->uri.len;
        escaped = 0;
    }

    path->data = p + prefix->len;
    path->len = last - path->data;

    return escaped;
}


/* NGX_OK, or the status to refuse with. */

static ngx_int_t
ngx_http_clarity_api_unescape(ngx_http_request_t *r, ngx_str_t *id)
{
    u_char *to, *from;

    if (id->len == 0) {
        return NGX_OK;
    }

    from = id->data;
    to = ngx_pnalloc(r->pool, id->len);

    if (to == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    id->data = to;
    ngx_unescape_uri(&to, &from, id->len, 0);
    id->len = to - id->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_clarity_api_path_matches(
    ngx_str_t *pattern, ngx_str_t *path, ngx_str_t *id)
{
    u_char    *star, *p, *last;
    size_t     head;

    star = ngx_strlchr(pattern->data, pattern->data + pattern->len, '*');

    if (star == NULL) {
        return pattern->len == path->len
            && ngx_memcmp(pattern->data, path->data, path->len) == 0;
    }

    head = star - pattern->data;

    if (path->len <= head
        || ngx_memcmp(pattern->data, path->data, head) != 0)
    {
        return 0;
    }

    p = path->data + head;
    last = path->data + path->len;

    id->data = p;

    while (p < last && *p != '/') {
        p++;
    }

    id->len = p - id->data;
    star++;

    return id->len != 0
        && (size_t) (last - p)
            == (size_t) (pattern->data + pattern->len - star)
        && ngx_memcmp(p, star, last - p) == 0;
}


static void
ngx_http_clarity_api_body_handler(ngx_http_request_t *r)
{
    clarity_str_t           text, none = { NULL, 0 };
    clarity_error_t         error;
    ngx_pool_cleanup_t     *cln;
    ngx_http_clarity_api_t *api;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    api = ctx->api;

    if (r->method & (NGX_HTTP_POST | NGX_HTTP_PATCH)) {

        if (ngx_http_clarity_body(r, &text) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        if (text.len > NGX_HTTP_CLARITY_API_BODY) {
            ngx_http_finalize_request(r,
                ngx_http_clarity_api_problem(r,
                    NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "payload_too_large",
                    "The body is longer than 64 KB.", none));
            return;
        }

        api->body = clarity_json_parse(text, "body",
            CLARITY_JSON_UNIQUE_NAMES, &error);

        if (api->body == NULL) {
            ngx_http_finalize_request(r,
                ngx_http_clarity_api_problem(r, NGX_HTTP_BAD_REQUEST,
                    "json_invalid", error.text, none));
            return;
        }

        cln = ngx_pool_cleanup_add(r->pool, 0);
        if (cln == NULL) {
            clarity_json_free(api->body);
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        cln->handler = ngx_http_clarity_api_free_body;
        cln->data = api->body;
    }

    ngx_http_clarity_api_load(r, api);
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
    const char *code, const char *detail, clarity_str_t members)
{
    const char   *p;
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_buf_addf(&buf,
        "{\"type\":\"urn:problem-type:clarity:%s\",\"title\":\"", code);

    for (p = code; *p; p++) {
        clarity_buf_addf(&buf, "%c",
            *p == '_' ? ' ' : p == code ? ngx_toupper(*p) : *p);
    }

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

    return ngx_http_clarity_api_send(r, status, &buf);
}


static ngx_int_t
ngx_http_clarity_api_header(
    ngx_http_request_t *r, const char *name, ngx_str_t value)
{
    return ngx_http_clarity_add_header(r, name, &value);
}
