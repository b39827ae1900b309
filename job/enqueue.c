#include "job/enqueue.h"

/* As in script.c. */
const clarity_script_t clarity_script_enqueue = {
    "enqueue",
    "local function refused(reply, command)\n"
    "  return redis.error_reply(reply.err .. ' [' .. command .. ']')\n"
    "end\n"
    "local old, id, body = redis.pcall('GET', KEYS[2])\n"
    "if type(old) == 'string' then\n"
    "  id, body = old:match('^(%d+-%d+) (%S+)$')\n"
    "elseif old and not old.err:find('WRONGTYPE') then\n"
    "  return refused(old, 'GET')\n"
    "end\n"
    "if old then\n"
    "  if not id then\n"
    "    return redis.error_reply('" CLARITY_ENQUEUE_FOREIGN
    " idempotency key')\n"
    "  end\n"
    "  if body ~= ARGV[2] then return {'reused'} end\n"
    "  local left = redis.pcall('PTTL', KEYS[2])\n"
    "  if type(left) == 'table' then return refused(left, 'PTTL') end\n"
    "  left = left < 0 and ARGV[1] or math.max(left, 1)\n"
    "  local kept = redis.pcall('PEXPIRE', KEYS[2], left)\n"
    "  if type(kept) == 'table' then return refused(kept, 'PEXPIRE') end\n"
    "  return {'duplicate', id}\n"
    "end\n"
    "if not ARGV[3] then return {'unknown'} end\n"
    "id = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, 3))\n"
    "if type(id) == 'table' then return refused(id, 'XADD') end\n"
    "local set = redis.pcall('SET', KEYS[2], id .. ' ' .. ARGV[2],\n"
    "  'PX', ARGV[1])\n"
    "if set.err then\n"
    "  if redis.pcall('XDEL', KEYS[1], id) ~= 1 then\n"
    "    set.err = '" CLARITY_ENQUEUE_HALF " ' .. set.err\n"
    "  end\n"
    "  return refused(set, 'SET')\n"
    "end\n"
    "return id\n",
};


size_t
clarity_job_enqueue(const clarity_job_t *job, const clarity_enqueue_t *enqueue,
    clarity_str_t argv[CLARITY_ENQUEUE_MAX_ARGS])
{
    size_t argc;

    argc = 0;

    if (enqueue->sha.len != 0) {
        argv[argc++] = clarity_lit("EVALSHA");
        argv[argc++] = enqueue->sha;
    } else {
        argv[argc++] = clarity_lit("EVAL");
        argv[argc++] = clarity_str(clarity_script_enqueue.lua);
    }

    argv[argc++] = clarity_lit("2");
    argv[argc++] = enqueue->stream;
    argv[argc++] = enqueue->key;
    argv[argc++] = enqueue->window;
    argv[argc++] = enqueue->body;

    return job != NULL ? argc + clarity_job_fields(job, argv + argc) : argc;
}
