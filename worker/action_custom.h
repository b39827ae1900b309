/*
 * Actions of a program's own: its handlers, each call in a thread.
 */

#ifndef CLARITY_WORKER_ACTION_CUSTOM_H
#define CLARITY_WORKER_ACTION_CUSTOM_H

#include <clarity/worker.h>

#include "worker/action.h"
#include "worker/log.h"

struct event_base;

/* How long after its time a call is given up that has not returned. */
#define CLARITY_HANDLER_GRACE 5000 /* ms */

typedef struct clarity_custom_s clarity_custom_t;

typedef struct {
    const char *type;    /* NULL: it is a trigger's */
    const char *trigger; /* NULL: it is a type's */
    clarity_handler_t handler;
    void *data;
} clarity_handler_info_t;

/* Of a program without handlers it is empty. */
typedef struct {
    const clarity_handler_info_t *list;
    size_t n;
} clarity_handlers_t;

/* NULL: there is none. Of the type CLARITY_TYPE_ON it is the trigger's. */
const clarity_handler_info_t *clarity_handlers_find(
    const clarity_handlers_t *handlers, clarity_str_t type,
    clarity_str_t trigger);

/*
 * most: calls of one handler that were given up and have not returned; while
 * there are so many, its other calls are not made and end to be retried.
 * hosts and log must outlive it. NULL: out of memory.
 */
clarity_custom_t *clarity_custom_create(struct event_base *base,
    clarity_hosts_t *hosts, clarity_log_t *log, size_t most);

/* No work may be left. What a thread still needs is left to it. NULL is
 * fine. */
void clarity_custom_free(clarity_custom_t *custom);

/* All is copied. */
typedef struct {
    const clarity_handler_info_t *info;
    clarity_str_t name; /* of its line: those of one take turns */
    const char *job;
    const char *trigger;
    const char *webhook;
    const char *workflow;
    clarity_str_t step;
    const char *idempotency_key;
    const char *traceparent; /* NULL: none */
    clarity_str_t context;
    clarity_str_t input;
    unsigned attempt;
    uint64_t timeout; /* ms, from when it begins */

    void (*done)(void *data, const clarity_attempt_t *attempt);
    void *data;
} clarity_custom_conf_t;

/*
 * done() comes once, not before this has returned, and ends the work: with
 * what the handler says, or as timed out, CLARITY_HANDLER_GRACE after its
 * time. NULL: out of memory, and nothing was started.
 */
clarity_work_t *clarity_custom_start(
    clarity_custom_t *custom, const clarity_custom_conf_t *conf);

#endif
