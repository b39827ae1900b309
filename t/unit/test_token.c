#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/token.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static clarity_token_digest_t
digest_of(clarity_str_t token)
{
    clarity_token_digest_t digest;

    assert_true(clarity_token_digest(token, &digest));
    return digest;
}


static void
a_digest_is_sha256(void **state)
{
    char *million;
    clarity_token_digest_t digest;

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

    digest = digest_of(clarity_lit("abc"));
    assert_memory_equal(digest.bytes, abc, CLARITY_TOKEN_DIGEST);

    digest = digest_of((clarity_str_t){ NULL, 0 });
    assert_memory_equal(digest.bytes, nothing, CLARITY_TOKEN_DIGEST);

    million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    digest = digest_of((clarity_str_t){ million, 1000000 });
    assert_memory_equal(digest.bytes, million_a, CLARITY_TOKEN_DIGEST);
    free(million);
}


static void
a_token_matches_any_of_the_valid_ones_and_no_other(void **state)
{
    size_t i, n;
    clarity_token_digest_t given, valid[3];

    (void) state;

    valid[0] = digest_of(clarity_lit("first"));
    valid[1] = digest_of(clarity_lit("second"));
    valid[2] = digest_of(clarity_lit("third"));

    for (n = 0; n <= 3; n++) {
        for (i = 0; i < 3; i++) {
            given = valid[i];
            assert_int_equal(clarity_token_matches(&given, valid, n), i < n);
        }
    }

    given = digest_of(clarity_lit("First"));
    assert_false(clarity_token_matches(&given, valid, 3));

    /* One bit anywhere makes another digest. */
    for (i = 0; i < 8 * CLARITY_TOKEN_DIGEST; i++) {
        given = valid[1];
        given.bytes[i / 8] ^= (unsigned char) (1 << i % 8);
        assert_false(clarity_token_matches(&given, valid, 3));
    }
}


static void
a_failing_crypto_library_is_told_and_leaves_zeros(void **state)
{
    long n;
    bool done;
    size_t i, failures;
    clarity_token_digest_t digest;

    (void) state;

    OOM_OR_SKIP();

    /* What the library sets up once is not the point here. */
    digest_of(clarity_lit("abc"));

    failures = 0;
    done = false;

    for (n = 0; !done; n++) {
        memset(&digest, 0xff, sizeof(digest));

        oom_after = n;
        done = clarity_token_digest(clarity_lit("abc"), &digest);
        oom_after = -1;

        for (i = 0; !done && i < CLARITY_TOKEN_DIGEST; i++) {
            assert_int_equal(digest.bytes[i], 0);
        }

        failures += !done;
    }

    assert_true(failures > 0);
}


static void
tokens_that_cannot_be_sent_are_refused_with_the_reason(void **state)
{
    size_t i;
    const char *reason;
    static const char longest[CLARITY_TOKEN_MAX + 2] = { 0 };
    static const struct {
        clarity_str_t token;
        const char *reason;
    } cases[] = {
        { clarity_lit("k"), NULL },
        { clarity_lit("!~#\"\\aZ09._-+/="), NULL },
        { clarity_lit(""), "it is empty" },
        { clarity_lit("a b"), "it holds white space" },
        { clarity_lit("ab "), "it holds white space" },
        { clarity_lit("\tab"), "it holds white space" },
        { clarity_lit("ab\r"), "it holds white space" },
        { clarity_lit("a\0b"), "it holds a control byte" },
        { clarity_lit("a\x7f"), "it holds a control byte" },
        { clarity_lit("\x1f"), "it holds a control byte" },
        { clarity_lit("caf\xc3\xa9"), "it holds a byte that is not ASCII" },
        { clarity_lit("\xff"), "it holds a byte that is not ASCII" },
        { { longest, CLARITY_TOKEN_MAX + 1 }, "it is longer than 1024 bytes" },
        { { longest, CLARITY_TOKEN_MAX }, "it holds a control byte" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        reason = clarity_token_refused(cases[i].token);
        if (cases[i].reason == NULL) {
            assert_null(reason);
        } else {
            assert_non_null(reason);
            assert_string_equal(reason, cases[i].reason);
        }
    }
}


static void
a_token_file_holds_a_token_a_line(void **state)
{
    size_t i, j;
    unsigned line;
    clarity_str_t rest, token;
    static const struct {
        clarity_str_t text;
        const char *tokens[3];
        unsigned lines[3];
    } cases[] = {
        { { NULL, 0 }, { NULL }, { 0 } },
        { clarity_lit("\n\n \t\n\r\n"), { NULL }, { 0 } },
        { clarity_lit("one"), { "one" }, { 1 } },
        { clarity_lit("one\n"), { "one" }, { 1 } },
        { clarity_lit("one\ntwo"), { "one", "two" }, { 1, 2 } },
        { clarity_lit("\r\none\r\n\r\ntwo\r\n"), { "one", "two" }, { 2, 4 } },
        { clarity_lit("one\r\n \n#two\n"), { "one", "#two" }, { 1, 3 } },

        /* What is wrong with a line is for clarity_token_refused(). */
        { clarity_lit(" one \n"), { " one " }, { 1 } },
        { clarity_lit("one\r\r\n"), { "one\r" }, { 1 } },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        rest = cases[i].text;
        line = 0;

        for (j = 0; cases[i].tokens[j] != NULL; j++) {
            assert_true(clarity_token_next_line(&rest, &line, &token));
            assert_true(clarity_str_is(token, cases[i].tokens[j]));
            assert_int_equal(line, cases[i].lines[j]);
        }

        assert_false(clarity_token_next_line(&rest, &line, &token));
        assert_int_equal(rest.len, 0);
    }
}


static void
a_nul_in_a_token_file_reaches_the_check(void **state)
{
    unsigned line = 0;
    clarity_str_t token, rest = clarity_lit("a\0b\n");

    (void) state;

    assert_true(clarity_token_next_line(&rest, &line, &token));
    assert_int_equal(token.len, 3);
    assert_string_equal(
        clarity_token_refused(token), "it holds a control byte");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_sha256),
        cmocka_unit_test(a_token_matches_any_of_the_valid_ones_and_no_other),
        cmocka_unit_test(a_failing_crypto_library_is_told_and_leaves_zeros),
        cmocka_unit_test(
            tokens_that_cannot_be_sent_are_refused_with_the_reason),
        cmocka_unit_test(a_token_file_holds_a_token_a_line),
        cmocka_unit_test(a_nul_in_a_token_file_reaches_the_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
