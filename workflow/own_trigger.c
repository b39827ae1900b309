#include "workflow/own_trigger.h"

#include "job/member.h"

#define STRING(text)                                                          \
    {                                                                         \
        .name = clarity_lit(text), .types = CLARITY_TYPE_STRING,              \
        .max_length = SIZE_MAX                                                \
    }
#define MOMENT(text)                                                          \
    {                                                                         \
        .name = clarity_lit(text),                                            \
        .types = CLARITY_TYPE_STRING | CLARITY_TYPE_NULL,                     \
        .format = CLARITY_FORMAT_DATE_TIME, .max_length = SIZE_MAX            \
    }

/* In the order in which clarity_job_failed_context() writes them. */
static const clarity_parameter_t parameters[] = {
    STRING("job_id"),
    STRING("trigger"),
    STRING("webhook"),
    STRING("reason"),
    MOMENT("received_at"),
    MOMENT("failed_at"),
};

static const clarity_trigger_t job_failed = {
    .name = clarity_lit(CLARITY_TRIGGER_JOB_FAILED),
    .title = clarity_lit("Job Failed"),
    .description = clarity_lit("A job has failed."),
    .context = parameters,
    .ncontext = sizeof(parameters) / sizeof(parameters[0]),
};


const clarity_trigger_t *
clarity_trigger_find(const clarity_triggers_t *triggers, clarity_str_t name)
{
    return clarity_str_eq(name, job_failed.name)
               ? &job_failed
               : clarity_triggers_find(triggers, name);
}


void
clarity_job_failed_context(clarity_buf_t *buf, const clarity_failed_job_t *job)
{
    clarity_buf_addz(buf, "{\"job_id\":");
    clarity_buf_add_json(buf, job->job_id);
    clarity_buf_addz(buf, ",\"trigger\":");
    clarity_buf_add_json(buf, job->trigger);
    clarity_buf_addz(buf, ",\"webhook\":");
    clarity_buf_add_json(buf, job->webhook);
    clarity_buf_addz(buf, ",\"reason\":");
    clarity_buf_add_json(buf, job->reason);
    clarity_member_time(buf, "received_at", job->received);
    clarity_member_time(buf, "failed_at", job->failed);
    clarity_buf_addz(buf, "}");
}
