/*
 * The query of a GET webhook holds its context, so it is cut from $request and
 * from the lines of the error log: "GET /hook HTTP/1.1". $args, $request_uri
 * and the debug log keep it.
 *
 * Which location a request is for is known late, and forgotten when error_page
 * leads it to another. So r->log_handler, which outlives that, is the mark:
 *
 *   nginx's own  no phase was reached: nginx could not take the request
 *   _log_early   the location has not been looked at yet
 *   _log_hidden  a location that hides its queries has been reached
 *   _log_shown   none of these has
 *
 * Only the last shows the query, unless the server has no such location. Where
 * no phase was reached, the connection's log has a handler of ours before
 * nginx's own; no module is asked earlier than when a connection is accepted.
 */

#include "ngx_http_clarity_webhook_module.h"


static void ngx_http_clarity_init_connection(ngx_connection_t *c);
static u_char *ngx_http_clarity_log_connection(
    ngx_log_t *log, u_char *buf, size_t len);
static ngx_uint_t ngx_http_clarity_has_mark(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_server_rewrite_handler(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_rewrite_handler(ngx_http_request_t *r);
static void ngx_http_clarity_mark(
    ngx_http_request_t *r, ngx_http_log_handler_pt handler);
static u_char *ngx_http_clarity_log_early(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
static u_char *ngx_http_clarity_log_hidden(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
static u_char *ngx_http_clarity_log_shown(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
static ngx_int_t ngx_http_clarity_request_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_clarity_is_hidden(ngx_http_request_t *r);
static ngx_uint_t ngx_http_clarity_server_hides(ngx_http_request_t *r);
static size_t ngx_http_clarity_cut_line(
    u_char *to, size_t size, const ngx_str_t *line);


/* nginx's own, which ours call */
static ngx_log_handler_pt         ngx_http_clarity_next_connection_log;
static ngx_http_log_handler_pt    ngx_http_clarity_next_log_handler;
static ngx_http_get_variable_pt   ngx_http_clarity_next_request;


/* While locations are merged: this one hides its queries. */

void
ngx_http_clarity_hide_query(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_http_core_srv_conf_t     *cscf;
    ngx_http_clarity_loc_conf_t  *server;
    ngx_http_clarity_main_conf_t *cmcf;

    if (!conf->webhooks && conf->webhook.method != NGX_HTTP_GET) {
        return;
    }

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    server = cscf->ctx->loc_conf[ngx_http_clarity_webhook_module.ctx_index];

    conf->hides_query = 1;
    server->location_hides = 1;
    cmcf->location_hides = 1;
}


/*
 * $request is nginx's, and not one that may be added again: its handler is
 * replaced. Called while variables can still be added.
 */

ngx_int_t
ngx_http_clarity_replace_request(ngx_conf_t *cf)
{
    ngx_uint_t                 i;
    ngx_hash_key_t            *key;
    ngx_http_variable_t       *var;
    ngx_http_core_main_conf_t *cmcf;

    static ngx_str_t name = ngx_string("request");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {

        if (key[i].key.len == name.len
            && ngx_strncmp(key[i].key.data, name.data, name.len) == 0)
        {
            var = key[i].value;

            ngx_http_clarity_next_request = var->get_handler;
            var->get_handler = ngx_http_clarity_request_variable;

            return NGX_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "there is no \"$request\"");

    return NGX_ERROR;
}


/* Registered last, handlers of these phases run first. */

ngx_int_t
ngx_http_clarity_hide_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *handler;
    ngx_http_core_main_conf_t    *core;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (!cmcf->location_hides) {
        return NGX_OK;
    }

    core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(
        &core->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_clarity_server_rewrite_handler;

    handler = ngx_array_push(&core->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_clarity_rewrite_handler;

    return NGX_OK;
}


/* When the configuration is taken: of each socket that HTTP comes by. */

void
ngx_http_clarity_hide_listen(ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_listening_t              *ls;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
        ngx_http_clarity_webhook_module);

    if (cmcf == NULL || !cmcf->location_hides) {
        return;
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {
        if (ls[i].handler == ngx_http_init_connection) {
            ls[i].handler = ngx_http_clarity_init_connection;
        }
    }
}


static void
ngx_http_clarity_init_connection(ngx_connection_t *c)
{
    /* what has come with it ("listen … deferred") would be served at once */
    c->read->ready = 0;

    ngx_http_init_connection(c);

    if (c->fd == (ngx_socket_t) -1) {
        /* it has been closed, for want of memory */
        return;
    }

    ngx_http_clarity_next_connection_log = c->log->handler;
    c->log->handler = ngx_http_clarity_log_connection;
}


static u_char *
ngx_http_clarity_log_connection(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_str_t            line, whole;
    ngx_http_log_ctx_t  *ctx;
    ngx_http_request_t  *r;
    u_char               cut[NGX_MAX_ERROR_STR];

    ctx = log->data;
    r = ctx->request;

    if (r == NULL || ngx_http_clarity_has_mark(r)
        || !ngx_http_clarity_server_hides(r))
    {
        return ngx_http_clarity_next_connection_log(log, buf, len);
    }

    line = r->request_line;
    whole = line;

    if (line.data == NULL && r->request_start) {

        /* as nginx finds it, when the line has not been read to its end */

        for (p = r->request_start; p < r->header_in->last; p++) {
            if (*p == CR || *p == LF) {
                break;
            }
        }

        whole.data = r->request_start;
        whole.len = p - r->request_start;
    }

    if (whole.len) {
        r->request_line.len = ngx_http_clarity_cut_line(cut, sizeof(cut),
            &whole);
        r->request_line.data = cut;
    }

    p = ngx_http_clarity_next_connection_log(log, buf, len);

    r->request_line = line;

    return p;
}


static ngx_uint_t
ngx_http_clarity_has_mark(ngx_http_request_t *r)
{
    return r->log_handler == ngx_http_clarity_log_early
        || r->log_handler == ngx_http_clarity_log_hidden
        || r->log_handler == ngx_http_clarity_log_shown;
}


static ngx_int_t
ngx_http_clarity_server_rewrite_handler(ngx_http_request_t *r)
{
    if (r != r->main || r->log_handler == ngx_http_clarity_log_hidden
        || r->log_handler == ngx_http_clarity_log_shown)
    {
        return NGX_DECLINED;
    }

    if (!ngx_http_clarity_server_hides(r)) {
        ngx_http_clarity_mark(r, ngx_http_clarity_log_shown);

    } else if (r->internal) {
        /* refused before its location was looked at, and led elsewhere */
        ngx_http_clarity_mark(r, ngx_http_clarity_log_hidden);

    } else {
        ngx_http_clarity_mark(r, ngx_http_clarity_log_early);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_clarity_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t    *core;
    ngx_http_clarity_loc_conf_t *clcf;

    if (r != r->main || r->log_handler == ngx_http_clarity_log_hidden) {
        return NGX_DECLINED;
    }

    core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (clcf->hides_query) {
        ngx_http_clarity_mark(r, ngx_http_clarity_log_hidden);

    } else if (r->log_handler != ngx_http_clarity_log_shown) {

        /* a named location is not where the request was sent to */
        ngx_http_clarity_mark(r,
            core->named && ngx_http_clarity_server_hides(r)
                ? ngx_http_clarity_log_hidden
                : ngx_http_clarity_log_shown);
    }

    return NGX_DECLINED;
}


static void
ngx_http_clarity_mark(
    ngx_http_request_t *r, ngx_http_log_handler_pt handler)
{
    if (r->log_handler != ngx_http_clarity_log_early
        && r->log_handler != ngx_http_clarity_log_shown)
    {
        ngx_http_clarity_next_log_handler = r->log_handler;
    }

    r->log_handler = handler;
}


static u_char *
ngx_http_clarity_log_early(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    return ngx_http_clarity_log_hidden(r, sr, buf, len);
}


static u_char *
ngx_http_clarity_log_hidden(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char    *p, *query;
    ngx_str_t  line, uri;
    u_char     cut[NGX_MAX_ERROR_STR];

    line = r->request_line;

    if (line.len) {
        r->request_line.len = ngx_http_clarity_cut_line(cut, sizeof(cut),
            &line);
        r->request_line.data = cut;
    }

    /* mirror passes the query on, to where proxy_pass shows it */

    ngx_str_null(&uri);

    if (sr->upstream) {
        uri = sr->upstream->uri;
        query = ngx_strlchr(uri.data, uri.data + uri.len, '?');

        if (query) {
            sr->upstream->uri.len = query - uri.data;
        }
    }

    p = ngx_http_clarity_next_log_handler(r, sr, buf, len);

    if (sr->upstream) {
        sr->upstream->uri = uri;
    }

    r->request_line = line;

    return p;
}


static u_char *
ngx_http_clarity_log_shown(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    return ngx_http_clarity_next_log_handler(r, sr, buf, len);
}


static ngx_int_t
ngx_http_clarity_request_variable(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char    *p;
    ngx_int_t  rc;
    ngx_str_t  line;

    rc = ngx_http_clarity_next_request(r, v, data);

    if (rc != NGX_OK || v->not_found || !ngx_http_clarity_is_hidden(r->main)) {
        return rc;
    }

    line.data = v->data;
    line.len = v->len;

    p = ngx_pnalloc(r->pool, line.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_http_clarity_cut_line(p, line.len, &line);
    v->data = p;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_clarity_is_hidden(ngx_http_request_t *r)
{
    if (r->log_handler == ngx_http_clarity_log_hidden
        || r->log_handler == ngx_http_clarity_log_early)
    {
        return 1;
    }

    if (r->log_handler == ngx_http_clarity_log_shown) {
        return 0;
    }

    return ngx_http_clarity_server_hides(r);
}


/* Of a request that has not told its host, any server may be meant. */

static ngx_uint_t
ngx_http_clarity_server_hides(ngx_http_request_t *r)
{
    ngx_http_core_srv_conf_t     *cscf;
    ngx_http_clarity_loc_conf_t  *server;
    ngx_http_clarity_main_conf_t *cmcf;

    if (r->headers_in.server.len == 0) {
        cmcf = ngx_http_get_module_main_conf(r,
            ngx_http_clarity_webhook_module);

        return cmcf->location_hides;
    }

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    server = cscf->ctx->loc_conf[ngx_http_clarity_webhook_module.ctx_index];

    return server->location_hides;
}


/*
 * The line without its query, as far as there is room. Of a line that does not
 * end as one should, all behind the '?' may be the query; one that does not
 * begin as one should may be a body that came without its length.
 */

static size_t
ngx_http_clarity_cut_line(u_char *to, size_t size, const ngx_str_t *line)
{
    u_char    *p, *last, *query;
    ngx_str_t  protocol;

    last = line->data + line->len;

    for (p = line->data; p < last; p++) {
        if ((*p < 'A' || *p > 'Z') && *p != '_' && *p != '-') {
            break;
        }
    }

    if (p == line->data || p == last || *p != ' ') {
        return 0;
    }

    query = ngx_strlchr(line->data, last, '?');

    if (query == NULL) {
        query = last;
    }

    protocol.data = last;
    protocol.len = 0;

    if (last - query > 9) {
        p = last - 9; /* " HTTP/1.1" */

        if (ngx_strncmp(p, " HTTP/", 6) == 0 && p[7] == '.') {
            protocol.data = p;
            protocol.len = last - p;
        }
    }

    p = ngx_cpymem(to, line->data,
        ngx_min((size_t) (query - line->data), size));

    return ngx_cpymem(p, protocol.data,
               ngx_min(protocol.len, size - (p - to)))
        - to;
}
