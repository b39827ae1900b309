#include "worker/task.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/retry.h"
#include "worker/timer.h"

#define TRACEPARENT 55 /* bytes, of version 00: W3C Trace Context 3.2 */

static const clarity_action_t *current(const clarity_run_t *run);
static void add_step(clarity_fields_t *fields, const clarity_run_t *run,
    const clarity_step_record_t *step, clarity_str_t body);
static bool call(clarity_run_t *run);
static void fill_scope(const clarity_run_t *run, clarity_scope_t *scope);
static bool find_secret(void *data, clarity_str_t name, clarity_str_t *value);
static const char *traceparent(const clarity_run_t *run);
static void on_done(void *data, const clarity_attempt_t *attempt);
static bool end_attempt(clarity_run_t *run, const clarity_attempt_t *attempt);
static bool succeed(clarity_run_t *run, clarity_fields_t *fields,
    const clarity_attempt_t *attempt);
static void retry_later(
    clarity_run_t *run, clarity_fields_t *fields, uint64_t retry_after);
static void fail(clarity_run_t *run, clarity_fields_t *fields,
    const clarity_attempt_t *attempt);
static bool wait_until_next(clarity_run_t *run);
static void on_next(evutil_socket_t fd, short events, void *data);
static bool begin_again(clarity_run_t *run);
static void log_step(const clarity_run_t *run, clarity_log_level_t level,
    const char *event, const clarity_attempt_t *attempt);


void
clarity_run_begin(clarity_run_t *run, clarity_fields_t *fields)
{
    clarity_step_record_t *step;

    run->record.state = CLARITY_RUNNING;
    run->record.next = 0;
    run->record.reason = clarity_lit("");

    step = &run->steps[run->step];
    step->state = CLARITY_RUNNING;
    step->attempt++;
    step->started = clarity_time_ms();
    step->ended = 0;
    step->status = 0;
    step->reason = clarity_lit("");

    add_step(fields, run, step, clarity_lit(""));
}


bool
clarity_run_go_on(clarity_run_t *run)
{
    return run->record.state == CLARITY_WAITING ? wait_until_next(run)
                                                : call(run);
}


bool
clarity_run_wake(clarity_run_t *run)
{
    return run->record.state != CLARITY_WAITING
           || evtimer_pending(run->timer, NULL) || begin_again(run);
}


void
clarity_run_hold(clarity_run_t *run)
{
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

    if (run->transfer != NULL) {
        clarity_http_cancel(run->transfer);
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
    memset(run, 0, sizeof(*run));
}


static const clarity_action_t *
current(const clarity_run_t *run)
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


/* The intent is written: the effect may follow. */
static bool
call(clarity_run_t *run)
{
    char key[CLARITY_JOB_ID_MAX + 2 * CLARITY_WORKFLOW_ID_MAX + 3];
    clarity_error_t error;
    clarity_scope_t scope;
    clarity_attempt_t attempt = { 0 };
    clarity_http_call_t http_call = { 0 };
    const clarity_action_t *action;
    clarity_transfer_conf_t conf = { 0 };

    action = current(run);
    fill_scope(run, &scope);

    if (!clarity_http_call_render(
            &action->http, &scope, false, &http_call, &error))
    {
        clarity_http_call_free(&http_call);
        attempt.verdict = CLARITY_ATTEMPT_FAILED;
        snprintf(attempt.reason, sizeof(attempt.reason), "%.250s", error.text);
        return end_attempt(run, &attempt);
    }

    /* The same for every attempt, of whichever worker. */
    snprintf(key, sizeof(key), "%s:%s:%.*s", run->task->lease->delivery.id,
        run->id, clarity_fmt(action->id));

    conf.method = action->http.method;
    conf.call = &http_call;
    conf.timeout = action->http.timeout;
    conf.idempotency_key = key;
    conf.traceparent = traceparent(run);
    conf.done = on_done;
    conf.data = run;

    run->transfer = clarity_http_start(run->task->runner->conf.http, &conf);

    return run->transfer != NULL;
}


static void
fill_scope(const clarity_run_t *run, clarity_scope_t *scope)
{
    const clarity_task_t *task;
    const clarity_delivery_t *delivery;

    task = run->task;
    delivery = &task->lease->delivery;

    memset(scope, 0, sizeof(*scope));

    scope->context = task->context->root;
    scope->job_id = clarity_str(delivery->id);
    scope->job_trigger = delivery->job.trigger;
    scope->job_webhook = delivery->job.webhook;
    scope->job_received = delivery->job.received;
    scope->steps = run->results;
    scope->nsteps = run->step;
    scope->secret = find_secret;
    scope->data = (void *) run->workflow;
}


static bool
find_secret(void *data, clarity_str_t name, clarity_str_t *value)
{
    size_t i;
    const clarity_workflow_t *workflow = data;

    for (i = 0; i < workflow->nsecrets; i++) {
        if (clarity_str_eq(workflow->secrets[i].name, name)) {
            *value = clarity_str(workflow->secrets[i].value);
            return true;
        }
    }

    return false;
}


/*
 * NULL where there is none that can be passed on: it came from outside, and
 * must not bring a header of its own.
 */
static const char *
traceparent(const clarity_run_t *run)
{
    clarity_str_t text;

    text = run->task->lease->delivery.job.traceparent;

    if (text.len != TRACEPARENT
        || strspn(text.data, "0123456789abcdef-") != TRACEPARENT)
    {
        return NULL;
    }

    return text.data;
}


static void
on_done(void *data, const clarity_attempt_t *attempt)
{
    clarity_run_t *run = data;

    run->transfer = NULL;

    if (!end_attempt(run, attempt)) {
        clarity_lease_forget(run->task->lease);
    }
}


static bool
end_attempt(clarity_run_t *run, const clarity_attempt_t *attempt)
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
               && step->attempt < current(run)->retry.attempts)
    {
        log_step(run, CLARITY_LOG_WARN, "step_retried", attempt);
        retry_later(run, &fields, attempt->retry_after);

    } else {
        log_step(run, CLARITY_LOG_ERROR, "step_failed", attempt);
        fail(run, &fields, attempt);
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

    if (run->step < run->nsteps) {
        clarity_run_begin(run, fields);

    } else {
        run->record.state = CLARITY_SUCCEEDED;
    }

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
                       + clarity_retry_delay(&current(run)->retry,
                           step->attempt, retry_after, random);

    snprintf(
        run->reason, sizeof(run->reason), "%.*s", clarity_fmt(step->reason));
    run->record.reason = clarity_str(run->reason);

    add_step(fields, run, step, clarity_lit(""));

    /* The attempt's text ends with it, the run has a copy. */
    step->reason = run->record.reason;
}


static void
fail(clarity_run_t *run, clarity_fields_t *fields,
    const clarity_attempt_t *attempt)
{
    clarity_step_record_t *step;

    step = &run->steps[run->step];
    step->state = CLARITY_FAILED;

    add_step(fields, run, step, attempt->body);

    clarity_run_fail(run, "step \"%.*s\": %.150s",
        clarity_fmt(run->step_ids[run->step]), attempt->reason);

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

    if (clarity_lease_wake(lease) && !begin_again(run)) {
        clarity_lease_forget(lease);
    }
}


static bool
begin_again(clarity_run_t *run)
{
    bool good;
    clarity_fields_t fields = { 0 };

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
