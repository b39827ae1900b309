/*
 * Commands and scripts on the worker's second connection, the one that never
 * blocks. A call that must be answered is repeated until Redis has: over lost
 * connections, restarts, and errors that somebody has to mend first. So what
 * it does must be right when it is done twice; our scripts are.
 */

#ifndef CLARITY_WORKER_CALL_H
#define CLARITY_WORKER_CALL_H

#include "job/script.h"
#include "redis/redis_event.h"
#include "worker/log.h"

struct event_base;

typedef struct clarity_calls_s clarity_calls_t;

/*
 * reply is valid during the call only. It is NULL where a call that was not
 * to be repeated got none, and an error reply where repeating cannot help:
 * NOGROUP. repeated: it was given before, and whether that had an effect is
 * not known.
 */
typedef void (*clarity_call_pt)(
    void *subject, void *data, const redisReply *reply, bool repeated);

typedef struct {
    const clarity_script_t *script; /* NULL: a command */

    /* The command, or the script's keys and then its arguments; copied. */
    const clarity_str_t *argv;
    size_t argc;
    size_t nkeys;

    bool once;  /* not to be repeated */
    bool whole; /* the script's text goes with it: no reply has to be read
                   before Redis has it */

    clarity_call_pt done; /* never before clarity_call() has returned */
    void *subject;        /* whose call it is, for clarity_calls_cancel() */
    void *data;
} clarity_call_conf_t;

/* Gives calls to redis as long as it lives. NULL: out of memory. */
clarity_calls_t *clarity_calls_create(
    struct event_base *base, clarity_redis_event_t *redis, clarity_log_t *log);

/* After redis was freed. Nothing is called any more. NULL is fine. */
void clarity_calls_free(clarity_calls_t *calls);

/*
 * false: out of memory, or `once` and there is no connection now: done will
 * not be called.
 */
bool clarity_call(clarity_calls_t *calls, const clarity_call_conf_t *conf);

/* done is not called any more for the calls of that subject. */
void clarity_calls_cancel(clarity_calls_t *calls, const void *subject);

/* What was given leaves now, and not when the loop turns. */
void clarity_calls_push(clarity_calls_t *calls);

/* The connection is READY (again). */
void clarity_calls_resume(clarity_calls_t *calls);

#endif
