/*
 * Two rings of events for each webhook, found by its name. When the zone is full,
 * the webhook that was quiet for longest is forgotten.
 */

#include "ngx_http_clarity_activity.h"


typedef struct {
    ngx_uint_t next;  /* where the next event goes */
    ngx_uint_t count; /* events that there are */
} ngx_http_clarity_ring_t;

typedef struct {
    ngx_str_node_t           node; /* by name; its bytes follow the struct */
    ngx_queue_t              queue;
    uint64_t                 number; /* of the next event */
    ngx_http_clarity_event_t accepted; /* the last one */
    ngx_http_clarity_event_t refused;
    ngx_http_clarity_ring_t  known_ring;
    ngx_http_clarity_ring_t  strangers_ring;
    ngx_http_clarity_event_t known[NGX_HTTP_CLARITY_KNOWN];
    ngx_http_clarity_event_t strangers[NGX_HTTP_CLARITY_STRANGERS];
} ngx_http_clarity_history_t;


static void ngx_http_clarity_note(ngx_http_clarity_main_conf_t *cmcf,
    const ngx_str_t *name, ngx_http_clarity_event_t *event,
    ngx_uint_t stranger);
static void ngx_http_clarity_put(ngx_http_clarity_event_t *events,
    ngx_uint_t size, ngx_http_clarity_ring_t *ring,
    const ngx_http_clarity_event_t *event);
static ngx_uint_t ngx_http_clarity_merge(ngx_http_clarity_history_t *history,
    ngx_http_clarity_event_t events[NGX_HTTP_CLARITY_ACTIVITY]);
static const ngx_http_clarity_event_t *ngx_http_clarity_nth(
    const ngx_http_clarity_event_t *events, ngx_uint_t size,
    const ngx_http_clarity_ring_t *ring, ngx_uint_t n);
static void ngx_http_clarity_make_event(ngx_http_request_t *r,
    ngx_http_clarity_ctx_t *ctx, clarity_outcome_t outcome,
    ngx_http_clarity_event_t *event);
static u_short ngx_http_clarity_cut(
    u_char *to, size_t size, u_char *from, size_t len);
static ngx_http_clarity_history_t *ngx_http_clarity_find_history(
    ngx_http_clarity_shared_t *shared, const ngx_str_t *name);
static ngx_http_clarity_history_t *ngx_http_clarity_add_history(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool,
    const ngx_str_t *name);


ngx_int_t
ngx_http_clarity_activity_handler(ngx_http_request_t *r)
{
    ngx_str_t                     name;
    ngx_uint_t                    stranger;
    clarity_outcome_t             outcome;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_event_t      event;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    /* without a webhook the zone is there for something else */
    if (cmcf->zone == NULL || cmcf->redis.nelts == 0 || r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx && ctx->webhook && ctx->outcome != CLARITY_NOUTCOMES) {
        name = ctx->webhook->name;
        outcome = ctx->outcome;
        stranger = outcome == CLARITY_TOKEN_MISSING
            || outcome == CLARITY_TOKEN_INVALID;

    } else if (ngx_http_clarity_refused_by_nginx(r, &name, &outcome)) {
        stranger = 1;

    } else {
        return NGX_OK;
    }

    ngx_http_clarity_make_event(r, ctx, outcome, &event);
    ngx_http_clarity_note(cmcf, &name, &event, stranger);

    return NGX_OK;
}


/*
 * What nginx refuses by itself never comes to our handler, or is led away from
 * it by error_page, which takes the request's context and its location. The
 * variable stays, where limit_req, the handler or the address of error_page
 * has asked for it.
 */

