/*
 * The API's tokens: shown, rotated, revoked.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"
#include "json/duration.h"


#define NGX_HTTP_CLARITY_OVERLAP     (24LL * 3600 * 1000) /* ms */
#define NGX_HTTP_CLARITY_MAX_OVERLAP (90LL * 24 * 3600 * 1000) /* ms */


static ngx_int_t ngx_http_clarity_api_unsealable(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_seal_status_t status);
static ngx_int_t ngx_http_clarity_api_overlap(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, uint64_t *overlap);
static void ngx_http_clarity_api_drop_expired(clarity_webhook_t *webhook);
static void ngx_http_clarity_api_rotated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_audited(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);


/* The newest token, which the audit stream then tells of. */

ngx_int_t
ngx_http_clarity_api_token(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                len, argc;
    u_char                time[NGX_INT64_LEN];
    clarity_key_t         key;
    clarity_str_t         argv[CLARITY_AUDIT_MAX_ARGS];
    clarity_audit_t       audit;
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

    if (status != CLARITY_SEAL_OK) {
        return ngx_http_clarity_api_unsealable(r, api, status);
    }

    if (len >= sizeof(api->token)) {
        ngx_explicit_memzero(token, sizeof(token));
        return ngx_http_clarity_api_internal(r);
    }

    ngx_memcpy(api->token, token, len + 1);
    ngx_explicit_memzero(token, sizeof(token));

    ngx_http_clarity_api_audit(r, api, "token", &audit, time);
    clarity_key_audit(&key, ngx_http_clarity_api_prefix(api));

    argc = clarity_audit_xadd(&audit, clarity_key_str(&key), argv);

    return ngx_http_clarity_api_give(r, api, argc, argv,
        ngx_http_clarity_api_audited);
}


static ngx_int_t
ngx_http_clarity_api_unsealable(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_seal_status_t status)
{
    u_char         detail[512];
    clarity_str_t  key;
    const char    *tokenid;

    tokenid = api->changed.tokens[0].id;
    key = clarity_sealed_key_id(clarity_str(api->changed.tokens[0].sealed));

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
        "the token %s of the webhook %s %s", tokenid, api->changed.id,
        clarity_seal_status_text(status));

    *ngx_snprintf(detail, sizeof(detail) - 1,
        "The token %s (key \"%*s\") %s. Put the key back into the file of "
        "clarity_token_key_file, or rotate the token.",
        tokenid, key.len, key.data, clarity_seal_status_text(status))
        = '\0';

    return ngx_http_clarity_api_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
        "token_unreadable", (char *) detail);
}


/* A new token in front; the others end after the overlap, or before. */

ngx_int_t
ngx_http_clarity_api_rotate(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t             i;
    uint64_t           overlap, now;
    ngx_int_t          rc;
    clarity_webhook_t *webhook;

    if (!ngx_http_clarity_api_may_change(r, api, &rc)) {
        return rc;
    }

    rc = ngx_http_clarity_api_overlap(r, api, &overlap);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    webhook = &api->changed;
    *webhook = *api->webhook;
    now = ngx_http_clarity_now();

    ngx_http_clarity_api_drop_expired(webhook);

    if (overlap == 0) {
        webhook->ntokens = 0;
    }

    if (webhook->ntokens == CLARITY_WEBHOOK_TOKENS) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "too_many_tokens",
            "Four tokens are good, and callers may use each of them: revoke "
            "one, or rotate with the overlap \"0s\", which ends them all.");
    }

    for (i = 0; i < webhook->ntokens; i++) {
        if (webhook->tokens[i].expires_at == 0
            || webhook->tokens[i].expires_at > now + overlap)
        {
            webhook->tokens[i].expires_at = now + overlap;
        }
    }

    if (ngx_http_clarity_api_mint(r, api) != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    return ngx_http_clarity_api_update(r, api, "rotate",
        ngx_http_clarity_api_rotated);
}


/* NGX_DECLINED and *overlap in ms: a day, if it is not said; or what the answer
 * returned. */

