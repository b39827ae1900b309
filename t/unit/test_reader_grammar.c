#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "t/unit/reader_fixture.h"


/*
 * A recogniser by RFC 8259's grammar, one function a rule. NULL: not that.
 * *seen moves to the furthest byte that could still be right.
 */
typedef struct {
    const char *end;
    const char *seen;
} grammar_t;

static const char *grammar_value(grammar_t *g, const char *p);


static bool
grammar_byte(grammar_t *g, const char *p, const char *set)
{
    bool good;

    good = p != g->end && *p != '\0' && strchr(set, *p) != NULL;

    if (p + good > g->seen) {
        g->seen = p + good;
    }

    return good;
}


static const char *
grammar_many(grammar_t *g, const char *p, const char *set)
{
    while (grammar_byte(g, p, set)) {
        p++;
    }

    return p;
}


static const char *
grammar_space(grammar_t *g, const char *p)
{
    return grammar_many(g, p, " \t\r\n");
}


static const char *
grammar_word(grammar_t *g, const char *p, const char *word)
{
    char set[2] = { 0 };

    for (; *word; word++, p++) {
        set[0] = *word;
        if (!grammar_byte(g, p, set)) {
            return NULL;
        }
    }

    return p;
}


static const char *
grammar_number(grammar_t *g, const char *p)
{
    const char *start;

    p += grammar_byte(g, p, "-");

    if (grammar_byte(g, p, "0")) {
        p++;
    } else {
        start = p;
        p = grammar_many(g, p, "0123456789");
        if (p == start) {
            return NULL;
        }
    }

    if (grammar_byte(g, p, ".")) {
        start = ++p;
        p = grammar_many(g, p, "0123456789");
        if (p == start) {
            return NULL;
        }
    }

    if (grammar_byte(g, p, "eE")) {
        p++;
        p += grammar_byte(g, p, "+-");
        start = p;
        p = grammar_many(g, p, "0123456789");
        if (p == start) {
            return NULL;
        }
    }

    return p;
}


static const char *
grammar_string(grammar_t *g, const char *p)
{
    int i;

    if (!grammar_byte(g, p++, "\"")) {
        return NULL;
    }

    for (;;) {
        if (grammar_byte(g, p, "\"")) {
            return p + 1;
        }

        if (grammar_byte(g, p, "\\")) {
            p++;
            if (grammar_byte(g, p, "u")) {
                for (i = 1; i <= 4; i++) {
                    if (!grammar_byte(g, p + i, "0123456789abcdefABCDEF")) {
                        return NULL;
                    }
                }
                p += 5;
            } else if (grammar_byte(g, p, "\"\\/bfnrt")) {
                p++;
            } else {
                return NULL;
            }

        } else if (p != g->end && (unsigned char) *p >= 0x20) {
            p++;
            g->seen = p > g->seen ? p : g->seen;

        } else {
            return NULL;
        }
    }
}


/* Members of an object or elements of an array, from behind the bracket. */
static const char *
grammar_list(grammar_t *g, const char *p, const char *close, bool named)
{
    p = grammar_space(g, p);

    if (grammar_byte(g, p, close)) {
        return p + 1;
    }

    for (;;) {
        if (named) {
            p = grammar_string(g, grammar_space(g, p));
            if (p == NULL) {
                return NULL;
            }
            p = grammar_space(g, p);
            if (!grammar_byte(g, p++, ":")) {
                return NULL;
            }
        }

        p = grammar_value(g, grammar_space(g, p));
        if (p == NULL) {
            return NULL;
        }

        p = grammar_space(g, p);
        if (grammar_byte(g, p, close)) {
            return p + 1;
        }
        if (!grammar_byte(g, p++, ",")) {
            return NULL;
        }
    }
}


static const char *
grammar_value(grammar_t *g, const char *p)
{
    if (grammar_byte(g, p, "{")) {
        return grammar_list(g, p + 1, "}", true);
    }
    if (grammar_byte(g, p, "[")) {
        return grammar_list(g, p + 1, "]", false);
    }
    if (grammar_byte(g, p, "\"")) {
        return grammar_string(g, p);
    }
    if (grammar_byte(g, p, "t")) {
        return grammar_word(g, p, "true");
    }
    if (grammar_byte(g, p, "f")) {
        return grammar_word(g, p, "false");
    }
    if (grammar_byte(g, p, "n")) {
        return grammar_word(g, p, "null");
    }

    return grammar_number(g, p);
}


static void
assert_as_the_grammar(const char *text, size_t len)
{
    bool valid;
    grammar_t g;
    const char *p;
    clarity_json_fault_t fault;
    clarity_json_status_t status;

    g.seen = text;
    g.end = text + len;

    p = grammar_value(&g, grammar_space(&g, text));
    if (p != NULL) {
        p = grammar_space(&g, p);
    }
    valid = p == g.end;

    status = read_text((clarity_str_t){ text, len }, &fault);

    if (status != (valid ? CLARITY_JSON_OK : CLARITY_JSON_INVALID)) {
        fail_msg("%.*s: the grammar says %d", (int) len, text, valid);
    }

    /* The wrong token starts at or before its first wrong byte. */
    if (!valid && text + fault.offset > g.seen) {
        fail_msg("%.*s: fault at %zu, the grammar's at %zu", (int) len, text,
            fault.offset, (size_t) (g.seen - text));
    }
}


static void
every_short_text_is_judged_as_by_the_grammar(void **state)
{
    int n, i;
    char text[64], *p;
    uint32_t code;
    static const char *const pieces[] = { "{", "}", "[", "]", ",", ":", "\"",
        "\\", "\"a\"", "0", "1", "-", ".", "e", "true", " " };

    (void) state;

    assert_int_equal(COUNT(pieces), 16);

    for (n = 0; n <= 5; n++) {
        for (code = 0; code < 1u << (4 * n); code++) {
            p = text;
            for (i = 0; i < n; i++) {
                p = stpcpy(p, pieces[(code >> (4 * i)) & 15]);
            }
            assert_as_the_grammar(text, (size_t) (p - text));
        }
    }
}


static void
every_byte_changed_or_dropped_is_judged_as_by_the_grammar(void **state)
{
    int c;
    size_t i, j;
    char text[256];
    static const char *const seeds[] = {
        "{\"a\": [1, -2.50, 3e+7, 0.1E-2], \"b\": {\"\": \"x\\n\\u00e9\"}}",
        " [true, false , null, \"\", {}, [], [[]], {\"k\": \"v\"}]\r\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "-0.0e-0",
    };

    (void) state;

    for (i = 0; i < COUNT(seeds); i++) {
        for (j = 0; j < strlen(seeds[i]); j++) {
            strcpy(text, seeds[i]);

            for (c = 9; c < 0x7f; c++) {
                if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
                    continue;
                }
                text[j] = (char) c;
                assert_as_the_grammar(text, strlen(text));
            }

            memmove(text + j, seeds[i] + j + 1, strlen(seeds[i]) - j);
            assert_as_the_grammar(text, strlen(text));
        }
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_text_is_judged_as_by_the_grammar),
        cmocka_unit_test(
            every_byte_changed_or_dropped_is_judged_as_by_the_grammar),
    };

    return cmocka_run_group_tests(tests, create_reader, free_reader);
}
