/*
 * The worker's end of the stream: reads jobs as a consumer of the group, takes
 * over what other workers left, renews leases, trims what is done, and says
 * which workflows this worker has.
 *
 * Two connections: one waits in XREADGROUP, the other does all the rest. Both
 * are made again for as long as the worker lives.
 */

#ifndef CLARITY_WORKER_QUEUE_H
#define CLARITY_WORKER_QUEUE_H

#include "conf/conf.h"
#include "conf/workflows.h"
#include "worker/lease.h"
#include "worker/metrics.h"

struct event_base;

typedef struct clarity_queue_s clarity_queue_t;

typedef struct {
    struct event_base *base;
    clarity_log_t *log;
    const clarity_conf_t *conf;

    void *owner;

    /* As of leases. */
    void (*held)(void *owner, clarity_lease_t *lease,
        const clarity_str_t *fields, size_t n);
    void (*recorded)(void *owner, clarity_lease_t *lease, void *data);
    void (*cancelled)(void *owner, clarity_lease_t *lease);
    void (*text)(void *owner, clarity_lease_t *lease, clarity_str_t text);
    void (*woken)(void *owner, clarity_lease_t *lease);
    void (*ended)(
        void *owner, clarity_lease_t *lease, clarity_lease_end_t end);

    /* Jobs are being waited for, for the first time. */
    void (*ready)(void *owner);

    /* What Redis holds is not for this worker: it has to exit. */
    void (*refused)(void *owner, const char *reason);

    /* After clarity_queue_stop(): nothing is held any more. */
    void (*idle)(void *owner);

    /* After clarity_queue_leave(). */
    void (*left)(void *owner);
} clarity_queue_conf_t;

/* NULL: out of memory. */
clarity_queue_t *clarity_queue_create(const clarity_queue_conf_t *conf);

/* Not from a callback. NULL is fine. */
void clarity_queue_free(clarity_queue_t *queue);

/* See clarity_intake_amiss(). */
const char *clarity_queue_amiss(const clarity_queue_t *queue);

/* Sets those that the queue knows. */
void clarity_queue_gauges(
    const clarity_queue_t *queue, clarity_gauges_t *gauges);

/* What others are told that this worker has loaded; references set. */
void clarity_queue_publish(clarity_queue_t *queue, clarity_workflows_t *set);

/* No job is taken any more; one that was on its way is released. */
void clarity_queue_stop(clarity_queue_t *queue);

/* Deletes the consumer, unless entries are pending under its name. */
void clarity_queue_leave(clarity_queue_t *queue);

#endif
