#include "cli/preview.h"

#include "cli/show.h"
#include "job/member.h"
#include "workflow/trace.h"

typedef struct {
    clarity_preview_t *preview;
    clarity_buf_t *out;
    bool json;
} clarity_shower_t;

static void show_head(const clarity_shower_t *shower);
static void show_start(const clarity_shower_t *shower);
static void show_step(
    const clarity_shower_t *shower, const clarity_action_t *action, size_t i);
static clarity_str_t type_of(const clarity_action_t *action);
static void show_input(
    const clarity_shower_t *shower, const clarity_action_t *action);
static void show_http(
    const clarity_shower_t *shower, const clarity_action_t *action);
static void show_request(const clarity_shower_t *shower,
    const clarity_action_t *action, const clarity_http_call_t *call);
static void show_request_json(const clarity_shower_t *shower,
    const clarity_action_t *action, const clarity_http_call_t *call);
static void add_key(const clarity_shower_t *shower,
    const clarity_action_t *action, clarity_buf_t *key);
static void add_trace(
    const clarity_shower_t *shower, clarity_str_t key, clarity_buf_t *trace);
static void show_strings(
    const clarity_shower_t *shower, const clarity_action_t *action);
static void show_wait(
    const clarity_shower_t *shower, const clarity_when_t *when, uint64_t from);
static void show_error(
    const clarity_shower_t *shower, const clarity_error_t *error);

static const char *const types[] = {
    [CLARITY_ACTION_HTTP_REQUEST] = "http_request",
    [CLARITY_ACTION_EXEC] = "exec",
    [CLARITY_ACTION_PUBLISH] = "publish",
    [CLARITY_ACTION_DELAY] = "delay",
    [CLARITY_ACTION_CUSTOM] = "",
};


void
clarity_preview_show(clarity_preview_t *preview)
{
    size_t i;
    const clarity_workflow_t *workflow;
    clarity_shower_t shower = { preview, preview->alone->out,
        preview->alone->json };

    workflow = preview->workflow;

    show_head(&shower);
    show_start(&shower);

    if (shower.json) {
        clarity_buf_addz(shower.out, ",\"steps\":[");
    }

    for (i = 0; i < workflow->nactions; i++) {
        show_step(&shower, &workflow->actions[i], i);
    }

    if (shower.json) {
        clarity_buf_addz(shower.out, "]}\n");
    }
}


static void
show_head(const clarity_shower_t *shower)
{
    clarity_buf_t *out;
    clarity_error_t error = { 0 };
    clarity_condition_result_t holds;
    const clarity_workflow_t *workflow;
    static const char *const names[] = {
        [CLARITY_CONDITION_NO] = "do not hold: it would be skipped",
        [CLARITY_CONDITION_YES] = "hold",
        [CLARITY_CONDITION_ERROR] = "cannot be decided: it would fail",
    };
    static const char *const values[] = {
        [CLARITY_CONDITION_NO] = "false",
        [CLARITY_CONDITION_YES] = "true",
        [CLARITY_CONDITION_ERROR] = "null",
    };

    out = shower->out;
    workflow = shower->preview->workflow;
    holds = CLARITY_CONDITION_YES;

    if (workflow->conditions != NULL) {
        holds = clarity_condition_holds(workflow->conditions,
            shower->preview->scope.context,
            (time_t) (shower->preview->now / 1000), &error);
    }

    if (shower->json) {
        clarity_buf_addz(out, "{\"workflow\":");
        clarity_buf_add_json(out, workflow->id);
        clarity_buf_addf(out, ",\"active\":%s,\"conditions\":%s",
            workflow->active ? "true" : "false", values[holds]);
        clarity_member_text(out, "reason", clarity_str(error.text));
        return;
    }

    clarity_buf_addz(out, "workflow ");
    clarity_show_text(out, workflow->id);
    clarity_buf_addz(out, workflow->active ? "\n" : ", which is not active\n");
    clarity_buf_addf(out, "  conditions  %s\n",
        workflow->conditions == NULL ? "none" : names[holds]);

    if (error.text[0] != '\0') {
        clarity_buf_addz(out, "              ");
        clarity_show_text(out, clarity_str(error.text));
        clarity_buf_addz(out, "\n");
    }
}


static void
show_start(const clarity_shower_t *shower)
{
    const clarity_preview_t *preview;

    preview = shower->preview;

    if (shower->json) {
        clarity_buf_addz(shower->out, ",\"start\":");
    }

    if (!clarity_when_is_set(&preview->workflow->start)) {
        clarity_buf_addz(shower->out, shower->json ? "\"at once\"" : "");
        return;
    }

    if (!shower->json) {
        clarity_buf_addz(shower->out, "  start       ");
    }

    show_wait(shower, &preview->workflow->start, preview->received);
}


