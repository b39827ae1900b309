#include "job/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "job/member.h"
#include "json/number.h"

#define HEAD   2 /* strings before the jobs */
#define FIELDS 8 /* strings of a job */

static bool is_rising(clarity_listing_which_t which);
static bool read_key(clarity_listing_which_t which, clarity_str_t text,
    clarity_listing_place_t *at);
static size_t write_key(clarity_listing_which_t which,
    const clarity_listing_place_t *at, char out[CLARITY_ENTRY_ID_MAX]);
static bool to_number(clarity_str_t digits, uint64_t *number);
static clarity_listing_status_t add_job(
    clarity_listing_t *list, const clarity_str_t *fields);
static void show(clarity_listing_job_t *job, clarity_state_t state,
    const clarity_str_t *field);
static void end_at(
    clarity_listing_t *list, const clarity_listing_place_t *place);
static void cut(clarity_listing_t *list);
static void drop(clarity_listing_t *list, size_t n);
static void sort(clarity_listing_t *list, size_t from);
static int compare(clarity_listing_which_t which,
    const clarity_listing_place_t *a, const clarity_listing_place_t *b);


bool
clarity_listing_which(clarity_str_t state, clarity_listing_which_t *which)
{
    size_t i;
    clarity_state_t found;

    static const struct {
        clarity_state_t state;
        clarity_listing_which_t which;
    } known[] = {
        { CLARITY_QUEUED, CLARITY_LISTING_QUEUED },
        { CLARITY_RUNNING, CLARITY_LISTING_RUNNING },
        { CLARITY_WAITING, CLARITY_LISTING_WAITING },
        { CLARITY_FAILED, CLARITY_LISTING_FAILED },
        { CLARITY_SUCCEEDED, CLARITY_LISTING_SUCCEEDED },
        { CLARITY_CANCELLED, CLARITY_LISTING_CANCELLED },
    };

    *which = CLARITY_LISTING_ALL;

    if (state.len == 0) {
        return true;
    }

    if (!clarity_state_parse(state, &found)) {
        return false;
    }

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].state == found) {
            *which = known[i].which;
            return true;
        }
    }

    return false;
}


void
clarity_listing_init(
    clarity_listing_t *list, clarity_listing_which_t which, size_t limit)
{
    memset(list, 0, sizeof(*list));

    list->which = which;
    list->limit = limit;
}


void
clarity_listing_free(clarity_listing_t *list)
{
    drop(list, 0);
    free(list->jobs);
}


/* KEY.JOB, as in 1732000000000-0.0-1732000000000-0 */
bool
clarity_listing_after(clarity_listing_t *list, clarity_str_t next)
{
    const char *dot;
    clarity_str_t key, id;

    dot = memchr(next.data, '.', next.len);
    if (dot == NULL) {
        return false;
    }

    key.data = next.data;
    key.len = (size_t) (dot - next.data);
    id.data = dot + 1;
    id.len = next.len - key.len - 1;

    list->goes_on = read_key(list->which, key, &list->after)
                    && clarity_job_id_parse(id, &list->after.id);

    return list->goes_on;
}


