#include "worker/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conf/version.h"
#include "workflow/workflow.h"

#define RESULTS 3
#define BUCKETS 12

/* Upper bounds in ms; above the last one is +Inf. */
static const uint64_t bounds[BUCKETS] = { 5, 10, 25, 50, 100, 250, 500, 1000,
    2500, 10000, 30000, 120000 };

/* How an event of the log is counted; those of a name stand together. */
static const struct {
    const char *event;
    const char *name;
    const char *labels; /* NULL: none */
} counters[] = {
    { "job_started", "clarity_worker_jobs_begun_total", "how=\"new\"" },
    { "job_taken_over", "clarity_worker_jobs_begun_total",
        "how=\"taken_over\"" },
    { "job_succeeded", "clarity_worker_jobs_ended_total",
        "state=\"succeeded\"" },
    { "job_failed", "clarity_worker_jobs_ended_total", "state=\"failed\"" },
    { "job_cancelled", "clarity_worker_jobs_ended_total",
        "state=\"cancelled\"" },
    { CLARITY_NO_ACTIVE_WORKFLOW,
        "clarity_worker_jobs_no_active_workflow_total", NULL },
    { "job_delayed", "clarity_worker_jobs_delayed_total", NULL },
    { "job_released", "clarity_worker_jobs_released_total", NULL },
    { "job_left", "clarity_worker_jobs_left_total", NULL },
    { "lost_lease", "clarity_worker_lost_leases_total", NULL },
    { "trigger_unknown", "clarity_worker_triggers_unknown_total", NULL },
    { "redis_lost", "clarity_worker_redis_lost_total", NULL },
    { "reloaded", "clarity_worker_reloads_total", "result=\"done\"" },
    { "reload_failed", "clarity_worker_reload_errors_total", NULL },
    { "handler_stuck", "clarity_worker_handlers_stuck_total", NULL },
    { "handler_returned", "clarity_worker_handlers_returned_total", NULL },
    { "process_died", "clarity_worker_processes_died_total", NULL },
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

/* What the names mean. */
static const struct {
    const char *name;
    const char *help;
} helps[] = {
    { "clarity_worker_jobs_begun_total", "Jobs begun by this worker." },
    { "clarity_worker_jobs_ended_total", "Jobs that ended here, by state." },
    { "clarity_worker_jobs_no_active_workflow_total",
        "Jobs that succeeded with nothing to do." },
    { "clarity_worker_jobs_delayed_total",
        "Jobs that left the stream to wait." },
    { "clarity_worker_jobs_released_total",
        "Jobs let go of at a drain's end." },
    { "clarity_worker_jobs_left_total", "Jobs left for want of memory." },
    { "clarity_worker_lost_leases_total",
        "Jobs that turned out to be another worker's." },
    { "clarity_worker_triggers_unknown_total",
        "Jobs of triggers that this worker does not know." },
    { "clarity_worker_redis_lost_total", "Connections to Redis lost." },
    { "clarity_worker_reloads_total", "Reloads of the workflows." },
    { "clarity_worker_reload_errors_total",
        "Errors that kept the old workflows in service." },
    { "clarity_worker_handlers_stuck_total",
        "Calls of handlers given up that had not returned." },
    { "clarity_worker_handlers_returned_total",
        "Of those, calls that have returned since." },
    { "clarity_worker_processes_died_total",
        "Processes that ended and were started anew." },
};

static const struct {
    const char *name;
    const char *help;
    size_t offset;
    bool seconds; /* from ms */
} gauges_info[] = {
    { "clarity_worker_processes", "Processes that take jobs.",
        offsetof(clarity_gauges_t, processes), false },
    { "clarity_worker_jobs_held", "Jobs in hand, those that wait too.",
        offsetof(clarity_gauges_t, held), false },
    { "clarity_worker_slots_free", "How many more jobs may be taken.",
        offsetof(clarity_gauges_t, free_slots), false },
    { "clarity_worker_calls_active", "Calls and programs under way.",
        offsetof(clarity_gauges_t, calls), false },
    { "clarity_worker_calls_waiting", "Calls and programs in line for a host.",
        offsetof(clarity_gauges_t, calls_waiting), false },
    { "clarity_worker_consuming", "1: the connections that read jobs work.",
        offsetof(clarity_gauges_t, reading), false },
    { "clarity_worker_redis_connections",
        "Connections to Redis, of two a process.",
        offsetof(clarity_gauges_t, connected), false },
    { "clarity_worker_workflows", "Workflows in service.",
        offsetof(clarity_gauges_t, workflows), false },
    { "clarity_worker_triggers", "Triggers that are known.",
        offsetof(clarity_gauges_t, triggers), false },
    { "clarity_queue_depth", "Jobs that no worker has got yet.",
        offsetof(clarity_gauges_t, depth), false },
    { "clarity_queue_pending", "Jobs in the hands of any worker.",
        offsetof(clarity_gauges_t, pending), false },
    { "clarity_queue_delayed", "Jobs that wait for a time.",
        offsetof(clarity_gauges_t, delayed), false },
    { "clarity_queue_failed", "Jobs that have failed and are kept.",
        offsetof(clarity_gauges_t, failed), false },
    { "clarity_queue_oldest_seconds",
        "How long the oldest job that no worker has got waits.",
        offsetof(clarity_gauges_t, oldest), true },
};

/* Shared by processes, hence without a pointer: see clarity_metrics_create. */
typedef struct {
    char workflow[CLARITY_WORKFLOW_ID_MAX + 1];
    char step[CLARITY_WORKFLOW_ID_MAX + 1];
    uint64_t results[RESULTS];
    uint64_t buckets[BUCKETS + 1];
    uint64_t ms;
} clarity_step_metrics_t;

struct clarity_metrics_s {
    uint64_t counts[COUNTERS];
    uint64_t nsteps; /* a reader sees those below it whole */
    clarity_step_metrics_t steps[CLARITY_METRICS_STEPS + 1];
};

static clarity_step_metrics_t *find_step(
    clarity_metrics_t *metrics, const char *workflow, const char *step);
static void add(uint64_t *counter, uint64_t n);
static uint64_t get(const uint64_t *counter);
static void write_counters(
    const clarity_metrics_t *all, size_t n, clarity_buf_t *buf);
static void write_gauges(const clarity_gauges_t *gauges, clarity_buf_t *buf);
static clarity_step_metrics_t *sum_steps(
    const clarity_metrics_t *all, size_t n, size_t *nsteps);
static void sum_step(
    clarity_step_metrics_t *sum, const clarity_step_metrics_t *step);
static int by_name(const void *a, const void *b);
static void write_attempts(
    const clarity_step_metrics_t *steps, size_t n, clarity_buf_t *buf);
static void write_seconds(
    const clarity_step_metrics_t *steps, size_t n, clarity_buf_t *buf);
static void write_head(
    clarity_buf_t *buf, const char *name, const char *help, const char *type);


/* Zeroed, and no page of it is there before something is counted in it. */
clarity_metrics_t *
clarity_metrics_create(size_t n)
{
    void *all;

    all = mmap(NULL, n * sizeof(clarity_metrics_t), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return all != MAP_FAILED ? all : NULL;
}


void
clarity_metrics_free(clarity_metrics_t *all, size_t n)
{
    if (all != NULL) {
        (void) munmap(all, n * sizeof(clarity_metrics_t));
    }
}


clarity_metrics_t *
clarity_metrics_of(clarity_metrics_t *all, size_t i)
{
    return &all[i];
}


void
clarity_metrics_event(void *data, const char *event)
{
    size_t i;
    clarity_metrics_t *metrics = data;

    for (i = 0; i < COUNTERS; i++) {
        if (strcmp(counters[i].event, event) == 0) {
            add(&metrics->counts[i], 1);
            return;
        }
    }
}


void
clarity_metrics_attempt(clarity_metrics_t *metrics, const char *workflow,
    const char *step, clarity_metrics_result_t result, uint64_t ms)
{
    size_t i;
    clarity_step_metrics_t *found;

    found = find_step(metrics, workflow, step);

    add(&found->results[result], 1);
    add(&found->ms, ms);

    for (i = 0; i < BUCKETS && ms > bounds[i]; i++) {
        /* void */
    }

    add(&found->buckets[i], 1);
}


static clarity_step_metrics_t *
find_step(clarity_metrics_t *metrics, const char *workflow, const char *step)
{
    size_t i;
    clarity_step_metrics_t *found;

    for (i = 0; i < metrics->nsteps; i++) {
        found = &metrics->steps[i];

        if (strcmp(found->step, step) == 0
            && strcmp(found->workflow, workflow) == 0) {
            return found;
        }
    }

    if (metrics->nsteps >= CLARITY_METRICS_STEPS
        && strcmp(workflow, "_other") != 0)
    {
        return find_step(metrics, "_other", "_other");
    }

    found = &metrics->steps[metrics->nsteps];

    snprintf(found->workflow, sizeof(found->workflow), "%s", workflow);
    snprintf(found->step, sizeof(found->step), "%s", step);

    __atomic_store_n(&metrics->nsteps, metrics->nsteps + 1, __ATOMIC_RELEASE);

    return found;
}


/* One process writes, another may read. */
static void
add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}


static uint64_t
get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}


