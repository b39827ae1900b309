#include "job/hand_script.h"

#include "job/script_part.h"

const clarity_script_t clarity_script_retry = {
    "retry",
    CLARITY_LUA_ENTRY
    "local seen = redis.call('HMGET', KEYS[2], 'state', 'failed')\n"
    "if seen[1] ~= 'failed' or seen[2] ~= ARGV[1] then return 0 end\n"
    "local fields = entry_fields(KEYS[2])\n"
    "if not fields then return -1 end\n"
    "local sets = tonumber(ARGV[3])\n"
    "local entry = redis.pcall(\n"
    "  'XADD', KEYS[1], '*', 'job', ARGV[2], unpack(fields))\n"
    "if type(entry) == 'table' then return entry end\n"
    "if sets > 0 then\n"
    "  redis.call('HSET', KEYS[2], unpack(ARGV, 4, 3 + sets))\n"
    "end\n"
    "redis.call('HDEL', KEYS[2], 'context', 'failed', 'cancel',\n"
    "  'crashes', 'spared', 'alone', unpack(ARGV, 4 + sets))\n"
    "redis.call('HSET', KEYS[2], 'entry', entry, 'state', 'queued',\n"
    "  'reason', '')\n"
    "redis.call('PERSIST', KEYS[2])\n"
    "redis.call('XDEL', KEYS[3], ARGV[1])\n"
    "return 1\n",
};

const clarity_script_t clarity_script_cancel_delayed = {
    "cancel_delayed",
    "local score = redis.call('ZSCORE', KEYS[2], ARGV[1])\n"
    "if score ~= ARGV[2] then return 0 end\n"
    "redis.call('HSET', KEYS[1], unpack(ARGV, 4))\n"
    "redis.call('HDEL', KEYS[1], 'context')\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "redis.call('ZREM', KEYS[2], ARGV[1])\n"
    "return 1\n",
};

const clarity_script_t clarity_script_cancel_back = {
    "cancel_back",
    CLARITY_LUA_ENTRY
    "local score = redis.call('ZSCORE', KEYS[3], ARGV[1])\n"
    "if score ~= ARGV[2] then return 0 end\n"
    "local fields = entry_fields(KEYS[2])\n"
    "if not fields then return -1 end\n"
    "local entry = redis.pcall(\n"
    "  'XADD', KEYS[1], '*', 'job', ARGV[1], unpack(fields))\n"
    "if type(entry) == 'table' then return entry end\n"
    "redis.call('HSET', KEYS[2], 'entry', entry, 'state', 'queued',\n"
    "  'cancel', '1')\n"
    "redis.call('HDEL', KEYS[2], 'context')\n"
    "redis.call('ZREM', KEYS[3], ARGV[1])\n"
    "return 1\n",
};

const clarity_script_t clarity_script_cancel = {
    "cancel",
    CLARITY_LUA_FINAL
    "if is_final(redis.call('HGET', KEYS[1], 'state')) then return 0 end\n"
    "if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return -1 end\n"
    "redis.call('HSET', KEYS[1], 'cancel', '1')\n"
    "return 1\n",
};

/*
 * XDEL is never used on the stream of jobs: XTRIM MINID after it may leave a
 * node without entries, which Redis does not load again (redis#15808). So all
 * is trimmed that may be, exactly. Where nothing is pending and nothing waits
 * to be delivered, that is everything.
 */
const clarity_script_t clarity_script_erase = {
    "erase",
    CLARITY_LUA_FINAL CLARITY_LUA_KEEP
    "local seen = redis.call('HMGET', KEYS[2], 'state', 'entry', 'failed')\n"
    "if not seen[1] then return -2 end\n"
    "if not is_final(seen[1]) then return -1 end\n"
    "redis.call('HDEL', KEYS[2], 'context')\n"
    "for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do\n"
    "  if field:sub(1, 5) == 'step:' then\n"
    "    redis.call('HDEL', KEYS[2], field)\n"
    "  end\n"
    "end\n"
    "local keep, all_done = first_to_keep()\n"
    "if type(keep) == 'table' then return keep end\n"
    "if all_done then\n"
    "  local after = redis.call(\n"
    "    'XRANGE', KEYS[1], '(' .. keep, '+', 'COUNT', 1)\n"
    "  if after[1] then\n"
    "    redis.call('XTRIM', KEYS[1], 'MINID', '=', after[1][1])\n"
    "  else\n"
    "    redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', 0)\n"
    "  end\n"
    "else\n"
    "  redis.call('XTRIM', KEYS[1], 'MINID', '=', keep)\n"
    "end\n"
    "for _, entry in ipairs({ ARGV[2], seen[2] or '' }) do\n"
    "  if entry ~= ''\n"
    "      and #redis.call('XRANGE', KEYS[1], entry, entry) > 0 then\n"
    "    return 0\n"
    "  end\n"
    "end\n"
    "if seen[3] then redis.call('XDEL', KEYS[3], seen[3]) end\n"
    "redis.call('DEL', KEYS[2])\n"
    "return 1\n",
};
