#include "job/publish_script.h"

#include "job/script_part.h"

/*
 * Out of memory shows in the first HSET, before anything was sent; what else
 * may be wrong is the command's own fault, and the field gets back what it
 * had. Within a script Redis 7 has a text of its own for NOPERM.
 */
const clarity_script_t clarity_script_publish = {
    "publish",
    CLARITY_LUA_OWNS
    "local owned, failed = owns(ARGV[3])\n"
    "if failed then return failed end\n"
    "if not owned then return 0 end\n"
    "local before = redis.call('HGET', KEYS[2], ARGV[4])\n"
    "if before == ARGV[5] then return 1 end\n"
    "local set = redis.pcall('HSET', KEYS[2], ARGV[4], ARGV[5])\n"
    "if type(set) == 'table' then return set end\n"
    "local sent = redis.pcall(unpack(ARGV, 6))\n"
    "if type(sent) ~= 'table' or not sent.err then return 1 end\n"
    "if before then\n"
    "  redis.call('HSET', KEYS[2], ARGV[4], before)\n"
    "else\n"
    "  redis.call('HDEL', KEYS[2], ARGV[4])\n"
    "end\n"
    "if sent.err:find('WRONGTYPE', 1, true) then return 2 end\n"
    "if sent.err:find('NOPERM', 1, true)\n"
    "  or sent.err:find('The user executing the script', 1, true) then\n"
    "  return 3\n"
    "end\n"
    "return sent\n",
};
