/* What is a traceparent, and what of it goes on. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/traceparent.h"

#define TRACE    "0af7651916cd43dd8448eb211c80319c"
#define PARENT   "b7ad6b7169203331"
#define N(table) (sizeof(table) / sizeof((table)[0]))


static void
a_good_one_goes_on_as_it_is(void **state)
{
    size_t i;
    clarity_str_t value, got;
    char made[CLARITY_TRACEPARENT];

    static const char *const good[] = {
        "00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-00",
        "00-" TRACE "-" PARENT "-ff",
        "00-00000000000000000000000000000001-" PARENT "-01",
        "00-" TRACE "-1000000000000000-01",
    };

    (void) state;

    for (i = 0; i < N(good); i++) {
        value = clarity_str(good[i]);
        got = clarity_traceparent(value, made);
        assert_ptr_equal(got.data, value.data);
        assert_int_equal(got.len, value.len);
    }
}


static void
of_a_later_version_what_ours_knows_goes_on(void **state)
{
    size_t i;
    clarity_str_t got;
    char made[CLARITY_TRACEPARENT];

    static const struct {
        const char *value, *passed_on;
    } later[] = {
        { "01-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01" },
        { "01-" TRACE "-" PARENT "-00", "00-" TRACE "-" PARENT "-00" },
        { "cc-" TRACE "-" PARENT "-ff", "00-" TRACE "-" PARENT "-01" },
        { "fe-" TRACE "-" PARENT "-9e", "00-" TRACE "-" PARENT "-00" },
        { "cc-" TRACE "-" PARENT "-01-", "00-" TRACE "-" PARENT "-01" },
        { "cc-" TRACE "-" PARENT "-03-X y", "00-" TRACE "-" PARENT "-01" },
    };

    (void) state;

    for (i = 0; i < N(later); i++) {
        got = clarity_traceparent(clarity_str(later[i].value), made);
        assert_true(clarity_str_is(got, later[i].passed_on));
    }
}


static void
what_is_none_does_not_go_on(void **state)
{
    size_t i, len;
    char made[CLARITY_TRACEPARENT];

    static const char *const bad[] = {
        "ff-" TRACE "-" PARENT "-01",
        "ff-" TRACE "-" PARENT "-01-x",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "cc-00000000000000000000000000000000-" PARENT "-01",
        "cc-" TRACE "-0000000000000000-01",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01-x",
        "00-" TRACE "-" PARENT "-011",
        "cc-" TRACE "-" PARENT "-01x",
        "00-0AF7651916cd43dd8448eb211c80319c-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        " 00-" TRACE "-" PARENT "-01",
        "00-" PARENT "-" TRACE "-01",
    };

    (void) state;

    for (i = 0; i < N(bad); i++) {
        assert_int_equal(
            clarity_traceparent(clarity_str(bad[i]), made).len, 0);
    }

    for (len = 0; len < CLARITY_TRACEPARENT; len++) {
        assert_int_equal(
            clarity_traceparent(
                (clarity_str_t){ "00-" TRACE "-" PARENT "-01", len }, made)
                .len,
            0);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_goes_on_as_it_is),
        cmocka_unit_test(of_a_later_version_what_ours_knows_goes_on),
        cmocka_unit_test(what_is_none_does_not_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
