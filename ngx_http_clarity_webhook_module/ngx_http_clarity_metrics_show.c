/*
 * clarity_metrics: the text that Prometheus reads (its exposition format
 * 0.0.4). Each Redis is asked for its queue first, one after the other.
 */

#include "ngx_http_clarity_call.h"
#include "ngx_http_clarity_metrics.h"

#include "job/queue.h"
#include "json/text.h"


/* A Redis and a prefix, however many sessions have them. */
typedef struct {
    ngx_uint_t index; /* of the first of these in the configuration */
    uint32_t   label;
    ngx_uint_t ready;   /* connections */
    ngx_uint_t pending; /* commands */
    ngx_uint_t up;      /* it has answered */
    int64_t    queue[CLARITY_QUEUE_NUMBERS];
} ngx_http_clarity_shown_redis_t;

typedef struct {
    ngx_uint_t                     next; /* to be asked */
    ngx_uint_t                     n;
    ngx_uint_t                     processes;
    ngx_http_clarity_shown_redis_t redis[];
} ngx_http_clarity_show_t;


static ngx_http_clarity_show_t *ngx_http_clarity_metrics_list(
    ngx_http_request_t *r, ngx_http_clarity_main_conf_t *cmcf);
static ngx_int_t ngx_http_clarity_metrics_ask(ngx_http_request_t *r);
static void ngx_http_clarity_metrics_reply_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_metrics_send(ngx_http_request_t *r);
static ngx_http_clarity_metrics_t *ngx_http_clarity_metrics_copy(
    ngx_http_request_t *r, ngx_http_clarity_main_conf_t *cmcf);
static void ngx_http_clarity_metrics_sum(
    ngx_http_clarity_show_t *show, ngx_http_clarity_main_conf_t *cmcf);
static void ngx_http_clarity_metrics_add_requests(
    clarity_buf_t *buf, ngx_http_clarity_metrics_t *metrics);
static void ngx_http_clarity_metrics_add_counts(
    clarity_buf_t *buf, clarity_str_t webhook, const uint64_t *counts);
static void ngx_http_clarity_metrics_add_histogram(clarity_buf_t *buf,
    const char *name, const char *help,
    const ngx_http_clarity_histogram_t *histogram);
static void ngx_http_clarity_metrics_add_redis(clarity_buf_t *buf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_show_t *show);
static void ngx_http_clarity_metrics_add_queue(clarity_buf_t *buf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_show_t *show);
static void ngx_http_clarity_metrics_add_help(
    clarity_buf_t *buf, const char *name, const char *type, const char *help);
static void ngx_http_clarity_metrics_add_labels(
    clarity_buf_t *buf, const ngx_clarity_redis_conf_t *conf);
static void ngx_http_clarity_metrics_add_text(
    clarity_buf_t *buf, clarity_str_t text);


ngx_int_t
ngx_http_clarity_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_main_conf_t *cmcf;

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->outcome = CLARITY_NOUTCOMES;
    ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    ctx->look = ngx_http_clarity_metrics_list(r, cmcf);
    if (ctx->look == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* before its own questions are among what Redis has to answer */
    ngx_http_clarity_metrics_sum(ctx->look, cmcf);

    if (ngx_http_clarity_metrics_ask(r) == NGX_AGAIN) {
        r->main->count++;
        return NGX_DONE;
    }

    return ngx_http_clarity_metrics_send(r);
}


static ngx_http_clarity_show_t *
ngx_http_clarity_metrics_list(
    ngx_http_request_t *r, ngx_http_clarity_main_conf_t *cmcf)
{
    uint32_t                   label;
    ngx_uint_t                 i, k;
    ngx_http_clarity_show_t   *show;
    ngx_clarity_redis_conf_t **conf;

    show = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_show_t)
        + cmcf->redis.nelts * sizeof(ngx_http_clarity_shown_redis_t));
    if (show == NULL) {
        return NULL;
    }

    conf = cmcf->redis.elts;

    for (i = 0; i < cmcf->redis.nelts; i++) {
        label = ngx_http_clarity_metrics_label(conf[i]);

        for (k = 0; k < show->n; k++) {
            if (show->redis[k].label == label) {
                break;
            }
        }

        if (k == show->n) {
            show->redis[k].label = label;
            show->redis[k].index = i;
            show->n++;
        }
    }

    return show;
}


