/*
 * How much work there is in Redis, asked for every few seconds: for metrics.
 */

#ifndef CLARITY_WORKER_DEPTH_H
#define CLARITY_WORKER_DEPTH_H

#include "worker/call.h"

typedef struct clarity_depth_s clarity_depth_t;

/* Starts to ask. NULL: out of memory. */
clarity_depth_t *clarity_depth_create(
    struct event_base *base, clarity_calls_t *calls, clarity_str_t prefix);

/* Before the calls are freed. NULL is fine. */
void clarity_depth_free(clarity_depth_t *depth);

/* Of the last reply; -1: not known. */
typedef struct {
    int64_t depth;
    int64_t pending;
    int64_t delayed;
    int64_t failed;
    int64_t oldest; /* ms */
} clarity_depth_values_t;

clarity_depth_values_t clarity_depth_values(const clarity_depth_t *depth);

#endif
