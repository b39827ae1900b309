/* Is a Redis fit to keep jobs? */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "redis/audit.h"

#define GOOD                                                                  \
    "# Server\r\nredis_version:7.0.15\r\n\r\n# "                              \
    "Replication\r\nrole:master\r\n"                                          \
    "maxmemory_policy:noeviction\r\naof_enabled:1\r\n"


/* config NULL: Redis bars us from asking; finding NULL: none. */
static void
check(const char *text, const char *appendfsync, const char *finding,
    bool unusable)
{
    clarity_redis_audit_t audit;
    redisReply name = {
        .type = REDIS_REPLY_STRING, .str = "appendfsync", .len = 11
    };
    redisReply value = { .type = REDIS_REPLY_STRING };
    redisReply error = {
        .type = REDIS_REPLY_ERROR, .str = "NOPERM", .len = 6
    };
    redisReply *elements[] = { &name, &value };
    redisReply list = {
        .type = REDIS_REPLY_ARRAY, .elements = 2, .element = elements
    };
    redisReply info = {
        .type = REDIS_REPLY_STRING, .str = (char *) text, .len = strlen(text)
    };

    if (appendfsync != NULL) {
        value.str = (char *) appendfsync;
        value.len = strlen(appendfsync);
    }

    clarity_redis_audit(&audit, &info, appendfsync != NULL ? &list : &error);

    assert_int_equal(audit.n, finding != NULL);
    assert_int_equal(audit.unusable, unusable);

    if (finding != NULL) {
        assert_string_equal(audit.findings[0].text, finding);
    }
}


static void
each_fault_has_its_finding(void **state)
{
    clarity_redis_audit_t audit;

    (void) state;

    check(GOOD, "always", NULL, false);
    check(GOOD, "everysec", NULL, false);
    check(GOOD, NULL, NULL, false);
    check("", NULL, NULL, false);
    check(GOOD, "no",
        "Redis' appendfsync is no, expected always, or everysec: when its "
        "machine ends, jobs of many seconds are lost",
        false);
    check("redis_version:6.2.0\r\nrole:master\r\naof_enabled:0\r\n", "no",
        "Redis' appendonly is no, expected yes: jobs that were answered 202 "
        "are lost when it ends",
        false);
    check("loading:0\r\naof_enabled:0\r\n", "always",
        "Redis' appendonly is no, expected yes: jobs that were answered 202 "
        "are lost when it ends",
        false);

    /* One that reads its file does not write it. */
    check("loading:1\r\naof_enabled:0\r\n", "always", NULL, false);
    check("loading:1\r\naof_enabled:0\r\n", NULL, NULL, false);
    check("loading:1\r\naof_enabled:0\r\n", "no",
        "Redis' appendfsync is no, expected always, or everysec: when its "
        "machine ends, jobs of many seconds are lost",
        false);

    check("redis_version:6.0.16\nrole:master\n", "always",
        "Redis is 6.0.16, expected 6.2 or later", true);
    check("redis_version:5.0\n", "always",
        "Redis is 5.0, expected 6.2 or later", true);
    check("redis_version:10.1.0\n", "always", NULL, false);
    check("redis_version:7.0.15\nrole:slave\n", "always",
        "Redis is a replica, expected the primary: it takes no writes", true);
    check("maxmemory_policy:allkeys-lru\r\n", "always",
        "Redis' maxmemory-policy is allkeys-lru, expected noeviction: it may "
        "drop jobs when its memory is full",
        false);
    check("x_maxmemory_policy:allkeys-lru\r\nmaxmemory_policyx:1", "always",
        NULL, false);

    clarity_redis_audit(&audit, NULL, NULL);
    assert_int_equal(audit.n, 0);
}


static void
that_info_is_refused_is_the_one_finding(void **state)
{
    size_t i;
    clarity_redis_audit_t audit;
    redisReply info = { .type = REDIS_REPLY_ERROR };

    static const struct {
        const char *reply, *finding;
    } cases[] = {
        { "NOPERM this user has no permissions to run the 'info' command",
            "Redis bars INFO from this user, expected the right to it (+info):"
            " its version, its role and whether it keeps jobs cannot be "
            "seen" },
        { "BUSY Redis is busy running a script",
            "Redis refused INFO (BUSY): a script blocks Redis: SCRIPT KILL"
            " ends it" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        info.str = (char *) cases[i].reply;
        info.len = strlen(cases[i].reply);

        clarity_redis_audit(&audit, &info, NULL);
        assert_int_equal(audit.n, 1);
        assert_false(audit.unusable);
        assert_string_equal(audit.findings[0].text, cases[i].finding);
    }
}


/* What INFO cannot tell meanwhile the configuration does. */
static void
a_file_that_is_off_is_found_while_redis_reads(void **state)
{
    clarity_redis_audit_t audit;
    redisReply name = {
        .type = REDIS_REPLY_STRING, .str = "appendonly", .len = 10
    };
    redisReply no = { .type = REDIS_REPLY_STRING, .str = "no", .len = 2 };
    redisReply *elements[] = { &name, &no };
    redisReply config = {
        .type = REDIS_REPLY_ARRAY, .elements = 2, .element = elements
    };
    redisReply info = { .type = REDIS_REPLY_STRING,
        .str = "loading:1\r\naof_enabled:0\r\n",
        .len = 26 };

    (void) state;

    clarity_redis_audit(&audit, &info, &config);
    assert_int_equal(audit.n, 1);
    assert_non_null(strstr(audit.findings[0].text, "appendonly is no"));
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_finding),
        cmocka_unit_test(that_info_is_refused_is_the_one_finding),
        cmocka_unit_test(a_file_that_is_off_is_found_while_redis_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
