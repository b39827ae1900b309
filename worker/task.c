#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/timer.h"

static clarity_task_t *create_task(
    clarity_runner_t *runner, clarity_lease_t *lease);
static void free_task(clarity_task_t *task);
static bool start(clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool wait_for_trigger(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool begin(clarity_task_t *task);
static bool go_on(clarity_task_t *task);
static bool record(clarity_task_t *task, clarity_fields_t *fields, void *data);
static bool finish_as(
    clarity_task_t *task, clarity_state_t state, clarity_str_t reason);
static bool finish_if_done(clarity_task_t *task);
static bool finish(clarity_task_t *task, clarity_fields_t *fields);
static void add_run(clarity_fields_t *fields, const clarity_run_t *run);
static bool all_final(const clarity_task_t *task);
static clarity_state_t state_under_way(const clarity_task_t *task);
static void judge(clarity_task_t *task);
static bool rest_if_waiting(clarity_task_t *task);
static bool let_go(clarity_task_t *task);
static void abandon(clarity_task_t *task);
static void log_end(const clarity_task_t *task);


clarity_runner_t *
clarity_runner_create(
    const clarity_runner_conf_t *conf, clarity_workflows_t *set)
{
    clarity_runner_t *runner;

    runner = calloc(1, sizeof(clarity_runner_t));
    if (runner == NULL) {
        return NULL;
    }

    runner->conf = *conf;
    runner->set = set;

    return runner;
}


void
clarity_runner_free(clarity_runner_t *runner)
{
    if (runner == NULL) {
        return;
    }

    while (runner->tasks != NULL) {
        free_task(runner->tasks);
    }

    clarity_workflows_drop(runner->set);
    free(runner);
}


void
clarity_runner_use(clarity_runner_t *runner, clarity_workflows_t *set)
{
    clarity_workflows_drop(runner->set);
    runner->set = set;
}


void
clarity_runner_held(
    void *owner, clarity_lease_t *lease, const clarity_str_t *fields, size_t n)
{
    clarity_task_t *task;

    task = create_task(owner, lease);

    if (task == NULL) {
        clarity_lease_forget(lease);
        return;
    }

    if (!start(task, fields, n)) {
        abandon(task);
    }
}


void
clarity_runner_recorded(void *owner, clarity_lease_t *lease, void *data)
{
    bool good;
    clarity_run_t *run = data;
    clarity_task_t *task = lease->task;

    (void) owner;

    task->writes--;

    if (run == NULL) {
        good = go_on(task);

    } else {
        run->settled = clarity_state_is_final(run->record.state);
        good = run->settled ? finish_if_done(task) : clarity_run_go_on(run);
    }

    if (!good || !rest_if_waiting(task)) {
        abandon(task);
    }
}


void
clarity_runner_woken(void *owner, clarity_lease_t *lease)
{
    size_t i;
    clarity_task_t *task = lease->task;

    (void) owner;

    for (i = 0; i < task->nruns; i++) {
        if (!clarity_run_wake(&task->runs[i])) {
            abandon(task);
            return;
        }
    }
}


void
clarity_runner_ended(
    void *owner, clarity_lease_t *lease, clarity_lease_end_t end)
{
    clarity_runner_t *runner = owner;
    clarity_task_t *task = lease->task;
    const char *id = lease->delivery.id;
    clarity_log_t *log = runner->conf.log;

    switch (end) {

    case CLARITY_LEASE_FINISHED:
        if (task != NULL) {
            log_end(task);
        }

        break;

    case CLARITY_LEASE_LOST:
        clarity_log(log, CLARITY_LOG_WARN, "lost_lease", "job=%s reason=%s",
            id, "another worker has it, or its entry is gone");
        break;

    case CLARITY_LEASE_FORGOTTEN:
        clarity_log(log, CLARITY_LOG_ERROR, "job_left", "job=%s reason=%s", id,
            "out of memory; it will be taken over");
        break;

    case CLARITY_LEASE_RELEASED:
        if (task == NULL || task->state != CLARITY_WAITING) {
            clarity_log(log, CLARITY_LOG_INFO, "job_released", "job=%s", id);
        }
    }

    if (task != NULL) {
        free_task(task);
    }
}


void
clarity_runner_stop(clarity_runner_t *runner)
{
    clarity_task_t *task, *next;

    runner->stopping = true;

    for (task = runner->tasks; task != NULL; task = next) {
        next = task->next;

        if (!rest_if_waiting(task)) {
            abandon(task);
            next = runner->tasks; /* its slot may have moved another */
        }
    }
}


void
clarity_runner_release(clarity_runner_t *runner)
{
    clarity_task_t *task, *next;

    for (task = runner->tasks; task != NULL; task = next) {
        next = task->next;

        /* What is being acknowledged is left to it. */
        if (task->lease->state == CLARITY_LEASE_HELD && !let_go(task)) {
            abandon(task);
            next = runner->tasks; /* likewise */
        }
    }
}


bool
clarity_task_write(
    clarity_task_t *task, clarity_run_t *run, clarity_fields_t *fields)
{
    if (all_final(task) && task->writes == 0) {
        judge(task);
        return finish(task, fields);
    }

    add_run(fields, run);

    return record(task, fields, run);
}


static clarity_task_t *
create_task(clarity_runner_t *runner, clarity_lease_t *lease)
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


static void
free_task(clarity_task_t *task)
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


static bool
start(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    clarity_state_t state;
    clarity_error_t error;
    const clarity_job_t *job;
    const clarity_delivery_t *delivery;

    delivery = &task->lease->delivery;
    job = &delivery->job;

    if (clarity_state_parse(clarity_field(fields, n, "state"), &state)
        && clarity_state_is_final(state))
    {
        clarity_log(task->runner->conf.log, CLARITY_LOG_INFO,
            "job_done_before", "job=%s", delivery->id);
        task->done_before = true;

        return finish_as(task, state, clarity_field(fields, n, "reason"));
    }

    if (delivery->fault != NULL) {
        return finish_as(task, CLARITY_FAILED, clarity_str(delivery->fault));
    }

    if (clarity_triggers_find(task->set->triggers, job->trigger) == NULL) {
        return wait_for_trigger(task, fields, n);
    }

    task->context = clarity_json_parse(job->context, "context", 0, &error);

    if (task->context == NULL || task->context->root->kind != CLARITY_OBJECT) {
        return finish_as(task, CLARITY_FAILED,
            clarity_lit("its context is no JSON object"));
    }

    if (!clarity_task_plan(task, fields, n)) {
        return false;
    }

    if (task->nruns == 0) {
        return finish_as(
            task, CLARITY_SUCCEEDED, clarity_lit("no_active_workflow"));
    }

    return begin(task);
}


/*
 * Nothing is known of what to do, but perhaps another worker knows it, or this
 * one after a reload: so the job is let go of, and turns up again when its
 * lease has run out.
 */
static bool
wait_for_trigger(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool good;
    clarity_state_t state;
    clarity_fields_t record_fields = { 0 };

    snprintf(task->reason, sizeof(task->reason),
        "no worker that saw it knows the trigger \"%.*s\"",
        (int) (task->lease->delivery.job.trigger.len < CLARITY_MAX_NAME
                   ? task->lease->delivery.job.trigger.len
                   : CLARITY_MAX_NAME),
        task->lease->delivery.job.trigger.data);

    if (!clarity_state_parse(clarity_field(fields, n, "state"), &state)
        || state != CLARITY_WAITING)
    {
        clarity_log(task->runner->conf.log, CLARITY_LOG_ERROR,
            "trigger_unknown", "job=%s trigger=%s reason=%s",
            task->lease->delivery.id, task->lease->delivery.job.trigger.data,
            "it is not in this worker's triggers; the job waits for a worker "
            "that knows it");
    }

    task->state = CLARITY_WAITING;
    clarity_fields_add(&record_fields, "reason", clarity_str(task->reason));

    good = record(task, &record_fields, NULL);

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
        task->lease->taken_over ? "job_taken_over" : "job_started",
        "job=%s trigger=%s webhook=%s request=%s runs=%u",
        task->lease->delivery.id, job->trigger.data, job->webhook.data,
        job->request.data, under_way);

    if (under_way == 0) {
        judge(task);
        good = finish(task, &fields);

    } else {
        for (i = 0; i < task->nruns; i++) {
            if (!task->runs[i].settled) {
                add_run(&fields, &task->runs[i]);
            }
        }

        clarity_fields_add(&fields, "reason", clarity_lit(""));
        good = record(task, &fields, NULL);
    }

    clarity_fields_free(&fields);

    return good;
}


/* What was written at the start is there. */
static bool
go_on(clarity_task_t *task)
{
    size_t i;
    clarity_run_t *run;

    if (task->nruns == 0) {
        return clarity_lease_release(task->lease, 0);
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


/* Adds the job's own state. */
static bool
record(clarity_task_t *task, clarity_fields_t *fields, void *data)
{
    size_t n;
    const clarity_str_t *list;

    if (task->nruns > 0) {
        task->state = state_under_way(task);
    }

    clarity_fields_add(
        fields, "state", clarity_str(clarity_state_name(task->state)));

    list = clarity_fields_list(fields, &n);

    if (list == NULL || !clarity_lease_record(task->lease, list, n, data)) {
        return false;
    }

    task->writes++;

    return true;
}


static bool
finish_as(clarity_task_t *task, clarity_state_t state, clarity_str_t reason)
{
    bool good;
    clarity_fields_t fields = { 0 };

    task->state = state;
    snprintf(task->reason, sizeof(task->reason), "%.*s", clarity_fmt(reason));

    good = finish(task, &fields);

    clarity_fields_free(&fields);

    return good;
}


static bool
finish_if_done(clarity_task_t *task)
{
    bool good;
    clarity_fields_t fields = { 0 };

    if (!all_final(task) || task->writes > 0) {
        return true;
    }

    judge(task);
    good = finish(task, &fields);

    clarity_fields_free(&fields);

    return good;
}


/* With what the entry says, which is gone when the stream is trimmed. */
static bool
finish(clarity_task_t *task, clarity_fields_t *fields)
{
    size_t i, n;
    uint64_t keep;
    const clarity_job_t *job;
    const clarity_conf_t *conf;
    const clarity_str_t *list;

    job = &task->lease->delivery.job;
    conf = task->runner->conf.conf;

    for (i = 0; i < task->nruns; i++) {
        if (!task->runs[i].settled) {
            add_run(fields, &task->runs[i]);
        }
    }

    clarity_fields_add(
        fields, "state", clarity_str(clarity_state_name(task->state)));
    clarity_fields_add(fields, "reason", clarity_str(task->reason));
    clarity_fields_add(fields, "trigger", job->trigger);
    clarity_fields_add(fields, "webhook", job->webhook);
    clarity_fields_add(fields, "received", job->received);
    clarity_fields_add(fields, "request", job->request);

    keep = task->state == CLARITY_SUCCEEDED ? conf->keep_succeeded
                                            : conf->keep_failed;

    list = clarity_fields_list(fields, &n);

    return list != NULL && clarity_lease_finish(task->lease, keep, list, n);
}


static void
add_run(clarity_fields_t *fields, const clarity_run_t *run)
{
    clarity_run_field(&fields->text, clarity_str(run->id));
    clarity_fields_end(fields);

    clarity_run_write(&fields->text, &run->record, run->step_ids, run->nsteps);
    clarity_fields_end(fields);
}


static bool
all_final(const clarity_task_t *task)
{
    size_t i;

    for (i = 0; i < task->nruns; i++) {
        if (!clarity_state_is_final(task->runs[i].record.state)) {
            return false;
        }
    }

    return true;
}


static clarity_state_t
state_under_way(const clarity_task_t *task)
{
    size_t i;

    for (i = 0; i < task->nruns; i++) {
        if (task->runs[i].record.state == CLARITY_RUNNING) {
            return CLARITY_RUNNING;
        }
    }

    /* One run has ended, others wait for their next attempt. */
    return CLARITY_WAITING;
}


/* The job's state and reason from those of its runs, which are final. */
static void
judge(clarity_task_t *task)
{
    size_t i;
    const clarity_run_t *run;

    task->state = CLARITY_SUCCEEDED;
    task->reason[0] = '\0';

    for (i = 0; i < task->nruns; i++) {
        run = &task->runs[i];

        if (run->record.state == CLARITY_FAILED) {
            task->state = CLARITY_FAILED;
            snprintf(task->reason, sizeof(task->reason),
                "workflow \"%s\": %.*s", run->id,
                clarity_fmt(run->record.reason));
            return;
        }

        if (run->record.state == CLARITY_CANCELLED) {
            task->state = CLARITY_CANCELLED;
        }
    }
}


/* A job needs a slot as long as something of it is under way. */
static bool
rest_if_waiting(clarity_task_t *task)
{
    if (task->lease->state != CLARITY_LEASE_HELD || task->nruns == 0
        || task->writes > 0 || state_under_way(task) != CLARITY_WAITING)
    {
        return true;
    }

    if (task->runner->stopping) {
        return let_go(task);
    }

    clarity_lease_rest(task->lease);

    return true;
}


/* Another may take it over at once. */
static bool
let_go(clarity_task_t *task)
{
    size_t i;

    for (i = 0; i < task->nruns; i++) {
        clarity_run_free(&task->runs[i]);
    }

    task->nruns = 0;

    return clarity_lease_release(task->lease, task->runner->conf.conf->lease);
}


/* Out of memory: its lease runs out, and it is taken over. */
static void
abandon(clarity_task_t *task)
{
    clarity_lease_forget(task->lease);
}


static void
log_end(const clarity_task_t *task)
{
    uint64_t now, received;
    const clarity_delivery_t *delivery;

    delivery = &task->lease->delivery;

    if (task->done_before) {
        return;
    }

    now = clarity_time_ms();
    received = strtoull(delivery->job.received.data, NULL, 10);

    clarity_log(task->runner->conf.log,
        task->state == CLARITY_FAILED ? CLARITY_LOG_ERROR : CLARITY_LOG_INFO,
        task->state == CLARITY_FAILED      ? "job_failed"
        : task->state == CLARITY_CANCELLED ? "job_cancelled"
                                           : "job_succeeded",
        "job=%s trigger=%s webhook=%s reason=%s ms=%llu", delivery->id,
        delivery->job.trigger.data, delivery->job.webhook.data, task->reason,
        (unsigned long long) (received > 0 && received < now ? now - received
                                                             : 0));
}
