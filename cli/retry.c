#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/progress.h"
#include "cli/show.h"
#include "cli/view.h"
#include "job/fields.h"
#include "job/hand_script.h"

#define PAGE "100" /* entries of the failed stream a question */

typedef enum { RETRIED, CHANGED, ERASED, FAULTY } clarity_retried_t;

typedef struct {
    uint64_t retried;
    uint64_t left; /* retried, erased or expired meanwhile */
    char after[CLARITY_ENTRY_ID_MAX + 1]; /* of the failed stream */
    char last[CLARITY_ENTRY_ID_MAX];
    clarity_progress_t progress;
} clarity_all_t;

static int retry_one(const clarity_command_t *command);
static clarity_retried_t retry(
    const clarity_command_t *command, const clarity_view_t *view);
static clarity_retried_t ask(const clarity_command_t *command,
    const clarity_view_t *view, clarity_fields_t *set,
    clarity_fields_t *deleted);
static void reset_run(const clarity_run_view_t *run, clarity_fields_t *set,
    clarity_fields_t *deleted);
static int retry_all(const clarity_command_t *command);
static bool find_last(const clarity_command_t *command, clarity_all_t *all);
static bool retry_page(
    const clarity_command_t *command, clarity_all_t *all, bool *more);
static bool retry_entry(const clarity_command_t *command, clarity_all_t *all,
    const redisReply *entry);
static void show_all(
    const clarity_command_t *command, const clarity_all_t *all);


int
clarity_command_retry(const clarity_command_t *command)
{
    return command->all_failed ? retry_all(command) : retry_one(command);
}


static int
retry_one(const clarity_command_t *command)
{
    int status;
    clarity_view_t view;

    status = CLARITY_EXIT_NO;

    if (!clarity_view_of(command, &view)) {
        goto done;
    }

    if (view.state != CLARITY_FAILED) {
        clarity_error(command->error,
            "job %s is %s, not failed: nothing is to be retried",
            command->argument, clarity_state_name(view.state));
        goto done;
    }

    switch (retry(command, &view)) {

    case RETRIED:
        status = CLARITY_EXIT_DONE;
        clarity_buf_addf(command->out,
            command->json ? "{\"job_id\":\"%s\",\"retried\":true}\n"
                          : "job %s goes on\n",
            command->argument);
        break;

    case CHANGED:
        clarity_error(command->error,
            "job %s has changed just now: somebody else retries it, or "
            "erases it",
            command->argument);
        break;

    case ERASED:
        clarity_error(command->error,
            "job %s has no context any more, or never was a job: it cannot "
            "be retried",
            command->argument);
        break;

    case FAULTY: break;
    }

done:

    clarity_view_free(&view);

    return status;
}


/* Failed runs begin again at the step that failed; the others are done. */
static clarity_retried_t
retry(const clarity_command_t *command, const clarity_view_t *view)
{
    size_t i;
    clarity_fields_t set = { 0 }, deleted = { 0 };
    clarity_retried_t retried;

    for (i = 0; i < view->nruns; i++) {
        if (view->runs[i].record.state == CLARITY_FAILED) {
            reset_run(&view->runs[i], &set, &deleted);
        }
    }

    retried = ask(command, view, &set, &deleted);

    clarity_fields_free(&set);
    clarity_fields_free(&deleted);

    return retried;
}


static clarity_retried_t
ask(const clarity_command_t *command, const clarity_view_t *view,
    clarity_fields_t *set, clarity_fields_t *deleted)
{
    char id[CLARITY_JOB_ID_MAX], count[24];
    size_t argc, nset, ndeleted;
    redisReply *reply;
    clarity_key_t stream, hash, failed;
    clarity_str_t *argv, prefix;
    const clarity_str_t *sets, *deletes;
    clarity_retried_t retried;

    prefix = clarity_str(command->target->prefix);
    clarity_key_jobs(&stream, prefix, view->id.shard);
    clarity_key_job(&hash, prefix, &view->id);
    clarity_key_failed(&failed, prefix, view->id.shard);
    clarity_job_id_format(&view->id, id);

    sets = clarity_fields_list(set, &nset);
    deletes = clarity_fields_list(deleted, &ndeleted);
    argv = calloc(6 + nset + ndeleted, sizeof(clarity_str_t));

    if (sets == NULL || deletes == NULL || argv == NULL) {
        free(argv);
        clarity_error(command->error, "out of memory");
        return FAULTY;
    }

    snprintf(count, sizeof(count), "%zu", nset);

    argc = 0;
    argv[argc++] = clarity_key_str(&stream);
    argv[argc++] = clarity_key_str(&hash);
    argv[argc++] = clarity_key_str(&failed);
    argv[argc++] = clarity_reply_str(clarity_reply_get(view->hash, "failed"));
    argv[argc++] = clarity_str(id);
    argv[argc++] = clarity_str(count);
    memcpy(argv + argc, sets, nset * sizeof(clarity_str_t));
    memcpy(argv + argc + nset, deletes, ndeleted * sizeof(clarity_str_t));
    argc += nset + ndeleted;

    reply = clarity_ask_script(
        command->asker, &clarity_script_retry, 3, argc, argv, command->error);
    free(argv);

    if (reply == NULL) {
        return FAULTY;
    }

    retried = reply->integer == 1   ? RETRIED
              : reply->integer == 0 ? CHANGED
                                    : ERASED;
    freeReplyObject(reply);

    return retried;
}


