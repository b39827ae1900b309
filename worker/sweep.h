/*
 * Workers that were killed leave their names among the group's consumers. One
 * that has nothing pending, and was not heard of for ten leases, is no worker's
 * any more.
 */

#ifndef CLARITY_WORKER_SWEEP_H
#define CLARITY_WORKER_SWEEP_H

#include "worker/call.h"

typedef struct {
    clarity_calls_t *calls;
    clarity_str_t stream; /* its key */
    uint64_t lease;       /* ms */
    uint64_t at; /* clarity_clock_ms(), of the next time; 0 at first */
} clarity_sweep_t;

/* Drops those names, where it is time to. */
void clarity_sweep(clarity_sweep_t *sweep);

#endif