void
clarity_metrics_write(const clarity_metrics_t *all, size_t n,
    const clarity_gauges_t *gauges, clarity_buf_t *buf)
{
    size_t nsteps;
    clarity_step_metrics_t *steps;

    steps = sum_steps(all, n, &nsteps);

    if (steps == NULL) {
        buf->failed = true;
        return;
    }

    write_head(buf, "clarity_worker_info", "What runs here.", "gauge");
    clarity_buf_addz(
        buf, "clarity_worker_info{version=\"" CLARITY_VERSION "\"} 1\n");

    write_gauges(gauges, buf);
    write_counters(all, n, buf);
    write_attempts(steps, nsteps, buf);
    write_seconds(steps, nsteps, buf);

    free(steps);
}


static void
write_gauges(const clarity_gauges_t *gauges, clarity_buf_t *buf)
{
    size_t i;
    int64_t value;

    for (i = 0; i < sizeof(gauges_info) / sizeof(gauges_info[0]); i++) {
        memcpy(&value, (const char *) gauges + gauges_info[i].offset,
            sizeof(value));

        if (value < 0) {
            continue;
        }

        write_head(buf, gauges_info[i].name, gauges_info[i].help, "gauge");

        if (gauges_info[i].seconds) {
            clarity_buf_addf(buf, "%s %" PRId64 ".%03d\n", gauges_info[i].name,
                value / 1000, (int) (value % 1000));
        } else {
            clarity_buf_addf(
                buf, "%s %" PRId64 "\n", gauges_info[i].name, value);
        }
    }
}


