#include "json/duration.h"

/* Nine digits of days in milliseconds are below 2^63. */
#define CLARITY_DURATION_DIGITS 9


bool
clarity_duration_parse(clarity_str_t text, uint64_t *ms)
{
    size_t i, unit;
    uint64_t value;
    clarity_str_t suffix;
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {
        { "ms", 1 },
        { "s", 1000 },
        { "m", 60 * 1000 },
        { "h", 60 * 60 * 1000 },
        { "d", 24 * 60 * 60 * 1000 },
    };

    value = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            break;
        }

        if (i == CLARITY_DURATION_DIGITS) {
            return false;
        }

        value = value * 10 + (text.data[i] - '0');
    }

    if (i == 0) {
        return false;
    }

    suffix = (clarity_str_t){ text.data + i, text.len - i };

    for (unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++) {
        if (clarity_str_is(suffix, units[unit].name)) {
            *ms = value * units[unit].ms;
            return true;
        }
    }

    return false;
}
