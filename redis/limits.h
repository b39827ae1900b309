/*
 * How large a value may be that Redis takes. It closes the connection at a
 * larger one, and what waits for replies on it is lost with it; so that is to
 * be known before.
 */

#ifndef CLARITY_REDIS_LIMITS_H
#define CLARITY_REDIS_LIMITS_H

#include <stdint.h>

#include <hiredis/hiredis.h>

#include "json/str.h"

/* In bytes: Redis' own defaults, which hold where it bars us from asking. */
#define CLARITY_REDIS_MAX_VALUE  ((uint64_t) 512 * 1024 * 1024)
#define CLARITY_REDIS_MAX_BUFFER ((uint64_t) 1024 * 1024 * 1024)

typedef struct {
    uint64_t value;  /* proto-max-bulk-len */
    uint64_t buffer; /* client-query-buffer-limit */
} clarity_redis_limits_t;

/* CONFIG GET of each: Redis 6.2 takes one pattern. */
#define CLARITY_REDIS_LIMITS_COMMANDS 2
#define CLARITY_REDIS_LIMITS_MAX_ARGS 3

void clarity_redis_limits_init(clarity_redis_limits_t *limits);

/* The i-th. argv points to static text. Returns argc. */
size_t clarity_redis_limits_command(
    unsigned i, clarity_str_t argv[CLARITY_REDIS_LIMITS_MAX_ARGS]);

/* Its reply; NULL: none came. What is not understood is as if barred. */
void clarity_redis_limits_reply(
    clarity_redis_limits_t *limits, unsigned i, const redisReply *reply);

/* NULL: Redis takes a value of that many bytes; else the name of the setting
 * that is in its way, and *limit is what it is. */
const char *clarity_redis_limits_refuse(
    const clarity_redis_limits_t *limits, size_t len, uint64_t *limit);

#endif
