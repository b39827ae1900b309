#include "redis/limits.h"

/*
 * What stands in Redis' buffer beside the value at most: what it had read of
 * the command before it saw how long the value is (PROTO_IOBUF_LEN), and CRLF.
 */
#define BESIDE (16 * 1024 + 2)

static uint64_t number(const redisReply *reply, uint64_t otherwise);

static const char *const names[CLARITY_REDIS_LIMITS_COMMANDS] = {
    "proto-max-bulk-len", "client-query-buffer-limit"
};


void
clarity_redis_limits_init(clarity_redis_limits_t *limits)
{
    limits->value = CLARITY_REDIS_MAX_VALUE;
    limits->buffer = CLARITY_REDIS_MAX_BUFFER;
}


size_t
clarity_redis_limits_command(
    unsigned i, clarity_str_t argv[CLARITY_REDIS_LIMITS_MAX_ARGS])
{
    argv[0] = clarity_lit("CONFIG");
    argv[1] = clarity_lit("GET");
    argv[2] = clarity_str(names[i]);

    return 3;
}


void
clarity_redis_limits_reply(
    clarity_redis_limits_t *limits, unsigned i, const redisReply *reply)
{
    if (i == 0) {
        limits->value = number(reply, CLARITY_REDIS_MAX_VALUE);
    } else {
        limits->buffer = number(reply, CLARITY_REDIS_MAX_BUFFER);
    }
}


const char *
clarity_redis_limits_refuse(
    const clarity_redis_limits_t *limits, size_t len, uint64_t *limit)
{
    if (len > limits->value) {
        *limit = limits->value;
        return names[0];
    }

    if (len + BESIDE > limits->buffer) {
        *limit = limits->buffer;
        return names[1];
    }

    return NULL;
}


/* Of the setting's name and its value: digits, not 0. */
static uint64_t
number(const redisReply *reply, uint64_t otherwise)
{
    size_t i;
    uint64_t n;
    const redisReply *value;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        return otherwise;
    }

    value = reply->element[1];

    /* 18 digits are more than Redis takes, and fit. */
    if (value->len > 18) {
        return otherwise;
    }

    n = 0;

    for (i = 0; i < value->len; i++) {
        if (value->str[i] < '0' || value->str[i] > '9') {
            return otherwise;
        }

        n = n * 10 + (uint64_t) (value->str[i] - '0');
    }

    return n != 0 ? n : otherwise;
}
