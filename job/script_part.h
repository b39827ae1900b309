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
 * Sets the fields and values of ARGV from there on; an error, or nil. Lua's
 * unpack() takes less than 8000, which a job of many workflows has more of: of
 * each its run and all steps that begin at once. Only the first may be refused
 * for want of memory: after a write Redis lets a script go on.
 */
#define CLARITY_LUA_SET                                                       \
    "local function set_fields(key, from)\n"                                  \
    "  for i = from, #ARGV, 4000 do\n"                                        \
    "    local set = redis.pcall('HSET', key,\n"                              \
    "      unpack(ARGV, i, math.min(i + 3999, #ARGV)))\n"                     \
    "    if type(set) == 'table' then return set end\n"                       \
    "  end\n"                                                                 \
    "end\n"

/*
 * ms since 1970 by Redis' clock, as a number: 2^53 of them are far away. The
 * two parts are text.
 */
#define CLARITY_LUA_NOW                                                       \
    "local time = redis.call('TIME')\n"                                       \
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"

/*
 * The fields and values of a job's entry, from its hash; nil: the hash has not
 * all that an entry must have. See job/job.h.
 */
#define CLARITY_LUA_ENTRY                                                     \
    "local function entry_fields(key)\n"                                      \
    "  local names = { 'trigger', 'webhook', 'context', 'received',\n"        \
    "    'request', 'traceparent', 'addr' }\n"                                \
    "  local values = redis.pcall('HMGET', key, unpack(names))\n"             \
    "  local fields = {}\n"                                                   \
    "  for i, name in ipairs(names) do\n"                                     \
    "    if values[i] then\n"                                                 \
    "      fields[#fields + 1] = name\n"                                      \
    "      fields[#fields + 1] = values[i]\n"                                 \
    "    elseif i <= 5 then\n"                                                \
    "      return nil\n"                                                      \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  return fields\n"                                                       \
    "end\n"

/*
 * Notes the job of the hash KEYS[2] among the recent ones, which lists of jobs
 * go by: a sorted set whose members, all of score 0, are ids with leading
 * zeros, so that they stand by age. It is a list of what is there and no more:
 * what hinders it hinders no job. The oldest are dropped now and then, by the
 * clock: every call would pay for it.
 */
#define CLARITY_LUA_PAD                                                       \
    "local function pad(id)\n"                                                \
    "  local ms, seq = id:match('(%d+)-(%d+)$')\n"                            \
    "  return ('0'):rep(20 - #ms) .. ms .. '-'\n"                             \
    "    .. ('0'):rep(20 - #seq) .. seq\n"                                    \
    "end\n"
#define CLARITY_LUA_NOTE                                                      \
    "local function note()\n"                                                 \
    "  local head, ms, seq = KEYS[2]:match('^(.*):job:%d+-(%d+)-(%d+)$')\n"   \
    "  if not head then return end\n"                                         \
    "  local recent, zeros = head .. ':recent', '00000000000000000000'\n"     \
    "  redis.pcall('ZADD', recent, 0, zeros:sub(#ms + 1) .. ms .. '-'\n"      \
    "    .. zeros:sub(#seq + 1) .. seq)\n"                                    \
    "  if ms:sub(-2) == '00' then\n"                                          \
    "    redis.pcall('ZREMRANGEBYRANK', recent, 0, -" CLARITY_RECENT_PAST     \
    ")\n"                                                                     \
    "  end\n"                                                                 \
    "end\n"

/* As clarity_state_is_final() has it, of a job's state. */
#define CLARITY_LUA_FINAL                                                     \
    "local function is_final(state)\n"                                        \
    "  return state == 'succeeded' or state == 'failed'\n"                    \
    "    or state == 'cancelled'\n"                                           \
    "end\n"

/*
 * Ids are compared as text, as a Lua number cannot hold their 64 bits: of two
 * numbers without leading zeros the longer one is the greater.
 */
#define CLARITY_LUA_BEFORE                                                    \
    "local function is_before(a, b)\n"                                        \
    "  local a_ms, a_seq = a:match('^(%d+)-(%d+)$')\n"                        \
    "  local b_ms, b_seq = b:match('^(%d+)-(%d+)$')\n"                        \
    "  if a_ms == b_ms then a_ms, b_ms = a_seq, b_seq end\n"                  \
    "  if #a_ms ~= #b_ms then return #a_ms < #b_ms end\n"                     \
    "  return a_ms < b_ms\n"                                                  \
    "end\n"

/*
 * The first entry that must stay in the stream KEYS[1], for the group ARGV[1]:
 * the first pending one, or the last delivered one, which with nothing pending
 * is done as all before it are; then the second result is true. An error.
 *
 * XGROUP SETID may have set the last delivered one back. XINFO GROUPS has a
 * list of names and values a group. Other groups of the stream do not count:
 * the stream is there for the jobs' workers.
 */
#define CLARITY_LUA_KEEP                                                      \
    CLARITY_LUA_BEFORE                                                        \
    "local function first_to_keep()\n"                                        \
    "  local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])\n"           \
    "  if pending.err then return pending end\n"                              \
    "  local keep\n"                                                          \
    "  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"   \
    "    local values = {}\n"                                                 \
    "    for i = 1, #group, 2 do values[group[i]] = group[i + 1] end\n"       \
    "    if values.name == ARGV[1] then\n"                                    \
    "      keep = values['last-delivered-id']\n"                              \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  if pending[1] > 0 and is_before(pending[2], keep) then\n"              \
    "    return pending[2], false\n"                                          \
    "  end\n"                                                                 \
    "  return keep, pending[1] == 0\n"                                        \
    "end\n"

#endif
