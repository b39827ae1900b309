#include "cli/preview.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/show.h"
#include "cli/view.h"
#include "conf/conf.h"
#include "conf/workflows.h"
#include "webhook/context.h"
#include "workflow/own_trigger.h"

static const char *misuse(const clarity_alone_t *alone);
static int preview(const clarity_alone_t *alone, const clarity_conf_t *conf);
static bool find_workflow(const clarity_workflows_t *set,
    clarity_preview_t *preview, clarity_error_t *error);
static bool show_given(
    clarity_preview_t *preview, clarity_buf_t *text, clarity_error_t *error);
static bool check_context(const clarity_preview_t *preview, clarity_str_t text,
    clarity_error_t *error);
static bool show_job(clarity_preview_t *preview, clarity_error_t *error);
static bool show_view(clarity_preview_t *preview,
    const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_view_t *view, clarity_error_t *error);
static clarity_str_t find_context(const clarity_target_t *target,
    clarity_asker_t *asker, const clarity_view_t *view, redisReply **reply,
    clarity_error_t *error);
static bool use_results(
    clarity_preview_t *preview, const clarity_view_t *view);
static bool show_with(
    clarity_preview_t *preview, clarity_str_t text, clarity_error_t *error);


int
clarity_command_preview(const clarity_alone_t *alone)
{
    int status;
    const char *reason;
    clarity_conf_t *conf;

    reason = misuse(alone);

    if (reason != NULL) {
        clarity_error(alone->error, "%s", reason);
        return CLARITY_EXIT_USAGE;
    }

    conf = clarity_conf_read(alone->file, alone->error);
    if (conf == NULL) {
        return CLARITY_EXIT_NO;
    }

    status = preview(alone, conf);
    clarity_conf_free(conf);

    return status;
}


static const char *
misuse(const clarity_alone_t *alone)
{
    if (alone->file == NULL) {
        return "expected -c WORKER.json, which says where the workflows are";
    }

    if (alone->argc != (alone->job != NULL ? 1 : 2)) {
        return "expected a workflow's id, and a context or --job ID";
    }

    return alone->job != NULL ? clarity_command_id_refused(alone->job) : NULL;
}


/* Secrets are not even read: a preview must not need the right to. */
static int
preview(const clarity_alone_t *alone, const clarity_conf_t *conf)
{
    bool shown;
    clarity_buf_t text = { 0 };
    clarity_preview_t preview = { .alone = alone };
    clarity_workflows_t *set;

    set = clarity_workflows_load(conf, false, &text);

    if (set == NULL) {
        clarity_error(alone->error, "%.*s",
            (int) strcspn(text.data != NULL ? text.data : "", "\n"),
            text.data != NULL ? text.data : "");
        clarity_buf_free(&text);
        return CLARITY_EXIT_NO;
    }

    preview.triggers = set->triggers;
    preview.now = clarity_show_now();
    preview.received = preview.now;

    shown =
        find_workflow(set, &preview, alone->error)
        && (alone->job != NULL ? show_job(&preview, alone->error)
                               : show_given(&preview, &text, alone->error));

    free((void *) preview.scope.steps);
    clarity_buf_free(&text);
    clarity_workflows_drop(set);

    return shown ? CLARITY_EXIT_DONE : CLARITY_EXIT_NO;
}


static bool
find_workflow(const clarity_workflows_t *set, clarity_preview_t *preview,
    clarity_error_t *error)
{
    size_t i;
    clarity_list_t list = { 0 };

    preview->workflow =
        clarity_workflows_find(set, clarity_str(preview->alone->argv[0]));

    if (preview->workflow != NULL) {
        return true;
    }

    for (i = 0; i < set->count; i++) {
        clarity_list_add(&list, set->workflows[i]->id);
    }

    return clarity_error(error, "no workflow %s, there are %s",
        clarity_quote(clarity_str(preview->alone->argv[0])).text,
        list.len > 0 ? list.text : "none");
}


static bool
show_given(
    clarity_preview_t *preview, clarity_buf_t *text, clarity_error_t *error)
{
    char received[24];

    snprintf(received, sizeof(received), "%" PRIu64, preview->received);

    preview->scope.job_id = clarity_lit("JOB");
    preview->scope.job_trigger = preview->workflow->trigger;
    preview->scope.job_webhook = clarity_lit("WEBHOOK");
    preview->scope.job_received = clarity_str(received);

    return clarity_alone_text(preview->alone->argv[1], text, error)
           && check_context(preview, clarity_buf_str(text), error)
           && show_with(preview, clarity_buf_str(text), error);
}


/* As nginx does it, but for the order: here it makes no difference. */
static bool
check_context(const clarity_preview_t *preview, clarity_str_t text,
    clarity_error_t *error)
{
    clarity_buf_t summary = { 0 };
    clarity_context_rules_t rules = { CLARITY_ORDER_ANY,
        CLARITY_UNKNOWN_KEEP };
    clarity_json_fault_t fault;
    clarity_context_status_t status;
    clarity_context_checker_t *checker;

    checker = clarity_context_checker_create();

    if (checker == NULL) {
        return clarity_error(error, "out of memory");
    }

    status = clarity_context_check(checker,
        clarity_trigger_find(preview->triggers, preview->workflow->trigger),
        rules, text, &fault);

    switch (status) {

    case CLARITY_CONTEXT_VALID: break;

    case CLARITY_CONTEXT_FAULTY:
        clarity_context_summary(checker, &summary);
        clarity_error(error, "the context is not one of trigger %s: %.*s",
            clarity_quote(preview->workflow->trigger).text,
            clarity_fmt(clarity_buf_str(&summary)));
        break;

    case CLARITY_CONTEXT_BAD_JSON:
        clarity_error(error,
            "the context is no JSON object: line %zu, "
            "column %zu",
            (size_t) fault.line, (size_t) fault.column);
        break;

    default: clarity_error(error, "out of memory");
    }

    clarity_buf_free(&summary);
    clarity_context_checker_free(checker);

    return status == CLARITY_CONTEXT_VALID;
}


