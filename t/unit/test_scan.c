#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "json/scan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char control[] =
    "a control byte; in a string it is written \\u00XX";
static const char not_utf8[] = "not UTF-8";
static const char not_hex[] = "\\u takes four hexadecimal digits";
static const char lone_high[] = "a lone surrogate; \\uD800 to \\uDBFF must be "
                                "followed by \\uDC00 to \\uDFFF";
static const char lone_low[] = "a lone surrogate; \\uDC00 to \\uDFFF must "
                               "follow \\uD800 to \\uDBFF";


static void
assert_scan_within(
    char plain, clarity_str_t text, size_t offset, const char *reason)
{
    char *padded;
    size_t before, after, at;
    const char *got;

    for (before = 0; before <= 16; before++) {
        for (after = 0; after <= 16; after += 8) {

            /* What the end cuts off is not cut off with bytes behind it. */
            if (after != 0 && offset == text.len) {
                continue;
            }

            /* Of just that size, so that reading on would be noticed. */
            padded = malloc(before + text.len + after + !text.len);
            assert_non_null(padded);
            memset(padded, plain, before + text.len + after);
            memcpy(padded + before, text.data, text.len);

            got = NULL;
            at = clarity_json_scan(
                (clarity_str_t){ padded, before + text.len + after }, &got);

            if (at != before + offset || (got == NULL) != (reason == NULL)
                || (got != NULL && strcmp(got, reason) != 0))
            {
                fail_msg("%.*s: at %zu \"%s\" instead of %zu \"%s\"",
                    clarity_fmt(text), at - before, got, offset, reason);
            }

            free(padded);
        }
    }
}


/*
 * Each text is also tried behind and before up to two words of plain bytes,
 * of the least and the greatest that there are.
 */
static void
assert_scan(clarity_str_t text, size_t offset, const char *reason)
{
    assert_scan_within(' ', text, offset, reason);
    assert_scan_within('\x7f', text, offset, reason);
}


static void
faults_are_found_at_their_first_byte(void **state)
{
    size_t i;
    static const struct {
        clarity_str_t text;
        size_t offset;
        const char *reason;
    } cases[] = {
        { clarity_lit(""), 0, NULL },
        { clarity_lit("{\"a\": [1, true]}"), 16, NULL },
        { clarity_lit("\t\r\n \x7f"), 5, NULL },

        { clarity_lit("a\0b"), 1, control },
        { clarity_lit("ab\x0b"), 2, control },
        { clarity_lit("ab\x0c"), 2, control },
        { clarity_lit("\x1f"), 0, control },

        { clarity_lit("\xc3\xa9"), 2, NULL },
        { clarity_lit("\xe2\x82\xac"), 3, NULL },
        { clarity_lit("\xf0\x9f\x98\x80"), 4, NULL },
        { clarity_lit("\xef\xbb\xbf"), 3, NULL }, /* the grammar's business */
        { clarity_lit("a\x80"), 1, not_utf8 },
        { clarity_lit("a\xc0\xaf"), 1, not_utf8 },
        { clarity_lit("a\xe0\x9f\xbf"), 1, not_utf8 },
        { clarity_lit("a\xf0\x8f\xbf\xbf"), 1, not_utf8 },
        { clarity_lit("a\xed\xa0\x80"), 1, not_utf8 },
        { clarity_lit("a\xf4\x90\x80\x80"), 1, not_utf8 },
        { clarity_lit("a\xf5\x80\x80\x80"), 1, not_utf8 },
        { clarity_lit("a\xe2\x82z"), 1, not_utf8 },
        { clarity_lit("\xff\xfe{\0"), 0, not_utf8 },

        { clarity_lit("\\\\ \\\" \\/ \\b \\x"), 14, NULL },
        { clarity_lit("\\u0000\\u007f\\uD7FF\\ue000"), 24, NULL },
        { clarity_lit("\\ud83d\\ude00\\uDBFF\\uDFFF"), 24, NULL },
        { clarity_lit("a\\u00g0"), 1, not_hex },
        { clarity_lit("a\\u\"   "), 1, not_hex },
        { clarity_lit("a\\u123\""), 1, not_hex },
        { clarity_lit("a\\ud83d\""), 1, lone_high },
        { clarity_lit("a\\ud83dude00"), 1, lone_high },
        { clarity_lit("a\\ud83d\\n"), 1, lone_high },
        { clarity_lit("a\\ud83d\\u0041"), 1, lone_high },
        { clarity_lit("a\\ud83d\\ud83d\\ude00"), 1, lone_high },
        { clarity_lit("a\\ud83d\\uzzzz"), 1, lone_high },
        { clarity_lit("a\\ude00\\ud83d"), 1, lone_low },
        { clarity_lit("\\ud83d\\ude00\\ude00"), 12, lone_low },

        /* The second backslash of a pair starts no escape. */
        { clarity_lit("\\\\ud83d"), 7, NULL },
        { clarity_lit("\\\\\\ud83d "), 2, lone_high },

        /* A byte behind a backslash is looked at like any other. */
        { clarity_lit("\\\xff"), 1, not_utf8 },
        { clarity_lit("\\\x01"), 1, control },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_scan(cases[i].text, cases[i].offset, cases[i].reason);
    }
}


