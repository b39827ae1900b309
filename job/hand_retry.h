/*
 * A retry by hand: which fields of a failed job's hash are set and which go,
 * so that its failed runs begin again at the step that failed. What has
 * succeeded, or was cancelled, stays as it is.
 */

#ifndef CLARITY_JOB_HAND_RETRY_H
#define CLARITY_JOB_HAND_RETRY_H

#include "job/fields.h"
#include "job/key.h"
#include "job/view.h"

#define CLARITY_RETRY_KEYS 3

typedef struct {
    clarity_key_t stream;
    clarity_key_t hash;
    clarity_key_t failed;
    char id[CLARITY_JOB_ID_MAX];
    char count[24];
    clarity_fields_t set;
    clarity_fields_t deleted;

    /* Keys, then arguments, of clarity_script_retry; point into the above and
     * into what the job was read from. */
    clarity_str_t *argv;
    size_t argc;
} clarity_retry_t;

/*
 * `failed` is the hash's field of that name: the job's entry among the failed.
 * false: out of memory. Free the retry in any case.
 */
bool clarity_retry_make(clarity_retry_t *retry, clarity_str_t prefix,
    const clarity_view_job_t *job, clarity_str_t failed);

void clarity_retry_free(clarity_retry_t *retry);

/* What the script's number says. */
typedef enum {
    CLARITY_RETRIED,
    CLARITY_RETRY_CHANGED, /* the job is not as it was seen */
    CLARITY_RETRY_ERASED   /* it has no context any more */
} clarity_retried_t;

clarity_retried_t clarity_retry_result(long long number);

#endif
