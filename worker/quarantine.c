#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

#define CRASHES 2 /* after so many it runs alone */

#define CRASHED_ALONE "its worker crashed while it ran alone"

static bool was_crash(
    const clarity_task_t *task, const clarity_str_t *fields, size_t n);
static bool note(clarity_task_t *task, const char *field, unsigned value);
static bool end_crashed(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);
static unsigned number(clarity_str_t text);
static clarity_task_t *find(
    const clarity_runner_t *runner, clarity_task_place_t place);


bool
clarity_quarantine_takes(
    clarity_task_t *task, const clarity_str_t *fields, size_t n, bool *good)
{
    bool alone;
    unsigned crashes, spared, counted;

    *good = true;

    counted = number(clarity_field(fields, n, "crashes"));
    spared = number(clarity_field(fields, n, "spared"));
    crashes = counted > spared ? counted - spared : 0;
    alone = clarity_str_is(clarity_field(fields, n, "alone"), "1");

    /* Counted before anything is done: it may crash anywhere. */
    if (!task->counted && was_crash(task, fields, n)) {
        task->counted = true;

        *good = alone ? end_crashed(task, fields, n)
                      : note(task, "crashes", counted + 1);
        return true;
    }

    task->counted = true;

    if (crashes < CRASHES || task->place == CLARITY_TASK_ALONE) {
        return false;
    }

    /* It ran alone before, and was let go of: a crash of others is not its. */
    if (alone) {
        *good = note(task, "alone", 0);
        return true;
    }

    clarity_log(task->runner->conf.log, CLARITY_LOG_WARN, "job_quarantined",
        "job=%s crashes=%u reason=%s", task->lease->delivery.id, crashes,
        "its worker crashed when a step of it was under way; it runs alone "
        "now");

    task->place = CLARITY_TASK_WAITS;
    task->runner->sets_apart = true;
    clarity_leases_hold(task->lease->leases, true);
    *good = clarity_quarantine_next(task->runner, task->lease->leases);

    return true;
}


bool
clarity_quarantine_parks(const clarity_task_t *task)
{
    const clarity_task_t *alone;

    if (!task->runner->sets_apart) {
        return false;
    }

    alone = find(task->runner, CLARITY_TASK_ALONE);

    return alone != NULL && alone != task;
}


/*
 * The next one that waits to run alone may, as soon as nothing else is in
 * hand but those that wait like it. When none waits any more all others go on.
 */
bool
clarity_quarantine_next(clarity_runner_t *runner, clarity_leases_t *leases)
{
    size_t waiting;
    clarity_task_t *task, *next;

    if (!runner->sets_apart || find(runner, CLARITY_TASK_ALONE) != NULL) {
        return true;
    }

    task = find(runner, CLARITY_TASK_WAITS);

    if (task == NULL) {
        runner->sets_apart = false;
        clarity_leases_hold(leases, false);

        for (task = runner->tasks; task != NULL; task = next) {
            next = task->next;

            if (task->place == CLARITY_TASK_PARKED) {
                task->place = CLARITY_TASK_FREE;

                if (!clarity_lease_load(task->lease)) {
                    return false;
                }
            }
        }

        return true;
    }

    waiting = 0;

    for (next = runner->tasks; next != NULL; next = next->next) {
        waiting += next->place != CLARITY_TASK_FREE;
    }

    if (clarity_leases_count(leases) > waiting) {
        return true;
    }

    task->place = CLARITY_TASK_ALONE;

    return note(task, "alone", 1);
}


/*
 * Another worker had it and was heard of no more, while a run was at work, or
 * before anything of it was written. One that was let go of says so.
 */
static bool
was_crash(const clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool any;
    size_t i;
    clarity_str_t workflow;
    clarity_error_t error;
    clarity_run_record_t run;

    if (!task->lease->taken_over
        || clarity_str_is(clarity_field(fields, n, "released"), "1"))
    {
        return false;
    }

    any = false;

    for (i = 0; i + 1 < n; i += 2) {
        if (!clarity_run_field_parse(fields[i], &workflow)) {
            continue;
        }

        any = true;

        if (clarity_run_read(fields[i + 1], &run, &error)) {
            if (run.state == CLARITY_RUNNING) {
                clarity_run_record_free(&run);
                return true;
            }

            clarity_run_record_free(&run);
        }
    }

    return !any;
}


/* As was_crash() will find it, but for what Redis does not have yet. */
bool
clarity_quarantine_is_at_work(const clarity_task_t *task)
{
    size_t i;

    for (i = 0; i < task->nruns; i++) {
        if (task->runs[i].record.state == CLARITY_RUNNING) {
            return true;
        }
    }

    return task->nruns == 0;
}


/* Its hash is read again when that is written. */
static bool
note(clarity_task_t *task, const char *field, unsigned value)
{
    bool good;
    size_t n;
    char text[12];
    const clarity_str_t *list;
    clarity_fields_t fields = { 0 };

    snprintf(text, sizeof(text), "%u", value);
    clarity_fields_add(&fields, field, clarity_str(text));

    list = clarity_fields_list(&fields, &n);
    good = list != NULL && clarity_lease_record(task->lease, list, n, task);
    task->writes += good;

    clarity_fields_free(&fields);

    return good;
}


/* The runs that were at work have failed by that, whatever they did. */
static bool
end_crashed(clarity_task_t *task, const clarity_str_t *fields, size_t n)
{
    bool good;
    size_t i;
    clarity_run_t *run;
    clarity_fields_t records = { 0 };

    if (!clarity_task_plan_again(task, fields, n)) {
        return false;
    }

    if (task->nruns == 0) {
        return clarity_task_finish_as(
            task, CLARITY_FAILED, clarity_lit(CRASHED_ALONE));
    }

    for (i = 0; i < task->nruns; i++) {
        run = &task->runs[i];

        if (run->record.state == CLARITY_RUNNING) {
            clarity_run_end_crashed(run, &records, CRASHED_ALONE);
        }
    }

    good = clarity_task_write(task, NULL, &records);

    clarity_fields_free(&records);

    return good;
}


static clarity_task_t *
find(const clarity_runner_t *runner, clarity_task_place_t place)
{
    clarity_task_t *task;

    for (task = runner->tasks; task != NULL; task = task->next) {
        if (task->place == place) {
            return task;
        }
    }

    return NULL;
}


static unsigned
number(clarity_str_t text)
{
    return text.data != NULL ? (unsigned) strtoul(text.data, NULL, 10) : 0;
}
