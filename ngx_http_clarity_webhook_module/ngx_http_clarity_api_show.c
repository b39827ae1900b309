/*
 * JSON of what the API shows: a webhook, how it fares, an event.
 */

#include "ngx_http_clarity_api.h"


static void ngx_http_clarity_show_settings(
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_rules(
    clarity_buf_t *buf, clarity_context_rules_t rules);
static void ngx_http_clarity_show_tokens(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_header(
    clarity_buf_t *buf, ngx_http_clarity_loc_conf_t *conf);
static void ngx_http_clarity_show_live(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, clarity_str_t id, uint64_t revision);
static ngx_str_t *ngx_http_clarity_why_unserved(
    ngx_http_clarity_instance_t *instance, clarity_str_t id);
static void ngx_http_clarity_show_last(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, ngx_str_t *name);


void
ngx_http_clarity_show_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    const clarity_webhook_t *webhook, ngx_uint_t details)
{
    ngx_str_t                    name;
    clarity_str_t                trigger;
    ngx_http_clarity_loc_conf_t *conf;

    trigger = clarity_str(webhook->trigger);
    conf = api->cmcf->webhooks_conf;

    ngx_http_clarity_show_settings(buf, webhook);

    clarity_buf_addz(buf, ",\"context\":");
    ngx_http_clarity_api_add_names(buf,
        clarity_triggers_find(api->cmcf->triggers, trigger));

    clarity_buf_addz(buf, ",\"url\":");
    ngx_http_clarity_api_add_url(r, buf, conf, webhook->endpoint);

    if (conf) {
        ngx_http_clarity_show_header(buf, conf);
    }

    clarity_buf_addf(buf, ",\"workflows\":%u",
        (unsigned) ngx_http_clarity_api_attached(api, trigger));

    name.data = (u_char *) webhook->id;
    name.len = ngx_strlen(webhook->id);

    ngx_http_clarity_show_live(api, buf, clarity_str(webhook->id),
        webhook->revision);
    ngx_http_clarity_show_last(api, buf, &name);

    if (details) {
        ngx_http_clarity_show_tokens(api, buf, webhook);
    }
}


static void
ngx_http_clarity_show_settings(
    clarity_buf_t *buf, const clarity_webhook_t *webhook)
{
    clarity_buf_addf(buf,
        "{\"id\":\"%s\",\"source\":\"settings\",\"method\":\"%s\","
        "\"endpoint\":\"%s\",\"trigger\":",
        webhook->id, webhook->method, webhook->endpoint);
    clarity_buf_add_json(buf, clarity_str(webhook->trigger));
    ngx_http_clarity_show_rules(buf, webhook->rules);
    clarity_buf_addf(buf,
        ",\"active\":%s,\"status\":%u,\"revision\":%llu,\"idempotency\":",
        webhook->active ? "true" : "false", webhook->status,
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
ngx_http_clarity_show_rules(clarity_buf_t *buf, clarity_context_rules_t rules)
{
    static const char *unknown[] = { "reject", "drop", "keep" };

    clarity_buf_addf(buf, ",\"order\":\"%s\",\"unknown\":\"%s\"",
        rules.order == CLARITY_ORDER_ANY ? "any" : "strict",
        unknown[rules.unknown]);
}


/* Those that have ended are of no use to anybody. */

static void
ngx_http_clarity_show_tokens(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, const clarity_webhook_t *webhook)
{
    size_t                         i;
    uint64_t                       used[CLARITY_WEBHOOK_TOKENS], now;
    const char                    *comma;
    const clarity_webhook_token_t *token;

    ngx_http_clarity_registry_used(api->cmcf, webhook, used);

    now = ngx_http_clarity_now();
    comma = "";

    clarity_buf_addz(buf, ",\"tokens\":[");

    for (i = 0; i < webhook->ntokens; i++) {
        token = &webhook->tokens[i];

        if (token->expires_at && token->expires_at <= now) {
            continue;
        }

        clarity_buf_addf(buf, "%s{\"id\":\"%s\",\"created_at\":", comma,
            token->id);
        ngx_http_clarity_show_time(buf, token->created_at);
        clarity_buf_addz(buf, ",\"expires_at\":");
        ngx_http_clarity_show_time(buf, token->expires_at);
        clarity_buf_addz(buf, ",\"last_used_at\":");
        ngx_http_clarity_show_time(buf, used[i]);
        clarity_buf_addz(buf, "}");

        comma = ",";
    }

    clarity_buf_addz(buf, "]");
}


void
ngx_http_clarity_show_conf_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf)
{
    clarity_buf_t               id;
    ngx_http_clarity_webhook_t *webhook;

    webhook = &conf->webhook;

    ngx_memzero(&id, sizeof(clarity_buf_t));

    clarity_buf_addz(&id, "conf:");
    clarity_buf_add(&id, (clarity_str_t){ (char *) webhook->name.data,
        webhook->name.len });

    clarity_buf_addz(buf, "{\"id\":");
    clarity_buf_add_json(buf, clarity_buf_str(&id));
    clarity_buf_addz(buf, ",\"source\":\"nginx.conf\",\"method\":");
    ngx_http_clarity_api_add_text(buf, &webhook->method_name);
    clarity_buf_addz(buf, ",\"endpoint\":");
    ngx_http_clarity_api_add_text(buf, &conf->location);
    clarity_buf_addz(buf, ",\"trigger\":");
    clarity_buf_add_json(buf, webhook->trigger->name);
    ngx_http_clarity_show_rules(buf, webhook->rules);
    clarity_buf_addf(buf, ",\"active\":true,\"status\":%u,\"context\":",
        (unsigned) webhook->status);
    ngx_http_clarity_api_add_names(buf, webhook->trigger);
    clarity_buf_addz(buf, ",\"url\":");
    ngx_http_clarity_api_add_url(r, buf, conf, "");
    ngx_http_clarity_show_header(buf, conf);
    clarity_buf_addf(buf, ",\"workflows\":%u",
        (unsigned) ngx_http_clarity_api_attached(api, webhook->trigger->name));
    ngx_http_clarity_show_live(api, buf, clarity_lit(""), 0);
    ngx_http_clarity_show_last(api, buf, &webhook->name);

    buf->failed |= id.failed;
    clarity_buf_free(&id);
}


static void
ngx_http_clarity_show_header(
    clarity_buf_t *buf, ngx_http_clarity_loc_conf_t *conf)
{
    clarity_buf_addz(buf, ",\"token_header\":");
    ngx_http_clarity_api_add_text(buf, &conf->token_header);
}


/* conf NULL: another nginx serves it. */

void
ngx_http_clarity_api_add_url(ngx_http_request_t *r, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf, const char *endpoint)
{
    clarity_buf_t url;

    if (conf == NULL) {
        clarity_buf_addz(buf, "null");
        return;
    }

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

    clarity_buf_add(&url, (clarity_str_t){ (char *) conf->location.data,
        conf->location.len });
    clarity_buf_addz(&url, endpoint);
    clarity_buf_add_json(buf, clarity_buf_str(&url));

    buf->failed |= url.failed;
    clarity_buf_free(&url);
}


/*
 * On how many worker processes, of all that there are, this revision is. id
 * empty: of one that is written in nginx.conf.
 */

static void
ngx_http_clarity_show_live(ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    clarity_str_t id, uint64_t revision)
{
    uint64_t                     silent;
    ngx_str_t                   *why, unserved;
    ngx_uint_t                   i, live, of, no_room, nsilent;
    ngx_http_clarity_instance_t *instance;

    live = 0;
    of = 0;
    no_room = 0;
    silent = 0;
    nsilent = 0;
    ngx_str_null(&unserved);
    instance = api->instances.elts;

    for (i = 0; i < api->instances.nelts; i++) {
        of += instance[i].workers;
        why = ngx_http_clarity_why_unserved(&instance[i], id);

        if (instance[i].silent) {
            nsilent++;
            silent = ngx_max(silent, instance[i].silent);

        } else if (why) {
            unserved = *why;

        } else if (instance[i].revision >= revision) {
            live += instance[i].workers;

        } else {
            no_room |= instance[i].no_room;
        }
    }

    clarity_buf_addf(buf, ",\"live\":{\"workers\":%u,\"of\":%u,\"reason\":",
        (unsigned) live, (unsigned) of);

    if (no_room) {
        clarity_buf_addz(buf,
            "\"The webhooks do not fit into an nginx's clarity_zone: make it "
            "larger.\"");

    } else if (unserved.len) {
        clarity_buf_addf(buf, "\"%s\"",
            unserved.data[0] == 'l'
                ? "The nginx.conf of an nginx leads this address to another "
                  "location."
                : unserved.data[1] == 'o'
                ? "An nginx cannot open a token of this webhook: its "
                  "clarity_token_key_file lacks the key."
                : "The file of clarity_triggers of an nginx lacks this "
                  "webhook's trigger.");

    } else if (nsilent) {
        clarity_buf_addf(buf,
            "\"%u nginx %s not been heard of for %llu s: where it is only cut "
            "off from Redis, it serves what it knew then.\"",
            (unsigned) nsilent, nsilent == 1 ? "has" : "have",
            (unsigned long long) (silent / 1000));

    } else {
        clarity_buf_addz(buf, "null");
    }

    clarity_buf_addz(buf, "}");
}


/* NULL: it is served there. */

static ngx_str_t *
ngx_http_clarity_why_unserved(
    ngx_http_clarity_instance_t *instance, clarity_str_t id)
{
    ngx_uint_t                     i;
    ngx_http_clarity_not_served_t *unserved;

    unserved = instance->unserved.elts;

    for (i = 0; i < instance->unserved.nelts; i++) {
        if (unserved[i].why.len > 1 && unserved[i].id.len == id.len
            && ngx_memcmp(unserved[i].id.data, id.data, id.len) == 0)
        {
            return &unserved[i].why;
        }
    }

    return NULL;
}


static void
ngx_http_clarity_show_last(
    ngx_http_clarity_api_t *api, clarity_buf_t *buf, ngx_str_t *name)
{
    ngx_slab_pool_t         *pool;
    ngx_http_clarity_event_t accepted, refused;

    pool = (ngx_slab_pool_t *) api->cmcf->zone->shm.addr;

    ngx_http_clarity_activity_last(api->cmcf->shared, pool, name, &accepted,
        &refused);

    clarity_buf_addz(buf, ",\"last_accepted\":");
    ngx_http_clarity_show_event(buf, &accepted);
    clarity_buf_addz(buf, ",\"last_refused\":");
    ngx_http_clarity_show_event(buf, &refused);
}


void
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


void
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
