/*
 * When a workflow runs: one condition or one group. Operators `equals
 * not_equals in not_in exists matches contains starts_with ends_with greater
 * less before after`, groups `all any not`, `time`.
 */

#ifndef CLARITY_WORKFLOW_CONDITION_H
#define CLARITY_WORKFLOW_CONDITION_H

#include <time.h>

#include "json/tree.h"
#include "webhook/trigger.h"

typedef struct clarity_condition_s clarity_condition_t;

/*
 * NULL and *error ("FILE:LINE: what, what was expected"). value must outlive
 * the condition. trigger NULL: parameter names are not checked.
 */
clarity_condition_t *clarity_condition_compile(const clarity_json_t *value,
    const char *file, const clarity_trigger_t *trigger,
    clarity_error_t *error);
void clarity_condition_free(clarity_condition_t *condition);

typedef enum {
    CLARITY_CONDITION_NO,
    CLARITY_CONDITION_YES,
    CLARITY_CONDITION_ERROR /* a regular expression hit its limit, no memory */
} clarity_condition_result_t;

/* `now` is for `time`. *error on CLARITY_CONDITION_ERROR; never a value. */
clarity_condition_result_t clarity_condition_holds(
    const clarity_condition_t *condition, const clarity_json_t *context,
    time_t now, clarity_error_t *error);

#endif
