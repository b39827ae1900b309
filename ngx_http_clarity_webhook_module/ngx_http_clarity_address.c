/*
 * At what address a webhook is called, for those who are shown it: that of
 * the request which asks, where its server is the webhook's, too; else that
 * which the webhook's server listens at and is named by.
 */

#include "ngx_http_clarity_api.h"


static void ngx_http_clarity_find_address(ngx_http_core_main_conf_t *core,
    ngx_http_clarity_loc_conf_t *conf);
static ngx_uint_t ngx_http_clarity_listens(ngx_http_conf_addr_t *addr,
    ngx_http_core_srv_conf_t *server);
static ngx_uint_t ngx_http_clarity_is_name(ngx_str_t *name);
static void ngx_http_clarity_add_own(
    ngx_http_request_t *r, clarity_buf_t *url);
static void ngx_http_clarity_add_other(ngx_http_request_t *r,
    clarity_buf_t *url, ngx_http_clarity_loc_conf_t *conf);


/* Postconfiguration: nginx drops what listens where soon after. */

void
ngx_http_clarity_find_addresses(
    ngx_conf_t *cf, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_uint_t                    i;
    ngx_http_core_main_conf_t    *core;
    ngx_http_clarity_loc_conf_t **conf;

    core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (core->ports == NULL) {
        return;
    }

    conf = cmcf->webhooks.elts;

    for (i = 0; i < cmcf->webhooks.nelts; i++) {
        ngx_http_clarity_find_address(core, conf[i]);
    }

    conf = cmcf->served.elts;

    for (i = 0; i < cmcf->served.nelts; i++) {
        ngx_http_clarity_find_address(core, conf[i]);
    }
}


/* TLS first: a token is nothing to be sent in clear. */

static void
ngx_http_clarity_find_address(
    ngx_http_core_main_conf_t *core, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_uint_t            i, k, ssl;
    ngx_http_conf_addr_t *addr;
    ngx_http_conf_port_t *port;

    port = core->ports->elts;

    for (i = 0; i < core->ports->nelts; i++) {

        if (port[i].family == AF_UNIX) {
            continue;
        }

        addr = port[i].addrs.elts;

        for (k = 0; k < port[i].addrs.nelts; k++) {
#if (NGX_HTTP_SSL)
            ssl = addr[k].opt.ssl;
#else
            ssl = 0;
#endif

            if ((conf->port == 0 || (ssl && !conf->ssl))
                && ngx_http_clarity_listens(&addr[k], conf->server))
            {
                conf->port = port[i].port;
                conf->ssl = ssl;
            }
        }
    }
}


static ngx_uint_t
ngx_http_clarity_listens(
    ngx_http_conf_addr_t *addr, ngx_http_core_srv_conf_t *server)
{
    ngx_uint_t                 i;
    ngx_http_core_srv_conf_t **servers;

    servers = addr->servers.elts;

    for (i = 0; i < addr->servers.nelts; i++) {
        if (servers[i] == server) {
            return 1;
        }
    }

    return 0;
}


/* conf NULL: another nginx serves it. */

void
ngx_http_clarity_api_add_url(ngx_http_request_t *r, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf, const char *endpoint)
{
    clarity_buf_t             url;
    ngx_http_core_srv_conf_t *server;

    if (conf == NULL) {
        clarity_buf_addz(buf, "null");
        return;
    }

    ngx_memzero(&url, sizeof(clarity_buf_t));

    server = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    if (server == conf->server || conf->port == 0) {
        ngx_http_clarity_add_own(r, &url);
    } else {
        ngx_http_clarity_add_other(r, &url, conf);
    }

    clarity_buf_add(&url, (clarity_str_t){ (char *) conf->location.data,
        conf->location.len });
    clarity_buf_addz(&url, endpoint);
    clarity_buf_add_json(buf, clarity_buf_str(&url));

    buf->failed |= url.failed;
    clarity_buf_free(&url);
}


static void
ngx_http_clarity_add_own(ngx_http_request_t *r, clarity_buf_t *url)
{
#if (NGX_HTTP_SSL)
    clarity_buf_addz(url, r->connection->ssl ? "https://" : "http://");
#else
    clarity_buf_addz(url, "http://");
#endif

    if (r->headers_in.host) {
        clarity_buf_add(url, (clarity_str_t){
            (char *) r->headers_in.host->value.data,
            r->headers_in.host->value.len });
    }
}


static void
ngx_http_clarity_add_other(ngx_http_request_t *r, clarity_buf_t *url,
    ngx_http_clarity_loc_conf_t *conf)
{
    ngx_str_t *name;

    name = &conf->server->server_name;

    if (!ngx_http_clarity_is_name(name)) {
        name = &r->headers_in.server; /* Host without its port */
    }

    clarity_buf_addz(url, conf->ssl ? "https://" : "http://");
    clarity_buf_add(url, (clarity_str_t){ (char *) name->data, name->len });

    if (conf->port != (conf->ssl ? 443 : 80)) {
        clarity_buf_addf(url, ":%u", (unsigned) conf->port);
    }
}


/* Not so: "", "_", "*.example.com", ".example.com", "~^hooks\d+$". */

static ngx_uint_t
ngx_http_clarity_is_name(ngx_str_t *name)
{
    size_t i;

    if (name->len == 0 || name->data[0] == '.' || name->data[0] == '~') {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        if (name->data[i] == '*') {
            return 0;
        }
    }

    return name->len != 1 || name->data[0] != '_';
}
