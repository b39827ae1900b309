#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "t/unit/checker_fixture.h"
#include "t/unit/oom.h"

static const char triggers_json[] =
    "{\"triggers\":["
    "{\"name\":\"abc\",\"context\":["
    "{\"name\":\"a\",\"type\":\"string\"},"
    "{\"name\":\"b\",\"type\":[\"string\",\"integer\"]},"
    "{\"name\":\"c\",\"type\":[\"string\",\"null\"]}]},"

    "{\"name\":\"json\",\"context\":["
    "{\"name\":\"n\",\"type\":\"number\",\"minimum\":0},"
    "{\"name\":\"o\",\"type\":[\"object\",\"array\",\"null\"]},"
    "{\"name\":\"t\",\"type\":\"boolean\"}]},"

    "{\"name\":\"one\",\"context\":[{\"name\":\"v\"}]},"
    "{\"name\":\"nothing\",\"context\":[]}]}";

static clarity_json_fault_t fault;


static int
set_up(void **state)
{
    (void) state;

    return set_up_checker(triggers_json);
}


static clarity_context_status_t
check(const char *trigger, clarity_context_rules_t rules, clarity_str_t query)
{
    const clarity_trigger_t *found;

    found = clarity_triggers_find(triggers, clarity_str(trigger));
    assert_non_null(found);

    return clarity_context_check_query(checker, found, rules, query, &fault);
}


static void
assert_context(const char *trigger, clarity_context_rules_t rules,
    const char *query, const char *json)
{
    clarity_str_t text;
    clarity_buf_t buf = { 0 };

    if (check(trigger, rules, clarity_str(query)) != CLARITY_CONTEXT_VALID) {
        fail_msg("%s is not valid", query);
    }

    text = clarity_context_text(checker, &buf);

    if (!clarity_str_eq(text, clarity_str(json))) {
        fail_msg("%s: %.*s instead of %s", query, clarity_fmt(text), json);
    }

    clarity_buf_free(&buf);
}


static void
assert_summary(clarity_context_rules_t rules, const char *trigger,
    const char *query, const char *expected)
{
    clarity_buf_t buf = { 0 };

    if (check(trigger, rules, clarity_str(query)) != CLARITY_CONTEXT_FAULTY) {
        fail_msg("%s is not faulty", query);
    }

    clarity_context_summary(checker, &buf);

    if (!clarity_str_eq(clarity_buf_str(&buf), clarity_str(expected))) {
        fail_msg("%s: %.*s instead of %s", query,
            clarity_fmt(clarity_buf_str(&buf)), expected);
    }

    clarity_buf_free(&buf);
}


