#include "job/report_script.h"

/* The time is seen without decoding what may be long. */
const clarity_script_t clarity_script_report = {
    "report",
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "for i = 1, #all, 2 do\n"
    "  local at = tonumber(string.match(all[i + 1], '^{\"at\":(%d+)'))\n"
    "  if at and at < tonumber(ARGV[3]) then\n"
    "    redis.call('HDEL', KEYS[1], all[i])\n"
    "  end\n"
    "end\n"
    "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n",
};
