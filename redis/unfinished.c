#define _GNU_SOURCE /* memmem */

#include "redis/unfinished.h"

#include <string.h>

/*
 * Bytes of a line: what is no string, and a string's or an array's head. All
 * of Redis' own are shorter, and hiredis looks for the end of an unfinished
 * one from its beginning each time.
 */
#define CLARITY_REDIS_MAX_LINE (64 * 1024)


/*
 * hiredis keeps what comes until a reply is whole, however much that is. What
 * stands at its place begins with a line, of a string and an array too.
 */
bool
clarity_redis_may_go_on(const redisReader *reader, size_t len,
    size_t max_reply, clarity_error_t *error)
{
    if (max_reply != 0 && len > max_reply) {
        return clarity_error(error,
            "what answers sent a reply of more than %zu bytes", max_reply);
    }

    if (reader->len - reader->pos > CLARITY_REDIS_MAX_LINE
        && memmem(reader->buf + reader->pos, CLARITY_REDIS_MAX_LINE, "\r\n", 2)
               == NULL)
    {
        return clarity_error(error,
            "what answers does not speak Redis' protocol (a line of more than"
            " %d bytes)",
            CLARITY_REDIS_MAX_LINE);
    }

    return true;
}
