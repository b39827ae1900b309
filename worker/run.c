#include "worker/task.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/retry.h"
#include "worker/timer.h"

#define UNKNOWN                                                               \
    "its worker ended in the middle of it: its outcome is not known"

static void begin_attempt(clarity_run_t *run, clarity_fields_t *fields);
static bool pass_unknown(clarity_run_t *run, clarity_fields_t *fields);
static bool pass_delay(
    clarity_run_t *run, clarity_fields_t *fields, uint64_t due);
static void add_step(clarity_fields_t *fields, const clarity_run_t *run,
    const clarity_step_record_t *step, clarity_str_t body);
static bool succeed(clarity_run_t *run, clarity_fields_t *fields,
    const clarity_attempt_t *attempt);
static void retry_later(
    clarity_run_t *run, clarity_fields_t *fields, uint64_t retry_after);
static void fail(clarity_run_t *run, clarity_fields_t *fields,
    const char *reason, clarity_str_t body);
static bool wait_until_next(clarity_run_t *run);
static void on_next(evutil_socket_t fd, short events, void *data);
static bool begin_again(clarity_run_t *run);
static void log_step(const clarity_run_t *run, clarity_log_level_t level,
    const char *event, const clarity_attempt_t *attempt);


void
clarity_run_begin(clarity_run_t *run, clarity_fields_t *fields)
{
    uint64_t due;

    due = run->record.next;

    run->record.state = CLARITY_RUNNING;
    run->record.next = 0;
    run->record.reason = clarity_lit("");

    while (run->step < run->nsteps) {
        if (clarity_run_action(run)->type == CLARITY_ACTION_DELAY) {
            if (!pass_delay(run, fields, due)) {
                return;
            }

        } else if (run->steps[run->step].state != CLARITY_RUNNING
                   || !pass_unknown(run, fields))
        {
            if (run->record.state == CLARITY_RUNNING) {
                begin_attempt(run, fields);
            }

            return;
        }
    }

    run->record.state = CLARITY_SUCCEEDED;
}


static void
begin_attempt(clarity_run_t *run, clarity_fields_t *fields)
{
    clarity_step_record_t *step;

    step = &run->steps[run->step];
    step->state = CLARITY_RUNNING;
    step->attempt++;
    step->started = clarity_time_ms();
    step->ended = 0;
    step->status = 0;
    step->reason = clarity_lit("");

    add_step(fields, run, step, clarity_lit(""));
}


/*
 * The step had begun, and its result was never written: whether it had its
 * effect is not known, and the workflow says what that means. true: the next
 * step may begin. Else the run has failed, or the step is to be done again.
 */
static bool
pass_unknown(clarity_run_t *run, clarity_fields_t *fields)
{
    char id[CLARITY_WORKFLOW_ID_MAX + 1];
    clarity_step_record_t *step;
    clarity_unknown_outcome_t rule;
    static const char *const names[] = {
        [CLARITY_UNKNOWN_OUTCOME_RETRY] = "retry",
        [CLARITY_UNKNOWN_OUTCOME_SKIP] = "skip",
        [CLARITY_UNKNOWN_OUTCOME_FAIL] = "fail",
    };

    /* Its memo is written with its effect: where there is none it had none. */
    if (clarity_run_action(run)->type == CLARITY_ACTION_PUBLISH) {
        return false;
    }

    step = &run->steps[run->step];
    rule = clarity_run_action(run)->if_unknown;

    snprintf(id, sizeof(id), "%.*s", clarity_fmt(run->step_ids[run->step]));

    clarity_log(run->task->runner->conf.log, CLARITY_LOG_WARN, "step_unknown",
        "job=%s workflow=%s step=%s attempt=%u rule=%s",
        run->task->lease->delivery.id, run->id, id, step->attempt,
        names[rule]);

    if (rule == CLARITY_UNKNOWN_OUTCOME_RETRY) {
        return false;
    }

    step->ended = clarity_time_ms();

    if (rule == CLARITY_UNKNOWN_OUTCOME_FAIL) {
        fail(run, fields, UNKNOWN, clarity_lit(""));
        return false;
    }

    step->state = CLARITY_SKIPPED;
    step->reason = clarity_lit(UNKNOWN);
    add_step(fields, run, step, clarity_lit(""));
    run->results[run->step].id = run->step_ids[run->step];
    run->step++;

    return true;
}