static void
write_counters(const clarity_metrics_t *all, size_t n, clarity_buf_t *buf)
{
    size_t i, j;
    uint64_t count;

    for (i = 0; i < COUNTERS; i++) {
        for (j = 0; j < sizeof(helps) / sizeof(helps[0]); j++) {
            if (strcmp(helps[j].name, counters[i].name) == 0
                && (i == 0
                    || strcmp(counters[i - 1].name, counters[i].name) != 0))
            {
                write_head(buf, helps[j].name, helps[j].help, "counter");
            }
        }

        count = 0;

        for (j = 0; j < n; j++) {
            count += get(&all[j].counts[i]);
        }

        if (counters[i].labels != NULL) {
            clarity_buf_addf(buf, "%s{%s} %" PRIu64 "\n", counters[i].name,
                counters[i].labels, count);
        } else {
            clarity_buf_addf(buf, "%s %" PRIu64 "\n", counters[i].name, count);
        }
    }
}


/* NULL: out of memory. The caller frees it. */
static clarity_step_metrics_t *
sum_steps(const clarity_metrics_t *all, size_t n, size_t *nsteps)
{
    size_t i, count, counts, sums;
    clarity_step_metrics_t *steps;

    counts = 0;

    for (i = 0; i < n; i++) {
        counts += __atomic_load_n(&all[i].nsteps, __ATOMIC_ACQUIRE);
    }

    steps = calloc(counts + 1, sizeof(*steps));

    if (steps == NULL) {
        return NULL;
    }

    sums = 0;

    for (i = 0; i < n; i++) {
        count = __atomic_load_n(&all[i].nsteps, __ATOMIC_ACQUIRE);
        count = count < counts - sums ? count : counts - sums;

        memcpy(steps + sums, all[i].steps, count * sizeof(*steps));
        sums += count;
    }

    qsort(steps, sums, sizeof(*steps), by_name);

    *nsteps = 0;

    for (i = 0; i < sums; i++) {
        if (*nsteps > 0 && by_name(&steps[*nsteps - 1], &steps[i]) == 0) {
            sum_step(&steps[*nsteps - 1], &steps[i]);

        } else {
            steps[(*nsteps)++] = steps[i];
        }
    }

    return steps;
}


