/*
 * The API's tokens: shown, rotated, revoked.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"
#include "json/duration.h"


#define NGX_HTTP_CLARITY_MAX_OVERLAP (90LL * 24 * 3600 * 1000) /* ms */


static void ngx_http_clarity_api_rotated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);


static clarity_str_t ngx_http_clarity_nothing = { NULL, 0 };


/* The newest token, which the audit stream then tells of. */

ngx_int_t
ngx_http_clarity_api_token(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                len, argc;
    u_char                time[NGX_TIME_T_LEN + 3];
    clarity_key_t         key;
    clarity_str_t         argv[CLARITY_AUDIT_MAX_ARGS];
    clarity_audit_t       audit;
    clarity_redis_given_t given;
    clarity_seal_status_t status;
    char                  token[CLARITY_SEAL_TEXT_MAX + 1];

    if (api->webhook == NULL) {
        return ngx_http_clarity_api_no_webhook(r);
    }

    api->changed = *api->webhook;

    status = clarity_unseal(api->cmcf->keys,
        clarity_str(api->changed.tokens[0].sealed),
        clarity_str(api->changed.id), clarity_str(api->changed.tokens[0].id),
        token, &len);

    if (status != CLARITY_SEAL_OK || len >= sizeof(api->token)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
            "the token %s of the webhook %s %s", api->changed.tokens[0].id,
            api->changed.id, clarity_seal_status_text(status));
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(api->token, token, len + 1);
    ngx_explicit_memzero(token, sizeof(token));

    ngx_http_clarity_api_audit(r, api, "token", &audit, time);
    clarity_key_audit(&key, ngx_http_clarity_api_prefix(api));

    argc = clarity_audit_xadd(&audit, clarity_key_str(&key), argv);

    given = ngx_http_clarity_call(r, api->cmcf->registry, argc, argv,
        ngx_http_clarity_api_audited);

    return given == CLARITY_REDIS_GIVEN ? NGX_DONE
                                        : NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* A new token in front; the one that was the newest ends after the overlap. */

ngx_int_t
ngx_http_clarity_api_rotate(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                i;
    uint64_t              overlap, now;
    ngx_int_t             rc;
    const clarity_json_t *value;
    clarity_webhook_t    *webhook;

    if (!ngx_http_clarity_api_may_change(r, api, 0, &rc)) {
        return rc;
    }

    value = clarity_json_get(api->body->root, clarity_lit("overlap"));

    if (value == NULL || value->kind != CLARITY_STRING
        || !clarity_duration_parse(value->text, &overlap)
        || overlap > NGX_HTTP_CLARITY_MAX_OVERLAP)
    {
        return ngx_http_clarity_api_problem(r, 422, "invalid",
            "\"overlap\" says how long the old token stays good: a duration "
            "from \"0s\" to \"90d\".", ngx_http_clarity_nothing);
    }

    webhook = &api->changed;
    *webhook = *api->webhook;
    now = ngx_http_clarity_api_now();

    /* those that end with this rotation leave room for it */
    if (overlap == 0) {
        webhook->ntokens = 0;

    } else {
        webhook->ntokens = ngx_min(webhook->ntokens,
            CLARITY_WEBHOOK_TOKENS - 1);

        for (i = 0; i < webhook->ntokens; i++) {
            if (webhook->tokens[i].expires_at == 0
                || webhook->tokens[i].expires_at > now + overlap)
            {
                webhook->tokens[i].expires_at = now + overlap;
            }
        }
    }

    if (ngx_http_clarity_api_mint(r, api) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_clarity_api_update(r, api, "rotate",
        ngx_http_clarity_api_rotated);
}


ngx_int_t
ngx_http_clarity_api_revoke(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                i, n;
    ngx_int_t             rc;
    const clarity_json_t *value;
    clarity_webhook_t    *webhook;

    if (!ngx_http_clarity_api_may_change(r, api, 0, &rc)) {
        return rc;
    }

    value = clarity_json_get(api->body->root, clarity_lit("token_id"));

    webhook = &api->changed;
    *webhook = *api->webhook;
    n = 0;

    for (i = 0; i < api->webhook->ntokens; i++) {
        if (value == NULL || value->kind != CLARITY_STRING
            || !clarity_str_is(value->text, api->webhook->tokens[i].id))
        {
            webhook->tokens[n++] = api->webhook->tokens[i];
        }
    }

    if (n == api->webhook->ntokens) {
        return ngx_http_clarity_api_problem(r, 422, "invalid",
            "\"token_id\" is to be the id of a token of this webhook.",
            ngx_http_clarity_nothing);
    }

    if (n == 0) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "last_token",
            "It is the only token: rotate it, or disable the webhook.",
            ngx_http_clarity_nothing);
    }

    webhook->ntokens = n;

    return ngx_http_clarity_api_update(r, api, "revoke",
        ngx_http_clarity_api_changed);
}


static void
ngx_http_clarity_api_rotated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_made(r, ctx->api, result, reply, &rc)) {
        rc = ngx_http_clarity_api_send_token(r, ctx->api,
            &ctx->api->changed);
    }

    ngx_http_finalize_request(r, rc);
}


/* No entry in the audit stream, no token. */

static void
ngx_http_clarity_api_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    rc = (result == CLARITY_REDIS_REPLIED
             && reply->type == REDIS_REPLY_STRING)
        ? ngx_http_clarity_api_send_token(r, ctx->api, &ctx->api->changed)
        : NGX_HTTP_SERVICE_UNAVAILABLE;

    ngx_http_finalize_request(r, rc);
}
