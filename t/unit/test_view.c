#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "job/view.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STRINGS 24 /* of a reply, at most */

static const clarity_job_id_t id = { 0, 1732000000000, 3 };


static size_t
strings(const char *const *reply, clarity_str_t out[STRINGS])
{
    size_t n;

    for (n = 0; reply[n] != NULL; n++) {
        out[n] = clarity_str(reply[n]);
    }

    return n;
}


static clarity_view_status_t
view(const char *const *reply, clarity_buf_t *buf)
{
    clarity_str_t list[STRINGS];

    return clarity_view_write(buf, &id, list, strings(reply, list));
}


static void
assert_view(const char *const *reply, const char *expected)
{
    clarity_buf_t buf = { 0 };

    assert_int_equal(view(reply, &buf), CLARITY_VIEW_FOUND);
    clarity_buf_add(&buf, clarity_lit("\0"));
    assert_false(buf.failed);
    assert_string_equal(buf.data, expected);
    clarity_buf_free(&buf);
}


#define HEAD "{\"job_id\":\"0-1732000000000-3\""

static const char *const runs[] = { "gone", "run:b",
    "{\"state\":\"failed\",\"attempt\":2,\"digest\":\"d\",\"steps\":[\"x\","
    "\"y\"],\"reason\":\"x answered 400\"}",
    "step:b:x",
    "{\"state\":\"failed\",\"attempt\":3,\"started\":1732000001000,\"ended\":"
    "1732000001002,\"reason\":\"answered 400\",\"result\":{\"status\":400}}",
    "state", "failed", "run:a",
    "{\"state\":\"waiting\",\"attempt\":1,\"steps\":[\"x\",\"z\"],\"next\":"
    "1732000005000}",
    "step:a:z", "no record", "trigger", "t", "reason", "run b failed", NULL };


static void
a_job_without_a_hash_is_where_its_entry_is(void **state)
{
    static const char *const queued[] = { "queued", "trigger", "t", "webhook",
        "POST /\"x\"", "received", "1732000000123", NULL };
    static const char *const running[] = { "running", NULL };

    (void) state;

    assert_view(queued,
        HEAD ",\"trigger\":\"t\",\"webhook\":\"POST /\\\"x\\\"\",\"state\":"
             "\"queued\",\"reason\":null,\"received_at\":"
             "\"2024-11-19T07:06:40.123Z\",\"runs\":[]}\n");
    assert_view(running,
        HEAD ",\"trigger\":null,\"webhook\":null,\"state\":\"running\","
             "\"reason\":null,\"received_at\":null,\"runs\":[]}\n");
}


static void
runs_stand_in_the_order_of_their_names(void **state)
{
    (void) state;

    assert_view(runs, HEAD
        ",\"trigger\":\"t\",\"webhook\":null,\"state\":\"failed\",\"reason\":"
        "\"run b failed\",\"received_at\":null,\"runs\":["
        "{\"workflow\":\"a\",\"state\":\"waiting\",\"attempt\":1,\"reason\":"
        "null,\"next_at\":\"2024-11-19T07:06:45.000Z\",\"steps\":["
        "{\"id\":\"x\",\"state\":\"pending\",\"attempt\":0,\"reason\":null,"
        "\"started_at\":null,\"ended_at\":null},"
        "{\"id\":\"z\",\"state\":\"pending\",\"attempt\":0,\"reason\":null,"
        "\"started_at\":null,\"ended_at\":null}]},"
        "{\"workflow\":\"b\",\"state\":\"failed\",\"attempt\":2,\"reason\":"
        "\"x answered 400\",\"steps\":["
        "{\"id\":\"x\",\"state\":\"failed\",\"attempt\":3,\"status\":400,"
        "\"reason\":\"answered 400\",\"started_at\":"
        "\"2024-11-19T07:06:41.000Z\",\"ended_at\":\"2024-11-19T07:06:41.002Z"
        "\"},"
        "{\"id\":\"y\",\"state\":\"skipped\",\"attempt\":0,\"reason\":null,"
        "\"started_at\":null,\"ended_at\":null}]}]}\n");
}


static void
what_is_not_there_is_no_job(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    static const char *const none[][4] = {
        { NULL }, { "gone", NULL }, { "", NULL },
        { "gone", "trigger", "t", NULL },
        { "gone", "state", "no state", NULL },
        { "gone", "state", NULL }, /* a field without its value */
    };

    (void) state;

    for (i = 0; i < COUNT(none); i++) {
        assert_int_equal(view(none[i], &buf), CLARITY_VIEW_NONE);
    }

    clarity_buf_free(&buf);
}


static void
a_run_that_is_no_record_is_told(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    static const char *const bad[] = { "", "{", "{}", "[]",
        "{\"state\":\"x\"}", "{\"state\":1}" };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        const char *const reply[] = { "gone", "state", "failed", "run:a",
            bad[i], NULL };

        assert_int_equal(view(reply, &buf), CLARITY_VIEW_UNREADABLE);
    }

    clarity_buf_free(&buf);
}


static void
a_time_that_is_none_is_null(void **state)
{
    size_t i;
    static const char *const bad[] = { "", "0", "-1", "x", "1e3",
        "99999999999999999999999" };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        const char *const reply[] = { "queued", "received", bad[i], NULL };

        assert_view(reply,
            HEAD ",\"trigger\":null,\"webhook\":null,\"state\":\"queued\","
                 "\"reason\":null,\"received_at\":null,\"runs\":[]}\n");
    }
}


static void
fields_are_found_by_name(void **state)
{
    size_t n;
    clarity_str_t list[STRINGS];

    (void) state;

    n = strings(runs, list);
    assert_true(clarity_str_is(clarity_view_field(list, n, "trigger"), "t"));
    assert_int_equal(clarity_view_field(list, n, "t").len, 0);
    assert_int_equal(clarity_view_field(list, n, "gone").len, 0);
    assert_int_equal(clarity_view_field(list, 0, "trigger").len, 0);
}


static void
the_call_names_the_keys_of_the_job(void **state)
{
    clarity_view_call_t call;

    (void) state;

    clarity_view_call(&call, clarity_lit("p"), &id);

    assert_true(clarity_str_is(call.argv[0], "EVAL"));
    assert_true(clarity_str_is(call.argv[3], "{p:0}:jobs"));
    assert_true(clarity_str_is(call.argv[4], "{p:0}:job:0-1732000000000-3"));
    assert_true(clarity_str_is(call.argv[6], "1732000000000-3"));
}


static void
without_memory_it_says_so(void **state)
{
    long n;
    bool failed;
    clarity_view_status_t status;

    (void) state;
    OOM_OR_SKIP();

    failed = true;

    for (n = 0; failed; n++) {
        clarity_buf_t buf = { 0 };

        assert_in_range(n, 0, 200);

        oom_after = n;
        status = view(runs, &buf);
        oom_after = -1;

        failed = buf.failed || status != CLARITY_VIEW_FOUND;
        clarity_buf_free(&buf);
    }

    assert_in_range(n, 5, 200);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_without_a_hash_is_where_its_entry_is),
        cmocka_unit_test(runs_stand_in_the_order_of_their_names),
        cmocka_unit_test(what_is_not_there_is_no_job),
        cmocka_unit_test(a_run_that_is_no_record_is_told),
        cmocka_unit_test(a_time_that_is_none_is_null),
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(the_call_names_the_keys_of_the_job),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
