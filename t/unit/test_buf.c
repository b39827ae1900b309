#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/buf.h"
#include "json/error.h"
#include "json/text.h"
#include "t/unit/oom.h"


static void
assert_buf(const clarity_buf_t *buf, const char *text)
{
    assert_false(buf->failed);
    assert_int_equal(buf->len, strlen(text));
    assert_memory_equal(buf->data, text, buf->len);
}


static void
bytes_added_in_pieces_stand_one_after_the_other(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_buf_add(&buf, clarity_lit("{\"a\":"));
    clarity_buf_add(&buf, (clarity_str_t){ NULL, 0 });
    clarity_buf_addf(&buf, "%d,%s", 12, "x");
    clarity_buf_addz(&buf, "}");

    assert_buf(&buf, "{\"a\":12,x}");
    assert_true(clarity_str_is(clarity_buf_str(&buf), "{\"a\":12,x}"));

    clarity_buf_free(&buf);
    assert_null(buf.data);
}


static void
bytes_may_be_nul(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_buf_add(&buf, clarity_lit("a\0b"));
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 3);

    clarity_buf_free(&buf);
}


static void
a_buffer_grows_to_ten_megabytes_in_few_steps(void **state)
{
    size_t i, cap, steps;
    clarity_buf_t buf = { 0 };

    (void) state;

    cap = steps = 0;

    for (i = 0; i < 10 * 1024 * 1024; i++) {
        clarity_buf_add(&buf, clarity_lit("x"));
        steps += buf.cap != cap;
        cap = buf.cap;
    }

    assert_int_equal(buf.len, 10 * 1024 * 1024);
    assert_in_range(steps, 1, 20);

    clarity_buf_free(&buf);
}


static void
one_large_piece_fits_behind_a_small_one(void **state)
{
    char large[10000];
    clarity_buf_t buf = { 0 };

    (void) state;

    memset(large, 'x', sizeof(large));
    clarity_buf_addz(&buf, "small");
    clarity_buf_add(&buf, (clarity_str_t){ large, sizeof(large) });

    assert_false(buf.failed);
    assert_int_equal(buf.len, 5 + sizeof(large));
    assert_memory_equal(buf.data, "smallxxx", 8);

    clarity_buf_free(&buf);
}


static void
a_reset_keeps_the_memory(void **state)
{
    char *data;
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_buf_addz(&buf, "abc");
    data = buf.data;
    clarity_buf_reset(&buf);
    assert_int_equal(buf.len, 0);

    clarity_buf_addz(&buf, "d");
    assert_buf(&buf, "d");
    assert_ptr_equal(buf.data, data);

    clarity_buf_free(&buf);
}


static void
dropping_keeps_what_follows(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_buf_drop(&buf, 0);
    clarity_buf_drop(&buf, 3);

    clarity_buf_addz(&buf, "abcdef");
    clarity_buf_drop(&buf, 2);
    assert_buf(&buf, "cdef");

    clarity_buf_drop(&buf, 0);
    assert_buf(&buf, "cdef");

    clarity_buf_drop(&buf, 100);
    assert_int_equal(buf.len, 0);

    clarity_buf_free(&buf);
}