void
clarity_listing_call(clarity_listing_call_t *call,
    const clarity_listing_t *list, clarity_str_t prefix, unsigned shard)
{
    size_t i, n;
    bool from_it;
    clarity_str_t *argv;

    clarity_key_jobs(&call->keys[0], prefix, shard);
    clarity_key_failed(&call->keys[1], prefix, shard);
    clarity_key_delayed(&call->keys[2], prefix, shard);
    clarity_key_recent(&call->keys[3], prefix, shard);
    clarity_key_job_prefix(&call->hashes, prefix, shard);

    snprintf(call->shard, sizeof(call->shard), "%u", shard);
    snprintf(call->limit, sizeof(call->limit), "%zu", list->limit);

    call->start[0] = call->at[0] = '\0';
    from_it = false;

    if (list->goes_on) {
        write_key(list->which, &list->after, call->start);
        clarity_job_id_format(&list->after.id, call->at);

        /* Of those that wait the script finds its own one by its id. */
        from_it = shard > list->after.id.shard
                  || (shard == list->after.id.shard
                      && list->which == CLARITY_LISTING_WAITING);
    }

    argv = call->argv;
    n = 0;

    argv[n++] = clarity_lit("EVAL");
    argv[n++] = clarity_str(clarity_listing_script(list->which)->lua);
    argv[n++] = clarity_lit("4");

    for (i = 0; i < CLARITY_LISTING_KEYS; i++) {
        argv[n++] = clarity_key_str(&call->keys[i]);
    }

    argv[n++] = clarity_lit(CLARITY_GROUP);
    argv[n++] = clarity_key_str(&call->hashes);
    argv[n++] = clarity_str(call->shard);
    argv[n++] = list->which == CLARITY_LISTING_CANCELLED
                    ? clarity_lit("cancelled")
                    : clarity_lit("succeeded");
    argv[n++] = clarity_str(call->limit);
    argv[n++] = clarity_str(call->start);
    argv[n++] = from_it ? clarity_lit("1") : clarity_lit("0");
    argv[n++] = clarity_str(call->at);
}


clarity_listing_status_t
clarity_listing_add(
    clarity_listing_t *list, const clarity_str_t *reply, size_t n)
{
    size_t i, before;
    clarity_listing_place_t reached;
    clarity_listing_status_t status;

    if (n < HEAD || (n - HEAD) % FIELDS != 0) {
        return CLARITY_LISTING_UNREADABLE;
    }

    before = list->n;

    for (i = HEAD; i < n; i += FIELDS) {
        status = add_job(list, reply + i);

        if (status != CLARITY_LISTING_OK) {
            return status;
        }
    }

    sort(list, before);

    if (reply[0].len > 0) {
        if (!read_key(list->which, reply[0], &reached)
            || !clarity_job_id_parse(reply[1], &reached.id))
        {
            return CLARITY_LISTING_UNREADABLE;
        }

        end_at(list, &reached);
    }

    cut(list);

    return CLARITY_LISTING_OK;
}


void
clarity_listing_write(const clarity_listing_t *list, clarity_buf_t *buf)
{
    size_t i;
    char key[CLARITY_ENTRY_ID_MAX], id[CLARITY_JOB_ID_MAX];

    clarity_buf_addz(buf, "{\"jobs\":[");

    for (i = 0; i < list->n; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        clarity_buf_add(buf, clarity_buf_str(&list->jobs[i].json));
    }

    if (list->more) {
        write_key(list->which, &list->next, key);
        clarity_job_id_format(&list->next.id, id);
        clarity_buf_addf(buf, "],\"next\":\"%s.%s\"}", key, id);

    } else {
        clarity_buf_addz(buf, "],\"next\":null}");
    }
}


static bool
is_rising(clarity_listing_which_t which)
{
    return which == CLARITY_LISTING_RUNNING
           || which == CLARITY_LISTING_WAITING;
}


/* MS-SEQ; of those that wait MS. */
static bool
read_key(clarity_listing_which_t which, clarity_str_t text,
    clarity_listing_place_t *at)
{
    clarity_job_id_t entry;

    if (which == CLARITY_LISTING_WAITING) {
        at->seq = 0;
        return to_number(text, &at->ms);
    }

    if (!clarity_job_id_from_entry(text, 0, &entry)) {
        return false;
    }

    at->ms = entry.ms;
    at->seq = entry.seq;

    return true;
}


static size_t
write_key(clarity_listing_which_t which, const clarity_listing_place_t *at,
    char out[CLARITY_ENTRY_ID_MAX])
{
    clarity_job_id_t entry = { 0, at->ms, at->seq };

    if (which == CLARITY_LISTING_WAITING) {
        return (size_t) snprintf(
            out, CLARITY_ENTRY_ID_MAX, "%" PRIu64, at->ms);
    }

    return clarity_job_id_entry(&entry, out);
}


