/* What can be the endpoint of a webhook. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/endpoint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BYTES "holds a byte that is no letter, no digit and none of . _ ~ - /"


static void
an_endpoint_is_taken(void **state)
{
    size_t i;
    char longest[CLARITY_ENDPOINT_MAX];
    static const char *const good[] = { "a", "-", "~", "_", "0",
        "custom-provision-entitlement", "service-now/provision-entitlement",
        "a/b/c/d/e/f/g/h", "...", ".a", "a.", "..a", "a..", "a/.../b", ".a./b",
        "v1.2_x~y-z" };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        if (clarity_endpoint_refused(clarity_str(good[i])) != NULL) {
            fail_msg("%s %s", good[i],
                clarity_endpoint_refused(clarity_str(good[i])));
        }
    }

    for (i = 0; i < sizeof(longest); i++) {
        longest[i] = i % 2 == 0 ? 'a' : '/';
    }

    longest[sizeof(longest) - 1] = 'a';
    assert_null(
        clarity_endpoint_refused((clarity_str_t){ longest, sizeof(longest) }));
}


static void
others_are_refused_with_the_reason(void **state)
{
    size_t i;
    const char *reason;
    static const struct {
        const char *endpoint, *reason;
    } bad[] = {
        { "", "is empty" },
        { "/", "starts with \"/\"" },
        { "/a", "starts with \"/\"" },
        { "//a", "starts with \"/\"" },
        { "a/", "ends with \"/\"" },
        { "a//", "ends with \"/\"" },
        { "a//b", "holds \"//\"" },
        { "a/b///c", "holds \"//\"" },
        { ".", "holds a segment \".\" or \"..\"" },
        { "..", "holds a segment \".\" or \"..\"" },
        { "a/.", "holds a segment \".\" or \"..\"" },
        { "a/..", "holds a segment \".\" or \"..\"" },
        { "./a", "holds a segment \".\" or \"..\"" },
        { "../a", "holds a segment \".\" or \"..\"" },
        { "a/./b", "holds a segment \".\" or \"..\"" },
        { "a/../b", "holds a segment \".\" or \"..\"" },
        { "a b", BYTES },
        { "a?b", BYTES },
        { "a#b", BYTES },
        { "a\\b", BYTES },
        { "a%2fb", BYTES },
        { "%2e%2e/a", BYTES },
        { "a;b", BYTES },
        { "<script>", BYTES },
        { "\"", BYTES },
        { "a\nb", BYTES },
        { "\xc3\xa4", BYTES },
    };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        reason = clarity_endpoint_refused(clarity_str(bad[i].endpoint));

        if (reason == NULL) {
            fail_msg("%s was taken", bad[i].endpoint);
        }

        assert_string_equal(reason, bad[i].reason);
    }

    assert_string_equal(clarity_endpoint_refused(clarity_lit("a\0b")), BYTES);
    assert_string_equal(
        clarity_endpoint_refused((clarity_str_t){ NULL, 0 }), "is empty");
}


static void
only_unreserved_bytes_and_slashes_are_taken(void **state)
{
    int c;
    char text[3] = "a?a";
    static const char taken[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz"
                                "0123456789._~-/";

    (void) state;

    for (c = 0; c < 256; c++) {
        text[1] = (char) c;
        assert_int_equal(
            clarity_endpoint_refused((clarity_str_t){ text, 3 }) == NULL,
            memchr(taken, c, sizeof(taken) - 1) != NULL);
    }
}


static void
one_that_is_too_long_is_not_looked_at(void **state)
{
    char *big;
    const size_t size = 10 * 1024 * 1024;

    (void) state;

    big = malloc(size);
    assert_non_null(big);
    memset(big, 'a', size);

    assert_string_equal(clarity_endpoint_refused((clarity_str_t){ big, size }),
        "is longer than 200 bytes");
    assert_string_equal(clarity_endpoint_refused(
                            (clarity_str_t){ big, CLARITY_ENDPOINT_MAX + 1 }),
        "is longer than 200 bytes");

    free(big);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_is_taken),
        cmocka_unit_test(others_are_refused_with_the_reason),
        cmocka_unit_test(only_unreserved_bytes_and_slashes_are_taken),
        cmocka_unit_test(one_that_is_too_long_is_not_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
