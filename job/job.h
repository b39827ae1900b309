/*
 * A job as it stands in its stream: fields and values of one entry.
 *
 *   trigger   name of the trigger               required
 *   webhook   name (nginx.conf) or id           required
 *   context   the JSON object, as it was sent   required
 *   received  ms since 1970, nginx's clock      required
 *   request   nginx's request id                required
 *   traceparent, addr, job                      optional
 */

#ifndef CLARITY_JOB_JOB_H
#define CLARITY_JOB_JOB_H

#include "json/str.h"

typedef struct {
    clarity_str_t trigger;
    clarity_str_t webhook;
    clarity_str_t context;
    clarity_str_t received;
    clarity_str_t request;
    clarity_str_t traceparent; /* empty: none */
    clarity_str_t addr;        /* empty: none */
    clarity_str_t job;         /* the first id, where a job comes back */
} clarity_job_t;

#define CLARITY_JOB_MAX_FIELDS (2 * 8)
#define CLARITY_JOB_MAX_ARGS   (3 + CLARITY_JOB_MAX_FIELDS)

/*
 * Field, value …: argv points into the job and static text. Returns their
 * number.
 */
size_t clarity_job_fields(
    const clarity_job_t *job, clarity_str_t argv[CLARITY_JOB_MAX_FIELDS]);

/* XADD KEY * field value …. Returns argc. */
size_t clarity_job_xadd(const clarity_job_t *job, clarity_str_t key,
    clarity_str_t argv[CLARITY_JOB_MAX_ARGS]);

/*
 * From an entry's fields and values in turn. Unknown fields are passed over
 * (a newer writer); NULL, or why it is no job ("has no field \"trigger\"").
 */
const char *clarity_job_from_fields(
    const clarity_str_t *fields, size_t n, clarity_job_t *job);

#endif
