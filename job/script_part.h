/*
 * What the scripts of job/ share.
 *
 * Lua 5.1, for Redis 6.2 and later. Errors that the caller tells apart by
 * their first word (NOGROUP, OOM, READONLY) are taken by pcall and handed on
 * as they are: Redis 6.2 hides those of redis.call in an "ERR Error running
 * script". Whatever may fail comes before the first change of data.
 */

#ifndef CLARITY_JOB_SCRIPT_PART_H
#define CLARITY_JOB_SCRIPT_PART_H

#include "job/script.h"

/*
 * Is the entry in the pending list under this consumer's name? XPENDING's
 * items are entry, consumer, idle time and number of deliveries; one that is
 * acknowledged, or was never delivered, has none.
 */
#define CLARITY_LUA_OWNS                                                      \
    "local function owns(entry)\n"                                            \
    "  local items = redis.pcall(\n"                                          \
    "    'XPENDING', KEYS[1], ARGV[1], entry, entry, 1)\n"                    \
    "  if items.err then return false, items end\n"                           \
    "  return items[1] ~= nil and items[1][2] == ARGV[2]\n"                   \
    "end\n"

/*
 * ms since 1970 by Redis' clock, as a number: 2^53 of them are far away. The
 * two parts are text.
 */
#define CLARITY_LUA_NOW                                                       \
    "local time = redis.call('TIME')\n"                                       \
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"

#endif
