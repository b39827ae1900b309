/*
 * Triggers that no webhook has, and triggers.json cannot: the worker makes
 * their jobs itself, of what happens to others. Pure.
 *
 *   job_failed   a job has failed. Its jobs have the webhook, the request and
 *                the traceparent of that job, and as context
 *
 *     job_id       "0-1732000000000-0"
 *     trigger      that of the job
 *     webhook      its name or id
 *     reason       as clarityctl shows it; no value of a context is in it
 *     received_at  "2024-11-19T07:06:40.123Z": when nginx had the request
 *     failed_at    likewise
 *
 * The job's own context is not copied: it may be personal, and would have to be
 * erased twice.
 */

#ifndef CLARITY_WORKFLOW_OWN_TRIGGER_H
#define CLARITY_WORKFLOW_OWN_TRIGGER_H

#include <stdint.h>

#include "json/buf.h"
#include "webhook/trigger.h"

typedef struct {
    clarity_str_t job_id;
    clarity_str_t trigger;
    clarity_str_t webhook;
    clarity_str_t reason;
    uint64_t received; /* ms since 1970; 0: not known */
    uint64_t failed;
} clarity_failed_job_t;

/* Of triggers.json, or one of the above. NULL: no such trigger. */
const clarity_trigger_t *clarity_trigger_find(
    const clarity_triggers_t *triggers, clarity_str_t name);

/* Appends the context of a job of job_failed. */
void clarity_job_failed_context(
    clarity_buf_t *buf, const clarity_failed_job_t *job);

#endif
