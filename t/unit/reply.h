/*
 * Replies for tests, read by hiredis from their bytes.
 */

#ifndef CLARITY_T_REPLY_H
#define CLARITY_T_REPLY_H

#include <string.h>

#include <hiredis/hiredis.h>

/* Freed by freeReplyObject(). */
static redisReply *
reply_from(const char *bytes)
{
    void *reply;
    redisReader *reader;

    reader = redisReaderCreate();
    assert_non_null(reader);

    assert_int_equal(redisReaderFeed(reader, bytes, strlen(bytes)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    redisReaderFree(reader);

    assert_non_null(reply);

    return reply;
}

#endif
