/*
 * A request's webhook, out of the snapshot in shared memory.
 */

#include "ngx_http_clarity_registry.h"


static ngx_int_t ngx_http_clarity_select(ngx_http_request_t *r,
    const void *snapshot, ngx_str_t *endpoint,
    const clarity_token_digest_t *digest,
    ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal);
static ngx_int_t ngx_http_clarity_choose(ngx_http_request_t *r,
    const void *snapshot, size_t first, size_t n,
    const clarity_token_digest_t *digest, clarity_snapshot_webhook_t *found,
    ngx_uint_t *token, ngx_http_clarity_refusal_t *refusal);
static ngx_uint_t ngx_http_clarity_match(
    const clarity_snapshot_webhook_t *webhook,
    const clarity_token_digest_t *digest, ngx_uint_t *token);
static ngx_uint_t ngx_http_clarity_is_method(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *webhook);
static ngx_http_clarity_webhook_t *ngx_http_clarity_copy(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *found,
    ngx_uint_t token);
static u_char *ngx_http_clarity_put(
    ngx_str_t *to, u_char *p, clarity_str_t text);


ngx_int_t
ngx_http_clarity_registry_find(ngx_http_request_t *r, ngx_str_t *endpoint,
    ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t                     given, rc;
    ngx_slab_pool_t              *pool;
    clarity_token_digest_t        digest;
    ngx_http_clarity_shared_t    *shared;
    ngx_http_clarity_loc_conf_t  *clcf;
    ngx_http_clarity_main_conf_t *cmcf;

    *webhook = NULL;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    /* the digest costs more than the look-up: not with the mutex held */
    given = ngx_http_clarity_given_token(r, clcf, &digest, refusal);

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    if (!shared->loaded) {
        refusal->outcome = CLARITY_WEBHOOKS_NOT_LOADED;
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_clarity_select(r, shared->snapshot, endpoint,
            given == NGX_OK ? &digest : NULL, webhook, refusal);
    }

    ngx_shmtx_unlock(&pool->mutex);

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    (*webhook)->trigger = clarity_triggers_find(cmcf->triggers,
        (clarity_str_t){ (char *) (*webhook)->trigger_name.data,
            (*webhook)->trigger_name.len });

    if ((*webhook)->trigger == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
            "the webhook %V is of the trigger \"%V\", which is not in the "
            "file of \"clarity_triggers\"", &(*webhook)->name,
            &(*webhook)->trigger_name);
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_clarity_registry_may(ngx_http_clarity_main_conf_t *cmcf,
    clarity_str_t id, const clarity_token_digest_t *digest)
{
    size_t                      i, n;
    ngx_uint_t                  may, token;
    ngx_slab_pool_t            *pool;
    clarity_snapshot_webhook_t  found;

    may = 0;
    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    n = cmcf->shared->loaded
        ? clarity_snapshot_count(cmcf->shared->snapshot) : 0;

    for (i = 0; i < n; i++) {
        clarity_snapshot_get(cmcf->shared->snapshot, i, &found);

        if (clarity_str_eq(found.id, id)) {
            may = ngx_http_clarity_match(&found, digest, &token);
            break;
        }
    }

    ngx_shmtx_unlock(&pool->mutex);

    return may;
}


/*
 * *webhook is set as well where the request is refused, to the one that it is
 * refused on behalf of, unless there is none at this endpoint: its activity
 * shows the refusal. digest NULL: there is no token to look at, and *refusal
 * says so already.
 */

static ngx_int_t
ngx_http_clarity_select(ngx_http_request_t *r, const void *snapshot,
    ngx_str_t *endpoint, const clarity_token_digest_t *digest,
    ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal)
{
    size_t                     n, first;
    ngx_int_t                  rc;
    ngx_uint_t                 token;
    clarity_snapshot_webhook_t found;

    n = clarity_snapshot_find(snapshot,
        (clarity_str_t){ (char *) endpoint->data, endpoint->len }, &first);

    if (n == 0) {
        refusal->outcome = CLARITY_WEBHOOK_NOT_FOUND;
        return NGX_DECLINED;
    }

    if (digest) {
        refusal->outcome = CLARITY_TOKEN_INVALID;
    }

    rc = ngx_http_clarity_choose(r, snapshot, first, n, digest, &found,
        &token, refusal);

    *webhook = ngx_http_clarity_copy(r, &found, token);

    if (*webhook == NULL) {
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    return rc;
}


/*
 * Among the n webhooks of the endpoint, one a method: that of the request's
 * method, if the token is its own. Where there is none of that method, a token
 * of another is good enough to be told so. *token is found->ntokens where the
 * request has no good one.
 */

static ngx_int_t
ngx_http_clarity_choose(ngx_http_request_t *r, const void *snapshot,
    size_t first, size_t n, const clarity_token_digest_t *digest,
    clarity_snapshot_webhook_t *found, ngx_uint_t *token,
    ngx_http_clarity_refusal_t *refusal)
{
    size_t i;

    for (i = first; i < first + n; i++) {
        clarity_snapshot_get(snapshot, i, found);

        if (!ngx_http_clarity_is_method(r, found)) {
            continue;
        }

        if (digest == NULL || !ngx_http_clarity_match(found, digest, token)) {
            *token = found->ntokens;
            return NGX_DECLINED;
        }

        refusal->outcome = CLARITY_WEBHOOK_DISABLED;
        return found->active ? NGX_OK : NGX_DECLINED;
    }

    for (i = first; digest && i < first + n; i++) {
        clarity_snapshot_get(snapshot, i, found);

        if (ngx_http_clarity_match(found, digest, token)) {
            refusal->outcome = CLARITY_METHOD_NOT_ALLOWED;
            return NGX_DECLINED;
        }
    }

    clarity_snapshot_get(snapshot, first, found);
    *token = found->ntokens;

    return NGX_DECLINED;
}


/* Looks at all tokens, whichever is the one, and leaves out the expired. */

static ngx_uint_t
ngx_http_clarity_match(const clarity_snapshot_webhook_t *webhook,
    const clarity_token_digest_t *digest, ngx_uint_t *token)
{
    size_t      i;
    uint64_t    now;
    ngx_time_t *tp;
    ngx_uint_t  matches;

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;
    matches = 0;

    for (i = 0; i < webhook->ntokens; i++) {

        if (clarity_token_matches(digest, &webhook->tokens[i].digest, 1)
            && (webhook->tokens[i].expires == 0
                || webhook->tokens[i].expires > now))
        {
            matches = 1;
            *token = i;
        }
    }

    return matches;
}


static ngx_uint_t
ngx_http_clarity_is_method(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *webhook)
{
    return r->method_name.len == webhook->method.len
        && ngx_memcmp(r->method_name.data, webhook->method.data,
               webhook->method.len)
            == 0;
}


/*
 * The request's own: the snapshot may go before the request does. token: the
 * index of the one that it came with, or ntokens: it came with none of them.
 */

static ngx_http_clarity_webhook_t *
ngx_http_clarity_copy(ngx_http_request_t *r,
    const clarity_snapshot_webhook_t *found, ngx_uint_t token)
{
    u_char                      *p;
    clarity_str_t                token_id;
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_webhook_t  *webhook;
    ngx_http_clarity_loc_conf_t *clcf;

    token_id = (token < found->ntokens) ? found->tokens[token].id
                                        : clarity_lit("");

    webhook = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_webhook_t));
    if (webhook == NULL) {
        return NULL;
    }

    p = ngx_pnalloc(r->pool, found->id.len + found->method.len
        + found->trigger.len + token_id.len);
    if (p == NULL) {
        return NULL;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    p = ngx_http_clarity_put(&webhook->name, p, found->id);
    p = ngx_http_clarity_put(&webhook->method_name, p, found->method);
    p = ngx_http_clarity_put(&webhook->trigger_name, p, found->trigger);
    (void) ngx_http_clarity_put(&ctx->token_id, p, token_id);

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    webhook->rules = found->rules;
    webhook->status = found->status;
    webhook->idempotency = (found->idempotency == CLARITY_SNAPSHOT_INHERIT)
        ? clcf->idempotency
        : (ngx_msec_t) found->idempotency;

    return webhook;
}


static u_char *
ngx_http_clarity_put(ngx_str_t *to, u_char *p, clarity_str_t text)
{
    to->data = p;
    to->len = text.len;

    return ngx_cpymem(p, text.data, text.len);
}