/*
 * Its digest is left out: who retries by hand has perhaps mended the workflow,
 * and means the text of now.
 */
static void
reset_run(const clarity_run_view_t *run, clarity_fields_t *set,
    clarity_fields_t *deleted)
{
    size_t i;
    clarity_run_record_t record;

    record = run->record;
    record.state = CLARITY_WAITING;
    record.digest = record.reason = clarity_lit("");
    record.next = 0;

    clarity_run_field(&set->text, run->id);
    clarity_fields_end(set);
    clarity_run_write(&set->text, &record, run->step_ids, run->nsteps);
    clarity_fields_end(set);

    for (i = 0; i < run->nsteps; i++) {
        if (run->steps[i].record.state == CLARITY_FAILED) {
            clarity_step_field(&deleted->text, run->id, run->steps[i].id);
            clarity_fields_end(deleted);
        }
    }
}


/* Those that have failed by now: one that fails again is not tried for ever. */
static int
retry_all(const clarity_command_t *command)
{
    bool good, more;
    clarity_all_t all = { 0 };

    clarity_progress_start(&all.progress, "retried");

    good = find_last(command, &all);
    more = good && all.last[0] != '\0';

    while (good && more) {
        good = retry_page(command, &all, &more);
    }

    clarity_progress_end(&all.progress);

    if (!good) {
        return CLARITY_EXIT_NO;
    }

    show_all(command, &all);

    return CLARITY_EXIT_DONE;
}


static bool
find_last(const clarity_command_t *command, clarity_all_t *all)
{
    redisReply *reply;
    clarity_key_t failed;
    clarity_str_t id, argv[6];

    clarity_key_failed(&failed, clarity_str(command->target->prefix), 0);

    argv[0] = clarity_lit("XREVRANGE");
    argv[1] = clarity_key_str(&failed);
    argv[2] = clarity_lit("+");
    argv[3] = clarity_lit("-");
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_lit("1");

    reply = clarity_ask(command->asker, 6, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    id = clarity_reply_str(clarity_reply_at(clarity_reply_at(reply, 0), 0));
    snprintf(all->last, sizeof(all->last), "%.*s", clarity_fmt(id));
    snprintf(all->after, sizeof(all->after), "-");

    freeReplyObject(reply);

    return true;
}


static bool
retry_page(const clarity_command_t *command, clarity_all_t *all, bool *more)
{
    bool good;
    size_t i;
    redisReply *reply;
    clarity_key_t failed;
    clarity_str_t argv[6];

    clarity_key_failed(&failed, clarity_str(command->target->prefix), 0);

    argv[0] = clarity_lit("XRANGE");
    argv[1] = clarity_key_str(&failed);
    argv[2] = clarity_str(all->after);
    argv[3] = clarity_str(all->last);
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_lit(PAGE);

    reply = clarity_ask(command->asker, 6, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    good = true;
    *more = reply->elements > 0;

    for (i = 0; good && i < reply->elements; i++) {
        good = retry_entry(command, all, clarity_reply_at(reply, i));
    }

    freeReplyObject(reply);

    return good;
}


static bool
retry_entry(const clarity_command_t *command, clarity_all_t *all,
    const redisReply *entry)
{
    clarity_job_id_t id;
    clarity_view_t view;
    clarity_retried_t retried;

    snprintf(all->after, sizeof(all->after), "(%.*s",
        clarity_fmt(clarity_reply_str(clarity_reply_at(entry, 0))));

    retried = CHANGED;

    if (clarity_job_id_parse(clarity_reply_str(clarity_reply_get(
                                 clarity_reply_at(entry, 1), "job")),
            &id))
    {
        if (!clarity_view_find(
                command->target, command->asker, &id, &view, command->error))
        {
            retried = FAULTY;

        } else if (view.found && view.state == CLARITY_FAILED) {
            retried = retry(command, &view);
        }

        clarity_view_free(&view);
    }

    all->retried += retried == RETRIED;
    all->left += retried == CHANGED || retried == ERASED;
    clarity_progress_step(&all->progress, all->retried);

    return retried != FAULTY;
}


static void
show_all(const clarity_command_t *command, const clarity_all_t *all)
{
    if (command->json) {
        clarity_buf_addf(command->out,
            "{\"retried\":%" PRIu64 ",\"left\":%" PRIu64 "}\n", all->retried,
            all->left);
        return;
    }

    clarity_buf_addf(command->out, "%" PRIu64 " jobs go on\n", all->retried);

    if (all->left > 0) {
        clarity_buf_addf(command->out,
            "%" PRIu64 " cannot: their hashes or contexts are gone, or "
            "somebody else retried them\n",
            all->left);
    }
}
