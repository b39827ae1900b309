/* A call of a handler: for action_custom.c, and sdk_call.c, which shows it to
 * the handler. */

#ifndef CLARITY_WORKER_ACTION_CUSTOM_PART_H
#define CLARITY_WORKER_ACTION_CUSTOM_PART_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "json/buf.h"
#include "worker/action_custom.h"

struct event;

/*
 * Shared by the loop and one thread, under the custom's lock where nothing
 * else is said: the thread has it from its start to its end, the loop has the
 * rest.
 */
struct clarity_call_s {
    clarity_work_t work; /* first */
    clarity_custom_t *custom;
    const clarity_handler_info_t *info;
    char *text; /* owns the strings */
    const char *job;
    const char *trigger;
    const char *webhook;
    const char *workflow;
    const char *step;
    const char *idempotency_key;
    const char *traceparent;
    const char *context;
    const char *input;
    unsigned attempt;
    uint64_t timeout;
    struct event *timer;
    atomic_bool is_over;

    /* Of the thread, until it has ended. */
    clarity_result_t result;
    char reason[CLARITY_REASON_MAX];
    uint64_t retry_after;
    clarity_buf_t body;

    /* Of the loop. */
    bool runs;  /* in a thread */
    bool stuck; /* given up, and not returned */
    void (*done)(void *data, const clarity_attempt_t *attempt); /* or NULL */
    void *data;
    LIST_ENTRY(clarity_call_s) running; /* while it runs */

    bool has_ended; /* it is in the list of those, or was */
    STAILQ_ENTRY(clarity_call_s) ended;
};

#endif
