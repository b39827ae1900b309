/*
 * When a workflow runs: one condition or one group.
 *
 *   {"parameter": "meta.ticket", OPERATOR: value}    one operator each
 *   {"all": […]}  {"any": […]}  {"not": {…}}         16 deep at most
 *   {"time": {"days": ["mon"], "from": "08:00", "to": "18:00",
 *             "zone": "Europe/Berlin"}}              UTC, an offset, a name
 *
 * | operator               | value           | holds for                    |
 * | equals, in             | any, a list     | the same value: numbers by   |
 * |                        |                 | value, objects in any order  |
 * | not_equals, not_in     |                 | whatever the two do not, so  |
 * |                        |                 | also an absent parameter     |
 * | exists                 | true or false   | a present one, null included |
 * | matches                | PCRE2           | strings                      |
 * | contains               | any             | strings with that in them,   |
 * |                        |                 | arrays with that element     |
 * | starts_with, ends_with | a string        | strings                      |
 * | greater, less          | a number        | numbers                      |
 * | before, after          | RFC 3339, "now" | strings with a date (its     |
 * |                        |                 | 00:00:00Z) or a date-time    |
 *
 * A parameter that is absent or of another kind does not hold, but for
 * not_equals, not_in and "exists": false.
 */

#ifndef CLARITY_WORKFLOW_CONDITION_H
#define CLARITY_WORKFLOW_CONDITION_H

#include <time.h>

#include "json/tree.h"
#include "webhook/trigger.h"
#include "workflow/zone.h"

typedef struct clarity_condition_s clarity_condition_t;

/*
 * NULL and *error ("FILE:LINE: what, what was expected"). value must outlive
 * the condition. trigger NULL: parameter names are not checked.
 */
clarity_condition_t *clarity_condition_compile(const clarity_json_t *value,
    const char *file, const clarity_trigger_t *trigger,
    clarity_error_t *error);
void clarity_condition_free(clarity_condition_t *condition);

/* Each time zone that it names, for the loader; NULL has none. */
bool clarity_condition_each_zone(clarity_condition_t *condition,
    clarity_zone_pt each, void *data, clarity_error_t *error);

typedef enum {
    CLARITY_CONDITION_NO,
    CLARITY_CONDITION_YES,
    CLARITY_CONDITION_ERROR /* a regular expression hit its limit, no memory,
                               or a time zone was not loaded */
} clarity_condition_result_t;

/* `now` is for `time`. *error on CLARITY_CONDITION_ERROR; never a value. */
clarity_condition_result_t clarity_condition_holds(
    const clarity_condition_t *condition, const clarity_json_t *context,
    time_t now, clarity_error_t *error);

#endif
