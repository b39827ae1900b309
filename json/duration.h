/*
 * Durations as people write them in JSON: digits and one unit.
 */

#ifndef CLARITY_JSON_DURATION_H
#define CLARITY_JSON_DURATION_H

#include <stdint.h>

#include "json/str.h"

#define CLARITY_DURATION_MAX 11 /* bytes of the longest: "999999999ms" */

/* "250ms", "10s", "5m", "1h", "7d" -> ms. false: not a duration. */
bool clarity_duration_parse(clarity_str_t text, uint64_t *ms);

#endif
