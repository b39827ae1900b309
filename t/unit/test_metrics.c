/* What the worker counts, as text. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "worker/metrics.c"


static void
assert_has(const clarity_buf_t *buf, const char *line, bool has)
{
    bool found;

    found = strstr(buf->data, line) != NULL;

    if (found != has) {
        fail_msg("%s \"%s\"", has ? "no" : "there is a", line);
    }
}


static void
write_all(clarity_metrics_t *metrics, const clarity_gauges_t *gauges,
    clarity_buf_t *buf)
{
    clarity_metrics_write(metrics, 1, gauges, buf);
    clarity_buf_add(buf, (clarity_str_t){ "", 1 });
    assert_false(buf->failed);
}


static void
what_is_not_known_is_left_out(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_gauges_t gauges;
    clarity_metrics_t *metrics;

    (void) state;

    memset(&gauges, 0xff, sizeof(gauges));
    gauges.delayed = 0;
    gauges.oldest = 61007;

    metrics = clarity_metrics_create(1);
    assert_non_null(metrics);
    write_all(metrics, &gauges, &buf);

    assert_has(&buf, "\nclarity_queue_delayed 0\n", true);
    assert_has(&buf, "\nclarity_queue_oldest_seconds 61.007\n", true);
    assert_has(&buf, "clarity_queue_depth", false);

    clarity_buf_free(&buf);
    clarity_metrics_free(metrics, 1);
}


static void
attempts_fall_into_their_buckets(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_gauges_t gauges = { 0 };
    clarity_metrics_t *metrics;

    (void) state;

    metrics = clarity_metrics_create(1);
    clarity_metrics_attempt(metrics, "w", "s", CLARITY_METRICS_SUCCEEDED, 5);
    clarity_metrics_attempt(metrics, "w", "s", CLARITY_METRICS_RETRIED, 6);
    clarity_metrics_attempt(metrics, "w", "s", CLARITY_METRICS_FAILED, 999999);
    write_all(metrics, &gauges, &buf);

    assert_has(&buf, "{workflow=\"w\",step=\"s\",le=\"0.005\"} 1\n", true);
    assert_has(&buf, "{workflow=\"w\",step=\"s\",le=\"0.01\"} 2\n", true);
    assert_has(&buf, "{workflow=\"w\",step=\"s\",le=\"120\"} 2\n", true);
    assert_has(&buf, "{workflow=\"w\",step=\"s\",le=\"+Inf\"} 3\n", true);
    assert_has(&buf, "_sum{workflow=\"w\",step=\"s\"} 1000.010\n", true);
    assert_has(
        &buf, "{workflow=\"w\",step=\"s\",result=\"failed\"} 1\n", true);

    clarity_buf_free(&buf);
    clarity_metrics_free(metrics, 1);
}


static void
steps_beyond_the_bound_are_one(void **state)
{
    unsigned i;
    char name[32];
    clarity_buf_t buf = { 0 };
    clarity_gauges_t gauges = { 0 };
    clarity_metrics_t *metrics;

    (void) state;

    metrics = clarity_metrics_create(1);

    for (i = 0; i < CLARITY_METRICS_STEPS + 3; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        clarity_metrics_attempt(
            metrics, "w", name, CLARITY_METRICS_SUCCEEDED, 1);
    }

    clarity_metrics_attempt(metrics, "w", "s0", CLARITY_METRICS_SUCCEEDED, 1);
    write_all(metrics, &gauges, &buf);

    assert_has(&buf, "step=\"s999\"", true);
    assert_has(&buf, "step=\"s1000\"", false);
    assert_has(&buf,
        "{workflow=\"_other\",step=\"_other\",result=\"succeeded\"} 3\n",
        true);
    assert_has(
        &buf, "{workflow=\"w\",step=\"s0\",result=\"succeeded\"} 2\n", true);

    clarity_buf_free(&buf);
    clarity_metrics_free(metrics, 1);
}


static void
events_are_counted_by_name(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_gauges_t gauges = { 0 };
    clarity_metrics_t *metrics;

    (void) state;

    metrics = clarity_metrics_create(1);
    clarity_metrics_event(metrics, "job_failed");
    clarity_metrics_event(metrics, "lost_lease");
    clarity_metrics_event(metrics, "lost_lease");
    clarity_metrics_event(metrics, "of no counter");
    write_all(metrics, &gauges, &buf);

    assert_has(
        &buf, "clarity_worker_jobs_ended_total{state=\"failed\"} 1\n", true);
    assert_has(&buf, "\nclarity_worker_lost_leases_total 2\n", true);

    clarity_buf_free(&buf);
    clarity_metrics_free(metrics, 1);
}


static void
processes_are_summed(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_gauges_t gauges = { 0 };
    clarity_metrics_t *all, *first, *second;

    (void) state;

    all = clarity_metrics_create(2);
    first = clarity_metrics_of(all, 0);
    second = clarity_metrics_of(all, 1);

    clarity_metrics_event(first, "job_failed");
    clarity_metrics_event(second, "job_failed");
    clarity_metrics_attempt(first, "w", "b", CLARITY_METRICS_SUCCEEDED, 7);
    clarity_metrics_attempt(first, "w", "a", CLARITY_METRICS_SUCCEEDED, 1);
    clarity_metrics_attempt(second, "w", "a", CLARITY_METRICS_SUCCEEDED, 2);
    clarity_metrics_attempt(second, "w", "c", CLARITY_METRICS_RETRIED, 1);

    clarity_metrics_write(all, 2, &gauges, &buf);
    clarity_buf_add(&buf, (clarity_str_t){ "", 1 });
    assert_false(buf.failed);

    assert_has(
        &buf, "clarity_worker_jobs_ended_total{state=\"failed\"} 2\n", true);
    assert_has(&buf, "_count{workflow=\"w\",step=\"a\"} 2\n", true);
    assert_has(&buf, "_sum{workflow=\"w\",step=\"a\"} 0.003\n", true);
    assert_has(&buf, "_count{workflow=\"w\",step=\"b\"} 1\n", true);
    assert_has(
        &buf, "{workflow=\"w\",step=\"c\",result=\"retried\"} 1\n", true);

    clarity_buf_free(&buf);
    clarity_metrics_free(all, 2);
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(attempts_fall_into_their_buckets),
        cmocka_unit_test(steps_beyond_the_bound_are_one),
        cmocka_unit_test(events_are_counted_by_name),
        cmocka_unit_test(processes_are_summed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
