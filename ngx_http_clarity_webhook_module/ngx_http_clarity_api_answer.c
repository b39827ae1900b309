/*
 * The API's answers that change nothing: webhooks and their activity.
 */

#include "ngx_http_clarity_api.h"

#include "job/member.h"
#include "webhook/base64.h"


#define NGX_HTTP_CLARITY_PAGE     50  /* webhooks in one answer */
#define NGX_HTTP_CLARITY_PAGE_MAX 200


/* A page of the list. */
typedef struct {
    size_t limit;
    size_t conf; /* the first one of nginx.conf, by its index */
    size_t made; /* the first one of api->webhooks */
} ngx_http_clarity_page_t;


static ngx_int_t ngx_http_clarity_api_page(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_page_t *page);
static ngx_int_t ngx_http_clarity_api_cursor(
    ngx_http_request_t *r, ngx_str_t *after);
static void ngx_http_clarity_api_add_cursor(
    clarity_buf_t *buf, const clarity_buf_t *place);
static ngx_int_t ngx_http_clarity_api_page_after(ngx_http_clarity_api_t *api,
    ngx_str_t *after, ngx_http_clarity_page_t *page);
static void ngx_http_clarity_api_list_page(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_page_t *page);
static void ngx_http_clarity_api_list_unreadable(
    ngx_http_clarity_api_t *api, clarity_buf_t *buf);
static int ngx_libc_cdecl ngx_http_clarity_by_endpoint(
    const void *one, const void *two);


/*
 * Those of nginx.conf come first, then those of Redis by endpoint and method.
 * `next` is the place of the last one of a page, not its id, so that pages
 * follow each other also when that one is deleted meanwhile.
 */

