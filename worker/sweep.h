/*
 * What nobody else takes away, looked for now and then.
 *
 * Workers that were killed leave their names among the group's consumers. One
 * that has nothing pending, and was not heard of for ten leases, is no worker's
 * any more.
 *
 * A failed job's hash goes by itself, when it was kept long enough; its entry
 * among the failed does not, and would be counted until another one fails.
 */

#ifndef CLARITY_WORKER_SWEEP_H
#define CLARITY_WORKER_SWEEP_H

#include "job/key.h"
#include "worker/call.h"

typedef struct {
    clarity_calls_t *calls;
    clarity_key_t stream;
    clarity_key_t failed;
    clarity_key_t hashes;
    uint64_t lease;        /* ms */
    uint64_t consumers_at; /* clarity_clock_ms(), of the next time */
    uint64_t failed_at;
} clarity_sweep_t;

/* The calls are not owned. Both are looked at with the first sweep. */
void clarity_sweep_init(clarity_sweep_t *sweep, clarity_calls_t *calls,
    clarity_str_t prefix, uint64_t lease);

/* Drops those names and entries, where it is time to. */
void clarity_sweep(clarity_sweep_t *sweep);

#endif
