/*
 * A reply of which more is to come: how much of it is waited for.
 */

#ifndef CLARITY_REDIS_UNFINISHED_H
#define CLARITY_REDIS_UNFINISHED_H

#include <hiredis/hiredis.h>

#include "json/error.h"

/*
 * The reader has no whole reply, and `len` bytes of one. May it have more?
 * max_reply: bytes; 0: no limit.
 */
bool clarity_redis_may_go_on(const redisReader *reader, size_t len,
    size_t max_reply, clarity_error_t *error);

#endif