/*
 * true: the next step may begin. due is when the one that waits already goes
 * on. A time that is not there is no reason to wait, and the step is skipped.
 */
static bool
pass_delay(clarity_run_t *run, clarity_fields_t *fields, uint64_t due)
{
    uint64_t now;
    clarity_error_t error;
    clarity_scope_t scope;
    clarity_step_record_t *step;
    clarity_when_result_t result;

    now = clarity_time_ms();
    step = &run->steps[run->step];
    result = CLARITY_WHEN_KNOWN;

    if (step->state != CLARITY_RUNNING) {
        step->attempt++;
        step->started = now;

        clarity_run_scope(run, &scope);
        result = clarity_when_find(
            &clarity_run_action(run)->when, &scope, now, &due, &error);
    }

    if (result == CLARITY_WHEN_KNOWN && due > now) {
        step->state = CLARITY_RUNNING;
        run->record.state = CLARITY_WAITING;
        run->record.next = due;
        add_step(fields, run, step, clarity_lit(""));
        return false;
    }

    step->ended = now;

    if (result == CLARITY_WHEN_FAULTY) {
        fail(run, fields, error.text, clarity_lit(""));
        return false;
    }

    step->state =
        result == CLARITY_WHEN_NEVER ? CLARITY_SKIPPED : CLARITY_SUCCEEDED;
    add_step(fields, run, step, clarity_lit(""));
    run->results[run->step].id = run->step_ids[run->step];
    run->step++;

    return true;
}


bool
clarity_run_go_on(clarity_run_t *run)
{
    return run->record.state == CLARITY_WAITING ? wait_until_next(run)
                                                : clarity_run_call(run);
}


bool
clarity_run_wake(clarity_run_t *run)
{
    return !run->due || begin_again(run);
}


void
clarity_run_take_back(clarity_run_t *run)
{
    clarity_step_record_t *step;

    if (run->record.state != CLARITY_RUNNING || run->steps == NULL
        || run->step == run->nsteps
        || run->steps[run->step].state != CLARITY_RUNNING)
    {
        return;
    }

    step = &run->steps[run->step];
    step->attempt--;

    if (step->attempt == 0) {
        step->started = 0;
    }
}


/*
 * Its outcome is known then: none. A call that has been made is left as it is.
 * A publish may be under way without a work, and needs no such note.
 */
void
clarity_run_let_go(clarity_run_t *run, clarity_fields_t *fields)
{
    clarity_step_record_t *step;

    if (run->record.state != CLARITY_RUNNING || run->steps == NULL
        || run->step == run->nsteps
        || run->steps[run->step].state != CLARITY_RUNNING
        || (run->work != NULL && !clarity_work_waits(run->work))
        || clarity_run_action(run)->type == CLARITY_ACTION_PUBLISH)
    {
        return;
    }

    clarity_run_take_back(run);

    step = &run->steps[run->step];
    step->state = CLARITY_PENDING;
    add_step(fields, run, step, clarity_lit(""));
}


void
clarity_run_cancel(clarity_run_t *run, clarity_fields_t *fields)
{
    clarity_step_record_t *step;

    clarity_run_hold(run);

    run->record.state = CLARITY_CANCELLED;
    run->record.next = 0;
    run->record.reason = clarity_lit(CLARITY_CANCELLED_REASON);

    if (run->step < run->nsteps && run->steps != NULL
        && run->steps[run->step].state != CLARITY_PENDING)
    {
        step = &run->steps[run->step];
        step->state = CLARITY_SKIPPED;
        step->ended = step->started != 0 ? clarity_time_ms() : 0;
        step->reason = run->record.reason;
        add_step(fields, run, step, clarity_lit(""));
    }
}


