#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/view.h"
#include "job/fields.h"
#include "job/hand_script.h"

#define REASON "cancelled by hand"
#define TRIES  5 /* of a job that goes to and fro just then */

typedef enum { CANCELLED, NOTED, CHANGED, FAULTY } clarity_cancelled_t;

static clarity_cancelled_t cancel(
    const clarity_command_t *command, const clarity_view_t *view);
static clarity_cancelled_t cancel_delayed(
    const clarity_command_t *command, const clarity_view_t *view);
static bool has_failed(const clarity_view_t *view);
static clarity_cancelled_t cancel_back(
    const clarity_command_t *command, const clarity_view_t *view);
static void add_runs(clarity_fields_t *fields, const clarity_view_t *view);
static clarity_cancelled_t cancel_other(
    const clarity_command_t *command, const clarity_view_t *view);
static int show_cancelled(const clarity_command_t *command,
    const clarity_view_t *view, clarity_cancelled_t cancelled);
static int show_erased(const clarity_command_t *command, long long erased);


int
clarity_command_cancel(const clarity_command_t *command)
{
    int i, status;
    clarity_view_t view;
    clarity_cancelled_t cancelled;

    status = CLARITY_EXIT_NO;

    for (i = 0; i < TRIES; i++) {
        if (!clarity_view_of(command, &view)) {
            clarity_view_free(&view);
            break;
        }

        if (clarity_state_is_final(view.job.state)) {
            clarity_error(command->error,
                "job %s has ended: it is %s. Nothing is to be cancelled",
                command->argument, clarity_state_name(view.job.state));
            clarity_view_free(&view);
            break;
        }

        cancelled = cancel(command, &view);
        status = show_cancelled(command, &view, cancelled);
        clarity_view_free(&view);

        if (cancelled != CHANGED) {
            break;
        }
    }

    return status;
}


static clarity_cancelled_t
cancel(const clarity_command_t *command, const clarity_view_t *view)
{
    if (view->due[0] == '\0') {
        return cancel_other(command, view);
    }

    return has_failed(view) ? cancel_back(command, view)
                            : cancel_delayed(command, view);
}


static bool
has_failed(const clarity_view_t *view)
{
    size_t i;

    for (i = 0; i < view->job.nruns; i++) {
        if (view->job.runs[i].record.state == CLARITY_FAILED) {
            return true;
        }
    }

    return false;
}


/* It ends as failed, which is more than one call of a script: a worker does
 * it. */
static clarity_cancelled_t
cancel_back(const clarity_command_t *command, const clarity_view_t *view)
{
    long long back;
    redisReply *reply;
    clarity_key_t stream, hash, delayed;
    clarity_str_t argv[5], prefix;

    prefix = clarity_str(command->target->prefix);
    clarity_key_jobs(&stream, prefix, view->job.id.shard);
    clarity_key_job(&hash, prefix, &view->job.id);
    clarity_key_delayed(&delayed, prefix, view->job.id.shard);

    argv[0] = clarity_key_str(&stream);
    argv[1] = clarity_key_str(&hash);
    argv[2] = clarity_key_str(&delayed);
    argv[3] = clarity_str(command->argument);
    argv[4] = clarity_str(view->due);

    reply = clarity_ask_script(command->asker, &clarity_script_cancel_back, 3,
        5, argv, command->error);
    if (reply == NULL) {
        return FAULTY;
    }

    back = reply->integer;
    freeReplyObject(reply);

    switch (back) {
    case 1: return NOTED;
    case -1: return cancel_delayed(command, view);
    default: return CHANGED;
    }
}


static clarity_cancelled_t
cancel_delayed(const clarity_command_t *command, const clarity_view_t *view)
{
    char keep[24];
    size_t n;
    redisReply *reply;
    clarity_key_t hash, delayed;
    clarity_str_t *argv, prefix;
    const clarity_str_t *list;
    clarity_fields_t fields = { 0 };
    clarity_cancelled_t cancelled;

    prefix = clarity_str(command->target->prefix);
    clarity_key_job(&hash, prefix, &view->job.id);
    clarity_key_delayed(&delayed, prefix, view->job.id.shard);
    snprintf(keep, sizeof(keep), "%" PRIu64, command->target->keep);

    add_runs(&fields, view);
    clarity_fields_add(&fields, "state", clarity_lit("cancelled"));
    clarity_fields_add(&fields, "reason", clarity_lit(REASON));

    list = clarity_fields_list(&fields, &n);
    argv = calloc(5 + n, sizeof(clarity_str_t));

    if (list == NULL || argv == NULL) {
        clarity_fields_free(&fields);
        free(argv);
        clarity_error(command->error, "out of memory");
        return FAULTY;
    }

    argv[0] = clarity_key_str(&hash);
    argv[1] = clarity_key_str(&delayed);
    argv[2] = clarity_str(command->argument);
    argv[3] = clarity_str(view->due);
    argv[4] = clarity_str(keep);
    memcpy(argv + 5, list, n * sizeof(clarity_str_t));

    reply = clarity_ask_script(command->asker, &clarity_script_cancel_delayed,
        2, 5 + n, argv, command->error);

    clarity_fields_free(&fields);
    free(argv);

    if (reply == NULL) {
        return FAULTY;
    }

    cancelled = reply->integer == 1 ? CANCELLED : CHANGED;
    freeReplyObject(reply);

    return cancelled;
}


