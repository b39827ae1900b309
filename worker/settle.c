#include "worker/task.h"

#include <stdio.h>

#include "worker/timer.h"

/*
 * ms: a run that goes on earlier waits in this process. To leave the stream
 * and come back costs Redis as much as another job; to stay costs one write,
 * and this process memory.
 */
#define DELAY_MIN 1000

static bool finish(clarity_task_t *task, clarity_fields_t *fields);
static void add_job(clarity_fields_t *fields, const clarity_job_t *job);
static void add_rest(clarity_fields_t *fields, const clarity_job_t *job);
static void add_run(clarity_fields_t *fields, const clarity_run_t *run);
static void add_unsettled(
    const clarity_task_t *task, clarity_fields_t *fields);
static bool all_final(const clarity_task_t *task);
static clarity_state_t state_under_way(const clarity_task_t *task);
static bool only_waits(const clarity_task_t *task);
static void judge(clarity_task_t *task);
static uint64_t time_to_wait(const clarity_task_t *task);


bool
clarity_task_write(
    clarity_task_t *task, clarity_run_t *run, clarity_fields_t *fields)
{
    uint64_t delay;

    if (all_final(task) && task->writes == 0) {
        judge(task);
        return finish(task, fields);
    }

    if (run != NULL) {
        add_run(fields, run);

    } else {
        add_unsettled(task, fields);
        clarity_fields_add(fields, "reason", clarity_lit(""));

        if (task->released) {
            clarity_fields_add(fields, "released", clarity_lit(""));
        }
    }

    delay = task->writes == 0 ? time_to_wait(task) : 0;

    if (delay > 0) {
        return clarity_task_delay(task, fields, delay);
    }

    return clarity_task_record(task, fields, run);
}


/* Adds the job's own state. */
bool
clarity_task_record(clarity_task_t *task, clarity_fields_t *fields, void *data)
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


bool
clarity_task_finish_as(
    clarity_task_t *task, clarity_state_t state, clarity_str_t reason)
{
    bool good;
    clarity_fields_t fields = { 0 };

    task->state = state;
    snprintf(task->reason, sizeof(task->reason), "%.*s", clarity_fmt(reason));

    good = finish(task, &fields);

    clarity_fields_free(&fields);

    return good;
}


bool
clarity_task_finish_if_done(clarity_task_t *task)
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


bool
clarity_task_rest_if_waiting(clarity_task_t *task)
{
    bool good;
    uint64_t delay;
    clarity_fields_t fields = { 0 };

    if (task->lease->state != CLARITY_LEASE_HELD || task->nruns == 0
        || task->writes > 0 || !only_waits(task))
    {
        return true;
    }

    delay = time_to_wait(task);

    if (delay == 0) {
        if (task->runner->stopping) {
            return clarity_task_let_go(task);
        }

        if (!clarity_lease_is_resting(task->lease)) {
            clarity_lease_rest(task->lease);
        }

        return true;
    }

    good = clarity_task_delay(task, &fields, delay);

    clarity_fields_free(&fields);

    return good;
}


/*
 * With what the entry says: it will go, and be made again from the hash when
 * the job is due.
 */
bool
clarity_task_delay(
    clarity_task_t *task, clarity_fields_t *fields, uint64_t delay)
{
    size_t i, n, ndigests;
    clarity_str_t digests[CLARITY_LEASE_TEXTS];
    const clarity_job_t *job;
    const clarity_str_t *list;

    ndigests = 0;

    for (i = 0; i < task->nruns; i++) {
        clarity_run_hold(&task->runs[i]);

        if (!clarity_state_is_final(task->runs[i].record.state)
            && ndigests < CLARITY_LEASE_TEXTS)
        {
            digests[ndigests++] = task->runs[i].record.digest;
        }
    }

    task->state = CLARITY_WAITING;
    job = &task->lease->delivery.job;

    clarity_fields_add(
        fields, "state", clarity_str(clarity_state_name(task->state)));
    add_job(fields, job);
    add_rest(fields, job);

    list = clarity_fields_list(fields, &n);

    return list != NULL
           && clarity_lease_delay(
               task->lease, delay, digests, ndigests, list, n);
}


