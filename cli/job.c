#include "cli/command.h"

#include "cli/show.h"
#include "cli/view.h"
#include "job/member.h"

#define LATEST      "latest"
#define STATE_WIDTH 11

static void show(const clarity_view_t *view, clarity_buf_t *out);
static void show_run(
    const clarity_view_run_t *run, bool colours, clarity_buf_t *out);
static void show_next(const clarity_view_run_t *run, clarity_buf_t *out);
static void show_step(const clarity_view_step_t *step, int width, bool colours,
    clarity_buf_t *out);
static int width_of_steps(const clarity_view_run_t *run);


const char *
clarity_command_id_refused(const char *argument)
{
    clarity_job_id_t id;

    return clarity_job_id_parse(clarity_str(argument), &id)
               ? NULL
               : "is not a job id, expected one such as 0-1732000000000-0";
}


const char *
clarity_command_job_refused(const char *argument)
{
    clarity_job_id_t id;

    if (strcmp(argument, LATEST) == 0
        || clarity_job_id_parse(clarity_str(argument), &id))
    {
        return NULL;
    }

    return "is not a job id, expected one such as 0-1732000000000-0, or "
           "\"latest\"";
}


int
clarity_command_job(const clarity_command_t *command)
{
    int status;
    clarity_job_id_t id;
    clarity_view_t view;

    if (!clarity_job_id_parse(clarity_str(command->argument), &id)
        && !clarity_view_latest(
            command->target, command->asker, &id, command->error))
    {
        return CLARITY_EXIT_NO;
    }

    status = CLARITY_EXIT_NO;

    if (clarity_view_get(
            command->target, command->asker, &id, &view, command->error))
    {
        status = CLARITY_EXIT_DONE;

        if (command->json) {
            clarity_view_show(command->out, &view.job);
        } else {
            show(&view, command->out);
        }
    }

    clarity_view_free(&view);

    return status;
}


static void
show(const clarity_view_t *view, clarity_buf_t *out)
{
    bool colours;
    size_t i;
    char id[CLARITY_JOB_ID_MAX];
    clarity_buf_t time = { 0 };

    colours = clarity_show_colours();
    clarity_job_id_format(&view->job.id, id);

    clarity_buf_addf(out, "job %s  ", id);
    clarity_show_state(out, view->job.state, 0, colours);
    clarity_buf_addz(out, "\n");

    if (view->job.received != 0) {
        clarity_member_moment(&time, view->job.received);
    }

    clarity_show_line(out, "reason", view->job.reason);
    clarity_show_line(out, "trigger", view->job.trigger);
    clarity_show_line(out, "webhook", view->job.webhook);
    clarity_show_line(out, "received", clarity_buf_str(&time));

    for (i = 0; i < view->job.nruns; i++) {
        show_run(&view->job.runs[i], colours, out);
    }

    clarity_buf_free(&time);
}


static void
show_run(const clarity_view_run_t *run, bool colours, clarity_buf_t *out)
{
    int width;
    size_t i;

    clarity_buf_addz(out, "\nworkflow ");
    clarity_show_text(out, run->workflow);
    clarity_buf_addz(out, "  ");
    clarity_show_state(out, run->record.state, 0, colours);

    if (run->record.attempt > 1) {
        clarity_buf_addf(out, "  (taken up %u times)", run->record.attempt);
    }

    clarity_buf_addz(out, "\n");
    clarity_show_line(out, "reason", run->record.reason);
    show_next(run, out);

    width = width_of_steps(run);

    for (i = 0; i < run->nsteps; i++) {
        show_step(&run->steps[i], width, colours, out);
    }
}


static void
show_next(const clarity_view_run_t *run, clarity_buf_t *out)
{
    uint64_t now;
    clarity_buf_t text = { 0 };

    if (run->record.next == 0) {
        return;
    }

    clarity_member_moment(&text, run->record.next);
    now = clarity_show_now();

    if (run->record.next > now) {
        clarity_buf_addz(&text, ", in ");
        clarity_show_duration(&text, run->record.next - now);
    }

    clarity_show_line(out, "goes on", clarity_buf_str(&text));
    clarity_buf_free(&text);
}


static void
show_step(const clarity_view_step_t *step, int width, bool colours,
    clarity_buf_t *out)
{
    const char *comma;
    clarity_buf_t more = { 0 };
    const clarity_step_record_t *record;

    record = &step->record;
    comma = "";

    if (record->reason.len > 0) {
        clarity_show_text(&more, record->reason);
        comma = ", ";

    } else if (record->status != 0) {
        clarity_buf_addf(&more, "answered %u", record->status);
        comma = ", ";
    }

    if (record->ended > record->started && record->started != 0) {
        clarity_buf_addz(&more, comma);
        clarity_show_duration(&more, record->ended - record->started);
        comma = ", ";
    }

    if (record->attempt > 1) {
        clarity_buf_addf(&more, "%sattempt %u", comma, record->attempt);
    }

    clarity_buf_addz(out, "  ");
    clarity_show_text(out, step->id);
    clarity_buf_addf(out, "%*s  ", width - (int) step->id.len, "");
    clarity_show_state(
        out, record->state, more.len == 0 ? 0 : STATE_WIDTH, colours);
    clarity_buf_add(out, clarity_buf_str(&more));
    clarity_buf_addz(out, "\n");

    out->failed = out->failed || more.failed;
    clarity_buf_free(&more);
}


static int
width_of_steps(const clarity_view_run_t *run)
{
    int width;
    size_t i;

    width = 0;

    for (i = 0; i < run->nsteps; i++) {
        if ((int) run->steps[i].id.len > width) {
            width = (int) run->steps[i].id.len;
        }
    }

    return width;
}
