/*
 * What a job's hash remembers of its runs and steps, a field each:
 *
 *   run:<workflow>         {"state":"running","attempt":1,"digest":"…",
 *                           "steps":["revoke","tell"],"next":ms,
 *                           "reason":"…"}
 *   step:<workflow>:<step> {"state":"succeeded","attempt":1,"started":ms,
 *                           "ended":ms,"reason":"…",
 *                           "result":{"status":200,"body":…}}
 *
 * A workflow's and a step's id hold no colon. digest is that of the
 * workflow's file, steps its ids in their order, next when a run that waits
 * goes on; times are ms since 1970. A step is written as running before its
 * effect and again after it, with its result: one that has ended never runs
 * again, and its result is what later steps see.
 */

#ifndef CLARITY_JOB_RECORD_H
#define CLARITY_JOB_RECORD_H

#include <stdint.h>

#include "job/state.h"
#include "json/buf.h"
#include "json/tree.h"

#define CLARITY_RUN_FIELD  "run:"
#define CLARITY_STEP_FIELD "step:"

typedef struct {
    clarity_state_t state;
    unsigned attempt; /* how often a worker took it up; from 1 */
    clarity_str_t digest;
    uint64_t next;        /* 0: none */
    clarity_str_t reason; /* empty: none */

    /* Of a record that was read: */
    const clarity_json_t *steps; /* an array of strings */
    clarity_json_doc_t *doc;     /* owns what is above */
} clarity_run_record_t;

typedef struct {
    clarity_state_t state;
    unsigned attempt; /* how often it was begun */
    uint64_t started; /* of the last attempt; 0: none */
    uint64_t ended;   /* 0: not yet */
    clarity_str_t reason;
    unsigned status; /* of the answer; 0: none */

    /* Of a record that was read: */
    const clarity_json_t *result; /* an object; NULL: none */
    clarity_json_doc_t *doc;      /* owns what is above */
} clarity_step_record_t;

/* The field's name. */
void clarity_run_field(clarity_buf_t *buf, clarity_str_t workflow);
void clarity_step_field(
    clarity_buf_t *buf, clarity_str_t workflow, clarity_str_t step);

/* A field's name taken apart. false: not of that kind. */
bool clarity_run_field_parse(clarity_str_t field, clarity_str_t *workflow);
bool clarity_step_field_parse(
    clarity_str_t field, clarity_str_t *workflow, clarity_str_t *step);

/* Append the field's value; steps are n ids. */
void clarity_run_write(clarity_buf_t *buf, const clarity_run_record_t *run,
    const clarity_str_t *steps, size_t n);

/*
 * body is the answer's, kept as JSON where it is JSON, else as a string; one
 * that is longer than CLARITY_BODY_KEPT, or no UTF-8, is null, and
 * "body_dropped" has its bytes.
 */
void clarity_step_write(
    clarity_buf_t *buf, const clarity_step_record_t *step, clarity_str_t body);

#define CLARITY_BODY_KEPT 65536 /* bytes */

/* false and *error: no such record. Free the record in any case. */
bool clarity_run_read(
    clarity_str_t text, clarity_run_record_t *run, clarity_error_t *error);
bool clarity_step_read(
    clarity_str_t text, clarity_step_record_t *step, clarity_error_t *error);

void clarity_run_record_free(clarity_run_record_t *run);
void clarity_step_record_free(clarity_step_record_t *step);

#endif
