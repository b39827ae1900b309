/*
 * The API's changes: each one Lua call, which answers "ok", "taken",
 * "conflict" or "gone".
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"
#include "job/webhook_script.h"


static ngx_int_t ngx_http_clarity_api_run(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_script_t *script,
    const clarity_str_t *args, size_t n, const char *action,
    ngx_http_clarity_call_pt handler);
static void ngx_http_clarity_api_created(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_deleted(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_not_made(
    ngx_http_request_t *r, const redisReply *reply);


ngx_int_t
ngx_http_clarity_api_create(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t          rc;
    clarity_buf_t      buf;
    clarity_str_t      record;
    clarity_faults_t   faults;
    clarity_webhook_t *webhook;

    webhook = &api->changed;

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    if (!clarity_webhook_create(webhook, api->body->root,
            api->cmcf->triggers, &faults))
    {
        return ngx_http_clarity_api_faults(r, &faults,
            "The webhook cannot be made like that: see errors.");
    }

    clarity_faults_free(&faults);

    rc = ngx_http_clarity_api_shadowed(r, api);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (!clarity_mint_webhook_id(webhook->id)
        || ngx_http_clarity_api_mint(r, api) != NGX_OK)
    {
        return ngx_http_clarity_api_internal(r);
    }

    webhook->created_at = ngx_http_clarity_now();
    webhook->updated_at = webhook->created_at;

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_webhook_write(&buf, webhook);
    record = clarity_buf_str(&buf);

    rc = buf.failed
        ? ngx_http_clarity_api_internal(r)
        : ngx_http_clarity_api_run(r, api, &clarity_script_webhook_create,
              &record, 1, "create", ngx_http_clarity_api_created);

    clarity_buf_free(&buf);

    return rc;
}


ngx_int_t
ngx_http_clarity_api_patch(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t        rc;
    clarity_faults_t faults;

    if (!ngx_http_clarity_api_may_change(r, api, &rc)) {
        return rc;
    }

    if (api->condition == NGX_HTTP_CLARITY_NO_CONDITION) {
        return ngx_http_clarity_api_problem(r, 428, "precondition_required",
            "Send If-Match with the ETag of the webhook as you saw it, so "
            "that you overwrite nobody's change; or \"If-Match: *\" to change "
            "it as it is.");
    }

    api->changed = *api->webhook;

    ngx_memzero(&faults, sizeof(clarity_faults_t));

    if (!clarity_webhook_patch(&api->changed, api->body->root,
            api->cmcf->triggers, &faults))
    {
        return ngx_http_clarity_api_faults(r, &faults,
            "The webhook cannot be changed like that: see errors.");
    }

    clarity_faults_free(&faults);

    /* what changes nothing is not in the way of those who do change it */
    if (clarity_webhook_same(&api->changed, api->webhook)) {
        return ngx_http_clarity_api_send_webhook(r, api, api->webhook,
            NGX_HTTP_OK);
    }

    if (ngx_strcmp(api->changed.endpoint, api->webhook->endpoint) != 0) {
        rc = ngx_http_clarity_api_shadowed(r, api);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_http_clarity_api_update(r, api, "update",
        ngx_http_clarity_api_changed);
}


/* Without a condition it deletes what is there: nothing is overwritten. */

ngx_int_t
ngx_http_clarity_api_delete(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    u_char        number[NGX_INT64_LEN];
    ngx_int_t     rc;
    clarity_str_t args[2];

    args[1].data = (char *) number;
    args[1].len = 0;

    if (ngx_http_clarity_api_is_damaged(r, api)) {
        *ngx_cpymem(api->changed.id, api->id.data, api->id.len) = '\0';

    } else if (ngx_http_clarity_api_may_change(r, api, &rc)) {
        api->changed = *api->webhook;

    } else {
        return rc;
    }

    args[0] = clarity_str(api->changed.id);

    if (api->condition == NGX_HTTP_CLARITY_REVISION) {
        args[1].len = ngx_sprintf(number, "%uL", api->webhook->revision)
            - number;
    }

    return ngx_http_clarity_api_run(r, api, &clarity_script_webhook_delete,
        args, 2, "delete", ngx_http_clarity_api_deleted);
}


/*
 * The change was made from the revision that was read, so it is refused where
 * somebody was faster, whatever If-Match says.
 */

