#include "job/script_part.h"

const clarity_script_t clarity_script_record = {
    "record",
    CLARITY_LUA_OWNS CLARITY_LUA_SET
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "failed = set_fields(KEYS[2], 4)\n"
    "if failed then return failed end\n"
    "return 1 + redis.call('HEXISTS', KEYS[2], 'cancel')\n",
};

const clarity_script_t clarity_script_finish = {
    "finish",
    CLARITY_LUA_OWNS CLARITY_LUA_SET CLARITY_LUA_NOTE
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "failed = set_fields(KEYS[2], 5)\n"
    "if failed then return failed end\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[4])\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n"
    "note()\n"
    "return 1\n",
};

/*
 * The stream of failed jobs is an index: what it tells is in the hash too,
 * which lives as long. Its entries are deleted one by one, by XDEL: a retry
 * takes them from anywhere, and XTRIM does not go together with that
 * (redis#15808).
 */
const clarity_script_t clarity_script_fail = {
    "fail",
    CLARITY_LUA_OWNS CLARITY_LUA_SET CLARITY_LUA_NOW CLARITY_LUA_NOTE
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "failed = set_fields(KEYS[2], 7 + ARGV[6])\n"
    "if failed then return failed end\n"
    "local names = { 'trigger', 'webhook', 'reason' }\n"
    "local fields = { 'job', ARGV[5] }\n"
    "for i, value in ipairs(redis.call('HMGET', KEYS[2], unpack(names))) do\n"
    "  fields[#fields + 1] = names[i]\n"
    "  fields[#fields + 1] = value or ''\n"
    "end\n"
    "local id = redis.pcall('XADD', KEYS[3], '*', unpack(fields))\n"
    "if type(id) == 'table' then return id end\n"
    "redis.call('HSET', KEYS[2], 'failed', id)\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[4])\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n"
    "if ARGV[6] ~= '0' then\n"
    "  redis.call('XADD', KEYS[1], '*', unpack(ARGV, 7, 6 + ARGV[6]))\n"
    "end\n"
    "note()\n"
    "local old = string.format('%.0f', math.max(0, now - ARGV[4]))\n"
    "for _, entry in ipairs(\n"
    "    redis.call('XRANGE', KEYS[3], '-', old, 'COUNT', 10)) do\n"
    "  redis.call('XDEL', KEYS[3], entry[1])\n"
    "end\n"
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
 * XAUTOCLAIM goes by the idle time alone. The hash says that nobody crashed,
 * and of which steps no call was made.
 */
const clarity_script_t clarity_script_release = {
    "release",
    CLARITY_LUA_OWNS
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "redis.pcall('HSET', KEYS[2], 'released', '1', unpack(ARGV, 5))\n"
    "return #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3],\n"
    "  'IDLE', ARGV[4], 'JUSTID')\n",
};

const clarity_script_t clarity_script_spare = {
    "spare",
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end\n"
    "redis.call('HINCRBY', KEYS[1], 'spared', 1)\n"
    "return 1\n",
};

const clarity_script_t clarity_script_drop = {
    "drop",
    CLARITY_LUA_OWNS "local owned, failed = owns(ARGV[3])\n"
                     "if failed then return failed end\n"
                     "if not owned then return 0 end\n"
                     "return redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n",
};

/*
 * MINID keeps the entry that it names, so with nothing pending the last
 * delivered one stays: one entry, and no arithmetic on ids. "~" frees whole
 * nodes only and up to 100 of them, so that a call does not take long. What
 * stays of entries that are done must not be delivered again where the group
 * is made anew, when their hashes are long gone. That the mark cannot be
 * written for want of memory must not keep memory from being freed.
 */
const clarity_script_t clarity_script_trim = {
    "trim",
    CLARITY_LUA_KEEP
    "local keep, all_done = first_to_keep()\n"
    "if type(keep) == 'table' then return keep end\n"
    "local mark = keep\n"
    "if not all_done then\n"
    "  local before = redis.call(\n"
    "    'XREVRANGE', KEYS[1], '(' .. keep, '-', 'COUNT', 1)\n"
    "  mark = before[1] and before[1][1]\n"
    "end\n"
    "if mark then redis.pcall('SET', KEYS[2], mark) end\n"
    "return redis.call('XTRIM', KEYS[1], 'MINID', '~', keep)\n",
};

/*
 * A mark beyond the stream's last entry is that of another stream, which
 * somebody deleted.
 */
const clarity_script_t clarity_script_group = {
    "group",
    CLARITY_LUA_BEFORE
    "local from = '0-0'\n"
    "if redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  local info = redis.pcall('XINFO', 'STREAM', KEYS[1])\n"
    "  if info.err then return info end\n"
    "  local mark = redis.call('GET', KEYS[2])\n"
    "  for i = 1, #info, 2 do\n"
    "    if mark and info[i] == 'last-generated-id'\n"
    "        and not is_before(info[i + 1], mark) then\n"
    "      from = mark\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local made = redis.pcall(\n"
    "  'XGROUP', 'CREATE', KEYS[1], ARGV[1], from, 'MKSTREAM')\n"
    "if made.err then return made end\n"
    "return from\n",
};

const clarity_script_t clarity_script_keep_text = {
    "keep_text",
    "local ttl = redis.pcall('PTTL', KEYS[1])\n"
    "if type(ttl) == 'table' then return ttl end\n"
    "ttl = string.format('%.0f', math.max(ttl, tonumber(ARGV[1])))\n"
    "local set = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ttl)\n"
    "return set.err and set or 1\n",
};

const clarity_script_t clarity_script_sweep = {
    "sweep",
    "local swept = 0\n"
    "local all = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])\n"
    "if all.err then return all end\n"
    "for _, consumer in ipairs(all) do\n"
    "  local values = {}\n"
    "  for i = 1, #consumer, 2 do values[consumer[i]] = consumer[i + 1] end\n"
    "  if values.pending == 0 and values.idle > tonumber(ARGV[2]) then\n"
    "    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], values.name)\n"
    "    swept = swept + 1\n"
    "  end\n"
    "end\n"
    "return swept\n",
};

/* By XDEL, as the script "fail" does. */
const clarity_script_t clarity_script_forget = {
    "forget",
    "for dropped = 0, ARGV[2] - 1 do\n"
    "  local first = redis.pcall('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)\n"
    "  if first.err then return first end\n"
    "  if not first[1] then return dropped end\n"
    "  local id, fields = nil, first[1][2]\n"
    "  for i = 1, #fields, 2 do\n"
    "    if fields[i] == 'job' then id = fields[i + 1] end\n"
    "  end\n"
    "  if id and redis.call('EXISTS', ARGV[1] .. id) == 1 then\n"
    "    return dropped\n"
    "  end\n"
    "  redis.call('XDEL', KEYS[1], first[1][1])\n"
    "end\n"
    "return tonumber(ARGV[2])\n",
};
