#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "json/tree.h"
#include "webhook/context.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HINT                                                                  \
    "; the usual cause is a map that sorts its keys or keeps no order: "      \
    "write the parameters in the displayed order"

static const clarity_context_rules_t strict = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_REJECT };
static const clarity_context_rules_t any_order = { CLARITY_ORDER_ANY,
    CLARITY_UNKNOWN_REJECT };
static const clarity_context_rules_t drop = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_DROP };
static const clarity_context_rules_t keep = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_KEEP };

static const char triggers_json[] =
    "{\"triggers\":["
    "{\"name\":\"abc\",\"context\":[{\"name\":\"a\"},{\"name\":\"b\"},"
    "{\"name\":\"c\"}]},"

    "{\"name\":\"typed\",\"context\":["
    "{\"name\":\"id\",\"type\":[\"string\",\"integer\"],\"minLength\":2,"
    "\"maxLength\":4},"
    "{\"name\":\"day\",\"type\":[\"string\",\"null\"],"
    "\"format\":\"date-or-date-time\"},"
    "{\"name\":\"kind\",\"enum\":[\"role\",\"exception\",2.50,true,null]},"
    "{\"name\":\"n\",\"minimum\":-1.5,\"maximum\":10},"
    "{\"name\":\"meta\",\"type\":\"object\"}]},"

    "{\"name\":\"formats\",\"context\":["
    "{\"name\":\"date\",\"format\":\"date\"},"
    "{\"name\":\"time\",\"format\":\"date-time\"},"
    "{\"name\":\"uuid\",\"format\":\"uuid\"},"
    "{\"name\":\"email\",\"format\":\"email\"},"
    "{\"name\":\"types\",\"type\":[\"boolean\",\"number\",\"array\"]}]},"

    "{\"name\":\"nothing\",\"context\":[]}]}";

static clarity_triggers_t *triggers;
static clarity_context_checker_t *checker;


static int
set_up(void **state)
{
    clarity_error_t error;

    (void) state;

    triggers = clarity_triggers_parse(
        clarity_str(triggers_json), "triggers.json", &error);
    checker = clarity_context_checker_create();

    return triggers == NULL || checker == NULL;
}


static int
tear_down(void **state)
{
    (void) state;

    clarity_context_checker_free(checker);
    clarity_triggers_free(triggers);
    return 0;
}


static clarity_context_status_t
check(const char *trigger, clarity_context_rules_t rules, clarity_str_t text)
{
    clarity_json_fault_t fault;
    const clarity_trigger_t *found;

    found = clarity_triggers_find(triggers, clarity_str(trigger));
    assert_non_null(found);

    return clarity_context_check(checker, found, rules, text, &fault);
}


/* The answer's members as a tree; to be freed. */
static clarity_json_doc_t *
problem(void)
{
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;

    clarity_buf_addz(&buf, "{");
    clarity_context_problem(checker, &buf);
    clarity_buf_addz(&buf, "}");
    assert_false(buf.failed);

    doc = clarity_json_parse(
        clarity_buf_str(&buf), "answer", CLARITY_JSON_UNIQUE_NAMES, &error);
    if (doc == NULL) {
        fail_msg("%s: %.*s", error.text, clarity_fmt(clarity_buf_str(&buf)));
    }

    clarity_buf_free(&buf);
    return doc;
}