static ngx_int_t
ngx_http_clarity_api_overlap(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, uint64_t *overlap)
{
    clarity_faults_t      faults;
    const clarity_json_t *value;

    static const char *const known[] = { "overlap", NULL };

    *overlap = NGX_HTTP_CLARITY_OVERLAP;

    if (api->body == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    clarity_faults_check_members(&faults, api->body->root, known, NULL);

    value = clarity_json_get(api->body->root, clarity_lit("overlap"));

    if (faults.n == 0 && value
        && (value->kind != CLARITY_STRING
            || !clarity_duration_parse(value->text, overlap)
            || *overlap > NGX_HTTP_CLARITY_MAX_OVERLAP))
    {
        clarity_faults_add(&faults, clarity_lit("overlap"),
            "expected a duration from \"0s\" to \"90d\" such as \"24h\": how "
            "long the tokens that there are stay good");
    }

    if (faults.n) {
        return ngx_http_clarity_api_faults(r, &faults,
            "The token cannot be rotated like that: see errors.");
    }

    clarity_faults_free(&faults);

    return NGX_DECLINED;
}


/*
 * Ends a token now. One without an end stays, or the webhook would some day
 * have none, with nobody there to see it.
 */

ngx_int_t
ngx_http_clarity_api_revoke(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    size_t                i, n;
    ngx_int_t             rc;
    ngx_uint_t            found, lasting;
    const clarity_json_t *value;
    clarity_webhook_t    *webhook;

    if (!ngx_http_clarity_api_may_change(r, api, &rc)) {
        return rc;
    }

    value = clarity_json_get(api->body->root, clarity_lit("token_id"));

    webhook = &api->changed;
    *webhook = *api->webhook;

    ngx_http_clarity_api_drop_expired(webhook);

    n = 0;
    found = 0;
    lasting = 0;

    for (i = 0; i < webhook->ntokens; i++) {

        if (value && value->kind == CLARITY_STRING
            && clarity_str_is(value->text, webhook->tokens[i].id))
        {
            found = 1;
            continue;
        }

        lasting |= webhook->tokens[i].expires_at == 0;
        webhook->tokens[n++] = webhook->tokens[i];
    }

    if (!found) {
        return ngx_http_clarity_api_problem(r, 422, "invalid",
            "\"token_id\" is to be the id of one of the tokens of this "
            "webhook.");
    }

    if (!lasting) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "last_token",
            "It is the only token without an end. Rotate first, then revoke "
            "it; or switch the webhook off.");
    }

    webhook->ntokens = n;

    return ngx_http_clarity_api_update(r, api, "revoke",
        ngx_http_clarity_api_changed);
}


static void
ngx_http_clarity_api_drop_expired(clarity_webhook_t *webhook)
{
    size_t   i, n;
    uint64_t now;

    n = 0;
    now = ngx_http_clarity_now();

    for (i = 0; i < webhook->ntokens; i++) {
        if (webhook->tokens[i].expires_at == 0
            || webhook->tokens[i].expires_at > now)
        {
            webhook->tokens[n++] = webhook->tokens[i];
        }
    }

    webhook->ntokens = n;
}


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

    token->created_at = ngx_http_clarity_now();
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


static void
ngx_http_clarity_api_rotated(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_api_made(r, ctx->api, result, reply, &rc)) {
        rc = ngx_http_clarity_api_add_etag(r, ctx->api->changed.revision)
                == NGX_OK
            ? ngx_http_clarity_api_send_token(r, ctx->api,
                  &ctx->api->changed)
            : ngx_http_clarity_api_internal(r);
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

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_STRING) {
        rc = ngx_http_clarity_api_send_token(r, ctx->api, &ctx->api->changed);

    } else if (result == CLARITY_REDIS_REPLIED
               && reply->type == REDIS_REPLY_ERROR)
    {
        rc = ngx_http_clarity_api_refused(r,
            "The token is not shown, as that cannot be written down in Redis",
            reply);

    } else {
        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
            clarity_outcome_info(CLARITY_QUEUE_UNAVAILABLE)->code,
            "The token is not shown, as Redis did not say that this is "
            "written down. Try again in a moment.");
    }

    ngx_http_finalize_request(r, rc);
}
