/*
 * A reply of which more is to come: how much of it is waited for, and how much
 * hiredis may make of it.
 */

#ifndef CLARITY_REDIS_UNFINISHED_H
#define CLARITY_REDIS_UNFINISHED_H

#include <hiredis/hiredis.h>

#include "json/error.h"

typedef struct {
    size_t max;      /* bytes that the reply may take; 0: no limit */
    size_t bytes;    /* of it, and of what has come behind it */
    size_t elements; /* that its arrays have announced */

    /* More elements than it may have: hiredis was refused an array. */
    bool too_many;

    redisReplyObjectFunctions functions; /* hiredis' own, but for arrays */
    void *(*create_array)(const redisReadTask *task, int elements);
} clarity_redis_unfinished_t;

/* From now on the reader asks us for each array. *unfinished lives as long. */
void clarity_redis_unfinished_init(
    clarity_redis_unfinished_t *unfinished, redisReader *reader);

/* A reply is whole: the next one begins with what is left of the bytes. */
void clarity_redis_unfinished_next(
    clarity_redis_unfinished_t *unfinished, const redisReader *reader);

/* How many elements it may have. */
size_t clarity_redis_unfinished_most(
    const clarity_redis_unfinished_t *unfinished);

/* The reader has no whole reply. May more of it come? */
bool clarity_redis_may_go_on(const clarity_redis_unfinished_t *unfinished,
    const redisReader *reader, clarity_error_t *error);

#endif
