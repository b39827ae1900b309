/*
 * The worker's log: one JSON object a line. Holds ids, names, states and
 * reasons; never a secret, nor a value of a context or of an answer.
 */

#ifndef CLARITY_WORKER_LOG_H
#define CLARITY_WORKER_LOG_H

#include "json/buf.h"
#include "json/error.h"

typedef enum {
    CLARITY_LOG_INFO,
    CLARITY_LOG_WARN, /* somebody may want to look */
    CLARITY_LOG_ERROR /* somebody must */
} clarity_log_level_t;

typedef struct {
    int fd;
    char *path;         /* NULL: stderr */
    clarity_buf_t line; /* memory kept from line to line */
    unsigned process;   /* the number of one of several; 0: none is shown */

    /* Told of each event that is logged; NULL: nobody. */
    void (*seen)(void *owner, const char *event);
    void *owner;

    clarity_error_t fault; /* why the worker has not started; empty: it has */
} clarity_log_t;

/* path NULL: stderr. false and *error: the file cannot be opened. */
bool clarity_log_open(
    clarity_log_t *log, const char *path, clarity_error_t *error);

/* After the file was moved away. Goes on with the old one if it must. */
void clarity_log_reopen(clarity_log_t *log);

void clarity_log_close(clarity_log_t *log);

/*
 * {"time":"2024-11-19T07:06:40.123Z","level":"info","event":EVENT,…}, where it
 * has one with "process":NUMBER after the event. members
 * names those that follow, each with its conversion, one blank between them:
 * "job=%s attempt=%u ms=%llu"; no others are known. A NULL or empty string is
 * left out.
 */
void clarity_log(clarity_log_t *log, clarity_log_level_t level,
    const char *event, const char *members, ...)
    __attribute__((format(printf, 4, 5)));

/* The event "not_started"; the reason is kept for who has started it. */
void clarity_log_not_started(clarity_log_t *log, const char *reason);

#endif
