#include "cli/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "job/job.h"

#define LATEST_OF "100" /* entries, among which the newest job is looked for */

typedef enum { NOT_DELIVERED, PENDING, DONE } clarity_place_t;

static bool get_due(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error);
static bool get_newest(
    const redisReply *entry, clarity_job_id_t *id, bool first);
static bool get_state(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error);
static bool find_place(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, clarity_place_t *place,
    clarity_error_t *error);
static bool is_pending(clarity_asker_t *asker, clarity_str_t stream,
    clarity_str_t entry, bool *pending, clarity_error_t *error);
static bool is_delivered(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, bool *delivered, clarity_error_t *error);
static bool is_gone(const clarity_target_t *target, const clarity_view_t *view,
    clarity_error_t *error);
static void take_fields(clarity_view_t *view);
static clarity_str_t get_field(const clarity_view_t *view, const char *name);
static bool add_runs(clarity_view_t *view, clarity_error_t *error);
static bool add_steps(
    clarity_view_t *view, clarity_run_view_t *run, clarity_error_t *error);
static void read_step(clarity_view_t *view, const clarity_run_view_t *run,
    clarity_step_view_t *step);
static int by_id(const void *a, const void *b);


bool
clarity_view_latest(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_job_id_t *id, clarity_error_t *error)
{
    size_t i;
    bool found;
    redisReply *reply;
    clarity_key_t stream;
    clarity_str_t argv[6];

    clarity_key_jobs(&stream, clarity_str(target->prefix), 0);

    argv[0] = clarity_lit("XREVRANGE");
    argv[1] = clarity_key_str(&stream);
    argv[2] = clarity_lit("+");
    argv[3] = clarity_lit("-");
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_lit(LATEST_OF);

    reply = clarity_ask(asker, 6, argv, error);
    if (reply == NULL) {
        return false;
    }

    found = false;

    for (i = 0; i < reply->elements; i++) {
        found = get_newest(clarity_reply_at(reply, i), id, !found) || found;
    }

    freeReplyObject(reply);

    return found
           || clarity_error(error,
               "there has been no job yet in Redis at %s: the stream %s is "
               "empty. Is that the Redis of the webhooks? (%s)",
               target->shown, stream.data, target->source);
}


/* A job that came back to the stream is as old as its first entry. */
static bool
get_newest(const redisReply *entry, clarity_job_id_t *id, bool first)
{
    bool found;
    const redisReply *job;
    clarity_job_id_t other;

    job = clarity_reply_get(clarity_reply_at(entry, 1), "job");

    found = job != NULL
                ? clarity_job_id_parse(clarity_reply_str(job), &other)
                : clarity_job_id_from_entry(
                    clarity_reply_str(clarity_reply_at(entry, 0)), 0, &other);

    if (found
        && (first || other.ms > id->ms
            || (other.ms == id->ms && other.seq > id->seq)))
    {
        *id = other;
    }

    return found;
}


bool
clarity_view_get(const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_job_id_t *id, clarity_view_t *view, clarity_error_t *error)
{
    if (!clarity_view_find(target, asker, id, view, error)) {
        return false;
    }

    return view->found || is_gone(target, view, error);
}


bool
clarity_view_of(const clarity_command_t *command, clarity_view_t *view)
{
    clarity_job_id_t id;

    clarity_job_id_parse(clarity_str(command->argument), &id);

    return clarity_view_get(
        command->target, command->asker, &id, view, command->error);
}


/*
 * The entry and the due time are asked for before the hash: a job that ends in
 * between is found ended, not gone, and one that moves is not taken for one
 * that waits as it did before.
 */
bool
clarity_view_find(const clarity_target_t *target, clarity_asker_t *asker,
    const clarity_job_id_t *id, clarity_view_t *view, clarity_error_t *error)
{
    char entry[CLARITY_ENTRY_ID_MAX];
    clarity_key_t key, stream;
    clarity_str_t argv[4], prefix;

    memset(view, 0, sizeof(*view));

    view->id = *id;
    prefix = clarity_str(target->prefix);

    clarity_key_job(&key, prefix, id);
    clarity_key_jobs(&stream, prefix, id->shard);
    clarity_job_id_entry(id, entry);

    argv[0] = clarity_lit("XRANGE");
    argv[1] = clarity_key_str(&stream);
    argv[2] = clarity_str(entry);
    argv[3] = clarity_str(entry);

    view->entry = clarity_ask(asker, 4, argv, error);
    if (view->entry == NULL || !get_due(target, asker, view, error)) {
        return false;
    }

    argv[0] = clarity_lit("HGETALL");
    argv[1] = clarity_key_str(&key);

    view->hash = clarity_ask(asker, 2, argv, error);
    if (view->hash == NULL) {
        return false;
    }

    take_fields(view);

    return get_state(target, asker, view, error) && add_runs(view, error);
}


