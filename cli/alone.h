/*
 * The commands that are not, or not only, questions to Redis. Each writes to
 * `out` what is to be printed, which is printed whatever the exit status; on
 * CLARITY_EXIT_NO and CLARITY_EXIT_USAGE *error says more, if it is not empty.
 */

#ifndef CLARITY_CLI_ALONE_H
#define CLARITY_CLI_ALONE_H

#include "json/buf.h"
#include "json/error.h"

typedef struct {
    const char *file;   /* worker.json, or NULL */
    const char *prefix; /* or NULL */
    bool json;

    const char *job;             /* preview */
    const char *method;          /* send, and below */
    const char *token_file;      /* NULL: the environment */
    const char *idempotency_key; /* or NULL */
    bool dry_run;

    size_t argc; /* after the command's name */
    char **argv;
    clarity_buf_t *out;
    clarity_error_t *error;
} clarity_alone_t;

int clarity_command_check(const clarity_alone_t *alone);
int clarity_command_preview(const clarity_alone_t *alone);
int clarity_command_send(const clarity_alone_t *alone);

/*
 * A JSON text: the argument itself, of the file after an "@", of standard
 * input for "-". false and *error.
 */
bool clarity_alone_text(
    const char *argument, clarity_buf_t *text, clarity_error_t *error);

#endif
