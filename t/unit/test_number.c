#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "json/number.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HUGE "999999999999999999999999999999"


static int
sign(int n)
{
    return (n > 0) - (n < 0);
}


static void
assert_compare(const char *a, const char *b, int expected)
{
    int there, back;

    there = sign(clarity_number_compare(clarity_str(a), clarity_str(b)));
    back = sign(clarity_number_compare(clarity_str(b), clarity_str(a)));

    if (there != expected || back != -expected) {
        fail_msg("%s and %s: %d and %d, not %d", a, b, there, back, expected);
    }
}


static void
numbers_compare_by_value_however_written(void **state)
{
    size_t i;
    static const struct {
        const char *a;
        const char *b;
        int expected;
    } cases[] = {
        { "1", "1", 0 },
        { "1", "1.0", 0 },
        { "1", "10e-1", 0 },
        { "1000", "1e3", 0 },
        { "1000", "1E+3", 0 },
        { "0.001", "1e-3", 0 },
        { "120", "1.2e2", 0 },
        { "0.0120", "12e-3", 0 },
        { "100.50", "100.5", 0 },
        { "1e007", "10000000", 0 },
        { "0", "-0", 0 },
        { "0", "-0.00e99", 0 },
        { "0e" HUGE, "0", 0 },
        { "0", "1e-" HUGE, -1 },
        { "0", "-1e-" HUGE, 1 },
        { "-1", "1", -1 },
        { "-2", "-1", -1 },
        { "-1e2", "-1e1", -1 },
        { "9", "10", -1 },
        { "1.1", "1.09", 1 },
        { "0.1", "0.09", 1 },
        { "0.1", "0.10000000000000000000000000000000000001", -1 },
        { "9007199254740993", "9007199254740992", 1 },
        { "123456789012345678901234567890", "123456789012345678901234567891",
            -1 },
        { "1e" HUGE, "1e1" HUGE, -1 },
        { "1e" HUGE, "10e" HUGE, -1 },
        { "1e-" HUGE, "1e" HUGE, -1 },
        { "-1e-" HUGE, "-1e" HUGE, 1 },
        { "2e" HUGE, "1e" HUGE, 1 },
        { "1e" HUGE "8", "0.1e" HUGE "9", 0 },
        { "1e" HUGE "7", "0.1e" HUGE "9", -1 },
        { "1e1000000000000000000000", "1e999999999999999999999", 1 },
        { "1e1000000000000000000000", "10e999999999999999999999", 0 },
        { "1e-1000000000000000000000", "1e-999999999999999999999", -1 },
        { "1e-1000000000000000000000", "0.1e-999999999999999999999", 0 },
        { "1e0000000000000000000000000000001", "10", 0 },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_compare(cases[i].a, cases[i].b, cases[i].expected);
    }
}


/* mantissa * 10^exponent, times 10^4 so that it is an integer */
static __int128
scaled(int mantissa, int exponent)
{
    __int128 n;

    n = mantissa;
    for (exponent += 4; exponent > 0; exponent--) {
        n *= 10;
    }

    return n;
}


static void
small_numbers_compare_as_integers_do(void **state)
{
    int i, j, k, l;
    char a[32], b[32];
    __int128 x, y;
    static const int mantissas[] = { -999, -100, -12, -1, 0, 1, 9, 10, 11, 99,
        100, 101, 110, 999 };

    (void) state;

    for (i = 0; i < (int) COUNT(mantissas); i++) {
        for (j = -4; j <= 4; j++) {
            for (k = 0; k < (int) COUNT(mantissas); k++) {
                for (l = -4; l <= 4; l++) {
                    x = scaled(mantissas[i], j);
                    y = scaled(mantissas[k], l);
                    snprintf(a, sizeof(a), "%de%d", mantissas[i], j);
                    snprintf(b, sizeof(b), "%s%d.%02dE%+03d",
                        mantissas[k] < 0 ? "-" : "", abs(mantissas[k]) / 100,
                        abs(mantissas[k]) % 100, l + 2);
                    assert_compare(a, b, (x > y) - (x < y));
                }
            }
        }
    }
}


