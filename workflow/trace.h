/*
 * The header traceparent of a call: W3C Trace Context, 3.2.
 */

#ifndef CLARITY_WORKFLOW_TRACE_H
#define CLARITY_WORKFLOW_TRACE_H

#include "job/traceparent.h"

/*
 * Into `made`, with a NUL: the one that came with the job, if that is one;
 * else 00-<trace>-<parent>-00, of which the trace is the same for all calls of
 * a job and the parent for all attempts of a step, whichever worker makes them
 * and whenever, as each is a digest: of the job's id, and of the step's
 * Idempotency-Key. Flags of 0: nobody has recorded a span with that id.
 *
 * false: out of memory, and `made` is empty.
 */
bool clarity_trace(clarity_str_t came, clarity_str_t job_id, clarity_str_t key,
    char made[CLARITY_TRACEPARENT + 1]);

#endif
