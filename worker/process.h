/*
 * One of several processes of a worker: what it shares with their master. The
 * master says what is to be done through a pipe, whose end tells that the
 * master is no more. The process says how it is in memory that both have.
 */

#ifndef CLARITY_WORKER_PROCESS_H
#define CLARITY_WORKER_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "worker/metrics.h"

struct event_base;

/*
 * Written by the process alone, but for its reset before a fork. Each member
 * is read by itself, so none of them needs a lock. The reasons are literals:
 * the processes are forks of one program, where these are at one address.
 */
typedef struct {
    uint64_t turned_at;    /* clarity_clock_ms(), of its loop's last turn */
    uint64_t ready;        /* jobs have been waited for */
    uint64_t reloads;      /* that it is done with */
    const char *health;    /* NULL: good; else what is amiss */
    const char *readiness; /* likewise */
    clarity_gauges_t gauges;
} clarity_report_t;

/* Of n processes, forked later. NULL: out of memory. */
clarity_report_t *clarity_reports_create(size_t n);

/* NULL is fine. */
void clarity_reports_free(clarity_report_t *reports, size_t n);

/* Of one that is about to be forked. */
void clarity_report_reset(clarity_report_t *report);

/* Any member but the gauges; and these. */
#define clarity_report_get(member) __atomic_load_n(member, __ATOMIC_RELAXED)
void clarity_report_gauges(
    const clarity_report_t *report, clarity_gauges_t *gauges);

typedef enum {
    CLARITY_COMMAND_STOP = 's', /* drain; the second time: at once */
    CLARITY_COMMAND_RELOAD = 'r',
    CLARITY_COMMAND_REOPEN = 'u' /* the log */
} clarity_command_t;

typedef struct {
    unsigned number; /* from 1 */
    clarity_metrics_t *metrics;
    clarity_report_t *report;
    int commands;     /* the pipe's end to read from */
    int changed;      /* eventfd: the master is to look at the report */
    sigset_t signals; /* to be blocked when it has handlers for its own */
} clarity_process_t;

typedef struct clarity_reporter_s clarity_reporter_t;

typedef struct {
    struct event_base *base;
    const clarity_process_t *process;

    void *owner;
    void (*command)(void *owner, clarity_command_t command);
    void (*orphaned)(void *owner); /* the master is no more */

    /* What is so now: all but the time and what is said below. */
    void (*report)(void *owner, clarity_report_t *report);
} clarity_reporter_conf_t;

/* process must outlive it. NULL: out of memory or file descriptors. */
clarity_reporter_t *clarity_reporter_create(
    const clarity_reporter_conf_t *conf);

/* NULL is fine. */
void clarity_reporter_free(clarity_reporter_t *reporter);

/* These are told to the master when the loop has turned. */
void clarity_reporter_ready(clarity_reporter_t *reporter);
void clarity_reporter_reloaded(clarity_reporter_t *reporter);

#endif
