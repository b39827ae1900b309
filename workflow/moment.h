/*
 * RFC 3339 dates and date-times as points in time, exact to any fraction.
 */

#ifndef CLARITY_WORKFLOW_MOMENT_H
#define CLARITY_WORKFLOW_MOMENT_H

#include <time.h>

#include "json/str.h"

typedef struct {
    time_t seconds;         /* since 1970, UTC */
    clarity_str_t fraction; /* its digits, without zeros at the end */
} clarity_moment_t;

/*
 * A date counts as 00:00:00Z, a leap second as the second after it. false:
 * neither a date nor a date-time. The fraction is a slice of the text.
 */
bool clarity_moment_parse(clarity_moment_t *moment, clarity_str_t text);

/* < 0, 0, > 0 */
int clarity_moment_compare(
    const clarity_moment_t *a, const clarity_moment_t *b);

/* Minutes east of UTC: "UTC", "Z", "+02:00", "-09:30". false: none of them. */
bool clarity_offset_parse(clarity_str_t text, int *minutes);

/* Minutes since midnight: "00:00" to "24:00". false: not a time of day. */
bool clarity_time_of_day_parse(clarity_str_t text, int *minutes);

#endif