void
clarity_run_end_crashed(
    clarity_run_t *run, clarity_fields_t *fields, const char *reason)
{
    if (run->steps == NULL || run->step == run->nsteps) {
        clarity_run_fail(run, "%s", reason);
        return;
    }

    run->steps[run->step].ended = clarity_time_ms();
    fail(run, fields, reason, clarity_lit(""));
}


void
clarity_run_hold(clarity_run_t *run)
{
    run->due = false;

    if (run->timer != NULL) {
        evtimer_del(run->timer);
    }
}


void
clarity_run_fail(clarity_run_t *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(run->reason, sizeof(run->reason), format, args);
    va_end(args);

    run->record.state = CLARITY_FAILED;
    run->record.reason = clarity_str(run->reason);
    run->record.next = 0;
}


void
clarity_run_free(clarity_run_t *run)
{
    size_t i;

    if (run->work != NULL) {
        run->work->cancel(run->work);
    }

    if (run->timer != NULL) {
        event_free(run->timer);
    }

    for (i = 0; run->steps != NULL && i < run->nsteps; i++) {
        clarity_step_record_free(&run->steps[i]);
    }

    free(run->step_ids);
    free(run->steps);
    free(run->results);
    clarity_run_record_free(&run->record);
    clarity_workflows_drop(run->set);
    memset(run, 0, sizeof(*run));
}


const clarity_action_t *
clarity_run_action(const clarity_run_t *run)
{
    return &run->workflow->actions[run->step];
}


static void
add_step(clarity_fields_t *fields, const clarity_run_t *run,
    const clarity_step_record_t *step, clarity_str_t body)
{
    clarity_step_field(
        &fields->text, clarity_str(run->id), run->step_ids[step - run->steps]);
    clarity_fields_end(fields);

    clarity_step_write(&fields->text, step, body);
    clarity_fields_end(fields);
}


bool
clarity_run_end_attempt(clarity_run_t *run, const clarity_attempt_t *attempt)
{
    bool good;
    clarity_fields_t fields = { 0 };
    clarity_step_record_t *step;

    step = &run->steps[run->step];
    step->ended = clarity_time_ms();
    step->status = attempt->status;
    step->reason = clarity_str(attempt->reason);

    good = true;

    if (attempt->verdict == CLARITY_ATTEMPT_SUCCEEDED) {
        log_step(run, CLARITY_LOG_INFO, "step_succeeded", attempt);
        good = succeed(run, &fields, attempt);

    } else if (attempt->verdict == CLARITY_ATTEMPT_RETRY
               && step->attempt < clarity_run_action(run)->retry.attempts)
    {
        log_step(run, CLARITY_LOG_WARN, "step_retried", attempt);
        retry_later(run, &fields, attempt->retry_after);

    } else {
        log_step(run, CLARITY_LOG_ERROR, "step_failed", attempt);
        fail(run, &fields, attempt->reason, attempt->body);
    }

    good = good && clarity_task_write(run->task, run, &fields);

    clarity_fields_free(&fields);

    return good;
}


/*
 * What later steps see is read back from what is written: so it is the same
 * whether this worker goes on or another takes over.
 */
static bool
succeed(clarity_run_t *run, clarity_fields_t *fields,
    const clarity_attempt_t *attempt)
{
    bool good;
    clarity_buf_t text = { 0 };
    clarity_error_t error;
    clarity_step_record_t *step, ended;

    step = &run->steps[run->step];
    step->state = CLARITY_SUCCEEDED;

    clarity_step_write(&text, step, attempt->body);

    good = !text.failed
           && clarity_step_read(clarity_buf_str(&text), &ended, &error);

    clarity_buf_free(&text);

    if (!good) {
        return false;
    }

    add_step(fields, run, step, attempt->body);

    clarity_step_record_free(step);
    *step = ended;

    run->results[run->step].id = run->step_ids[run->step];
    run->results[run->step].result = step->result;
    run->step++;

    clarity_run_begin(run, fields);

    return true;
}


