#include "job/script.h"

/*
 * Lua 5.1, for Redis 6.2 and later. Errors that the caller tells apart by
 * their first word (NOGROUP, OOM, READONLY) are taken by pcall and handed on
 * as they are: Redis 6.2 hides those of redis.call in an "ERR Error running
 * script". Whatever may fail comes before the first change of data.
 */

/*
 * Is the entry in the pending list under this consumer's name? XPENDING's
 * items are entry, consumer, idle time and number of deliveries; one that is
 * acknowledged, or was never delivered, has none.
 */
#define OWNS                                                                  \
    "local function owns(entry)\n"                                            \
    "  local items = redis.pcall(\n"                                          \
    "    'XPENDING', KEYS[1], ARGV[1], entry, entry, 1)\n"                    \
    "  if items.err then return false, items end\n"                           \
    "  return items[1] ~= nil and items[1][2] == ARGV[2]\n"                   \
    "end\n"

/* HSET answers a number, or a table with an error. */
const clarity_script_t clarity_script_record = {
    "record",
    OWNS "local owned, failed = owns(ARGV[3])\n"
         "if failed then return failed end\n"
         "if not owned then return 0 end\n"
         "local set = redis.pcall('HSET', KEYS[2], unpack(ARGV, 4))\n"
         "if type(set) == 'table' then return set end\n"
         "return 1\n",
};

const clarity_script_t clarity_script_finish = {
    "finish",
    OWNS "local owned, failed = owns(ARGV[3])\n"
         "if failed then return failed end\n"
         "if not owned then return 0 end\n"
         "local set = redis.pcall('HSET', KEYS[2], unpack(ARGV, 5))\n"
         "if type(set) == 'table' then return set end\n"
         "redis.call('PEXPIRE', KEYS[2], ARGV[4])\n"
         "redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n"
         "return 1\n",
};

/*
 * XCLAIM to its owner sets the idle time to 0, and with JUSTID leaves the
 * number of deliveries as it is. It claims nothing where the entry itself is
 * gone from the stream: no job is left to be worked on.
 */
const clarity_script_t clarity_script_beat = {
    "beat",
    OWNS "local lost = {}\n"
         "for i = 3, #ARGV do\n"
         "  local owned, failed = owns(ARGV[i])\n"
         "  if failed then return failed end\n"
         "  if owned then\n"
         "    owned = #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0,\n"
         "      ARGV[i], 'JUSTID') == 1\n"
         "  end\n"
         "  if not owned then lost[#lost + 1] = ARGV[i] end\n"
         "end\n"
         "return lost\n",
};

/*
 * The entry stays this consumer's, as if it had not been touched for so long:
 * XAUTOCLAIM goes by the idle time alone.
 */
const clarity_script_t clarity_script_release = {
    "release",
    OWNS "local released = 0\n"
         "for i = 4, #ARGV do\n"
         "  local owned, failed = owns(ARGV[i])\n"
         "  if failed then return failed end\n"
         "  if owned then\n"
         "    released = released + #redis.call('XCLAIM', KEYS[1], ARGV[1],\n"
         "      ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'JUSTID')\n"
         "  end\n"
         "end\n"
         "return released\n",
};

/*
 * All entries below the first pending one are acknowledged if they are below
 * the last delivered one too (XGROUP SETID may have set that back). MINID
 * keeps the entry that it names, so with nothing pending the last delivered
 * one stays: one entry, and no arithmetic on ids, whose 64 bits a Lua number
 * cannot hold. For the same reason they are compared as text: of two numbers
 * without leading zeros the longer one is the greater. "~" frees whole nodes
 * only and up to 100 of them, so that a call does not take long.
 *
 * XINFO GROUPS has a list of names and values a group. Other groups of the
 * stream do not count: the stream is there for the jobs' workers.
 */
const clarity_script_t clarity_script_trim = {
    "trim",
    "local function is_before(a, b)\n"
    "  local a_ms, a_seq = a:match('^(%d+)-(%d+)$')\n"
    "  local b_ms, b_seq = b:match('^(%d+)-(%d+)$')\n"
    "  if a_ms == b_ms then a_ms, b_ms = a_seq, b_seq end\n"
    "  if #a_ms ~= #b_ms then return #a_ms < #b_ms end\n"
    "  return a_ms < b_ms\n"
    "end\n"
    "local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])\n"
    "if pending.err then return pending end\n"
    "local keep\n"
    "for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "  local values = {}\n"
    "  for i = 1, #group, 2 do values[group[i]] = group[i + 1] end\n"
    "  if values.name == ARGV[1] then keep = values['last-delivered-id'] end\n"
    "end\n"
    "if pending[1] > 0 and is_before(pending[2], keep) then\n"
    "  keep = pending[2]\n"
    "end\n"
    "return redis.call('XTRIM', KEYS[1], 'MINID', '~', keep)\n",
};
