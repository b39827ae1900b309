/*
 * The SDK of Clarity's worker: handlers of one's own in C, for a trigger or
 * for a type of action.
 *
 *     static clarity_result_t
 *     greet(clarity_call_t *call, void *data)
 *     {
 *         printf("%s\n", clarity_call_input(call));
 *         return CLARITY_SUCCEED;
 *     }
 *
 *     worker = clarity_worker_create("/etc/clarity/worker.json");
 *     clarity_worker_on_action(worker, "greet", greet, NULL);
 *     status = clarity_worker_run(worker);
 *     clarity_worker_free(worker);
 *
 * Such a program is a whole worker: it takes jobs from Redis, runs the
 * workflows of its configuration, and calls the handlers where these have
 * actions of their types ("action_types" in worker.json tells clarityctl of
 * them), or where a job comes of their trigger. Jobs are kept, tried again,
 * taken over and shown as by clarity-worker.
 *
 * A handler may be called more than once for one step: after CLARITY_RETRY,
 * and when its worker died before it could write down how the call ended. The
 * Idempotency-Key is the same in all of these.
 *
 * Handlers run in threads of their own, several at once, so they may block but
 * must not use what is not safe for threads. All other functions are to be
 * called by one thread, but for clarity_worker_stop().
 *
 * Strings are UTF-8 with a NUL at their end. What a function returns belongs
 * to the call, and lives until the handler returns.
 */

#ifndef CLARITY_WORKER_H
#define CLARITY_WORKER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clarity_worker_s clarity_worker_t;
typedef struct clarity_call_s clarity_call_t;

typedef enum {
    CLARITY_SUCCEED = 0,
    CLARITY_RETRY = 1, /* later, as the action's "retry" says */
    CLARITY_FAIL = 2   /* and it would fail again: the run fails */
} clarity_result_t;

typedef clarity_result_t (*clarity_handler_t)(
    clarity_call_t *call, void *data);

/* The configuration is read by clarity_worker_run(). NULL: out of memory. */
clarity_worker_t *clarity_worker_create(const char *file);

/*
 * A type of action: 1 to 64 of a-z, 0-9 and "_", none of the worker's own. Or
 * a trigger, whose every job is handed to the handler beside the workflows
 * that it starts; three attempts. data is handed on. 0; -1: see
 * clarity_worker_error(). Not after clarity_worker_run().
 */
int clarity_worker_on_action(clarity_worker_t *worker, const char *type,
    clarity_handler_t handler, void *data);
int clarity_worker_on_trigger(clarity_worker_t *worker, const char *trigger,
    clarity_handler_t handler, void *data);

/*
 * Reads the configuration, and works until SIGTERM or SIGINT, or until
 * clarity_worker_stop(): then it takes no more jobs, waits for those in hand
 * within "drain", and returns. SIGHUP reads the workflows again, SIGUSR1 opens
 * the log anew, SIGPIPE is ignored. The exit status for main(): 0, or 1 where
 * it could not start, which clarity_worker_error() explains. Once a process.
 *
 * With "processes" in the configuration it forks so many, which call the
 * handlers, and end within it: it returns in the caller's process alone. What
 * handlers share in memory each of them has for itself, and threads that the
 * program has made before are in none of them.
 */
int clarity_worker_run(clarity_worker_t *worker);

/* From any thread, a handler or a signal handler; ends all processes. */
void clarity_worker_stop(clarity_worker_t *worker);

/* Why the last call returned an error: lines, "" if it did not. */
const char *clarity_worker_error(const clarity_worker_t *worker);

/*
 * A handler that still runs keeps what it needs, and is waited for by nobody:
 * end the process. NULL is fine.
 */
void clarity_worker_free(clarity_worker_t *worker);

/* The version of the library, "0.1.0". */
const char *clarity_worker_version(void);

/* What the call is for. */
const char *clarity_call_job(const clarity_call_t *call);
const char *clarity_call_trigger(const clarity_call_t *call);
const char *clarity_call_webhook(const clarity_call_t *call);
const char *clarity_call_workflow(const clarity_call_t *call);
const char *clarity_call_step(const clarity_call_t *call);
unsigned clarity_call_attempt(const clarity_call_t *call); /* from 1 */

/* The same for all attempts of a step, whichever worker makes them. */
const char *clarity_call_idempotency_key(const clarity_call_t *call);

/* NULL: the job came with none. */
const char *clarity_call_traceparent(const clarity_call_t *call);

/* The job's context: a JSON object, as it was sent. */
const char *clarity_call_context(const clarity_call_t *call);

/* The action's "input" with its placeholders filled in, JSON; without one, and
 * for a trigger, the context. */
const char *clarity_call_input(const clarity_call_t *call);

/*
 * Not 0: the handler's time is up ("timeout"), or the job is not this worker's
 * any more. What it still does may be done twice: it should return soon. Of one
 * that returns within 5 s of its time the result counts. One that does not has
 * its attempt ended as timed out, like CLARITY_RETRY, which is logged
 * ("handler_stuck"): the step may be called again beside it, and what it
 * returns in the end is nobody's. The call is there for it until then. While
 * as many calls of one handler have not returned as the process has of
 * "concurrency", no further one is made: attempts end with that reason, like
 * CLARITY_RETRY.
 */
int clarity_call_is_over(const clarity_call_t *call);

/*
 * The step's result, for {{steps.ID.body}}: JSON where it is JSON, else text;
 * up to 1 MB, of which 64 KB are kept. Copied; the last one counts. 0; -1: out
 * of memory, or longer.
 */
int clarity_call_set_result(
    clarity_call_t *call, const char *text, size_t len);

/* Why CLARITY_RETRY or CLARITY_FAIL is returned, for people: up to 255 bytes
 * of one line. It is logged and kept: no secret and no value of a context
 * belongs in it. */
void clarity_call_set_reason(clarity_call_t *call, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* The least ms until the next attempt, after CLARITY_RETRY; up to a day. */
void clarity_call_set_retry_after(clarity_call_t *call, uint64_t ms);

#ifdef __cplusplus
}
#endif

#endif
