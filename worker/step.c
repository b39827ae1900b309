#include "worker/task.h"

#include <stdio.h>

#include "job/publish_script.h"
#include "worker/kill_point.h"
#include "worker/timer.h"
#include "workflow/trace.h"


#define KEY_MAX (CLARITY_JOB_ID_MAX + 2 * CLARITY_WORKFLOW_ID_MAX + 3)

static bool prove(clarity_run_t *run);
static bool call_http(clarity_run_t *run, const clarity_scope_t *scope);
static bool call_exec(clarity_run_t *run, const clarity_scope_t *scope);
static bool call_custom(clarity_run_t *run, const clarity_scope_t *scope);
static bool call_publish(clarity_run_t *run, const clarity_scope_t *scope);
static bool leave_to_others(clarity_run_t *run);
static bool give_publish(clarity_run_t *run, const clarity_strings_t *strings);
static void on_published(void *data, int reply);
static bool refuse(clarity_run_t *run, const clarity_error_t *error);
static void make_key(const clarity_run_t *run, char key[KEY_MAX]);
static bool find_secret(void *data, clarity_str_t name, clarity_str_t *value);
static const char *traceparent(const clarity_run_t *run);
static void on_done(void *data, const clarity_attempt_t *attempt);


/* The intent is written: the effect may follow. */
bool
clarity_run_call(clarity_run_t *run)
{
    clarity_scope_t scope;

    if (!clarity_lease_is_sure(run->task->lease)) {
        return prove(run);
    }

    clarity_run_scope(run, &scope);

    switch (clarity_run_action(run)->type) {

    case CLARITY_ACTION_EXEC: return call_exec(run, &scope);

    case CLARITY_ACTION_PUBLISH: return call_publish(run, &scope);

    case CLARITY_ACTION_CUSTOM: return call_custom(run, &scope);

    default: return call_http(run, &scope);
    }
}


/*
 * The intent was written in time, but that was told late: this process was
 * stopped, or Redis was away, and perhaps another worker does the step by now.
 * What is written once more, behind a heartbeat, tells whether one does.
 */
static bool
prove(clarity_run_t *run)
{
    bool good;
    clarity_fields_t fields = { 0 };

    clarity_leases_renew(run->task->lease->leases);
    good = clarity_task_write(run->task, run, &fields);

    clarity_fields_free(&fields);

    return good;
}


static bool
call_http(clarity_run_t *run, const clarity_scope_t *scope)
{
    char key[KEY_MAX], trace[CLARITY_TRACEPARENT + 1];
    clarity_error_t error;
    clarity_http_call_t call = { 0 };
    const clarity_action_t *action;
    clarity_transfer_conf_t conf = { 0 };

    action = clarity_run_action(run);

    if (!clarity_http_call_render(&action->http, scope, false, &call, &error))
    {
        clarity_http_call_free(&call);
        return refuse(run, &error);
    }

    make_key(run, key);

    if (!clarity_trace(run->task->lease->delivery.job.traceparent,
            clarity_str(run->task->lease->delivery.id), clarity_str(key),
            trace))
    {
        clarity_http_call_free(&call);
        return false;
    }

    conf.method = action->http.method;
    conf.call = &call;
    conf.timeout = action->http.timeout;
    conf.idempotency_key = key;
    conf.traceparent = trace;
    conf.done = on_done;
    conf.data = run;

    run->work = clarity_http_start(run->task->runner->conf.http, &conf);

    return run->work != NULL;
}


static bool
call_exec(clarity_run_t *run, const clarity_scope_t *scope)
{
    enum { JOB, WORKFLOW, STEP, KEY, TRACEPARENT_OF, N };
    char key[KEY_MAX], text[N][KEY_MAX + 32];
    size_t n;
    const char *environment[N], *parent;
    clarity_error_t error;
    clarity_strings_t strings = { 0 };
    const clarity_action_t *action;
    clarity_process_conf_t conf = { 0 };

    action = clarity_run_action(run);

    if (!clarity_exec_render(&action->exec, scope, &strings, &error)) {
        clarity_strings_free(&strings);
        return refuse(run, &error);
    }

    make_key(run, key);
    parent = traceparent(run);

    snprintf(text[JOB], sizeof(text[JOB]), "CLARITY_JOB_ID=%s",
        run->task->lease->delivery.id);
    snprintf(text[WORKFLOW], sizeof(text[WORKFLOW]), "CLARITY_WORKFLOW=%s",
        run->id);
    snprintf(text[STEP], sizeof(text[STEP]), "CLARITY_STEP=%.*s",
        clarity_fmt(action->id));
    snprintf(text[KEY], sizeof(text[KEY]), "CLARITY_IDEMPOTENCY_KEY=%s", key);
    snprintf(text[TRACEPARENT_OF], sizeof(text[TRACEPARENT_OF]),
        "TRACEPARENT=%s", parent != NULL ? parent : "");

    for (n = 0; n < N; n++) {
        environment[n] = text[n];
    }

    conf.strings = &strings;
    conf.input = run->task->lease->delivery.job.context;
    conf.timeout = action->exec.timeout;
    conf.environment = environment;
    conf.nenvironment = parent != NULL ? N : N - 1;
    conf.done = on_done;
    conf.data = run;

    run->work = clarity_exec_start(run->task->runner->conf.exec, &conf);

    clarity_strings_free(&strings);

    return run->work != NULL;
}


