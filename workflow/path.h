/*
 * A parameter of the context and what lies below it: "identity_id",
 * "meta.ticket", "items.0.id". Dots part the names; a number is an array's
 * index. A member whose own name holds a dot cannot be reached; a parameter's
 * name holds none.
 */

#ifndef CLARITY_WORKFLOW_PATH_H
#define CLARITY_WORKFLOW_PATH_H

#include "json/tree.h"
#include "webhook/trigger.h"

#define CLARITY_PATH_MAX 512 /* bytes */

/* Slices of the text it was read from. */
typedef struct {
    clarity_str_t parameter;
    clarity_str_t below; /* "" for the parameter itself */
} clarity_path_t;

/* trigger NULL: any name. false and *error: no such parameter, no path. */
bool clarity_path_parse(clarity_path_t *path, clarity_str_t text,
    const clarity_trigger_t *trigger, clarity_error_t *error);

/* NULL: it is not there. Of a name that stands twice, the first. */
const clarity_json_t *clarity_path_get(
    const clarity_path_t *path, const clarity_json_t *context);

/* The same from any value on; "" is the value itself. */
const clarity_json_t *clarity_path_below(
    const clarity_json_t *value, clarity_str_t below);

/* The part before the first dot; *rest is what follows the dot, or "". */
clarity_str_t clarity_path_first(clarity_str_t text, clarity_str_t *rest);

/* false and *error: empty, too long, or a part of it is empty. */
bool clarity_path_check(clarity_str_t text, clarity_error_t *error);

#endif
