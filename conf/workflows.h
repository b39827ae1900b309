/*
 * What a worker knows at a time: the triggers, and the workflows of a folder
 * with their secrets. A reload makes another set; the jobs that are under way
 * keep theirs.
 */

#ifndef CLARITY_CONF_WORKFLOWS_H
#define CLARITY_CONF_WORKFLOWS_H

#include "conf/conf.h"
#include "json/buf.h"
#include "webhook/trigger.h"
#include "workflow/workflow.h"

typedef struct {
    unsigned references;
    clarity_triggers_t *triggers;   /* NULL: of one that was restored */
    clarity_workflow_t **workflows; /* in the order of their file names */
    size_t count;
} clarity_workflows_t;

/*
 * Reads conf's triggers.json and the *.json of its folder; a command that it
 * does not allow is an error. Without `secrets` their values are not read.
 * NULL: every error found, a line each ("FILE:LINE: what, what was expected"),
 * has been added to errors. The result has one reference.
 */
clarity_workflows_t *clarity_workflows_load(
    const clarity_conf_t *conf, bool secrets, clarity_buf_t *errors);

/*
 * One workflow, from a text that a worker loaded before, as if it stood in
 * conf's folder: its secrets are those of now. NULL and *error.
 */
clarity_workflows_t *clarity_workflows_restore(clarity_str_t text,
    const clarity_triggers_t *triggers, const clarity_conf_t *conf,
    clarity_error_t *error);

/* Room for one, which is not there yet. NULL: out of memory. */
clarity_workflows_t *clarity_workflows_create_one(void);

/* One of another set, which may go before it. NULL: out of memory. */
clarity_workflows_t *clarity_workflows_share(clarity_workflow_t *workflow);

clarity_workflows_t *clarity_workflows_use(clarity_workflows_t *set);

/* One reference less; the last one frees. NULL is fine. */
void clarity_workflows_drop(clarity_workflows_t *set);

/* NULL: no such workflow. */
const clarity_workflow_t *clarity_workflows_find(
    const clarity_workflows_t *set, clarity_str_t id);

#endif
