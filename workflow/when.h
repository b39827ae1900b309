/*
 * A time that a workflow waits for: {"at": "{{expiration}}"} or
 * {"delay": "2h"}, of "start" and of the action delay.
 */

#ifndef CLARITY_WORKFLOW_WHEN_H
#define CLARITY_WORKFLOW_WHEN_H

#include <stdint.h>

#include "workflow/load.h"
#include "workflow/template.h"

/* One of them. */
typedef struct {
    clarity_template_t *at;    /* a date or date-time of RFC 3339 */
    clarity_template_t *delay; /* a duration */
} clarity_when_t;

#define CLARITY_WHEN_MAX      ((uint64_t) 3660 * 24 * 3600 * 1000) /* ms */
#define CLARITY_WHEN_MAX_TEXT "3660d"

/*
 * at and delay are strings, one of them NULL; what ("\"start\"") and line are
 * for the error that both or none are there. What has no placeholder is checked here.
 */
bool clarity_when_parse(clarity_when_t *when, const clarity_json_t *at,
    const clarity_json_t *delay, const char *what, unsigned line,
    const clarity_names_t *names, const clarity_load_t *load);

/* A zeroed one is empty. */
void clarity_when_clear(clarity_when_t *when);

bool clarity_when_is_set(const clarity_when_t *when);

typedef enum {
    CLARITY_WHEN_KNOWN,
    CLARITY_WHEN_NEVER, /* the value is null, absent or empty */
    CLARITY_WHEN_FAULTY /* and *error has no value of the job's */
} clarity_when_result_t;

/* *ms since 1970, perhaps past; a delay counts from `from`. */
clarity_when_result_t clarity_when_find(const clarity_when_t *when,
    const clarity_scope_t *scope, uint64_t from, uint64_t *ms,
    clarity_error_t *error);

#endif