ngx_uint_t
ngx_http_clarity_refused_by_nginx(
    ngx_http_request_t *r, ngx_str_t *name, clarity_outcome_t *outcome)
{
    ngx_http_variable_value_t    *vv;
    ngx_http_clarity_main_conf_t *cmcf;

    switch (r->err_status ? r->err_status : r->headers_out.status) {

    case NGX_HTTP_BAD_REQUEST:
        *outcome = CLARITY_BAD_REQUEST;
        break;

    case NGX_HTTP_REQUEST_TIME_OUT:
        *outcome = CLARITY_REQUEST_TIMEOUT;
        break;

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        *outcome = CLARITY_PAYLOAD_TOO_LARGE;
        break;

    case NGX_HTTP_TOO_MANY_REQUESTS:
        *outcome = CLARITY_RATE_LIMITED;
        break;

    default:
        return 0;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    vv = ngx_http_get_flushed_variable(r, cmcf->webhook_index);

    if (vv == NULL || vv->not_found || vv->len == 0) {
        return 0;
    }

    name->data = vv->data;
    name->len = vv->len;

    return 1;
}


static void
ngx_http_clarity_note(ngx_http_clarity_main_conf_t *cmcf,
    const ngx_str_t *name, ngx_http_clarity_event_t *event,
    ngx_uint_t stranger)
{
    ngx_slab_pool_t            *pool;
    ngx_http_clarity_shared_t  *shared;
    ngx_http_clarity_history_t *history;

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    shared = cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    history = ngx_http_clarity_find_history(shared, name);

    if (history == NULL) {
        history = ngx_http_clarity_add_history(shared, pool, name);
    }

    if (history) {
        ngx_queue_remove(&history->queue);
        ngx_queue_insert_head(&shared->histories, &history->queue);

        event->number = history->number++;

        if (stranger) {
            ngx_http_clarity_put(history->strangers,
                NGX_HTTP_CLARITY_STRANGERS, &history->strangers_ring, event);
        } else {
            ngx_http_clarity_put(history->known, NGX_HTTP_CLARITY_KNOWN,
                &history->known_ring, event);
        }

        if (event->outcome == CLARITY_ACCEPTED
            || event->outcome == CLARITY_DUPLICATE)
        {
            history->accepted = *event;

        } else if (event->outcome != CLARITY_VALID) {
            history->refused = *event;
        }
    }

    ngx_shmtx_unlock(&pool->mutex);
}


static void
ngx_http_clarity_put(ngx_http_clarity_event_t *events, ngx_uint_t size,
    ngx_http_clarity_ring_t *ring, const ngx_http_clarity_event_t *event)
{
    events[ring->next] = *event;
    ring->next = (ring->next + 1) % size;

    if (ring->count < size) {
        ring->count++;
    }
}


ngx_uint_t
ngx_http_clarity_activity_get(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, ngx_str_t *webhook,
    ngx_http_clarity_event_t events[NGX_HTTP_CLARITY_ACTIVITY])
{
    ngx_uint_t                  n;
    ngx_http_clarity_history_t *history;

    n = 0;

    ngx_shmtx_lock(&pool->mutex);

    history = ngx_http_clarity_find_history(shared, webhook);

    if (history) {
        n = ngx_http_clarity_merge(history, events);
    }

    ngx_shmtx_unlock(&pool->mutex);

    return n;
}


/* Newest first. */

static ngx_uint_t
ngx_http_clarity_merge(ngx_http_clarity_history_t *history,
    ngx_http_clarity_event_t events[NGX_HTTP_CLARITY_ACTIVITY])
{
    ngx_uint_t                      i, k, n;
    const ngx_http_clarity_event_t *known, *stranger;

    i = 0;
    k = 0;

    for (n = 0; n < NGX_HTTP_CLARITY_ACTIVITY; n++) {
        known = ngx_http_clarity_nth(history->known, NGX_HTTP_CLARITY_KNOWN,
            &history->known_ring, i);
        stranger = ngx_http_clarity_nth(history->strangers,
            NGX_HTTP_CLARITY_STRANGERS, &history->strangers_ring, k);

        if (known && (stranger == NULL || known->number > stranger->number)) {
            events[n] = *known;
            i++;

        } else if (stranger) {
            events[n] = *stranger;
            k++;

        } else {
            break;
        }
    }

    return n;
}


/* The nth of a ring, from 0, the newest; NULL: there are not so many. */

static const ngx_http_clarity_event_t *
ngx_http_clarity_nth(const ngx_http_clarity_event_t *events, ngx_uint_t size,
    const ngx_http_clarity_ring_t *ring, ngx_uint_t n)
{
    return n < ring->count ? &events[(ring->next + size - 1 - n) % size]
                           : NULL;
}


void
ngx_http_clarity_activity_last(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, ngx_str_t *webhook,
    ngx_http_clarity_event_t *accepted, ngx_http_clarity_event_t *refused)
{
    ngx_http_clarity_history_t *history;

    accepted->outcome = CLARITY_NOUTCOMES;
    refused->outcome = CLARITY_NOUTCOMES;

    ngx_shmtx_lock(&pool->mutex);

    history = ngx_http_clarity_find_history(shared, webhook);

    if (history) {
        *accepted = history->accepted;
        *refused = history->refused;
    }

    ngx_shmtx_unlock(&pool->mutex);
}


ngx_uint_t
ngx_http_clarity_activity_forget(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool)
{
    ngx_queue_t                *q;
    ngx_http_clarity_history_t *history;

    if (ngx_queue_empty(&shared->histories)) {
        return 0;
    }

    q = ngx_queue_last(&shared->histories);
    history = ngx_queue_data(q, ngx_http_clarity_history_t, queue);

    ngx_queue_remove(q);
    ngx_rbtree_delete(&shared->by_name, &history->node.node);
    ngx_slab_free_locked(pool, history);

    return 1;
}


/* ctx may be NULL. */

static void
ngx_http_clarity_make_event(ngx_http_request_t *r,
    ngx_http_clarity_ctx_t *ctx, clarity_outcome_t outcome,
    ngx_http_clarity_event_t *event)
{
    clarity_str_t id;

    ngx_memzero(event, sizeof(ngx_http_clarity_event_t));

    event->time = ngx_http_clarity_now();
    event->outcome = outcome;
    event->status = r->err_status ? r->err_status : r->headers_out.status;

    if (ngx_http_clarity_request_id(r, &id) == NGX_OK) {
        event->request_len = ngx_http_clarity_cut(event->request,
            sizeof(event->request), (u_char *) id.data, id.len);
    }

    event->addr_len = ngx_http_clarity_cut(event->addr, sizeof(event->addr),
        r->connection->addr_text.data, r->connection->addr_text.len);

    if (ctx == NULL) {
        return;
    }

    event->job_len = ngx_http_clarity_cut(event->job, sizeof(event->job),
        ctx->job_id.data, ctx->job_id.len);
    event->token_len = ngx_http_clarity_cut(event->token,
        sizeof(event->token), ctx->token_id.data, ctx->token_id.len);
    event->detail_len = ngx_http_clarity_cut(event->detail,
        sizeof(event->detail), ctx->detail.data, ctx->detail.len);

    if (ctx->faults) {
        event->faults = *ctx->faults;
    }
}


/* Never within a character of UTF-8. Of nothing, from may be NULL. */

static u_short
ngx_http_clarity_cut(u_char *to, size_t size, u_char *from, size_t len)
{
    if (len == 0) {
        return 0;
    }

    if (len > size) {
        len = size;

        while (len > 0 && (from[len] & 0xc0) == 0x80) {
            len--;
        }
    }

    ngx_memcpy(to, from, len);

    return (u_short) len;
}


static ngx_http_clarity_history_t *
ngx_http_clarity_find_history(
    ngx_http_clarity_shared_t *shared, const ngx_str_t *name)
{
    ngx_str_t text;

    text = *name;

    return (ngx_http_clarity_history_t *) ngx_str_rbtree_lookup(
        &shared->by_name, &text, ngx_crc32_short(text.data, text.len));
}


/* The pool is locked. NULL: there is no room even without all others. */

static ngx_http_clarity_history_t *
ngx_http_clarity_add_history(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const ngx_str_t *name)
{
    size_t                      size;
    ngx_http_clarity_history_t *history;

    size = sizeof(ngx_http_clarity_history_t) + name->len;

    while ((history = ngx_slab_calloc_locked(pool, size)) == NULL) {

        if (!ngx_http_clarity_activity_forget(shared, pool)) {
            return NULL;
        }
    }

    history->accepted.outcome = CLARITY_NOUTCOMES;
    history->refused.outcome = CLARITY_NOUTCOMES;

    history->node.str.len = name->len;
    history->node.str.data = (u_char *) history
        + sizeof(ngx_http_clarity_history_t);
    ngx_memcpy(history->node.str.data, name->data, name->len);

    history->node.node.key = ngx_crc32_short(name->data, name->len);

    ngx_rbtree_insert(&shared->by_name, &history->node.node);
    ngx_queue_insert_head(&shared->histories, &history->queue);

    return history;
}
