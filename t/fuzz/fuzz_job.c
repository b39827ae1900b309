/*
 * What stands in Redis of a job: ids, entries, records and views. An input is
 * a list of strings, each ended by a NUL.
 */

#include "job/id.h"
#include "job/job.h"
#include "job/record.h"
#include "job/view.h"
#include "json/tree.h"
#include "t/fuzz/fuzz.h"

#define STRINGS 32

static void check_id(clarity_str_t text);
static void check_record(clarity_str_t text);
static void check_view(const clarity_str_t *list, size_t n);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n, start, i;
    clarity_job_t job;
    const char *why;
    clarity_str_t list[STRINGS];

    n = 0;
    start = 0;

    for (i = 0; i < size && n < STRINGS; i++) {
        if (data[i] == '\0') {
            list[n++] =
                (clarity_str_t){ (const char *) data + start, i - start };
            start = i + 1;
        }
    }

    for (i = 0; i < n; i++) {
        check_id(list[i]);

        /* Each makes readers of its own; others are refused at once. */
        if (list[i].len != 0 && list[i].data[0] == '{') {
            check_record(list[i]);
        }
    }

    why = clarity_job_from_fields(list, n, &job);
    FUZZ_HOLDS(why == NULL || why[0] != '\0');

    check_view(list, n);

    return 0;
}


/* What is read as an id is written the same. */
static void
check_id(clarity_str_t text)
{
    size_t len;
    clarity_job_id_t id;
    char out[CLARITY_JOB_ID_MAX];

    if (clarity_job_id_parse(text, &id)) {
        len = clarity_job_id_format(&id, out);
        FUZZ_HOLDS(clarity_str_eq(text, (clarity_str_t){ out, len }));
    }

    if (clarity_job_id_from_entry(text, 0, &id)) {
        FUZZ_HOLDS(clarity_job_id_format(&id, out) < CLARITY_JOB_ID_MAX);
    }
}


static void
check_record(clarity_str_t text)
{
    clarity_error_t error;
    clarity_run_record_t run;
    clarity_step_record_t step;

    error.text[0] = '\0';
    FUZZ_HOLDS(clarity_run_read(text, &run, &error) || error.text[0] != '\0');
    clarity_run_record_free(&run);

    error.text[0] = '\0';
    FUZZ_HOLDS(
        clarity_step_read(text, &step, &error) || error.text[0] != '\0');
    clarity_step_record_free(&step);
}


/* A view that is found is JSON, unless a name in Redis is not UTF-8. */
static void
check_view(const clarity_str_t *list, size_t n)
{
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_job_id_t id = { 0, 1732000000000, 0 };

    if (clarity_view_write(&buf, &id, list, n) == CLARITY_VIEW_FOUND) {
        FUZZ_HOLDS(!buf.failed);

        doc = clarity_json_parse(clarity_buf_str(&buf), "view", 0, &error);
        FUZZ_HOLDS(doc != NULL);
        clarity_json_free(doc);
    }

    clarity_buf_free(&buf);
}
