#include "job/script_part.h"

/* HSET answers a number, or a table with an error. */
const clarity_script_t clarity_script_record = {
    "record",
    CLARITY_LUA_OWNS
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "local set = redis.pcall('HSET', KEYS[2], unpack(ARGV, 4))\n"
    "if type(set) == 'table' then return set end\n"
    "return 1\n",
};

const clarity_script_t clarity_script_finish = {
    "finish",
    CLARITY_LUA_OWNS
    "local owned, failed = owns(ARGV[3])\n"
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
    CLARITY_LUA_OWNS
    "local lost = {}\n"
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
    CLARITY_LUA_OWNS
    "local released = 0\n"
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

const clarity_script_t clarity_script_drop = {
    "drop",
    CLARITY_LUA_OWNS "local owned, failed = owns(ARGV[3])\n"
                     "if failed then return failed end\n"
                     "if not owned then return 0 end\n"
                     "return redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n",
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
