/*
 * "… 1200 retried" on standard error, anew each second of a long work, if that
 * is a terminal.
 */

#ifndef CLARITY_CLI_PROGRESS_H
#define CLARITY_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *what;
    uint64_t next; /* ms since 1970 */
    bool on_terminal;
    bool shown;
} clarity_progress_t;

/* what: "retried"; static text. */
void clarity_progress_start(clarity_progress_t *progress, const char *what);

void clarity_progress_step(clarity_progress_t *progress, uint64_t done);

void clarity_progress_end(clarity_progress_t *progress);

#endif