static void
a_query_becomes_the_object_it_means(void **state)
{
    size_t i;
    static const struct {
        const char *trigger, *query, *json;
    } cases[] = {
        { "abc", "a=x&b=7&c=y", "{\"a\":\"x\",\"b\":\"7\",\"c\":\"y\"}" },

        /* the bare word null, where null is allowed, and no other */
        { "abc", "a=null&b=null&c=null",
            "{\"a\":\"null\",\"b\":\"null\",\"c\":null}" },
        { "abc", "a=&b=&c=Null", "{\"a\":\"\",\"b\":\"\",\"c\":\"Null\"}" },
        { "abc", "a=&b=&c=null+", "{\"a\":\"\",\"b\":\"\",\"c\":\"null \"}" },
        { "abc", "a=&b=&c=%6eull", "{\"a\":\"\",\"b\":\"\",\"c\":null}" },
        { "abc", "a=&b=&c=%22null%22",
            "{\"a\":\"\",\"b\":\"\",\"c\":\"\\\"null\\\"\"}" },

        /* the form's own rules */
        { "abc", "a=x+y&b=%2B&c=%20",
            "{\"a\":\"x y\",\"b\":\"+\",\"c\":\" "
            "\"}" },
        { "abc", "&&a=1&&b=2&c=3&", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}" },
        { "abc", "a&b&c", "{\"a\":\"\",\"b\":\"\",\"c\":\"\"}" },
        { "abc", "a=1=2&b==&c=%26",
            "{\"a\":\"1=2\",\"b\":\"=\",\"c\":\"&\"}" },
        { "abc", "%61=1&%62=2&c=3;d=4",
            "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3;"
            "d=4\"}" },
        { "abc", "a=%22%5c%0A%09&b=%c3%a9&c=\xf0\x9f\x98\x80",
            "{\"a\":\"\\\"\\\\\\n\\t\",\"b\":\"\xc3\xa9\",\"c\":"
            "\"\xf0\x9f\x98\x80\"}" },
        { "abc", "a=%01%7f&b=%f0%9F%98%80&c=1",
            "{\"a\":\"\\u0001\x7f\",\"b\":\"\xf0\x9f\x98\x80\",\"c\":\"1\"}" },

        /* read as JSON where no string is allowed */
        { "json", "n=1.50&o=null&t=true",
            "{\"n\":1.50,\"o\":null,\"t\":true}" },
        { "json", "n=1e3&o=%7b%22a%22:[1,%22x%22]%7D&t=+false+",
            "{\"n\":1e3,\"o\":{\"a\":[1,\"x\"]},\"t\": false }" },

        { "one", "v=null", "{\"v\":null}" },
        { "one", "v={\"a\":1}", "{\"v\":\"{\\\"a\\\":1}\"}" },
        { "nothing", "", "{}" },
        { "nothing", "&&&", "{}" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_context(
            cases[i].trigger, strict, cases[i].query, cases[i].json);
    }
}


static void
the_rules_are_those_of_a_body(void **state)
{
    (void) state;

    assert_context("abc", any_order, "c=3&a=1&b=2",
        "{\"c\":\"3\",\"a\":\"1\",\"b\":\"2\"}");
    assert_context("abc", keep, "x=null&a=1&b=2&y=7&c=3",
        "{\"x\":null,\"a\":\"1\",\"b\":\"2\",\"y\":\"7\",\"c\":\"3\"}");
    assert_context("abc", drop, "x=1&a=1&b=2&y=7&c=3",
        "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
}


static void
every_fault_is_found_at_once(void **state)
{
    size_t i;
    static const struct {
        const char *trigger, *query, *summary;
    } cases[] = {
        { "abc", "", "3 faults: a is missing; b is missing; c is missing" },
        { "abc", "a=1&c=3", "1 fault: b is missing" },
        { "abc", "b=1&a=1&c=3",
            "2 faults: a is out of order; b is out of order" },
        { "abc", "a=1&b=2&%61=3&c=3", "1 fault: a comes more than once" },
        { "abc", "a=1&b=2&c=3&d=4", "1 fault: \"d\" is unknown" },
        { "abc", "a=1&b=2&c=3&=4", "1 fault: \"\" is unknown" },
        { "abc", "A=1&b=2&c=3", "2 faults: a is missing; \"A\" is unknown" },
        { "json", "n=-1&o=3&t=1",
            "3 faults: n has a value that is not allowed; o has a wrong type; "
            "t has a wrong type" },
        { "json", "n=&o=[&t=yes",
            "3 faults: n has a wrong type; o has a wrong type; t has a wrong "
            "type" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_summary(
            strict, cases[i].trigger, cases[i].query, cases[i].summary);
    }
}


static void
what_is_no_json_is_told_from_a_wrong_type(void **state)
{
    clarity_buf_t buf = { 0 };

    (void) state;

    assert_summary(strict, "json", "n=%2B1&o=%22x%22&t=true",
        "2 faults: n has a wrong type; o has a wrong type");

    clarity_context_problem(checker, &buf);
    clarity_buf_add(&buf, clarity_lit("\0"));

    assert_non_null(strstr(buf.data,
        "\"/n\",\"detail\":\"expected a number, got a string, as what the "
        "query has here is no JSON\""));
    assert_non_null(strstr(buf.data,
        "\"/o\",\"detail\":\"expected null or an array or an object, got a "
        "string\""));

    clarity_buf_free(&buf);
}


static void
text_that_is_none_is_refused_at_its_byte(void **state)
{
    size_t i;
    static const struct {
        const char *query;
        size_t offset;
        const char *reason;
    } cases[] = {
        { "%", 0, "'%'" },
        { "a=%", 2, "'%'" },
        { "a=%4", 2, "'%'" },
        { "a=1%4&b=2", 3, "'%'" },
        { "a=%4g", 2, "'%'" },
        { "a=%g4", 2, "'%'" },
        { "a=%%41", 2, "'%'" },
        { "a=1&b%=2", 5, "'%'" },
        { "a=%ff", 2, "UTF-8" },
        { "a=x+%41\xff", 7, "UTF-8" },
        { "a=%c3%a9%c3", 8, "UTF-8" },
        { "a=%c3&%a9=1", 2, "UTF-8" },
        { "a=%c0%80", 2, "UTF-8" },
        { "a=%ed%a0%80", 2, "UTF-8" },
        { "a=%f4%90%80%80", 2, "UTF-8" },
        { "\xc3=1", 0, "UTF-8" },
        { "a=1&b=%00", 6, "NUL" },
        { "a=1&b=x%00y", 7, "NUL" },
        { "a%00=1", 1, "NUL" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        if (check("abc", strict, clarity_str(cases[i].query))
            != CLARITY_CONTEXT_BAD_JSON)
        {
            fail_msg("%s is not refused", cases[i].query);
        }

        if (fault.offset != cases[i].offset || fault.line != 1
            || fault.column != fault.offset + 1
            || strstr(fault.reason, cases[i].reason) == NULL)
        {
            fail_msg("%s: %zu, line %zu, column %zu: %s", cases[i].query,
                fault.offset, fault.line, fault.column, fault.reason);
        }
    }
}


/* 128 levels, with the context's own. */
static void
json_is_as_deep_as_in_a_body(void **state)
{
    size_t n;
    clarity_str_t text;
    clarity_buf_t body = { 0 }, buf = { 0 };

    (void) state;

    for (n = 1; n < CLARITY_JSON_MAX_DEPTH; n++) {
        clarity_buf_addz(&body, "[");
    }

    clarity_buf_addz(&body, "1");

    for (n = 1; n < CLARITY_JSON_MAX_DEPTH; n++) {
        clarity_buf_addz(&body, "]");
    }

    clarity_buf_addz(&buf, "n=1&o=");
    clarity_buf_add(&buf, clarity_buf_str(&body));
    clarity_buf_addz(&buf, "&t=true");
    assert_int_equal(
        check("json", strict, clarity_buf_str(&buf)), CLARITY_CONTEXT_VALID);

    text = clarity_context_text(checker, NULL);
    assert_int_equal(
        text.len, body.len + strlen("{\"n\":1,\"o\":,\"t\":true}"));

    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "n=1&o=[");
    clarity_buf_add(&buf, clarity_buf_str(&body));
    clarity_buf_addz(&buf, "]&t=true");
    assert_int_equal(
        check("json", strict, clarity_buf_str(&buf)), CLARITY_CONTEXT_FAULTY);

    clarity_buf_free(&body);
    clarity_buf_free(&buf);
}


static void
without_memory_it_says_so(void **state)
{
    long n;
    clarity_context_status_t status;
    clarity_context_checker_t *fresh;

    (void) state;
    OOM_OR_SKIP();

    status = CLARITY_CONTEXT_NO_MEMORY;

    for (n = 0; status != CLARITY_CONTEXT_VALID; n++) {
        assert_in_range(n, 0, 20);

        fresh = clarity_context_checker_create();
        assert_non_null(fresh);

        oom_after = n;
        status = clarity_context_check_query(fresh,
            clarity_triggers_find(triggers, clarity_lit("json")), strict,
            clarity_lit("n=1&o={\"a\":[1,2,3]}&t=true"), &fault);
        oom_after = -1;

        clarity_context_checker_free(fresh);

        if (status != CLARITY_CONTEXT_VALID) {
            assert_int_equal(status, CLARITY_CONTEXT_NO_MEMORY);
        }
    }

    assert_in_range(n, 3, 20);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_becomes_the_object_it_means),
        cmocka_unit_test(the_rules_are_those_of_a_body),
        cmocka_unit_test(every_fault_is_found_at_once),
        cmocka_unit_test(what_is_no_json_is_told_from_a_wrong_type),
        cmocka_unit_test(text_that_is_none_is_refused_at_its_byte),
        cmocka_unit_test(json_is_as_deep_as_in_a_body),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
