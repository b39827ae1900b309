/*
 * A job with an idempotency key: stored once in a window of time, however
 * often it is sent. One call of a script, atomic:
 *
 *   {PREFIX:N}:idem:<name>   "<entry id> <body>", with the window as its TTL
 *
 * name and body stand for the key and the body that came with it, see
 * webhook/idempotency.h. The value is short enough for Redis to keep it in
 * one allocation (44 bytes).
 *
 * Measured in Redis' own time, pipelined, Redis 7.0 on one core: XADD alone
 * 2.2 us, a new job here 9.0, a duplicate 5. SET NX GET in the place of GET,
 * before XADD or after it, took the same, and wants Redis 7.
 */

#ifndef CLARITY_JOB_ENQUEUE_H
#define CLARITY_JOB_ENQUEUE_H

#include "job/job.h"
#include "job/script.h"

/*
 * KEYS: stream, the key's. ARGV: window in ms, body, then the entry's field,
 * value …; without them it stores nothing, and only looks the key up.
 *
 *   "<entry id>"               it is stored
 *   {"duplicate", "<entry id>"} it was before, with this body
 *   {"reused"}                 a job with another body has this key
 *   {"unknown"}                no job has it, and none was to be stored
 *
 * What stands under the key that this script has not written is an error whose
 * first word is CLARITY_ENQUEUE_FOREIGN: it is no sender's fault.
 *
 * An error reply means that nothing was stored, unless its first word is
 * CLARITY_ENQUEUE_HALF: the key could not be written and the entry not be
 * taken back, which a user needs odd rights for (XADD, but neither SET nor
 * XDEL).
 *
 * A duplicate writes the end of its key's time anew, as it is: what Redis does
 * for a write, a sync of its file or a replica's copy, then holds for the job
 * too, whenever that was stored. It is a write that Redis takes at its
 * maxmemory, too.
 */
extern const clarity_script_t clarity_script_enqueue;

#define CLARITY_ENQUEUE_HALF    "HALFSTORED"
#define CLARITY_ENQUEUE_FOREIGN "FOREIGN"

typedef struct {
    clarity_str_t stream;
    clarity_str_t key;    /* clarity_key_idem() */
    clarity_str_t window; /* ms, digits; above 0 */
    clarity_str_t body;

    /* The script's SHA-1 in hex for EVALSHA; empty: EVAL. */
    clarity_str_t sha;
} clarity_enqueue_t;

#define CLARITY_ENQUEUE_MAX_ARGS (7 + CLARITY_JOB_MAX_FIELDS)

/*
 * EVALSHA or EVAL …; job NULL: looks the key up. argv points into both structures and static text.
 * Returns argc.
 */
size_t clarity_job_enqueue(const clarity_job_t *job,
    const clarity_enqueue_t *enqueue,
    clarity_str_t argv[CLARITY_ENQUEUE_MAX_ARGS]);

#endif
