/* What all parts that share a prefix agree on. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "job/meta.h"


static void
the_commands_write_what_is_missing_and_read_all(void **state)
{
    unsigned i;
    size_t k, n, argc;
    char number[12], text[256];
    clarity_str_t argv[CLARITY_META_MAX_ARGS];

    static const char *const expected[CLARITY_META_COMMANDS] = {
        "HSETNX {c}:meta format 1",
        "HSETNX {c}:meta shards 4294967295",
        "HMGET {c}:meta format shards",
    };

    (void) state;

    for (i = 0; i < CLARITY_META_COMMANDS; i++) {
        argc = clarity_meta_command(
            i, clarity_lit("{c}:meta"), UINT32_MAX, number, argv);
        assert_in_range(argc, 1, CLARITY_META_MAX_ARGS);

        for (k = 0, n = 0; k < argc; k++) {
            n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%.*s",
                k == 0 ? "" : " ", clarity_fmt(argv[k]));
        }

        assert_string_equal(text, expected[i]);
    }
}


static void
equal_values_agree(void **state)
{
    clarity_error_t error;

    (void) state;

    assert_true(
        clarity_meta_agrees(clarity_lit("1"), clarity_lit("1"), 1, &error));
    assert_true(clarity_meta_agrees(
        clarity_lit("1"), clarity_lit("256"), 256, &error));
}


static void
a_difference_names_both_values(void **state)
{
    size_t i;
    char *big;
    clarity_error_t error;
    const size_t size = 10 * 1024 * 1024;

    static const struct {
        const char *format, *shards;
        unsigned own;
        const char *said;
    } cases[] = {
        { "2", "1", 1,
            "\"format\" in the meta hash in Redis is 2, here it is"
            " 1: use the version that wrote it" },
        { "1", "4", 1,
            "\"shards\" in the meta hash in Redis is 4, here it is"
            " 1: set the same number of shards everywhere" },
        { "1", "1", 16, "is 1, here it is 16" },
        { "1", "01", 1, "is 01, here it is 1" },
        { "1", "12", 1, "is 12, here it is 1" },
        { "1", "1", 12, "is 1, here it is 12" },
        { "1", "18446744073709551617", 1, "is 18446744073709551617, here" },
        { "", "1", 1, "has no \"format\", expected 1" },
        { "1", "", 3, "has no \"shards\", expected 3" },
        { "", "", 3, "has no \"format\"" },
        { "1", "x", 1,
            "\"shards\" in the meta hash in Redis is not a number,"
            " expected 1" },
        { "1", "1\n", 1, "is not a number" },
        { "1", "+1", 1, "is not a number" },
        { "1", "111111111111111111111", 1, "is not a number" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(clarity_meta_agrees(clarity_str(cases[i].format),
            clarity_str(cases[i].shards), cases[i].own, &error));

        if (strstr(error.text, cases[i].said) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].said);
        }
    }

    assert_false(clarity_meta_agrees(
        clarity_lit("1"), (clarity_str_t){ NULL, 0 }, 1, &error));
    assert_false(
        clarity_meta_agrees(clarity_lit("1\0"), clarity_lit("1"), 1, &error));

    big = malloc(size);
    assert_non_null(big);
    memset(big, '1', size);
    assert_false(clarity_meta_agrees(
        clarity_lit("1"), (clarity_str_t){ big, size }, 1, &error));
    free(big);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commands_write_what_is_missing_and_read_all),
        cmocka_unit_test(equal_values_agree),
        cmocka_unit_test(a_difference_names_both_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