/* "code parameter; code parameter", to compare; details apart. */
static void
assert_errors(const char *text, const char *expected)
{
    clarity_buf_t buf = { 0 };
    clarity_json_doc_t *doc;
    const clarity_json_t *error;

    doc = problem();

    error = clarity_json_get(doc->root, clarity_lit("errors"))->first;
    for (; error != NULL; error = error->next) {
        clarity_buf_addz(&buf, buf.len == 0 ? "" : "; ");
        clarity_buf_add(
            &buf, clarity_json_get(error, clarity_lit("code"))->text);
        clarity_buf_addz(&buf, " ");
        clarity_buf_add(
            &buf, clarity_json_get(error, clarity_lit("parameter"))->text);
    }

    if (!clarity_str_eq(clarity_buf_str(&buf), clarity_str(expected))) {
        fail_msg("%s: %.*s instead of %s", text,
            clarity_fmt(clarity_buf_str(&buf)), expected);
    }

    clarity_json_free(doc);
    clarity_buf_free(&buf);
}


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
a_context_as_required_is_valid_and_goes_on_as_it_came(void **state)
{
    size_t i;
    clarity_str_t text, sent;
    clarity_buf_t buf = { 0 };
    static const struct {
        const char *trigger;
        const char *text;
    } cases[] = {
        { "abc", "{\"a\":1,\"b\":2,\"c\":3}" },
        { "abc",
            " {\r\n\"a\" : null ,\"b\":[{\"a\":1,\"z\":[{}]}], \"c\":{}}\n" },
        { "abc", "{\"\\u0061\":1,\"b\":2.50,\"c\":\"\\ud83d\\ude00\"}" },
        { "typed", "{\"id\":\"ab\",\"day\":null,\"kind\":\"role\",\"n\":10,"
                   "\"meta\":{\"id\":1}}" },
        { "typed", "{\"id\":7,\"day\":\"2026-08-02\",\"kind\":25e-1,"
                   "\"n\":-1.50,\"meta\":{}}" },
        { "typed", "{\"id\":1e3,\"day\":\"2026-08-02T00:00:00Z\","
                   "\"kind\":true,\"n\":\"any\",\"meta\":{}}" },
        { "formats", "{\"date\":\"2026-08-02\",\"time\":"
                     "\"2026-08-02T00:00:00Z\",\"uuid\":1,\"email\":\"a@b\","
                     "\"types\":1.5}" },
        { "nothing", "{}" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        text = clarity_str(cases[i].text);

        if (check(cases[i].trigger, strict, text) != CLARITY_CONTEXT_VALID) {
            assert_errors(cases[i].text, "");
        }

        assert_int_equal(clarity_context_nfaults(checker), 0);

        sent = clarity_context_text(checker, &buf);
        assert_ptr_equal(sent.data, text.data);
        assert_int_equal(sent.len, text.len);
        assert_null(buf.data);
    }
}


static void
every_fault_of_names_is_found_at_once(void **state)
{
    size_t i;
    static const struct {
        const char *text;
        const char *errors;
    } cases[] = {
        { "{}", "missing a; missing b; missing c" },
        { "{\"a\":1,\"c\":3}", "missing b" },
        { "{\"b\":2,\"c\":3}", "missing a" },
        { "{\"a\":1,\"b\":2}", "missing c" },

        { "{\"b\":2,\"a\":1,\"c\":3}", "out_of_order a; out_of_order b" },
        { "{\"a\":1,\"c\":3,\"b\":2}", "out_of_order b; out_of_order c" },
        { "{\"c\":3,\"b\":2,\"a\":1}", "out_of_order a; out_of_order c" },
        { "{\"c\":3,\"a\":1,\"b\":2}",
            "out_of_order a; out_of_order b; out_of_order c" },
        { "{\"c\":3,\"a\":1}", "out_of_order a; missing b; out_of_order c" },

        { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "unknown d" },
        { "{\"A\":1,\"a\":1,\"b\":2,\"c\":3}", "unknown A" },
        { "{\"a\":1,\"x\":1,\"b\":2,\"y\":2,\"x\":3,\"c\":3,\"x\":4}",
            "unknown x; unknown y" },
        { "{\"\":1,\"a\":1,\"b\":2,\"c\":3}", "unknown " },

        { "{\"a\":1,\"a\":1,\"b\":2,\"c\":3}", "duplicate a" },
        { "{\"a\":1,\"b\":2,\"c\":3,\"\\u0061\":{\"b\":[]}}", "duplicate a" },
        { "{\"a\":1,\"b\":2,\"a\":3,\"b\":4,\"c\":3}",
            "duplicate a; duplicate b" },
        { "{\"b\":1,\"b\":2,\"a\":3}",
            "out_of_order a; out_of_order b; duplicate b; missing c" },
        { "{\"x\":[{\"a\":1}],\"c\":3,\"a\":1,\"c\":{}}",
            "out_of_order a; missing b; out_of_order c; duplicate c; unknown "
            "x" },

        /* Names further in are nobody's business. */
        { "{\"a\":{\"b\":1,\"b\":2},\"b\":{\"c\":1},\"z\":{\"c\":3}}",
            "missing c; unknown z" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(check("abc", strict, clarity_str(cases[i].text)),
            CLARITY_CONTEXT_FAULTY);
        assert_errors(cases[i].text, cases[i].errors);
    }
}


static void
every_fault_of_values_is_found_at_once(void **state)
{
    size_t i;
    static const struct {
        const char *text;
        const char *errors;
    } cases[] = {
        { "{\"id\":1.5,\"day\":\"x\",\"kind\":\"x\",\"n\":11,\"meta\":[]}",
            "wrong_type id; wrong_format day; not_allowed kind; not_allowed "
            "n; wrong_type meta" },
        { "{\"id\":\"x\",\"day\":\"2026-02-30\",\"kind\":{\"a\":1},"
          "\"n\":-1.51,\"meta\":null}",
            "not_allowed id; wrong_format day; not_allowed kind; not_allowed "
            "n; wrong_type meta" },
        { "{\"id\":\"12345\",\"day\":1,\"kind\":false,\"n\":[],"
          "\"meta\":\"{}\"}",
            "not_allowed id; wrong_type day; not_allowed kind; wrong_type "
            "meta" },
        { "{\"meta\":[1],\"id\":true,\"id\":\"ab\",\"day\":false,"
          "\"kind\":null,\"more\":1}",
            "out_of_order id; duplicate id; wrong_type id; out_of_order day; "
            "wrong_type day; out_of_order kind; missing n; out_of_order meta; "
            "wrong_type meta; unknown more" },

        /* Only the first of two values is looked at. */
        { "{\"id\":12,\"id\":null,\"day\":null,\"kind\":null,\"n\":1,"
          "\"meta\":{}}",
            "duplicate id" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(check("typed", strict, clarity_str(cases[i].text)),
            CLARITY_CONTEXT_FAULTY);
        assert_errors(cases[i].text, cases[i].errors);
    }
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
what_is_not_json_is_told_as_such_whatever_else_is_wrong(void **state)
{
    clarity_json_fault_t fault;

    (void) state;

    assert_int_equal(clarity_context_check(checker, &triggers->triggers[0],
                         strict, clarity_lit("{\"x\":1,\n\"a\":01}"), &fault),
        CLARITY_CONTEXT_BAD_JSON);
    assert_int_equal(fault.offset, 13);
    assert_int_equal(fault.line, 2);
    assert_int_equal(fault.column, 6);
    assert_int_equal(clarity_context_nfaults(checker), 0);

    assert_int_equal(
        check("abc", strict, clarity_lit("")), CLARITY_CONTEXT_BAD_JSON);
    assert_int_equal(check("abc", strict, (clarity_str_t){ NULL, 0 }),
        CLARITY_CONTEXT_BAD_JSON);
}


static void
any_order_takes_any_order_and_nothing_else(void **state)
{
    clarity_buf_t buf = { 0 };
    static const char text[] = "{\"c\":1,\"a\":2,\"b\":3}";

    (void) state;

    assert_int_equal(
        check("abc", any_order, clarity_str(text)), CLARITY_CONTEXT_VALID);
    assert_ptr_equal(clarity_context_text(checker, &buf).data, text);

    assert_int_equal(check("abc", any_order,
                         clarity_lit("{\"c\":1,\"a\":2,\"a\":3,\"d\":4}")),
        CLARITY_CONTEXT_FAULTY);
    assert_errors("any", "duplicate a; missing b; unknown d");
}


static void
unknown_parameters_are_dropped_or_kept_as_asked(void **state)
{
    clarity_str_t text;
    clarity_buf_t buf = { 0 };
    const clarity_context_rules_t any_drop = { CLARITY_ORDER_ANY,
        CLARITY_UNKNOWN_DROP };
    static const char extra[] =
        "{ \"x\": {\"a\":1}, \"a\" : 1.50 ,\"\\u0062\": [ 1,{ }],"
        "\"y\":[2], \"c\":\"\\u0041\\/\" ,\"x\":3 }";

    (void) state;

    assert_int_equal(
        check("abc", keep, clarity_str(extra)), CLARITY_CONTEXT_VALID);
    text = clarity_context_text(checker, &buf);
    assert_ptr_equal(text.data, extra);
    assert_int_equal(text.len, sizeof(extra) - 1);

    assert_int_equal(
        check("abc", drop, clarity_str(extra)), CLARITY_CONTEXT_VALID);
    clarity_buf_addz(&buf, "left from before");
    text = clarity_context_text(checker, &buf);
    assert_true(clarity_str_is(
        text, "{\"a\":1.50,\"b\":[ 1,{ }],\"c\":\"\\u0041\\/\"}"));

    /* In the order in which they came. */
    assert_int_equal(check("abc", any_drop,
                         clarity_lit("{\"c\":3,\"x\":0,\"a\":{\"x\":1},\"b\":"
                                     "null}")),
        CLARITY_CONTEXT_VALID);
    text = clarity_context_text(checker, &buf);
    assert_true(clarity_str_is(text, "{\"c\":3,\"a\":{\"x\":1},\"b\":null}"));

    assert_int_equal(check("nothing", drop, clarity_lit("{\"x\":{}}")),
        CLARITY_CONTEXT_VALID);
    text = clarity_context_text(checker, &buf);
    assert_true(clarity_str_is(text, "{}"));

    /* Nothing to drop: the text itself. */
    assert_int_equal(
        check("abc", drop, clarity_lit("{\"a\":1, \"b\":2,\"c\":3}")),
        CLARITY_CONTEXT_VALID);
    text = clarity_context_text(checker, &buf);
    assert_true(clarity_str_is(text, "{\"a\":1, \"b\":2,\"c\":3}"));

    /* They are no fault, but what is one still is. */
    assert_int_equal(
        check("abc", drop, clarity_lit("{\"x\":1,\"a\":1,\"c\":3,\"a\":1}")),
        CLARITY_CONTEXT_FAULTY);
    assert_errors("drop", "duplicate a; missing b");
    assert_int_equal(
        check("abc", keep, clarity_lit("{\"b\":1,\"x\":1,\"a\":1,\"c\":3}")),
        CLARITY_CONTEXT_FAULTY);
    assert_errors("keep", "out_of_order a; out_of_order b");

    clarity_buf_free(&buf);
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

    /* 3 of the trigger's, 125 listed, 175 not; the ten were listed. */
    assert_int_equal(clarity_context_nfaults(checker), 303);
    assert_summary(
        "303 faults: a is out of order; b is out of order; c is missing; "
        "\"u0\" is unknown; \"u1\" is unknown; and 298 more");

    doc = problem();
    assert_int_equal(
        clarity_json_get(doc->root, clarity_lit("errors"))->count, 128);
    assert_int_equal(
        clarity_json_get(doc->root, clarity_lit("received"))->count, 128);
    assert_true(clarity_str_is(
        clarity_json_get(doc->root, clarity_lit("errors_omitted"))->text,
        "175"));
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
ten_megabytes_of_names_take_linear_time(void **state)
{
    size_t i, n;
    char name[8];
    clarity_buf_t buf = { 0 };

    (void) state;

    /* One-byte names; the same over and over; ones that miss the full list. */
    for (n = 1; n <= 3; n++) {
        clarity_buf_reset(&buf);
        clarity_buf_addz(&buf, "{");
        for (i = 0; buf.len < 10 * 1024 * 1024; i++) {
            snprintf(name, sizeof(name), "%c%zx", 'd' + (int) (i % 20),
                n == 3 ? i % 4096 : i % 16);
            clarity_buf_addf(
                &buf, "\"%.*s\":0,", (int) (n == 3 ? 8 : n), name);
        }
        clarity_buf_addz(&buf, "\"a\":1}");
        assert_false(buf.failed);

        assert_int_equal(check("abc", strict, clarity_buf_str(&buf)),
            CLARITY_CONTEXT_FAULTY);
        assert_true(clarity_context_nfaults(checker) > 20);
    }

    /* One name of ten megabytes, and one value. */
    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "{\"");
    for (i = 0; i < 1024 * 1024; i++) {
        clarity_buf_addz(&buf, "0123456\\n9");
    }
    clarity_buf_addz(&buf, "\":1}");
    assert_int_equal(check("nothing", strict, clarity_buf_str(&buf)),
        CLARITY_CONTEXT_FAULTY);
    assert_errors("long",
        "unknown 0123456\n90123456\n90123456\n90123456\n90123456\n"
        "90123456\n90123456\xe2\x80\xa6");

    clarity_buf_free(&buf);
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


static void
a_check_leaves_nothing_for_the_next(void **state)
{
    (void) state;

    assert_int_equal(
        check("typed", strict,
            clarity_lit("{\"x\":1,\"n\":\"a\",\"id\":[],\"id\":1}")),
        CLARITY_CONTEXT_FAULTY);
    assert_int_equal(check("abc", strict, clarity_lit("{\"x\":")),
        CLARITY_CONTEXT_BAD_JSON);
    assert_int_equal(
        check("abc", strict, clarity_lit("{\"a\":1,\"b\":2,\"c\":3}")),
        CLARITY_CONTEXT_VALID);
    assert_int_equal(clarity_context_nfaults(checker), 0);
    assert_int_equal(check("abc", strict, clarity_lit("{\"a\":1,\"b\":2}")),
        CLARITY_CONTEXT_FAULTY);
    assert_errors("next", "missing c");
    assert_int_equal(
        check("abc", strict, clarity_lit("[]")), CLARITY_CONTEXT_FAULTY);
    assert_int_equal(
        check("abc", strict, clarity_lit("{\"a\":1,\"b\":2,\"c\":3}")),
        CLARITY_CONTEXT_VALID);
}


static void
a_valid_context_allocates_nothing(void **state)
{
    clarity_context_status_t status;
    static const char text[] = "{\"id\":\"ab\\u0041\",\"day\":\"2026-08-02\","
                               "\"kind\":2.5,\"n\":1,\"meta\":{\"\\n\":[]}}";

    (void) state;

    OOM_OR_SKIP();

    assert_int_equal(
        check("typed", strict, clarity_str(text)), CLARITY_CONTEXT_VALID);

    oom_after = 0;
    status = check("typed", strict, clarity_str(text));
    oom_after = -1;
    assert_int_equal(status, CLARITY_CONTEXT_VALID);
}


static void
out_of_memory_is_told(void **state)
{
    long n;
    clarity_buf_t buf = { 0 };
    clarity_json_fault_t fault;
    clarity_context_status_t status;
    clarity_context_checker_t *fresh;
    const clarity_context_rules_t dropping = { CLARITY_ORDER_STRICT,
        CLARITY_UNKNOWN_DROP };

    (void) state;

    OOM_OR_SKIP();

    for (n = 0;; n++) {
        oom_after = n;
        fresh = clarity_context_checker_create();
        oom_after = -1;
        if (fresh != NULL) {
            break;
        }
    }
    assert_int_equal(n, 2);

    oom_after = 0;
    status = clarity_context_check(fresh, &triggers->triggers[0], strict,
        clarity_lit("{\"a\":1}"), &fault);
    oom_after = -1;
    assert_int_equal(status, CLARITY_CONTEXT_NO_MEMORY);

    assert_int_equal(
        clarity_context_check(fresh, &triggers->triggers[0], dropping,
            clarity_lit("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), &fault),
        CLARITY_CONTEXT_VALID);
    oom_after = 0;
    assert_null(clarity_context_text(fresh, &buf).data);
    oom_after = -1;
    clarity_buf_free(&buf);

    /* Both the answer and what its details are put together in. */
    assert_int_equal(clarity_context_check(fresh, &triggers->triggers[0],
                         strict, clarity_lit("{\"x\":1}"), &fault),
        CLARITY_CONTEXT_FAULTY);
    for (n = 0;; n++) {
        clarity_buf_reset(&buf);
        oom_after = n;
        clarity_context_problem(fresh, &buf);
        oom_after = -1;
        if (!buf.failed) {
            break;
        }
        clarity_buf_free(&buf);
    }
    assert_in_range(n, 3, 20);

    clarity_buf_free(&buf);
    clarity_context_checker_free(fresh);
    clarity_context_checker_free(NULL);
}


static void
a_context_cut_off_anywhere_is_not_json(void **state)
{
    size_t n;
    static const char text[] = "{\"id\":\"ab\\u0041\",\"day\":\"2026-08-02\","
                               "\"kind\":2.5,\"n\":1,\"meta\":{\"\\n\":[]}}";

    (void) state;

    for (n = 0; n < sizeof(text) - 1; n++) {
        assert_int_equal(check("typed", strict, (clarity_str_t){ text, n }),
            CLARITY_CONTEXT_BAD_JSON);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_context_as_required_is_valid_and_goes_on_as_it_came),
        cmocka_unit_test(every_fault_of_names_is_found_at_once),
        cmocka_unit_test(every_fault_of_values_is_found_at_once),
        cmocka_unit_test(each_fault_says_what_is_wrong_and_what_was_expected),
        cmocka_unit_test(the_type_that_came_is_named),
        cmocka_unit_test(a_context_that_is_no_object_is_one_fault),
        cmocka_unit_test(
            what_is_not_json_is_told_as_such_whatever_else_is_wrong),
        cmocka_unit_test(any_order_takes_any_order_and_nothing_else),
        cmocka_unit_test(unknown_parameters_are_dropped_or_kept_as_asked),
        cmocka_unit_test(long_and_strange_names_are_shown_cut_and_escaped),
        cmocka_unit_test(the_answer_is_bounded_whatever_was_sent),
        cmocka_unit_test(ten_megabytes_of_names_take_linear_time),
        cmocka_unit_test(a_trigger_of_64_parameters_reports_up_to_128_faults),
        cmocka_unit_test(long_enums_and_numbers_are_cut_in_the_detail),
        cmocka_unit_test(a_check_leaves_nothing_for_the_next),
        cmocka_unit_test(a_valid_context_allocates_nothing),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(a_context_cut_off_anywhere_is_not_json),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
