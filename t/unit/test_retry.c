/* When a failed attempt is made again. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/retry.c"


static void
the_longest_wait_doubles_up_to_its_bound(void **state)
{
    size_t i;
    uint64_t ms;
    static const struct {
        clarity_retry_t retry;
        unsigned attempts;
        uint64_t expected; /* with all the luck */
    } cases[] = {
        { { 8, 5000, 3600000, false }, 1, 5000 },
        { { 8, 5000, 3600000, false }, 2, 10000 },
        { { 8, 5000, 3600000, false }, 3, 20000 },
        { { 8, 5000, 3600000, false }, 10, 2560000 },
        { { 8, 5000, 3600000, false }, 11, 3600000 },
        { { 8, 5000, 3600000, false }, 1000, 3600000 },
        { { 8, 5000, 5000, false }, 7, 5000 },
        { { 8, 1, UINT64_MAX, false }, 64, UINT64_C(1) << 63 },
        { { 8, 0, 1000, false }, 100, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ms = clarity_retry_delay(
            &cases[i].retry, cases[i].attempts, 0, UINT32_MAX);
        assert_int_equal(ms, cases[i].expected);
    }
}


static void
the_wait_is_spread_from_nothing_to_the_longest(void **state)
{
    static const clarity_retry_t retry = { 8, 1000, 60000, false };

    (void) state;

    assert_int_equal(clarity_retry_delay(&retry, 3, 0, 0), 0);
    assert_in_range(
        clarity_retry_delay(&retry, 3, 0, UINT32_MAX / 4), 999, 1001);
    assert_in_range(
        clarity_retry_delay(&retry, 3, 0, UINT32_MAX / 2), 1999, 2001);
    assert_int_equal(clarity_retry_delay(&retry, 3, 0, UINT32_MAX), 4000);
}


static void
without_jitter_it_is_the_longest(void **state)
{
    static const clarity_retry_t retry = { 8, 1000, 60000, true };

    (void) state;

    assert_int_equal(clarity_retry_delay(&retry, 1, 0, 0), 1000);
    assert_int_equal(clarity_retry_delay(&retry, 4, 0, 7), 8000);
}


static void
what_the_endpoint_asks_for_is_the_least(void **state)
{
    static const clarity_retry_t retry = { 8, 1000, 60000, false };

    (void) state;

    assert_int_equal(clarity_retry_delay(&retry, 1, 90000, 0), 90000);
    assert_int_equal(clarity_retry_delay(&retry, 1, 90000, UINT32_MAX), 94500);
    assert_int_equal(clarity_retry_delay(&retry, 3, 1000, UINT32_MAX), 4000);
    assert_int_equal(
        clarity_retry_delay(&retry, 1, 1000000000, 0), 24 * 3600 * 1000);
}


static void
retry_after_is_seconds_or_a_date(void **state)
{
    size_t i;
    uint64_t ms;
    static const char date[] = "Wed, 11 Jun 2025 10:30:00 GMT";
    static const struct {
        const char *text;
        const char *date;
        time_t now;
        uint64_t expected;
    } cases[] = {
        { "120", NULL, 0, 120000 },
        { "0", NULL, 0, 0 },
        { "99999999999999999999999", NULL, 0, UINT64_C(31536000000) },
        { "Wed, 11 Jun 2025 10:30:15 GMT", NULL, 1749637800, 15000 },
        { "Wednesday, 11-Jun-25 10:30:15 GMT", NULL, 1749637800, 15000 },
        { "Wed Jun 11 10:30:15 2025", NULL, 1749637800, 15000 },
        { "Wed, 11 Jun 2025 10:30:15 GMT", NULL, 1749637815, 0 },
        { "Wed, 11 Jun 2025 10:30:15 GMT", NULL, 1749637900, 0 },
        /* our clock is an hour late, or early */
        { "Wed, 11 Jun 2025 10:30:15 GMT", date, 1749634200, 15000 },
        { "Wed, 11 Jun 2025 10:30:15 GMT", date, 1749641400, 15000 },
        { "Wed, 11 Jun 2025 10:30:15 GMT", "yes", 1749637800, 15000 },
        { "Fri, 11 Jun 2100 10:30:15 GMT", date, 0, UINT64_C(31536000000) },
        { "", NULL, 0, 0 },
        { "soon", NULL, 0, 0 },
        { "-5", NULL, 1749637800, 0 },
        { "5s", NULL, 1749637800, 0 },
        { "1.5", NULL, 1749637800, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ms = clarity_retry_after(cases[i].text, cases[i].date, cases[i].now);

        if (ms != cases[i].expected) {
            fail_msg("%s is %llu", cases[i].text, (unsigned long long) ms);
        }
    }
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_wait_doubles_up_to_its_bound),
        cmocka_unit_test(without_jitter_it_is_the_longest),
        cmocka_unit_test(what_the_endpoint_asks_for_is_the_least),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(the_wait_is_spread_from_nothing_to_the_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