static bool
get_due(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error)
{
    char id[CLARITY_JOB_ID_MAX];
    redisReply *reply;
    clarity_key_t delayed;
    clarity_str_t argv[3];

    clarity_key_delayed(&delayed, clarity_str(target->prefix), view->id.shard);
    clarity_job_id_format(&view->id, id);

    argv[0] = clarity_lit("ZSCORE");
    argv[1] = clarity_key_str(&delayed);
    argv[2] = clarity_str(id);

    reply = clarity_ask(asker, 3, argv, error);
    if (reply == NULL) {
        return false;
    }

    snprintf(view->due, sizeof(view->due), "%.*s",
        clarity_fmt(clarity_reply_str(reply)));
    freeReplyObject(reply);

    return true;
}


void
clarity_view_free(clarity_view_t *view)
{
    size_t i, j;
    clarity_run_view_t *run;

    for (i = 0; i < view->nruns; i++) {
        run = &view->runs[i];

        for (j = 0; j < run->nsteps; j++) {
            clarity_step_record_free(&run->steps[j].record);
        }

        clarity_run_record_free(&run->record);
        free(run->steps);
        free(run->step_ids);
    }

    free(view->runs);

    if (view->entry != NULL) {
        freeReplyObject(view->entry);
    }

    if (view->hash != NULL) {
        freeReplyObject(view->hash);
    }
}


static bool
get_state(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error)
{
    clarity_key_t stream;
    clarity_place_t place;

    if (clarity_state_parse(get_field(view, "state"), &view->state)) {
        view->found = true;
        return true;
    }

    if (clarity_reply_at(view->entry, 0) == NULL) {
        return true;
    }

    clarity_key_jobs(&stream, clarity_str(target->prefix), view->id.shard);

    if (!find_place(asker, clarity_key_str(&stream), &view->id, &place, error))
    {
        return false;
    }

    view->found = place != DONE;
    view->state = place == PENDING ? CLARITY_RUNNING : CLARITY_QUEUED;

    return true;
}


static bool
find_place(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, clarity_place_t *place, clarity_error_t *error)
{
    bool pending, delivered;
    char entry[CLARITY_ENTRY_ID_MAX];

    clarity_job_id_entry(id, entry);

    /* In this order: what is delivered in between is not taken for done. */
    if (!is_delivered(asker, stream, id, &delivered, error)
        || !is_pending(asker, stream, clarity_str(entry), &pending, error))
    {
        return false;
    }

    *place = pending ? PENDING : delivered ? DONE : NOT_DELIVERED;

    return true;
}


static bool
is_delivered(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, bool *delivered, clarity_error_t *error)
{
    size_t i;
    redisReply *reply;
    clarity_str_t argv[3];
    clarity_job_id_t last;
    const redisReply *group;

    argv[0] = clarity_lit("XINFO");
    argv[1] = clarity_lit("GROUPS");
    argv[2] = stream;

    reply = clarity_ask(asker, 3, argv, error);
    if (reply == NULL) {
        return false;
    }

    *delivered = false;

    for (i = 0; (group = clarity_reply_at(reply, i)) != NULL; i++) {
        if (clarity_str_is(clarity_reply_str(clarity_reply_get(group, "name")),
                CLARITY_GROUP)
            && clarity_job_id_from_entry(clarity_reply_str(clarity_reply_get(
                                             group, "last-delivered-id")),
                id->shard, &last))
        {
            *delivered =
                last.ms > id->ms || (last.ms == id->ms && last.seq >= id->seq);
        }
    }

    freeReplyObject(reply);

    return true;
}


static bool
is_pending(clarity_asker_t *asker, clarity_str_t stream, clarity_str_t entry,
    bool *pending, clarity_error_t *error)
{
    redisReply *reply;
    clarity_str_t argv[6];

    argv[0] = clarity_lit("XPENDING");
    argv[1] = stream;
    argv[2] = clarity_lit(CLARITY_GROUP);
    argv[3] = entry;
    argv[4] = entry;
    argv[5] = clarity_lit("1");

    reply = clarity_ask(asker, 6, argv, error);
    if (reply == NULL) {
        return false;
    }

    *pending = clarity_reply_at(reply, 0) != NULL;
    freeReplyObject(reply);

    return true;
}


