/*
 * Of a worker's loop alone: worker.c has its parts, worker_told.c what it is
 * told, by signals or by a master.
 */

#ifndef CLARITY_WORKER_WORKER_PART_H
#define CLARITY_WORKER_WORKER_PART_H

#include <event2/event.h>

#include "worker/action_http.h"
#include "worker/listen.h"
#include "worker/queue.h"
#include "worker/runner.h"
#include "worker/worker.h"

#define CLARITY_LEAVE_TIME   2000 /* ms for the last words with Redis */
#define CLARITY_LOOP_SIGNALS 4

typedef struct {
    const clarity_conf_t *conf;
    clarity_log_t *log;
    const clarity_process_t *process; /* NULL: it is alone */
    clarity_reporter_t *reporter;     /* NULL likewise */
    struct event_base *base;
    struct event *signals[CLARITY_LOOP_SIGNALS];
    struct event *timer; /* of the drain, then of the leaving */

    clarity_hosts_t *hosts;
    clarity_http_t *http;
    clarity_exec_t *exec;
    clarity_custom_t *custom;
    const clarity_handlers_t *handlers;
    clarity_metrics_t *metrics;
    clarity_runner_t *runner;
    clarity_queue_t *queue;
    clarity_listener_t *listener;
    struct event *watchdog; /* NULL: nobody watches */
    size_t ntriggers;
    size_t nworkflows;

    int stop_fd;        /* -1: none */
    struct event *stop; /* of it */
    bool is_ready;      /* jobs have been waited for */
    bool stopping;
    unsigned stops; /* that the master has asked for */
    bool orphaned;  /* there is no master any more */
    bool hurrying;  /* nothing more is waited for but Redis */
    int status;
    clarity_error_t fault; /* why it cannot start; empty: no memory */
} clarity_loop_t;

/* false: out of memory or file descriptors. */
bool clarity_loop_watch(clarity_loop_t *worker);

/* Of one of several processes: what it tells its master, and is told. */
bool clarity_loop_report(clarity_loop_t *worker);

/* What is so now; owner is the loop. */
void clarity_loop_gauges(void *owner, clarity_gauges_t *gauges);
const char *clarity_loop_health(void *owner);
const char *clarity_loop_readiness(void *owner);

/* The log's name of an event: those of one of several processes have the
 * "process_" before them that name has. */
const char *clarity_loop_event(const clarity_loop_t *worker, const char *name);

#endif
