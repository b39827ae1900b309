#include "job/job.h"

#include "job/id.h"

#define CLARITY_RECEIVED_MAX 20 /* digits of 64 bits */

typedef struct {
    clarity_str_t name;
    size_t offset;       /* of the value in clarity_job_t */
    const char *missing; /* NULL: the field is optional */
} field_t;

static bool is_number(clarity_str_t text);

/* In the order in which they stand in the stream. */
static const field_t job_fields[] = {
    { clarity_lit("trigger"), offsetof(clarity_job_t, trigger),
        "has no field \"trigger\"" },
    { clarity_lit("webhook"), offsetof(clarity_job_t, webhook),
        "has no field \"webhook\"" },
    { clarity_lit("context"), offsetof(clarity_job_t, context),
        "has no field \"context\"" },
    { clarity_lit("received"), offsetof(clarity_job_t, received),
        "has no field \"received\"" },
    { clarity_lit("request"), offsetof(clarity_job_t, request),
        "has no field \"request\"" },
    { clarity_lit("traceparent"), offsetof(clarity_job_t, traceparent), NULL },
    { clarity_lit("addr"), offsetof(clarity_job_t, addr), NULL },
    { clarity_lit("job"), offsetof(clarity_job_t, job), NULL },
};

#define FIELDS (sizeof(job_fields) / sizeof(job_fields[0]))


size_t
clarity_job_xadd(const clarity_job_t *job, clarity_str_t key,
    clarity_str_t argv[CLARITY_JOB_MAX_ARGS])
{
    argv[0] = clarity_lit("XADD");
    argv[1] = key;
    argv[2] = clarity_lit("*");

    return 3 + clarity_job_fields(job, argv + 3);
}


size_t
clarity_job_fields(
    const clarity_job_t *job, clarity_str_t argv[CLARITY_JOB_MAX_FIELDS])
{
    size_t i, argc;
    const clarity_str_t *value;

    argc = 0;

    for (i = 0; i < FIELDS; i++) {
        value = (const void *) ((const char *) job + job_fields[i].offset);

        if (value->len != 0 || job_fields[i].missing != NULL) {
            argv[argc++] = job_fields[i].name;
            argv[argc++] = *value;
        }
    }

    return argc;
}


const char *
clarity_job_from_fields(
    const clarity_str_t *fields, size_t n, clarity_job_t *job)
{
    size_t i, k;
    clarity_str_t *value;
    clarity_job_id_t id;

    memset(job, 0, sizeof(*job));

    if (n % 2 != 0) {
        return "has a field without a value";
    }

    for (k = 0; k < n; k += 2) {
        for (i = 0; i < FIELDS; i++) {
            if (clarity_str_eq(fields[k], job_fields[i].name)) {
                value = (void *) ((char *) job + job_fields[i].offset);

                if (value->data != NULL) {
                    return "has the same field twice";
                }

                *value = fields[k + 1];
                break;
            }
        }
    }

    for (i = 0; i < FIELDS; i++) {
        value = (void *) ((char *) job + job_fields[i].offset);

        if (value->len == 0 && job_fields[i].missing != NULL) {
            return job_fields[i].missing;
        }
    }

    if (!is_number(job->received)) {
        return "has a field \"received\" that is not ms since 1970";
    }

    if (job->job.len != 0 && !clarity_job_id_parse(job->job, &id)) {
        return "has a field \"job\" that is no job id";
    }

    return NULL;
}


static bool
is_number(clarity_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }

    return text.len != 0 && text.len <= CLARITY_RECEIVED_MAX;
}
