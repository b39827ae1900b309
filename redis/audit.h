/*
 * Is a Redis fit to keep jobs? Told from what INFO and CONFIG GET say. Pure.
 */

#ifndef CLARITY_REDIS_AUDIT_H
#define CLARITY_REDIS_AUDIT_H

#include <hiredis/hiredis.h>

#include "json/error.h"
#include "json/str.h"

/* The commands: INFO; CONFIG GET append*, of all versions. */
#define CLARITY_REDIS_AUDIT_COMMANDS 2
#define CLARITY_REDIS_AUDIT_MAX_ARGS 3

/* The i-th. argv points to static text. Returns argc. */
size_t clarity_redis_audit_command(
    unsigned i, clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS]);

#define CLARITY_REDIS_AUDIT_MAX 6

typedef struct {
    char version[32];
    clarity_error_t
        findings[CLARITY_REDIS_AUDIT_MAX]; /* what, what was expected */
    size_t n;
    bool unusable; /* one of them is: a replica, or too old */
} clarity_redis_audit_t;

/* info, config: the replies, NULL: none came; errors, as where Redis bars them,
 * are replies too. Without INFO that is the one finding. */
void clarity_redis_audit(clarity_redis_audit_t *audit, const redisReply *info,
    const redisReply *config);

#endif
