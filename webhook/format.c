#include "webhook/trigger.h"

#define MAX_LOCAL  64  /* RFC 5321, section 4.5.3.1.1 */
#define MAX_LABEL  63  /* RFC 1035, section 2.3.4 */
#define MAX_DOMAIN 255 /* RFC 5321, section 4.5.3.1.2 */

static bool is_date(clarity_str_t text);
static bool is_date_time(clarity_str_t text);
static bool is_offset(clarity_str_t text, int *minutes);
static bool is_uuid(clarity_str_t text);
static bool is_email(clarity_str_t text);
static bool is_local_part(clarity_str_t text);
static bool is_domain(clarity_str_t text);
static int number_at(clarity_str_t text, size_t at, size_t digits);
static int days_of_month(int year, int month);
static clarity_str_t from(clarity_str_t text, size_t at);
static bool is_digit(char c);
static bool is_letter(char c);


bool
clarity_format_matches(clarity_format_t format, clarity_str_t text)
{
    switch (format) {
    case CLARITY_FORMAT_NONE: break;
    case CLARITY_FORMAT_DATE: return is_date(text);
    case CLARITY_FORMAT_DATE_TIME: return is_date_time(text);
    case CLARITY_FORMAT_DATE_OR_DATE_TIME:
        return is_date(text) || is_date_time(text);
    case CLARITY_FORMAT_UUID: return is_uuid(text);
    case CLARITY_FORMAT_EMAIL: return is_email(text);
    }

    return true;
}


const char *
clarity_format_name(clarity_format_t format)
{
    switch (format) {
    case CLARITY_FORMAT_NONE: break;
    case CLARITY_FORMAT_DATE: return "date";
    case CLARITY_FORMAT_DATE_TIME: return "date-time";
    case CLARITY_FORMAT_DATE_OR_DATE_TIME: return "date-or-date-time";
    case CLARITY_FORMAT_UUID: return "uuid";
    case CLARITY_FORMAT_EMAIL: return "email";
    }

    return "";
}


/* YYYY-MM-DD */
static bool
is_date(clarity_str_t text)
{
    int year, month, day;

    if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }

    year = number_at(text, 0, 4);
    month = number_at(text, 5, 2);
    day = number_at(text, 8, 2);

    return year >= 0 && month >= 1 && month <= 12 && day >= 1
           && day <= days_of_month(year, month);
}


/* YYYY-MM-DDThh:mm:ss[.s…](Z|+hh:mm|-hh:mm) */
static bool
is_date_time(clarity_str_t text)
{
    size_t at;
    int hour, minute, second, offset, utc;

    if (text.len < sizeof("0000-00-00T00:00:00Z") - 1
        || !is_date((clarity_str_t){ text.data, 10 })
        || (text.data[10] != 'T' && text.data[10] != 't')
        || text.data[13] != ':' || text.data[16] != ':')
    {
        return false;
    }

    hour = number_at(text, 11, 2);
    minute = number_at(text, 14, 2);
    second = number_at(text, 17, 2);

    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0
        || second > 60)
    {
        return false;
    }

    at = 19;

    if (text.data[at] == '.') {
        at++;
        if (at == text.len || !is_digit(text.data[at])) {
            return false;
        }
        while (at < text.len && is_digit(text.data[at])) {
            at++;
        }
    }

    if (!is_offset(from(text, at), &offset)) {
        return false;
    }

    if (second == 60) {
        utc = (hour * 60 + minute - offset + 2 * 1440) % 1440;
        return utc == 23 * 60 + 59;
    }

    return true;
}


static bool
is_offset(clarity_str_t text, int *minutes)
{
    int hours;

    if (text.len == 1) {
        *minutes = 0;
        return text.data[0] == 'Z' || text.data[0] == 'z';
    }

    if (text.len != 6 || (text.data[0] != '+' && text.data[0] != '-')
        || text.data[3] != ':')
    {
        return false;
    }

    hours = number_at(text, 1, 2);
    *minutes = number_at(text, 4, 2);

    if (hours < 0 || hours > 23 || *minutes < 0 || *minutes > 59) {
        return false;
    }

    *minutes += hours * 60;
    if (text.data[0] == '-') {
        *minutes = -*minutes;
    }

    return true;
}


/* 8-4-4-4-12 hexadecimal digits */
static bool
is_uuid(clarity_str_t text)
{
    char c;
    size_t i;

    if (text.len != 36) {
        return false;
    }

    for (i = 0; i < 36; i++) {
        c = text.data[i];

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return false;
            }

        } else if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
            return false;
        }
    }

    return true;
}


static bool
is_email(clarity_str_t text)
{
    const char *at;

    at = text.len == 0 ? NULL : memchr(text.data, '@', text.len);

    return at != NULL
           && is_local_part(
               (clarity_str_t){ text.data, (size_t) (at - text.data) })
           && is_domain(from(text, (size_t) (at - text.data) + 1));
}


/* Atoms (RFC 5322, section 3.2.3) with dots between them. */
static bool
is_local_part(clarity_str_t text)
{
    char c;
    size_t i;

    if (text.len == 0 || text.len > MAX_LOCAL) {
        return false;
    }

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c == '.') {
            if (i == 0 || i + 1 == text.len || text.data[i - 1] == '.') {
                return false;
            }

        } else if (!is_letter(c) && !is_digit(c)
                   && memchr("!#$%&'*+-/=?^_`{|}~", c, 19) == NULL)
        {
            return false;
        }
    }

    return true;
}


/* Labels of letters, digits and inner hyphens, with dots between them. */
static bool
is_domain(clarity_str_t text)
{
    char c;
    size_t i, start;

    if (text.len == 0 || text.len > MAX_DOMAIN) {
        return false;
    }

    start = 0;

    for (i = 0; i <= text.len; i++) {
        c = i == text.len ? '.' : text.data[i];

        if (c == '.') {
            if (i == start || i - start > MAX_LABEL || text.data[i - 1] == '-')
            {
                return false;
            }
            start = i + 1;

        } else if (!is_letter(c) && !is_digit(c) && (c != '-' || i == start)) {
            return false;
        }
    }

    return true;
}


/* -1: not all digits. */
static int
number_at(clarity_str_t text, size_t at, size_t digits)
{
    int n;
    size_t i;

    n = 0;

    for (i = at; i < at + digits; i++) {
        if (!is_digit(text.data[i])) {
            return -1;
        }
        n = n * 10 + (text.data[i] - '0');
    }

    return n;
}


static int
days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
        31 };

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        return 29;
    }

    return days[month - 1];
}


static clarity_str_t
from(clarity_str_t text, size_t at)
{
    return (clarity_str_t){ text.data + at, text.len - at };
}


static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static bool
is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
