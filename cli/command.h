/*
 * The commands. Each writes to `out` what is to be printed, and returns the
 * exit status; on CLARITY_EXIT_NO *error says why. There may be an answer
 * nonetheless, a whole one.
 */

#ifndef CLARITY_CLI_COMMAND_H
#define CLARITY_CLI_COMMAND_H

#include "cli/ask.h"
#include "cli/target.h"
#include "json/buf.h"

#define CLARITY_EXIT_DONE  0
#define CLARITY_EXIT_NO    1
#define CLARITY_EXIT_USAGE 2

typedef struct {
    const clarity_target_t *target;
    clarity_asker_t *asker;
    const char *argument; /* after the command's name, or NULL */
    bool json;
    bool all_failed;   /* retry */
    const char *state; /* jobs; NULL: any */
    size_t limit;      /* jobs */
    clarity_buf_t *out;
    clarity_error_t *error;
} clarity_command_t;

/* NULL if it can be the command's argument, else why not. */
const char *clarity_command_id_refused(const char *argument);
const char *clarity_command_job_refused(const char *argument);

int clarity_command_cancel(const clarity_command_t *command);
int clarity_command_erase(const clarity_command_t *command);
int clarity_command_job(const clarity_command_t *command);
int clarity_command_jobs(const clarity_command_t *command);
int clarity_command_retry(const clarity_command_t *command);
int clarity_command_stats(const clarity_command_t *command);
int clarity_command_webhooks(const clarity_command_t *command);

#endif
