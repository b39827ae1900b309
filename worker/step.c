#include "worker/task.h"

#include <stdio.h>

#define TRACEPARENT 55 /* bytes, of version 00: W3C Trace Context 3.2 */

static bool find_secret(void *data, clarity_str_t name, clarity_str_t *value);
static const char *traceparent(const clarity_run_t *run);
static void on_done(void *data, const clarity_attempt_t *attempt);


/* The intent is written: the effect may follow. */
bool
clarity_run_call(clarity_run_t *run)
{
    char key[CLARITY_JOB_ID_MAX + 2 * CLARITY_WORKFLOW_ID_MAX + 3];
    clarity_error_t error;
    clarity_scope_t scope;
    clarity_attempt_t attempt = { 0 };
    clarity_http_call_t http_call = { 0 };
    const clarity_action_t *action;
    clarity_transfer_conf_t conf = { 0 };

    action = clarity_run_action(run);
    clarity_run_scope(run, &scope);

    if (!clarity_http_call_render(
            &action->http, &scope, false, &http_call, &error))
    {
        clarity_http_call_free(&http_call);
        attempt.verdict = CLARITY_ATTEMPT_FAILED;
        snprintf(attempt.reason, sizeof(attempt.reason), "%.250s", error.text);
        return clarity_run_end_attempt(run, &attempt);
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

    if (!clarity_run_end_attempt(run, attempt)) {
        clarity_lease_forget(run->task->lease);
    }
}
