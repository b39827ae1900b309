/* The faults of a body of the settings API, as its answer names them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/faults.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ELLIPSIS   "\xe2\x80\xa6"
#define FOUR_BYTES "\xf0\x9f\x98\x80" /* one character */

static const char *const known[] = { "overlap", "token_id", NULL };
static const char *const fixed[] = { "id", "url", NULL };


static void
assert_written(const clarity_faults_t *faults, const char *expected)
{
    clarity_buf_t buf = { 0 };

    clarity_faults_write(faults, &buf);
    assert_false(buf.failed);
    clarity_buf_add(&buf, (clarity_str_t){ "", 1 });
    assert_string_equal(buf.data, expected);
    clarity_buf_free(&buf);
}


static void
assert_members(clarity_str_t body, const char *expected)
{
    clarity_error_t error;
    clarity_faults_t faults = { 0 };
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(body, "body", 0, &error);
    if (doc == NULL) {
        fail_msg("%s", error.text);
    }

    clarity_faults_check_members(&faults, doc->root, known, fixed);
    assert_written(&faults, expected);

    clarity_faults_free(&faults);
    clarity_json_free(doc);
}


static void
each_fault_has_a_pointer_and_a_detail(void **state)
{
    clarity_faults_t faults = { 0 };

    (void) state;

    assert_written(&faults, "\"errors\":[]");

    clarity_faults_add(
        &faults, clarity_lit("overlap"), "expected %s", "a \"duration\"");
    assert_int_equal(faults.n, 1);
    clarity_faults_add(&faults, clarity_lit("a~b/c"), "\x01");
    assert_int_equal(faults.n, 2);
    clarity_faults_add(&faults, clarity_lit(""), "no name");

    assert_written(&faults,
        "\"errors\":["
        "{\"pointer\":\"/overlap\",\"detail\":\"expected a "
        "\\\"duration\\\"\"},"
        "{\"pointer\":\"/a~0b~1c\",\"detail\":\"\\u0001\"},"
        "{\"pointer\":\"/\",\"detail\":\"no name\"}]");

    clarity_faults_free(&faults);
    assert_written(&faults, "\"errors\":[]");
    assert_int_equal(faults.n, 0);
}


static void
members_that_are_not_known_are_named(void **state)
{
    (void) state;

    assert_members(clarity_lit("{}"), "\"errors\":[]");
    assert_members(
        clarity_lit("{\"token_id\":1,\"overlap\":2}"), "\"errors\":[]");
    assert_members(clarity_lit("{\"Overlap\":1,\"id\":2,\"over\":3,\"\":4,"
                               "\"overlap\\u0000\":5,\"overlap\":6}"),
        "\"errors\":["
        "{\"pointer\":\"/Overlap\",\"detail\":\"not known; expected none but "
        "overlap, token_id\"},"
        "{\"pointer\":\"/id\",\"detail\":\"cannot be set; leave it out\"},"
        "{\"pointer\":\"/over\",\"detail\":\"not known; expected none but "
        "overlap, token_id\"},"
        "{\"pointer\":\"/\",\"detail\":\"not known; expected none but "
        "overlap, token_id\"},"
        "{\"pointer\":\"/overlap\\u0000\",\"detail\":\"not known; expected "
        "none but overlap, token_id\"}]");
}


