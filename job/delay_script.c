#include "job/script_part.h"

/*
 * What may fail comes first: the fields, then the due time. Only then the hash
 * says that the entry is not the job's any more, and the entry goes; a job
 * that has neither an entry nor a due time would be lost.
 */
const clarity_script_t clarity_script_delay = {
    "delay",
    CLARITY_LUA_OWNS CLARITY_LUA_SET CLARITY_LUA_NOW CLARITY_LUA_NOTE
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "if redis.pcall('HEXISTS', KEYS[2], 'cancel') == 1 then return 2 end\n"
    "failed = set_fields(KEYS[2], 6)\n"
    "if failed then return failed end\n"
    "local due = string.format('%.0f', now + ARGV[5])\n"
    "local added = redis.pcall('ZADD', KEYS[3], due, ARGV[4])\n"
    "if type(added) == 'table' then return added end\n"
    "local keep = ARGV[5] + " CLARITY_TEXT_KEPT "\n"
    "for i = 4, #KEYS do\n"
    "  if redis.call('PTTL', KEYS[i]) < keep then\n"
    "    redis.call('PEXPIRE', KEYS[i], string.format('%.0f', keep))\n"
    "  end\n"
    "end\n"
    "redis.call('HSET', KEYS[2], 'entry', '')\n"
    "redis.call('PERSIST', KEYS[2])\n"
    "redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])\n"
    "note()\n"
    "return 1\n",
};

/*
 * The context is in one place at a time: it may be long, and is personal. A
 * job without its hash, or with half of it, has nothing that could be put into
 * the stream; what deleted it was none of us.
 */
const clarity_script_t clarity_script_promote = {
    "promote",
    CLARITY_LUA_NOW CLARITY_LUA_ENTRY
    "local due = redis.pcall('ZRANGEBYSCORE', KEYS[2], '-inf',\n"
    "  string.format('%.0f', now), 'LIMIT', 0, ARGV[2])\n"
    "if due.err then return due end\n"
    "local answer = { -1, 0 }\n"
    "for _, id in ipairs(due) do\n"
    "  local key = ARGV[1] .. id\n"
    "  local fields = entry_fields(key)\n"
    "  if fields then\n"
    "    local entry = redis.pcall(\n"
    "      'XADD', KEYS[1], '*', 'job', id, unpack(fields))\n"
    "    if type(entry) == 'table' then return entry end\n"
    "    redis.call('HSET', key, 'entry', entry, 'state', 'queued')\n"
    "    redis.call('HDEL', key, 'context')\n"
    "    answer[2] = answer[2] + 1\n"
    "  else\n"
    "    answer[#answer + 1] = id\n"
    "  end\n"
    "  redis.call('ZREM', KEYS[2], id)\n"
    "end\n"
    "local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')\n"
    "if first[2] then answer[1] = math.max(0, first[2] - now) end\n"
    "return answer\n",
};
