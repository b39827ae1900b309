/* INFO's lines. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "redis/info.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const char info[] = "# Server\r\n"
                           "redis_version:7.0.15\r\n"
                           "\r\n"
                           "uptime:5\n"
                           "empty:\r\n"
                           "a_redis_version:1\r\n"
                           "colons:a:b\r\n"
                           "most:18446744073709551615\r\n"
                           "more:18446744073709551616\r\n"
                           "twice:1\r\n"
                           "twice:2\r\n"
                           "last:end";


static void
a_line_is_found_by_its_whole_name(void **state)
{
    size_t i;
    clarity_str_t value;

    static const struct {
        const char *name, *value; /* NULL: not there */
    } cases[] = {
        { "redis_version", "7.0.15" },
        { "uptime", "5" },
        { "empty", "" },
        { "colons", "a:b" },
        { "twice", "1" },
        { "last", "end" },
        { "redis_versio", NULL },
        { "version", NULL },
        { "# Server", NULL },
        { "", NULL },
        { "none", NULL },
    };

    (void) state;

    for (i = 0; i < N(cases); i++) {
        assert_int_equal(
            clarity_redis_info_get(clarity_str(info), cases[i].name, &value),
            cases[i].value != NULL);

        if (cases[i].value != NULL) {
            assert_true(clarity_str_is(value, cases[i].value));
        }
    }

    assert_false(
        clarity_redis_info_get((clarity_str_t){ NULL, 0 }, "a", &value));
    assert_false(clarity_redis_info_get(clarity_lit("a"), "a", &value));
    assert_false(clarity_redis_info_get(clarity_lit("\n\n"), "a", &value));
}


static void
a_number_is_digits_of_64_bits(void **state)
{
    uint64_t number;
    const clarity_str_t text = clarity_str(info);

    (void) state;

    number = 7;
    assert_true(clarity_redis_info_number(text, "uptime", &number));
    assert_int_equal(number, 5);
    assert_true(clarity_redis_info_number(text, "most", &number));
    assert_true(number == UINT64_MAX);

    number = 7;
    assert_false(clarity_redis_info_number(text, "more", &number));
    assert_false(clarity_redis_info_number(text, "empty", &number));
    assert_false(clarity_redis_info_number(text, "redis_version", &number));
    assert_false(clarity_redis_info_number(text, "none", &number));
    assert_int_equal(number, 7);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_by_its_whole_name),
        cmocka_unit_test(a_number_is_digits_of_64_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
