#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "t/unit/context_fixture.h"
#include "t/unit/oom.h"


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
            "unknown x; duplicate x; unknown y" },
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
what_is_not_json_is_told_as_such_whatever_else_is_wrong(void **state)
{
    clarity_json_fault_t fault;

    (void) state;

    assert_int_equal(clarity_context_check(checker, &triggers->triggers[0],
                         strict, clarity_lit("{\"x\":1,\n\"a\":01}"), &fault),
        CLARITY_CONTEXT_BAD_JSON);
    assert_int_equal(fault.offset, 12);
    assert_int_equal(fault.line, 2);
    assert_int_equal(fault.column, 5);
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
    static const char kept[] =
        "{ \"x\": {\"a\":1}, \"a\" : 1.50 ,\"\\u0062\": [ 1,{ }],"
        "\"y\":[2], \"c\":\"\\u0041\\/\" ,\"X\":{\"x\":1,\"x\":2} }";

    (void) state;

    assert_int_equal(
        check("abc", keep, clarity_str(kept)), CLARITY_CONTEXT_VALID);
    text = clarity_context_text(checker, &buf);
    assert_ptr_equal(text.data, kept);
    assert_int_equal(text.len, sizeof(kept) - 1);

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
what_is_kept_comes_once(void **state)
{
    size_t i, n;
    clarity_buf_t buf = { 0 };
    static const struct {
        const char *more;
        const char *errors;
    } cases[] = {
        { ",\"x\":1,\"x\":2", "duplicate x" },
        { ",\"x\":1,\"y\":1,\"\\u0079\":1,\"x\":2,\"x\":2",
            "duplicate x; duplicate y" },
        { ",\"\":1,\"\":1", "duplicate " },
        { ",\"u7\":1", "duplicate u7" },
        { ",\"\\\"\\\\\":1,\"\\\"\\\\\":1", "duplicate \"\\" },
        { ",\"u999\":1,\"u0\":1,\"u999\":1,\"a\":1",
            "duplicate a; duplicate u0; duplicate u999" },
    };

    (void) state;

    /* With few of them and with many, which are looked for otherwise. */
    for (n = 8; n <= 1000; n += 992) {
        for (i = 0; i < COUNT(cases); i++) {

            if (n == 8 && strstr(cases[i].more, "u999") != NULL) {
                continue;
            }

            clarity_buf_reset(&buf);
            clarity_buf_addz(&buf, "{\"a\":1,\"b\":2,\"c\":3");
            for (size_t j = 0; j < n; j++) {
                clarity_buf_addf(&buf, ",\"u%zu\":0", j);
            }

            clarity_buf_addz(&buf, "}");
            assert_int_equal(check("abc", keep, clarity_buf_str(&buf)),
                CLARITY_CONTEXT_VALID);

            buf.len--;
            clarity_buf_addz(&buf, cases[i].more);
            clarity_buf_addz(&buf, "}");
            assert_int_equal(check("abc", keep, clarity_buf_str(&buf)),
                CLARITY_CONTEXT_FAULTY);
            assert_errors(cases[i].more, cases[i].errors);
        }
    }

    /* All of very many. */
    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "{\"a\":1,\"b\":2,\"c\":3");
    for (i = 0; i < 200000; i++) {
        clarity_buf_addf(&buf, ",\"%zx\":0", i % 100000 + 16);
    }
    clarity_buf_addz(&buf, "}");
    assert_int_equal(
        check("abc", keep, clarity_buf_str(&buf)), CLARITY_CONTEXT_FAULTY);
    assert_int_equal(clarity_context_nfaults(checker), 100000);

    clarity_buf_free(&buf);
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

    /* The notes of very many names, at each step of their growth. */
    clarity_buf_addz(&buf, "{\"a\":1,\"b\":2,\"c\":3");
    for (n = 0; n < 10000; n++) {
        clarity_buf_addf(&buf, ",\"u%zu\":0", n);
    }
    clarity_buf_addz(&buf, ",\"u9999\":0}");
    for (n = 0;; n++) {
        oom_after = n;
        status = clarity_context_check(fresh, &triggers->triggers[0], keep,
            clarity_buf_str(&buf), &fault);
        oom_after = -1;
        if (status != CLARITY_CONTEXT_NO_MEMORY) {
            break;
        }
    }
    assert_in_range(n, 5, 20);
    assert_int_equal(status, CLARITY_CONTEXT_FAULTY);
    assert_int_equal(clarity_context_nfaults(fresh), 1);
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
        cmocka_unit_test(
            what_is_not_json_is_told_as_such_whatever_else_is_wrong),
        cmocka_unit_test(any_order_takes_any_order_and_nothing_else),
        cmocka_unit_test(unknown_parameters_are_dropped_or_kept_as_asked),
        cmocka_unit_test(what_is_kept_comes_once),
        cmocka_unit_test(ten_megabytes_of_names_take_linear_time),
        cmocka_unit_test(a_check_leaves_nothing_for_the_next),
        cmocka_unit_test(a_valid_context_allocates_nothing),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(a_context_cut_off_anywhere_is_not_json),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
