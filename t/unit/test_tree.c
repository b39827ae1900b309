#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "json/buf.h"
#include "json/tree.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static clarity_json_doc_t *
parse(const char *text)
{
    clarity_error_t error;
    clarity_json_doc_t *doc;

    error.text[0] = '\0';

    doc = clarity_json_parse(
        clarity_str(text), "f.json", CLARITY_JSON_UNIQUE_NAMES, &error);
    if (doc == NULL) {
        fail_msg("%s: %s", text, error.text);
    }

    return doc;
}


static void
assert_str(clarity_str_t str, const char *text)
{
    assert_int_equal(str.len, strlen(text));
    assert_memory_equal(str.data, text, str.len);
}


static void
values_keep_their_kind_text_and_bytes(void **state)
{
    clarity_json_doc_t *doc;
    const clarity_json_t *root, *value;

    (void) state;

    doc = parse("{\"n\": -1.50e+2,\n \"s\\u0041\": \"a\\tb\",\n\n"
                "\"t\":true, \"f\":false,\"z\" :null\n,\"a\":[1, [ ], { } ],"
                "\"o\":{\"x\":{\"y\":\"\"}}}\n");
    root = doc->root;

    assert_int_equal(root->kind, CLARITY_OBJECT);
    assert_int_equal(root->count, 7);
    assert_int_equal(root->line, 1);
    assert_int_equal(root->name_line, 0);
    assert_int_equal(root->name.len, 0);

    value = clarity_json_get(root, clarity_lit("n"));
    assert_int_equal(value->kind, CLARITY_NUMBER);
    assert_str(value->text, "-1.50e+2");
    assert_str(value->raw, "-1.50e+2");
    assert_str(value->name, "n");
    assert_int_equal(value->line, 1);

    value = clarity_json_get(root, clarity_lit("sA"));
    assert_int_equal(value->kind, CLARITY_STRING);
    assert_str(value->text, "a\tb");
    assert_string_equal(value->text.data, "a\tb");
    assert_string_equal(value->name.data, "sA");
    assert_str(value->raw, "\"a\\tb\"");
    assert_int_equal(value->line, 2);
    assert_int_equal(value->name_line, 2);

    value = clarity_json_get(root, clarity_lit("t"));
    assert_int_equal(value->kind, CLARITY_BOOLEAN);
    assert_true(value->boolean);
    assert_int_equal(value->line, 4);

    value = clarity_json_get(root, clarity_lit("f"));
    assert_int_equal(value->kind, CLARITY_BOOLEAN);
    assert_false(value->boolean);

    value = clarity_json_get(root, clarity_lit("z"));
    assert_int_equal(value->kind, CLARITY_NULL);
    assert_str(value->raw, "null");

    value = clarity_json_get(root, clarity_lit("a"));
    assert_int_equal(value->kind, CLARITY_ARRAY);
    assert_int_equal(value->count, 3);
    assert_int_equal(value->line, 5);
    assert_str(value->raw, "[1, [ ], { } ]");
    assert_str(clarity_json_at(value, 0)->text, "1");
    assert_int_equal(clarity_json_at(value, 0)->name_line, 0);
    assert_int_equal(clarity_json_at(value, 1)->kind, CLARITY_ARRAY);
    assert_str(clarity_json_at(value, 1)->raw, "[ ]");
    assert_int_equal(clarity_json_at(value, 2)->count, 0);
    assert_null(clarity_json_at(value, 3));

    value = clarity_json_get(root, clarity_lit("o"));
    assert_str(value->raw, "{\"x\":{\"y\":\"\"}}");
    value = clarity_json_get(value, clarity_lit("x"));
    value = clarity_json_get(value, clarity_lit("y"));
    assert_int_equal(value->text.len, 0);
    assert_string_equal(value->text.data, "");
    assert_null(value->next);

    clarity_json_free(doc);
    clarity_json_free(NULL);
}


static void
text_of_any_length_ends_with_a_nul(void **state)
{
    size_t n;
    char json[200], digits[71];
    clarity_json_doc_t *doc;
    const clarity_json_t *value;

    (void) state;

    snprintf(digits, sizeof(digits), "%070d", 0);

    for (n = 0; n < sizeof(digits); n++) {
        snprintf(json, sizeof(json), "{\"%.*s\":\"%.*s\",\"a\":\"b\"}",
            (int) n, digits, (int) n, digits);
        doc = parse(json);
        value = doc->root->first;
        assert_int_equal(value->text.len, n);
        assert_int_equal(strlen(value->text.data), n);
        assert_int_equal(strlen(value->name.data), n);
        clarity_json_free(doc);
    }
}


