/*
 * Puts a snapshot into shared memory. Where the zone has room for both it is
 * made beside the one that is served; else in its place; and where it does not
 * fit at all, what was deleted or revoked leaves the one that is served.
 */

#include "ngx_http_clarity_activity.h"
#include "ngx_http_clarity_registry.h"


static ngx_int_t ngx_http_clarity_swap(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const clarity_buf_t *snapshot, uint64_t revision);
static ngx_int_t ngx_http_clarity_replace(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const clarity_buf_t *snapshot, uint64_t revision);
static ngx_int_t ngx_http_clarity_in_its_place(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool,
    const clarity_buf_t *rest, const clarity_buf_t *snapshot,
    uint64_t revision);
static void ngx_http_clarity_put(ngx_http_clarity_shared_t *shared,
    const clarity_buf_t *snapshot);
static void ngx_http_clarity_drop(ngx_slab_pool_t *pool, void **block);
static void ngx_http_clarity_tell_no_room(
    ngx_http_clarity_sync_t *sync, size_t size);
static void *ngx_http_clarity_make_room(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, size_t size);
static size_t ngx_http_clarity_room(size_t size);


ngx_int_t
ngx_http_clarity_publish(ngx_http_clarity_sync_t *sync,
    clarity_buf_t *snapshot, uint64_t revision)
{
    ngx_int_t                  rc;
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;

    pool = (ngx_slab_pool_t *) sync->cmcf->zone->shm.addr;
    shared = sync->cmcf->shared;

    ngx_shmtx_lock(&pool->mutex);

    if (shared->generation != sync->generation) {
        rc = NGX_AGAIN;

    } else {
        if (shared->loaded) {
            clarity_snapshot_carry(snapshot->data, shared->snapshot);
        }

        rc = ngx_http_clarity_swap(shared, pool, snapshot, revision);

        if (rc == NGX_ERROR && shared->snapshot) {
            rc = ngx_http_clarity_replace(shared, pool, snapshot, revision);
        }

        shared->no_room = (rc == NGX_ERROR);
    }

    sync->generation = shared->generation;

    ngx_shmtx_unlock(&pool->mutex);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ALERT, sync->log, 0,
            "out of memory: the webhooks in Redis are not loaded");
        return NGX_ERROR;
    }

    if (rc == NGX_ERROR) {
        sync->refused = revision;
        ngx_http_clarity_tell_no_room(sync, snapshot->len);

    } else if (rc == NGX_OK && sync->no_room) {
        sync->no_room = 0;
        ngx_log_error(NGX_LOG_NOTICE, sync->log, 0,
            "\"clarity_zone\" has room for all webhooks again");
    }

    return rc;
}


/*
 * The pool is locked. At each step the process may be killed: shared->snapshot
 * is whole, and shared->building is what the next one has to free; or nobody
 * knows of a block any more. That is lost, where one freed twice would be
 * everybody's harm. NGX_ERROR: there is no room for both.
 */