static void
sum_step(clarity_step_metrics_t *sum, const clarity_step_metrics_t *step)
{
    size_t i;

    for (i = 0; i < RESULTS; i++) {
        sum->results[i] += step->results[i];
    }

    for (i = 0; i <= BUCKETS; i++) {
        sum->buckets[i] += step->buckets[i];
    }

    sum->ms += step->ms;
}


static int
by_name(const void *a, const void *b)
{
    int order;
    const clarity_step_metrics_t *left = a, *right = b;

    order = strcmp(left->workflow, right->workflow);

    return order != 0 ? order : strcmp(left->step, right->step);
}


static void
write_attempts(
    const clarity_step_metrics_t *steps, size_t n, clarity_buf_t *buf)
{
    size_t i;
    const clarity_step_metrics_t *step;
    static const char *const names[RESULTS] = { "succeeded", "retried",
        "failed" };

    write_head(buf, "clarity_worker_attempts_total",
        "Attempts of steps, by what they came to.", "counter");

    for (step = steps; step < steps + n; step++) {
        for (i = 0; i < RESULTS; i++) {
            clarity_buf_addf(buf,
                "clarity_worker_attempts_total{workflow=\"%s\",step=\"%s\","
                "result=\"%s\"} %" PRIu64 "\n",
                step->workflow, step->step, names[i], step->results[i]);
        }
    }
}


static void
write_seconds(
    const clarity_step_metrics_t *steps, size_t n, clarity_buf_t *buf)
{
    size_t i;
    uint64_t sum;
    const clarity_step_metrics_t *step;

    write_head(buf, "clarity_worker_step_seconds",
        "How long attempts of steps took.", "histogram");

    for (step = steps; step < steps + n; step++) {
        sum = 0;

        for (i = 0; i <= BUCKETS; i++) {
            sum += step->buckets[i];

            clarity_buf_addf(buf,
                "clarity_worker_step_seconds_bucket{workflow=\"%s\","
                "step=\"%s\",le=\"",
                step->workflow, step->step);

            if (i < BUCKETS) {
                clarity_buf_addf(buf, "%g", (double) bounds[i] / 1000);
            } else {
                clarity_buf_addz(buf, "+Inf");
            }

            clarity_buf_addf(buf, "\"} %" PRIu64 "\n", sum);
        }

        clarity_buf_addf(buf,
            "clarity_worker_step_seconds_sum{workflow=\"%s\",step=\"%s\"} "
            "%" PRIu64 ".%03d\n",
            step->workflow, step->step, step->ms / 1000,
            (int) (step->ms % 1000));
        clarity_buf_addf(buf,
            "clarity_worker_step_seconds_count{workflow=\"%s\",step=\"%s\"} "
            "%" PRIu64 "\n",
            step->workflow, step->step, sum);
    }
}


static void
write_head(
    clarity_buf_t *buf, const char *name, const char *help, const char *type)
{
    clarity_buf_addf(
        buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}
