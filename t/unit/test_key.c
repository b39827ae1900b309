/* Redis keys, and the prefixes that they may have. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "job/key.h"

#define PREFIX_64                                                             \
    "0123456789012345678901234567890123456789012345678901234567890123"


static void
assert_key(const clarity_key_t *key, const char *expected)
{
    assert_string_equal(key->data, expected);
    assert_int_equal(key->len, strlen(expected));
    assert_true(clarity_str_is(clarity_key_str(key), expected));
}


static void
keys_are_spelled_as_documented(void **state)
{
    clarity_key_t key;
    clarity_job_id_t id = { 3, 1732000000000, 7 };

    (void) state;

    clarity_key_jobs(&key, clarity_lit("clarity"), 0);
    assert_key(&key, "{clarity:0}:jobs");

    clarity_key_jobs(&key, clarity_lit("clarity"), 255);
    assert_key(&key, "{clarity:255}:jobs");

    clarity_key_job(&key, clarity_lit("clarity"), &id);
    assert_key(&key, "{clarity:3}:job:3-1732000000000-7");

    clarity_key_idem(&key, clarity_lit("clarity"), 3, clarity_lit("Ab-_9"));
    assert_key(&key, "{clarity:3}:idem:Ab-_9");

    clarity_key_delayed(&key, clarity_lit("clarity"), 3);
    assert_key(&key, "{clarity:3}:delayed");

    clarity_key_meta(&key, clarity_lit("clarity"));
    assert_key(&key, "{clarity}:meta");

    clarity_key_webhooks(&key, clarity_lit("clarity"));
    assert_key(&key, "{clarity}:webhooks");

    clarity_key_audit(&key, clarity_lit("clarity"));
    assert_key(&key, "{clarity}:audit");

    clarity_key_workflows(&key, clarity_lit("clarity"));
    assert_key(&key, "{clarity}:workflows");

    clarity_key_nginx(&key, clarity_lit("clarity"));
    assert_key(&key, "{clarity}:nginx");
}


static void
the_prefix_need_not_end_in_a_nul(void **state)
{
    clarity_key_t key;
    char *prefix;

    (void) state;

    prefix = malloc(2);
    assert_non_null(prefix);
    memcpy(prefix, "ab", 2);
    clarity_key_meta(&key, (clarity_str_t){ prefix, 2 });
    free(prefix);
    assert_key(&key, "{ab}:meta");
}


static void
the_longest_key_fits(void **state)
{
    clarity_key_t key;
    clarity_job_id_t id = { UINT32_MAX, UINT64_MAX, UINT64_MAX };

    (void) state;

    clarity_key_job(&key, clarity_lit(PREFIX_64), &id);
    assert_key(&key,
        "{" PREFIX_64 ":4294967295}:job:4294967295-18446744073709551615"
        "-18446744073709551615");

    /* What is longer than a name can be is cut. */
    clarity_key_idem(&key, clarity_lit(PREFIX_64), UINT32_MAX,
        clarity_lit(PREFIX_64 "and more"));
    assert_key(&key, "{" PREFIX_64 ":4294967295}:idem:" PREFIX_64);
}


static void
a_prefix_of_plain_bytes_is_taken(void **state)
{
    size_t i;

    static const char *const good[] = { "clarity", "c", "prod:clarity",
        "a.b_c-d/e", PREFIX_64, "~!@#$%" };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_null(clarity_prefix_refused(clarity_str(good[i])));
    }
}


static void
other_prefixes_are_refused_with_the_reason(void **state)
{
    int c;
    size_t i;
    char byte, *big;
    const size_t size = 10 * 1024 * 1024;

    static const struct {
        const char *prefix, *reason;
    } bad[] = {
        { "", "is empty" },
        { PREFIX_64 "4", "is longer than 64 bytes" },
        { "{a", "holds a brace" },
        { "a}b", "holds a brace" },
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_string_equal(
            clarity_prefix_refused(clarity_str(bad[i].prefix)), bad[i].reason);
    }

    for (c = 0; c < 256; c++) {
        byte = (char) c;

        if (c <= ' ' || c >= 0x7f || memchr("{}*?[]\\\"'", c, 9) != NULL) {
            assert_non_null(
                clarity_prefix_refused((clarity_str_t){ &byte, 1 }));
        } else {
            assert_null(clarity_prefix_refused((clarity_str_t){ &byte, 1 }));
        }
    }

    assert_non_null(clarity_prefix_refused(clarity_lit("a\0b")));

    big = calloc(1, size);
    assert_non_null(big);
    assert_string_equal(clarity_prefix_refused((clarity_str_t){ big, size }),
        "is longer than 64 bytes");
    free(big);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_spelled_as_documented),
        cmocka_unit_test(the_prefix_need_not_end_in_a_nul),
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(a_prefix_of_plain_bytes_is_taken),
        cmocka_unit_test(other_prefixes_are_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
