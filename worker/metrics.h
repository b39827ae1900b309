/*
 * What the worker counts, in Prometheus' text format (version 0.0.4). Labels
 * are names of states, workflows and steps, never what came from a caller.
 */

#ifndef CLARITY_WORKER_METRICS_H
#define CLARITY_WORKER_METRICS_H

#include <stdint.h>

#include "json/buf.h"

typedef struct clarity_metrics_s clarity_metrics_t;

/*
 * Those of n processes, all 0: processes that are forked later share them, and
 * each counts in its own. A process that is started anew goes on where the one
 * before it ended, so no sum goes back. NULL: out of memory.
 */
clarity_metrics_t *clarity_metrics_create(size_t n);
clarity_metrics_t *clarity_metrics_of(clarity_metrics_t *all, size_t i);

/* NULL is fine. */
void clarity_metrics_free(clarity_metrics_t *all, size_t n);

/* The reason of a job that had nothing to do, and the event of its counter. */
#define CLARITY_NO_ACTIVE_WORKFLOW "no_active_workflow"

/* An event was logged; most of the counters are counts of these. metrics is a
 * clarity_metrics_t. */
void clarity_metrics_event(void *metrics, const char *event);

typedef enum {
    CLARITY_METRICS_SUCCEEDED,
    CLARITY_METRICS_RETRIED,
    CLARITY_METRICS_FAILED
} clarity_metrics_result_t;

/* Beyond so many steps the rest are counted as one, "_other". */
#define CLARITY_METRICS_STEPS 1000

/* An attempt of a step has ended, after so many ms. */
void clarity_metrics_attempt(clarity_metrics_t *metrics, const char *workflow,
    const char *step, clarity_metrics_result_t result, uint64_t ms);

/* What is so at the moment; -1: not known, and left out. */
typedef struct {
    int64_t processes;
    int64_t held;          /* jobs */
    int64_t free_slots;    /* for more */
    int64_t calls;         /* under way */
    int64_t calls_waiting; /* in line */
    int64_t reading;       /* 1: jobs are being taken, or could be */
    int64_t connected;     /* connections to Redis, of two a process */
    int64_t workflows;
    int64_t triggers;
    int64_t depth;   /* jobs that no worker has got yet */
    int64_t pending; /* in the hands of any worker */
    int64_t delayed;
    int64_t failed; /* in the stream of failed ones */
    int64_t oldest; /* ms that the oldest of depth waits */
} clarity_gauges_t;

/* The sums of n processes. */
void clarity_metrics_write(const clarity_metrics_t *all, size_t n,
    const clarity_gauges_t *gauges, clarity_buf_t *buf);

#endif
