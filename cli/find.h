/*
 * Which jobs there are: those in the stream, and those that have a hash.
 */

#ifndef CLARITY_CLI_FIND_H
#define CLARITY_CLI_FIND_H

#include "cli/command.h"
#include "job/id.h"

typedef struct {
    clarity_job_id_t *ids; /* owned */
    size_t n;
    size_t size;
    bool more; /* there are than the command's limit */
} clarity_found_t;

/*
 * Those in the command's state, or all: the newest first, but of those that
 * wait the first due, of those that are queued or running the oldest. Jobs
 * move meanwhile, so one may be in another state by now. false and the
 * command's error.
 */
bool clarity_find_jobs(
    const clarity_command_t *command, clarity_found_t *found);

void clarity_found_free(clarity_found_t *found);

#endif
