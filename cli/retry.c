#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/progress.h"
#include "cli/show.h"
#include "cli/view.h"
#include "job/hand_script.h"
#include "job/hand_retry.h"

#define PAGE "100" /* entries of the failed stream a question */


typedef struct {
    uint64_t retried;
    uint64_t left; /* retried, erased or expired meanwhile */
    char after[CLARITY_ENTRY_ID_MAX + 1]; /* of the failed stream */
    char last[CLARITY_ENTRY_ID_MAX];
    clarity_progress_t progress;
} clarity_all_t;

static int retry_one(const clarity_command_t *command);
static bool retry(const clarity_command_t *command, const clarity_view_t *view,
    clarity_retried_t *retried);
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
    clarity_retried_t retried;

    status = CLARITY_EXIT_NO;

    if (!clarity_view_of(command, &view)) {
        goto done;
    }

    if (view.job.state != CLARITY_FAILED) {
        clarity_error(command->error,
            "job %s is %s, not failed: nothing is to be retried",
            command->argument, clarity_state_name(view.job.state));
        goto done;
    }

    if (!retry(command, &view, &retried)) {
        goto done;
    }

    switch (retried) {

    case CLARITY_RETRIED:
        status = CLARITY_EXIT_DONE;
        clarity_buf_addf(command->out,
            command->json ? "{\"job_id\":\"%s\",\"retried\":true}\n"
                          : "job %s goes on\n",
            command->argument);
        break;

    case CLARITY_RETRY_CHANGED:
        clarity_error(command->error,
            "job %s has changed just now: somebody else retries it, or "
            "erases it",
            command->argument);
        break;

    case CLARITY_RETRY_ERASED:
        clarity_error(command->error,
            "job %s has no context any more, or never was a job: it cannot "
            "be retried",
            command->argument);
    }

done:

    clarity_view_free(&view);

    return status;
}


/* false and the error: it is not known what became of it. */
static bool
retry(const clarity_command_t *command, const clarity_view_t *view,
    clarity_retried_t *retried)
{
    redisReply *reply;
    clarity_retry_t made;
    bool good;

    good = false;

    if (!clarity_retry_make(&made, clarity_str(command->target->prefix),
            &view->job,
            clarity_view_field(view->fields, view->nfields, "failed")))
    {
        clarity_error(command->error, "out of memory");
        goto done;
    }

    reply = clarity_ask_script(command->asker, &clarity_script_retry,
        CLARITY_RETRY_KEYS, made.argc, made.argv, command->error);
    if (reply == NULL) {
        goto done;
    }

    good = true;
    *retried = clarity_retry_result(reply->integer);
    freeReplyObject(reply);

done:

    clarity_retry_free(&made);

    return good;
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
    bool good;
    clarity_job_id_t id;
    clarity_view_t view;
    clarity_retried_t retried;

    snprintf(all->after, sizeof(all->after), "(%.*s",
        clarity_fmt(clarity_reply_str(clarity_reply_at(entry, 0))));

    good = true;
    retried = CLARITY_RETRY_CHANGED;

    if (clarity_job_id_parse(clarity_reply_str(clarity_reply_get(
                                 clarity_reply_at(entry, 1), "job")),
            &id))
    {
        good = clarity_view_find(
            command->target, command->asker, &id, &view, command->error);

        if (good && view.found && view.job.state == CLARITY_FAILED) {
            good = retry(command, &view, &retried);
        }

        clarity_view_free(&view);
    }

    if (good) {
        all->retried += retried == CLARITY_RETRIED;
        all->left += retried != CLARITY_RETRIED;
    }

    clarity_progress_step(&all->progress, all->retried);

    return good;
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
