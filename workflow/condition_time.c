#include "workflow/condition_node.h"

#define CLARITY_MINUTE (60)
#define CLARITY_DAY    (24 * 60 * CLARITY_MINUTE)

#define CLARITY_ALL_DAYS 0x7f

static bool parse_zone(clarity_window_t *window, const clarity_json_t *zone,
    const clarity_load_t *load);
static bool parse_days(clarity_window_t *window, const clarity_json_t *days,
    const clarity_load_t *load);
static bool parse_hours(clarity_window_t *window, const clarity_member_t *from,
    const clarity_member_t *to, const clarity_load_t *load);


/*
 * {"days": ["mon", "fri"], "from": "08:00", "to": "18:00",
 *  "zone": "Europe/Berlin"}
 *
 * days: when absent, all; from and to: when absent, the whole day; zone: when
 * absent, UTC, as all that has no zone of its own. A window
 * that passes midnight ("22:00" to "06:00") belongs to the day on which it
 * begins. It goes by the zone's clocks: an hour that they leave out in spring
 * is in no window, one that they show twice is in it twice.
 */
bool
clarity_window_parse(clarity_window_t *window, const clarity_json_t *value,
    const clarity_load_t *load)
{
    clarity_member_t *days, *from, *to, *zone;
    clarity_member_t members[] = {
        { "days", CLARITY_ARRAY, false, NULL },
        { "from", CLARITY_STRING, false, NULL },
        { "to", CLARITY_STRING, false, NULL },
        { "zone", CLARITY_STRING, false, NULL },
    };

    days = &members[0];
    from = &members[1];
    to = &members[2];
    zone = &members[3];

    if (!clarity_load_members(load, value, "\"time\"", members, 4)) {
        return false;
    }

    if (days->value == NULL && from->value == NULL && to->value == NULL) {
        return clarity_load_error(load, value->line,
            "\"time\" always holds, expected \"days\", or \"from\" and "
            "\"to\"");
    }

    return parse_zone(window, zone->value, load)
           && parse_days(window, days->value, load)
           && parse_hours(window, from, to, load);
}


static bool
parse_zone(clarity_window_t *window, const clarity_json_t *zone,
    const clarity_load_t *load)
{
    if (zone == NULL || clarity_offset_parse(zone->text, &window->offset)) {
        return true;
    }

    if (!clarity_zone_name_is(zone->text)) {
        return clarity_load_error(load, zone->line,
            "\"zone\" is %s, expected \"UTC\", an offset such as \"+02:00\" "
            "or a name such as \"Europe/Berlin\"",
            clarity_quote(zone->text).text);
    }

    window->zone.name = zone->text;
    window->zone.line = zone->line;

    return true;
}


static bool
parse_days(clarity_window_t *window, const clarity_json_t *days,
    const clarity_load_t *load)
{
    unsigned i;
    const clarity_json_t *day;
    static const char *const names[] = { "sun", "mon", "tue", "wed", "thu",
        "fri", "sat" };

    if (days == NULL) {
        window->days = CLARITY_ALL_DAYS;
        return true;
    }

    if (days->count == 0) {
        return clarity_load_error(
            load, days->line, "\"days\" is empty, expected at least one day");
    }

    for (day = days->first; day != NULL; day = day->next) {
        for (i = 0; i < 7; i++) {
            if (day->kind == CLARITY_STRING
                && clarity_str_is(day->text, names[i])) {
                break;
            }
        }

        if (i == 7) {
            return clarity_load_error(load, day->line,
                "an unknown day in \"days\", expected \"mon\", \"tue\", "
                "\"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"");
        }

        window->days |= 1u << i;
    }

    return true;
}


static bool
parse_hours(clarity_window_t *window, const clarity_member_t *from,
    const clarity_member_t *to, const clarity_load_t *load)
{
    size_t i;
    const clarity_member_t *ends[] = { from, to };
    int *minutes[] = { &window->from, &window->to };

    if (from->value == NULL && to->value == NULL) {
        return true;
    }

    for (i = 0; i < 2; i++) {
        if (ends[i]->value == NULL) {
            return clarity_load_error(load, ends[1 - i]->value->line,
                "\"%s\" without \"%s\", expected both", ends[1 - i]->name,
                ends[i]->name);
        }

        if (!clarity_time_of_day_parse(ends[i]->value->text, minutes[i])) {
            return clarity_load_error(load, ends[i]->value->line,
                "\"%s\" is no time of day, expected one such as \"08:00\"",
                ends[i]->name);
        }
    }

    if (window->from == 24 * 60) {
        return clarity_load_error(load, from->value->line,
            "\"from\" is \"24:00\", expected \"00:00\" to \"23:59\"");
    }

    if (window->from == window->to) {
        return clarity_load_error(load, to->value->line,
            "\"from\" and \"to\" are the same, expected two times of day");
    }

    window->has_hours = true;

    return true;
}


bool
clarity_window_holds(const clarity_window_t *window, time_t now)
{
    int minute, weekday;
    time_t day;

    now += window->zone.zone != NULL
               ? clarity_zone_offset(window->zone.zone, now)
               : window->offset * CLARITY_MINUTE;

    /* rounded down also before 1970 */
    day = now / CLARITY_DAY - (now % CLARITY_DAY < 0);
    minute = (now - day * CLARITY_DAY) / CLARITY_MINUTE;

    if (window->has_hours) {
        if (window->from < window->to) {
            if (minute < window->from || minute >= window->to) {
                return false;
            }

        } else if (minute < window->to) {
            day--; /* it began yesterday */

        } else if (minute < window->from) {
            return false;
        }
    }

    /* 1970-01-01 was a Thursday */
    weekday = ((day + 4) % 7 + 7) % 7;

    return (window->days >> weekday) & 1;
}