static void
show_step(
    const clarity_shower_t *shower, const clarity_action_t *action, size_t i)
{
    clarity_buf_t *out;

    out = shower->out;

    if (shower->json) {
        clarity_buf_addz(out, i == 0 ? "{\"id\":" : ",{\"id\":");
        clarity_buf_add_json(out, action->id);
        clarity_member_text(out, "type", type_of(action));

    } else {
        clarity_buf_addf(out, "\n%zu ", i + 1);
        clarity_show_text(out, action->id);
        clarity_buf_addf(out, ": %.*s\n", clarity_fmt(type_of(action)));
    }

    switch (action->type) {

    case CLARITY_ACTION_HTTP_REQUEST: show_http(shower, action); break;

    case CLARITY_ACTION_DELAY:
        clarity_buf_addz(out, shower->json ? ",\"until\":" : "    until ");
        show_wait(shower, &action->when, shower->preview->now);
        break;

    case CLARITY_ACTION_CUSTOM: show_input(shower, action); break;

    default: show_strings(shower, action);
    }

    clarity_buf_addz(out, shower->json ? "}" : "");
}


static clarity_str_t
type_of(const clarity_action_t *action)
{
    return action->type == CLARITY_ACTION_CUSTOM
               ? action->custom.type
               : clarity_str(types[action->type]);
}


static void
show_input(const clarity_shower_t *shower, const clarity_action_t *action)
{
    clarity_buf_t input = { 0 };
    clarity_error_t error;

    if (action->custom.input == NULL) {
        clarity_buf_add(&input, shower->preview->scope.context->raw);

    } else if (!clarity_json_template_render(action->custom.input,
                   &shower->preview->scope, &input, &error))
    {
        show_error(shower, &error);
        clarity_buf_free(&input);
        return;
    }

    if (shower->json) {
        clarity_buf_addz(shower->out, ",\"input\":");
        clarity_buf_add(shower->out, clarity_buf_str(&input));

    } else {
        clarity_buf_addz(shower->out, "    ");
        clarity_show_text(shower->out, clarity_buf_str(&input));
        clarity_buf_addz(shower->out, "\n");
    }

    clarity_buf_free(&input);
}


static void
show_http(const clarity_shower_t *shower, const clarity_action_t *action)
{
    clarity_error_t error;
    clarity_http_call_t call = { 0 };

    if (!clarity_http_call_render(
            &action->http, &shower->preview->scope, true, &call, &error))
    {
        show_error(shower, &error);

    } else if (shower->json) {
        show_request_json(shower, action, &call);

    } else {
        show_request(shower, action, &call);
    }

    clarity_http_call_free(&call);
}


static void
show_request(const clarity_shower_t *shower, const clarity_action_t *action,
    const clarity_http_call_t *call)
{
    size_t i;
    const char *line;
    clarity_buf_t *out, key = { 0 }, trace = { 0 };

    out = shower->out;

    clarity_buf_addf(out, "    %.*s ", clarity_fmt(action->http.method));
    clarity_show_text(out, clarity_buf_str(&call->url));
    clarity_buf_addz(out, "\n");

    for (i = 0, line = call->headers.data; i < call->nheaders; i++) {
        clarity_buf_addz(out, "    ");
        clarity_show_text(out, clarity_str(line));
        clarity_buf_addz(out, "\n");
        line += strlen(line) + 1;
    }

    add_key(shower, action, &key);
    clarity_buf_addz(out, "    Idempotency-Key: ");
    clarity_show_text(out, clarity_buf_str(&key));

    add_trace(shower, clarity_buf_str(&key), &trace);
    clarity_buf_addz(out, "\n    traceparent: ");
    clarity_show_text(out, clarity_buf_str(&trace));
    clarity_buf_addz(out, "\n");

    clarity_buf_free(&key);
    clarity_buf_free(&trace);

    if (call->has_body) {
        clarity_buf_addz(out, "\n    ");
        clarity_show_text(out, clarity_buf_str(&call->body));
        clarity_buf_addz(out, "\n");
    }
}


