/*
 * Does the jobs that the queue brings: a job becomes the runs of its active
 * workflows, side by side, each a chain of steps.
 */

#ifndef CLARITY_WORKER_RUNNER_H
#define CLARITY_WORKER_RUNNER_H

#include "conf/conf.h"
#include "conf/workflows.h"
#include "worker/action_custom.h"
#include "worker/action_exec.h"
#include "worker/action_http.h"
#include "worker/lease.h"
#include "worker/log.h"
#include "worker/metrics.h"

struct event_base;

typedef struct clarity_runner_s clarity_runner_t;

typedef struct {
    struct event_base *base;
    clarity_log_t *log;
    const clarity_conf_t *conf;
    clarity_http_t *http;
    clarity_exec_t *exec;
    clarity_custom_t *custom;
    const clarity_handlers_t *handlers;
    clarity_metrics_t *metrics;
} clarity_runner_conf_t;

/* Takes over one reference of set. NULL: out of memory. */
clarity_runner_t *clarity_runner_create(
    const clarity_runner_conf_t *conf, clarity_workflows_t *set);

/* Gives up what is under way, without a write. NULL is fine. */
void clarity_runner_free(clarity_runner_t *runner);

/* For the jobs from now on; takes over one reference of set. */
void clarity_runner_use(clarity_runner_t *runner, clarity_workflows_t *set);

/* What the queue tells of leases; runner is a clarity_runner_t. */
void clarity_runner_held(void *runner, clarity_lease_t *lease,
    const clarity_str_t *fields, size_t n);
void clarity_runner_recorded(void *runner, clarity_lease_t *lease, void *data);
void clarity_runner_cancelled(void *runner, clarity_lease_t *lease);
void clarity_runner_text(
    void *runner, clarity_lease_t *lease, clarity_str_t text);
void clarity_runner_woken(void *runner, clarity_lease_t *lease);
void clarity_runner_ended(
    void *runner, clarity_lease_t *lease, clarity_lease_end_t end);

/* Lets others take over the jobs that only wait, now and from now on. */
void clarity_runner_stop(clarity_runner_t *runner);

/* Breaks off all jobs and lets others take them over at once. */
void clarity_runner_release(clarity_runner_t *runner);

#endif
