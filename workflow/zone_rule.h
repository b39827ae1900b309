/*
 * The rule for all years to come at the end of a TZif file: POSIX' TZ string,
 * "CET-1CEST,M3.5.0,M10.5.0/3". For zone.c alone.
 */

#ifndef CLARITY_WORKFLOW_ZONE_RULE_H
#define CLARITY_WORKFLOW_ZONE_RULE_H

#include <time.h>

#include "json/str.h"

typedef enum {
    CLARITY_DAY_JULIAN,  /* Jn: 1 to 365, February 29 is not counted */
    CLARITY_DAY_OF_YEAR, /* n: 0 to 365 */
    CLARITY_DAY_OF_WEEK  /* Mm.w.d: of a month's w-th week; 5 is the last */
} clarity_zone_day_t;

typedef struct {
    clarity_zone_day_t type;
    int month;
    int week;
    int day;
    int seconds; /* after midnight, by the clocks before the change */
} clarity_zone_change_t;

typedef struct {
    bool has_dst;
    int standard; /* seconds east of UTC */
    int dst;
    clarity_zone_change_t start; /* of dst */
    clarity_zone_change_t end;
} clarity_zone_rule_t;

/* false: it is none. */
bool clarity_zone_rule_parse(clarity_zone_rule_t *rule, clarity_str_t text);

/* Seconds east of UTC. */
int clarity_zone_rule_offset(const clarity_zone_rule_t *rule, time_t at);

#endif
