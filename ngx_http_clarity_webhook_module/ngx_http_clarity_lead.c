/*
 * Where nginx leads an address to, as ngx_http_core_module would find it for a
 * request: the longest prefix, what is nested in it, then regular expressions.
 */

#include "ngx_http_clarity_registry.h"


/* What the tree of prefixes gives. */
typedef enum {
    NGX_HTTP_CLARITY_LEAD_NONE,
    NGX_HTTP_CLARITY_LEAD_PREFIX,
    NGX_HTTP_CLARITY_LEAD_EXACT
} ngx_http_clarity_lead_t;


static ngx_uint_t ngx_http_clarity_lead(
    ngx_http_core_loc_conf_t **at, ngx_str_t *uri);
static ngx_http_clarity_lead_t ngx_http_clarity_lead_prefix(
    ngx_http_location_tree_node_t *node, ngx_str_t *uri,
    ngx_http_core_loc_conf_t **at);


ngx_http_core_loc_conf_t *
ngx_http_clarity_shadow(ngx_http_clarity_main_conf_t *cmcf,
    clarity_str_t endpoint)
{
    u_char                        text[NGX_HTTP_CLARITY_URI];
    ngx_str_t                     uri;
    ngx_uint_t                    i;
    ngx_http_core_loc_conf_t     *at;
    ngx_http_clarity_loc_conf_t **conf;

    conf = cmcf->served.elts;

    for (i = 0; i < cmcf->served.nelts; i++) {

        if (conf[i]->location.len + endpoint.len > sizeof(text)) {
            continue;
        }

        uri.data = text;
        uri.len = ngx_sprintf(text, "%V%*s", &conf[i]->location,
            endpoint.len, endpoint.data) - text;

        at = conf[i]->server->ctx->loc_conf[ngx_http_core_module.ctx_index];

        (void) ngx_http_clarity_lead(&at, &uri);

        if (at->loc_conf == NULL
            || at->loc_conf[ngx_http_clarity_webhook_module.ctx_index]
                != conf[i])
        {
            return at;
        }
    }

    return NULL;
}


/*
 * From *at to the location within it. 1: no regular expression of those around
 * it is to be looked at any more.
 */

static ngx_uint_t
ngx_http_clarity_lead(ngx_http_core_loc_conf_t **at, ngx_str_t *uri)
{
    ngx_uint_t                 noregex;
    ngx_http_clarity_lead_t    lead;
    ngx_http_core_loc_conf_t  *around;
#if (NGX_PCRE)
    ngx_http_core_loc_conf_t **regex;
#endif

    around = *at;
    noregex = 0;

    lead = ngx_http_clarity_lead_prefix(around->static_locations, uri, at);

    if (lead == NGX_HTTP_CLARITY_LEAD_EXACT) {
        return 1;
    }

    if (lead == NGX_HTTP_CLARITY_LEAD_PREFIX) {
#if (NGX_PCRE)
        noregex = (*at)->noregex;
#endif

        if (ngx_http_clarity_lead(at, uri)) {
            return 1;
        }
    }

#if (NGX_PCRE)

    if (noregex || around->regex_locations == NULL) {
        return 0;
    }

    for (regex = around->regex_locations; *regex; regex++) {

        if (ngx_regex_exec((*regex)->regex->regex, uri, NULL, 0)
            != NGX_REGEX_NO_MATCHED)
        {
            *at = *regex;
            (void) ngx_http_clarity_lead(at, uri);
            return 1;
        }
    }

#endif

    return 0;
}


static ngx_http_clarity_lead_t
ngx_http_clarity_lead_prefix(ngx_http_location_tree_node_t *node,
    ngx_str_t *uri, ngx_http_core_loc_conf_t **at)
{
    size_t                  len, n;
    u_char                 *p;
    ngx_int_t               order;
    ngx_http_clarity_lead_t lead;

    p = uri->data;
    len = uri->len;
    lead = NGX_HTTP_CLARITY_LEAD_NONE;

    while (node) {
        n = ngx_min(len, (size_t) node->len);
        order = ngx_filename_cmp(p, node->name, n);

        if (order != 0) {
            node = (order < 0) ? node->left : node->right;
            continue;
        }

        if (len > (size_t) node->len) {

            if (node->inclusive == NULL) {
                node = node->right;
                continue;
            }

            *at = node->inclusive;
            lead = NGX_HTTP_CLARITY_LEAD_PREFIX;

            node = node->tree;
            p += n;
            len -= n;
            continue;
        }

        if (len == (size_t) node->len) {
            *at = node->exact ? node->exact : node->inclusive;

            return node->exact ? NGX_HTTP_CLARITY_LEAD_EXACT
                               : NGX_HTTP_CLARITY_LEAD_PREFIX;
        }

        if (len + 1 == (size_t) node->len && node->auto_redirect) {
            /* 301, to the address with a slash */
            *at = node->exact ? node->exact : node->inclusive;
            return NGX_HTTP_CLARITY_LEAD_EXACT;
        }

        node = node->left;
    }

    return lead;
}
