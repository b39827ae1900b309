/*
 * From an address to what is done there.
 *
 * The path is taken as it was sent and decoded segment by segment, since the
 * id of a webhook of nginx.conf holds its name, which may hold '/' and
 * spaces: webhooks/conf%3APOST%20%2Fhooks%2Fa/activity.
 */

#include "ngx_http_clarity_api.h"


#define NGX_HTTP_CLARITY_SEGMENTS 3 /* of the longest path */


typedef struct {
    ngx_uint_t              method;
    ngx_str_t               method_name;
    const char             *segments[NGX_HTTP_CLARITY_SEGMENTS];
    ngx_uint_t              needs;
    ngx_http_clarity_api_pt act;
} ngx_http_clarity_route_t;


static ngx_int_t ngx_http_clarity_api_segments(ngx_http_request_t *r,
    ngx_str_t *segments, ngx_uint_t *n);
static ngx_uint_t ngx_http_clarity_api_path_matches(
    ngx_http_clarity_route_t *route, ngx_str_t *segments, ngx_uint_t n);
static void ngx_http_clarity_api_find_conf(ngx_http_clarity_api_t *api);


#define WEBHOOK   NGX_HTTP_CLARITY_NEED_WEBHOOK
#define IF_NEW    NGX_HTTP_CLARITY_NEED_IF_NEW
#define ALL       NGX_HTTP_CLARITY_NEED_ALL
#define WORKFLOWS NGX_HTTP_CLARITY_NEED_WORKFLOWS
#define INSTANCES NGX_HTTP_CLARITY_NEED_INSTANCES
#define NO_BODY   NGX_HTTP_CLARITY_MAY_BE_EMPTY

/* "*" stands for an id. */

static ngx_http_clarity_route_t ngx_http_clarity_routes[] = {

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "triggers" },
      WORKFLOWS, ngx_http_clarity_api_triggers },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "workflows" },
      WORKFLOWS, ngx_http_clarity_api_workflows },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "webhooks" },
      ALL | WORKFLOWS | INSTANCES, ngx_http_clarity_api_list },

    { NGX_HTTP_POST, ngx_string("POST"), { "webhooks" },
      WORKFLOWS | INSTANCES, ngx_http_clarity_api_create },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "webhooks", "*" },
      WEBHOOK | WORKFLOWS | INSTANCES, ngx_http_clarity_api_get },

    { NGX_HTTP_PATCH, ngx_string("PATCH"), { "webhooks", "*" },
      WEBHOOK | WORKFLOWS | INSTANCES, ngx_http_clarity_api_patch },

    { NGX_HTTP_DELETE, ngx_string("DELETE"), { "webhooks", "*" },
      WEBHOOK, ngx_http_clarity_api_delete },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "webhooks", "*", "token" },
      WEBHOOK, ngx_http_clarity_api_token },

    { NGX_HTTP_POST, ngx_string("POST"), { "webhooks", "*", "rotate" },
      WEBHOOK | NO_BODY, ngx_http_clarity_api_rotate },

    { NGX_HTTP_POST, ngx_string("POST"), { "webhooks", "*", "revoke" },
      WEBHOOK | WORKFLOWS | INSTANCES, ngx_http_clarity_api_revoke },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "webhooks", "*", "activity" },
      IF_NEW, ngx_http_clarity_api_activity },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "jobs" },
      0, ngx_http_clarity_api_jobs },

    { NGX_HTTP_GET, ngx_string("GET, HEAD"), { "jobs", "*" },
      0, ngx_http_clarity_api_job },

    { NGX_HTTP_POST, ngx_string("POST"), { "jobs", "*", "retry" },
      NO_BODY, ngx_http_clarity_api_retry },

    { 0, ngx_null_string, { NULL }, 0, NULL }
};