static bool
to_number(clarity_str_t digits, uint64_t *number)
{
    size_t i, n;

    for (i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
    }

    if (i == 0 || !clarity_number_to_size(digits, SIZE_MAX, &n)) {
        return false;
    }

    *number = n;

    return true;
}


static clarity_listing_status_t
add_job(clarity_listing_t *list, const clarity_str_t *fields)
{
    size_t size;
    clarity_state_t state;
    clarity_listing_job_t *jobs, *job;

    if (list->n == list->size) {
        size = 2 * list->size + list->limit;
        jobs = realloc(list->jobs, size * sizeof(*jobs));

        if (jobs == NULL) {
            return CLARITY_LISTING_NO_MEMORY;
        }

        list->jobs = jobs;
        list->size = size;
    }

    job = &list->jobs[list->n];
    memset(job, 0, sizeof(*job));

    if (!read_key(list->which, fields[0], &job->at)
        || !clarity_job_id_parse(fields[1], &job->at.id)
        || !clarity_state_parse(fields[2], &state))
    {
        return CLARITY_LISTING_UNREADABLE;
    }

    list->n++;
    show(job, state, fields);

    return job->json.failed ? CLARITY_LISTING_NO_MEMORY : CLARITY_LISTING_OK;
}


static void
show(clarity_listing_job_t *job, clarity_state_t state,
    const clarity_str_t *field)
{
    uint64_t received, due;
    clarity_buf_t *buf;

    buf = &job->json;
    received = due = 0;
    to_number(field[6], &received);
    to_number(field[7], &due);

    clarity_member_job(buf, &job->at.id);
    clarity_member_text(buf, "trigger", field[3]);
    clarity_member_text(buf, "webhook", field[4]);
    clarity_member_text(buf, "state", clarity_str(clarity_state_name(state)));
    clarity_member_text(buf, "reason", field[5]);
    clarity_member_time(buf, "received_at", received);
    clarity_member_time(buf, "next_at", due);
    clarity_buf_addz(buf, "}");
}


/* What comes after the first place at which a shard has stopped is not known
 * in full. */
static void
end_at(clarity_listing_t *list, const clarity_listing_place_t *place)
{
    if (!list->more || compare(list->which, place, &list->next) < 0) {
        list->more = true;
        list->next = *place;
    }
}


static void
cut(clarity_listing_t *list)
{
    size_t n;

    n = list->n;

    while (list->more && n > 0
           && compare(list->which, &list->jobs[n - 1].at, &list->next) > 0)
    {
        n--;
    }

    if (n > list->limit) {
        n = list->limit;
        list->more = true;
        list->next = list->jobs[n - 1].at;
    }

    drop(list, n);
}


/* All but the first n. */
static void
drop(clarity_listing_t *list, size_t n)
{
    while (list->n > n) {
        clarity_buf_free(&list->jobs[--list->n].json);
    }
}


/* Each shard's stand in order, and stay so among themselves. */
static void
sort(clarity_listing_t *list, size_t from)
{
    size_t i, k;
    clarity_listing_job_t job;

    for (i = from; i < list->n; i++) {
        job = list->jobs[i];

        for (k = i;
             k > 0 && compare(list->which, &list->jobs[k - 1].at, &job.at) > 0;
             k--)
        {
            list->jobs[k] = list->jobs[k - 1];
        }

        list->jobs[k] = job;
    }
}


static int
compare(clarity_listing_which_t which, const clarity_listing_place_t *a,
    const clarity_listing_place_t *b)
{
    int order;

    order = a->ms != b->ms     ? (a->ms < b->ms ? -1 : 1)
            : a->seq != b->seq ? (a->seq < b->seq ? -1 : 1)
                               : 0;

    if (order != 0) {
        return is_rising(which) ? order : -order;
    }

    return a->id.shard < b->id.shard ? -1 : a->id.shard > b->id.shard;
}
