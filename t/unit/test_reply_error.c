/* Error replies are known by their first word, some by more. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "redis/reply_error.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* As Redis 7.0 writes them. */
static const struct {
    const char *message;
    clarity_redis_error_code_t code;
    const char *prefix;
    bool reconnect;
} cases[] = {
    { "OOM command not allowed when used memory > 'maxmemory'.",
        CLARITY_REDIS_ERR_OOM, "OOM", false },
    { "MISCONF Redis is configured to save RDB snapshots, but it's currently"
      " unable to persist to disk.",
        CLARITY_REDIS_ERR_MISCONF, "MISCONF", false },
    { "READONLY You can't write against a read only replica.",
        CLARITY_REDIS_ERR_READONLY, "READONLY", true },
    { "LOADING Redis is loading the dataset in memory",
        CLARITY_REDIS_ERR_LOADING, "LOADING", true },
    { "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is"
      " set to 'no'.",
        CLARITY_REDIS_ERR_MASTERDOWN, "MASTERDOWN", true },
    { "NOREPLICAS Not enough good replicas to write.",
        CLARITY_REDIS_ERR_NOREPLICAS, "NOREPLICAS", false },
    { "CLUSTERDOWN The cluster is down", CLARITY_REDIS_ERR_CLUSTERDOWN,
        "CLUSTERDOWN", false },
    { "TRYAGAIN Multiple keys request during rehashing of slot",
        CLARITY_REDIS_ERR_TRYAGAIN, "TRYAGAIN", false },
    { "MOVED 3999 127.0.0.1:6381", CLARITY_REDIS_ERR_MOVED, "MOVED", false },
    { "ASK 3999 127.0.0.1:6381", CLARITY_REDIS_ERR_ASK, "ASK", false },
    { "BUSY Redis is busy running a script. You can only call SCRIPT KILL or"
      " SHUTDOWN NOSAVE.",
        CLARITY_REDIS_ERR_BUSY, "BUSY", false },
    { "NOAUTH Authentication required.", CLARITY_REDIS_ERR_NOAUTH, "NOAUTH",
        true },
    { "WRONGPASS invalid username-password pair or user is disabled.",
        CLARITY_REDIS_ERR_WRONGPASS, "WRONGPASS", false },
    { "NOPERM this user has no permissions to run the 'xadd' command",
        CLARITY_REDIS_ERR_NOPERM, "NOPERM", false },
    { "NOSCRIPT No matching script. Please use EVAL.",
        CLARITY_REDIS_ERR_NOSCRIPT, "NOSCRIPT", false },
    { "NOGROUP No such key 's' or consumer group 'g'",
        CLARITY_REDIS_ERR_NOGROUP, "NOGROUP", false },
    { "BUSYGROUP Consumer Group name already exists",
        CLARITY_REDIS_ERR_BUSYGROUP, "BUSYGROUP", false },
    { "UNBLOCKED force unblock from blocking operation, instance state"
      " changed (master -> replica?)",
        CLARITY_REDIS_ERR_UNBLOCKED, "UNBLOCKED", true },
    { "EXECABORT Transaction discarded because of previous errors.",
        CLARITY_REDIS_ERR_EXECABORT, "EXECABORT", false },
    { "WRONGTYPE Operation against a key holding the wrong kind of value",
        CLARITY_REDIS_ERR_WRONGTYPE, "WRONGTYPE", false },
    { "DENIED Redis is running in protected mode because protected mode is"
      " enabled and no password is set for the default user.",
        CLARITY_REDIS_ERR_DENIED, "DENIED", true },
    { "ERR max number of clients reached", CLARITY_REDIS_ERR_MAXCLIENTS, "ERR",
        true },
    { "ERR max number of clients + cluster connections reached",
        CLARITY_REDIS_ERR_MAXCLIENTS, "ERR", true },
    { "ERR max number of client", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "ERR The user executing the script can't run this command or subcommand"
      " script: 25d6, on @user_script:1.",
        CLARITY_REDIS_ERR_NOPERM, "NOPERM", false },
    { "HALFSTORED NOPERM this user has no permissions to run 'set'",
        CLARITY_REDIS_ERR_HALFSTORED, "HALFSTORED", false },
    { "FOREIGN idempotency key", CLARITY_REDIS_ERR_FOREIGN, "FOREIGN", false },
    { "ERR unknown command 'x'", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { " OOM", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "OOM", CLARITY_REDIS_ERR_OOM, "OOM", false },
    { "OO", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "OOMX y", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "oom y", CLARITY_REDIS_ERR_OTHER, "ERR", false },
    { "s3cret word", CLARITY_REDIS_ERR_OTHER, "ERR", false },
};


static void
the_first_word_tells_the_error(void **state)
{
    size_t i, len;
    char *exact;
    const clarity_redis_error_info_t *info;

    (void) state;

    for (i = 0; i < N(cases); i++) {
        len = strlen(cases[i].message);
        exact = malloc(len == 0 ? 1 : len);
        assert_non_null(exact);
        memcpy(exact, cases[i].message, len);

        info = clarity_redis_error_info((clarity_str_t){ exact, len });
        free(exact);

        assert_non_null(info);
        assert_int_equal(info->code, cases[i].code);
        assert_string_equal(info->prefix, cases[i].prefix);
        assert_int_equal(info->reconnect, cases[i].reconnect);

        /* Whatever is refused is not done, but for a script of ours. */
        assert_int_equal(info->fate,
            info->code == CLARITY_REDIS_ERR_OOM ? CLARITY_REDIS_NO_ROOM
            : info->code == CLARITY_REDIS_ERR_HALFSTORED
                ? CLARITY_REDIS_HALF_DONE
                : CLARITY_REDIS_NOT_DONE);
        assert_true(strlen(info->meaning) > 10);
    }

    info = clarity_redis_error_info((clarity_str_t){ NULL, 0 });
    assert_int_equal(info->code, CLARITY_REDIS_ERR_OTHER);
}


/* What ERR is said of can be acted on too, where it is known. */
static void
the_text_tells_more_of_some(void **state)
{
    size_t i;
    const char *meaning;

    static const struct {
        const char *message, *told;
    } texts[] = {
        { "ERR max number of clients reached", "maxclients" },
        { "ERR Protocol error: invalid bulk length", "proto-max-bulk-len" },
        { "ERR unknown command 'XADD', with args beginning with: 'secret'",
            "does not know the command" },
        { "ERR unknown", "refused the command" },
    };

    (void) state;

    for (i = 0; i < N(texts); i++) {
        meaning =
            clarity_redis_error_info(clarity_str(texts[i].message))->meaning;
        assert_non_null(strstr(meaning, texts[i].told));
        assert_null(strstr(meaning, "secret"));
    }
}


/* What is refused is named; nothing else of a message gets into a log. */
static void
a_message_tells_the_command(void **state)
{
    size_t i;
    char where[CLARITY_REDIS_WHERE_MAX];

    static const struct {
        const char *message, *where;
    } texts[] = {
        { "NOPERM this user has no permissions to run the 'xadd' command",
            "xadd" },
        { "NOPERM User u has no permissions to run the 'config|get' command",
            "config|get" },
        { "ERR The user executing the script can't run this command or"
          " subcommand [GET]",
            "GET of a script" },
        { "HALFSTORED ERR no [SET]", "SET of a script" },
        { "OOM command not allowed when used memory > 'maxmemory'. script:"
          " c555c666e2052c750aa12c33ab31d34cc07b7f40, on @user_script:12.",
            "line 12 of a script" },
        { "OOM command not allowed when used memory > 'maxmemory'.", "" },
        { "NOPERM run the 'secret 1' command", "" },
        { "NOPERM run the '' command", "" },
        { "NOPERM run the 'secret", "" },
        { "NOPERM run the 'aaaaaaaaaabbbbbbbbbbccccccccccddd' x", "" },
        { "ERR x [secret] y", "" },
        { "ERR x [s3cret]", "" },
        { "ERR x []", "" },
        { "ERR x [", "" },
        { "ERR x [GET", "" },
        { "ERR on @user_script:secret", "" },
        { "ERR on @user_script:12345678", "line 123456 of a script" },
        { "", "" },
    };

    (void) state;

    for (i = 0; i < N(texts); i++) {
        clarity_redis_error_where(clarity_str(texts[i].message), where);
        assert_string_equal(where, texts[i].where);
    }

    clarity_redis_error_where((clarity_str_t){ NULL, 0 }, where);
    assert_string_equal(where, "");
}


static void
each_code_has_its_own_line(void **state)
{
    size_t i;
    unsigned code, seen;

    (void) state;

    for (code = 0; code <= CLARITY_REDIS_ERR_OTHER; code++) {
        seen = 0;

        for (i = 0; i < N(cases); i++) {
            if (clarity_redis_error_info(clarity_str(cases[i].message))->code
                == code) {
                seen++;
            }
        }

        assert_true(seen != 0);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_tells_the_error),
        cmocka_unit_test(the_text_tells_more_of_some),
        cmocka_unit_test(a_message_tells_the_command),
        cmocka_unit_test(each_code_has_its_own_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
