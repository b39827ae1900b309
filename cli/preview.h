/*
 * What a workflow would do, shown: for preview.c and preview_show.c.
 */

#ifndef CLARITY_CLI_PREVIEW_H
#define CLARITY_CLI_PREVIEW_H

#include "cli/alone.h"
#include "workflow/workflow.h"

typedef struct {
    const clarity_alone_t *alone;
    const clarity_workflow_t *workflow;
    const clarity_triggers_t *triggers;
    clarity_scope_t scope;     /* with the steps whose results are known */
    clarity_str_t traceparent; /* that came with the job; empty: none */
    bool is_job;               /* false: no job yet, only a context */
    uint64_t now;              /* ms since 1970 */
    uint64_t received;         /* likewise, of the job */
} clarity_preview_t;

void clarity_preview_show(clarity_preview_t *preview);

#endif
