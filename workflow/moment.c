#define _DEFAULT_SOURCE /* timegm */

#include "workflow/moment.h"

#include "webhook/trigger.h"

static int digits(const char *p, size_t n);
static bool is_digit(char c);


bool
clarity_moment_parse(clarity_moment_t *moment, clarity_str_t text)
{
    int offset;
    const char *p, *end, *fraction;
    struct tm tm = { 0 };

    if (!clarity_format_matches(CLARITY_FORMAT_DATE_OR_DATE_TIME, text)) {
        return false;
    }

    /* YYYY-MM-DD[Thh:mm:ss[.fraction](Z|+hh:mm)], in ranges, from here on */

    p = text.data;
    end = p + text.len;

    *moment = (clarity_moment_t){ 0, clarity_lit("") };

    tm.tm_year = digits(p, 4) - 1900;
    tm.tm_mon = digits(p + 5, 2) - 1;
    tm.tm_mday = digits(p + 8, 2);

    if (text.len == sizeof("YYYY-MM-DD") - 1) {
        moment->seconds = timegm(&tm);
        return true;
    }

    tm.tm_hour = digits(p + 11, 2);
    tm.tm_min = digits(p + 14, 2);
    tm.tm_sec = digits(p + 17, 2);

    p += sizeof("YYYY-MM-DDThh:mm:ss") - 1;

    if (*p == '.') {
        fraction = ++p;

        while (is_digit(*p)) {
            p++;
        }

        moment->fraction = (clarity_str_t){ fraction, p - fraction };

        while (moment->fraction.len > 0
               && fraction[moment->fraction.len - 1] == '0') {
            moment->fraction.len--;
        }
    }

    offset = 0;

    if (*p == '+' || *p == '-') {
        clarity_offset_parse((clarity_str_t){ p, end - p }, &offset);
    }

    moment->seconds = timegm(&tm) - offset * 60;

    return true;
}


int
clarity_moment_compare(const clarity_moment_t *a, const clarity_moment_t *b)
{
    int rc;
    size_t n;

    if (a->seconds != b->seconds) {
        return a->seconds < b->seconds ? -1 : 1;
    }

    n = a->fraction.len < b->fraction.len ? a->fraction.len : b->fraction.len;

    rc = memcmp(a->fraction.data, b->fraction.data, n);
    if (rc != 0) {
        return rc;
    }

    return (a->fraction.len > b->fraction.len)
           - (a->fraction.len < b->fraction.len);
}


bool
clarity_offset_parse(clarity_str_t text, int *minutes)
{
    if (clarity_str_is(text, "UTC") || clarity_str_is(text, "Z")) {
        *minutes = 0;
        return true;
    }

    if (text.len != sizeof("+hh:mm") - 1
        || (text.data[0] != '+' && text.data[0] != '-')
        || !clarity_time_of_day_parse(
            (clarity_str_t){ text.data + 1, text.len - 1 }, minutes)
        || *minutes == 24 * 60)
    {
        return false;
    }

    if (text.data[0] == '-') {
        *minutes = -*minutes;
    }

    return true;
}


bool
clarity_time_of_day_parse(clarity_str_t text, int *minutes)
{
    int hour, minute;
    const char *p;

    p = text.data;

    if (text.len != sizeof("hh:mm") - 1 || !is_digit(p[0]) || !is_digit(p[1])
        || p[2] != ':' || !is_digit(p[3]) || !is_digit(p[4]))
    {
        return false;
    }

    hour = digits(p, 2);
    minute = digits(p + 3, 2);
    *minutes = hour * 60 + minute;

    return minute < 60 && *minutes <= 24 * 60;
}


static int
digits(const char *p, size_t n)
{
    int value;

    for (value = 0; n > 0; n--) {
        value = value * 10 + (*p++ - '0');
    }

    return value;
}


static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}