/* NGX_AGAIN: one has been asked. NGX_OK: all have been. */

static ngx_int_t
ngx_http_clarity_metrics_ask(ngx_http_request_t *r)
{
    ngx_uint_t                     index;
    clarity_str_t                  prefix;
    clarity_queue_call_t           call;
    ngx_http_clarity_ctx_t        *ctx;
    ngx_http_clarity_show_t       *show;
    ngx_clarity_redis_conf_t     **conf;
    ngx_http_clarity_main_conf_t  *cmcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    show = ctx->look;
    conf = cmcf->redis.elts;

    while (show->next < show->n) {
        index = show->redis[show->next++].index;

        prefix.data = (char *) conf[index]->prefix.data;
        prefix.len = conf[index]->prefix.len;

        clarity_queue_call(&call, prefix, 0);

        if (ngx_http_clarity_call(r, index, CLARITY_QUEUE_ARGS, call.argv,
                ngx_http_clarity_metrics_reply_handler)
            == CLARITY_REDIS_GIVEN)
        {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


static void
ngx_http_clarity_metrics_reply_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                          i;
    ngx_http_clarity_ctx_t         *ctx;
    ngx_http_clarity_show_t        *show;
    ngx_http_clarity_shown_redis_t *redis;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    show = ctx->look;
    redis = &show->redis[show->next - 1];

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ARRAY
        && reply->elements == CLARITY_QUEUE_NUMBERS)
    {
        redis->up = 1;

        for (i = 0; i < CLARITY_QUEUE_NUMBERS; i++) {
            redis->queue[i] = reply->element[i]->integer;
        }
    }

    if (ngx_http_clarity_metrics_ask(r) != NGX_AGAIN) {
        ngx_http_finalize_request(r, ngx_http_clarity_metrics_send(r));
    }
}


static ngx_int_t
ngx_http_clarity_metrics_send(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_buf_t                    *b;
    clarity_buf_t                 buf;
    ngx_http_clarity_ctx_t       *ctx;
    ngx_http_clarity_metrics_t   *metrics;
    ngx_http_clarity_main_conf_t *cmcf;

    static ngx_str_t type
        = ngx_string("text/plain; version=0.0.4; charset=utf-8");

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    metrics = ngx_http_clarity_metrics_copy(r, cmcf);
    if (metrics == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    ngx_http_clarity_metrics_add_requests(&buf, metrics);
    ngx_http_clarity_metrics_add_histogram(&buf,
        "clarity_request_duration_seconds",
        "From a request's first byte to the head of its answer.",
        &metrics->request);
    ngx_http_clarity_metrics_add_histogram(&buf,
        "clarity_enqueue_duration_seconds",
        "From the command that stores a job to Redis' reply.",
        &metrics->enqueue);
    ngx_http_clarity_metrics_add_redis(&buf, cmcf, ctx->look);
    ngx_http_clarity_metrics_add_queue(&buf, cmcf, ctx->look);

    b = buf.failed ? NULL : ngx_create_temp_buf(r->pool, buf.len);
    rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (b) {
        b->last = ngx_cpymem(b->last, buf.data, buf.len);
        rc = ngx_http_clarity_send(r, NGX_HTTP_OK, &type, b);
    }

    clarity_buf_free(&buf);

    return rc;
}


/*
 * So that the lock is held no longer than it must be. In the copy only the
 * slots that are in use count, not how they are linked.
 */

static ngx_http_clarity_metrics_t *
ngx_http_clarity_metrics_copy(
    ngx_http_request_t *r, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_slab_pool_t            *pool;
    ngx_http_clarity_metrics_t *metrics, *copy;

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;
    metrics = cmcf->shared->metrics;

    copy = ngx_palloc(r->pool, sizeof(ngx_http_clarity_metrics_t)
        + metrics->size * sizeof(ngx_http_clarity_counter_t));
    if (copy == NULL) {
        return NULL;
    }

    ngx_shmtx_lock(&pool->mutex);

    ngx_memcpy(copy, metrics, sizeof(ngx_http_clarity_metrics_t)
        + metrics->used * sizeof(ngx_http_clarity_counter_t));

    ngx_shmtx_unlock(&pool->mutex);

    return copy;
}


/* Over the processes that are there. */

static void
ngx_http_clarity_metrics_sum(
    ngx_http_clarity_show_t *show, ngx_http_clarity_main_conf_t *cmcf)
{
    ngx_uint_t                       i, k, n;
    ngx_slab_pool_t                 *pool;
    ngx_http_clarity_process_stat_t *process;

    ngx_http_clarity_metrics_tell();

    pool = (ngx_slab_pool_t *) cmcf->zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    for (i = 0; i < NGX_HTTP_CLARITY_METRICS_PROCESSES; i++) {
        process = &cmcf->shared->metrics->processes[i];

        if (process->pid == 0
            || (kill(process->pid, 0) == -1 && ngx_errno == NGX_ESRCH))
        {
            continue;
        }

        show->processes++;

        for (k = 0; k < process->nsessions; k++) {
            for (n = 0; n < show->n; n++) {
                if (show->redis[n].label == process->sessions[k].label) {
                    show->redis[n].pending += process->sessions[k].pending;
                    show->redis[n].ready += process->sessions[k].ready;
                }
            }
        }
    }

    ngx_shmtx_unlock(&pool->mutex);
}


static void
ngx_http_clarity_metrics_add_requests(
    clarity_buf_t *buf, ngx_http_clarity_metrics_t *metrics)
{
    ngx_uint_t                  i;
    clarity_str_t               name;
    ngx_http_clarity_counter_t *counter;

    ngx_http_clarity_metrics_add_help(buf, "clarity_requests_total",
        "counter", "Requests by webhook and outcome. _none: of no webhook;"
        " _other: of webhooks that were quiet for longest.");

    for (i = 0; i < metrics->used; i++) {
        counter = &metrics->slots[i];

        name.data = (char *) counter->name;
        name.len = counter->node.str.len;

        ngx_http_clarity_metrics_add_counts(buf, name, counter->counts);
    }

    ngx_http_clarity_metrics_add_counts(buf, clarity_lit("_none"),
        metrics->none);
    ngx_http_clarity_metrics_add_counts(buf, clarity_lit("_other"),
        metrics->other);
}


static void
ngx_http_clarity_metrics_add_counts(
    clarity_buf_t *buf, clarity_str_t webhook, const uint64_t *counts)
{
    ngx_uint_t i;

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {

        if (counts[i] == 0) {
            continue;
        }

        clarity_buf_addz(buf, "clarity_requests_total{webhook=\"");
        ngx_http_clarity_metrics_add_text(buf, webhook);
        clarity_buf_addf(buf, "\",outcome=\"%s\"} %llu\n",
            clarity_outcome_info(i)->code, (unsigned long long) counts[i]);
    }
}


static void
ngx_http_clarity_metrics_add_histogram(clarity_buf_t *buf, const char *name,
    const char *help, const ngx_http_clarity_histogram_t *histogram)
{
    ngx_uint_t         i;
    unsigned long long n;

    ngx_http_clarity_metrics_add_help(buf, name, "histogram", help);

    n = 0;

    for (i = 0; i < NGX_HTTP_CLARITY_METRICS_BUCKETS; i++) {
        n += histogram->buckets[i];

        clarity_buf_addf(buf, "%s_bucket{le=\"%g\"} %llu\n", name,
            ngx_http_clarity_metrics_bounds[i] / 1000.0, n);
    }

    n += histogram->buckets[i];

    clarity_buf_addf(buf,
        "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %llu.%03llu\n%s_count %llu\n",
        name, n, name, (unsigned long long) histogram->sum / 1000,
        (unsigned long long) histogram->sum % 1000, name, n);
}


static void
ngx_http_clarity_metrics_add_redis(clarity_buf_t *buf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_show_t *show)
{
    ngx_uint_t                 i, k, value;
    ngx_clarity_redis_conf_t **conf;

    static struct {
        const char *name;
        const char *help;
    } gauges[] = {
        { "clarity_redis_up", "1: Redis has told of its queue just now." },
        { "clarity_redis_connections",
          "Worker processes with a connection that takes commands." },
        { "clarity_redis_pending_commands",
          "Commands that wait for a reply, as of the last second." },
    };

    conf = cmcf->redis.elts;

    ngx_http_clarity_metrics_add_help(buf, "clarity_nginx_processes",
        "gauge", "Worker processes, those that are on their way out too.");
    clarity_buf_addf(buf, "clarity_nginx_processes %llu\n",
        (unsigned long long) show->processes);

    for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        ngx_http_clarity_metrics_add_help(buf, gauges[i].name, "gauge",
            gauges[i].help);

        for (k = 0; k < show->n; k++) {
            value = i == 0 ? show->redis[k].up
                : i == 1   ? show->redis[k].ready
                           : show->redis[k].pending;

            clarity_buf_addf(buf, "%s{", gauges[i].name);
            ngx_http_clarity_metrics_add_labels(buf,
                conf[show->redis[k].index]);
            clarity_buf_addf(buf, "} %llu\n", (unsigned long long) value);
        }
    }
}


/* Of those that have told. */

static void
ngx_http_clarity_metrics_add_queue(clarity_buf_t *buf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_show_t *show)
{
    int64_t                    age;
    ngx_uint_t                 i, k;
    ngx_clarity_redis_conf_t **conf;

    static const char *states[] = { "queued", "running", "waiting",
        "failed" };

    conf = cmcf->redis.elts;

    ngx_http_clarity_metrics_add_help(buf, "clarity_queue_jobs", "gauge",
        "Jobs: not yet with a worker, in hand, put off, failed and kept.");

    for (k = 0; k < show->n; k++) {
        for (i = 0; show->redis[k].up && i < 4; i++) {
            clarity_buf_addz(buf, "clarity_queue_jobs{");
            ngx_http_clarity_metrics_add_labels(buf,
                conf[show->redis[k].index]);
            clarity_buf_addf(buf, ",state=\"%s\"} %lld\n", states[i],
                (long long) show->redis[k].queue[i]);
        }
    }

    ngx_http_clarity_metrics_add_help(buf, "clarity_queue_oldest_seconds",
        "gauge", "Age of the oldest job that is queued or in hand; 0: none.");

    for (k = 0; k < show->n; k++) {

        if (!show->redis[k].up) {
            continue;
        }

        age = ngx_max(show->redis[k].queue[4], 0);

        clarity_buf_addz(buf, "clarity_queue_oldest_seconds{");
        ngx_http_clarity_metrics_add_labels(buf, conf[show->redis[k].index]);
        clarity_buf_addf(buf, "} %lld.%03d\n", (long long) age / 1000,
            (int) (age % 1000));
    }
}


static void
ngx_http_clarity_metrics_add_help(
    clarity_buf_t *buf, const char *name, const char *type, const char *help)
{
    clarity_buf_addf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
        type);
}


