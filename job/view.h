/*
 * A job as it is shown, put together from its hash, its entry, and where the
 * workers are in the stream: all of it by one script, so that a job that is
 * under way is not missed in between.
 */

#ifndef CLARITY_JOB_VIEW_H
#define CLARITY_JOB_VIEW_H

#include "job/id.h"
#include "job/key.h"
#include "job/record.h"
#include "job/script.h"
#include "json/buf.h"

/*
 * KEYS: stream, job hash. ARGV: group, entry. An array of strings: where the
 * entry is ("queued", "running", "gone"), then field, value … of the hash and
 * of the entry, without contexts and without the bodies of answers.
 */
extern const clarity_script_t clarity_script_view;

#define CLARITY_VIEW_ARGS (3 + 2 + 2)

typedef struct {
    clarity_key_t stream;
    clarity_key_t hash;
    char entry[CLARITY_ENTRY_ID_MAX];
    clarity_str_t argv[CLARITY_VIEW_ARGS];
} clarity_view_call_t;

/* EVAL … for that job. argv points into the call and static text. */
void clarity_view_call(clarity_view_call_t *call, clarity_str_t prefix,
    const clarity_job_id_t *id);

typedef enum {
    CLARITY_VIEW_FOUND,
    CLARITY_VIEW_NONE,       /* there is no such job, or it was forgotten */
    CLARITY_VIEW_UNREADABLE, /* what Redis holds is no record */
    CLARITY_VIEW_NO_MEMORY
} clarity_view_status_t;

typedef struct {
    clarity_str_t id;
    clarity_step_record_t record;
} clarity_view_step_t;

typedef struct {
    clarity_str_t workflow; /* its id */
    clarity_run_record_t record;
    clarity_view_step_t *steps; /* all that the run has, in their order */
    clarity_str_t *step_ids;    /* theirs */
    size_t nsteps;
} clarity_view_run_t;

/* Strings point into the reply that it was read from. */
typedef struct {
    clarity_job_id_t id;
    clarity_state_t state;
    clarity_str_t trigger;
    clarity_str_t webhook;
    clarity_str_t reason;     /* empty: none */
    uint64_t received;        /* ms since 1970; 0: not known */
    clarity_view_run_t *runs; /* by the workflows' ids */
    size_t nruns;
    clarity_str_t unreadable; /* the workflow whose run cannot be read */
} clarity_view_job_t;

/* A field of the reply, whose n strings these are; empty: it has none. */
clarity_str_t clarity_view_field(
    const clarity_str_t *reply, size_t n, const char *name);

/* Free the job in any case. */
clarity_view_status_t clarity_view_read(clarity_view_job_t *job,
    const clarity_job_id_t *id, const clarity_str_t *reply, size_t n);

void clarity_view_job_free(clarity_view_job_t *job);

/*
 * Appends the job as JSON: {"job_id","trigger","webhook","state","reason",
 * "received_at","runs":[{"workflow","state","attempt","reason","steps":[{
 * "id","state","attempt","status","reason","started_at","ended_at"}]}]}, and
 * a line end. Out of memory: buf->failed.
 */
void clarity_view_show(clarity_buf_t *buf, const clarity_view_job_t *job);

/* Both. Out of memory: also buf->failed. */
clarity_view_status_t clarity_view_write(clarity_buf_t *buf,
    const clarity_job_id_t *id, const clarity_str_t *reply, size_t n);

#endif
