/*
 * Of the master alone: master.c has its processes, master_watch.c what it is
 * told and what it tells.
 */

#ifndef CLARITY_WORKER_MASTER_PART_H
#define CLARITY_WORKER_MASTER_PART_H

#include <event2/event.h>
#include <sys/types.h>

#include "conf/version.h"
#include "worker/listen.h"
#include "worker/master.h"

#define CLARITY_MASTER_SIGNALS 5

typedef struct {
    pid_t pid;            /* 0: it does not run */
    int commands;         /* the pipe's end to write to; -1: it does not run */
    uint64_t started;     /* clarity_clock_ms() */
    uint64_t due;         /* likewise: when it is to be started */
    uint64_t wait;        /* ms until then, as it was drawn up last */
    uint64_t reloads;     /* that it was told of */
    unsigned concurrency; /* its share */
} clarity_master_child_t;

typedef struct {
    const clarity_conf_t *conf;
    clarity_workflows_t *set; /* the last good one; new processes have it */
    clarity_log_t *log;
    const clarity_handlers_t *handlers;

    unsigned n;
    clarity_master_child_t *children;
    clarity_metrics_t *metrics; /* theirs, and its own */
    clarity_report_t *reports;
    int changed; /* eventfd: of the reports */

    struct event_base *base;
    struct event *timer; /* of the next process to be started */
    struct event *signals_watched[CLARITY_MASTER_SIGNALS];
    struct event *changes;
    struct event *stop;     /* NULL: no descriptor tells that */
    struct event *deadline; /* of the stop */
    struct event *watchdog; /* NULL: nobody watches */
    clarity_listener_t *listener;
    char reason[256]; /* what was amiss when somebody asked last */
    int stop_fd;

    bool is_ready;  /* all were, once */
    bool reloading; /* the service manager waits for its end */
    bool stopping;
    int status;
    clarity_error_t fault; /* why it cannot start; empty: no memory */

    /* In a process that was forked. */
    clarity_conf_t own; /* with its share of the concurrency */
    clarity_process_t process;
    sigset_t signals; /* blocked before the fork */
} clarity_master_t;

unsigned clarity_master_alive(const clarity_master_t *master);

/* Looks which processes have ended. */
void clarity_master_reap(clarity_master_t *master);

/* All are told to drain; the second time, to let go. */
void clarity_master_stop(clarity_master_t *master);

/* Signals, changes of the reports, the service manager. false: no memory. */
bool clarity_master_watch(clarity_master_t *master);

/* The address for all. false: it cannot be had, as the fault says. */
bool clarity_master_listen(clarity_master_t *master);

/* The end of both. */
void clarity_master_unwatch(clarity_master_t *master);

/* Nothing but a turn of the loop. */
void clarity_master_turn(evutil_socket_t fd, short events, void *data);

#endif
