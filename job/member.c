#include "job/member.h"

#include <stdio.h>
#include <time.h>

#define TIME_MAX sizeof("292277026596-11-19T07:06:40.123Z")

static bool format_time(char text[TIME_MAX], uint64_t ms);


void
clarity_member_job(clarity_buf_t *buf, const clarity_job_id_t *id)
{
    char text[CLARITY_JOB_ID_MAX];

    clarity_job_id_format(id, text);
    clarity_buf_addf(buf, "{\"job_id\":\"%s\"", text);
}


void
clarity_member_text(clarity_buf_t *buf, const char *name, clarity_str_t text)
{
    clarity_buf_addf(buf, ",\"%s\":", name);

    if (text.len == 0) {
        clarity_buf_addz(buf, "null");
    } else {
        clarity_buf_add_json(buf, text);
    }
}


void
clarity_member_time(clarity_buf_t *buf, const char *name, uint64_t ms)
{
    char text[TIME_MAX];

    if (ms != 0 && format_time(text, ms)) {
        clarity_buf_addf(buf, ",\"%s\":\"%s\"", name, text);
    } else {
        clarity_buf_addf(buf, ",\"%s\":null", name);
    }
}


void
clarity_member_moment(clarity_buf_t *buf, uint64_t ms)
{
    char text[TIME_MAX];

    if (format_time(text, ms)) {
        clarity_buf_addz(buf, text);
    }
}


/* false: no year has it. */
static bool
format_time(char text[TIME_MAX], uint64_t ms)
{
    size_t n;
    struct tm tm;
    time_t seconds;

    seconds = (time_t) (ms / 1000);

    if (gmtime_r(&seconds, &tm) == NULL) {
        return false;
    }

    n = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);

    if (n == 0) {
        return false;
    }

    snprintf(text + n, TIME_MAX - n, ".%03uZ", (unsigned) (ms % 1000));

    return true;
}