static void
add_runs(clarity_fields_t *fields, const clarity_view_t *view)
{
    size_t i;
    clarity_run_record_t record;
    const clarity_view_run_t *run;

    for (i = 0; i < view->job.nruns; i++) {
        run = &view->job.runs[i];

        if (clarity_state_is_final(run->record.state)) {
            continue;
        }

        record = run->record;
        record.state = CLARITY_CANCELLED;
        record.reason = clarity_lit(REASON);
        record.next = 0;

        clarity_run_field(&fields->text, run->workflow);
        clarity_fields_end(fields);
        clarity_run_write(&fields->text, &record, run->step_ids, run->nsteps);
        clarity_fields_end(fields);
    }
}


/* A worker has it, or will have it, and is told. */
static clarity_cancelled_t
cancel_other(const clarity_command_t *command, const clarity_view_t *view)
{
    redisReply *reply;
    clarity_key_t hash, delayed;
    clarity_str_t argv[3], prefix;
    clarity_cancelled_t cancelled;

    prefix = clarity_str(command->target->prefix);
    clarity_key_job(&hash, prefix, &view->job.id);
    clarity_key_delayed(&delayed, prefix, view->job.id.shard);

    argv[0] = clarity_key_str(&hash);
    argv[1] = clarity_key_str(&delayed);
    argv[2] = clarity_str(command->argument);

    reply = clarity_ask_script(
        command->asker, &clarity_script_cancel, 2, 3, argv, command->error);
    if (reply == NULL) {
        return FAULTY;
    }

    cancelled = reply->integer == 1 ? NOTED : CHANGED;
    freeReplyObject(reply);

    return cancelled;
}


static int
show_cancelled(const clarity_command_t *command, const clarity_view_t *view,
    clarity_cancelled_t cancelled)
{
    switch (cancelled) {

    case CANCELLED:
        clarity_buf_addf(command->out,
            command->json ? "{\"job_id\":\"%s\",\"state\":\"cancelled\"}\n"
                          : "job %s is cancelled\n",
            command->argument);
        return CLARITY_EXIT_DONE;

    case NOTED:
        if (command->json) {
            clarity_buf_addf(command->out,
                "{\"job_id\":\"%s\",\"state\":\"%s\",\"cancelling\":true}\n",
                command->argument, clarity_state_name(view->job.state));
        } else {
            clarity_buf_addf(command->out,
                "job %s is %s, and will be cancelled %s\n", command->argument,
                clarity_state_name(view->job.state),
                view->job.state == CLARITY_QUEUED || view->due[0] != '\0'
                    ? "when a worker gets it"
                    : "when its present step has ended");
        }

        return CLARITY_EXIT_DONE;

    case CHANGED:
        clarity_error(command->error,
            "job %s changed again and again just now; try it again",
            command->argument);
        return CLARITY_EXIT_NO;

    default: return CLARITY_EXIT_NO;
    }
}


int
clarity_command_erase(const clarity_command_t *command)
{
    char entry[CLARITY_ENTRY_ID_MAX];
    long long erased;
    redisReply *reply;
    clarity_key_t stream, hash, failed;
    clarity_str_t argv[5], prefix;
    clarity_job_id_t id;

    clarity_job_id_parse(clarity_str(command->argument), &id);

    prefix = clarity_str(command->target->prefix);
    clarity_key_jobs(&stream, prefix, id.shard);
    clarity_key_job(&hash, prefix, &id);
    clarity_key_failed(&failed, prefix, id.shard);
    clarity_job_id_entry(&id, entry);

    argv[0] = clarity_key_str(&stream);
    argv[1] = clarity_key_str(&hash);
    argv[2] = clarity_key_str(&failed);
    argv[3] = clarity_lit(CLARITY_GROUP);
    argv[4] = clarity_str(entry);

    reply = clarity_ask_script(
        command->asker, &clarity_script_erase, 3, 5, argv, command->error);
    if (reply == NULL) {
        return CLARITY_EXIT_NO;
    }

    erased = reply->integer;
    freeReplyObject(reply);

    return show_erased(command, erased);
}


static int
show_erased(const clarity_command_t *command, long long erased)
{
    switch (erased) {

    case 1:
        clarity_buf_addf(command->out,
            command->json ? "{\"job_id\":\"%s\",\"erased\":true}\n"
                          : "job %s is erased\n",
            command->argument);
        return CLARITY_EXIT_DONE;

    case 0:
        clarity_error(command->error,
            "job %s is erased but for its entry in the stream, with the "
            "context: jobs that came before it have not ended. Erase it again "
            "when they have",
            command->argument);
        break;

    case -1:
        clarity_error(command->error, "job %s has not ended: cancel it first",
            command->argument);
        break;

    default:
        clarity_error(command->error,
            "no job %s that has ended: nothing is to be erased",
            command->argument);
    }

    return CLARITY_EXIT_NO;
}
