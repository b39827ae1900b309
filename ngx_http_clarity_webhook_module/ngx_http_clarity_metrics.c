/*
 * Counting: each request at its answer, each process's sessions each second.
 */

#include "ngx_http_clarity_call.h"
#include "ngx_http_clarity_metrics.h"


#define NGX_HTTP_CLARITY_METRICS_TICK 1000 /* ms */


static uint64_t *ngx_http_clarity_metrics_counts(
    ngx_http_clarity_metrics_t *metrics,
    const ngx_http_clarity_webhook_t *webhook);
static ngx_http_clarity_counter_t *ngx_http_clarity_metrics_slot(
    ngx_http_clarity_metrics_t *metrics);
static void ngx_http_clarity_metrics_observe(
    ngx_http_clarity_histogram_t *histogram, ngx_msec_t ms);
static ngx_msec_t ngx_http_clarity_metrics_elapsed(ngx_http_request_t *r);
static void ngx_http_clarity_metrics_timer_handler(ngx_event_t *ev);
static ngx_http_clarity_process_stat_t *ngx_http_clarity_metrics_process(
    ngx_http_clarity_metrics_t *metrics);


const ngx_msec_t
    ngx_http_clarity_metrics_bounds[NGX_HTTP_CLARITY_METRICS_BUCKETS]
    = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000 };


/* The process's own: NULL while there is nothing to tell. */
static ngx_http_clarity_main_conf_t *ngx_http_clarity_metrics_conf;
static ngx_event_t                   ngx_http_clarity_metrics_timer;
static ngx_connection_t              ngx_http_clarity_metrics_dummy;


ngx_int_t
ngx_http_clarity_metrics_create(
    ngx_http_clarity_main_conf_t *cmcf, ngx_slab_pool_t *pool)
{
    size_t                      size;
    ngx_uint_t                  n;
    ngx_http_clarity_metrics_t *metrics;

    if (!cmcf->metrics || cmcf->shared->metrics) {
        return NGX_OK;
    }

    n = cmcf->zone_size / 8 / sizeof(ngx_http_clarity_counter_t);
    n = ngx_min(n, NGX_HTTP_CLARITY_METRICS_WEBHOOKS);

    size = sizeof(ngx_http_clarity_metrics_t)
        + n * sizeof(ngx_http_clarity_counter_t);

    metrics = ngx_slab_calloc(pool, size);
    if (metrics == NULL) {
        return NGX_ERROR;
    }

    ngx_rbtree_init(&metrics->by_name, &metrics->sentinel,
        ngx_str_rbtree_insert_value);
    ngx_queue_init(&metrics->counters);

    metrics->size = n;
    cmcf->shared->metrics = metrics;

    return NGX_OK;
}


void
ngx_http_clarity_metrics_count(ngx_http_request_t *r)
{
    uint64_t                     *counts;
    ngx_msec_t                    elapsed;
    ngx_slab_pool_t              *pool;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_metrics_t   *metrics;
    ngx_http_clarity_main_conf_t *cmcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    /* only of webhooks: neither of the settings API nor of clarity_jobs */

    if (!cmcf->metrics || ctx == NULL || ctx->outcome == CLARITY_NOUTCOMES
        || ctx->api || ctx->look)
    {
        return;
    }

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    metrics = cmcf->shared->metrics;
    elapsed = ngx_http_clarity_metrics_elapsed(r);

    ngx_shmtx_lock(&pool->mutex);

    counts = ngx_http_clarity_metrics_counts(metrics, ctx->webhook);
    counts[ctx->outcome]++;

    ngx_http_clarity_metrics_observe(&metrics->request, elapsed);

    if (ctx->enqueued) {
        ngx_http_clarity_metrics_observe(&metrics->enqueue,
            ctx->enqueue_time);
    }

    ngx_shmtx_unlock(&pool->mutex);
}


/* Those of the webhook, which is the liveliest now. */

static uint64_t *
ngx_http_clarity_metrics_counts(ngx_http_clarity_metrics_t *metrics,
    const ngx_http_clarity_webhook_t *webhook)
{
    uint32_t                    hash;
    ngx_str_t                   name;
    ngx_http_clarity_counter_t *counter;

    if (webhook == NULL || webhook->name.len == 0) {
        return metrics->none;
    }

    name.data = webhook->name.data;
    name.len = ngx_min(webhook->name.len, NGX_HTTP_CLARITY_METRICS_NAME);
    hash = ngx_crc32_short(name.data, name.len);

    counter = (ngx_http_clarity_counter_t *) ngx_str_rbtree_lookup(
        &metrics->by_name, &name, hash);

    if (counter) {
        ngx_queue_remove(&counter->queue);

    } else {
        counter = ngx_http_clarity_metrics_slot(metrics);
        if (counter == NULL) {
            return metrics->other;
        }

        ngx_memcpy(counter->name, name.data, name.len);
        counter->node.str.data = counter->name;
        counter->node.str.len = name.len;
        counter->node.node.key = hash;
        ngx_rbtree_insert(&metrics->by_name, &counter->node.node);
    }

    ngx_queue_insert_head(&metrics->counters, &counter->queue);

    return counter->counts;
}


/* A free one, or that of the quietest webhook, whose counts move to others. */

