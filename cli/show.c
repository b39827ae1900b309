#include "cli/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "json/text.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* SGR codes of ECMA-48. */
static const char *const state_colours[] = {
    [CLARITY_QUEUED] = "33",
    [CLARITY_PENDING] = "2",
    [CLARITY_RUNNING] = "36",
    [CLARITY_WAITING] = "33",
    [CLARITY_SUCCEEDED] = "32",
    [CLARITY_FAILED] = "31",
    [CLARITY_CANCELLED] = "31",
    [CLARITY_SKIPPED] = "2",
};


void
clarity_show_text(clarity_buf_t *out, clarity_str_t text)
{
    size_t n;
    const char *p, *end;

    end = text.data + text.len;

    for (p = text.data; p < end; p += n) {
        n = (unsigned char) *p < ' ' || *p == 0x7f ? 0
                                                   : clarity_utf8_char(p, end);

        /* C1 controls are two bytes of UTF-8: C2 80 to C2 9F. */
        if (n == 0
            || (n == 2 && (unsigned char) p[0] == 0xc2
                && (unsigned char) p[1] < 0xa0))
        {
            clarity_buf_addz(out, "?");
            n = n == 0 ? 1 : n;
            continue;
        }

        clarity_buf_add(out, (clarity_str_t){ p, n });
    }
}


void
clarity_show_line(clarity_buf_t *out, const char *name, clarity_str_t value)
{
    if (value.len > 0) {
        clarity_buf_addf(out, "  %-10s", name);
        clarity_show_text(out, value);
        clarity_buf_addz(out, "\n");
    }
}


void
clarity_show_state(
    clarity_buf_t *out, clarity_state_t state, int width, bool colours)
{
    const char *name;

    name = clarity_state_name(state);

    if (colours) {
        clarity_buf_addf(out, "\033[%sm%s\033[0m%*s", state_colours[state],
            name, width - (int) strlen(name), "");

    } else {
        clarity_buf_addf(out, "%-*s", width, name);
    }
}


bool
clarity_show_colours(void)
{
    const char *no;

    no = getenv("NO_COLOR");

    return (no == NULL || no[0] == '\0') && isatty(STDOUT_FILENO);
}


uint64_t
clarity_show_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);

    return (uint64_t) now.tv_sec * SECOND + (uint64_t) now.tv_nsec / 1000000;
}


void
clarity_show_duration(clarity_buf_t *out, uint64_t ms)
{
    if (ms < SECOND) {
        clarity_buf_addf(out, "%" PRIu64 " ms", ms);

    } else if (ms < MINUTE) {
        clarity_buf_addf(
            out, "%" PRIu64 ".%" PRIu64 " s", ms / SECOND, ms % SECOND / 100);

    } else if (ms < HOUR) {
        clarity_buf_addf(out, "%" PRIu64 " min", ms / MINUTE);

    } else if (ms < DAY) {
        clarity_buf_addf(out, "%" PRIu64 " h", ms / HOUR);

    } else {
        clarity_buf_addf(out, "%" PRIu64 " d", ms / DAY);
    }
}
