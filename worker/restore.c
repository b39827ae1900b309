#include "worker/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/text.h"

struct clarity_restored_s {
    char digest[CLARITY_DIGEST_HEX];
    bool kept;                          /* from before a reload, not read */
    clarity_workflows_t *set;           /* has the workflow */
    const clarity_workflow_t *workflow; /* NULL: there is none */
    clarity_error_t error;              /* why */
    clarity_restored_t *next;
};

static bool is_missing(const clarity_task_t *task, clarity_str_t id,
    const clarity_run_record_t *run);
static clarity_restored_t *add(clarity_runner_t *runner, clarity_str_t digest);
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
clarity_restore_add(clarity_task_t *task, clarity_str_t value)
{
    clarity_str_t text;
    clarity_runner_t *runner;
    const clarity_conf_t *conf;
    clarity_restored_t *restored;

    runner = task->runner;
    conf = runner->conf.conf;
    restored = add(runner, clarity_str(task->wanted));

    if (restored == NULL) {
        return false;
    }

    if (conf->keys == NULL) {
        clarity_error(&restored->error,
            "without a \"workflow_key_file\" no worker keeps its text");

    } else if (value.len == 0) {
        clarity_error(&restored->error, "its text is not in Redis any more");

    } else if (clarity_text_open(conf->keys, clarity_str(task->wanted), value,
                   &text, &restored->error))
    {
        restored->set = clarity_workflows_restore(
            text, task->set->triggers, conf, &restored->error);
    }

    if (restored->set != NULL) {
        restored->workflow = restored->set->workflows[0];
    }

    return true;
}


/*
 * After a reload: what was loaded until then is at hand. What was read for want
 * of that is read again, for the sake of its secrets.
 */
void
clarity_restore_keep(clarity_runner_t *runner, clarity_workflows_t *old,
    const clarity_workflows_t *new)
{
    size_t i;
    clarity_str_t digest;
    clarity_restored_t **p, *restored;
    const clarity_workflow_t *workflow, *other;

    for (p = &runner->restored; (restored = *p) != NULL;) {
        if (restored->kept) {
            p = &restored->next;
            continue;
        }

        *p = restored->next;
        clarity_workflows_drop(restored->set);
        free(restored);
    }

    for (i = 0; i < old->count; i++) {
        workflow = old->workflows[i];
        digest = clarity_str(workflow->digest);
        other = clarity_workflows_find(new, workflow->id);

        if ((other != NULL && clarity_str_is(digest, other->digest))
            || find(runner, digest) != NULL)
        {
            continue;
        }

        restored = add(runner, digest);

        /* It alone, and not all that was loaded with it. */
        if (restored != NULL) {
            restored->kept = true;
            restored->set = clarity_workflows_share(old->workflows[i]);
            restored->workflow = restored->set != NULL ? workflow : NULL;
            clarity_error(&restored->error, "out of memory"); /* if not */
        }
    }
}


const clarity_workflow_t *
clarity_restore_find(const clarity_runner_t *runner, clarity_str_t digest,
    clarity_workflows_t **set, const char **reason)
{
    clarity_restored_t *restored;

    restored = find(runner, digest);

    if (restored == NULL || restored->workflow == NULL) {
        *reason = restored != NULL ? restored->error.text : "";
        return NULL;
    }

    *set = restored->set;

    return restored->workflow;
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
add(clarity_runner_t *runner, clarity_str_t digest)
{
    clarity_restored_t *restored;

    restored = calloc(1, sizeof(clarity_restored_t));

    if (restored != NULL) {
        snprintf(restored->digest, sizeof(restored->digest), "%.*s",
            clarity_fmt(digest));
        restored->next = runner->restored;
        runner->restored = restored;
    }

    return restored;
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
