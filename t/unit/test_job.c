/* A job and the fields of its stream entry. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "job/enqueue.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const clarity_job_t full = {
    .trigger = { "t", 1 },
    .webhook = { "POST /w", 7 },
    .context = { "{\"a\":\0}", 7 },
    .received = { "1732000000000", 13 },
    .request = { "abc", 3 },
    .traceparent = { "00-x", 4 },
    .addr = { "::1", 3 },
    .job = { "0-1-2", 5 },
};


static void
assert_words(const clarity_str_t *argv, size_t argc, const char *const *words)
{
    size_t i;

    for (i = 0; i < argc; i++) {
        assert_non_null(words[i]);

        if (!clarity_str_is(argv[i], words[i])) {
            fail_msg("word %zu is \"%.*s\", not \"%s\"", i,
                clarity_fmt(argv[i]), words[i]);
        }
    }

    assert_null(words[argc]);
}


static void
xadd_has_what_the_job_has(void **state)
{
    clarity_job_t job = full;
    clarity_str_t argv[CLARITY_JOB_MAX_ARGS];

    static const char *const all[] = { "XADD", "{c:0}:jobs", "*", "trigger",
        "t", "webhook", "POST /w", "context", "{}", "received",
        "1732000000000", "request", "abc", "traceparent", "00-x", "addr",
        "::1", "job", "0-1-2", NULL };
    static const char *const required[] = { "XADD", "k", "*", "trigger", "t",
        "webhook", "POST /w", "context", "{}", "received", "1732000000000",
        "request", "abc", NULL };

    (void) state;

    job.context = clarity_lit("{}");
    assert_int_equal(N(all) - 1, CLARITY_JOB_MAX_ARGS);
    assert_words(
        argv, clarity_job_xadd(&job, clarity_lit("{c:0}:jobs"), argv), all);

    job.traceparent.len = job.addr.len = job.job.len = 0;
    assert_words(
        argv, clarity_job_xadd(&job, clarity_lit("k"), argv), required);
}


/* By its name, or where Redis has not got it, whole. */
static void
a_job_with_a_key_goes_through_the_script(void **state)
{
    size_t argc;
    clarity_job_t job = full;
    clarity_enqueue_t enqueue = {
        .stream = clarity_lit("{c:0}:jobs"),
        .key = clarity_lit("{c:0}:idem:k"),
        .window = clarity_lit("1000"),
        .body = clarity_lit("digest"),
        .sha = clarity_lit("0123abcd"),
    };
    clarity_str_t argv[CLARITY_ENQUEUE_MAX_ARGS];

    static const char *const by_sha[] = { "EVALSHA", "0123abcd", "2",
        "{c:0}:jobs", "{c:0}:idem:k", "1000", "digest", "trigger", "t",
        "webhook", "POST /w", "context", "{}", "received", "1732000000000",
        "request", "abc", "traceparent", "00-x", "addr", "::1", "job", "0-1-2",
        NULL };

    (void) state;

    job.context = clarity_lit("{}");
    argc = clarity_job_enqueue(&job, &enqueue, argv);
    assert_int_equal(argc, CLARITY_ENQUEUE_MAX_ARGS);
    assert_words(argv, argc, by_sha);

    enqueue.sha.len = 0;
    assert_int_equal(clarity_job_enqueue(&job, &enqueue, argv), argc);
    assert_true(clarity_str_is(argv[0], "EVAL"));
    assert_true(clarity_str_is(argv[1], clarity_script_enqueue.lua));
    assert_words(argv + 2, argc - 2, by_sha + 2);
}


static void
what_xadd_wrote_is_read_again(void **state)
{
    size_t argc;
    clarity_job_t job;
    clarity_str_t argv[CLARITY_JOB_MAX_ARGS];

    (void) state;

    argc = clarity_job_xadd(&full, clarity_lit("k"), argv);
    assert_null(clarity_job_from_fields(argv + 3, argc - 3, &job));
    assert_true(clarity_str_eq(job.trigger, full.trigger));
    assert_true(clarity_str_eq(job.webhook, full.webhook));
    assert_true(clarity_str_eq(job.context, full.context));
    assert_true(clarity_str_eq(job.received, full.received));
    assert_true(clarity_str_eq(job.request, full.request));
    assert_true(clarity_str_eq(job.traceparent, full.traceparent));
    assert_true(clarity_str_eq(job.addr, full.addr));
    assert_true(clarity_str_eq(job.job, full.job));

    /* The bytes are the entry's own. */
    assert_ptr_equal(job.context.data, full.context.data);
}


