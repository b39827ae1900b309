/* How many jobs are not finished: from replies, and from a real Redis. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "redis/depth.h"
#include "t/unit/redis_server.h"
#include "t/unit/reply.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define NAME(name) "$4\r\nname\r\n$7\r\n" name "\r\n"

static redis_server_t server;
static redisContext *redis;


static void
replies_of_any_shape_are_read(void **state)
{
    size_t i;
    redisReply *reply;
    clarity_depth_t depth;

    static const struct {
        const char *groups, *length, *delayed;
        uint64_t depth;
    } cases[] = {
        { "*1\r\n*6\r\n" NAME(
              "workers") "$7\r\npending\r\n:3\r\n$3\r\nlag\r\n:4\r\n",
            ":100\r\n", ":5\r\n", 12 },
        { "*2\r\n*6\r\n" NAME(
              "another") "$7\r\npending\r\n:30\r\n$3\r\nlag\r\n:40\r\n"
                         "*6\r\n" NAME("workers") "$7\r\npending\r\n:3\r\n"
                                                  "$3\r\nlag\r\n:0\r\n",
            ":100\r\n", ":0\r\n", 3 },
        /* No lag: entries were deleted; or Redis 6. */
        { "*1\r\n*6\r\n" NAME(
              "workers") "$7\r\npending\r\n:3\r\n$3\r\nlag\r\n$-1\r\n",
            ":100\r\n", ":5\r\n", 105 },
        { "*1\r\n*4\r\n" NAME("workers") "$7\r\npending\r\n:3\r\n", ":100\r\n",
            ":5\r\n", 105 },
        { "*0\r\n", ":100\r\n", ":5\r\n", 105 },
        { "-ERR no such key\r\n", ":0\r\n", ":0\r\n", 0 },
        { "-NOPERM no\r\n", "-NOPERM no\r\n", "-NOPERM no\r\n", 0 },
        { ":1\r\n", "$1\r\n5\r\n", "*0\r\n", 0 },
        { "*2\r\n:1\r\n*1\r\n$4\r\nname\r\n", ":7\r\n", ":-1\r\n", 7 },
    };

    (void) state;

    for (i = 0; i < N(cases); i++) {
        memset(&depth, 0, sizeof(depth));

        reply = reply_from(cases[i].groups);
        clarity_depth_reply(&depth, 0, "workers", reply);
        freeReplyObject(reply);
        reply = reply_from(cases[i].length);
        clarity_depth_reply(&depth, 1, "workers", reply);
        freeReplyObject(reply);
        reply = reply_from(cases[i].delayed);
        clarity_depth_reply(&depth, 2, "workers", reply);
        freeReplyObject(reply);

        assert_int_equal(clarity_depth(&depth), cases[i].depth);
    }

    memset(&depth, 0, sizeof(depth));
    clarity_depth_reply(&depth, 0, "workers", NULL);
    clarity_depth_reply(&depth, 1, "workers", NULL);
    clarity_depth_reply(&depth, 2, "workers", NULL);
    assert_int_equal(clarity_depth(&depth), 0);
}


static void
command(const char *text)
{
    redisReply *reply;

    reply = redisCommand(redis, text);
    assert_non_null(reply);

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", text, reply->str);
    }

    freeReplyObject(reply);
}


static void
assert_depth(uint64_t expected)
{
    unsigned i;
    size_t k, argc;
    redisReply *reply;
    clarity_depth_t depth;
    clarity_str_t argv[CLARITY_DEPTH_MAX_ARGS];
    const char *words[CLARITY_DEPTH_MAX_ARGS];
    size_t lengths[CLARITY_DEPTH_MAX_ARGS];

    memset(&depth, 0, sizeof(depth));

    for (i = 0; i < CLARITY_DEPTH_COMMANDS; i++) {
        argc = clarity_depth_command(
            i, clarity_lit("jobs"), clarity_lit("delayed"), argv);

        for (k = 0; k < argc; k++) {
            words[k] = argv[k].data;
            lengths[k] = argv[k].len;
        }

        reply = redisCommandArgv(redis, (int) argc, words, lengths);
        assert_non_null(reply);
        clarity_depth_reply(&depth, i, "workers", reply);
        freeReplyObject(reply);
    }

    assert_int_equal(clarity_depth(&depth), expected);
}


static void
a_real_stream_is_counted(void **state)
{
    (void) state;

    assert_depth(0);

    command("XADD jobs 1-1 a b");
    command("XADD jobs 2-1 a b");
    command("XADD jobs 3-1 a b");
    command("ZADD delayed 1 x");
    assert_depth(4);

    command("XGROUP CREATE jobs workers 0");
    assert_depth(4);

    /* One in hand, two that wait, one put off. */
    command("XREADGROUP GROUP workers w COUNT 1 STREAMS jobs >");
    assert_depth(4);
    command("XACK jobs workers 1-1");
    assert_depth(3);

    command("XREADGROUP GROUP workers w COUNT 9 STREAMS jobs >");
    command("XACK jobs workers 2-1 3-1");
    assert_depth(1);
}


static int
start_redis(void **state)
{
    (void) state;

    if (!redis_server_init(&server, false)
        || !redis_server_start(&server, NULL)) {
        return -1;
    }

    redis = redisConnectUnix(server.socket);

    return redis != NULL && redis->err == 0 ? 0 : -1;
}


static int
stop_redis(void **state)
{
    (void) state;

    redisFree(redis);
    redis_server_free(&server);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_any_shape_are_read),
        cmocka_unit_test(a_real_stream_is_counted),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