static void
a_body_that_is_no_object_is_one_fault(void **state)
{
    size_t i;
    static const struct {
        const char *body, *got;
    } cases[] = {
        { "[]", "an array" },
        { "\"overlap\"", "a string" },
        { "7", "a number" },
        { "null", "null" },
        { "true", "a boolean" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        char expected[128];

        snprintf(expected, sizeof(expected),
            "\"errors\":[{\"pointer\":\"\",\"detail\":\"expected an object, "
            "got %s\"}]",
            cases[i].got);
        assert_members(clarity_str(cases[i].body), expected);
    }
}


static void
assert_holds(const clarity_buf_t *buf, const char *text)
{
    size_t i, n;

    n = strlen(text);

    for (i = 0; i + n <= buf->len; i++) {
        if (memcmp(buf->data + i, text, n) == 0) {
            return;
        }
    }

    fail_msg("%.*s does not hold %s", (int) buf->len, buf->data, text);
}


static void
a_long_name_is_cut_between_characters(void **state)
{
    size_t i;
    char *big;
    const size_t size = 10 * 1024 * 1024;
    clarity_faults_t faults = { 0 };

    (void) state;

    big = malloc(size);
    assert_non_null(big);

    /* The bound falls behind the first, …, the last byte of a character. */
    for (i = 0; i < 4; i++) {
        memset(big, 'a', size);
        memcpy(big + CLARITY_FAULTS_SHOWN - 1 - i, FOUR_BYTES, 4);

        clarity_faults_add(&faults, (clarity_str_t){ big, size }, "long");
        assert_in_range(faults.buf.len, 80, 120);
        assert_holds(&faults.buf,
            i < 3 ? "aa" ELLIPSIS "\"" : FOUR_BYTES ELLIPSIS "\"");
        clarity_faults_free(&faults);
    }

    memset(big, 'a', size);
    clarity_faults_add(&faults, (clarity_str_t){ big, size }, "long");
    assert_int_equal(faults.buf.len, strlen("{'pointer':'/','detail':'long'}")
                                         + CLARITY_FAULTS_SHOWN
                                         + strlen(ELLIPSIS));
    clarity_faults_free(&faults);

    clarity_faults_add(
        &faults, (clarity_str_t){ big, CLARITY_FAULTS_SHOWN }, "fits");
    assert_int_equal(faults.buf.len,
        strlen("{'pointer':'/','detail':'fits'}") + CLARITY_FAULTS_SHOWN);
    clarity_faults_free(&faults);

    free(big);
}


static void
an_answer_is_bounded_and_the_rest_is_counted(void **state)
{
    int i;
    clarity_error_t error;
    clarity_buf_t body = { 0 }, answer = { 0 };
    clarity_faults_t faults = { 0 };
    clarity_json_doc_t *doc;
    const int n = 300000;

    (void) state;

    clarity_buf_addz(&body, "{\"x\":0");

    for (i = 1; i < n; i++) {
        clarity_buf_addf(&body, ",\"member%d\":\"%032d\"", i, i);
    }

    clarity_buf_addz(&body, "}");
    assert_true(body.len > 10 * 1024 * 1024);

    doc = clarity_json_parse(clarity_buf_str(&body), "body", 0, &error);
    assert_non_null(doc);

    clarity_faults_check_members(&faults, doc->root, known, fixed);
    assert_int_equal(faults.n, n);

    clarity_faults_write(&faults, &answer);
    assert_true(answer.len < 8192);
    clarity_buf_add(&answer, (clarity_str_t){ "", 1 });
    assert_non_null(strstr(answer.data, "/member31\""));
    assert_null(strstr(answer.data, "/member32\""));
    assert_non_null(strstr(answer.data, "],\"errors_omitted\":299968"));

    clarity_buf_free(&answer);
    clarity_faults_free(&faults);
    clarity_json_free(doc);
    clarity_buf_free(&body);
}


static void
out_of_memory_shows_when_the_answer_is_written(void **state)
{
    long n;
    int i;
    clarity_buf_t buf = { 0 };
    clarity_faults_t faults = { 0 };

    (void) state;

    OOM_OR_SKIP();

    for (n = 0;; n++) {
        oom_after = n;

        for (i = 0; i < CLARITY_FAULTS_MAX; i++) {
            clarity_faults_add(&faults, clarity_lit("overlap"), "expected");
        }

        oom_after = -1;
        assert_int_equal(faults.n, CLARITY_FAULTS_MAX);

        clarity_faults_write(&faults, &buf);

        if (!buf.failed) {
            break;
        }

        clarity_buf_free(&buf);
        clarity_faults_free(&faults);
    }

    assert_true(n > CLARITY_FAULTS_MAX);

    clarity_buf_free(&buf);
    clarity_faults_free(&faults);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_a_pointer_and_a_detail),
        cmocka_unit_test(members_that_are_not_known_are_named),
        cmocka_unit_test(a_body_that_is_no_object_is_one_fault),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(an_answer_is_bounded_and_the_rest_is_counted),
        cmocka_unit_test(out_of_memory_shows_when_the_answer_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
