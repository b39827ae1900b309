/*
 * A request's webhook, out of the snapshot in shared memory.
 */

#include "ngx_http_clarity_registry.h"


/* Of the webhooks of an endpoint, the one that a request is meant for. */
typedef struct {
    size_t     i;       /* in the snapshot */
    ngx_uint_t matches; /* its token came */
    ngx_uint_t token;   /* which one */
} ngx_http_clarity_choice_t;


static ngx_int_t ngx_http_clarity_select(ngx_http_request_t *r,
    void *snapshot, ngx_str_t *endpoint,
    const clarity_token_digest_t *digest,
    ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal);
static void ngx_http_clarity_no_match(const clarity_snapshot_webhook_t *found,
    ngx_http_clarity_refusal_t *refusal);
static void ngx_http_clarity_choose(ngx_http_request_t *r,
    const void *snapshot, size_t first, size_t n,
    const clarity_token_digest_t *digest, ngx_http_clarity_choice_t *choice);
static ngx_int_t ngx_http_clarity_use_token(ngx_http_request_t *r,
    void *snapshot, const ngx_http_clarity_choice_t *choice,
    const clarity_snapshot_webhook_t *found);
static ngx_uint_t ngx_http_clarity_match(
    const clarity_snapshot_webhook_t *webhook,
    const clarity_token_digest_t *digest, uint64_t now, ngx_uint_t *token);
static ngx_uint_t ngx_http_clarity_is_method(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *webhook);
static ngx_http_clarity_webhook_t *ngx_http_clarity_copy(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *found);
static ngx_int_t ngx_http_clarity_copy_text(
    ngx_http_request_t *r, ngx_str_t *to, clarity_str_t text);


/*
 * An endpoint has only bytes that need no escape and no segments that nginx
 * would resolve, so its address reaches us as it was sent: another one is none
 * of ours, however it reads when it is normalised. (r->complex_uri is also set
 * for a segment that merely begins with a dot.)
 */

ngx_int_t
ngx_http_clarity_registry_endpoint(ngx_http_request_t *r, ngx_str_t *endpoint)
{
    size_t                    len;
    u_char                   *query;
    ngx_str_t                *sent;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    sent = &r->unparsed_uri;

    if (r->uri.len < clcf->name.len) {
        return NGX_DECLINED;
    }

    if (r->valid_unparsed_uri) {
        query = ngx_strlchr(sent->data, sent->data + sent->len, '?');
        len = query ? (size_t) (query - sent->data) : sent->len;

        if (len != r->uri.len || ngx_memcmp(sent->data, r->uri.data, len) != 0)
        {
            return NGX_DECLINED;
        }

    } else if (r->quoted_uri || r->complex_uri) {
        /* and then rewritten */
        return NGX_DECLINED;
    }

    endpoint->data = r->uri.data + clcf->name.len;
    endpoint->len = r->uri.len - clcf->name.len;

    return NGX_OK;
}


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


