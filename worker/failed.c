#include "worker/task.h"

#include <stdlib.h>

#include "worker/timer.h"
#include "workflow/own_trigger.h"

static bool is_told(const clarity_task_t *task);
static void tell(
    const clarity_task_t *task, clarity_job_t *told, clarity_buf_t *context);


bool
clarity_task_fail(
    clarity_task_t *task, uint64_t keep, const clarity_str_t *fields, size_t n)
{
    bool good;
    char received[24];
    clarity_job_t told = { 0 };
    clarity_buf_t context = { 0 };

    if (!is_told(task)) {
        return clarity_lease_fail(task->lease, keep, NULL, fields, n);
    }

    snprintf(received, sizeof(received), "%llu",
        (unsigned long long) clarity_time_ms());
    told.received = clarity_str(received);
    tell(task, &told, &context);

    good = !context.failed
           && clarity_lease_fail(task->lease, keep, &told, fields, n);

    clarity_buf_free(&context);

    return good;
}


/*
 * Where a workflow of now wants to know. Never of a job that tells of another:
 * a workflow that fails whenever it is told would go on for ever. Nor of an
 * entry that is no job, and has nothing to tell.
 */
static bool
is_told(const clarity_task_t *task)
{
    size_t i;
    const clarity_delivery_t *delivery;
    const clarity_workflow_t *workflow;
    const clarity_workflows_t *set;

    delivery = &task->lease->delivery;
    set = task->runner->set;

    if (delivery->fault != NULL
        || clarity_str_is(delivery->job.trigger, CLARITY_TRIGGER_JOB_FAILED))
    {
        return false;
    }

    for (i = 0; i < set->count; i++) {
        workflow = set->workflows[i];

        if (workflow->active
            && clarity_str_is(workflow->trigger, CLARITY_TRIGGER_JOB_FAILED))
        {
            return true;
        }
    }

    return false;
}


static void
tell(const clarity_task_t *task, clarity_job_t *told, clarity_buf_t *context)
{
    const clarity_job_t *job;
    clarity_failed_job_t failed = { 0 };

    job = &task->lease->delivery.job;

    failed.job_id = clarity_str(task->lease->delivery.id);
    failed.trigger = job->trigger;
    failed.webhook = job->webhook;
    failed.reason = clarity_str(task->reason);
    failed.received = strtoull(job->received.data, NULL, 10);
    failed.failed = strtoull(told->received.data, NULL, 10);

    clarity_job_failed_context(context, &failed);

    told->trigger = clarity_lit(CLARITY_TRIGGER_JOB_FAILED);
    told->webhook = job->webhook;
    told->context = clarity_buf_str(context);
    told->request = job->request;
    told->traceparent = job->traceparent;
}
