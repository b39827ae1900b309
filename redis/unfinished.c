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
 * Elements of all arrays of one reply. hiredis reserves room for as many as an
 * array announces, which is up to 16 GB, and looks at all of it when it gives
 * up. It takes arrays in arrays seven deep.
 */
#define CLARITY_REDIS_MAX_ELEMENTS ((size_t) 1024 * 1024)

/*
 * Bytes that hiredis makes of an element besides its string, rounded up: a
 * redisReply, its place in the array, and what malloc adds to these and to the
 * string. On the wire three or four are enough for one.
 */
#define CLARITY_REDIS_ELEMENT 128

static void *create_array(const redisReadTask *task, int elements);


void
clarity_redis_unfinished_init(
    clarity_redis_unfinished_t *unfinished, redisReader *reader)
{
    memset(unfinished, 0, sizeof(*unfinished));

    unfinished->functions = *reader->fn;
    unfinished->create_array = unfinished->functions.createArray;
    unfinished->functions.createArray = create_array;

    reader->fn = &unfinished->functions;
    reader->privdata = unfinished;
}


void
clarity_redis_unfinished_next(
    clarity_redis_unfinished_t *unfinished, const redisReader *reader)
{
    unfinished->bytes = reader->len - reader->pos;
    unfinished->elements = 0;
}


size_t
clarity_redis_unfinished_most(const clarity_redis_unfinished_t *unfinished)
{
    size_t most;

    most = unfinished->max / CLARITY_REDIS_ELEMENT;

    return unfinished->max != 0 && most < CLARITY_REDIS_MAX_ELEMENTS
               ? most
               : CLARITY_REDIS_MAX_ELEMENTS;
}


/*
 * hiredis keeps what comes until a reply is whole, however much that is. What
 * stands at its place begins with a line, of a string and an array too.
 */
bool
clarity_redis_may_go_on(const clarity_redis_unfinished_t *unfinished,
    const redisReader *reader, clarity_error_t *error)
{
    size_t max, takes;

    max = unfinished->max;
    takes = unfinished->bytes + unfinished->elements * CLARITY_REDIS_ELEMENT;

    if (max != 0 && takes > max) {
        return clarity_error(error,
            "what answers sent a reply that takes more than %zu bytes", max);
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


/* Called before there is room for the elements; NULL ends the reply. */
static void *
create_array(const redisReadTask *task, int elements)
{
    clarity_redis_unfinished_t *unfinished = task->privdata;

    unfinished->elements += (size_t) elements;

    if (unfinished->elements > clarity_redis_unfinished_most(unfinished)) {
        unfinished->too_many = true;
        return NULL;
    }

    return unfinished->create_array(task, elements);
}
