/* Runs and steps as a job's hash remembers them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/record.h"


static void
fields_are_named_and_taken_apart(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_str_t workflow, step;

    (void) state;

    clarity_run_field(&buf, clarity_lit("grant"));
    assert_true(clarity_str_is(clarity_buf_str(&buf), "run:grant"));
    assert_true(clarity_run_field_parse(clarity_buf_str(&buf), &workflow));
    assert_true(clarity_str_is(workflow, "grant"));

    clarity_buf_reset(&buf);
    clarity_step_field(&buf, clarity_lit("grant"), clarity_lit("tell"));
    assert_true(clarity_str_is(clarity_buf_str(&buf), "step:grant:tell"));
    assert_true(
        clarity_step_field_parse(clarity_buf_str(&buf), &workflow, &step));
    assert_true(clarity_str_is(workflow, "grant"));
    assert_true(clarity_str_is(step, "tell"));

    clarity_buf_free(&buf);
}


static void
other_fields_are_neither(void **state)
{
    size_t i;
    clarity_str_t workflow, step;
    static const char *const fields[] = { "", "run", "run:", "step",
        "step:", "step:a", "step::a", "step:a:", "state", "steps:a:b",
        "xrun:a" };

    (void) state;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        assert_false(
            clarity_run_field_parse(clarity_str(fields[i]), &workflow));
        assert_false(clarity_step_field_parse(
            clarity_str(fields[i]), &workflow, &step));
    }
}


static void
a_run_is_read_as_it_was_written(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_run_record_t run = { 0 }, read;
    clarity_str_t steps[] = { clarity_lit("revoke"), clarity_lit("tell") };

    (void) state;

    run.state = CLARITY_WAITING;
    run.attempt = 3;
    run.digest = clarity_lit("0123456789abcdef");
    run.next = UINT64_C(1732000000123);
    run.reason = clarity_lit("answered \"503\"");

    clarity_run_write(&buf, &run, steps, 2);
    assert_true(clarity_str_is(clarity_buf_str(&buf),
        "{\"state\":\"waiting\",\"attempt\":3,\"digest\":\"0123456789abcdef\","
        "\"steps\":[\"revoke\",\"tell\"],\"next\":1732000000123,"
        "\"reason\":\"answered \\\"503\\\"\"}"));

    assert_true(clarity_run_read(clarity_buf_str(&buf), &read, &error));
    assert_int_equal(read.state, CLARITY_WAITING);
    assert_int_equal(read.attempt, 3);
    assert_int_equal(read.next, UINT64_C(1732000000123));
    assert_true(clarity_str_eq(read.digest, run.digest));
    assert_true(clarity_str_eq(read.reason, run.reason));
    assert_int_equal(read.steps->count, 2);

    clarity_run_record_free(&read);
    clarity_buf_free(&buf);
}


static void
a_step_keeps_the_answer(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    const clarity_json_t *body;
    clarity_step_record_t step = { 0 }, read;
    static const struct {
        clarity_str_t body;
        const char *kept; /* as JSON */
    } cases[] = {
        { clarity_lit(""), "null" },
        { clarity_lit("{\"n\":1.50}"), "{\"n\":1.50}" },
        { clarity_lit(" [1, 2] "), "[1, 2]" },
        { clarity_lit("17"), "17" },
        { clarity_lit("ok"), "\"ok\"" },
        { clarity_lit("{\"n\":"), "\"{\\\"n\\\":\"" },
        { clarity_lit("a\0b"), "\"a\\u0000b\"" },
        { clarity_lit("\xc3\xa4"), "\"\xc3\xa4\"" },
        { clarity_lit("\xff"), "null" },
        { clarity_lit("\"\xff\""), "null" },
        { clarity_lit("\xed\xa0\x80"), "null" },
    };

    (void) state;

    step.state = CLARITY_SUCCEEDED;
    step.attempt = 1;
    step.started = 5;
    step.ended = 7;
    step.status = 201;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clarity_buf_reset(&buf);
        clarity_step_write(&buf, &step, cases[i].body);

        assert_true(clarity_step_read(clarity_buf_str(&buf), &read, &error));
        assert_int_equal(read.state, CLARITY_SUCCEEDED);
        assert_int_equal(read.attempt, 1);
        assert_int_equal(read.started, 5);
        assert_int_equal(read.ended, 7);
        assert_int_equal(read.status, 201);

        body = clarity_json_get(read.result, clarity_lit("body"));

        if (!clarity_str_is(body->raw, cases[i].kept)) {
            fail_msg("case %zu: %.*s", i, clarity_fmt(body->raw));
        }

        clarity_step_record_free(&read);
    }

    clarity_buf_free(&buf);
}