static ngx_int_t
ngx_http_clarity_swap(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const clarity_buf_t *snapshot, uint64_t revision)
{
    void *old;

    if (shared->building == shared->snapshot) {
        shared->building = NULL;
    }

    ngx_http_clarity_drop(pool, &shared->building);

    shared->building = ngx_http_clarity_make_room(shared, pool,
        snapshot->len);

    if (shared->building == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(shared->building, snapshot->data, snapshot->len);

    old = shared->snapshot;

    shared->snapshot = shared->building;
    shared->building = old;
    shared->size = snapshot->len;
    shared->room = ngx_http_clarity_room(snapshot->len);
    shared->revision = revision;
    shared->generation++;
    shared->loaded = 1;

    ngx_http_clarity_drop(pool, &shared->building);

    return NGX_OK;
}


/*
 * The pool is locked, and there is a snapshot. A process that is killed here
 * leaves nothing loaded: requests are told 503 until the next one has read all
 * again, and none is answered from half a snapshot. NGX_ERROR: there is no
 * room even so; what is served has lost what it has to lose. NGX_DECLINED: no
 * memory to see what that is, so nothing is served.
 */

static ngx_int_t
ngx_http_clarity_replace(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const clarity_buf_t *snapshot, uint64_t revision)
{
    ngx_int_t     rc;
    clarity_buf_t rest;

    if (snapshot->len <= shared->room) {
        ngx_http_clarity_put(shared, snapshot);
        shared->revision = revision;
        return NGX_OK;
    }

    ngx_memzero(&rest, sizeof(clarity_buf_t));

    if (shared->loaded) {
        clarity_snapshot_rest(shared->snapshot, snapshot->data, &rest);
    }

    if (rest.failed) {
        shared->loaded = 0;
        shared->generation++;
        rc = NGX_DECLINED;

    } else {
        rc = ngx_http_clarity_in_its_place(shared, pool, &rest, snapshot,
            revision);
    }

    clarity_buf_free(&rest);

    return rc;
}


/*
 * Frees the old one, so that the new one may fit. Where it does not, the rest
 * of the old one does, which is no longer than that was; it is empty where
 * nothing was loaded.
 */

static ngx_int_t
ngx_http_clarity_in_its_place(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, const clarity_buf_t *rest,
    const clarity_buf_t *snapshot, uint64_t revision)
{
    size_t room;

    room = shared->room;

    shared->loaded = 0;
    shared->size = 0;
    shared->room = 0;
    ngx_http_clarity_drop(pool, &shared->snapshot);

    if (ngx_http_clarity_swap(shared, pool, snapshot, revision) == NGX_OK) {
        return NGX_OK;
    }

    if (rest->len == 0) {
        return NGX_ERROR;
    }

    shared->snapshot = ngx_slab_alloc_locked(pool, room);

    if (shared->snapshot) {
        shared->room = room;
        ngx_http_clarity_put(shared, rest);
    }

    return NGX_ERROR;
}


/* It fits into shared->room. */

static void
ngx_http_clarity_put(
    ngx_http_clarity_shared_t *shared, const clarity_buf_t *snapshot)
{
    shared->loaded = 0;
    ngx_memory_barrier();

    ngx_memcpy(shared->snapshot, snapshot->data, snapshot->len);
    shared->size = snapshot->len;
    shared->generation++;

    ngx_memory_barrier();
    shared->loaded = 1;
}


/* First out of sight, then freed: see above. */

static void
ngx_http_clarity_drop(ngx_slab_pool_t *pool, void **block)
{
    void *p;

    p = *block;
    *block = NULL;

    ngx_memory_barrier();

    if (p) {
        ngx_slab_free_locked(pool, p);
    }
}


/* Once for a size. */

static void
ngx_http_clarity_tell_no_room(ngx_http_clarity_sync_t *sync, size_t size)
{
    if (sync->no_room == size) {
        return;
    }

    sync->no_room = size;

    ngx_log_error(NGX_LOG_ALERT, sync->log, 0,
        "\"clarity_zone\" has no room for %uz bytes of webhooks: make it "
        "larger; until then %s", size,
        sync->cmcf->shared->loaded
            ? "those of before are served, but what was deleted or revoked"
            : "none is served");
}


/* What was noted of requests makes room for webhooks, if that is enough. */

static void *
ngx_http_clarity_make_room(
    ngx_http_clarity_shared_t *shared, ngx_slab_pool_t *pool, size_t size)
{
    void *p;

    size = ngx_http_clarity_room(size);

    if (size + shared->room > (size_t) (pool->end - pool->start)) {
        return NULL;
    }

    do {
        p = ngx_slab_alloc_locked(pool, size);
    } while (p == NULL && ngx_http_clarity_activity_forget(shared, pool));

    return p;
}


/* Whole pages: what is freed is then room for what is no larger. */

static size_t
ngx_http_clarity_room(size_t size)
{
    return ngx_align(size, ngx_pagesize);
}