static void
text_becomes_a_json_string(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    static const struct {
        clarity_str_t text;
        const char *json;
    } cases[] = {
        { { NULL, 0 }, "\"\"" },
        { clarity_lit("plain"), "\"plain\"" },
        { clarity_lit("\"q\\"), "\"\\\"q\\\\\"" },
        { clarity_lit("a\nb\rc\td"), "\"a\\nb\\rc\\td\"" },
        { clarity_lit("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
        { clarity_lit("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },

        /* What is not UTF-8 is replaced, so that the result always is. */
        { clarity_lit("a\xff"), "\"a\\ufffd\"" },
        { clarity_lit("\xc3"), "\"\\ufffd\"" },
        { clarity_lit("\xed\xa0\x80z"), "\"\\ufffd\\ufffd\\ufffdz\"" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clarity_buf_reset(&buf);
        clarity_buf_add_json(&buf, cases[i].text);
        assert_buf(&buf, cases[i].json);
    }

    clarity_buf_free(&buf);
}


static void
out_of_memory_is_remembered_until_the_reset(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    OOM_OR_SKIP();

    clarity_buf_addz(&buf, "kept");

    oom_after = 0;
    assert_null(clarity_buf_reserve(&buf, 4096));
    oom_after = -1;

    assert_true(buf.failed);
    assert_int_equal(buf.len, 4);

    /* There is memory again, but a gap too. */
    clarity_buf_addz(&buf, "lost");
    clarity_buf_addf(&buf, "%s", "lost");
    clarity_buf_add_json(&buf, clarity_lit("lost"));
    assert_int_equal(buf.len, 4);

    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "again");
    assert_buf(&buf, "again");

    clarity_buf_free(&buf);
}


static void
a_size_beyond_the_address_space_fails(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_buf_addz(&buf, "x");
    assert_null(clarity_buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);

    clarity_buf_reset(&buf);
    assert_null(clarity_buf_reserve(&buf, SIZE_MAX - 1));
    assert_true(buf.failed);

    clarity_buf_free(&buf);
}


static void
an_error_is_false_and_cut_with_dots(void **state)
{
    size_t i;
    char text[1000];
    clarity_error_t error;

    (void) state;

    assert_false(clarity_error(&error, "%s:%d: %s", "f.json", 3, "no"));
    assert_string_equal(error.text, "f.json:3: no");

    memset(text, 'x', sizeof(text));

    for (i = sizeof(error.text) - 2; i <= sizeof(error.text) + 1; i++) {
        assert_false(clarity_error(&error, "%.*s", (int) i, text));

        if (i < sizeof(error.text)) {
            assert_int_equal(strlen(error.text), i);
            assert_null(strchr(error.text, '.'));
        } else {
            assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
            assert_string_equal(
                error.text + sizeof(error.text) - sizeof("x..."), "x...");
        }
    }
}


static void
a_quote_is_escaped_and_cut_between_characters(void **state)
{
    size_t i;
    clarity_quote_t quote;
    static const struct {
        clarity_str_t text;
        const char *quote;
    } cases[] = {
        { { NULL, 0 }, "\"\"" },
        { clarity_lit("a\n\"\0\xff\xc3\xa9"),
            "\"a\\n\\\"\\u0000\\ufffd\xc3\xa9\"" },

        /* 74 bytes fit, of 75 only 74 and the ellipsis. */
        { clarity_lit("01234567890123456789012345678901234567890123456789"
                      "012345678901234567890123"),
            "\"01234567890123456789012345678901234567890123456789"
            "012345678901234567890123\"" },
        { clarity_lit("01234567890123456789012345678901234567890123456789"
                      "0123456789012345678901234"),
            "\"01234567890123456789012345678901234567890123456789"
            "012345678901234567890123\xe2\x80\xa6\"" },
        { clarity_lit("01234567890123456789012345678901234567890123456789"
                      "01234567890123456789012\xc3\xa9"),
            "\"01234567890123456789012345678901234567890123456789"
            "01234567890123456789012\xe2\x80\xa6\"" },
        { clarity_lit("01234567890123456789012345678901234567890123456789"
                      "0123456789012345678901\x01"),
            "\"01234567890123456789012345678901234567890123456789"
            "0123456789012345678901\xe2\x80\xa6\"" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        quote = clarity_quote(cases[i].text);
        assert_string_equal(quote.text, cases[i].quote);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_added_in_pieces_stand_one_after_the_other),
        cmocka_unit_test(bytes_may_be_nul),
        cmocka_unit_test(a_buffer_grows_to_ten_megabytes_in_few_steps),
        cmocka_unit_test(one_large_piece_fits_behind_a_small_one),
        cmocka_unit_test(a_reset_keeps_the_memory),
        cmocka_unit_test(dropping_keeps_what_follows),
        cmocka_unit_test(text_becomes_a_json_string),
        cmocka_unit_test(out_of_memory_is_remembered_until_the_reset),
        cmocka_unit_test(a_size_beyond_the_address_space_fails),
        cmocka_unit_test(an_error_is_false_and_cut_with_dots),
        cmocka_unit_test(a_quote_is_escaped_and_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
