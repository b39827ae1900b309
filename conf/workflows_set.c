#include "conf/workflows.h"

#include <stdlib.h>


clarity_workflows_t *
clarity_workflows_create_one(void)
{
    clarity_workflows_t *set;

    set = calloc(1, sizeof(clarity_workflows_t));

    if (set == NULL) {
        return NULL;
    }

    set->references = 1;
    set->workflows = calloc(1, sizeof(clarity_workflow_t *));

    if (set->workflows == NULL) {
        clarity_workflows_drop(set);
        return NULL;
    }

    return set;
}


clarity_workflows_t *
clarity_workflows_share(clarity_workflow_t *workflow)
{
    clarity_workflows_t *set;

    set = clarity_workflows_create_one();

    if (set != NULL) {
        workflow->shared++;
        set->workflows[set->count++] = workflow;
    }

    return set;
}


clarity_workflows_t *
clarity_workflows_use(clarity_workflows_t *set)
{
    set->references++;

    return set;
}


void
clarity_workflows_drop(clarity_workflows_t *set)
{
    size_t i;

    if (set == NULL || --set->references > 0) {
        return;
    }

    for (i = 0; i < set->count; i++) {
        clarity_workflow_free(set->workflows[i]);
    }

    free(set->workflows);
    clarity_triggers_free(set->triggers);
    free(set);
}
