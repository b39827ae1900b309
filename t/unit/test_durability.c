/* How safely a Redis keeps things, from what it says of itself. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "redis/durability.h"
#include "t/unit/reply.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define MEMORY   CLARITY_DURABILITY_MEMORY
#define EVERYSEC CLARITY_DURABILITY_EVERYSEC
#define FSYNC    CLARITY_DURABILITY_FSYNC
#define UNKNOWN  CLARITY_DURABILITY_UNKNOWN
#define REPLICAS CLARITY_DURABILITY_REPLICAS

/* Of INFO: a rewrite is under way, or is to come; there is a base. */
typedef enum { QUIET, REWRITING, SCHEDULED } rewrite_t;

static clarity_durability_t durability;
static clarity_error_t error;


static void
tell(unsigned i, const char *bytes)
{
    redisReply *reply;

    reply = reply_from(bytes);
    clarity_durability_reply(&durability, i, reply);
    freeReplyObject(reply);
}


static void
tell_config(const char *appendonly, const char *fsync, const char *on_rewrite)
{
    char bytes[512];

    snprintf(bytes, sizeof(bytes),
        "*8\r\n$11\r\nappendfsync\r\n$%zu\r\n%s\r\n"
        "$25\r\nno-appendfsync-on-rewrite\r\n$%zu\r\n%s\r\n"
        "$14\r\nappendfilename\r\n$3\r\nyes\r\n"
        "$10\r\nappendonly\r\n$%zu\r\n%s\r\n",
        strlen(fsync), fsync, strlen(on_rewrite), on_rewrite,
        strlen(appendonly), appendonly);
    tell(0, bytes);
}


static void
tell_info(rewrite_t rewrite, bool base)
{
    char text[512], bytes[600];

    snprintf(text, sizeof(text),
        "# Persistence\r\nloading:0\r\naof_enabled:1\r\n"
        "aof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:%d\r\n"
        "aof_base_size:%d\r\n",
        rewrite == REWRITING, rewrite == SCHEDULED, base ? 99 : 0);
    snprintf(bytes, sizeof(bytes), "$%zu\r\n%s\r\n", strlen(text), text);
    tell(1, bytes);
}


static bool
judge(clarity_durability_class_t class, bool trust,
    clarity_durability_class_t *gives)
{
    clarity_durability_wanted_t wanted = { class, 2, trust };

    error.text[0] = '\0';

    return clarity_durability_judge(&durability, &wanted, gives, &error);
}


static void
assert_gives(clarity_durability_class_t expected)
{
    clarity_durability_class_t gives, class;

    for (class = MEMORY; class <= FSYNC; class ++) {
        assert_int_equal(judge(class, false, &gives), expected >= class);
        assert_int_equal(gives, expected);

        if (expected < class) {
            assert_non_null(strstr(error.text, "it gives "));
            assert_non_null(
                strstr(error.text, clarity_durability_name(expected)));
        }
    }
}


