#include "job/hand_retry.h"

#include <stdio.h>
#include <stdlib.h>

#define ARGS 3 /* before the fields: entry among the failed, id, count */

static void reset_run(clarity_retry_t *retry, const clarity_view_run_t *run);
static bool make_argv(clarity_retry_t *retry, clarity_str_t failed);


bool
clarity_retry_make(clarity_retry_t *retry, clarity_str_t prefix,
    const clarity_view_job_t *job, clarity_str_t failed)
{
    size_t i;

    memset(retry, 0, sizeof(*retry));

    clarity_key_jobs(&retry->stream, prefix, job->id.shard);
    clarity_key_job(&retry->hash, prefix, &job->id);
    clarity_key_failed(&retry->failed, prefix, job->id.shard);
    clarity_job_id_format(&job->id, retry->id);

    for (i = 0; i < job->nruns; i++) {
        if (job->runs[i].record.state == CLARITY_FAILED) {
            reset_run(retry, &job->runs[i]);
        }
    }

    return make_argv(retry, failed);
}


void
clarity_retry_free(clarity_retry_t *retry)
{
    clarity_fields_free(&retry->set);
    clarity_fields_free(&retry->deleted);
    free(retry->argv);
}


clarity_retried_t
clarity_retry_result(long long number)
{
    return number == 1   ? CLARITY_RETRIED
           : number == 0 ? CLARITY_RETRY_CHANGED
                         : CLARITY_RETRY_ERASED;
}


/*
 * Its digest is left out: who retries by hand has perhaps mended the workflow,
 * and means the text of now.
 */
static void
reset_run(clarity_retry_t *retry, const clarity_view_run_t *run)
{
    size_t i;
    clarity_run_record_t record;

    record = run->record;
    record.state = CLARITY_WAITING;
    record.digest = record.reason = clarity_lit("");
    record.next = 0;

    clarity_run_field(&retry->set.text, run->workflow);
    clarity_fields_end(&retry->set);
    clarity_run_write(&retry->set.text, &record, run->step_ids, run->nsteps);
    clarity_fields_end(&retry->set);

    for (i = 0; i < run->nsteps; i++) {
        if (run->steps[i].record.state == CLARITY_FAILED) {
            clarity_step_field(
                &retry->deleted.text, run->workflow, run->steps[i].id);
            clarity_fields_end(&retry->deleted);
        }
    }
}


static bool
make_argv(clarity_retry_t *retry, clarity_str_t failed)
{
    size_t n, nset, ndeleted;
    const clarity_str_t *set, *deleted;

    set = clarity_fields_list(&retry->set, &nset);
    deleted = clarity_fields_list(&retry->deleted, &ndeleted);

    if (set == NULL || deleted == NULL) {
        return false;
    }

    retry->argv = calloc(
        CLARITY_RETRY_KEYS + ARGS + nset + ndeleted, sizeof(clarity_str_t));
    if (retry->argv == NULL) {
        return false;
    }

    snprintf(retry->count, sizeof(retry->count), "%zu", nset);

    n = 0;
    retry->argv[n++] = clarity_key_str(&retry->stream);
    retry->argv[n++] = clarity_key_str(&retry->hash);
    retry->argv[n++] = clarity_key_str(&retry->failed);
    retry->argv[n++] = failed;
    retry->argv[n++] = clarity_str(retry->id);
    retry->argv[n++] = clarity_str(retry->count);
    memcpy(retry->argv + n, set, nset * sizeof(clarity_str_t));
    memcpy(retry->argv + n + nset, deleted, ndeleted * sizeof(clarity_str_t));

    retry->argc = n + nset + ndeleted;

    return true;
}