static void
looking_into_the_wrong_kind_finds_nothing(void **state)
{
    clarity_json_doc_t *doc;

    (void) state;

    doc = parse("[{\"a\":1}]");

    assert_null(clarity_json_get(doc->root, clarity_lit("a")));
    assert_null(clarity_json_get(NULL, clarity_lit("a")));
    assert_null(clarity_json_at(NULL, 0));
    assert_null(clarity_json_at(doc->root->first, 0));
    assert_null(clarity_json_get(doc->root->first, clarity_lit("b")));
    assert_non_null(clarity_json_get(doc->root->first, clarity_lit("a")));

    clarity_json_free(doc);
}


static void
kinds_have_names_for_messages(void **state)
{
    (void) state;

    assert_string_equal(clarity_json_kind_name(CLARITY_NULL), "null");
    assert_string_equal(clarity_json_kind_name(CLARITY_BOOLEAN), "a boolean");
    assert_string_equal(clarity_json_kind_name(CLARITY_NUMBER), "a number");
    assert_string_equal(clarity_json_kind_name(CLARITY_STRING), "a string");
    assert_string_equal(clarity_json_kind_name(CLARITY_ARRAY), "an array");
    assert_string_equal(clarity_json_kind_name(CLARITY_OBJECT), "an object");
}


static size_t
offset_of(const char *text, size_t line, size_t column)
{
    const char *start;

    for (start = text; line > 1; line--) {
        start = strchr(start, '\n') + 1;
    }

    return (size_t) (start - text) + column - 1;
}


static void
errors_name_file_line_and_column(void **state)
{
    size_t i;
    char place[64];
    clarity_error_t error;
    clarity_json_fault_t fault;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "", "f.json:1:1: expected a JSON value" },
        { "{\n  \"a\": 1,\n}",
            "f.json:3:1: expected a name in double quotes after ','" },
        { "{\"a\":1,\n \"b\":2,\n  \"a\":3}",
            "f.json:3:3: the name \"a\" stands twice in one object, first in "
            "line 1" },
        { "{\"a\":1,\"\\u0061\":3}",
            "f.json:1:8: the name \"a\" stands twice in one object, first in "
            "line 1" },
        { "[{\"x\":{\"\":1,\"y\":2,\"\":3}}]",
            "f.json:1:19: the name \"\" stands twice in one object, first in "
            "line 1" },

        /* The first of several, and of a name three times the second. */
        { "{\"d\":1,\"c\":1,\n\"b\":1,\"c\":1,\"d\":1,\"b\":1,\"c\":1}",
            "f.json:2:7: the name \"c\" stands twice in one object, first in "
            "line 1" },
        { "{\"a\\n\":1,\"a\":1,\"a\\n\":2}",
            "f.json:1:16: the name \"a\\n\" stands twice in one object, first "
            "in line 1" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_null(clarity_json_parse_at(clarity_str(cases[i].text), "f.json",
            CLARITY_JSON_UNIQUE_NAMES, &error, &fault));
        assert_string_equal(error.text, cases[i].error);

        snprintf(place, sizeof(place), "f.json:%zu:%zu: ", fault.line,
            fault.column);
        assert_memory_equal(error.text, place, strlen(place));
        assert_non_null(fault.reason);
        assert_int_equal(
            fault.offset, offset_of(cases[i].text, fault.line, fault.column));
    }
}


static void
equal_names_are_kept_where_they_are_allowed(void **state)
{
    clarity_error_t error;
    clarity_json_doc_t *doc;

    (void) state;

    doc = clarity_json_parse(
        clarity_lit("{\"a\":1,\"a\":2}"), "f.json", 0, &error);
    assert_non_null(doc);
    assert_int_equal(doc->root->count, 2);
    assert_str(clarity_json_get(doc->root, clarity_lit("a"))->text, "1");
    clarity_json_free(doc);

    /* Equal in different objects is no fault. */
    doc = parse("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}");
    clarity_json_free(doc);
}


static void
the_tree_outlives_the_text_it_was_read_from(void **state)
{
    char text[] = "{\"a\": [12, \"x\"]}";
    clarity_error_t error;
    clarity_json_doc_t *doc;
    const clarity_json_t *array;

    (void) state;

    doc = clarity_json_parse(clarity_str(text), "f.json", 0, &error);
    assert_non_null(doc);
    memset(text, '!', sizeof(text) - 1);

    array = clarity_json_get(doc->root, clarity_lit("a"));
    assert_str(array->raw, "[12, \"x\"]");
    assert_str(clarity_json_at(array, 0)->text, "12");
    assert_str(clarity_json_at(array, 1)->text, "x");

    clarity_json_free(doc);
}