static void
settings_tell_the_class(void **state)
{
    size_t i;

    static const struct {
        const char *appendonly, *fsync, *on_rewrite;
        clarity_durability_class_t gives;
    } cases[] = {
        { "yes", "always", "no", FSYNC },
        { "yes", "everysec", "no", EVERYSEC },
        { "yes", "no", "no", MEMORY },
        { "yes", "newer", "no", MEMORY },
        { "no", "always", "no", MEMORY },
        { "no", "everysec", "no", MEMORY },
        { "yes", "always", "yes", MEMORY },
        { "yes", "everysec", "yes", MEMORY },
        { "", "", "", MEMORY },
    };

    (void) state;

    for (i = 0; i < N(cases); i++) {
        memset(&durability, 0, sizeof(durability));
        tell_config(cases[i].appendonly, cases[i].fsync, cases[i].on_rewrite);
        tell_info(QUIET, true);
        assert_gives(cases[i].gives);
    }

    memset(&durability, 0, sizeof(durability));
    tell(0, "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
    assert_gives(MEMORY);
}


/* Whatever is barred or strange is not known, and nothing but trust helps. */
static void
what_cannot_be_seen_is_not_met_unless_trusted(void **state)
{
    size_t i;
    clarity_durability_class_t gives;

    static const char *const replies[] = {
        "-NOPERM this user may not\r\n",
        "-ERR unknown command 'CONFIG'\r\n",
        "*0\r\n",
        "$-1\r\n",
        ":1\r\n",
        "*3\r\n:1\r\n*0\r\n$10\r\nappendonly\r\n",
        "*2\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n",
    };

    (void) state;

    for (i = 0; i <= N(replies); i++) {
        memset(&durability, 0, sizeof(durability));

        /* What was known before does not count. */
        tell_config("yes", "always", "no");

        if (i < N(replies)) {
            tell(0, replies[i]);
        } else {
            clarity_durability_reply(&durability, 0, NULL);
        }

        assert_true(judge(MEMORY, false, &gives));
        assert_int_equal(gives, UNKNOWN);

        assert_false(judge(FSYNC, false, &gives));
        assert_int_equal(gives, UNKNOWN);
        assert_non_null(strstr(error.text, "CONFIG GET is barred"));

        assert_true(judge(FSYNC, true, &gives));
        assert_int_equal(gives, FSYNC);
    }

    /* What can be seen is not trusted. */
    tell_config("yes", "everysec", "no");
    tell_info(QUIET, true);
    assert_false(judge(FSYNC, true, &gives));
    assert_int_equal(gives, EVERYSEC);
}


static void
a_file_that_was_switched_on_is_none_before_its_first_rewrite(void **state)
{
    (void) state;

    memset(&durability, 0, sizeof(durability));

    tell_config("no", "always", "no");
    tell_info(QUIET, true);
    assert_gives(MEMORY);

    tell_config("yes", "always", "no");
    tell_info(SCHEDULED, true);
    assert_gives(MEMORY);
    tell_info(REWRITING, true);
    assert_gives(MEMORY);
    tell_info(QUIET, true);
    assert_gives(FSYNC);

    /* A later one. */
    tell_info(REWRITING, true);
    assert_gives(FSYNC);
}


static void
at_first_sight_a_file_without_a_base_may_be_none_yet(void **state)
{
    (void) state;

    memset(&durability, 0, sizeof(durability));
    tell_config("yes", "always", "no");
    tell_info(REWRITING, false);
    assert_gives(MEMORY);
    assert_gives(MEMORY);
    tell_info(QUIET, true);
    assert_gives(FSYNC);

    memset(&durability, 0, sizeof(durability));
    tell_config("yes", "always", "no");
    tell_info(REWRITING, true);
    assert_gives(FSYNC);

    /* It was seen without a rewrite: it is no first one. */
    memset(&durability, 0, sizeof(durability));
    tell_config("yes", "always", "no");
    tell_info(QUIET, false);
    assert_gives(FSYNC);
    tell_info(REWRITING, false);
    assert_gives(FSYNC);
}


/* Settings say what there is at most: a file may not be written yet. */
static void
without_info_a_file_is_not_known(void **state)
{
    clarity_durability_class_t gives;

    (void) state;

    memset(&durability, 0, sizeof(durability));
    tell_config("yes", "always", "no");
    tell(1, "-NOPERM no INFO\r\n");

    assert_true(judge(MEMORY, false, &gives));
    assert_int_equal(gives, UNKNOWN);
    assert_false(judge(EVERYSEC, false, &gives));
    assert_false(judge(FSYNC, false, &gives));
    assert_int_equal(gives, UNKNOWN);
    assert_non_null(strstr(error.text, "INFO is barred"));
    assert_non_null(strstr(error.text, "+info"));
    assert_true(judge(FSYNC, true, &gives));
    assert_int_equal(gives, FSYNC);

    /* What the settings deny is known, and not trusted. */
    tell_config("yes", "everysec", "no");
    assert_false(judge(FSYNC, true, &gives));
    assert_int_equal(gives, EVERYSEC);
    tell_config("no", "always", "no");
    assert_gives(MEMORY);

    /* Seen to be off, then on: what is not seen meanwhile does not write it. */
    tell_config("yes", "always", "no");
    assert_false(judge(FSYNC, false, &gives));
    tell_info(REWRITING, true);
    assert_gives(MEMORY);
    tell_info(QUIET, true);
    assert_gives(FSYNC);

    /* Its first sight is that of INFO. */
    memset(&durability, 0, sizeof(durability));
    tell_config("yes", "always", "no");
    assert_false(judge(FSYNC, false, &gives));
    tell_info(REWRITING, false);
    assert_gives(MEMORY);
}


static void
replicas_in_step_are_counted(void **state)
{
    size_t i;
    clarity_durability_class_t gives;

#define REPLICA "*3\r\n$1\r\nh\r\n$1\r\n1\r\n$1\r\n0\r\n"

    static const struct {
        const char *role, *error; /* NULL: it is enough */
    } cases[] = {
        { "*3\r\n$6\r\nmaster\r\n:7\r\n*2\r\n" REPLICA REPLICA, NULL },
        { "*3\r\n$6\r\nmaster\r\n:7\r\n*1\r\n" REPLICA,
            "it has 1 replicas in step, not 2" },
        { "*3\r\n$6\r\nmaster\r\n:7\r\n*0\r\n",
            "it has 0 replicas in step, not 2" },
        { "-NOPERM no\r\n", "ROLE is barred" },
        { "*3\r\n$5\r\nslave\r\n:7\r\n*0\r\n", "ROLE is barred" },
        { "*3\r\n$6\r\nmaster\r\n:7\r\n:7\r\n", "ROLE is barred" },
    };

    (void) state;

    for (i = 0; i < N(cases); i++) {
        memset(&durability, 0, sizeof(durability));
        tell(2, cases[i].role);

        assert_int_equal(
            judge(REPLICAS, false, &gives), cases[i].error == NULL);
        assert_int_equal(gives, REPLICAS);

        if (cases[i].error != NULL) {
            assert_non_null(strstr(error.text, cases[i].error));
            assert_int_equal(judge(REPLICAS, true, &gives),
                strstr(cases[i].error, "barred") != NULL);
        }
    }
}


static void
the_commands_are_those_that_the_replies_are_of(void **state)
{
    unsigned i;
    size_t k, argc;
    clarity_str_t argv[CLARITY_DURABILITY_MAX_ARGS];

    static const char *const words[CLARITY_DURABILITY_COMMANDS][4] = {
        { "CONFIG", "GET", "*append*", NULL },
        { "INFO", "persistence", NULL, NULL },
        { "ROLE", NULL, NULL, NULL },
    };

    (void) state;

    for (i = 0; i < CLARITY_DURABILITY_COMMANDS; i++) {
        argc = clarity_durability_command(i, argv);

        for (k = 0; k < argc; k++) {
            assert_true(clarity_str_is(argv[k], words[i][k]));
        }

        assert_null(words[i][argc]);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_tell_the_class),
        cmocka_unit_test(what_cannot_be_seen_is_not_met_unless_trusted),
        cmocka_unit_test(
            a_file_that_was_switched_on_is_none_before_its_first_rewrite),
        cmocka_unit_test(at_first_sight_a_file_without_a_base_may_be_none_yet),
        cmocka_unit_test(without_info_a_file_is_not_known),
        cmocka_unit_test(replicas_in_step_are_counted),
        cmocka_unit_test(the_commands_are_those_that_the_replies_are_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