ngx_int_t
ngx_http_clarity_api_update(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action,
    ngx_http_clarity_call_pt handler)
{
    u_char        number[NGX_INT64_LEN];
    ngx_int_t     rc;
    clarity_buf_t buf;
    clarity_str_t args[2];

    api->changed.updated_at = ngx_http_clarity_now();

    ngx_memzero(&buf, sizeof(clarity_buf_t));
    clarity_webhook_write(&buf, &api->changed);

    args[0] = clarity_buf_str(&buf);
    args[1].data = (char *) number;
    args[1].len = ngx_sprintf(number, "%uL", api->webhook->revision) - number;

    rc = buf.failed
        ? ngx_http_clarity_api_internal(r)
        : ngx_http_clarity_api_run(r, api, &clarity_script_webhook_update,
              args, 2, action, handler);

    clarity_buf_free(&buf);

    return rc;
}


static ngx_int_t
ngx_http_clarity_api_run(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    const clarity_script_t *script, const clarity_str_t *args, size_t n,
    const char *action, ngx_http_clarity_call_pt handler)
{
    size_t                i, argc;
    u_char                time[NGX_INT64_LEN];
    clarity_key_t         webhooks, audited;
    clarity_str_t         argv[7 + CLARITY_AUDIT_FIELDS], prefix;
    clarity_audit_t       audit;

    prefix = ngx_http_clarity_api_prefix(api);

    clarity_key_webhooks(&webhooks, prefix);
    clarity_key_audit(&audited, prefix);

    argc = 0;
    argv[argc++] = clarity_lit("EVAL");
    argv[argc++] = clarity_str(script->lua);
    argv[argc++] = clarity_lit("2");
    argv[argc++] = clarity_key_str(&webhooks);
    argv[argc++] = clarity_key_str(&audited);

    for (i = 0; i < n; i++) {
        argv[argc++] = args[i];
    }

    ngx_http_clarity_api_audit(r, api, action, &audit, time);
    argc += clarity_audit_fields(&audit, &argv[argc]);

    return ngx_http_clarity_api_give(r, api, argc, argv, handler);
}


void
ngx_http_clarity_api_audit(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action, clarity_audit_t *audit,
    u_char *time)
{
    ngx_memzero(audit, sizeof(clarity_audit_t));

    /* $remote_user, as auth_basic has checked it */
    audit->user.data = (char *) r->headers_in.user.data;
    audit->user.len = r->headers_in.user.len;

    audit->action = clarity_str(action);
    audit->webhook = clarity_str(api->changed.id);
    audit->addr.data = (char *) r->connection->addr_text.data;
    audit->addr.len = r->connection->addr_text.len;
    audit->time.data = (char *) time;
    audit->time.len = ngx_sprintf(time, "%uL", ngx_http_clarity_now()) - time;
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


ngx_uint_t
ngx_http_clarity_api_made(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    clarity_redis_result_t result, const redisReply *reply, ngx_int_t *rc)
{
    if (result == CLARITY_REDIS_UNKNOWN) {
        *rc = ngx_http_clarity_api_problem(r, NGX_HTTP_GATEWAY_TIME_OUT,
            "queue_timeout",
            "Redis did not answer in time: whether the change is made is not "
            "known. Look at the webhook again.");
        return 0;
    }

    if (result == CLARITY_REDIS_NOT_SENT) {
        *rc = ngx_http_clarity_api_not_given(r, CLARITY_REDIS_GONE);
        return 0;
    }

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[0]->type == REDIS_REPLY_STRING
        && ngx_strcmp(reply->element[0]->str, "ok") == 0
        && reply->element[1]->type == REDIS_REPLY_INTEGER)
    {
        api->changed.revision = reply->element[1]->integer;
        return 1;
    }

    *rc = ngx_http_clarity_api_not_made(r, reply);

    return 0;
}


static ngx_int_t
ngx_http_clarity_api_not_made(ngx_http_request_t *r, const redisReply *reply)
{
    uint64_t    revision;
    const char *word;

    if (reply->type == REDIS_REPLY_ERROR) {
        return ngx_http_clarity_api_refused(r,
            "Redis does not take the change", reply);
    }

    word = reply->type == REDIS_REPLY_ARRAY && reply->elements
            && reply->element[0]->type == REDIS_REPLY_STRING
        ? reply->element[0]->str
        : "";

    if (ngx_strcmp(word, "taken") == 0) {
        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
            "endpoint_taken",
            "There is a webhook of this method and endpoint already.");
    }

    if (ngx_strcmp(word, "conflict") == 0) {
        revision = reply->elements == 2
                && reply->element[1]->type == REDIS_REPLY_INTEGER
            ? (uint64_t) reply->element[1]->integer
            : 0;

        return ngx_http_clarity_api_stale(r, revision);
    }

    if (ngx_strcmp(word, "gone") == 0) {
        return ngx_http_clarity_api_no_webhook(r);
    }

    ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
        "clarity: a change of a webhook was answered with type %d",
        reply->type);

    return ngx_http_clarity_api_internal(r);
}