static void
memory_of_a_tree_is_zeroed_and_aligned(void **state)
{
    size_t i, j;
    unsigned char *p;
    clarity_json_doc_t *doc;
    static const size_t sizes[] = { 0, 1, 17, 900, 1024, 1025, 3000, 5000,
        100000, 16, 4096 };

    (void) state;

    doc = parse("[]");

    for (i = 0; i < COUNT(sizes); i++) {
        p = clarity_json_alloc(doc, sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t) p % 16, 0);
        for (j = 0; j < sizes[i]; j++) {
            assert_int_equal(p[j], 0);
        }
        memset(p, 0xff, sizes[i]);
    }

    assert_null(clarity_json_alloc(doc, SIZE_MAX));
    assert_null(clarity_json_alloc(doc, PTRDIFF_MAX));

    clarity_json_free(doc);
}


static void
large_and_deep_texts_are_read_in_good_time(void **state)
{
    size_t i, n;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;

    (void) state;

    /* Half a million names, none twice; then the last one again. */
    clarity_buf_addz(&buf, "{");
    n = 500000;
    for (i = 0; i < n; i++) {
        clarity_buf_addf(&buf, "\"%zu\":0,\n", i * 7919 % n);
    }
    clarity_buf_addz(&buf, "\"\":\"");
    for (i = 0; i < 1024 * 1024; i++) {
        clarity_buf_addz(&buf, "0123456789");
    }
    clarity_buf_addz(&buf, "\"}");
    assert_false(buf.failed);

    doc = clarity_json_parse(
        clarity_buf_str(&buf), "f.json", CLARITY_JSON_UNIQUE_NAMES, &error);
    assert_non_null(doc);
    assert_int_equal(doc->root->count, n + 1);
    clarity_json_free(doc);

    buf.len -= 1;
    clarity_buf_addz(&buf, ",\"3\":0}");
    assert_null(clarity_json_parse(
        clarity_buf_str(&buf), "f.json", CLARITY_JSON_UNIQUE_NAMES, &error));
    assert_non_null(strstr(error.text, "the name \"3\" stands twice"));

    clarity_buf_reset(&buf);
    for (i = 0; i < 64; i++) {
        clarity_buf_addz(&buf, "{\"a\":[");
    }
    for (i = 0; i < 64; i++) {
        clarity_buf_addz(&buf, "]}");
    }

    doc = clarity_json_parse(clarity_buf_str(&buf), "f.json", 0, &error);
    assert_non_null(doc);
    assert_int_equal(doc->root->raw.len, buf.len);
    clarity_json_free(doc);

    clarity_buf_free(&buf);
}


static void
out_of_memory_at_any_point_is_an_error_without_a_leak(void **state)
{
    long n;
    size_t i;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;

    (void) state;

    OOM_OR_SKIP();

    clarity_buf_addz(&buf, "{\"list\":[");
    for (i = 0; i < 500; i++) {
        clarity_buf_addf(&buf, "{\"n%zu\":\"\\n\",\"b\":true},", i);
    }

    /* Pieces that get blocks of their own. */
    clarity_buf_addf(&buf, "{\"%02000d\":\"%02000d\"},", 0, 0);
    clarity_buf_addz(&buf, "null,1.5]}");

    for (n = 0;; n++) {
        error.text[0] = '\0';

        oom_after = n;
        doc = clarity_json_parse(clarity_buf_str(&buf), "f.json",
            CLARITY_JSON_UNIQUE_NAMES, &error);
        oom_after = -1;

        if (doc != NULL) {
            break;
        }

        assert_string_equal(error.text, "f.json: out of memory");
    }

    assert_true(n > 500);
    clarity_json_free(doc);
    clarity_buf_free(&buf);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_kind_text_and_bytes),
        cmocka_unit_test(text_of_any_length_ends_with_a_nul),
        cmocka_unit_test(looking_into_the_wrong_kind_finds_nothing),
        cmocka_unit_test(kinds_have_names_for_messages),
        cmocka_unit_test(errors_name_file_line_and_column),
        cmocka_unit_test(equal_names_are_kept_where_they_are_allowed),
        cmocka_unit_test(the_tree_outlives_the_text_it_was_read_from),
        cmocka_unit_test(memory_of_a_tree_is_zeroed_and_aligned),
        cmocka_unit_test(large_and_deep_texts_are_read_in_good_time),
        cmocka_unit_test(
            out_of_memory_at_any_point_is_an_error_without_a_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
