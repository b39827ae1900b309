/*
 * How much is to be done: the jobs of a shard that have not ended, by where
 * they are, and how old the oldest of them is.
 */

#ifndef CLARITY_JOB_QUEUE_H
#define CLARITY_JOB_QUEUE_H

#include "job/key.h"
#include "job/script.h"

/*
 * KEYS: stream, delayed, failed. ARGV: group. Five integers: those that no worker has
 * got yet, those in hand, the delayed, the failed ones that are kept for
 * somebody to look at, and the ms since the oldest of the first two came, or
 * -1. Where Redis does not know how many a group has yet to get (its lag), the
 * first is the stream's length without those in hand: up to some 100 too many.
 */
extern const clarity_script_t clarity_script_queue;

#define CLARITY_QUEUE_NUMBERS 5
#define CLARITY_QUEUE_ARGS    (3 + 3 + 1)

typedef struct {
    clarity_key_t stream;
    clarity_key_t delayed;
    clarity_key_t failed;
    clarity_str_t argv[CLARITY_QUEUE_ARGS];
} clarity_queue_call_t;

/* EVAL … for that shard. argv points into the call and static text. */
void clarity_queue_call(
    clarity_queue_call_t *call, clarity_str_t prefix, unsigned shard);

#endif