static bool
is_gone(const clarity_target_t *target, const clarity_view_t *view,
    clarity_error_t *error)
{
    char id[CLARITY_JOB_ID_MAX];
    clarity_key_t key, stream;
    clarity_str_t prefix;

    prefix = clarity_str(target->prefix);
    clarity_job_id_format(&view->id, id);
    clarity_key_job(&key, prefix, &view->id);
    clarity_key_jobs(&stream, prefix, view->id.shard);

    return clarity_error(error,
        "no job %s in Redis at %s: there is neither the hash %s nor an "
        "unfinished entry in the stream %s. A job that has ended is kept for "
        "a time (\"keep\" in the worker's configuration)",
        id, target->shown, key.data, stream.data);
}


static void
take_fields(clarity_view_t *view)
{
    view->trigger = get_field(view, "trigger");
    view->webhook = get_field(view, "webhook");
    view->reason = get_field(view, "reason");
    view->received = strtoull(get_field(view, "received").data, NULL, 10);
}


/* The hash has them all once the job has ended, the entry before. */
static clarity_str_t
get_field(const clarity_view_t *view, const char *name)
{
    const redisReply *value, *entry;

    value = clarity_reply_get(view->hash, name);

    if (value == NULL) {
        entry = clarity_reply_at(view->entry, 0);
        value = clarity_reply_get(clarity_reply_at(entry, 1), name);
    }

    return clarity_reply_str(value);
}


static bool
add_runs(clarity_view_t *view, clarity_error_t *error)
{
    size_t i;
    clarity_str_t id;
    clarity_run_view_t *run;
    const redisReply *value;

    view->runs = calloc(view->hash->elements / 2 + 1, sizeof(*view->runs));
    if (view->runs == NULL) {
        return clarity_error(error, "out of memory");
    }

    for (i = 0; (value = clarity_reply_at(view->hash, i + 1)) != NULL; i += 2)
    {
        if (!clarity_run_field_parse(
                clarity_reply_str(clarity_reply_at(view->hash, i)), &id))
        {
            continue;
        }

        run = &view->runs[view->nruns++];
        run->id = id;

        if (!clarity_run_read(clarity_reply_str(value), &run->record, error)) {
            return clarity_error(error,
                "what Redis holds of the run of \"%.*s\" cannot be read",
                (int) (id.len < 64 ? id.len : 64), id.data);
        }

        if (!add_steps(view, run, error)) {
            return false;
        }
    }

    qsort(view->runs, view->nruns, sizeof(*view->runs), by_id);

    return true;
}


static bool
add_steps(
    clarity_view_t *view, clarity_run_view_t *run, clarity_error_t *error)
{
    const clarity_json_t *id;
    clarity_step_view_t *step;

    if (run->record.steps == NULL) {
        return true;
    }

    run->steps = calloc(run->record.steps->count + 1, sizeof(*run->steps));
    run->step_ids =
        calloc(run->record.steps->count + 1, sizeof(clarity_str_t));

    if (run->steps == NULL || run->step_ids == NULL) {
        return clarity_error(error, "out of memory");
    }

    for (id = run->record.steps->first; id != NULL; id = id->next) {
        run->step_ids[run->nsteps] = id->text;
        step = &run->steps[run->nsteps++];
        step->id = id->text;
        read_step(view, run, step);
    }

    return true;
}


/*
 * One that has no field was not begun. In a run that has ended none will be,
 * nor go on.
 */
static void
read_step(clarity_view_t *view, const clarity_run_view_t *run,
    clarity_step_view_t *step)
{
    size_t i;
    clarity_str_t workflow, id;
    clarity_error_t error;
    const redisReply *value;

    step->record.state = CLARITY_PENDING;

    for (i = 0; (value = clarity_reply_at(view->hash, i + 1)) != NULL; i += 2)
    {
        if (clarity_step_field_parse(
                clarity_reply_str(clarity_reply_at(view->hash, i)), &workflow,
                &id)
            && clarity_str_eq(workflow, run->id)
            && clarity_str_eq(id, step->id)
            && clarity_step_read(
                clarity_reply_str(value), &step->record, &error))
        {
            break;
        }
    }

    if (clarity_state_is_final(run->record.state)
        && !clarity_state_is_final(step->record.state))
    {
        step->record.state = CLARITY_SKIPPED;
    }
}


static int
by_id(const void *a, const void *b)
{
    const clarity_run_view_t *left = a, *right = b;
    size_t len;
    int order;

    len = left->id.len < right->id.len ? left->id.len : right->id.len;
    order = memcmp(left->id.data, right->id.data, len);

    if (order == 0 && left->id.len != right->id.len) {
        order = left->id.len < right->id.len ? -1 : 1;
    }

    return order;
}
