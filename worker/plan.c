#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/timer.h"

static size_t count_runs(const clarity_str_t *fields, size_t n);
static bool plan_new(clarity_task_t *task);
static void name_run(
    clarity_task_t *task, clarity_run_t *run, clarity_str_t id);
static bool use_workflow(
    clarity_run_t *run, const clarity_workflow_t *workflow);
static void decide(clarity_run_t *run);
static bool resume(clarity_run_t *run, const clarity_str_t *fields, size_t n);
static void set_start(clarity_run_t *run);
static bool use_record_steps(clarity_run_t *run);
static const clarity_workflow_t *pinned(
    clarity_run_t *run, const clarity_workflow_t *workflow);
static bool fits(const clarity_run_t *run, const clarity_workflow_t *workflow,
    const clarity_str_t *fields, size_t n);
static clarity_str_t find_step(const clarity_run_t *run, clarity_str_t step,
    const clarity_str_t *fields, size_t n);
static bool is_done(const clarity_step_record_t *step);
static bool load_steps(
    clarity_run_t *run, const clarity_str_t *fields, size_t n);


bool
clarity_task_plan(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    return count_runs(fields, n) > 0 ? clarity_task_plan_again(task, fields, n)
                                     : plan_new(task);
}


clarity_str_t
clarity_field(const clarity_str_t *fields, size_t n, const char *name)
{
    size_t i;

    for (i = 0; i + 1 < n; i += 2) {
        if (clarity_str_is(fields[i], name)) {
            return fields[i + 1];
        }
    }

    return (clarity_str_t){ NULL, 0 };
}


static size_t
count_runs(const clarity_str_t *fields, size_t n)
{
    size_t i, count;
    clarity_str_t workflow;

    count = 0;

    for (i = 0; i + 1 < n; i += 2) {
        count += clarity_run_field_parse(fields[i], &workflow);
    }

    return count;
}


static bool
plan_new(clarity_task_t *task)
{
    size_t i;
    clarity_run_t *run;
    const clarity_workflow_t *workflow;

    task->runs = calloc(task->set->count + 1, sizeof(clarity_run_t));

    if (task->runs == NULL) {
        return false;
    }

    for (i = 0; i < task->set->count; i++) {
        workflow = task->set->workflows[i];

        if (!workflow->active
            || !clarity_str_eq(
                workflow->trigger, task->lease->delivery.job.trigger))
        {
            continue;
        }

        clarity_leases_keep(task->lease->leases);

        run = &task->runs[task->nruns++];
        name_run(task, run, workflow->id);

        if (!use_workflow(run, workflow)) {
            return false;
        }

        run->record.attempt = 1;
        run->record.digest = clarity_str(workflow->digest);
        decide(run);
    }

    return true;
}


bool
clarity_task_plan_again(
    clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    size_t i;
    clarity_run_t *run;
    clarity_str_t id;
    clarity_error_t error;

    task->runs = calloc(count_runs(fields, n) + 1, sizeof(clarity_run_t));

    if (task->runs == NULL) {
        return false;
    }

    for (i = 0; i + 1 < n; i += 2) {
        if (!clarity_run_field_parse(fields[i], &id)) {
            continue;
        }

        run = &task->runs[task->nruns++];
        name_run(task, run, id);

        if (!clarity_run_read(fields[i + 1], &run->record, &error)) {
            clarity_run_fail(run, "what Redis holds of it cannot be read");
            continue;
        }

        if (!use_record_steps(run) || !resume(run, fields, n)) {
            return false;
        }
    }

    return true;
}


static void
name_run(clarity_task_t *task, clarity_run_t *run, clarity_str_t id)
{
    run->task = task;

    snprintf(run->id, sizeof(run->id), "%.*s", clarity_fmt(id));
}


static bool
use_workflow(clarity_run_t *run, const clarity_workflow_t *workflow)
{
    size_t i;

    free(run->step_ids);

    run->workflow = workflow;
    run->nsteps = workflow->nactions;
    run->step_ids = calloc(run->nsteps + 1, sizeof(clarity_str_t));
    run->steps = calloc(run->nsteps + 1, sizeof(clarity_step_record_t));
    run->results = calloc(run->nsteps + 1, sizeof(clarity_step_result_t));

    if (run->step_ids == NULL || run->steps == NULL || run->results == NULL) {
        return false;
    }

    for (i = 0; i < run->nsteps; i++) {
        run->step_ids[i] = workflow->actions[i].id;
        run->steps[i].state = CLARITY_PENDING;
    }

    return true;
}


static void
decide(clarity_run_t *run)
{
    clarity_error_t error;
    clarity_condition_result_t result;

    result = CLARITY_CONDITION_YES;

    if (run->workflow->conditions != NULL) {
        result = clarity_condition_holds(run->workflow->conditions,
            run->task->context->root, (time_t) (clarity_time_ms() / 1000),
            &error);
    }

    switch (result) {

    case CLARITY_CONDITION_YES: set_start(run); break;

    case CLARITY_CONDITION_NO:
        run->record.state = CLARITY_SKIPPED;
        run->record.reason = clarity_lit("its conditions do not hold");
        break;

    default:
        clarity_run_fail(
            run, "its conditions cannot be decided: %s", error.text);
    }
}


