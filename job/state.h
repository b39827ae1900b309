/*
 * States of jobs, runs and steps, as they stand in Redis and in answers.
 */

#ifndef CLARITY_JOB_STATE_H
#define CLARITY_JOB_STATE_H

#include "json/str.h"

typedef enum {
    CLARITY_QUEUED,  /* job: in the stream, with no worker yet */
    CLARITY_PENDING, /* step: not yet begun */
    CLARITY_RUNNING,
    CLARITY_WAITING,   /* job, run: for a retry, a delay, a start */
    CLARITY_SUCCEEDED, /* this and those below are final */
    CLARITY_FAILED,
    CLARITY_CANCELLED, /* job, run */
    CLARITY_SKIPPED    /* run, step */
} clarity_state_t;

const char *clarity_state_name(clarity_state_t state);

/* false: no such state. */
bool clarity_state_parse(clarity_str_t name, clarity_state_t *state);

bool clarity_state_is_final(clarity_state_t state);

#endif
