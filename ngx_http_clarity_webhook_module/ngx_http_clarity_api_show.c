/*
 * The API's answers: webhooks and activity.
 */

#include "ngx_http_clarity_api.h"


#define NGX_HTTP_CLARITY_PAGE 100 /* webhooks in one answer */


static void ngx_http_clarity_show_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_settings(
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_rules(clarity_buf_t *buf,
    const clarity_context_rules_t *rules, ngx_uint_t status);
static void ngx_http_clarity_show_tokens(
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_conf_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf);
static void ngx_http_clarity_show_live(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, ngx_str_t *name, clarity_str_t trigger,
    uint64_t revision);
static void ngx_http_clarity_show_event(
    clarity_buf_t *buf, const ngx_http_clarity_event_t *event);
static void ngx_http_clarity_show_time(clarity_buf_t *buf, uint64_t ms);
static int ngx_libc_cdecl ngx_http_clarity_by_endpoint(
    const void *one, const void *two);


/* Those of nginx.conf come first, on the first page. */

ngx_int_t
ngx_http_clarity_api_list(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                        i, n, start;
    ngx_str_t                     after;
    ngx_uint_t                    k, comma;
    clarity_buf_t                 buf;
    ngx_http_clarity_loc_conf_t **conf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_buf_addz(&buf, "{\"webhooks\":[");

    comma = 0;
    start = 0;

    ngx_qsort(api->webhooks, api->nwebhooks, sizeof(clarity_webhook_t),
        ngx_http_clarity_by_endpoint);

    if (ngx_http_arg(r, (u_char *) "after", 5, &after) == NGX_OK) {
        for (i = 0; i < api->nwebhooks; i++) {
            if (clarity_str_eq(clarity_str(api->webhooks[i].id),
                    (clarity_str_t){ (char *) after.data, after.len }))
            {
                start = i + 1;
            }
        }

    } else {
        conf = api->cmcf->webhooks.elts;

        for (k = 0; k < api->cmcf->webhooks.nelts; k++) {
            clarity_buf_addz(&buf, comma++ ? "," : "");
            ngx_http_clarity_show_conf_webhook(r, api, &buf, conf[k]);
        }
    }

    n = ngx_min(api->nwebhooks - start, NGX_HTTP_CLARITY_PAGE);

    for (i = start; i < start + n; i++) {
        clarity_buf_addz(&buf, comma++ ? "," : "");
        ngx_http_clarity_show_webhook(r, api, &buf, &api->webhooks[i]);
        clarity_buf_addz(&buf, "}");
    }

    clarity_buf_addz(&buf, "],\"next\":");

    if (start + n < api->nwebhooks) {
        clarity_buf_add_json(&buf,
            clarity_str(api->webhooks[start + n - 1].id));
    } else {
        clarity_buf_addz(&buf, "null");
    }

    clarity_buf_addf(&buf, ",\"revision\":%llu}",
        (unsigned long long) api->revision);

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


ngx_int_t
ngx_http_clarity_api_get(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_buf_t                buf;
    ngx_http_clarity_loc_conf_t *conf;

    if (api->webhook) {
        return ngx_http_clarity_api_send_webhook(r, api, api->webhook,
            NGX_HTTP_OK);
    }

    conf = ngx_http_clarity_api_conf_webhook(api);

    if (conf == NULL) {
        return ngx_http_clarity_api_no_webhook(r);
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    ngx_http_clarity_show_conf_webhook(r, api, &buf, conf);

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


ngx_int_t
ngx_http_clarity_api_send_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook,
    ngx_uint_t status)
{
    u_char       *p;
    ngx_str_t     etag;
    clarity_buf_t buf;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + 2);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    etag.data = p;
    etag.len = ngx_sprintf(p, "\"%uL\"", webhook->revision) - p;

    if (ngx_http_clarity_add_header(r, "ETag", &etag) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    ngx_http_clarity_show_webhook(r, api, &buf, webhook);

    if (api->token[0]) {
        clarity_buf_addf(&buf, ",\"token\":\"%s\"", api->token);
    }

    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, status, &buf);
}


ngx_int_t
ngx_http_clarity_api_send_token(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook)
{
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_buf_addf(&buf, "{\"token\":\"%s\",\"id\":\"%s\","
        "\"created_at\":", api->token, webhook->tokens[0].id);
    ngx_http_clarity_show_time(&buf, webhook->tokens[0].created_at);
    clarity_buf_addz(&buf, ",\"previous_expires_at\":");
    ngx_http_clarity_show_time(&buf,
        webhook->ntokens > 1 ? webhook->tokens[1].expires_at : 0);
    clarity_buf_addz(&buf, "}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


ngx_int_t
ngx_http_clarity_api_activity(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_str_t                    name;
    ngx_uint_t                   i, n;
    clarity_buf_t                buf;
    ngx_slab_pool_t             *pool;
    ngx_http_clarity_event_t     accepted, refused, *events;
    ngx_http_clarity_loc_conf_t *conf;

    events = ngx_palloc(r->pool, NGX_HTTP_CLARITY_ACTIVITY
            * sizeof(ngx_http_clarity_event_t));
    if (events == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    conf = ngx_http_clarity_api_conf_webhook(api);

    if (conf) {
        name = conf->webhook.name;

    } else if (api->webhook) {
        name = api->id;

    } else {
        return ngx_http_clarity_api_no_webhook(r);
    }

    pool = (ngx_slab_pool_t *) api->cmcf->zone->shm.addr;

    n = ngx_http_clarity_activity_get(api->cmcf->shared, pool, &name, events,
        &accepted, &refused);

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_buf_addz(&buf, "{\"activity\":[");

    for (i = 0; i < n; i++) {
        clarity_buf_addz(&buf, i ? "," : "");
        ngx_http_clarity_show_event(&buf, &events[i]);
    }

    clarity_buf_addz(&buf, "]}");

    return ngx_http_clarity_api_send(r, NGX_HTTP_OK, &buf);
}


/* Without the closing brace. */

static void
ngx_http_clarity_show_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    const clarity_webhook_t *webhook)
{
    u_char       *p;
    ngx_str_t     uri, name;
    clarity_str_t trigger;

    trigger = clarity_str(webhook->trigger);

    ngx_http_clarity_show_settings(buf, webhook);

    clarity_buf_addz(buf, ",\"context\":");
    ngx_http_clarity_api_add_names(buf,
        clarity_triggers_find(api->cmcf->triggers, trigger));

    name.data = (u_char *) webhook->endpoint;
    name.len = ngx_strlen(webhook->endpoint);

    uri.len = api->cmcf->webhooks_uri.len + name.len;
    uri.data = ngx_pnalloc(r->pool, uri.len + 1);

    if (uri.data == NULL) {
        buf->failed = true;
        return;
    }

    p = ngx_cpymem(uri.data, api->cmcf->webhooks_uri.data,
        api->cmcf->webhooks_uri.len);
    ngx_memcpy(p, name.data, name.len);

    clarity_buf_addz(buf, ",\"url\":");
    ngx_http_clarity_api_add_url(r, buf, &uri);
    clarity_buf_addz(buf, ",\"token_header\":");
    ngx_http_clarity_api_add_text(buf, &api->cmcf->webhooks_token_header);

    name.data = (u_char *) webhook->id;
    name.len = ngx_strlen(webhook->id);

    ngx_http_clarity_show_live(api, buf, &name, trigger, webhook->revision);
    ngx_http_clarity_show_tokens(buf, webhook);
}


static void
ngx_http_clarity_show_settings(
    clarity_buf_t *buf, const clarity_webhook_t *webhook)
{
    clarity_buf_addf(buf,
        "{\"id\":\"%s\",\"source\":\"settings\",\"method\":\"%s\","
        "\"endpoint\":\"%s\",\"trigger\":\"%s\",\"active\":%s",
        webhook->id, webhook->method, webhook->endpoint, webhook->trigger,
        webhook->active ? "true" : "false");

    ngx_http_clarity_show_rules(buf, &webhook->rules, webhook->status);

    clarity_buf_addf(buf, ",\"revision\":%llu,\"idempotency\":",
        (unsigned long long) webhook->revision);

    if (webhook->idempotency[0]) {
        clarity_buf_add_json(buf, clarity_str(webhook->idempotency));
    } else {
        clarity_buf_addz(buf, "null");
    }

    clarity_buf_addz(buf, ",\"created_at\":");
    ngx_http_clarity_show_time(buf, webhook->created_at);
    clarity_buf_addz(buf, ",\"updated_at\":");
    ngx_http_clarity_show_time(buf, webhook->updated_at);
}


static void
ngx_http_clarity_show_rules(clarity_buf_t *buf,
    const clarity_context_rules_t *rules, ngx_uint_t status)
{
    static const char *unknown[] = { "reject", "drop", "keep" };

    clarity_buf_addf(buf,
        ",\"order\":\"%s\",\"unknown\":\"%s\",\"status\":%u",
        rules->order == CLARITY_ORDER_ANY ? "any" : "strict",
        unknown[rules->unknown], (unsigned) status);
}


static void
ngx_http_clarity_show_tokens(
    clarity_buf_t *buf, const clarity_webhook_t *webhook)
{
    size_t                         i;
    const clarity_webhook_token_t *token;

    clarity_buf_addz(buf, ",\"tokens\":[");

    for (i = 0; i < webhook->ntokens; i++) {
        token = &webhook->tokens[i];

        clarity_buf_addf(buf, "%s{\"id\":\"%s\",\"created_at\":",
            i ? "," : "", token->id);
        ngx_http_clarity_show_time(buf, token->created_at);
        clarity_buf_addz(buf, ",\"expires_at\":");
        ngx_http_clarity_show_time(buf, token->expires_at);
        clarity_buf_addz(buf, "}");
    }

    clarity_buf_addz(buf, "]");
}


ngx_http_clarity_loc_conf_t *
ngx_http_clarity_api_conf_webhook(ngx_http_clarity_api_t *api)
{
    ngx_str_t                     name, *known;
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **conf;

    if (api->id.len < 5 || ngx_strncmp(api->id.data, "conf:", 5) != 0) {
        return NULL;
    }

    name.data = api->id.data + 5;
    name.len = api->id.len - 5;

    conf = api->cmcf->webhooks.elts;

    for (i = 0; i < api->cmcf->webhooks.nelts; i++) {
        known = &conf[i]->webhook.name;

        if (known->len == name.len
            && ngx_memcmp(known->data, name.data, name.len) == 0)
        {
            return conf[i];
        }
    }

    return NULL;
}


static void
ngx_http_clarity_show_conf_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf)
{
    ngx_str_t                   id;
    ngx_http_clarity_webhook_t *webhook;

    webhook = &conf->webhook;

    id.len = 5 + webhook->name.len;
    id.data = ngx_pnalloc(r->pool, id.len);

    if (id.data == NULL) {
        buf->failed = true;
        return;
    }

    ngx_memcpy(ngx_cpymem(id.data, "conf:", 5), webhook->name.data,
        webhook->name.len);

    clarity_buf_addz(buf, "{\"id\":");
    ngx_http_clarity_api_add_text(buf, &id);
    clarity_buf_addz(buf, ",\"source\":\"nginx.conf\",\"method\":");
    ngx_http_clarity_api_add_text(buf, &webhook->method_name);
    clarity_buf_addz(buf, ",\"endpoint\":");
    ngx_http_clarity_api_add_text(buf, &conf->location);
    clarity_buf_addz(buf, ",\"trigger\":");
    clarity_buf_add_json(buf, webhook->trigger->name);
    clarity_buf_addz(buf, ",\"active\":true");
    ngx_http_clarity_show_rules(buf, &webhook->rules, webhook->status);
    clarity_buf_addz(buf, ",\"context\":");
    ngx_http_clarity_api_add_names(buf, webhook->trigger);
    clarity_buf_addz(buf, ",\"url\":");
    ngx_http_clarity_api_add_url(r, buf, &conf->location);
    clarity_buf_addz(buf, ",\"token_header\":");
    ngx_http_clarity_api_add_text(buf, &conf->token_header);
    ngx_http_clarity_show_live(api, buf, &webhook->name,
        webhook->trigger->name, 0);
    clarity_buf_addz(buf, "}");
}


void
ngx_http_clarity_api_add_url(
    ngx_http_request_t *r, clarity_buf_t *buf, ngx_str_t *uri)
{
    clarity_buf_t url;
    ngx_str_t     text;

    ngx_memzero(&url, sizeof(clarity_buf_t));

#if (NGX_HTTP_SSL)
    clarity_buf_addz(&url, r->connection->ssl ? "https://" : "http://");
#else
    clarity_buf_addz(&url, "http://");
#endif

    if (r->headers_in.host) {
        clarity_buf_add(&url, (clarity_str_t){
            (char *) r->headers_in.host->value.data,
            r->headers_in.host->value.len });
    }

    clarity_buf_add(&url, (clarity_str_t){ (char *) uri->data, uri->len });

    text.data = (u_char *) url.data;
    text.len = url.len;

    ngx_http_clarity_api_add_text(buf, &text);

    buf->failed |= url.failed;
    clarity_buf_free(&url);
}


/* How it fares: workflows attached, who serves it, the last requests. */

static void
ngx_http_clarity_show_live(ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_str_t *name, clarity_str_t trigger, uint64_t revision)
{
    ngx_uint_t                   i, live, of;
    ngx_slab_pool_t             *pool;
    ngx_http_clarity_event_t     accepted, refused;
    ngx_http_clarity_instance_t *instance;

    live = 0;
    of = 0;
    instance = api->instances.elts;

    for (i = 0; i < api->instances.nelts; i++) {
        of += instance[i].workers;

        if (instance[i].revision >= revision) {
            live += instance[i].workers;
        }
    }

    clarity_buf_addf(buf,
        ",\"workflows\":%u,\"live\":{\"workers\":%u,\"of\":%u}",
        (unsigned) ngx_http_clarity_api_attached(api, trigger), (unsigned) live,
        (unsigned) of);

    pool = (ngx_slab_pool_t *) api->cmcf->zone->shm.addr;

    ngx_http_clarity_activity_last(api->cmcf->shared, pool, name, &accepted,
        &refused);

    clarity_buf_addz(buf, ",\"last_accepted\":");
    ngx_http_clarity_show_event(buf, &accepted);
    clarity_buf_addz(buf, ",\"last_refused\":");
    ngx_http_clarity_show_event(buf, &refused);
}


static void
ngx_http_clarity_show_event(
    clarity_buf_t *buf, const ngx_http_clarity_event_t *event)
{
    const char *code;

    if (event->outcome == CLARITY_NOUTCOMES) {
        clarity_buf_addz(buf, "null");
        return;
    }

    code = clarity_outcome_info(event->outcome)->code;

    clarity_buf_addz(buf, "{\"time\":");
    ngx_http_clarity_show_time(buf, event->time);
    clarity_buf_addf(buf, ",\"outcome\":\"%s\",\"code\":\"%s\",\"status\":%u",
        code, code, (unsigned) event->status);
    clarity_buf_addz(buf, ",\"request_id\":");
    clarity_buf_add_json(buf,
        (clarity_str_t){ (char *) event->request, event->request_len });
    clarity_buf_addz(buf, ",\"addr\":");
    clarity_buf_add_json(buf,
        (clarity_str_t){ (char *) event->addr, event->addr_len });
    clarity_buf_addz(buf, ",\"job_id\":");
    clarity_buf_add_json(buf,
        (clarity_str_t){ (char *) event->job, event->job_len });
    clarity_buf_addz(buf, ",\"token_id\":");
    clarity_buf_add_json(buf,
        (clarity_str_t){ (char *) event->token, event->token_len });
    clarity_buf_addz(buf, ",\"detail\":");

    if (event->detail_len == 0 && event->status >= 300) {
        clarity_buf_add_json(buf,
            clarity_str(clarity_outcome_info(event->outcome)->detail));
    } else {
        clarity_buf_add_json(buf,
            (clarity_str_t){ (char *) event->detail, event->detail_len });
    }

    clarity_buf_addz(buf, "}");
}


/* RFC 3339, UTC; 0 is null. */

static void
ngx_http_clarity_show_time(clarity_buf_t *buf, uint64_t ms)
{
    ngx_tm_t tm;

    if (ms == 0) {
        clarity_buf_addz(buf, "null");
        return;
    }

    ngx_gmtime((time_t) (ms / 1000), &tm);

    clarity_buf_addf(buf, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\"",
        tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
        tm.ngx_tm_min, tm.ngx_tm_sec, (unsigned) (ms % 1000));
}


static int ngx_libc_cdecl
ngx_http_clarity_by_endpoint(const void *one, const void *two)
{
    int                      order;
    const clarity_webhook_t *a = one;
    const clarity_webhook_t *b = two;

    order = strcmp(a->endpoint, b->endpoint);

    return order ? order : strcmp(a->method, b->method);
}
