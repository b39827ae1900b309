#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "json/buf.h"
#include "t/unit/oom.h"
#include "t/unit/reader_fixture.h"

#define EIGHT_MB (8 * 1024 * 1024)

/* The reader's reasons, by what they are about. */
#define BOM     "a byte order mark; JSON starts without one"
#define COMMENT "a comment; JSON has none"
#define CONTROL "a control byte; in a string it is written \\u00XX"
#define CONTROL_STRING                                                        \
    "a control byte in a string; it is written \\t, \\n, \\r or \\u00XX"
#define DEEP    "nested deeper than 128 objects and arrays"
#define ESCAPE  "a backslash is followed by one of \" \\ / b f n r t u"
#define LEADING "a leading zero; a number has none"
#define LITERAL                                                               \
    "not a JSON literal; expected true, false, null or a value in double "    \
    "quotes"
#define NUMBER                                                                \
    "not a number; a digit must follow '-', '.', 'e', 'e+' "                  \
    "and 'e-'"
#define NUMBER_START "not a number; one starts with a digit or '-'"
#define SINGLE       "a single quote; JSON strings stand in double quotes"
#define UNCLOSED     "a string without its closing quote"
#define UTF8         "not UTF-8"
#define HEX          "\\u takes four hexadecimal digits"
#define LONE_HIGH                                                             \
    "a lone surrogate; \\uD800 to \\uDBFF must be followed by \\uDC00 to "    \
    "\\uDFFF"
#define LONE_LOW                                                              \
    "a lone surrogate; \\uDC00 to \\uDFFF must follow \\uD800 to \\uDBFF"
#define WANT_VALUE        "expected a JSON value"
#define WANT_VALUE_COLON  "expected a JSON value after ':'"
#define WANT_VALUE_COMMA  "expected a JSON value after ','"
#define WANT_VALUE_END    "expected a JSON value or ']'"
#define WANT_NAME_COMMA   "expected a name in double quotes after ','"
#define WANT_NAME_END     "expected a name in double quotes or '}'"
#define WANT_COLON        "expected ':' after the name"
#define WANT_COMMA_OBJECT "expected ',' or '}'"
#define WANT_COMMA_ARRAY  "expected ',' or ']'"
#define WANT_NOTHING      "expected the end of the text after the JSON value"

/* Writes down each token, as "type start-end depth text". */
static bool
write_token(void *data, const clarity_json_token_t *token)
{
    clarity_buf_t *buf = data;
    static const char types[] = "{}[]ksntf0";

    clarity_buf_addf(buf, "%c%zu-%zu@%u", types[token->type], token->start,
        token->end, token->depth);
    if (token->text.len != 0) {
        clarity_buf_addz(buf, "=");
        clarity_buf_add(buf, token->text);
    }
    clarity_buf_addz(buf, " ");

    return true;
}