ngx_int_t
ngx_http_clarity_registry_name(
    ngx_http_request_t *r, ngx_str_t *id, ngx_str_t *trigger)
{
    size_t                        i, n, first;
    ngx_int_t                     rc;
    ngx_str_t                     endpoint;
    ngx_slab_pool_t              *pool;
    clarity_snapshot_webhook_t    found;
    ngx_http_clarity_shared_t    *shared;
    ngx_http_clarity_main_conf_t *cmcf;

    if (ngx_http_clarity_registry_endpoint(r, &endpoint) != NGX_OK) {
        return NGX_DECLINED;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(&pool->mutex);

    n = !shared->loaded ? 0
        : clarity_snapshot_find(shared->snapshot,
            (clarity_str_t){ (char *) endpoint.data, endpoint.len }, &first);

    for (i = 0; i < n; i++) {
        clarity_snapshot_get(shared->snapshot, first + i, &found);

        if (ngx_http_clarity_is_method(r, &found)) {
            break;
        }
    }

    if (n && ngx_http_clarity_copy_text(r, id, found.id) == NGX_OK) {
        rc = ngx_http_clarity_copy_text(r, trigger, found.trigger);
    }

    ngx_shmtx_unlock(&pool->mutex);

    return rc;
}


ngx_uint_t
ngx_http_clarity_registry_may(ngx_http_clarity_main_conf_t *cmcf,
    clarity_str_t id, const clarity_token_digest_t *digest)
{
    size_t                     i;
    ngx_uint_t                 may, token;
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;
    clarity_snapshot_webhook_t found;

    may = 0;
    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    if (shared->loaded
        && clarity_snapshot_find_id(shared->snapshot, id, &i))
    {
        clarity_snapshot_get(shared->snapshot, i, &found);
        may = ngx_http_clarity_match(&found, digest, ngx_http_clarity_now(),
            &token);
    }

    ngx_shmtx_unlock(&pool->mutex);

    return may;
}


ngx_uint_t
ngx_http_clarity_registry_knows(
    ngx_http_clarity_main_conf_t *cmcf, ngx_str_t *id)
{
    size_t                     i;
    ngx_uint_t                 knows;
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    knows = shared->loaded
        && clarity_snapshot_find_id(shared->snapshot,
            (clarity_str_t){ (char *) id->data, id->len }, &i);

    ngx_shmtx_unlock(&pool->mutex);

    return knows;
}


void
ngx_http_clarity_registry_used(ngx_http_clarity_main_conf_t *cmcf,
    const clarity_webhook_t *webhook, uint64_t used[CLARITY_WEBHOOK_TOKENS])
{
    size_t                     i, k, t;
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;
    clarity_snapshot_webhook_t found;

    ngx_memzero(used, CLARITY_WEBHOOK_TOKENS * sizeof(uint64_t));

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    if (shared->loaded
        && clarity_snapshot_find_id(shared->snapshot,
            clarity_str(webhook->id), &i))
    {
        clarity_snapshot_get(shared->snapshot, i, &found);

        for (t = 0; t < found.ntokens; t++) {
            for (k = 0; k < webhook->ntokens; k++) {
                if (clarity_str_is(found.tokens[t].id,
                        webhook->tokens[k].id))
                {
                    used[k] = found.tokens[t].used;
                }
            }
        }
    }

    ngx_shmtx_unlock(&pool->mutex);
}


/*
 * *webhook is set as well where the request is refused, to the one that it is
 * refused on behalf of, unless there is none at this endpoint. digest NULL:
 * there is no token to look at, and *refusal says so already.
 */

static ngx_int_t
ngx_http_clarity_select(ngx_http_request_t *r, void *snapshot,
    ngx_str_t *endpoint, const clarity_token_digest_t *digest,
    ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal)
{
    size_t                     n, first;
    ngx_uint_t                 is_method;
    ngx_http_clarity_choice_t  choice;
    clarity_snapshot_webhook_t found;

    n = clarity_snapshot_find(snapshot,
        (clarity_str_t){ (char *) endpoint->data, endpoint->len }, &first);

    if (n == 0) {
        refusal->outcome = CLARITY_WEBHOOK_NOT_FOUND;
        return NGX_DECLINED;
    }

    ngx_http_clarity_choose(r, snapshot, first, n, digest, &choice);
    clarity_snapshot_get(snapshot, choice.i, &found);

    *webhook = ngx_http_clarity_copy(r, &found);

    if (*webhook == NULL) {
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    if (!choice.matches) {
        if (digest) {
            ngx_http_clarity_no_match(&found, refusal);
        }

        return NGX_DECLINED;
    }

    if (ngx_http_clarity_use_token(r, snapshot, &choice, &found) != NGX_OK) {
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    is_method = ngx_http_clarity_is_method(r, &found);

    refusal->outcome = is_method ? CLARITY_WEBHOOK_DISABLED
                                 : CLARITY_METHOD_NOT_ALLOWED;

    return is_method && found.active ? NGX_OK : NGX_DECLINED;
}


/* It may be the one that could not be opened: that is no fault of the sender. */

static void
ngx_http_clarity_no_match(const clarity_snapshot_webhook_t *found,
    ngx_http_clarity_refusal_t *refusal)
{
    if (found->unopened <= ngx_http_clarity_now()) {
        refusal->outcome = CLARITY_TOKEN_INVALID;
        return;
    }

    refusal->outcome = CLARITY_WEBHOOKS_NOT_LOADED;
    ngx_str_set(&refusal->detail,
        "The job was not stored, as this server cannot open all tokens of "
        "this webhook. Repeat the request after the time in Retry-After.");
}


/*
 * Among the n webhooks of the endpoint, one a method: that of the request's
 * method, if there is one. Else the one whose token came, so that the sender
 * can be told the method; else the first.
 */

static void
ngx_http_clarity_choose(ngx_http_request_t *r, const void *snapshot,
    size_t first, size_t n, const clarity_token_digest_t *digest,
    ngx_http_clarity_choice_t *choice)
{
    size_t                     i;
    uint64_t                   now;
    ngx_uint_t                 matches, token;
    clarity_snapshot_webhook_t found;

    now = ngx_http_clarity_now();

    choice->i = first;
    choice->matches = 0;
    choice->token = 0;

    for (i = first; i < first + n; i++) {
        clarity_snapshot_get(snapshot, i, &found);

        matches = digest
            && ngx_http_clarity_match(&found, digest, now, &token);

        if (matches || ngx_http_clarity_is_method(r, &found)) {
            choice->i = i;
            choice->matches = matches;
            choice->token = matches ? token : 0;
        }

        if (ngx_http_clarity_is_method(r, &found)) {
            return;
        }
    }
}


/* Notes that it was used, and in the request, which one it is. */

static ngx_int_t
ngx_http_clarity_use_token(ngx_http_request_t *r, void *snapshot,
    const ngx_http_clarity_choice_t *choice,
    const clarity_snapshot_webhook_t *found)
{
    ngx_http_clarity_ctx_t *ctx;

    clarity_snapshot_use(snapshot, choice->i, choice->token,
        ngx_http_clarity_now());

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    return ngx_http_clarity_copy_text(r, &ctx->token_id,
        found->tokens[choice->token].id);
}


/* Looks at all tokens, whichever is the one, and leaves out the expired. */

static ngx_uint_t
ngx_http_clarity_match(const clarity_snapshot_webhook_t *webhook,
    const clarity_token_digest_t *digest, uint64_t now, ngx_uint_t *token)
{
    size_t     i;
    ngx_uint_t matches;

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


/* The request's own: the snapshot may go before the request does. */

static ngx_http_clarity_webhook_t *
ngx_http_clarity_copy(
    ngx_http_request_t *r, const clarity_snapshot_webhook_t *found)
{
    ngx_http_clarity_webhook_t  *webhook;
    ngx_http_clarity_loc_conf_t *clcf;

    webhook = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_webhook_t));

    if (webhook == NULL
        || ngx_http_clarity_copy_text(r, &webhook->name, found->id) != NGX_OK
        || ngx_http_clarity_copy_text(r, &webhook->method_name, found->method)
            != NGX_OK
        || ngx_http_clarity_copy_text(r, &webhook->trigger_name,
               found->trigger)
            != NGX_OK)
    {
        return NULL;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    webhook->rules = found->rules;
    webhook->status = found->status;
    webhook->idempotency = (found->idempotency == CLARITY_SNAPSHOT_INHERIT)
        ? clcf->idempotency
        : (ngx_msec_t) found->idempotency;

    return webhook;
}


static ngx_int_t
ngx_http_clarity_copy_text(
    ngx_http_request_t *r, ngx_str_t *to, clarity_str_t text)
{
    to->data = ngx_pnalloc(r->pool, text.len);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, text.data, text.len);
    to->len = text.len;

    return NGX_OK;
}
