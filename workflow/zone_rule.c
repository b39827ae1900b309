#include "workflow/zone_rule.h"

#define HOUR 3600
#define DAY  86400

/* What is left of the text. */
typedef struct {
    const char *p;
    const char *end;
} cursor_t;

static bool skip_name(cursor_t *cursor);
static bool parse_offset(cursor_t *cursor, int *offset);
static bool parse_change(cursor_t *cursor, clarity_zone_change_t *change);
static bool parse_time(cursor_t *cursor, int most_hours, int *seconds);
static bool parse_number(cursor_t *cursor, int min, int max, int *number);
static bool take(cursor_t *cursor, char c);
static time_t change_time(const clarity_zone_change_t *change, int year);
static int year_of(time_t at);
static time_t days_before(int year);
static bool is_leap(int year);
static time_t days_before_month(int year, int month);


bool
clarity_zone_rule_parse(clarity_zone_rule_t *rule, clarity_str_t text)
{
    cursor_t cursor = { text.data, text.data + text.len };

    *rule = (clarity_zone_rule_t){ 0 };

    if (!skip_name(&cursor) || !parse_offset(&cursor, &rule->standard)) {
        return false;
    }

    if (cursor.p == cursor.end) {
        return true;
    }

    if (!skip_name(&cursor)) {
        return false;
    }

    rule->has_dst = true;
    rule->dst = rule->standard + HOUR;

    if (cursor.p < cursor.end && *cursor.p != ','
        && !parse_offset(&cursor, &rule->dst))
    {
        return false;
    }

    return take(&cursor, ',') && parse_change(&cursor, &rule->start)
           && take(&cursor, ',') && parse_change(&cursor, &rule->end)
           && cursor.p == cursor.end;
}


/* "CET", or "<+0330>" for one that is not of letters alone. */
static bool
skip_name(cursor_t *cursor)
{
    const char *start;

    if (take(cursor, '<')) {
        while (cursor->p < cursor->end && *cursor->p != '>') {
            cursor->p++;
        }

        return take(cursor, '>');
    }

    start = cursor->p;

    while (cursor->p < cursor->end
           && ((*cursor->p >= 'A' && *cursor->p <= 'Z')
               || (*cursor->p >= 'a' && *cursor->p <= 'z')))
    {
        cursor->p++;
    }

    return cursor->p - start >= 3;
}


/* POSIX counts to the west. */
static bool
parse_offset(cursor_t *cursor, int *offset)
{
    if (!parse_time(cursor, 24, offset)) {
        return false;
    }

    *offset = -*offset;

    return true;
}


static bool
parse_change(cursor_t *cursor, clarity_zone_change_t *change)
{
    bool parsed;

    if (take(cursor, 'M')) {
        change->type = CLARITY_DAY_OF_WEEK;
        parsed =
            parse_number(cursor, 1, 12, &change->month) && take(cursor, '.')
            && parse_number(cursor, 1, 5, &change->week) && take(cursor, '.')
            && parse_number(cursor, 0, 6, &change->day);

    } else if (take(cursor, 'J')) {
        change->type = CLARITY_DAY_JULIAN;
        parsed = parse_number(cursor, 1, 365, &change->day);

    } else {
        change->type = CLARITY_DAY_OF_YEAR;
        parsed = parse_number(cursor, 0, 365, &change->day);
    }

    change->seconds = 2 * HOUR;

    /* RFC 8536, section 3.3.1: up to a week before or after */
    return parsed
           && (!take(cursor, '/')
               || parse_time(cursor, 167, &change->seconds));
}


/* [+-]hh[:mm[:ss]] */
static bool
parse_time(cursor_t *cursor, int most_hours, int *seconds)
{
    bool negative;
    int hours, minutes, rest;

    minutes = rest = 0;
    negative = take(cursor, '-');

    if (!negative) {
        (void) take(cursor, '+');
    }

    if (!parse_number(cursor, 0, most_hours, &hours)) {
        return false;
    }

    if (take(cursor, ':')) {
        if (!parse_number(cursor, 0, 59, &minutes)) {
            return false;
        }

        if (take(cursor, ':') && !parse_number(cursor, 0, 59, &rest)) {
            return false;
        }
    }

    *seconds = hours * HOUR + minutes * 60 + rest;

    if (negative) {
        *seconds = -*seconds;
    }

    return true;
}


static bool
parse_number(cursor_t *cursor, int min, int max, int *number)
{
    const char *start;

    start = cursor->p;
    *number = 0;

    while (cursor->p < cursor->end && *cursor->p >= '0' && *cursor->p <= '9'
           && *number <= max)
    {
        *number = *number * 10 + (*cursor->p++ - '0');
    }

    return cursor->p > start && *number >= min && *number <= max;
}


static bool
take(cursor_t *cursor, char c)
{
    if (cursor->p == cursor->end || *cursor->p != c) {
        return false;
    }

    cursor->p++;

    return true;
}


/* In the south summer begins in one year and ends in the next. */
int
clarity_zone_rule_offset(const clarity_zone_rule_t *rule, time_t at)
{
    int year;
    bool dst;
    time_t start, end;

    if (!rule->has_dst) {
        return rule->standard;
    }

    year = year_of(at + rule->standard);
    start = change_time(&rule->start, year) - rule->standard;
    end = change_time(&rule->end, year) - rule->dst;

    dst = start < end ? at >= start && at < end : at >= start || at < end;

    return dst ? rule->dst : rule->standard;
}


/* As if the clocks were those of UTC. */
static time_t
change_time(const clarity_zone_change_t *change, int year)
{
    int weekday;
    time_t day, next;

    day = days_before(year);

    switch (change->type) {
    case CLARITY_DAY_OF_YEAR: day += change->day; break;

    case CLARITY_DAY_JULIAN:
        day += change->day - 1 + (is_leap(year) && change->day > 59);
        break;

    case CLARITY_DAY_OF_WEEK:
        next = day + days_before_month(year, change->month + 1);
        day += days_before_month(year, change->month);

        /* 1970-01-01 was a Thursday */
        weekday = (int) (((day + 4) % 7 + 7) % 7);
        day += (change->day - weekday + 7) % 7 + 7 * (change->week - 1);

        if (day >= next) {
            day -= 7;
        }

        break;
    }

    return day * DAY + change->seconds;
}


static int
year_of(time_t at)
{
    int year;
    time_t day;

    day = at / DAY - (at % DAY < 0);
    year = (int) (1970 + day * 400 / 146097);

    while (day < days_before(year)) {
        year--;
    }

    while (day >= days_before(year + 1)) {
        year++;
    }

    return year;
}


/* From 1970-01-01 to the first of January of a year from 1 on. */
static time_t
days_before(int year)
{
    time_t years = year - 1;

    return years * 365 + years / 4 - years / 100 + years / 400 - 719162;
}


static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}


/* month: 1 to 13 */
static time_t
days_before_month(int year, int month)
{
    static const short days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273,
        304, 334, 365 };

    return days[month - 1] + (month > 2 && is_leap(year));
}