ngx_int_t
ngx_http_clarity_api_route(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, ngx_str_t *allow)
{
    u_char                   *p;
    ngx_str_t                 segments[NGX_HTTP_CLARITY_SEGMENTS];
    ngx_int_t                 rc;
    ngx_uint_t                n, method;
    ngx_http_clarity_route_t *route;

    rc = ngx_http_clarity_api_segments(r, segments, &n);
    if (rc != NGX_OK) {
        return rc;
    }

    /* RFC 9110, 9.3.2: the same, without a body */
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    p = ngx_pnalloc(r->pool, sizeof("GET, HEAD, POST, PATCH, DELETE"));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allow->data = p;

    for (route = ngx_http_clarity_routes; route->act; route++) {

        if (!ngx_http_clarity_api_path_matches(route, segments, n)) {
            continue;
        }

        if (route->method != method) {
            p = ngx_sprintf(p, "%s%V", p == allow->data ? "" : ", ",
                &route->method_name);
            continue;
        }

        api->act = route->act;
        api->needs = route->needs & ~NO_BODY;
        api->may_be_empty = (route->needs & NO_BODY) != 0;

        if (n > 1) {
            api->id = segments[1];
            ngx_http_clarity_api_find_conf(api);
        }

        return NGX_OK;
    }

    allow->len = p - allow->data;

    return allow->len ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_NOT_FOUND;
}


/*
 * What follows the location's prefix. nginx has resolved and decoded r->uri;
 * what was sent is known unless it was rewritten on its way here.
 */

static ngx_int_t
ngx_http_clarity_api_segments(
    ngx_http_request_t *r, ngx_str_t *segments, ngx_uint_t *n)
{
    u_char                   *p, *last, *dst, *src, *end;
    ngx_str_t                *sent;
    ngx_uint_t                is_sent;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    sent = &r->unparsed_uri;

    is_sent = r->valid_unparsed_uri && sent->len >= clcf->name.len
        && ngx_memcmp(sent->data, clcf->name.data, clcf->name.len) == 0;

    p = (is_sent ? sent->data : r->uri.data) + clcf->name.len;
    last = is_sent ? sent->data + sent->len : r->uri.data + r->uri.len;

    if (is_sent) {
        for (end = p; end < last && *end != '?' && *end != '#'; end++) {
            /* void */
        }

        last = end;
    }

    for (*n = 0; *n < NGX_HTTP_CLARITY_SEGMENTS; (*n)++) {

        for (end = p; end < last && *end != '/'; end++) {
            /* void */
        }

        segments[*n].data = p;
        segments[*n].len = end - p;

        if (is_sent) {
            dst = ngx_pnalloc(r->pool, end - p + 1);
            if (dst == NULL) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            segments[*n].data = dst;
            src = p;
            ngx_unescape_uri(&dst, &src, end - p, 0);
            segments[*n].len = dst - segments[*n].data;
        }

        if (segments[*n].len == 0) {
            return NGX_HTTP_NOT_FOUND;
        }

        if (end == last) {
            (*n)++;
            return NGX_OK;
        }

        p = end + 1;
    }

    return NGX_HTTP_NOT_FOUND;
}


static ngx_uint_t
ngx_http_clarity_api_path_matches(
    ngx_http_clarity_route_t *route, ngx_str_t *segments, ngx_uint_t n)
{
    ngx_uint_t  i;
    const char *expected;

    for (i = 0; i < NGX_HTTP_CLARITY_SEGMENTS; i++) {
        expected = route->segments[i];

        if (expected == NULL || i == n) {
            return expected == NULL && i == n;
        }

        if (expected[0] != '*'
            && !clarity_str_is(
                (clarity_str_t){ (char *) segments[i].data, segments[i].len },
                expected))
        {
            return 0;
        }
    }

    return i == n;
}


/* One of nginx.conf needs nothing of Redis but who serves it. */

static void
ngx_http_clarity_api_find_conf(ngx_http_clarity_api_t *api)
{
    ngx_str_t                     name, *known;
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **conf;

    if (api->id.len <= 5 || ngx_strncmp(api->id.data, "conf:", 5) != 0) {
        return;
    }

    api->needs &= ~(WEBHOOK | IF_NEW);

    name.data = api->id.data + 5;
    name.len = api->id.len - 5;

    conf = api->cmcf->webhooks.elts;

    for (i = 0; i < api->cmcf->webhooks.nelts; i++) {
        known = &conf[i]->webhook.name;

        if (known->len == name.len
            && ngx_memcmp(known->data, name.data, name.len) == 0)
        {
            api->conf = conf[i];
        }
    }
}