static bool
call_custom(clarity_run_t *run, const clarity_scope_t *scope)
{
    char key[KEY_MAX];
    clarity_buf_t input = { 0 };
    clarity_error_t error;
    const clarity_job_t *job;
    const clarity_action_t *action;
    clarity_custom_conf_t conf = { 0 };

    action = clarity_run_action(run);
    job = &run->task->lease->delivery.job;

    conf.info = clarity_handlers_find(
        run->task->runner->conf.handlers, action->custom.type, job->trigger);

    if (conf.info == NULL) {
        return leave_to_others(run);
    }

    if (action->custom.input != NULL
        && !clarity_json_template_render(
            action->custom.input, scope, &input, &error))
    {
        clarity_buf_free(&input);
        return refuse(run, &error);
    }

    make_key(run, key);

    conf.name = action->custom.type;
    conf.job = run->task->lease->delivery.id;
    conf.trigger = job->trigger.data;
    conf.webhook = job->webhook.data;
    conf.workflow = run->id;
    conf.step = action->id;
    conf.idempotency_key = key;
    conf.traceparent = traceparent(run);
    conf.context = job->context;
    conf.input =
        action->custom.input != NULL ? clarity_buf_str(&input) : job->context;
    conf.attempt = run->steps[run->step].attempt;
    conf.timeout = action->custom.timeout;
    conf.done = on_done;
    conf.data = run;

    run->work = clarity_custom_start(run->task->runner->conf.custom, &conf);

    clarity_buf_free(&input);

    return run->work != NULL;
}


/* A run that another program began: perhaps it is there again later. */
static bool
leave_to_others(clarity_run_t *run)
{
    clarity_attempt_t attempt = { 0 };

    attempt.verdict = CLARITY_ATTEMPT_RETRY;
    snprintf(attempt.reason, sizeof(attempt.reason),
        "this worker has no handler for it");

    return clarity_run_end_attempt(run, &attempt);
}


/* The effect and its memo are one call, so it needs no Idempotency-Key. */
static bool
call_publish(clarity_run_t *run, const clarity_scope_t *scope)
{
    bool good;
    clarity_error_t error;
    clarity_strings_t strings = { 0 };

    if (clarity_publish_render(
            &clarity_run_action(run)->publish, scope, &strings, &error))
    {
        good = give_publish(run, &strings);

    } else {
        good = refuse(run, &error);
    }

    clarity_strings_free(&strings);

    return good;
}


static bool
give_publish(clarity_run_t *run, const clarity_strings_t *strings)
{
    bool good;
    clarity_buf_t name = { 0 }, value = { 0 };
    clarity_str_t field[2];
    clarity_step_record_t memo;
    const clarity_publish_action_t *publish;

    publish = &clarity_run_action(run)->publish;

    memo = run->steps[run->step];
    memo.state = CLARITY_SUCCEEDED;
    memo.ended = clarity_time_ms();

    clarity_step_field(&name, clarity_str(run->id), run->step_ids[run->step]);
    clarity_step_write(&value, &memo, clarity_lit(""));

    field[0] = clarity_buf_str(&name);
    field[1] = clarity_buf_str(&value);

    good = !name.failed && !value.failed
           && clarity_lease_publish(run->task->lease,
               publish->is_stream ? &publish->target : NULL, strings->list,
               strings->count, field, on_published, run);

    clarity_buf_free(&name);
    clarity_buf_free(&value);

    return good;
}


static void
on_published(void *data, int reply)
{
    clarity_run_t *run = data;
    clarity_attempt_t attempt = { 0 };

    attempt.verdict = reply == CLARITY_PUBLISH_SENT ? CLARITY_ATTEMPT_SUCCEEDED
                                                    : CLARITY_ATTEMPT_FAILED;

    if (reply != CLARITY_PUBLISH_SENT) {
        snprintf(attempt.reason, sizeof(attempt.reason), "\"%.*s\" %s",
            (int) (clarity_run_action(run)->publish.target.len < 128
                       ? clarity_run_action(run)->publish.target.len
                       : 128),
            clarity_run_action(run)->publish.target.data,
            reply == CLARITY_PUBLISH_NO_STREAM
                ? "is a key of another type in Redis, expected a stream"
                : "may not be published to by the worker's user in Redis");
    }

    on_done(run, &attempt);
}


/* A value cannot stand where the workflow has it. */
static bool
refuse(clarity_run_t *run, const clarity_error_t *error)
{
    clarity_attempt_t attempt = { 0 };

    attempt.verdict = CLARITY_ATTEMPT_FAILED;
    snprintf(attempt.reason, sizeof(attempt.reason), "%.250s", error->text);

    return clarity_run_end_attempt(run, &attempt);
}


/* The same for every attempt, of whichever worker. */
static void
make_key(const clarity_run_t *run, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "%s:%s:%.*s", run->task->lease->delivery.id,
        run->id, clarity_fmt(clarity_run_action(run)->id));
}


void
clarity_run_scope(const clarity_run_t *run, clarity_scope_t *scope)
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
    char made[CLARITY_TRACEPARENT];

    text = run->task->lease->delivery.job.traceparent;

    return clarity_traceparent(text, made).data == text.data ? text.data
                                                             : NULL;
}


static void
on_done(void *data, const clarity_attempt_t *attempt)
{
    clarity_run_t *run = data;

    run->work = NULL;

    CLARITY_KILL_POINT("answered");

    if (!clarity_run_end_attempt(run, attempt)) {
        clarity_lease_forget(run->task->lease);
    }
}
