/*
 * How many jobs of a shard are not yet finished: three commands of constant
 * time, about 3 us of Redis together.
 */

#ifndef CLARITY_REDIS_DEPTH_H
#define CLARITY_REDIS_DEPTH_H

#include <stdint.h>

#include <hiredis/hiredis.h>

#include "json/str.h"

/* XINFO GROUPS stream, XLEN stream, ZCARD delayed. */
#define CLARITY_DEPTH_COMMANDS 3
#define CLARITY_DEPTH_MAX_ARGS 3

/* Zeroed before a round. */
typedef struct {
    bool group;          /* the workers' group is there, and counts: */
    uint64_t unfinished; /* what it has yet to get and to acknowledge */
    uint64_t length;     /* entries of the stream */
    uint64_t delayed;
} clarity_depth_t;

/* The i-th. argv points to the keys and static text. Returns argc. */
size_t clarity_depth_command(unsigned i, clarity_str_t stream,
    clarity_str_t delayed, clarity_str_t argv[CLARITY_DEPTH_MAX_ARGS]);

/* Its reply; NULL: none came. `group` is the name of the workers'. */
void clarity_depth_reply(clarity_depth_t *depth, unsigned i, const char *group,
    const redisReply *reply);

/*
 * Jobs that wait, that are in hand, and that are put off. Redis tells what a
 * group has yet to get (its lag) unless entries were deleted or the group was
 * set back; then, and where there is no group, it is the stream's length, which
 * is up to some 100 more: finished ones that are not yet trimmed.
 */
uint64_t clarity_depth(const clarity_depth_t *depth);

#endif