static void
ngx_http_clarity_metrics_add_labels(
    clarity_buf_t *buf, const ngx_clarity_redis_conf_t *conf)
{
    clarity_buf_addz(buf, "redis=\"");
    ngx_http_clarity_metrics_add_text(buf,
        (clarity_str_t){ (char *) conf->name.data, conf->name.len });
    clarity_buf_addz(buf, "\",prefix=\"");
    ngx_http_clarity_metrics_add_text(buf,
        (clarity_str_t){ (char *) conf->prefix.data, conf->prefix.len });
    clarity_buf_addz(buf, "\"");
}


/* A label's value: UTF-8, with three escapes. */

static void
ngx_http_clarity_metrics_add_text(clarity_buf_t *buf, clarity_str_t text)
{
    size_t      n;
    const char *p, *last;

    last = text.data + text.len;

    for (p = text.data; p < last; p += n) {
        n = clarity_utf8_char(p, last);

        if (n == 0) {
            clarity_buf_addz(buf, "?");
            n = 1;

        } else if (*p == '\n') {
            clarity_buf_addz(buf, "\\n");

        } else if (*p == '"' || *p == '\\') {
            clarity_buf_addz(buf, *p == '"' ? "\\\"" : "\\\\");

        } else {
            clarity_buf_add(buf, (clarity_str_t){ p, n });
        }
    }
}


char *
ngx_http_clarity_set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);
    cmcf->metrics = 1;

    return ngx_http_clarity_take_location(cf, cmd, clcf,
        ngx_http_clarity_metrics_handler);
}