static ngx_http_clarity_counter_t *
ngx_http_clarity_metrics_slot(ngx_http_clarity_metrics_t *metrics)
{
    ngx_uint_t                  i;
    ngx_queue_t                *q;
    ngx_http_clarity_counter_t *counter;

    if (metrics->used < metrics->size) {
        return &metrics->slots[metrics->used++];
    }

    if (ngx_queue_empty(&metrics->counters)) {
        return NULL;
    }

    q = ngx_queue_last(&metrics->counters);
    counter = ngx_queue_data(q, ngx_http_clarity_counter_t, queue);

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {
        metrics->other[i] += counter->counts[i];
        counter->counts[i] = 0;
    }

    ngx_queue_remove(q);
    ngx_rbtree_delete(&metrics->by_name, &counter->node.node);

    return counter;
}


static void
ngx_http_clarity_metrics_observe(
    ngx_http_clarity_histogram_t *histogram, ngx_msec_t ms)
{
    ngx_uint_t i;

    for (i = 0; i < NGX_HTTP_CLARITY_METRICS_BUCKETS; i++) {
        if (ms <= ngx_http_clarity_metrics_bounds[i]) {
            break;
        }
    }

    histogram->buckets[i]++;
    histogram->sum += ms;
}


/* As $request_time. */

static ngx_msec_t
ngx_http_clarity_metrics_elapsed(ngx_http_request_t *r)
{
    ngx_time_t     *tp;
    ngx_msec_int_t  ms;

    tp = ngx_timeofday();

    ms = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
        + (tp->msec - r->start_msec));

    return ngx_max(ms, 0);
}


ngx_int_t
ngx_http_clarity_metrics_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_event_t *timer;

    if (!cmcf->metrics) {
        return NGX_OK;
    }

    ngx_http_clarity_metrics_conf = cmcf;

    timer = &ngx_http_clarity_metrics_timer;

    ngx_http_clarity_metrics_dummy.fd = (ngx_socket_t) -1;

    timer->handler = ngx_http_clarity_metrics_timer_handler;
    timer->data = &ngx_http_clarity_metrics_dummy;
    timer->log = cycle->log;
    timer->cancelable = 1;

    ngx_add_timer(timer, NGX_HTTP_CLARITY_METRICS_TICK);

    return NGX_OK;
}


void
ngx_http_clarity_metrics_exit(void)
{
    ngx_slab_pool_t                 *pool;
    ngx_http_clarity_main_conf_t    *cmcf;
    ngx_http_clarity_process_stat_t *process;

    cmcf = ngx_http_clarity_metrics_conf;

    if (cmcf == NULL) {
        return;
    }

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    process = ngx_http_clarity_metrics_process(cmcf->shared->metrics);

    if (process) {
        process->pid = 0;
    }

    ngx_shmtx_unlock(&pool->mutex);
}


static void
ngx_http_clarity_metrics_timer_handler(ngx_event_t *ev)
{
    ngx_http_clarity_metrics_tell();

    ngx_add_timer(ev, NGX_HTTP_CLARITY_METRICS_TICK);
}


void
ngx_http_clarity_metrics_tell(void)
{
    ngx_uint_t                       i, n, pending, ready;
    ngx_slab_pool_t                 *pool;
    ngx_clarity_redis_conf_t       **conf;
    ngx_http_clarity_main_conf_t    *cmcf;
    ngx_http_clarity_process_stat_t *process;
    ngx_http_clarity_session_stat_t *session;

    cmcf = ngx_http_clarity_metrics_conf;

    if (cmcf == NULL) {
        return;
    }

    conf = cmcf->redis.elts;
    n = ngx_min(cmcf->redis.nelts, NGX_HTTP_CLARITY_METRICS_SESSIONS);

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    process = ngx_http_clarity_metrics_process(cmcf->shared->metrics);

    if (process) {
        process->pid = ngx_pid;
        process->nsessions = n;

        for (i = 0; i < n; i++) {
            ngx_http_clarity_call_state(i, &pending, &ready);

            session = &process->sessions[i];
            session->label = ngx_http_clarity_metrics_label(conf[i]);
            session->pending = pending;
            session->ready = ready;
        }
    }

    ngx_shmtx_unlock(&pool->mutex);
}


/*
 * This process's, else a free one, or that of one that did not come to say
 * that it ended. NULL: there are too many.
 */

static ngx_http_clarity_process_stat_t *
ngx_http_clarity_metrics_process(ngx_http_clarity_metrics_t *metrics)
{
    ngx_uint_t                       i;
    ngx_http_clarity_process_stat_t *process, *free;

    free = NULL;

    for (i = 0; i < NGX_HTTP_CLARITY_METRICS_PROCESSES; i++) {
        process = &metrics->processes[i];

        if (process->pid == ngx_pid) {
            return process;
        }

        if (process->pid && kill(process->pid, 0) == -1
            && ngx_errno == NGX_ESRCH)
        {
            process->pid = 0;
        }

        if (process->pid == 0 && free == NULL) {
            free = process;
        }
    }

    return free;
}


uint32_t
ngx_http_clarity_metrics_label(const ngx_clarity_redis_conf_t *conf)
{
    uint32_t hash;

    ngx_crc32_init(hash);
    ngx_crc32_update(&hash, conf->name.data, conf->name.len);
    ngx_crc32_update(&hash, (u_char *) " ", 1);
    ngx_crc32_update(&hash, conf->prefix.data, conf->prefix.len);
    ngx_crc32_final(hash);

    return hash;
}
