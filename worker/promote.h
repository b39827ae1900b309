/*
 * Brings delayed jobs back to the stream when they are due. Every worker does
 * so for all of them, there is no leader: each call answers when the next one
 * is due, and each job that this worker delays is expected here, so that it
 * comes back in time also where others look only now and then.
 */

#ifndef CLARITY_WORKER_PROMOTE_H
#define CLARITY_WORKER_PROMOTE_H

#include "job/key.h"
#include "worker/call.h"

struct event_base;

typedef struct clarity_promoter_s clarity_promoter_t;

/* NULL: out of memory. */
clarity_promoter_t *clarity_promoter_create(struct event_base *base,
    clarity_calls_t *calls, clarity_log_t *log, clarity_str_t prefix,
    unsigned shard);

/* NULL is fine. */
void clarity_promoter_free(clarity_promoter_t *promoter);

/* A job is due in so many ms; 0: looks at once. */
void clarity_promoter_expect(clarity_promoter_t *promoter, uint64_t ms);

/* Others do it from now on. */
void clarity_promoter_stop(clarity_promoter_t *promoter);

#endif
