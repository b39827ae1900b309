/* SHA-256: its standard's examples, in parts, and without memory. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/digest.h"
#include "t/unit/oom.h"

static clarity_sha256_t *sha256;


static void
digest_of(clarity_str_t text, unsigned char digest[CLARITY_SHA256])
{
    assert_true(clarity_sha256(sha256, &text, 1, digest));
}


static void
a_digest_is_sha256(void **state)
{
    char *million;
    unsigned char digest[CLARITY_SHA256];

    /* FIPS 180-2, appendix B; and of nothing. */
    static const unsigned char abc[] =
        "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
    static const unsigned char million_a[] =
        "\xcd\xc7\x6e\x5c\x99\x14\xfb\x92\x81\xa1\xc7\xe2\x84\xd7\x3e\x67"
        "\xf1\x80\x9a\x48\xa4\x97\x20\x0e\x04\x6d\x39\xcc\xc7\x11\x2c\xd0";
    static const unsigned char nothing[] =
        "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
        "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55";

    (void) state;

    digest_of(clarity_lit("abc"), digest);
    assert_memory_equal(digest, abc, CLARITY_SHA256);

    digest_of((clarity_str_t){ NULL, 0 }, digest);
    assert_memory_equal(digest, nothing, CLARITY_SHA256);

    million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    digest_of((clarity_str_t){ million, 1000000 }, digest);
    assert_memory_equal(digest, million_a, CLARITY_SHA256);
    free(million);
}


static void
parts_are_one_text(void **state)
{
    size_t i, k;
    clarity_str_t text = clarity_lit("one text");
    unsigned char whole[CLARITY_SHA256], digest[CLARITY_SHA256];

    (void) state;

    digest_of(text, whole);

    for (i = 0; i <= text.len; i++) {
        for (k = i; k <= text.len; k++) {
            clarity_str_t parts[] = {
                { text.data, i },
                { text.data + i, k - i },
                { NULL, 0 },
                { text.data + k, text.len - k },
            };

            assert_true(clarity_sha256(sha256, parts, 4, digest));
            assert_memory_equal(digest, whole, CLARITY_SHA256);
        }
    }
}


static void
without_memory_none_is_made(void **state)
{
    long n;
    clarity_sha256_t *made;

    (void) state;

    OOM_OR_SKIP();

    made = NULL;

    for (n = 0; made == NULL; n++) {
        assert_true(n < 1000);
        oom_after = n;
        made = clarity_sha256_create();
        oom_after = -1;
    }

    assert_true(n > 1);
    clarity_sha256_free(made);
    clarity_sha256_free(NULL);
}


static void
a_failed_digest_is_told_and_leaves_zeros(void **state)
{
    long n;
    bool done;
    size_t i;
    unsigned char digest[CLARITY_SHA256];
    clarity_str_t text = clarity_lit("abc");

    (void) state;

    OOM_OR_SKIP();

    clarity_sha256_free(sha256);
    sha256 = clarity_sha256_create();
    assert_non_null(sha256);

    done = false;

    for (n = 0; !done; n++) {
        memset(digest, 0xff, sizeof(digest));

        oom_after = n;
        done = clarity_sha256(sha256, &text, 1, digest);
        oom_after = -1;

        for (i = 0; !done && i < CLARITY_SHA256; i++) {
            assert_int_equal(digest[i], 0);
        }
    }

    assert_true(n > 1);
}


static int
set_up(void **state)
{
    (void) state;

    sha256 = clarity_sha256_create();
    return sha256 == NULL;
}


static int
tear_down(void **state)
{
    (void) state;

    clarity_sha256_free(sha256);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_sha256),
        cmocka_unit_test(parts_are_one_text),
        cmocka_unit_test(without_memory_none_is_made),
        cmocka_unit_test(a_failed_digest_is_told_and_leaves_zeros),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