static void
an_integer_is_one_by_value(void **state)
{
    size_t i;
    static const struct {
        const char *number;
        bool integer;
    } cases[] = {
        { "0", true },
        { "-0", true },
        { "0.000", true },
        { "0e-5", true },
        { "0.0e" HUGE, true },
        { "1", true },
        { "-12", true },
        { "1.0", true },
        { "1e3", true },
        { "1.5e1", true },
        { "1.50e1", true },
        { "100e-2", true },
        { "10e-1", true },
        { "1e" HUGE, true },
        { "1.25e" HUGE, true },
        { "18446744073709551616", true },
        { "1.5", false },
        { "0.1", false },
        { "1e-1", false },
        { "100e-3", false },
        { "1.25e1", false },
        { "0.05e1", false },
        { "1e-" HUGE, false },
        { "18446744073709551616.5", false },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        if (clarity_number_is_integer(clarity_str(cases[i].number))
            != cases[i].integer)
        {
            fail_msg("%s", cases[i].number);
        }
    }
}


static void
a_size_is_an_integer_within_bounds(void **state)
{
    size_t i, value;
    static const struct {
        const char *number;
        size_t max;
        bool fits;
        size_t value;
    } cases[] = {
        { "0", 0, true, 0 },
        { "-0", 0, true, 0 },
        { "7", 7, true, 7 },
        { "8", 7, false, 0 },
        { "70", 70, true, 70 },
        { "71", 70, false, 0 },
        { "1e3", 5000, true, 1000 },
        { "1.5e1", 100, true, 15 },
        { "1000e-2", 100, true, 10 },
        { "2.0", 2, true, 2 },
        { "-1", 100, false, 0 },
        { "0.5", 100, false, 0 },
        { "1.5", 100, false, 0 },
        { "1e-1", 100, false, 0 },
        { "18446744073709551615", SIZE_MAX, true, SIZE_MAX },
        { "18446744073709551616", SIZE_MAX, false, 0 },
        { "99999999999999999999", SIZE_MAX, false, 0 },
        { "1e20", SIZE_MAX, false, 0 },
        { "1e" HUGE, SIZE_MAX, false, 0 },
        { "0e" HUGE, SIZE_MAX, true, 0 },
        { "1e-" HUGE, SIZE_MAX, false, 0 },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        value = 99;
        if (clarity_number_to_size(
                clarity_str(cases[i].number), cases[i].max, &value)
                != cases[i].fits
            || value != cases[i].value)
        {
            fail_msg(
                "%s up to %zu: %zu", cases[i].number, cases[i].max, value);
        }
    }
}


static void
ten_megabytes_of_digits_compare_exactly(void **state)
{
    char *a, *b;
    size_t value;
    const size_t n = 10 * 1024 * 1024;

    (void) state;

    a = malloc(n);
    b = malloc(n);
    assert_non_null(a);
    assert_non_null(b);

    memset(a, '3', n);
    memset(b, '3', n);
    b[n - 1] = '4';

    assert_true(clarity_number_is_integer((clarity_str_t){ a, n }));
    assert_false(
        clarity_number_to_size((clarity_str_t){ a, n }, SIZE_MAX, &value));
    assert_true(clarity_number_compare(
                    (clarity_str_t){ a, n }, (clarity_str_t){ b, n })
                < 0);
    assert_true(clarity_number_compare(
                    (clarity_str_t){ a, n }, (clarity_str_t){ b, n - 1 })
                > 0);

    memcpy(a, "1e", 2);
    memcpy(b, "1e", 2);
    assert_true(clarity_number_compare(
                    (clarity_str_t){ a, n }, (clarity_str_t){ b, n })
                < 0);

    free(a);
    free(b);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_by_value_however_written),
        cmocka_unit_test(small_numbers_compare_as_integers_do),
        cmocka_unit_test(an_integer_is_one_by_value),
        cmocka_unit_test(a_size_is_an_integer_within_bounds),
        cmocka_unit_test(ten_megabytes_of_digits_compare_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
