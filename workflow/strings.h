/* How a list of strings is put together: for action_exec.c and
 * action_publish.c. */

#ifndef CLARITY_WORKFLOW_STRINGS_H
#define CLARITY_WORKFLOW_STRINGS_H

#include "workflow/workflow.h"

/* Room for so many. false and *error: out of memory, here and below. */
bool clarity_strings_start(
    clarity_strings_t *strings, size_t most, clarity_error_t *error);

/* What was added to strings->text since the last one is one. */
bool clarity_strings_end(clarity_strings_t *strings, clarity_error_t *error);

bool clarity_strings_add(
    clarity_strings_t *strings, clarity_str_t text, clarity_error_t *error);

/* After the last one: the text moves no more. */
void clarity_strings_settle(clarity_strings_t *strings);

#endif
