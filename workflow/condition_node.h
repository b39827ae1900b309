/* The inside of a condition: for condition*.c alone. */

#ifndef CLARITY_WORKFLOW_CONDITION_NODE_H
#define CLARITY_WORKFLOW_CONDITION_NODE_H

#include "workflow/condition.h"
#include "workflow/load.h"
#include "workflow/moment.h"
#include "workflow/path.h"
#include "workflow/regex.h"
#include "workflow/zone.h"

typedef enum {
    CLARITY_CONDITION_ALL,
    CLARITY_CONDITION_ANY,
    CLARITY_CONDITION_NOT,
    CLARITY_CONDITION_TIME,
    CLARITY_CONDITION_PARAMETER
} clarity_condition_type_t;

typedef enum {
    CLARITY_EQUALS,
    CLARITY_NOT_EQUALS,
    CLARITY_IN,
    CLARITY_NOT_IN,
    CLARITY_EXISTS,
    CLARITY_MATCHES,
    CLARITY_CONTAINS,
    CLARITY_STARTS_WITH,
    CLARITY_ENDS_WITH,
    CLARITY_GREATER,
    CLARITY_LESS,
    CLARITY_BEFORE,
    CLARITY_AFTER
} clarity_operator_t;

typedef struct {
    unsigned days; /* set of 1 << day, Sunday is 0 */
    bool has_hours;
    int from;   /* minutes since midnight */
    int to;     /* the first minute after; not above from: on the next day */
    int offset; /* minutes east of UTC, where no zone is named */
    clarity_named_zone_t zone;
} clarity_window_t;

struct clarity_condition_s {
    clarity_condition_type_t type;
    clarity_condition_t *first; /* of a group */
    clarity_condition_t *next;  /* in its group */

    clarity_window_t window; /* TIME */

    /* PARAMETER */
    clarity_path_t path;
    clarity_str_t parameter; /* as written */
    clarity_operator_t op;
    const clarity_json_t *value; /* the operator's; not owned */
    pcre2_code *regex;           /* MATCHES */
    clarity_moment_t moment;     /* BEFORE, AFTER */
    bool moment_is_now;
};

bool clarity_window_parse(clarity_window_t *window,
    const clarity_json_t *value, const clarity_load_t *load);

/* Its zone, if it has one, must be loaded. */
bool clarity_window_holds(const clarity_window_t *window, time_t now);

#endif