static void
show_request_json(const clarity_shower_t *shower,
    const clarity_action_t *action, const clarity_http_call_t *call)
{
    size_t i, len;
    const char *line;
    clarity_buf_t *out, key = { 0 }, trace = { 0 };

    out = shower->out;

    clarity_member_text(out, "method", action->http.method);
    clarity_member_text(out, "url", clarity_buf_str(&call->url));
    clarity_buf_addz(out, ",\"headers\":{");

    for (i = 0, line = call->headers.data; i < call->nheaders; i++) {
        len = strcspn(line, ":");
        clarity_buf_add_json(out, (clarity_str_t){ line, len });
        clarity_buf_addz(out, ":");
        clarity_buf_add_json(out, clarity_str(line + len + 2));
        clarity_buf_addz(out, ",");
        line += strlen(line) + 1;
    }

    add_key(shower, action, &key);
    clarity_buf_addz(out, "\"Idempotency-Key\":");
    clarity_buf_add_json(out, clarity_buf_str(&key));

    add_trace(shower, clarity_buf_str(&key), &trace);
    clarity_buf_addz(out, ",\"traceparent\":");
    clarity_buf_add_json(out, clarity_buf_str(&trace));

    clarity_buf_free(&key);
    clarity_buf_free(&trace);

    clarity_buf_addz(out, "},\"body\":");

    if (call->has_body) {
        clarity_buf_add(out, clarity_buf_str(&call->body));
    } else {
        clarity_buf_addz(out, "null");
    }
}


static void
add_key(const clarity_shower_t *shower, const clarity_action_t *action,
    clarity_buf_t *key)
{
    clarity_buf_addf(key, "%.*s:%.*s:%.*s",
        clarity_fmt(shower->preview->scope.job_id),
        clarity_fmt(shower->preview->workflow->id), clarity_fmt(action->id));
}


/* Of what is no job yet it is not known what will come with it. */
static void
add_trace(
    const clarity_shower_t *shower, clarity_str_t key, clarity_buf_t *trace)
{
    char made[CLARITY_TRACEPARENT + 1];
    const clarity_preview_t *preview;

    preview = shower->preview;

    if (!preview->is_job) {
        clarity_buf_addz(trace, "TRACEPARENT");

    } else if (clarity_trace(
                   preview->traceparent, preview->scope.job_id, key, made))
    {
        clarity_buf_addz(trace, made);

    } else {
        shower->out->failed = true;
    }
}


/* A program or a command of Redis, each string in quotes. */
static void
show_strings(const clarity_shower_t *shower, const clarity_action_t *action)
{
    bool rendered;
    size_t i;
    clarity_buf_t *out;
    clarity_error_t error;
    clarity_strings_t strings = { 0 };

    out = shower->out;

    rendered = action->type == CLARITY_ACTION_EXEC
                   ? clarity_exec_render(&action->exec,
                       &shower->preview->scope, &strings, &error)
                   : clarity_publish_render(&action->publish,
                       &shower->preview->scope, &strings, &error);

    if (!rendered) {
        show_error(shower, &error);
        clarity_strings_free(&strings);
        return;
    }

    clarity_buf_addz(out, shower->json ? ",\"command\":[" : "   ");

    for (i = 0; i < strings.count; i++) {
        clarity_buf_addz(out, shower->json ? (i == 0 ? "" : ",") : " ");
        clarity_buf_add_json(out, strings.list[i]);
    }

    clarity_buf_addz(out, shower->json ? "]" : "\n");
    clarity_strings_free(&strings);
}


static void
show_wait(
    const clarity_shower_t *shower, const clarity_when_t *when, uint64_t from)
{
    uint64_t at;
    clarity_error_t error;
    clarity_when_result_t result;

    result =
        clarity_when_find(when, &shower->preview->scope, from, &at, &error);

    clarity_buf_addz(shower->out, shower->json ? "\"" : "");

    switch (result) {

    case CLARITY_WHEN_KNOWN: clarity_member_moment(shower->out, at); break;

    case CLARITY_WHEN_NEVER: clarity_buf_addz(shower->out, "never"); break;

    case CLARITY_WHEN_FAULTY: clarity_buf_addz(shower->out, "unknown");
    }

    clarity_buf_addz(shower->out, shower->json ? "\"" : "\n");

    if (result == CLARITY_WHEN_FAULTY) {
        show_error(shower, &error);
    }
}


static void
show_error(const clarity_shower_t *shower, const clarity_error_t *error)
{
    if (shower->json) {
        clarity_member_text(shower->out, "error", clarity_str(error->text));
        return;
    }

    clarity_buf_addz(shower->out, "    it would fail: ");
    clarity_show_text(shower->out, clarity_str(error->text));
    clarity_buf_addz(shower->out, "\n");
}
