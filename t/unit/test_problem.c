#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "t/unit/context_fixture.h"

#define HINT                                                                  \
    "; the usual cause is a map that sorts its keys or keeps no order: "      \
    "write the parameters in the displayed order"


static void
assert_problem(const char *expected)
{
    clarity_buf_t buf = { 0 };

    clarity_context_problem(checker, &buf);
    clarity_buf_add(&buf, clarity_lit("\0"));
    assert_false(buf.failed);
    assert_string_equal(buf.data, expected);
    clarity_buf_free(&buf);
}


static void
assert_summary(const char *expected)
{
    clarity_buf_t buf = { 0 };

    clarity_context_summary(checker, &buf);
    clarity_buf_add(&buf, clarity_lit("\0"));
    assert_false(buf.failed);
    assert_string_equal(buf.data, expected);
    clarity_buf_free(&buf);
}


static void
each_fault_says_what_is_wrong_and_what_was_expected(void **state)
{
    (void) state;

    assert_int_equal(check("abc", strict,
                         clarity_lit("{\"c\":1,\"x/y~z\":2,\"b\":3,\"c\":4}")),
        CLARITY_CONTEXT_FAULTY);
    assert_int_equal(clarity_context_nfaults(checker), 5);
    assert_problem(
        "\"expected\":[\"a\",\"b\",\"c\"],"
        "\"received\":[\"c\",\"x/y~z\",\"b\",\"c\"],"
        "\"errors\":["
        "{\"code\":\"missing\",\"parameter\":\"a\",\"pointer\":\"/a\","
        "\"detail\":\"required, but not there\"},"
        "{\"code\":\"out_of_order\",\"parameter\":\"b\",\"pointer\":\"/b\","
        "\"detail\":\"stands at place 2 of the trigger's parameters, expected "
        "at place 1" HINT "\"},"
        "{\"code\":\"out_of_order\",\"parameter\":\"c\",\"pointer\":\"/c\","
        "\"detail\":\"stands at place 1 of the trigger's parameters, expected "
        "at place 2, after b\"},"
        "{\"code\":\"duplicate\",\"parameter\":\"c\",\"pointer\":\"/c\","
        "\"detail\":\"came 2 times, expected once\"},"
        "{\"code\":\"unknown\",\"parameter\":\"x/y~z\","
        "\"pointer\":\"/x~1y~0z\",\"detail\":\"not a parameter of the trigger "
        "abc; leave it out\"}]");
    assert_summary(
        "5 faults: a is missing; b is out of order; c is out of order; c "
        "comes more than once; \"x/y~z\" is unknown");

    assert_int_equal(check("typed", strict,
                         clarity_lit("{\"id\":1.5,\"day\":\"SECRET\",\"kind\":"
                                     "\"SECRET\",\"n\":11.25,\"meta\":[]}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"received\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"errors\":["
        "{\"code\":\"wrong_type\",\"parameter\":\"id\",\"pointer\":\"/id\","
        "\"detail\":\"expected an integer or a string, got a number with a "
        "fraction\"},"
        "{\"code\":\"wrong_format\",\"parameter\":\"day\",\"pointer\":\"/"
        "day\","
        "\"detail\":\"expected format date-or-date-time: a day or a time by "
        "RFC 3339, as 2026-08-02 or 2026-08-02T09:30:00Z\"},"
        "{\"code\":\"not_allowed\",\"parameter\":\"kind\","
        "\"pointer\":\"/kind\",\"detail\":\"not in enum, which allows "
        "\\\"role\\\", \\\"exception\\\", 2.50, true, null\"},"
        "{\"code\":\"not_allowed\",\"parameter\":\"n\",\"pointer\":\"/n\","
        "\"detail\":\"greater than maximum, 10\"},"
        "{\"code\":\"wrong_type\",\"parameter\":\"meta\",\"pointer\":\"/"
        "meta\","
        "\"detail\":\"expected an object, got an array\"}]");

    assert_int_equal(check("typed", strict,
                         clarity_lit("{\"id\":\"SECRET\",\"kind\":null,"
                                     "\"n\":-1.75,\"meta\":false}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"received\":[\"id\",\"kind\",\"n\",\"meta\"],"
        "\"errors\":["
        "{\"code\":\"not_allowed\",\"parameter\":\"id\",\"pointer\":\"/id\","
        "\"detail\":\"longer than maxLength, which is 4\"},"
        "{\"code\":\"missing\",\"parameter\":\"day\",\"pointer\":\"/day\","
        "\"detail\":\"required, but not there; send null if it has no "
        "value\"},"
        "{\"code\":\"not_allowed\",\"parameter\":\"n\",\"pointer\":\"/n\","
        "\"detail\":\"less than minimum, -1.5\"},"
        "{\"code\":\"wrong_type\",\"parameter\":\"meta\",\"pointer\":\"/"
        "meta\","
        "\"detail\":\"expected an object, got a boolean\"}]");

    assert_int_equal(check("typed", strict,
                         clarity_lit("{\"id\":\"x\",\"day\":null,\"kind\":"
                                     "null,\"n\":1,\"meta\":{}}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"received\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"errors\":["
        "{\"code\":\"not_allowed\",\"parameter\":\"id\",\"pointer\":\"/id\","
        "\"detail\":\"shorter than minLength, which is 2\"}]");
    assert_summary("1 fault: id has a value that is not allowed");

    assert_int_equal(check("formats", strict,
                         clarity_lit("{\"date\":\"\",\"time\":\"\",\"uuid\":"
                                     "\"\",\"email\":\"\",\"types\":null}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[\"date\",\"time\",\"uuid\",\"email\",\"types\"],"
        "\"received\":[\"date\",\"time\",\"uuid\",\"email\",\"types\"],"
        "\"errors\":["
        "{\"code\":\"wrong_format\",\"parameter\":\"date\","
        "\"pointer\":\"/date\",\"detail\":\"expected format date: a day by "
        "RFC 3339, as 2026-08-02\"},"
        "{\"code\":\"wrong_format\",\"parameter\":\"time\","
        "\"pointer\":\"/time\",\"detail\":\"expected format date-time: a time "
        "by RFC 3339, as 2026-08-02T09:30:00Z\"},"
        "{\"code\":\"wrong_format\",\"parameter\":\"uuid\","
        "\"pointer\":\"/uuid\",\"detail\":\"expected format uuid: a UUID by "
        "RFC 4122, as f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"},"
        "{\"code\":\"wrong_format\",\"parameter\":\"email\","
        "\"pointer\":\"/email\",\"detail\":\"expected format email: an "
        "address, as name@example.com\"},"
        "{\"code\":\"wrong_type\",\"parameter\":\"types\","
        "\"pointer\":\"/types\",\"detail\":\"expected a boolean or a number "
        "or an array, got null\"}]");
}


static void
the_type_that_came_is_named(void **state)
{
    size_t i;
    char text[100], expected[400];
    static const struct {
        const char *value;
        const char *got;
    } cases[] = {
        { "null", "null" },
        { "true", "a boolean" },
        { "1.5", "a number with a fraction" },
        { "[]", "an array" },
        { "{}", "an object" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text),
            "{\"id\":%s,\"day\":null,\"kind\":null,\"n\":1,\"meta\":{}}",
            cases[i].value);
        snprintf(expected, sizeof(expected),
            "\"expected\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
            "\"received\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
            "\"errors\":["
            "{\"code\":\"wrong_type\",\"parameter\":\"id\",\"pointer\":\"/"
            "id\","
            "\"detail\":\"expected an integer or a string, got %s\"}]",
            cases[i].got);

        assert_int_equal(
            check("typed", strict, clarity_str(text)), CLARITY_CONTEXT_FAULTY);
        assert_problem(expected);
    }

    /* Where no integer was asked for, a fraction is not the point. */
    assert_int_equal(
        check("typed", strict,
            clarity_lit("{\"id\":\"ab\",\"day\":1.5,\"kind\":null,\"n\":1,"
                        "\"meta\":{}}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"received\":[\"id\",\"day\",\"kind\",\"n\",\"meta\"],"
        "\"errors\":["
        "{\"code\":\"wrong_type\",\"parameter\":\"day\",\"pointer\":\"/day\","
        "\"detail\":\"expected null or a string, got a number\"}]");
}


static void
a_context_that_is_no_object_is_one_fault(void **state)
{
    size_t i;
    char expected[300];
    static const struct {
        const char *text;
        const char *got;
    } cases[] = {
        { "[{\"a\":1}]", "an array" },
        { "[]", "an array" },
        { "\"a\"", "a string" },
        { "12", "a number" },
        { "true", "a boolean" },
        { "false", "a boolean" },
        { " null ", "null" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(check("abc", strict, clarity_str(cases[i].text)),
            CLARITY_CONTEXT_FAULTY);
        snprintf(expected, sizeof(expected),
            "\"expected\":[\"a\",\"b\",\"c\"],\"received\":[],\"errors\":["
            "{\"code\":\"wrong_type\",\"parameter\":null,\"pointer\":\"\","
            "\"detail\":\"expected an object with the trigger's parameters, "
            "got %s\"}]",
            cases[i].got);
        assert_problem(expected);
        assert_summary("1 fault: the context has a wrong type");
    }

    /* Also where there is nothing to be required. */
    assert_int_equal(
        check("nothing", strict, clarity_lit("[]")), CLARITY_CONTEXT_FAULTY);
}


static void
long_and_strange_names_are_shown_cut_and_escaped(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    clarity_json_doc_t *doc;
    const clarity_json_t *received;
    static const struct {
        size_t before; /* plain bytes that come first */
        const char *rest;
        size_t shown; /* bytes of the name in the answer */
        const char *end;
    } cases[] = {
        { 64, "", 64, "xx" },
        { 65, "", 64, "x\xe2\x80\xa6" },
        { 62, "\xc3\xa9", 64, "x\xc3\xa9" },
        { 60, "\xc3\xa9xxx", 63, "x\xe2\x80\xa6" },
        { 61, "\xc3\xa9xx", 64, "x\xe2\x80\xa6" },
        { 58, "\xf0\x9f\x98\x80xxx", 61, "x\xe2\x80\xa6" },
        { 57, "\xf0\x9f\x98\x80xxxx", 64, "\xf0\x9f\x98\x80\xe2\x80\xa6" },
        { 100, "\\ud83d\\ude00", 64, "x\xe2\x80\xa6" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        clarity_buf_reset(&buf);
        clarity_buf_addf(&buf, "{\"%.*s%s\":1}", (int) cases[i].before,
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            cases[i].rest);

        assert_int_equal(check("nothing", strict, clarity_buf_str(&buf)),
            CLARITY_CONTEXT_FAULTY);

        doc = problem();
        received = clarity_json_get(doc->root, clarity_lit("received"))->first;
        assert_int_equal(received->text.len, cases[i].shown);
        assert_string_equal(
            received->text.data + received->text.len - strlen(cases[i].end),
            cases[i].end);
        clarity_json_free(doc);
    }

    assert_int_equal(
        check("nothing", strict, clarity_lit("{\"\\n\\u0000\\\"~\\\\\":1}")),
        CLARITY_CONTEXT_FAULTY);
    assert_problem(
        "\"expected\":[],\"received\":[\"\\n\\u0000\\\"~\\\\\"],\"errors\":["
        "{\"code\":\"unknown\",\"parameter\":\"\\n\\u0000\\\"~\\\\\","
        "\"pointer\":\"/\\n\\u0000\\\"~0\\\\\",\"detail\":\"not a parameter "
        "of the trigger nothing; leave it out\"}]");
    assert_summary("1 fault: \"\\n\\u0000\\\"~\\\\\" is unknown");

    clarity_buf_free(&buf);
}


static void
the_answer_is_bounded_whatever_was_sent(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 }, answer = { 0 };
    clarity_json_doc_t *doc;

    (void) state;

    /* 300 unknown names, the first ten of them again, then the right ones. */
    clarity_buf_addz(&buf, "{");
    for (i = 0; i < 310; i++) {
        clarity_buf_addf(&buf, "\"u%zu\":%zu,", i % 300, i);
    }
    clarity_buf_addz(&buf, "\"b\":2,\"a\":1}");

    assert_int_equal(
        check("abc", strict, clarity_buf_str(&buf)), CLARITY_CONTEXT_FAULTY);

    /* 3 of the trigger's, 128 listed and ten of them twice, 172 not. */
    assert_int_equal(clarity_context_nfaults(checker), 313);
    assert_summary(
        "313 faults: a is out of order; b is out of order; c is missing; "
        "\"u0\" is unknown; \"u0\" comes more than once; and 308 more");

    doc = problem();
    assert_int_equal(
        clarity_json_get(doc->root, clarity_lit("errors"))->count, 128);
    assert_int_equal(
        clarity_json_get(doc->root, clarity_lit("received"))->count, 128);
    assert_true(clarity_str_is(
        clarity_json_get(doc->root, clarity_lit("errors_omitted"))->text,
        "185"));
    assert_true(clarity_str_is(
        clarity_json_get(doc->root, clarity_lit("received_omitted"))->text,
        "184"));
    clarity_json_free(doc);

    /* Names of the worst kind: each byte takes six in the answer. */
    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "{");
    for (i = 0; i < 300; i++) {
        clarity_buf_addf(&buf, "%s\"", i == 0 ? "" : ",");
        for (size_t j = 0; j < 70; j++) {
            clarity_buf_addf(&buf, "\\u%04zx", (i >> (j % 9) & 1) + 1);
        }
        clarity_buf_addz(&buf, "\":0");
    }
    clarity_buf_addz(&buf, "}");

    assert_int_equal(
        check("abc", strict, clarity_buf_str(&buf)), CLARITY_CONTEXT_FAULTY);
    clarity_context_problem(checker, &answer);
    assert_false(answer.failed);
    assert_in_range(answer.len, 1, 256 * 1024);

    clarity_buf_free(&buf);
    clarity_buf_free(&answer);
}


static void
a_trigger_of_64_parameters_reports_up_to_128_faults(void **state)
{
    size_t i;
    char text[8192], *p;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_json_fault_t fault;
    clarity_triggers_t *large;

    (void) state;

    clarity_buf_addz(&buf, "{\"triggers\":[{\"name\":\"t\",\"context\":[");
    for (i = 0; i < CLARITY_MAX_PARAMETERS; i++) {
        clarity_buf_addf(&buf,
            "%s{\"name\":\"p%zu\",\"format\":\"uuid\",\"minLength\":9,"
            "\"enum\":[\"00000000-0000-0000-0000-000000000000\"]}",
            i == 0 ? "" : ",", i);
    }
    clarity_buf_addz(&buf, "]}]}");

    large = clarity_triggers_parse(clarity_buf_str(&buf), "t.json", &error);
    assert_non_null(large);

    p = text;
    for (i = CLARITY_MAX_PARAMETERS; i != 0; i--) {
        p += sprintf(p, "%s\"p%zu\":\"\",\"p%zu\":1",
            i == CLARITY_MAX_PARAMETERS ? "{" : ",", i - 1, i - 1);
    }
    strcpy(p, "}");

    assert_int_equal(clarity_context_check(checker, &large->triggers[0],
                         strict, clarity_str(text), &fault),
        CLARITY_CONTEXT_FAULTY);

    /* Each of the 64: out of order, twice, format, enum, length. */
    assert_int_equal(clarity_context_nfaults(checker), 320);

    doc = problem();
    assert_int_equal(
        clarity_json_get(doc->root, clarity_lit("errors"))->count, 128);
    assert_null(clarity_json_get(doc->root, clarity_lit("received_omitted")));
    clarity_json_free(doc);

    clarity_triggers_free(large);
    clarity_buf_free(&buf);
}


static void
long_enums_and_numbers_are_cut_in_the_detail(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_json_fault_t fault;
    clarity_triggers_t *large;
    const clarity_json_t *error_json;
    clarity_str_t detail;

    (void) state;

    clarity_buf_addz(&buf, "{\"triggers\":[{\"name\":\"t\",\"context\":["
                           "{\"name\":\"e\",\"enum\":[false");
    for (i = 0; i < 1000; i++) {
        clarity_buf_addf(&buf, ",\"value %zu\"", i);
    }
    clarity_buf_addz(&buf, "]},{\"name\":\"n\",\"minimum\":1");
    for (i = 0; i < 1000; i++) {
        clarity_buf_addz(&buf, "000");
    }
    clarity_buf_addz(&buf, "}]}]}");

    large = clarity_triggers_parse(clarity_buf_str(&buf), "t.json", &error);
    assert_non_null(large);

    assert_int_equal(clarity_context_check(checker, &large->triggers[0],
                         strict, clarity_lit("{\"e\":\"x\",\"n\":1}"), &fault),
        CLARITY_CONTEXT_FAULTY);

    doc = problem();
    error_json = clarity_json_get(doc->root, clarity_lit("errors"))->first;
    detail = clarity_json_get(error_json, clarity_lit("detail"))->text;
    assert_in_range(detail.len, 200, 300);
    assert_non_null(strstr(detail.data, "allows false, \"value 0\", "));
    assert_string_equal(detail.data + detail.len - 5, ", \xe2\x80\xa6");

    detail = clarity_json_get(error_json->next, clarity_lit("detail"))->text;
    assert_in_range(detail.len, 64, 100);
    assert_string_equal(detail.data + detail.len - 4, "0\xe2\x80\xa6");
    clarity_json_free(doc);

    clarity_triggers_free(large);
    clarity_buf_free(&buf);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_says_what_is_wrong_and_what_was_expected),
        cmocka_unit_test(the_type_that_came_is_named),
        cmocka_unit_test(a_context_that_is_no_object_is_one_fault),
        cmocka_unit_test(long_and_strange_names_are_shown_cut_and_escaped),
        cmocka_unit_test(the_answer_is_bounded_whatever_was_sent),
        cmocka_unit_test(a_trigger_of_64_parameters_reports_up_to_128_faults),
        cmocka_unit_test(long_enums_and_numbers_are_cut_in_the_detail),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
