/*
 * What the tests of job/'s scripts share: a Redis that runs them.
 */

#ifndef CLARITY_T_SCRIPT_FIXTURE_H
#define CLARITY_T_SCRIPT_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/script.h"
#include "t/unit/redis_server.h"

#define STREAM "{c:0}:jobs"
#define HASH   "{c:0}:job:x"
#define GROUP  "workers"

static redis_server_t server;
static redisContext *redis;
static redisReply *last; /* freed by the next command */


static inline redisReply *
command(const char *format, ...)
{
    va_list args;

    if (last != NULL) {
        freeReplyObject(last);
    }

    va_start(args, format);
    last = redisvCommand(redis, format, args);
    va_end(args);

    if (last == NULL) {
        fail_msg("%s: %s", format, redis->errstr);
    }

    return last;
}


static inline int
count_words(const char *text)
{
    int n;

    for (n = 1; *text != '\0'; text++) {
        n += *text == ' ';
    }

    return n;
}


/* The script with keys and arguments, all separated by single spaces. */
static inline redisReply *
run(const clarity_script_t *script, const char *keys, const char *args)
{
    char text[4096], nkeys[12], *word;
    int argc;
    const char *argv[64];

    argc = 0;
    argv[argc++] = "EVAL";
    argv[argc++] = script->lua;

    snprintf(nkeys, sizeof(nkeys), "%d", count_words(keys));
    argv[argc++] = nkeys;

    snprintf(text, sizeof(text), "%s %s", keys, args);

    for (word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < 64);
        argv[argc++] = word;
    }

    if (last != NULL) {
        freeReplyObject(last);
    }

    last = redisCommandArgv(redis, argc, argv, NULL);
    assert_non_null(last);

    return last;
}


static inline void
assert_integer(const redisReply *reply, long long expected)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }

    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    assert_int_equal(reply->integer, expected);
}


static inline void
assert_error(const redisReply *reply, const char *word)
{
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);

    if (strncmp(reply->str, word, strlen(word)) != 0) {
        fail_msg("\"%s\" does not start with %s", reply->str, word);
    }

    /* As the command gave it: redis.call of Redis 7 adds the script's name. */
    assert_null(strstr(reply->str, " script: "));
}


static inline void
assert_list(const redisReply *reply, const char *expected)
{
    char text[1024];
    size_t i, n;

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }

    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);

    text[0] = '\0';
    n = 0;

    for (i = 0; i < reply->elements; i++) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s",
            i == 0 ? "" : " ", reply->element[i]->str);
    }

    assert_string_equal(text, expected);
}


static inline void
assert_pending(const char *entry, const char *consumer, long long deliveries)
{
    redisReply *reply;

    reply = command("XPENDING " STREAM " " GROUP " %s %s 1", entry, entry);

    if (consumer == NULL) {
        assert_int_equal(reply->elements, 0);
        return;
    }

    assert_int_equal(reply->elements, 1);
    assert_string_equal(reply->element[0]->element[1]->str, consumer);
    assert_int_equal(reply->element[0]->element[3]->integer, deliveries);
}


static inline long long
idle_of(const char *entry)
{
    redisReply *reply;

    reply = command("XPENDING " STREAM " " GROUP " %s %s 1", entry, entry);
    assert_int_equal(reply->elements, 1);

    return reply->element[0]->element[2]->integer;
}


/* Entries 1-0 … N-0, the first `delivered` of them to consumer a. */
static inline void
fill(unsigned entries, unsigned delivered)
{
    unsigned i;

    command("XGROUP CREATE " STREAM " " GROUP " 0 MKSTREAM");

    for (i = 1; i <= entries; i++) {
        command("XADD " STREAM " %u-0 f v", i);
    }

    if (delivered != 0) {
        command("XREADGROUP GROUP " GROUP " a COUNT %u STREAMS " STREAM " >",
            delivered);
        assert_int_equal(last->type, REDIS_REPLY_ARRAY);
    }
}


static inline void
assert_first_entry(const char *id)
{
    command("XRANGE " STREAM " - + COUNT 1");
    assert_int_equal(last->elements, 1);
    assert_string_equal(last->element[0]->element[0]->str, id);
}


static inline int
empty_redis(void **state)
{
    (void) state;

    command("FLUSHALL");

    return 0;
}


/* Nodes of one entry make "~" exact. */
static inline int
start_redis(void **state)
{
    static const char *const options[] = { "--stream-node-max-entries", "1",
        NULL };

    (void) state;

    if (!redis_server_init(&server, false)
        || !redis_server_start(&server, options))
    {
        return -1;
    }

    redis = redisConnectUnix(server.socket);

    return redis != NULL && redis->err == 0 ? 0 : -1;
}


static inline int
stop_redis(void **state)
{
    (void) state;

    if (last != NULL) {
        freeReplyObject(last);
    }

    redisFree(redis);
    redis_server_free(&server);

    return 0;
}

#endif
