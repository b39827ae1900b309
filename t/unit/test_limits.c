/* How large a value may be, from what CONFIG GET says. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "redis/limits.h"
#include "t/unit/reply.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define VALUE(n)  "*2\r\n$18\r\nproto-max-bulk-len\r\n" n
#define BUFFER(n) "*2\r\n$25\r\nclient-query-buffer-limit\r\n" n

static clarity_redis_limits_t limits;


static void
tell(unsigned i, const char *bytes)
{
    redisReply *reply;

    reply = reply_from(bytes);
    clarity_redis_limits_reply(&limits, i, reply);
    freeReplyObject(reply);
}


static void
assert_refused(size_t len, const char *by, uint64_t at)
{
    uint64_t limit;
    const char *setting;

    limit = 0;
    setting = clarity_redis_limits_refuse(&limits, len, &limit);

    assert_non_null(setting);
    assert_string_equal(setting, by);
    assert_int_equal(limit, at);
}


static void
assert_taken(size_t len)
{
    uint64_t limit;

    assert_null(clarity_redis_limits_refuse(&limits, len, &limit));
}


static void
a_value_is_held_against_both_settings(void **state)
{
    (void) state;

    clarity_redis_limits_init(&limits);
    assert_taken(CLARITY_REDIS_MAX_VALUE);
    assert_refused(CLARITY_REDIS_MAX_VALUE + 1, "proto-max-bulk-len",
        CLARITY_REDIS_MAX_VALUE);

    tell(0, VALUE("$7\r\n2000000\r\n"));
    tell(1, BUFFER("$8\r\n10000000\r\n"));
    assert_taken(0);
    assert_taken(2000000);
    assert_refused(2000001, "proto-max-bulk-len", 2000000);

    tell(1, BUFFER("$7\r\n1500000\r\n"));
    assert_taken(1400000);
    assert_refused(1499999, "client-query-buffer-limit", 1500000);
    assert_refused(SIZE_MAX, "proto-max-bulk-len", 2000000);

    tell(0, VALUE("$9\r\n536870912\r\n"));
    tell(1, BUFFER("$10\r\n1073741824\r\n"));
    assert_taken(CLARITY_REDIS_MAX_VALUE);
}


static void
what_is_barred_or_strange_is_redis_default(void **state)
{
    size_t i;

    static const char *const replies[] = {
        "-NOPERM this user may not\r\n",
        "*0\r\n",
        "$-1\r\n",
        ":1\r\n",
        VALUE("$1\r\n0\r\n"),
        VALUE("$0\r\n\r\n"),
        VALUE("$2\r\n-1\r\n"),
        VALUE("$3\r\n1mb\r\n"),
        VALUE(":5\r\n"),
        VALUE("$20\r\n18446744073709551616\r\n"),
        "*1\r\n$7\r\n2000000\r\n",
    };

    (void) state;

    for (i = 0; i <= N(replies); i++) {
        tell(0, VALUE("$7\r\n2000000\r\n"));
        tell(1, BUFFER("$7\r\n2000000\r\n"));

        if (i < N(replies)) {
            tell(0, replies[i]);
            tell(1, replies[i]);
        } else {
            clarity_redis_limits_reply(&limits, 0, NULL);
            clarity_redis_limits_reply(&limits, 1, NULL);
        }

        assert_int_equal(limits.value, CLARITY_REDIS_MAX_VALUE);
        assert_int_equal(limits.buffer, CLARITY_REDIS_MAX_BUFFER);
    }
}


static void
the_commands_are_those_that_the_replies_are_of(void **state)
{
    unsigned i;
    clarity_str_t argv[CLARITY_REDIS_LIMITS_MAX_ARGS];

    static const char *const names[] = { "proto-max-bulk-len",
        "client-query-buffer-limit" };

    (void) state;

    for (i = 0; i < CLARITY_REDIS_LIMITS_COMMANDS; i++) {
        assert_int_equal(clarity_redis_limits_command(i, argv), 3);
        assert_true(clarity_str_is(argv[0], "CONFIG"));
        assert_true(clarity_str_is(argv[1], "GET"));
        assert_true(clarity_str_is(argv[2], names[i]));
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_held_against_both_settings),
        cmocka_unit_test(what_is_barred_or_strange_is_redis_default),
        cmocka_unit_test(the_commands_are_those_that_the_replies_are_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
