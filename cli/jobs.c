#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/find.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "cli/view.h"
#include "job/member.h"

static bool show_jobs(
    const clarity_command_t *command, const clarity_found_t *found);
static bool show_each(const clarity_command_t *command,
    const clarity_found_t *found, size_t *shown);
static uint64_t next_of(const clarity_view_t *view);
static void show_json(
    const clarity_view_t *view, uint64_t next, clarity_buf_t *out);
static void show(
    const clarity_view_t *view, uint64_t next, clarity_buf_t *out);


int
clarity_command_jobs(const clarity_command_t *command)
{
    bool good;
    clarity_found_t found = { 0 };

    good = clarity_find_jobs(command, &found) && show_jobs(command, &found);

    clarity_found_free(&found);

    if (!good) {
        clarity_buf_reset(command->out);
    }

    return good ? CLARITY_EXIT_DONE : CLARITY_EXIT_NO;
}


/* One that has moved on since it was found is left out. */
static bool
show_jobs(const clarity_command_t *command, const clarity_found_t *found)
{
    size_t shown;
    clarity_buf_t *out;

    out = command->out;
    clarity_buf_addz(out, command->json ? "{\"jobs\":[" : "");

    if (!show_each(command, found, &shown)) {
        return false;
    }

    if (command->json) {
        clarity_buf_addf(
            out, "],\"more\":%s}\n", found->more ? "true" : "false");

    } else if (shown == 0) {
        clarity_buf_addz(out, "no jobs\n");

    } else if (found->more) {
        clarity_buf_addf(out, "and more: see --limit\n");
    }

    return true;
}


static bool
show_each(const clarity_command_t *command, const clarity_found_t *found,
    size_t *shown)
{
    bool good;
    size_t i;
    clarity_buf_t *out;
    clarity_view_t view;
    clarity_progress_t progress;

    good = true;
    out = command->out;
    *shown = 0;
    clarity_progress_start(&progress, "jobs read");

    for (i = 0; good && i < found->n && *shown < command->limit; i++) {
        good = clarity_view_find(command->target, command->asker,
            &found->ids[i], &view, command->error);

        if (good && view.found
            && (command->state == NULL
                || strcmp(clarity_state_name(view.job.state), command->state)
                       == 0))
        {
            clarity_buf_addz(out, command->json && *shown > 0 ? "," : "");
            (command->json ? show_json : show)(&view, next_of(&view), out);
            (*shown)++;
        }

        clarity_view_free(&view);
        clarity_progress_step(&progress, i + 1);
    }

    clarity_progress_end(&progress);

    return good;
}


/* When the first of its runs goes on, or 0. */
static uint64_t
next_of(const clarity_view_t *view)
{
    size_t i;
    uint64_t next;

    next = 0;

    for (i = 0; i < view->job.nruns; i++) {
        if (view->job.runs[i].record.next != 0
            && (next == 0 || view->job.runs[i].record.next < next))
        {
            next = view->job.runs[i].record.next;
        }
    }

    return next;
}


static void
show_json(const clarity_view_t *view, uint64_t next, clarity_buf_t *out)
{
    char id[CLARITY_JOB_ID_MAX];

    clarity_job_id_format(&view->job.id, id);

    clarity_buf_addf(out, "{\"job_id\":\"%s\"", id);
    clarity_member_text(out, "trigger", view->job.trigger);
    clarity_member_text(out, "webhook", view->job.webhook);
    clarity_member_text(
        out, "state", clarity_str(clarity_state_name(view->job.state)));
    clarity_member_text(out, "reason", view->job.reason);
    clarity_member_time(out, "received_at", view->job.received);
    clarity_member_time(out, "next_at", next);
    clarity_buf_addz(out, "}");
}


static void
show(const clarity_view_t *view, uint64_t next, clarity_buf_t *out)
{
    char id[CLARITY_JOB_ID_MAX];

    clarity_job_id_format(&view->job.id, id);

    clarity_buf_addf(out, "%-24s  ", id);
    clarity_show_state(out, view->job.state, 9, clarity_show_colours());
    clarity_buf_addz(out, "  ");
    clarity_show_text(out, view->job.trigger);

    if (next != 0) {
        clarity_buf_addz(out, "  goes on at ");
        clarity_member_moment(out, next);
    }

    if (view->job.reason.len > 0) {
        clarity_buf_addz(out, "  ");
        clarity_show_text(out, view->job.reason);
    }

    clarity_buf_addz(out, "\n");
}
