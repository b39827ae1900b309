/*
 * A job as it is shown: put together from its hash, its stream entry, and
 * where the workers are in the stream.
 */

#ifndef CLARITY_CLI_VIEW_H
#define CLARITY_CLI_VIEW_H

#include "cli/command.h"
#include "job/record.h"

typedef struct {
    clarity_str_t id;
    clarity_step_record_t record;
} clarity_step_view_t;

typedef struct {
    clarity_str_t id; /* the workflow's */
    clarity_run_record_t record;
    clarity_step_view_t *steps;
    clarity_str_t *step_ids; /* theirs */
    size_t nsteps;
} clarity_run_view_t;

typedef struct {
    clarity_job_id_t id;
    bool found;
    clarity_state_t state;
    clarity_str_t trigger;
    clarity_str_t webhook;
    clarity_str_t reason;     /* empty: none */
    uint64_t received;        /* ms since 1970; 0: not known */
    clarity_run_view_t *runs; /* by the workflows' ids */
    size_t nruns;
    char due[32]; /* its score among the delayed; "": it is not */

    redisReply *hash; /* own the strings above */
    redisReply *entry;
} clarity_view_t;

/* The newest job's id; false and *error, also where there is none. */
bool clarity_view_latest(const clarity_target_t *target,
    clarity_asker_t *asker, clarity_job_id_t *id, clarity_error_t *error);

/* false and *error, also where there is no such job. Free the view in any
 * case. */
bool clarity_view_get(const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_job_id_t *id, clarity_view_t *view, clarity_error_t *error);

/* The same, but that there is no such job is no error: see found. */
bool clarity_view_find(const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_job_id_t *id, clarity_view_t *view, clarity_error_t *error);

/* The same for the command's argument, which is a job id. */
bool clarity_view_of(const clarity_command_t *command, clarity_view_t *view);

void clarity_view_free(clarity_view_t *view);

#endif
