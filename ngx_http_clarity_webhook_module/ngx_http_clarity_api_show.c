/*
 * JSON of what the API shows: a webhook, how it fares, an event.
 */

#include "ngx_http_clarity_api.h"

#include "job/member.h"


static void ngx_http_clarity_show_settings(
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_rules(
    clarity_buf_t *buf, clarity_context_rules_t rules);
static void ngx_http_clarity_show_tokens(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, const clarity_webhook_t *webhook);
static void ngx_http_clarity_show_header(
    clarity_buf_t *buf, ngx_http_clarity_loc_conf_t *conf);
static void ngx_http_clarity_show_faults(
    clarity_buf_t *buf, const clarity_context_packed_t *faults);
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

    clarity_member_time(buf, "created_at", webhook->created_at);
    clarity_member_time(buf, "updated_at", webhook->updated_at);
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

        clarity_buf_addf(buf, "%s{\"id\":\"%s\"", comma, token->id);
        clarity_member_time(buf, "created_at", token->created_at);
        clarity_member_time(buf, "expires_at", token->expires_at);
        clarity_member_time(buf, "last_used_at", used[i]);
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

    clarity_buf_addz(buf, "{\"time\":\"");
    clarity_member_moment(buf, event->time);
    clarity_buf_addf(buf, "\",\"outcome\":\"%s\",\"code\":\"%s\",\"status\":%u",
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

    ngx_http_clarity_show_faults(buf, &event->faults);

    clarity_buf_addz(buf, "}");
}


static void
ngx_http_clarity_show_faults(
    clarity_buf_t *buf, const clarity_context_packed_t *faults)
{
    size_t                 at, n;
    clarity_str_t          parameter;
    clarity_context_code_t code;

    at = 0;

    clarity_buf_addz(buf, ",\"faults\":[");

    for (n = 0; clarity_context_unpack(faults, &at, &code, &parameter); n++) {
        clarity_buf_addf(buf, "%s{\"code\":\"%s\",\"parameter\":",
            n ? "," : "", clarity_context_code_name(code));

        if (parameter.data) {
            clarity_buf_add_json(buf, parameter);
        } else {
            clarity_buf_addz(buf, "null");
        }

        clarity_buf_addz(buf, "}");
    }

    clarity_buf_addf(buf, "],\"faults_omitted\":%zu", faults->nfaults - n);
}