static void
a_cut_escape_is_left_to_the_grammar_and_a_cut_character_is_not(void **state)
{
    size_t n;

    (void) state;

    for (n = 0; n <= 12; n++) {
        assert_scan((clarity_str_t){ "\\ud83d\\ude00", n }, n, NULL);
    }

    for (n = 1; n < 4; n++) {
        assert_scan((clarity_str_t){ "\xf0\x9f\x98\x80", n }, 0, not_utf8);
    }
}


/* By the definition: decode, then see if it had to be that long. */
static size_t
reference_utf8(const unsigned char *p, size_t n)
{
    size_t i, len;
    uint32_t code;
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (p[0] < 0x80) {
        return 1;
    }

    for (len = 0; len < 8 && (p[0] & (0x80 >> len)); len++) {
        /* count the ones */
    }

    if (len < 2 || len > 4 || len > n) {
        return 0;
    }

    code = p[0] & (0x7fu >> len);

    for (i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3fu);
    }

    if (code < least[len] || code > 0x10ffff
        || (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }

    return len;
}


static void
utf8_is_what_a_decoder_by_the_definition_takes(void **state)
{
    size_t i, n, at, expected;
    const char *reason;
    unsigned char text[32];
    uint32_t sequence;

    /* The borders of every range, and one from within. */
    static const unsigned char borders[] = { 0x20, 0x41, 0x7f, 0x80, 0x85,
        0x8f, 0x90, 0x9f, 0xa0, 0xaa, 0xbf, 0xc0, 0xc1, 0xc2, 0xd0, 0xdf, 0xe0,
        0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8,
        0xfb, 0xfe, 0xff };

    (void) state;

    assert_int_equal(COUNT(borders), 32);

    memset(text, '0', sizeof(text));

    for (sequence = 0; sequence < 1u << 20; sequence++) {
        for (i = 0; i < 4; i++) {
            text[6 + i] = borders[(sequence >> (5 * i)) & 31];
        }

        for (n = 7; n <= 10; n++) {
            for (expected = 0; expected < n; expected += i) {
                i = reference_utf8(text + expected, n - expected);
                if (i == 0) {
                    break;
                }
            }

            reason = NULL;
            at = clarity_json_scan(
                (clarity_str_t){ (char *) text, n }, &reason);

            if (at != expected) {
                fail_msg("%02x %02x %02x %02x, %zu of them: at %zu, not %zu",
                    text[6], text[7], text[8], text[9], n - 6, at, expected);
            }
        }
    }
}


static void
every_escape_alone_and_in_pairs_is_judged(void **state)
{
    unsigned first, second;
    char text[16];
    const char *reason, *expected;
    static const unsigned seconds[] = { 0, 0x41, 0xd7ff, 0xd800, 0xdbff,
        0xdc00, 0xdfff, 0xe000, 0xffff };

    (void) state;

    for (first = 0; first <= 0xffff; first++) {
        for (second = 0; second < COUNT(seconds); second++) {
            snprintf(text, sizeof(text), "\\u%04x\\u%04X\"", first,
                seconds[second]);

            expected = NULL;
            if (first >= 0xdc00 && first <= 0xdfff) {
                expected = lone_low;
            } else if (first >= 0xd800 && first <= 0xdbff
                       && (seconds[second] < 0xdc00
                           || seconds[second] > 0xdfff))
            {
                expected = lone_high;
            } else if (first < 0xd800 || first > 0xdfff) {
                if (seconds[second] >= 0xd800 && seconds[second] <= 0xdbff) {
                    expected = lone_high;
                } else if (seconds[second] >= 0xdc00
                           && seconds[second] <= 0xdfff) {
                    expected = lone_low;
                }
            }

            reason = NULL;
            clarity_json_scan((clarity_str_t){ text, 13 }, &reason);

            if ((reason == NULL) != (expected == NULL)
                || (reason != NULL && strcmp(reason, expected) != 0))
            {
                fail_msg("%s: %s", text, reason);
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found_at_their_first_byte),
        cmocka_unit_test(
            a_cut_escape_is_left_to_the_grammar_and_a_cut_character_is_not),
        cmocka_unit_test(utf8_is_what_a_decoder_by_the_definition_takes),
        cmocka_unit_test(every_escape_alone_and_in_pairs_is_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