static void
tokens_come_with_their_places(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    clarity_json_fault_t fault;
    static const struct {
        clarity_str_t text;
        const char *tokens;
    } cases[] = {
        { clarity_lit("{}"), "{0-1@0 }1-2@0 " },
        { clarity_lit(" [ ] "), "[1-2@0 ]3-4@0 " },
        { clarity_lit("{ \"a\\u0041\" : [ -1.5e3 ,12,true\t,null,false], "
                      "\"b\\n\":\"x\" }\r\n"),
            "{0-1@0 k2-11@1=aA [14-15@1 n16-22@2=-1.5e3 n24-26@2=12 "
            "t27-31@2 033-37@2 f38-43@2 ]43-44@1 k46-51@1=b\n s52-55@1=x "
            "}56-57@0 " },
        { clarity_lit("[{\"a\":{}},[[]]]"),
            "[0-1@0 {1-2@1 k2-5@2=a {6-7@2 }7-8@2 }8-9@1 [10-11@1 [11-12@2 "
            "]12-13@2 ]13-14@1 ]14-15@0 " },

        /* A number that ends with the text is only then known to end. */
        { clarity_lit("12"), "n0-2@0=12 " },
        { clarity_lit(" -0.5E+10"), "n1-9@0=-0.5E+10 " },
        { clarity_lit("0 "), "n0-1@0=0 " },
        { clarity_lit("true"), "t0-4@0 " },
        { clarity_lit("\"\""), "s0-2@0 " },
        { clarity_lit("\"\\ud83d\\ude00 \xf0\x9f\x98\x80\""),
            "s0-19@0=\xf0\x9f\x98\x80 \xf0\x9f\x98\x80 " },
        { clarity_lit("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""),
            "s0-24@0=\"\\/\b\f\n\r\t\xc3\xa9 " },
        { clarity_lit("{\"\":[\"\"]}"),
            "{0-1@0 k1-3@1 [4-5@1 s5-7@2 ]7-8@1 }8-9@0 " },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        clarity_buf_reset(&buf);
        assert_int_equal(clarity_json_read(
                             reader, cases[i].text, write_token, &buf, &fault),
            CLARITY_JSON_OK);
        clarity_buf_add(&buf, clarity_lit("\0"));
        assert_string_equal(buf.data, cases[i].tokens);
    }

    clarity_buf_free(&buf);
}


static void
a_decoded_nul_is_a_byte_like_others(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_json_fault_t fault;

    (void) state;

    assert_int_equal(clarity_json_read(reader, clarity_lit("\"a\\u0000b\""),
                         write_token, &buf, &fault),
        CLARITY_JSON_OK);
    assert_int_equal(buf.len, 12);
    assert_memory_equal(buf.data, "s0-10@0=a\0b ", 12);

    clarity_buf_free(&buf);
}


static void
a_fault_is_placed_at_the_wrong_tokens_first_byte(void **state)
{
    size_t i, n;
    char *exact;
    clarity_json_fault_t fault;
    static const struct {
        clarity_str_t text;
        size_t offset;
        size_t line;
        size_t column;
        const char *reason;
    } cases[] = {
        /* nothing at all */
        { { NULL, 0 }, 0, 1, 1, WANT_VALUE },
        { clarity_lit(" \r\n\t"), 4, 2, 2, WANT_VALUE },
        { clarity_lit("\xef\xbb\xbf{}"), 0, 1, 1, BOM },
        { clarity_lit("\xff\xfe{\0}\0"), 0, 1, 1, UTF8 },
        { clarity_lit("{\0}\0"), 1, 1, 2, CONTROL },

        /* the text ends where a token should start */
        { clarity_lit("{"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{\"a\""), 4, 1, 5, WANT_COLON },
        { clarity_lit("{\"a\":"), 5, 1, 6, WANT_VALUE_COLON },
        { clarity_lit("{\"a\":\n"), 6, 2, 1, WANT_VALUE_COLON },
        { clarity_lit("{\"a\":1"), 6, 1, 7, WANT_COMMA_OBJECT },
        { clarity_lit("{\"a\":1 "), 7, 1, 8, WANT_COMMA_OBJECT },
        { clarity_lit("{\"a\":1,"), 7, 1, 8, WANT_NAME_COMMA },
        { clarity_lit("{\"a\":{}"), 7, 1, 8, WANT_COMMA_OBJECT },
        { clarity_lit("["), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("[1"), 2, 1, 3, WANT_COMMA_ARRAY },
        { clarity_lit("[1,"), 3, 1, 4, WANT_VALUE_COMMA },
        { clarity_lit("[[]"), 3, 1, 4, WANT_COMMA_ARRAY },

        /* it ends in one */
        { clarity_lit("\""), 0, 1, 1, UNCLOSED },
        { clarity_lit("{\"a\":\"bc"), 5, 1, 6, UNCLOSED },
        { clarity_lit("{\"a\":\"bc\\"), 5, 1, 6, UNCLOSED },
        { clarity_lit("{\"a\":\"bc\\\""), 5, 1, 6, UNCLOSED },
        { clarity_lit("{\"a\":\"bc\\u00"), 5, 1, 6, UNCLOSED },
        { clarity_lit("{\"a\":\"bc\\ud83d"), 5, 1, 6, UNCLOSED },
        { clarity_lit("{\"a\":1, \"b"), 8, 1, 9, UNCLOSED },
        { clarity_lit("[1, tru"), 4, 1, 5, LITERAL },
        { clarity_lit("-"), 0, 1, 1, NUMBER },
        { clarity_lit("[1."), 1, 1, 2, NUMBER },
        { clarity_lit("[1e"), 1, 1, 2, NUMBER },
        { clarity_lit("[1e+"), 1, 1, 2, NUMBER },

        /* punctuation */
        { clarity_lit("{\"a\":1,}"), 7, 1, 8, WANT_NAME_COMMA },
        { clarity_lit("{\n \"a\": 1,\n}"), 11, 3, 1, WANT_NAME_COMMA },
        { clarity_lit("[1,]"), 3, 1, 4, WANT_VALUE_COMMA },
        { clarity_lit("[,1]"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("[1,,2]"), 3, 1, 4, WANT_VALUE_COMMA },
        { clarity_lit("{,}"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{\"a\":1 \"b\":2}"), 7, 1, 8, WANT_COMMA_OBJECT },
        { clarity_lit("{\"a\":1\n\"b\\u0041\":2}"), 7, 2, 1,
            WANT_COMMA_OBJECT },
        { clarity_lit("{\"a\":1;\"b\":2}"), 6, 1, 7, WANT_COMMA_OBJECT },
        { clarity_lit("{\"a\" 1}"), 5, 1, 6, WANT_COLON },
        { clarity_lit("{\"a\",1}"), 4, 1, 5, WANT_COLON },
        { clarity_lit("{\"a\" \"b\"}"), 5, 1, 6, WANT_COLON },
        { clarity_lit("{\"a\"=1}"), 4, 1, 5, WANT_COLON },
        { clarity_lit("{\"a\"::1}"), 5, 1, 6, WANT_VALUE_COLON },
        { clarity_lit("{\"a\":}"), 5, 1, 6, WANT_VALUE_COLON },
        { clarity_lit("{\"a\":,}"), 5, 1, 6, WANT_VALUE_COLON },
        { clarity_lit("[1 2]"), 3, 1, 4, WANT_COMMA_ARRAY },
        { clarity_lit("[1:2]"), 2, 1, 3, WANT_COMMA_ARRAY },
        { clarity_lit("[\"a\" \"b\"]"), 5, 1, 6, WANT_COMMA_ARRAY },
        { clarity_lit("[[] []]"), 4, 1, 5, WANT_COMMA_ARRAY },
        { clarity_lit("[1}"), 2, 1, 3, WANT_COMMA_ARRAY },
        { clarity_lit("{\"a\":1]"), 6, 1, 7, WANT_COMMA_OBJECT },
        { clarity_lit("[}"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("{]"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("}"), 0, 1, 1, WANT_VALUE },
        { clarity_lit(","), 0, 1, 1, WANT_VALUE },
        { clarity_lit("#"), 0, 1, 1, WANT_VALUE },
        { clarity_lit("[#]"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("<a/>"), 0, 1, 1, WANT_VALUE },
        { clarity_lit("[{\"a\":[1]},{\"b\":[2}]"), 18, 1, 19,
            WANT_COMMA_ARRAY },
        { clarity_lit("[{\"a\":[1]},{\"b\":[2]]"), 19, 1, 20,
            WANT_COMMA_OBJECT },

        /* names */
        { clarity_lit("{a:1}"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{1:1}"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{null:1}"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{\"a\":1,b:2}"), 7, 1, 8, WANT_NAME_COMMA },
        { clarity_lit("{[]:1}"), 1, 1, 2, WANT_NAME_END },
        { clarity_lit("{'a':1}"), 1, 1, 2, SINGLE },
        { clarity_lit("{\"a\":1, 'b':2}"), 8, 1, 9, SINGLE },
        { clarity_lit("{\"a\":'b'}"), 5, 1, 6, SINGLE },
        { clarity_lit("['b']"), 1, 1, 2, SINGLE },
        { clarity_lit("{\"a\":1'"), 6, 1, 7, WANT_COMMA_OBJECT },

        /* after the value */
        { clarity_lit("{} {}"), 3, 1, 4, WANT_NOTHING },
        { clarity_lit("{}\n\n x"), 5, 3, 2, WANT_NOTHING },
        { clarity_lit("{}}"), 2, 1, 3, WANT_NOTHING },
        { clarity_lit("1 2"), 2, 1, 3, WANT_NOTHING },
        { clarity_lit("{},"), 2, 1, 3, WANT_NOTHING },
        { clarity_lit("\"a\"\"b"), 3, 1, 4, WANT_NOTHING },
        { clarity_lit("{} \0"), 3, 1, 4, CONTROL },
        { clarity_lit("nullx"), 4, 1, 5, WANT_NOTHING },

        /* literals and comments */
        { clarity_lit("NaN"), 0, 1, 1, LITERAL },
        { clarity_lit("A"), 0, 1, 1, LITERAL },
        { clarity_lit("Z"), 0, 1, 1, LITERAL },
        { clarity_lit("a"), 0, 1, 1, LITERAL },
        { clarity_lit("z"), 0, 1, 1, LITERAL },
        { clarity_lit("@"), 0, 1, 1, WANT_VALUE },
        { clarity_lit("`"), 0, 1, 1, WANT_VALUE },
        { clarity_lit("[Infinity]"), 1, 1, 2, LITERAL },
        { clarity_lit("[-Infinity]"), 1, 1, 2, NUMBER },
        { clarity_lit("[True]"), 1, 1, 2, LITERAL },
        { clarity_lit("[ nul ]"), 2, 1, 3, LITERAL },
        { clarity_lit("[ fals]"), 2, 1, 3, LITERAL },
        { clarity_lit("[ truE]"), 2, 1, 3, LITERAL },
        { clarity_lit("{\"a\": undefined}"), 6, 1, 7, LITERAL },
        { clarity_lit("[truex]"), 5, 1, 6, WANT_COMMA_ARRAY },
        { clarity_lit("{\"a\":abc}"), 5, 1, 6, LITERAL },
        { clarity_lit("// x\n{}"), 0, 1, 1, COMMENT },
        { clarity_lit("{/* x */}"), 1, 1, 2, COMMENT },
        { clarity_lit("{\"a\":1/**/}"), 6, 1, 7, COMMENT },
        { clarity_lit("{\"a\"//\n:1}"), 4, 1, 5, COMMENT },
        { clarity_lit("{} // end"), 3, 1, 4, COMMENT },
        { clarity_lit("[/]"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("[/"), 1, 1, 2, WANT_VALUE_END },

        /* numbers */
        { clarity_lit("[01]"), 1, 1, 2, LEADING },
        { clarity_lit("[-012]"), 1, 1, 2, LEADING },
        { clarity_lit("00"), 0, 1, 1, LEADING },
        { clarity_lit("{\"a\":007}"), 5, 1, 6, LEADING },
        { clarity_lit("[0 1]"), 3, 1, 4, WANT_COMMA_ARRAY },
        { clarity_lit("[+1]"), 1, 1, 2, NUMBER_START },
        { clarity_lit("[.5]"), 1, 1, 2, NUMBER_START },
        { clarity_lit("[1.]"), 1, 1, 2, NUMBER },
        { clarity_lit("[1.e3]"), 1, 1, 2, NUMBER },
        { clarity_lit("[ 1e ]"), 2, 1, 3, NUMBER },
        { clarity_lit("[1e+]"), 1, 1, 2, NUMBER },
        { clarity_lit("[-]"), 1, 1, 2, NUMBER },
        { clarity_lit("[--1]"), 1, 1, 2, NUMBER },
        { clarity_lit("[1.2.3]"), 4, 1, 5, WANT_COMMA_ARRAY },
        { clarity_lit("[0x10]"), 2, 1, 3, WANT_COMMA_ARRAY },
        { clarity_lit("[1_000]"), 2, 1, 3, WANT_COMMA_ARRAY },

        /* what the scan refuses, outside of strings */
        { clarity_lit("[\xa0"
                      "1]"),
            1, 1, 2, UTF8 },
        { clarity_lit("[\x0b"
                      "1]"),
            1, 1, 2, CONTROL },
        { clarity_lit("[\x0c"
                      "1]"),
            1, 1, 2, CONTROL },
        { clarity_lit("{\"a\"\x0b:1}"), 4, 1, 5, CONTROL },
        { clarity_lit("[\xc2\xa0"
                      "1]"),
            1, 1, 2, WANT_VALUE_END },
        { clarity_lit("[\\u0041]"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("[\\ud800]"), 1, 1, 2, WANT_VALUE_END },
        { clarity_lit("{\"a\":1,\\ud800}"), 7, 1, 8, WANT_NAME_COMMA },
        { clarity_lit("{\\\"a\\\":1}"), 1, 1, 2, WANT_NAME_END },

        /* of two faults the first counts */
        { clarity_lit("[1,] \xff"), 3, 1, 4, WANT_VALUE_COMMA },
        { clarity_lit("[1 2\xff]"), 3, 1, 4, WANT_COMMA_ARRAY },
        { clarity_lit("[01 \xff]"), 1, 1, 2, LEADING },
        { clarity_lit("[tru\xff]"), 1, 1, 2, LITERAL },
        { clarity_lit("[true\xff]"), 5, 1, 6, UTF8 },
        { clarity_lit("[1\xff]"), 2, 1, 3, UTF8 },
        { clarity_lit("[1.\xff]"), 1, 1, 2, NUMBER },
        { clarity_lit("{\"a\" \"b\xff\"}"), 5, 1, 6, WANT_COLON },
        { clarity_lit("{} \"\xff\""), 3, 1, 4, WANT_NOTHING },

        /* lines end with LF, whatever is before it */
        { clarity_lit("{\r\n\r\n  \"a\": x"), 12, 3, 8, LITERAL },
        { clarity_lit("[\r\r1 x"), 5, 1, 6, WANT_COMMA_ARRAY },
        { clarity_lit("[\"\xc3\xa9\xc3\xa9\", x"), 9, 1, 10, LITERAL },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        n = cases[i].text.len;

        /* Of just that size, so that reading on would be noticed. */
        exact = malloc(n + (n == 0));
        assert_non_null(exact);
        if (n != 0) {
            memcpy(exact, cases[i].text.data, n);
        }

        memset(&fault, 0, sizeof(fault));
        assert_int_equal(read_text((clarity_str_t){ exact, n }, &fault),
            CLARITY_JSON_INVALID);

        if (fault.offset != cases[i].offset || fault.line != cases[i].line
            || fault.column != cases[i].column || fault.inside != 0
            || strcmp(fault.reason, cases[i].reason) != 0)
        {
            fail_msg("%.*s: %zu %zu:%zu \"%s\" instead of %zu %zu:%zu \"%s\"",
                clarity_fmt(cases[i].text), fault.offset, fault.line,
                fault.column, fault.reason, cases[i].offset, cases[i].line,
                cases[i].column, cases[i].reason);
        }

        free(exact);
    }
}


static void
a_fault_in_a_string_is_placed_at_its_quote(void **state)
{
    size_t i, n;
    char *exact;
    clarity_json_fault_t fault;
    static const struct {
        clarity_str_t text;
        size_t offset;
        size_t inside;
        const char *reason;
    } cases[] = {
        { clarity_lit("[\"a\nb\"]"), 1, 2, CONTROL_STRING },
        { clarity_lit("[\"a\tb\"]"), 1, 2, CONTROL_STRING },
        { clarity_lit("{\"a\rb\":1}"), 1, 2, CONTROL_STRING },
        { clarity_lit("[\"a\x01\"]"), 1, 2, CONTROL },
        { clarity_lit("[\"a\0\"]"), 1, 2, CONTROL },
        { clarity_lit("[\"a\\x\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"a\\'\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"\\\\\\\"\\a\"]"), 1, 5, ESCAPE },
        { clarity_lit("[\"a\\\n\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"a\\\x01\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"a\\\xff\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"a\\U0041\"]"), 1, 2, ESCAPE },
        { clarity_lit("[\"a\\u004\"]"), 1, 2, HEX },
        { clarity_lit("[\"a\\ud800\"]"), 1, 2, LONE_HIGH },
        { clarity_lit("[\"a\\udc00\"]"), 1, 2, LONE_LOW },
        { clarity_lit("{\"\\ud800\":1}"), 1, 1, LONE_HIGH },
        { clarity_lit("[\"a\xc0\xaf\"]"), 1, 2, UTF8 },
        { clarity_lit("[\"a\xed\xa0\x80\"]"), 1, 2, UTF8 },
        { clarity_lit("[\"a\xe2\x82"), 1, 2, UTF8 },
        { clarity_lit("{\"a\":\"\xe9t\xe9\"}"), 5, 1, UTF8 },
        { clarity_lit("[\"a\n\xff\"]"), 1, 2, CONTROL_STRING },
        { clarity_lit("[\"a\\q\\ud800\"]"), 1, 2, ESCAPE },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        n = cases[i].text.len;

        exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, cases[i].text.data, n);

        assert_int_equal(read_text((clarity_str_t){ exact, n }, &fault),
            CLARITY_JSON_INVALID);

        if (fault.offset != cases[i].offset || fault.inside != cases[i].inside
            || fault.column != cases[i].offset + 1 || fault.line != 1
            || strcmp(fault.reason, cases[i].reason) != 0)
        {
            fail_msg("%.*s: %zu+%zu \"%s\" instead of %zu+%zu \"%s\"",
                clarity_fmt(cases[i].text), fault.offset, fault.inside,
                fault.reason, cases[i].offset, cases[i].inside,
                cases[i].reason);
        }

        free(exact);
    }
}


static void
a_text_cut_off_anywhere_is_a_fault_within_it(void **state)
{
    size_t n;
    char *exact;
    clarity_json_fault_t fault;
    static const char text[] =
        "{\"app\\u00e9\": \"caf\xc3\xa9 \\ud83d\\ude00\", \"n\": [-1.5e+3, "
        "true, null, {\"a\\\\\": false, \"\": []}]}";

    (void) state;

    assert_int_equal(read_text(clarity_str(text), &fault), CLARITY_JSON_OK);

    for (n = 0; n < sizeof(text) - 1; n++) {
        exact = malloc(n + (n == 0));
        assert_non_null(exact);
        memcpy(exact, text, n);

        assert_int_equal(read_text((clarity_str_t){ exact, n }, &fault),
            CLARITY_JSON_INVALID);
        assert_in_range(fault.offset, 0, n);
        assert_int_equal(fault.line, 1);
        assert_int_equal(fault.column, fault.offset + 1);

        free(exact);
    }
}


static void
the_129th_bracket_is_a_fault_and_the_128th_is_not(void **state)
{
    size_t i;
    char text[600];
    clarity_json_fault_t fault;

    (void) state;

    memset(text, '[', 128);
    memset(text + 128, ']', 128);
    assert_int_equal(
        read_text((clarity_str_t){ text, 256 }, &fault), CLARITY_JSON_OK);

    /* Closed ones do not count. */
    memcpy(text, "[[],", 4);
    memset(text + 4, '[', 127);
    memset(text + 4 + 127, ']', 128);
    assert_int_equal(
        read_text((clarity_str_t){ text, 259 }, &fault), CLARITY_JSON_OK);

    memset(text, '[', 128);
    memcpy(text + 128, "\n {}", 4);
    memset(text + 132, ']', 128);
    assert_int_equal(
        read_text((clarity_str_t){ text, 260 }, &fault), CLARITY_JSON_INVALID);
    assert_string_equal(fault.reason, DEEP);
    assert_int_equal(fault.offset, 130);
    assert_int_equal(fault.line, 2);
    assert_int_equal(fault.column, 2);

    for (i = 0; i < 129; i++) {
        memcpy(text + 4 * i, "{\"\":", 4);
    }
    assert_int_equal(
        read_text((clarity_str_t){ text, 516 }, &fault), CLARITY_JSON_INVALID);
    assert_string_equal(fault.reason, DEEP);
    assert_int_equal(fault.offset, 128 * 4);

    /* Before what the scan has found further on. */
    text[515] = '\xff';
    assert_int_equal(
        read_text((clarity_str_t){ text, 516 }, &fault), CLARITY_JSON_INVALID);
    assert_string_equal(fault.reason, DEEP);
}


static bool
stop_at_third(void *data, const clarity_json_token_t *token)
{
    unsigned *n = data;

    (void) token;

    return ++*n < 3;
}


static void
the_handler_can_stop_the_read(void **state)
{
    size_t i;
    unsigned n;
    clarity_json_fault_t fault;
    static const clarity_str_t texts[] = {
        clarity_lit("[1,2,3,4]"),
        clarity_lit("[[]] x"),
        clarity_lit("[[\"a\"\xff"),
        clarity_lit("{\"a\":{\"b\""),
        clarity_lit("{\"a\":[tru"),
        clarity_lit("[1,2"),
        clarity_lit("[1,2\xff"),
        clarity_lit("[{ \xff"),
    };
    static const clarity_json_status_t status[] = {
        CLARITY_JSON_STOPPED, CLARITY_JSON_STOPPED, CLARITY_JSON_STOPPED,
        CLARITY_JSON_STOPPED, CLARITY_JSON_STOPPED, CLARITY_JSON_STOPPED,
        CLARITY_JSON_STOPPED,
        CLARITY_JSON_INVALID, /* comes before the third */
    };

    (void) state;

    for (i = 0; i < COUNT(texts); i++) {
        n = 0;
        assert_int_equal(
            clarity_json_read(reader, texts[i], stop_at_third, &n, &fault),
            status[i]);
    }
}


/* head, body over and over up to n bytes, tail */
static clarity_str_t
make_text(const char *head, const char *body, size_t n, const char *tail)
{
    size_t len;
    char *text, *p;

    len = strlen(body);

    text = p = malloc(strlen(head) + n + strlen(tail) + 1);
    assert_non_null(text);

    p = stpcpy(p, head);
    while (n >= len) {
        memcpy(p, body, len);
        p += len;
        n -= len;
    }
    p = stpcpy(p, tail);

    return (clarity_str_t){ text, (size_t) (p - text) };
}


/*
 * yajl does not survive a NULL from its allocator, so it is enough to come
 * back from the texts that ask it for the most.
 */
static void
the_memory_set_aside_lasts_for_the_greediest_texts(void **state)
{
    size_t i, n;
    char open[130], close[130];
    clarity_str_t text;
    clarity_json_fault_t fault;
    static const struct {
        const char *head;
        const char *body;
        const char *tail;
        clarity_json_status_t status;
    } cases[] = {
        { "\"", "\\n", "\"", CLARITY_JSON_OK },
        { "\"\\n", "x", "\"", CLARITY_JSON_OK },
        { "\"", "\\u0041", "\"", CLARITY_JSON_OK },
        { "\"", "\xc3\xa9\\t", "\"", CLARITY_JSON_OK },
        { "{\"", "\\\\", "\":0}", CLARITY_JSON_OK },
        { "\"", "x", "\"", CLARITY_JSON_OK },
        { "", "1", "", CLARITY_JSON_OK },
        { "[", "1", "]", CLARITY_JSON_OK },
        { "0.", "1", "", CLARITY_JSON_OK },
        { "0 ", " ", "", CLARITY_JSON_OK },
        { "\"", "x", "", CLARITY_JSON_INVALID },
        { "\"", "\\n", "", CLARITY_JSON_INVALID },
        { "\"", "\\n", "\\", CLARITY_JSON_INVALID },
        { "\"", "\\n", "\xff", CLARITY_JSON_INVALID },
        { "[\"\\n\",", "\"\\n\",", "\"\\n", CLARITY_JSON_INVALID },
    };
    static const size_t sizes[] = { 0, 1, 2000, 2047, 2048, 2049, 4096, 14000,
        16384, 65535, EIGHT_MB };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        for (n = 0; n < COUNT(sizes); n++) {
            text = make_text(
                cases[i].head, cases[i].body, sizes[n], cases[i].tail);

            if (!(i == 6 && sizes[n] == 0) && !(i == 7 && sizes[n] == 0)
                && !(i == 8 && sizes[n] == 0))
            {
                assert_int_equal(read_text(text, &fault), cases[i].status);
            }

            free((char *) text.data);
        }
    }

    /* All of it at once: the deepest text, half decoded, half cut off. */
    memset(open, 0, sizeof(open));
    memset(close, 0, sizeof(close));
    memset(open, '[', 128);
    open[128] = '"';
    memcpy(close, "\",\"", 3);

    for (n = 0; n < COUNT(sizes); n++) {
        clarity_buf_t buf = { 0 };

        text = make_text(open, "\\n", sizes[n], close);
        clarity_buf_add(&buf, text);
        free((char *) text.data);
        text = make_text("", "x", sizes[n], "");
        clarity_buf_add(&buf, text);
        free((char *) text.data);

        assert_false(buf.failed);
        assert_int_equal(
            read_text(clarity_buf_str(&buf), &fault), CLARITY_JSON_INVALID);
        assert_string_equal(fault.reason, UNCLOSED);
        clarity_buf_free(&buf);
    }
}


static void
out_of_memory_is_told_and_the_reader_goes_on(void **state)
{
    char *text;
    clarity_json_fault_t fault;
    clarity_json_reader_t *fresh;

    (void) state;

    OOM_OR_SKIP();

    oom_after = 0;
    fresh = clarity_json_reader_create();
    oom_after = -1;
    assert_null(fresh);

    text = malloc(1000000);
    assert_non_null(text);
    memset(text, ' ', 1000000);

    fresh = clarity_json_reader_create();
    assert_non_null(fresh);

    oom_after = 0;
    assert_int_equal(
        clarity_json_read(fresh, clarity_lit("[]"), take_token, NULL, &fault),
        CLARITY_JSON_NO_MEMORY);
    oom_after = -1;

    /* The memory for small texts is there from then on. */
    assert_int_equal(
        clarity_json_read(fresh, clarity_lit("[]"), take_token, NULL, &fault),
        CLARITY_JSON_OK);
    oom_after = 0;
    assert_int_equal(
        clarity_json_read(fresh, clarity_lit("[1,{\"a\":\"\\n\"}]"),
            take_token, NULL, &fault),
        CLARITY_JSON_OK);

    assert_int_equal(clarity_json_read(fresh, (clarity_str_t){ text, 1000000 },
                         take_token, NULL, &fault),
        CLARITY_JSON_NO_MEMORY);
    oom_after = -1;

    assert_int_equal(clarity_json_read(fresh, (clarity_str_t){ text, 1000000 },
                         take_token, NULL, &fault),
        CLARITY_JSON_INVALID);
    assert_int_equal(
        clarity_json_read(fresh, clarity_lit("[]"), take_token, NULL, &fault),
        CLARITY_JSON_OK);

    clarity_json_reader_free(fresh);
    clarity_json_reader_free(NULL);
    free(text);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_with_their_places),
        cmocka_unit_test(a_decoded_nul_is_a_byte_like_others),
        cmocka_unit_test(a_fault_is_placed_at_the_wrong_tokens_first_byte),
        cmocka_unit_test(a_fault_in_a_string_is_placed_at_its_quote),
        cmocka_unit_test(a_text_cut_off_anywhere_is_a_fault_within_it),
        cmocka_unit_test(the_129th_bracket_is_a_fault_and_the_128th_is_not),
        cmocka_unit_test(the_handler_can_stop_the_read),
        cmocka_unit_test(the_memory_set_aside_lasts_for_the_greediest_texts),
        cmocka_unit_test(out_of_memory_is_told_and_the_reader_goes_on),
    };

    return cmocka_run_group_tests(tests, create_reader, free_reader);
}