static void
order_does_not_matter_and_unknown_fields_are_passed_over(void **state)
{
    clarity_job_t job;
    clarity_str_t fields[] = {
        clarity_lit("request"),
        clarity_lit("r"),
        clarity_lit("newer"),
        clarity_lit("x"),
        clarity_lit("newer"),
        clarity_lit("y"),
        clarity_lit("received"),
        clarity_lit("0"),
        clarity_lit("context"),
        clarity_lit("{}"),
        clarity_lit("webhook"),
        clarity_lit("w"),
        clarity_lit(""),
        clarity_lit("trigger"),
        clarity_lit("trigger"),
        clarity_lit("t"),
    };

    (void) state;

    assert_null(clarity_job_from_fields(fields, N(fields), &job));
    assert_true(clarity_str_is(job.trigger, "t"));
    assert_int_equal(job.traceparent.len, 0);
    assert_int_equal(job.addr.len, 0);
    assert_int_equal(job.job.len, 0);
}


static void
what_is_no_job_is_refused_with_the_reason(void **state)
{
    size_t i, k, n;
    const char *reason;
    clarity_job_t job;
    clarity_str_t fields[20];

    static const struct {
        const char *reason;
        const char *words[20];
    } cases[] = {
        { "has no field \"trigger\"", { NULL } },
        { "has no field \"trigger\"", { "webhook", "w", "context", "{}",
                                          "received", "1", "request", "r" } },
        { "has no field \"trigger\"",
            { "trigger", "", "webhook", "w", "context", "{}", "received", "1",
                "request", "r" } },
        { "has no field \"trigger\"",
            { "Trigger", "t", "webhook", "w", "context", "{}", "received", "1",
                "request", "r" } },
        { "has no field \"webhook\"", { "trigger", "t", "context", "{}",
                                          "received", "1", "request", "r" } },
        { "has no field \"context\"", { "trigger", "t", "webhook", "w",
                                          "received", "1", "request", "r" } },
        { "has no field \"received\"", { "trigger", "t", "webhook", "w",
                                           "context", "{}", "request", "r" } },
        { "has no field \"request\"", { "trigger", "t", "webhook", "w",
                                          "context", "{}", "received", "1" } },
        { "has a field without a value",
            { "trigger", "t", "webhook", "w", "context", "{}", "received", "1",
                "request" } },
        { "has the same field twice",
            { "trigger", "t", "webhook", "w", "context", "{}", "received", "1",
                "request", "r", "trigger", "t" } },
        { "has the same field twice",
            { "addr", "", "addr", "x", "trigger", "t", "webhook", "w",
                "context", "{}", "received", "1", "request", "r" } },
        { "has a field \"received\" that is not ms since 1970",
            { "trigger", "t", "webhook", "w", "context", "{}", "received",
                "now", "request", "r" } },
        { "has a field \"received\" that is not ms since 1970",
            { "trigger", "t", "webhook", "w", "context", "{}", "received",
                "123456789012345678901", "request", "r" } },
        { "has a field \"job\" that is no job id",
            { "trigger", "t", "webhook", "w", "context", "{}", "received", "1",
                "request", "r", "job", "1-2" } },
    };

    (void) state;

    for (i = 0; i < N(cases); i++) {
        for (n = 0; cases[i].words[n] != NULL; n++) {
            fields[n] = clarity_str(cases[i].words[n]);
        }

        reason = clarity_job_from_fields(fields, n, &job);

        if (reason == NULL) {
            fail_msg("case %zu was taken", i);
        }

        assert_string_equal(reason, cases[i].reason);
    }

    /* Cut short anywhere. */
    n = clarity_job_xadd(&full, clarity_lit("k"), fields);

    for (k = 0; k < 10; k++) {
        assert_non_null(clarity_job_from_fields(fields + 3, k, &job));
    }
}


static void
names_and_values_may_be_of_any_size(void **state)
{
    char *big;
    size_t argc;
    clarity_job_t job = full;
    clarity_str_t argv[CLARITY_JOB_MAX_ARGS];
    const size_t size = 10 * 1024 * 1024;

    (void) state;

    big = malloc(size);
    assert_non_null(big);
    memset(big, '1', size);

    job.context = (clarity_str_t){ big, size };
    argc = clarity_job_xadd(&job, clarity_lit("k"), argv);
    assert_null(clarity_job_from_fields(argv + 3, argc - 3, &job));
    assert_int_equal(job.context.len, size);

    argv[3] = job.context;
    assert_string_equal(clarity_job_from_fields(argv + 3, argc - 3, &job),
        "has no field \"trigger\"");

    argv[3] = clarity_lit("trigger");
    argv[10] = (clarity_str_t){ big, size };
    assert_string_equal(clarity_job_from_fields(argv + 3, argc - 3, &job),
        "has a field \"received\" that is not ms since 1970");

    free(big);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xadd_has_what_the_job_has),
        cmocka_unit_test(a_job_with_a_key_goes_through_the_script),
        cmocka_unit_test(what_xadd_wrote_is_read_again),
        cmocka_unit_test(
            order_does_not_matter_and_unknown_fields_are_passed_over),
        cmocka_unit_test(what_is_no_job_is_refused_with_the_reason),
        cmocka_unit_test(names_and_values_may_be_of_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
