#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "workflow/own_trigger.h"

static bool take_up(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool is_past(
    const clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool wait_for_trigger(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool begin(clarity_task_t *task);


clarity_task_t *
clarity_task_create(clarity_runner_t *runner, clarity_lease_t *lease)
{
    clarity_task_t *task;

    task = calloc(1, sizeof(clarity_task_t));
    if (task == NULL) {
        return NULL;
    }

    task->runner = runner;
    task->lease = lease;
    task->set = clarity_workflows_use(runner->set);
    task->state = CLARITY_QUEUED;
    task->next = runner->tasks;

    if (runner->tasks != NULL) {
        runner->tasks->prev = task;
    }

    runner->tasks = task;
    lease->task = task;

    return task;
}


void
clarity_task_free(clarity_task_t *task)
{
    size_t i;

    if (task->prev != NULL) {
        task->prev->next = task->next;
    } else {
        task->runner->tasks = task->next;
    }

    if (task->next != NULL) {
        task->next->prev = task->prev;
    }

    for (i = 0; i < task->nruns; i++) {
        clarity_run_free(&task->runs[i]);
    }

    free(task->runs);
    clarity_json_free(task->context);
    clarity_workflows_drop(task->set);
    task->lease->task = NULL;
    free(task);
}


bool
clarity_task_start(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool good;

    if (clarity_quarantine_parks(task)) {
        task->place = CLARITY_TASK_PARKED;
        return true;
    }

    if (is_past(task, fields, n)) {
        return clarity_lease_drop(task->lease);
    }

    if (clarity_restore_takes(task, fields, n, &good)) {
        return good;
    }

    if (clarity_field(fields, n, "cancel").data != NULL) {
        task->lease->cancelled = true;
        return clarity_task_plan_again(task, fields, n)
               && (task->nruns > 0
                       ? clarity_task_cancel(task)
                       : clarity_task_finish_as(task, CLARITY_CANCELLED,
                           clarity_lit(CLARITY_CANCELLED_REASON)));
    }

    task->released = clarity_str_is(clarity_field(fields, n, "released"), "1");

    if (clarity_quarantine_takes(task, fields, n, &good)) {
        return good;
    }

    return take_up(task, fields, n);
}


/* Nothing stands against it: what it is, and what is to be done. */
static bool
take_up(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    clarity_error_t error;
    const clarity_job_t *job;
    const clarity_delivery_t *delivery;

    delivery = &task->lease->delivery;
    job = &delivery->job;

    if (delivery->fault != NULL) {
        return clarity_task_finish_as(
            task, CLARITY_FAILED, clarity_str(delivery->fault));
    }

    if (clarity_trigger_find(task->set->triggers, job->trigger) == NULL) {
        return wait_for_trigger(task, fields, n);
    }

    task->context = clarity_json_parse(job->context, "context", 0, &error);

    if (task->context == NULL || task->context->root->kind != CLARITY_OBJECT) {
        return clarity_task_finish_as(task, CLARITY_FAILED,
            clarity_lit("its context is no JSON object"));
    }

    if (!clarity_task_plan(task, fields, n)) {
        return false;
    }

    if (task->nruns == 0) {
        return clarity_task_finish_as(
            task, CLARITY_SUCCEEDED, clarity_lit(CLARITY_NO_ACTIVE_WORKFLOW));
    }

    return begin(task);
}


/* What was written at the start is there. */
bool
clarity_task_go_on(clarity_task_t *task)
{
    size_t i;
    clarity_run_t *run;

    if (task->lease->cancelled) {
        for (i = 0; i < task->nruns; i++) {
            clarity_run_take_back(&task->runs[i]);
        }

        return clarity_task_cancel(task);
    }

    for (i = 0; i < task->nruns; i++) {
        run = &task->runs[i];

        if (clarity_state_is_final(run->record.state)) {
            run->settled = true;

        } else if (!clarity_run_go_on(run)) {
            return false;
        }
    }

    return true;
}


bool
clarity_task_go_on_with(clarity_task_t *task, clarity_run_t *run)
{
    bool good;
    clarity_fields_t fields = { 0 };

    if (clarity_state_is_final(run->record.state)) {
        run->settled = true;
        return clarity_task_finish_if_done(task);
    }

    if (!task->lease->cancelled) {
        return clarity_run_go_on(run);
    }

    clarity_run_take_back(run);
    clarity_run_cancel(run, &fields);
    good = clarity_task_write(task, run, &fields);

    clarity_fields_free(&fields);

    return good;
}


/* What is under way of other runs ends first, and its result is written. */
bool
clarity_task_cancel(clarity_task_t *task)
{
    bool good;
    size_t i;
    clarity_fields_t fields = { 0 };

    for (i = 0; i < task->nruns; i++) {
        if (!clarity_state_is_final(task->runs[i].record.state)) {
            clarity_run_cancel(&task->runs[i], &fields);
        }
    }

    good = clarity_task_write(task, NULL, &fields);

    clarity_fields_free(&fields);

    return good;
}


bool
clarity_task_let_go(clarity_task_t *task)
{
    bool good;
    size_t i, n;
    const clarity_str_t *list;
    clarity_fields_t fields = { 0 };

    for (i = 0; i < task->nruns; i++) {
        clarity_run_let_go(&task->runs[i], &fields);
        clarity_run_free(&task->runs[i]);
    }

    task->nruns = 0;
    list = clarity_fields_list(&fields, &n);

    good = list != NULL
           && clarity_lease_release(
               task->lease, task->runner->conf.conf->lease, list, n);

    clarity_fields_free(&fields);

    return good;
}


/*
 * Delivered again: the group was made anew, or an acknowledgement was lost
 * with a failover. The job has ended, or goes on elsewhere: its hash names the
 * entry that it came back with, none while it is out of the stream.
 */
static bool
is_past(const clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool ended;
    clarity_str_t entry;
    clarity_state_t state;
    const clarity_delivery_t *delivery;

    delivery = &task->lease->delivery;
    entry = clarity_field(fields, n, "entry");

    ended = clarity_state_parse(clarity_field(fields, n, "state"), &state)
            && clarity_state_is_final(state);

    if (!ended
        && (entry.data == NULL || clarity_str_is(entry, delivery->entry))) {
        return false;
    }

    clarity_log(task->runner->conf.log, CLARITY_LOG_INFO,
        ended ? "job_done_before" : "job_elsewhere", "job=%s entry=%s",
        delivery->id, delivery->entry);

    return true;
}


/*
 * Nothing is known of what to do, but perhaps another worker knows it, or this
 * one after a reload: so the job waits, and whoever gets it then looks again.
 */
static bool
wait_for_trigger(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool good;
    clarity_fields_t record_fields = { 0 };

    snprintf(task->reason, sizeof(task->reason),
        "no worker that saw it knows the trigger \"%.*s\"",
        (int) (task->lease->delivery.job.trigger.len < CLARITY_MAX_NAME
                   ? task->lease->delivery.job.trigger.len
                   : CLARITY_MAX_NAME),
        task->lease->delivery.job.trigger.data);

    /* Somebody said so before. */
    if (!clarity_str_is(clarity_field(fields, n, "reason"), task->reason)) {
        clarity_log(task->runner->conf.log, CLARITY_LOG_ERROR,
            "trigger_unknown", "job=%s trigger=%s reason=%s",
            task->lease->delivery.id, task->lease->delivery.job.trigger.data,
            "it is not in this worker's triggers; the job waits for a worker "
            "that knows it");
    }

    clarity_fields_add(&record_fields, "reason", clarity_str(task->reason));

    good = clarity_task_delay(
        task, &record_fields, task->runner->conf.conf->lease);

    clarity_fields_free(&record_fields);

    return good;
}


/* All that begins is written at once: the set of runs is fixed by it. */
static bool
begin(clarity_task_t *task)
{
    bool good;
    size_t i;
    unsigned under_way;
    const clarity_job_t *job;
    clarity_fields_t fields = { 0 };

    job = &task->lease->delivery.job;
    under_way = 0;

    for (i = 0; i < task->nruns; i++) {
        if (task->runs[i].record.state == CLARITY_RUNNING) {
            clarity_run_begin(&task->runs[i], &fields);
        }

        under_way += !clarity_state_is_final(task->runs[i].record.state);
    }

    clarity_log(task->runner->conf.log, CLARITY_LOG_INFO,
        task->lease->taken_over ? "job_taken_over"
        : job->job.len > 0      ? "job_resumed"
                                : "job_started",
        "job=%s trigger=%s webhook=%s request=%s runs=%u",
        task->lease->delivery.id, job->trigger.data, job->webhook.data,
        job->request.data, under_way);

    good = clarity_task_write(task, NULL, &fields);

    clarity_fields_free(&fields);

    return good;
}