static void
retry_later(clarity_run_t *run, clarity_fields_t *fields, uint64_t retry_after)
{
    uint32_t random;
    clarity_step_record_t *step;

    step = &run->steps[run->step];
    step->state = CLARITY_PENDING;

    evutil_secure_rng_get_bytes(&random, sizeof(random));

    run->record.state = CLARITY_WAITING;
    run->record.next = step->ended
                       + clarity_retry_delay(&clarity_run_action(run)->retry,
                           step->attempt, retry_after, random);

    snprintf(
        run->reason, sizeof(run->reason), "%.*s", clarity_fmt(step->reason));
    run->record.reason = clarity_str(run->reason);

    add_step(fields, run, step, clarity_lit(""));

    /* The attempt's text ends with it, the run has a copy. */
    step->reason = run->record.reason;
}


static void
fail(clarity_run_t *run, clarity_fields_t *fields, const char *reason,
    clarity_str_t body)
{
    clarity_step_record_t *step;

    step = &run->steps[run->step];
    step->state = CLARITY_FAILED;

    /* Before the run's own text, which ends where its buffer does. */
    step->reason = clarity_str(reason);
    add_step(fields, run, step, body);

    clarity_run_fail(run, "step \"%.*s\": %.150s",
        clarity_fmt(run->step_ids[run->step]), reason);

    step->reason = run->record.reason;
}


static bool
wait_until_next(clarity_run_t *run)
{
    uint64_t now;

    if (run->timer == NULL) {
        run->timer = evtimer_new(run->task->runner->conf.base, on_next, run);
    }

    if (run->timer == NULL) {
        return false;
    }

    now = clarity_time_ms();

    clarity_timer_arm(
        run->timer, run->record.next > now ? run->record.next - now : 0);

    return true;
}


static void
on_next(evutil_socket_t fd, short events, void *data)
{
    clarity_run_t *run = data;
    clarity_lease_t *lease;

    (void) fd;
    (void) events;

    lease = run->task->lease;
    run->due = true;

    if (clarity_lease_wake(lease) && !begin_again(run)) {
        clarity_lease_forget(lease);
    }
}


static bool
begin_again(clarity_run_t *run)
{
    bool good;
    clarity_fields_t fields = { 0 };

    run->due = false;
    run->record.attempt++;
    clarity_run_begin(run, &fields);
    good = clarity_task_write(run->task, run, &fields);

    clarity_fields_free(&fields);

    return good;
}


static void
log_step(const clarity_run_t *run, clarity_log_level_t level,
    const char *event, const clarity_attempt_t *attempt)
{
    char id[CLARITY_WORKFLOW_ID_MAX + 1];
    const char *job;
    clarity_log_t *log;
    unsigned long long ms;
    const clarity_step_record_t *step;

    log = run->task->runner->conf.log;
    job = run->task->lease->delivery.id;
    step = &run->steps[run->step];
    ms = step->ended > step->started ? step->ended - step->started : 0;

    snprintf(id, sizeof(id), "%.*s", clarity_fmt(run->step_ids[run->step]));

    clarity_metrics_attempt(run->task->runner->conf.metrics, run->id, id,
        attempt->verdict == CLARITY_ATTEMPT_SUCCEEDED
            ? CLARITY_METRICS_SUCCEEDED
        : level == CLARITY_LOG_WARN ? CLARITY_METRICS_RETRIED
                                    : CLARITY_METRICS_FAILED,
        ms);

    if (attempt->verdict == CLARITY_ATTEMPT_SUCCEEDED) {
        clarity_log(log, level, event,
            "job=%s workflow=%s step=%s attempt=%u status=%u ms=%llu", job,
            run->id, id, step->attempt, attempt->status, ms);
        return;
    }

    clarity_log(log, level, event,
        "job=%s workflow=%s step=%s attempt=%u reason=%s ms=%llu", job,
        run->id, id, step->attempt, attempt->reason, ms);
}