/* With what the entry says, which is gone when the stream is trimmed. */
static bool
finish(clarity_task_t *task, clarity_fields_t *fields)
{
    size_t n;
    uint64_t keep;
    const clarity_job_t *job;
    const clarity_conf_t *conf;
    const clarity_str_t *list;

    job = &task->lease->delivery.job;
    conf = task->runner->conf.conf;

    add_unsettled(task, fields);

    clarity_fields_add(
        fields, "state", clarity_str(clarity_state_name(task->state)));
    clarity_fields_add(fields, "reason", clarity_str(task->reason));
    add_job(fields, job);

    /* A retry by hand makes an entry again. */
    if (task->state == CLARITY_FAILED) {
        add_rest(fields, job);
    }

    keep = task->state == CLARITY_SUCCEEDED ? conf->keep_succeeded
                                            : conf->keep_failed;

    list = clarity_fields_list(fields, &n);

    if (list == NULL) {
        return false;
    }

    return task->state == CLARITY_FAILED
               ? clarity_task_fail(task, keep, list, n)
               : clarity_lease_finish(task->lease, keep, list, n);
}


static void
add_job(clarity_fields_t *fields, const clarity_job_t *job)
{
    clarity_fields_add(fields, "trigger", job->trigger);
    clarity_fields_add(fields, "webhook", job->webhook);
    clarity_fields_add(fields, "received", job->received);
    clarity_fields_add(fields, "request", job->request);
}


static void
add_rest(clarity_fields_t *fields, const clarity_job_t *job)
{
    clarity_fields_add(fields, "context", job->context);

    if (job->traceparent.len > 0) {
        clarity_fields_add(fields, "traceparent", job->traceparent);
    }

    if (job->addr.len > 0) {
        clarity_fields_add(fields, "addr", job->addr);
    }
}


static void
add_run(clarity_fields_t *fields, const clarity_run_t *run)
{
    clarity_run_field(&fields->text, clarity_str(run->id));
    clarity_fields_end(fields);

    clarity_run_write(&fields->text, &run->record, run->step_ids, run->nsteps);
    clarity_fields_end(fields);
}


static void
add_unsettled(const clarity_task_t *task, clarity_fields_t *fields)
{
    size_t i;

    for (i = 0; i < task->nruns; i++) {
        if (!task->runs[i].settled) {
            add_run(fields, &task->runs[i]);
        }
    }
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
            snprintf(
                task->reason, sizeof(task->reason), CLARITY_CANCELLED_REASON);
        }
    }
}


/* For the next attempt, or in line for a call; not for an answer. */
static bool
only_waits(const clarity_task_t *task)
{
    size_t i;
    const clarity_run_t *run;

    for (i = 0; i < task->nruns; i++) {
        run = &task->runs[i];

        if (run->record.state == CLARITY_RUNNING
            && (run->work == NULL || !clarity_work_waits(run->work)))
        {
            return false;
        }
    }

    return true;
}


/*
 * ms until the first of the runs goes on, where all that are under way wait,
 * and long enough to wait outside of the stream. A worker that ends waits for
 * none.
 */
static uint64_t
time_to_wait(const clarity_task_t *task)
{
    size_t i;
    uint64_t now, next, delay;
    const clarity_run_t *run;

    next = UINT64_MAX;

    for (i = 0; i < task->nruns; i++) {
        run = &task->runs[i];

        if (run->record.state == CLARITY_RUNNING) {
            return 0;
        }

        if (run->record.state == CLARITY_WAITING && run->record.next < next) {
            next = run->record.next;
        }
    }

    if (next == UINT64_MAX) {
        return 0;
    }

    now = clarity_time_ms();
    delay = next > now ? next - now : 0;

    if (task->runner->stopping) {
        return delay + 1;
    }

    return delay >= DELAY_MIN ? delay : 0;
}
