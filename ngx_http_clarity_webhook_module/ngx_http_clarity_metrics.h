/*
 * What an nginx has done, all its worker processes together: counted in shared
 * memory, which is kept over reloads. Bounded, whatever is sent: a series for
 * each of the liveliest webhooks, one for all others.
 */

#ifndef NGX_HTTP_CLARITY_METRICS_H
#define NGX_HTTP_CLARITY_METRICS_H

#include "ngx_http_clarity_webhook_module.h"

#define NGX_HTTP_CLARITY_METRICS_WEBHOOKS  1024 /* with a series, at most */
#define NGX_HTTP_CLARITY_METRICS_NAME      255  /* bytes of a name, at most */
#define NGX_HTTP_CLARITY_METRICS_PROCESSES 64   /* old ones too */
#define NGX_HTTP_CLARITY_METRICS_SESSIONS  32   /* of a process */
#define NGX_HTTP_CLARITY_METRICS_BUCKETS   12   /* without +Inf */

/* ms; each bucket's upper bound, which it holds */
extern const ngx_msec_t
    ngx_http_clarity_metrics_bounds[NGX_HTTP_CLARITY_METRICS_BUCKETS];

typedef struct {
    uint64_t buckets[NGX_HTTP_CLARITY_METRICS_BUCKETS + 1]; /* last: +Inf */
    uint64_t sum; /* ms */
} ngx_http_clarity_histogram_t;

typedef struct {
    ngx_str_node_t node; /* its text is the name below */
    ngx_queue_t    queue;
    uint64_t       counts[CLARITY_NOUTCOMES];
    u_char         name[NGX_HTTP_CLARITY_METRICS_NAME];
} ngx_http_clarity_counter_t;

/* A session of a process, told by its label's CRC-32: after a reload the same
 * Redis may be at another place in the configuration. */
typedef struct {
    uint32_t label;
    uint32_t pending; /* commands */
    uint32_t ready;   /* 1: commands go out */
} ngx_http_clarity_session_stat_t;

typedef struct {
    ngx_pid_t                       pid; /* 0: free */
    ngx_uint_t                      nsessions;
    ngx_http_clarity_session_stat_t
        sessions[NGX_HTTP_CLARITY_METRICS_SESSIONS];
} ngx_http_clarity_process_stat_t;

/* In the zone, and used only with the pool's mutex held. */
struct ngx_http_clarity_metrics_s {
    ngx_rbtree_t      by_name;
    ngx_rbtree_node_t sentinel;
    ngx_queue_t       counters; /* in use, the liveliest first */
    ngx_uint_t        used;
    ngx_uint_t        size;

    uint64_t none[CLARITY_NOUTCOMES];  /* of no webhook: no such endpoint, … */
    uint64_t other[CLARITY_NOUTCOMES]; /* of those that have left */

    ngx_http_clarity_histogram_t request; /* from its start to its answer */
    ngx_http_clarity_histogram_t enqueue; /* from command to reply */

    ngx_http_clarity_process_stat_t
        processes[NGX_HTTP_CLARITY_METRICS_PROCESSES];

    ngx_http_clarity_counter_t slots[]; /* size of them */
};

/* In the zone's init: as many series as there is room for. */
ngx_int_t ngx_http_clarity_metrics_create(
    ngx_http_clarity_main_conf_t *cmcf, ngx_slab_pool_t *pool);

/*
 * An answer of ours is about to be sent: counted now, since a client may keep
 * nginx waiting for its end. Does nothing where there is no clarity_metrics.
 */
void ngx_http_clarity_metrics_count(ngx_http_request_t *r);

/* A worker process tells how its sessions are, each second. */
ngx_int_t ngx_http_clarity_metrics_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf);
void ngx_http_clarity_metrics_exit(void);

/* The same at once. */
void ngx_http_clarity_metrics_tell(void);

/* What tells one Redis, and its prefix, from another. */
uint32_t ngx_http_clarity_metrics_label(const ngx_clarity_redis_conf_t *conf);

/* The content handler of a location with clarity_metrics. */
ngx_int_t ngx_http_clarity_metrics_handler(ngx_http_request_t *r);

char *ngx_http_clarity_set_metrics(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#endif
