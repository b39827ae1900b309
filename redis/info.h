/*
 * INFO's text: lines "name:value", sections "# Name", blank lines.
 */

#ifndef CLARITY_REDIS_INFO_H
#define CLARITY_REDIS_INFO_H

#include <stdint.h>

#include "json/str.h"

/* The value of the first line of that name. false: there is none. */
bool clarity_redis_info_get(
    clarity_str_t info, const char *name, clarity_str_t *value);

/* The same as a number: digits and nothing else, up to 64 bits. */
bool clarity_redis_info_number(
    clarity_str_t info, const char *name, uint64_t *number);

#endif
