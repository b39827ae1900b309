#include "job/queue.h"

/* An age is told by the clock that made the entries' ids: Redis' own. */
const clarity_script_t clarity_script_queue = {
    "queue",
    "local length = redis.call('XLEN', KEYS[1])\n"
    "local queued, running, after, oldest = length, 0, '-', nil\n"
    "local groups = {}\n"
    "if length > 0 or redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  groups = redis.call('XINFO', 'GROUPS', KEYS[1])\n"
    "end\n"
    "local function older(id)\n"
    "  local ms = tonumber(string.match(id, '^%d+'))\n"
    "  if not oldest or ms < oldest then oldest = ms end\n"
    "end\n"
    "for _, group in ipairs(groups) do\n"
    "  local of = {}\n"
    "  for i = 1, #group, 2 do of[group[i]] = group[i + 1] end\n"
    "  if of['name'] == ARGV[1] then\n"
    "    running = of['pending']\n"
    "    queued = of['lag'] or math.max(length - running, 0)\n"
    "    after = '(' .. of['last-delivered-id']\n"
    "    if running > 0 then\n"
    "      older(redis.call('XPENDING', KEYS[1], ARGV[1])[2])\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local first = redis.call('XRANGE', KEYS[1], after, '+', 'COUNT', 1)[1]\n"
    "if first then older(first[1]) end\n"
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "return { queued, running, redis.call('ZCARD', KEYS[2]),\n"
    "  redis.call('XLEN', KEYS[3]),\n"
    "  oldest and math.max(now - oldest, 0) or -1 }\n",
};


void
clarity_queue_call(
    clarity_queue_call_t *call, clarity_str_t prefix, unsigned shard)
{
    clarity_key_jobs(&call->stream, prefix, shard);
    clarity_key_delayed(&call->delayed, prefix, shard);
    clarity_key_failed(&call->failed, prefix, shard);

    call->argv[0] = clarity_lit("EVAL");
    call->argv[1] = clarity_str(clarity_script_queue.lua);
    call->argv[2] = clarity_lit("3");
    call->argv[3] = clarity_key_str(&call->stream);
    call->argv[4] = clarity_key_str(&call->delayed);
    call->argv[5] = clarity_key_str(&call->failed);
    call->argv[6] = clarity_lit(CLARITY_GROUP);
}