static bool
show_job(clarity_preview_t *preview, clarity_error_t *error)
{
    bool shown;
    clarity_view_t view = { 0 };
    clarity_asker_t *asker;
    clarity_job_id_t id;
    clarity_target_t target;

    shown = false;

    if (!clarity_job_id_parse(clarity_str(preview->alone->job), &id)
        || !clarity_target_find(
            &target, preview->alone->file, preview->alone->prefix, error))
    {
        return false;
    }

    asker = clarity_asker_open(&target, error);

    if (asker != NULL) {
        shown = clarity_view_get(&target, asker, &id, &view, error)
                && show_view(preview, &target, asker, &view, error);
        clarity_view_free(&view);
        clarity_asker_close(asker);
    }

    clarity_target_wipe(&target);

    return shown;
}


static bool
show_view(clarity_preview_t *preview, const clarity_target_t *target,
    clarity_asker_t *asker, const clarity_view_t *view, clarity_error_t *error)
{
    bool shown;
    char received[24];
    redisReply *reply;
    clarity_str_t text;

    if (!clarity_str_eq(view->job.trigger, preview->workflow->trigger)) {
        return clarity_error(error,
            "job %s is of trigger %s, workflow %s is for %s",
            preview->alone->job, clarity_quote(view->job.trigger).text,
            clarity_quote(preview->workflow->id).text,
            clarity_quote(preview->workflow->trigger).text);
    }

    snprintf(received, sizeof(received), "%" PRIu64, view->job.received);

    preview->received = view->job.received;
    preview->scope.job_id = clarity_str(preview->alone->job);
    preview->scope.job_trigger = view->job.trigger;
    preview->scope.job_webhook = view->job.webhook;
    preview->scope.job_received = clarity_str(received);
    preview->is_job = true;
    preview->traceparent =
        clarity_view_field(view->fields, view->nfields, "traceparent");

    reply = NULL;
    text = find_context(target, asker, view, &reply, error);

    shown = text.len > 0 && use_results(preview, view)
            && show_with(preview, text, error);

    freeReplyObject(reply);

    return shown;
}


/* Of a job that waits the hash has it; one that came back has an entry of
 * another id than its own, which the hash knows. */
static clarity_str_t
find_context(const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_view_t *view, redisReply **reply, clarity_error_t *error)
{
    clarity_key_t stream;
    clarity_str_t argv[4], text;

    text = clarity_reply_str(clarity_reply_get(
        clarity_reply_at(clarity_reply_at(view->entry, 0), 1), "context"));

    if (text.len == 0) {
        text = clarity_reply_str(clarity_reply_get(view->hash, "context"));
    }

    argv[2] = clarity_reply_str(clarity_reply_get(view->hash, "entry"));

    if (text.len == 0 && argv[2].len > 0) {
        clarity_key_jobs(
            &stream, clarity_str(target->prefix), view->job.id.shard);

        argv[0] = clarity_lit("XRANGE");
        argv[1] = clarity_key_str(&stream);
        argv[3] = argv[2];

        *reply = clarity_ask(asker, 4, argv, error);
        text = clarity_reply_str(clarity_reply_get(
            clarity_reply_at(clarity_reply_at(*reply, 0), 1), "context"));
    }

    if (text.len == 0) {
        clarity_error(error, "the context of that job is not kept any more");
    }

    return text;
}


/* Those of the job's own run of this workflow. */
static bool
use_results(clarity_preview_t *preview, const clarity_view_t *view)
{
    size_t i, j, n;
    clarity_step_result_t *steps;
    const clarity_view_run_t *run;

    steps = calloc(preview->workflow->nactions + 1, sizeof(*steps));

    if (steps == NULL) {
        return clarity_error(preview->alone->error, "out of memory");
    }

    n = 0;

    for (i = 0; i < view->job.nruns; i++) {
        run = &view->job.runs[i];

        if (!clarity_str_eq(run->workflow, preview->workflow->id)) {
            continue;
        }

        for (j = 0; j < run->nsteps && n < preview->workflow->nactions; j++) {
            if (run->steps[j].record.state == CLARITY_SUCCEEDED) {
                steps[n].id = run->steps[j].id;
                steps[n++].result = run->steps[j].record.result;
            }
        }
    }

    preview->scope.steps = steps;
    preview->scope.nsteps = n;

    return true;
}


static bool
show_with(
    clarity_preview_t *preview, clarity_str_t text, clarity_error_t *error)
{
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(text, "context", 0, error);

    if (doc == NULL) {
        return false;
    }

    preview->scope.context = doc->root;
    clarity_preview_show(preview);
    clarity_json_free(doc);

    return true;
}