ngx_int_t
ngx_http_clarity_api_list(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t               rc;
    clarity_buf_t           buf;
    ngx_http_clarity_page_t page;

    qsort(api->webhooks, api->nwebhooks, sizeof(clarity_webhook_t),
        ngx_http_clarity_by_endpoint);

    rc = ngx_http_clarity_api_page(r, api, &page);

    if (rc == NGX_DECLINED) {
        return ngx_http_clarity_api_problem(r, 422, "invalid",
            "\"limit\" is to be a number from 1 to 200, and \"after\" the "
            "\"next\" of the page before.");
    }

    if (rc != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    ngx_http_clarity_api_list_page(r, api, &buf, &page);

    clarity_buf_addf(&buf, ",\"revision\":%llu",
        (unsigned long long) api->revision);
    ngx_http_clarity_api_list_unreadable(api, &buf);
    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


/* NGX_OK, NGX_ERROR; NGX_DECLINED: the query is not good. */

static ngx_int_t
ngx_http_clarity_api_page(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    ngx_http_clarity_page_t *page)
{
    ngx_int_t rc, limit;
    ngx_str_t value;

    page->limit = NGX_HTTP_CLARITY_PAGE;
    page->conf = 0;
    page->made = 0;

    rc = ngx_http_clarity_api_arg(r, (ngx_str_t) ngx_string("limit"), &value);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        limit = ngx_atoi(value.data, value.len);

        if (limit < 1 || limit > NGX_HTTP_CLARITY_PAGE_MAX) {
            return NGX_DECLINED;
        }

        page->limit = limit;
    }

    rc = ngx_http_clarity_api_arg(r, (ngx_str_t) ngx_string("after"), &value);

    if (rc == NGX_OK) {
        rc = ngx_http_clarity_api_cursor(r, &value);

        return rc == NGX_OK ? ngx_http_clarity_api_page_after(api, &value, page)
                            : rc;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* Decodes it, in place of what came. NGX_DECLINED: it is none of ours. */

static ngx_int_t
ngx_http_clarity_api_cursor(ngx_http_request_t *r, ngx_str_t *after)
{
    size_t  n;
    u_char *bytes;

    bytes = ngx_pnalloc(r->pool, after->len + 1);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    if (!clarity_base64_decode(CLARITY_BASE64URL,
            (clarity_str_t){ (char *) after->data, after->len }, bytes,
            after->len, &n))
    {
        return NGX_DECLINED;
    }

    after->data = bytes;
    after->len = n;

    return NGX_OK;
}


/* A place as people may paste it into an address. */

static void
ngx_http_clarity_api_add_cursor(clarity_buf_t *buf, const clarity_buf_t *place)
{
    char  *p;
    size_t len;

    len = CLARITY_BASE64URL_LEN(place->len);

    p = place->failed ? NULL : clarity_buf_reserve(buf, len + 2);
    if (p == NULL) {
        buf->failed = true;
        return;
    }

    p[0] = '"';
    clarity_base64url_encode((u_char *) place->data, place->len, p + 1);
    p[len + 1] = '"';

    buf->len += len + 2;
}


/*
 * "conf:NAME" or "METHOD endpoint", decoded. Where nginx.conf does not have the name
 * any more, its webhooks begin anew.
 */

static ngx_int_t
ngx_http_clarity_api_page_after(ngx_http_clarity_api_t *api,
    ngx_str_t *after, ngx_http_clarity_page_t *page)
{
    int                           order;
    size_t                        i;
    u_char                       *space;
    ngx_str_t                    *name;
    clarity_str_t                 method, endpoint;
    ngx_http_clarity_loc_conf_t **conf;

    if (after->len >= 5 && ngx_strncmp(after->data, "conf:", 5) == 0) {
        conf = api->cmcf->webhooks.elts;

        for (i = 0; i < api->cmcf->webhooks.nelts; i++) {
            name = &conf[i]->webhook.name;

            if (name->len == after->len - 5
                && ngx_memcmp(name->data, after->data + 5, name->len) == 0)
            {
                page->conf = i + 1;
            }
        }

        return NGX_OK;
    }

    space = ngx_strlchr(after->data, after->data + after->len, ' ');

    if (space == NULL) {
        return NGX_DECLINED;
    }

    page->conf = api->cmcf->webhooks.nelts;

    method.data = (char *) after->data;
    method.len = space - after->data;
    endpoint.data = (char *) space + 1;
    endpoint.len = after->len - method.len - 1;

    for (i = 0; i < api->nwebhooks; i++) {
        order = clarity_str_cmp(clarity_str(api->webhooks[i].endpoint),
            endpoint);

        if (order == 0) {
            order = clarity_str_cmp(clarity_str(api->webhooks[i].method),
                method);
        }

        if (order > 0) {
            break;
        }
    }

    page->made = i;

    return NGX_OK;
}


/* A '+' is a space. */

ngx_int_t
ngx_http_clarity_api_arg(
    ngx_http_request_t *r, ngx_str_t name, ngx_str_t *value)
{
    size_t    i;
    u_char   *dst, *src;
    ngx_str_t raw;

    if (ngx_http_arg(r, name.data, name.len, &raw) != NGX_OK) {
        return NGX_DECLINED;
    }

    src = ngx_pnalloc(r->pool, 2 * raw.len + 1);
    if (src == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < raw.len; i++) {
        src[i] = raw.data[i] == '+' ? ' ' : raw.data[i];
    }

    dst = src + raw.len;
    value->data = dst;

    ngx_unescape_uri(&dst, &src, raw.len, 0);

    value->len = dst - value->data;

    return NGX_OK;
}


static void
ngx_http_clarity_api_list_page(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_page_t *page)
{
    size_t                        i, k, n;
    clarity_buf_t                 next;
    ngx_http_clarity_loc_conf_t **conf;

    conf = api->cmcf->webhooks.elts;
    n = 0;

    ngx_memzero(&next, sizeof(clarity_buf_t));

    clarity_buf_addz(buf, "{\"webhooks\":[");

    for (i = page->conf; i < api->cmcf->webhooks.nelts && n < page->limit;
         i++)
    {
        clarity_buf_addz(buf, n++ ? "," : "");
        ngx_http_clarity_show_conf_webhook(r, api, buf, conf[i]);
        clarity_buf_addz(buf, "}");
    }

    for (k = page->made; k < api->nwebhooks && n < page->limit; k++) {
        clarity_buf_addz(buf, n++ ? "," : "");
        ngx_http_clarity_show_webhook(r, api, buf, &api->webhooks[k], 0);
        clarity_buf_addz(buf, "}");
    }

    clarity_buf_addz(buf, "],\"next\":");

    if (i == api->cmcf->webhooks.nelts && k == api->nwebhooks) {
        clarity_buf_addz(buf, "null");
        return;
    }

    if (k > page->made) {
        clarity_buf_addf(&next, "%s %s", api->webhooks[k - 1].method,
            api->webhooks[k - 1].endpoint);

    } else {
        clarity_buf_addz(&next, "conf:");
        clarity_buf_add(&next,
            (clarity_str_t){ (char *) conf[i - 1]->webhook.name.data,
                conf[i - 1]->webhook.name.len });
    }

    ngx_http_clarity_api_add_cursor(buf, &next);
    clarity_buf_free(&next);
}


/* They would be missed in the list, and nobody would know. */

static void
ngx_http_clarity_api_list_unreadable(
    ngx_http_clarity_api_t *api, clarity_buf_t *buf)
{
    ngx_uint_t                     i;
    ngx_http_clarity_unreadable_t *unreadable;

    unreadable = api->unreadable.elts;

    clarity_buf_addz(buf, ",\"unreadable\":[");

    for (i = 0; i < api->unreadable.nelts; i++) {
        clarity_buf_addz(buf, i ? ",{\"id\":" : "{\"id\":");
        ngx_http_clarity_api_add_text(buf, &unreadable[i].id);
        clarity_buf_addz(buf, ",\"reason\":");
        clarity_buf_add_json(buf, clarity_str(unreadable[i].why.text));
        clarity_buf_addz(buf, "}");
    }

    clarity_buf_addz(buf, "]");
}


ngx_int_t
ngx_http_clarity_api_get(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_buf_t buf;

    if (api->conf) {
        ngx_memzero(&buf, sizeof(clarity_buf_t));

        ngx_http_clarity_show_conf_webhook(r, api, &buf, api->conf);
        clarity_buf_addz(&buf, "}");

        return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
    }

    if (api->webhook == NULL) {
        return ngx_http_clarity_api_no_webhook(r);
    }

    return ngx_http_clarity_api_send_webhook(r, api, api->webhook,
        NGX_HTTP_OK);
}


ngx_int_t
ngx_http_clarity_api_send_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook,
    ngx_uint_t status)
{
    clarity_buf_t buf;

    if (ngx_http_clarity_api_add_etag(r, webhook->revision) != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    ngx_http_clarity_show_webhook(r, api, &buf, webhook, 1);

    if (api->token[0]) {
        clarity_buf_addf(&buf, ",\"token\":\"%s\"", api->token);
    }

    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, status, &buf);
}


ngx_int_t
ngx_http_clarity_api_add_etag(ngx_http_request_t *r, uint64_t revision)
{
    ngx_str_t etag;

    etag.data = ngx_pnalloc(r->pool, NGX_INT64_LEN + 2);
    if (etag.data == NULL) {
        return NGX_ERROR;
    }

    etag.len = ngx_sprintf(etag.data, "\"%uL\"", revision) - etag.data;

    return ngx_http_clarity_add_header(r, "ETag", &etag);
}


ngx_int_t
ngx_http_clarity_api_send_token(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook)
{
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_buf_addf(&buf, "{\"token\":\"%s\",\"id\":\"%s\"", api->token,
        webhook->tokens[0].id);
    clarity_member_time(&buf, "created_at", webhook->tokens[0].created_at);
    clarity_member_time(&buf, "previous_expires_at",
        webhook->ntokens > 1 ? webhook->tokens[1].expires_at : 0);
    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


ngx_int_t
ngx_http_clarity_api_activity(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_str_t                name;
    ngx_uint_t               i, n;
    clarity_buf_t            buf;
    ngx_slab_pool_t         *pool;
    ngx_http_clarity_event_t *events;

    name = api->id;

    if (api->conf) {
        name = api->conf->webhook.name;

    } else if (api->webhook == NULL
               && !ngx_http_clarity_registry_knows(api->cmcf, &api->id))
    {
        return ngx_http_clarity_api_no_webhook(r);
    }

    events = ngx_palloc(r->pool, NGX_HTTP_CLARITY_ACTIVITY
            * sizeof(ngx_http_clarity_event_t));
    if (events == NULL) {
        return ngx_http_clarity_api_internal(r);
    }

    pool = (ngx_slab_pool_t *) api->cmcf->zone->shm.addr;

    n = ngx_http_clarity_activity_get(api->cmcf->shared, pool, &name, events);

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_buf_addz(&buf, "{\"activity\":[");

    for (i = 0; i < n; i++) {
        clarity_buf_addz(&buf, i ? "," : "");
        ngx_http_clarity_show_event(&buf, &events[i]);
    }

    clarity_buf_addz(&buf, "]}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


static int ngx_libc_cdecl
ngx_http_clarity_by_endpoint(const void *one, const void *two)
{
    int                      order;
    const clarity_webhook_t *a = one;
    const clarity_webhook_t *b = two;

    order = clarity_str_cmp(clarity_str(a->endpoint),
        clarity_str(b->endpoint));

    return order ? order
                 : clarity_str_cmp(clarity_str(a->method),
                       clarity_str(b->method));
}
