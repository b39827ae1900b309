#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

struct clarity_restored_s {
    char digest[CLARITY_DIGEST_HEX];
    clarity_workflows_t *set; /* of that one; NULL: there is none */
    clarity_error_t error;    /* why */
    clarity_restored_t *next;
};

static bool is_missing(const clarity_task_t *task, clarity_str_t id,
    const clarity_run_record_t *run);
static clarity_restored_t *find(
    const clarity_runner_t *runner, clarity_str_t digest);


/*
 * One at a time: the hash is read again after each, and the next one missing
 * is found then.
 */
bool
clarity_restore_takes(
    clarity_task_t *task, const clarity_str_t *fields, size_t n, bool *good)
{
    size_t i;
    bool missing;
    clarity_str_t id;
    clarity_error_t error;
    clarity_run_record_t run;

    *good = true;
    missing = false;

    for (i = 0; !missing && i + 1 < n; i += 2) {
        if (!clarity_run_field_parse(fields[i], &id)
            || !clarity_run_read(fields[i + 1], &run, &error))
        {
            continue;
        }

        missing = is_missing(task, id, &run);

        if (missing) {
            snprintf(task->wanted, sizeof(task->wanted), "%.*s",
                clarity_fmt(run.digest));
            *good = clarity_lease_read_text(task->lease, run.digest);
        }

        clarity_run_record_free(&run);
    }

    return missing;
}


/* What cannot be made of it is remembered too, with the reason. */
bool
clarity_restore_add(clarity_task_t *task, clarity_str_t text)
{
    clarity_runner_t *runner;
    clarity_restored_t *restored;

    runner = task->runner;
    restored = calloc(1, sizeof(clarity_restored_t));

    if (restored == NULL) {
        return false;
    }

    memcpy(restored->digest, task->wanted, sizeof(restored->digest));

    if (text.len == 0) {
        clarity_error(&restored->error, "its text is not in Redis any more");

    } else {
        restored->set = clarity_workflows_restore(text, task->set->triggers,
            runner->conf.conf->workflows, &restored->error);
    }

    restored->next = runner->restored;
    runner->restored = restored;

    return true;
}


clarity_workflows_t *
clarity_restore_find(
    const clarity_runner_t *runner, clarity_str_t digest, const char **reason)
{
    clarity_restored_t *restored;

    restored = find(runner, digest);

    if (restored == NULL || restored->set == NULL) {
        *reason = restored != NULL ? restored->error.text : "";
        return NULL;
    }

    return restored->set;
}


void
clarity_restore_forget(clarity_runner_t *runner)
{
    clarity_restored_t *restored;

    while ((restored = runner->restored) != NULL) {
        runner->restored = restored->next;
        clarity_workflows_drop(restored->set);
        free(restored);
    }
}


static bool
is_missing(const clarity_task_t *task, clarity_str_t id,
    const clarity_run_record_t *run)
{
    const clarity_workflow_t *workflow;

    if (clarity_state_is_final(run->state) || run->digest.len == 0) {
        return false;
    }

    workflow = clarity_workflows_find(task->set, id);

    return (workflow == NULL || !clarity_str_is(run->digest, workflow->digest))
           && find(task->runner, run->digest) == NULL;
}


static clarity_restored_t *
find(const clarity_runner_t *runner, clarity_str_t digest)
{
    clarity_restored_t *restored;

    for (restored = runner->restored; restored != NULL;
         restored = restored->next) {
        if (clarity_str_is(digest, restored->digest)) {
            return restored;
        }
    }

    return NULL;
}