/* A delay counts from when nginx had the request: a queue adds nothing. */
static void
set_start(clarity_run_t *run)
{
    uint64_t from, at;
    clarity_error_t error;
    clarity_scope_t scope;

    run->record.state = CLARITY_RUNNING;

    if (!clarity_when_is_set(&run->workflow->start)) {
        return;
    }

    from = strtoull(run->task->lease->delivery.job.received.data, NULL, 10);
    clarity_run_scope(run, &scope);

    switch (
        clarity_when_find(&run->workflow->start, &scope, from, &at, &error)) {

    case CLARITY_WHEN_KNOWN:
        if (at > clarity_time_ms()) {
            run->record.state = CLARITY_WAITING;
            run->record.next = at;
        }

        break;

    case CLARITY_WHEN_NEVER:
        run->record.state = CLARITY_SKIPPED;
        run->record.reason = clarity_lit("it has no time to start at");
        break;

    case CLARITY_WHEN_FAULTY:
        clarity_run_fail(run, "its start: %.200s", error.text);
    }
}


static bool
use_record_steps(clarity_run_t *run)
{
    const clarity_json_t *step;

    if (run->record.steps == NULL || run->record.steps->kind != CLARITY_ARRAY)
    {
        return true;
    }

    run->step_ids =
        calloc(run->record.steps->count + 1, sizeof(clarity_str_t));

    if (run->step_ids == NULL) {
        return false;
    }

    for (step = run->record.steps->first; step != NULL; step = step->next) {
        run->step_ids[run->nsteps++] = step->text;
    }

    return true;
}


/*
 * A run is bound to the workflow that it was begun with: another text could do
 * half of one thing and half of another. Only who retries it by hand lets it
 * go on with the text of now, which has been mended perhaps.
 */
static bool
resume(clarity_run_t *run, const clarity_str_t *fields, size_t n)
{
    const clarity_workflow_t *workflow;

    if (clarity_state_is_final(run->record.state)) {
        run->settled = true;
        return true;
    }

    workflow = clarity_workflows_find(run->task->set, clarity_str(run->id));

    if (run->record.digest.len > 0) {
        workflow = pinned(run, workflow);

        if (workflow == NULL) {
            return true;
        }

    } else if (workflow == NULL) {
        clarity_run_fail(run, "its workflow was removed");
        return true;

    } else if (!fits(run, workflow, fields, n)) {
        clarity_run_fail(run,
            "its workflow was changed so that the steps that are done do not "
            "come first any more");
        return true;

    } else {
        run->record.digest = clarity_str(workflow->digest);
    }

    return use_workflow(run, workflow) && load_steps(run, fields, n);
}


/* The text that it began with: that of now, or one that was read. */
static const clarity_workflow_t *
pinned(clarity_run_t *run, const clarity_workflow_t *workflow)
{
    const char *reason;
    clarity_workflows_t *set;
    const clarity_workflow_t *found;

    if (workflow != NULL
        && clarity_str_is(run->record.digest, workflow->digest)) {
        return workflow;
    }

    found = clarity_restore_find(
        run->task->runner, run->record.digest, &set, &reason);

    if (found == NULL) {
        clarity_run_fail(run,
            "its workflow was %s before it had ended, and the one that it "
            "began with cannot be used: %.150s",
            workflow == NULL ? "removed" : "changed", reason);
        return NULL;
    }

    run->set = clarity_workflows_use(set);

    return found;
}


/* The steps that are done must be the first ones of the workflow too. */
static bool
fits(const clarity_run_t *run, const clarity_workflow_t *workflow,
    const clarity_str_t *fields, size_t n)
{
    bool done;
    size_t i;
    clarity_str_t text;
    clarity_error_t error;
    clarity_step_record_t step;

    for (i = 0; i < run->nsteps; i++) {
        text = find_step(run, run->step_ids[i], fields, n);
        done = text.data != NULL && clarity_step_read(text, &step, &error)
               && is_done(&step);

        if (text.data != NULL) {
            clarity_step_record_free(&step);
        }

        if (!done) {
            return true;
        }

        if (i >= workflow->nactions
            || !clarity_str_eq(run->step_ids[i], workflow->actions[i].id))
        {
            return false;
        }
    }

    return true;
}


static clarity_str_t
find_step(const clarity_run_t *run, clarity_str_t step,
    const clarity_str_t *fields, size_t n)
{
    size_t i;
    clarity_str_t workflow, id;

    for (i = 0; i + 1 < n; i += 2) {
        if (clarity_step_field_parse(fields[i], &workflow, &id)
            && clarity_str_is(workflow, run->id) && clarity_str_eq(id, step))
        {
            return fields[i + 1];
        }
    }

    return (clarity_str_t){ NULL, 0 };
}


static bool
is_done(const clarity_step_record_t *step)
{
    return step->state == CLARITY_SUCCEEDED || step->state == CLARITY_SKIPPED;
}


/*
 * One that has ended well is not done again; of one that was begun it is not
 * known whether it had its effect, so it is done again, under the same
 * Idempotency-Key.
 */
static bool
load_steps(clarity_run_t *run, const clarity_str_t *fields, size_t n)
{
    size_t i;
    clarity_str_t text;
    clarity_error_t error;
    clarity_step_record_t *step;

    for (i = 0; i < run->nsteps; i++) {
        step = &run->steps[i];

        text = find_step(run, run->step_ids[i], fields, n);

        if (text.data != NULL && !clarity_step_read(text, step, &error)) {
            clarity_run_fail(run,
                "what Redis holds of its step \"%.*s\" cannot be read",
                clarity_fmt(run->step_ids[i]));
            return true;
        }

        if (!is_done(step)) {
            break;
        }

        run->results[i].id = run->step_ids[i];
        run->results[i].result = step->result;
        run->step++;
    }

    if (run->step == run->nsteps) {
        run->record.state = CLARITY_SUCCEEDED;

    } else if (run->record.state != CLARITY_WAITING
               || run->record.next <= clarity_time_ms())
    {
        run->record.state = CLARITY_RUNNING;
        run->record.attempt++;
    }

    return true;
}
