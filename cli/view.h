/*
 * A job as it is shown: put together from its hash, its stream entry, and
 * where the workers are in the stream.
 */

#ifndef CLARITY_CLI_VIEW_H
#define CLARITY_CLI_VIEW_H

#include "cli/command.h"
#include "job/view.h"

typedef struct {
    bool found;
    clarity_view_job_t job; /* where it was found; its id in any case */
    char due[32];           /* its score among the delayed; "": it is not */

    /* Own the strings above: */
    redisReply *hash;
    redisReply *entry;
    clarity_str_t *fields; /* both, as clarity_view_read() has them */
    size_t nfields;
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