/* An answer may nest as deep as JSON may; its record is two levels deeper. */
static void
a_record_can_be_read_however_deep_the_answer(void **state)
{
    size_t depth;
    char body[2 * CLARITY_JSON_MAX_DEPTH + 4];
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_kind_t kind;
    clarity_step_record_t step = { .status = 200 }, read;

    (void) state;

    for (depth = 100; depth <= CLARITY_JSON_MAX_DEPTH + 1; depth++) {
        memset(body, '[', depth);
        memset(body + depth, ']', depth);

        clarity_buf_reset(&buf);
        clarity_step_write(&buf, &step, (clarity_str_t){ body, 2 * depth });

        assert_true(clarity_step_read(clarity_buf_str(&buf), &read, &error));

        kind = clarity_json_get(read.result, clarity_lit("body"))->kind;
        assert_int_equal(kind, depth <= CLARITY_JSON_MAX_DEPTH - 2
                                   ? CLARITY_ARRAY
                                   : CLARITY_STRING);

        clarity_step_record_free(&read);
    }

    clarity_buf_free(&buf);
}


static void
a_long_answer_is_not_kept(void **state)
{
    char *body;
    size_t len;
    clarity_buf_t buf = { 0 };
    clarity_step_record_t step = { .status = 200 };

    (void) state;

    body = test_malloc(CLARITY_BODY_KEPT + 1);
    memset(body, '1', CLARITY_BODY_KEPT + 1);

    clarity_step_write(
        &buf, &step, (clarity_str_t){ body, CLARITY_BODY_KEPT });
    len = buf.len;
    assert_true(len > CLARITY_BODY_KEPT);

    clarity_buf_reset(&buf);
    clarity_step_write(
        &buf, &step, (clarity_str_t){ body, CLARITY_BODY_KEPT + 1 });
    assert_true(buf.len < 200);
    clarity_buf_add(&buf, (clarity_str_t){ "", 1 });
    assert_non_null(strstr(buf.data, "\"body\":null,\"body_dropped\":65537"));

    test_free(body);
    clarity_buf_free(&buf);
}


static void
what_is_no_record_is_refused(void **state)
{
    size_t i, n;
    clarity_error_t error;
    clarity_run_record_t run;
    clarity_step_record_t step;
    static const char *const texts[] = { "", "{}", "[]", "null",
        "{\"state\":\"\"}", "{\"state\":1}", "{\"state\":\"done\"}" };
    static const char whole[] =
        "{\"state\":\"failed\",\"attempt\":1,\"result\":{\"status\":404}}";

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(clarity_run_read(clarity_str(texts[i]), &run, &error));
        assert_false(clarity_step_read(clarity_str(texts[i]), &step, &error));
        clarity_run_record_free(&run);
        clarity_step_record_free(&step);
    }

    for (n = 0; n < sizeof(whole) - 1; n++) {
        assert_false(
            clarity_step_read((clarity_str_t){ whole, n }, &step, &error));
        clarity_step_record_free(&step);
    }

    assert_true(clarity_step_read(clarity_str(whole), &step, &error));
    assert_int_equal(step.status, 404);
    clarity_step_record_free(&step);
}


/* A later version may write more, somebody else may write nonsense. */
static void
members_of_other_kinds_are_passed_over(void **state)
{
    clarity_error_t error;
    clarity_run_record_t run;
    clarity_step_record_t step;

    (void) state;

    assert_true(clarity_run_read(
        clarity_lit("{\"state\":\"running\",\"attempt\":-1,\"next\":\"x\","
                    "\"digest\":{},\"reason\":null,\"more\":[]}"),
        &run, &error));
    assert_int_equal(run.attempt, 0);
    assert_int_equal(run.next, 0);
    assert_int_equal(run.digest.len, 0);
    assert_int_equal(run.reason.len, 0);
    clarity_run_record_free(&run);

    assert_true(clarity_step_read(
        clarity_lit("{\"state\":\"failed\",\"attempt\":4294967296,"
                    "\"result\":[1]}"),
        &step, &error));
    assert_int_equal(step.attempt, 0);
    assert_int_equal(step.status, 0);
    clarity_step_record_free(&step);
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_named_and_taken_apart),
        cmocka_unit_test(other_fields_are_neither),
        cmocka_unit_test(a_run_is_read_as_it_was_written),
        cmocka_unit_test(a_step_keeps_the_answer),
        cmocka_unit_test(a_record_can_be_read_however_deep_the_answer),
        cmocka_unit_test(a_long_answer_is_not_kept),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(members_of_other_kinds_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
