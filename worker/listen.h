/*
 * The worker's own address: /metrics, /healthz and /readyz.
 */

#ifndef CLARITY_WORKER_LISTEN_H
#define CLARITY_WORKER_LISTEN_H

#include "json/error.h"
#include "worker/metrics.h"

struct event_base;

typedef struct clarity_listener_s clarity_listener_t;

typedef struct {
    struct event_base *base;
    const char *host;
    unsigned port;
    const clarity_metrics_t *metrics; /* of so many processes */
    size_t nmetrics;

    void *owner;

    /* What is so now. */
    void (*gauges)(void *owner, clarity_gauges_t *gauges);

    /* NULL: jobs are being taken, or could be; else what is amiss. */
    const char *(*health)(void *owner);

    /* NULL: new jobs are taken; else why not. */
    const char *(*readiness)(void *owner);
} clarity_listener_conf_t;

/* host must outlive it. NULL and *error: the address cannot be had. */
clarity_listener_t *clarity_listener_create(
    const clarity_listener_conf_t *conf, clarity_error_t *error);

/* NULL is fine. */
void clarity_listener_free(clarity_listener_t *listener);

#endif
