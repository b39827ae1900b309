/*
 * The API's changes: each one Lua call, which answers "ok", "taken",
 * "conflict" or "gone".
 */

#include "ngx_http_clarity_api.h"

#include "job/audit.h"
#include "job/key.h"
#include "job/webhook_script.h"


static ngx_int_t ngx_http_clarity_api_run(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_script_t *script,
    clarity_str_t first, uint64_t revision, const char *action,
    ngx_http_clarity_call_pt handler);
static void ngx_http_clarity_api_created(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_deleted(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_faults(
    ngx_http_request_t *r, clarity_faults_t *faults);


static clarity_str_t ngx_http_clarity_nothing = { NULL, 0 };


ngx_int_t
ngx_http_clarity_api_no_webhook(ngx_http_request_t *r)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_conf_webhook(ctx->api)) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT, "read_only",
            "This webhook is one of nginx.conf and is changed there.",
            ngx_http_clarity_nothing);
    }

    return ngx_http_clarity_api_problem(r, NGX_HTTP_NOT_FOUND,
        "webhook_not_found", "There is no webhook of that id.",
        ngx_http_clarity_nothing);
}


ngx_int_t
ngx_http_clarity_api_create(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_buf_t     buf;
    ngx_int_t         rc;
    clarity_faults_t  faults;
    clarity_webhook_t *webhook;

    webhook = &api->changed;

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    if (!clarity_webhook_create(webhook, api->body->root,
            api->cmcf->triggers, &faults))
    {
        return ngx_http_clarity_api_faults(r, &faults);
    }

    clarity_faults_free(&faults);

    if (!clarity_mint_webhook_id(webhook->id)
        || ngx_http_clarity_api_mint(r, api) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    webhook->created_at = ngx_http_clarity_api_now();
    webhook->updated_at = webhook->created_at;

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_webhook_write(&buf, webhook);

    rc = buf.failed
        ? NGX_HTTP_INTERNAL_SERVER_ERROR
        : ngx_http_clarity_api_run(r, api, &clarity_script_webhook_create,
              clarity_buf_str(&buf), 0, "create",
              ngx_http_clarity_api_created);

    clarity_buf_free(&buf);

    return rc;
}


ngx_int_t
ngx_http_clarity_api_patch(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t        rc;
    clarity_faults_t faults;

    if (!ngx_http_clarity_api_may_change(r, api, 1, &rc)) {
        return rc;
    }

    api->changed = *api->webhook;

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    if (!clarity_webhook_patch(&api->changed, api->body->root,
            api->cmcf->triggers, &faults))
    {
        return ngx_http_clarity_api_faults(r, &faults);
    }

    clarity_faults_free(&faults);

    return ngx_http_clarity_api_update(r, api, "update",
        ngx_http_clarity_api_changed);
}


ngx_int_t
ngx_http_clarity_api_delete(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t rc;

    if (!ngx_http_clarity_api_may_change(r, api, 1, &rc)) {
        return rc;
    }

    api->changed = *api->webhook;

    return ngx_http_clarity_api_run(r, api, &clarity_script_webhook_delete,
        clarity_str(api->changed.id), api->webhook->revision, "delete",
        ngx_http_clarity_api_deleted);
}


ngx_int_t
ngx_http_clarity_api_update(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action,
    ngx_http_clarity_call_pt handler)
{
    ngx_int_t     rc;
    clarity_buf_t buf;

    api->changed.updated_at = ngx_http_clarity_api_now();

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_webhook_write(&buf, &api->changed);

    rc = buf.failed
        ? NGX_HTTP_INTERNAL_SERVER_ERROR
        : ngx_http_clarity_api_run(r, api, &clarity_script_webhook_update,
              clarity_buf_str(&buf), api->webhook->revision, action, handler);

    clarity_buf_free(&buf);

    return rc;
}


/* A new token in front of the others, sealed; api->token shows it once. */

ngx_int_t
ngx_http_clarity_api_mint(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    clarity_webhook_t       *webhook;
    clarity_webhook_token_t *token;

    webhook = &api->changed;
    token = webhook->tokens;

    ngx_memmove(token + 1, token,
        webhook->ntokens * sizeof(clarity_webhook_token_t));
    webhook->ntokens++;

    token->created_at = ngx_http_clarity_api_now();
    token->expires_at = 0;

    if (!clarity_mint_token_id(token->id) || !clarity_mint_token(api->token)
        || clarity_seal(api->cmcf->keys, clarity_str(api->token),
               clarity_str(webhook->id), clarity_str(token->id),
               token->sealed)
            != CLARITY_SEAL_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: a token could not be made");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* 0: it has been answered, and *rc is what the answer returned. */

ngx_uint_t
ngx_http_clarity_api_may_change(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_uint_t required, ngx_int_t *rc)
{
    ngx_str_t value;
    ngx_int_t found;
    u_char    etag[NGX_INT64_LEN + 2], *last;

    static ngx_str_t if_match = ngx_string("if-match");

    if (api->webhook == NULL) {
        *rc = ngx_http_clarity_api_no_webhook(r);
        return 0;
    }

    found = ngx_http_clarity_header(r, &if_match, &value);

    if (found == NGX_DECLINED) {

        if (required) {
            *rc = ngx_http_clarity_api_problem(r, 428,
                "precondition_required",
                "Send If-Match with the ETag of the webhook as you saw it.",
                ngx_http_clarity_nothing);
        }

        return !required;
    }

    last = ngx_sprintf(etag, "\"%uL\"", api->webhook->revision);

    if (found == NGX_OK && value.len == (size_t) (last - etag)
        && ngx_memcmp(value.data, etag, value.len) == 0)
    {
        return 1;
    }

    *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_PRECONDITION_FAILED,
        "precondition_failed",
        "Somebody else has changed the webhook meanwhile: look at it again.",
        ngx_http_clarity_nothing);

    return 0;
}


static ngx_int_t
ngx_http_clarity_api_run(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    const clarity_script_t *script, clarity_str_t first, uint64_t revision,
    const char *action, ngx_http_clarity_call_pt handler)
{
    size_t                argc;
    u_char                number[NGX_INT64_LEN], time[NGX_TIME_T_LEN + 3];
    clarity_key_t         webhooks, audited;
    clarity_str_t         argv[7 + CLARITY_AUDIT_FIELDS], prefix;
    clarity_audit_t       audit;
    clarity_redis_given_t given;

    prefix = ngx_http_clarity_api_prefix(api);

    clarity_key_webhooks(&webhooks, prefix);
    clarity_key_audit(&audited, prefix);

    argc = 0;
    argv[argc++] = clarity_lit("EVAL");
    argv[argc++] = clarity_str(script->lua);
    argv[argc++] = clarity_lit("2");
    argv[argc++] = clarity_key_str(&webhooks);
    argv[argc++] = clarity_key_str(&audited);
    argv[argc++] = first;

    if (revision) {
        argv[argc].data = (char *) number;
        argv[argc].len = ngx_sprintf(number, "%uL", revision) - number;
        argc++;
    }

    ngx_http_clarity_api_audit(r, api, action, &audit, time);
    argc += clarity_audit_fields(&audit, &argv[argc]);

    given = ngx_http_clarity_call(r, api->cmcf->registry, argc, argv,
        handler);

    return given == CLARITY_REDIS_GIVEN ? NGX_DONE
                                        : NGX_HTTP_SERVICE_UNAVAILABLE;
}


void
ngx_http_clarity_api_audit(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action, clarity_audit_t *audit,
    u_char *time)
{
    ngx_memzero(audit, sizeof(clarity_audit_t));

    audit->action = clarity_str(action);
    audit->webhook = clarity_str(api->changed.id);
    audit->user.data = (char *) r->headers_in.user.data;
    audit->user.len = r->headers_in.user.len;
    audit->addr.data = (char *) r->connection->addr_text.data;
    audit->addr.len = r->connection->addr_text.len;
    audit->time.data = (char *) time;
    audit->time.len = ngx_sprintf(time, "%uL", ngx_http_clarity_api_now())
        - time;
}


clarity_str_t
ngx_http_clarity_api_prefix(ngx_http_clarity_api_t *api)
{
    ngx_clarity_redis_conf_t **conf;

    conf = api->cmcf->redis.elts;
    conf += api->cmcf->registry;

    return (clarity_str_t){ (char *) (*conf)->prefix.data,
        (*conf)->prefix.len };
}


static void
ngx_http_clarity_api_created(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    u_char                   *p;
    ngx_int_t                 rc;
    ngx_str_t                 location;
    ngx_http_clarity_ctx_t   *ctx;
    ngx_http_core_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_made(r, ctx->api, result, reply, &rc)) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        location.len = clcf->name.len + 9 + CLARITY_WEBHOOK_ID_LEN;
        location.data = ngx_pnalloc(r->pool, location.len);

        if (location.data) {
            p = ngx_cpymem(location.data, clcf->name.data, clcf->name.len);
            p = ngx_cpymem(p, "webhooks/", 9);
            ngx_memcpy(p, ctx->api->changed.id, CLARITY_WEBHOOK_ID_LEN);

            (void) ngx_http_clarity_add_header(r, "Location", &location);
        }

        rc = ngx_http_clarity_api_send_webhook(r, ctx->api,
            &ctx->api->changed, NGX_HTTP_CREATED);
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_http_clarity_api_changed(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_made(r, ctx->api, result, reply, &rc)) {
        rc = ngx_http_clarity_api_send_webhook(r, ctx->api,
            &ctx->api->changed, NGX_HTTP_OK);
    }

    ngx_http_finalize_request(r, rc);
}


static void
ngx_http_clarity_api_deleted(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_made(r, ctx->api, result, reply, &rc)) {
        r->headers_out.status = NGX_HTTP_NO_CONTENT;
        r->header_only = 1;
        rc = ngx_http_send_header(r);
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * 1: the change is made, and changed.revision is its own. 0: it has been
 * answered why not, and *rc is what the answer returned.
 */

ngx_uint_t
ngx_http_clarity_api_made(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    clarity_redis_result_t result, const redisReply *reply, ngx_int_t *rc)
{
    const char *word;

    if (result == CLARITY_REDIS_UNKNOWN) {
        *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_GATEWAY_TIME_OUT,
            "queue_timeout",
            "Redis did not answer in time: whether the change is made is not "
            "known. Look at the list.", ngx_http_clarity_nothing);
        return 0;
    }

    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_ARRAY
        || reply->elements == 0
        || reply->element[0]->type != REDIS_REPLY_STRING)
    {
        *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
            "queue_unavailable", "Redis does not take the change.",
            ngx_http_clarity_nothing);
        return 0;
    }

    word = reply->element[0]->str;

    if (ngx_strcmp(word, "ok") == 0 && reply->elements == 2
        && reply->element[1]->type == REDIS_REPLY_INTEGER)
    {
        api->changed.revision = reply->element[1]->integer;
        return 1;
    }

    if (ngx_strcmp(word, "taken") == 0) {
        *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "endpoint_taken",
            "There is a webhook of this method and endpoint already.",
            ngx_http_clarity_nothing);

    } else if (ngx_strcmp(word, "conflict") == 0) {
        *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_PRECONDITION_FAILED,
            "precondition_failed",
            "Somebody else has changed the webhook meanwhile: look at it "
            "again.", ngx_http_clarity_nothing);

    } else {
        *rc = ngx_http_clarity_api_no_webhook(r);
    }

    return 0;
}


static ngx_int_t
ngx_http_clarity_api_faults(ngx_http_request_t *r, clarity_faults_t *faults)
{
    ngx_int_t     rc;
    clarity_buf_t members;

    ngx_memzero(&members, sizeof(clarity_buf_t));

    clarity_faults_write(faults, &members);
    clarity_faults_free(faults);

    rc = members.failed
        ? NGX_HTTP_INTERNAL_SERVER_ERROR
        : ngx_http_clarity_api_problem(r, 422, "invalid",
              "The webhook cannot be made like that: see errors.",
              clarity_buf_str(&members));

    clarity_buf_free(&members);

    return rc;
}


uint64_t
ngx_http_clarity_api_now(void)
{
    ngx_time_t *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}
