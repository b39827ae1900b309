#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/token.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static clarity_sha256_t *sha256;


static clarity_token_digest_t
digest_of(clarity_str_t token)
{
    clarity_token_digest_t digest;

    assert_true(clarity_token_digest(sha256, token, &digest));
    return digest;
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
        { clarity_lit(""), "is empty" },
        { clarity_lit("a b"), "holds white space" },
        { clarity_lit("ab "), "holds white space" },
        { clarity_lit("\tab"), "holds white space" },
        { clarity_lit("ab\r"), "holds white space" },
        { clarity_lit("a\0b"), "holds a control byte" },
        { clarity_lit("a\x7f"), "holds a control byte" },
        { clarity_lit("\x1f"), "holds a control byte" },
        { clarity_lit("caf\xc3\xa9"), "holds a byte that is not ASCII" },
        { clarity_lit("\xff"), "holds a byte that is not ASCII" },
        { { longest, CLARITY_TOKEN_MAX + 1 }, "is longer than 1024 bytes" },
        { { longest, CLARITY_TOKEN_MAX }, "holds a control byte" },
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
    assert_string_equal(clarity_token_refused(token), "holds a control byte");
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
        cmocka_unit_test(a_token_matches_any_of_the_valid_ones_and_no_other),
        cmocka_unit_test(
            tokens_that_cannot_be_sent_are_refused_with_the_reason),
        cmocka_unit_test(a_token_file_holds_a_token_a_line),
        cmocka_unit_test(a_nul_in_a_token_file_reaches_the_check),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
