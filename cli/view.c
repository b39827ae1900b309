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
static bool take_fields(clarity_view_t *view, clarity_error_t *error);
static bool get_place(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error);
static bool read_job(clarity_view_t *view, clarity_error_t *error);
static bool find_place(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, clarity_place_t *place,
    clarity_error_t *error);
static bool is_pending(clarity_asker_t *asker, clarity_str_t stream,
    clarity_str_t entry, bool *pending, clarity_error_t *error);
static bool is_delivered(clarity_asker_t *asker, clarity_str_t stream,
    const clarity_job_id_t *id, bool *delivered, clarity_error_t *error);
static bool is_gone(const clarity_target_t *target, const clarity_view_t *view,
    clarity_error_t *error);


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

    view->job.id = *id;
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

    return take_fields(view, error) && get_place(target, asker, view, error)
           && read_job(view, error);
}


static bool
get_due(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error)
{
    char id[CLARITY_JOB_ID_MAX];
    redisReply *reply;
    clarity_key_t delayed;
    clarity_str_t argv[3];

    clarity_key_delayed(
        &delayed, clarity_str(target->prefix), view->job.id.shard);
    clarity_job_id_format(&view->job.id, id);

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
    clarity_view_job_free(&view->job);
    free(view->fields);

    if (view->entry != NULL) {
        freeReplyObject(view->entry);
    }

    if (view->hash != NULL) {
        freeReplyObject(view->hash);
    }
}


/* The hash's come first: what both have is as it is there. */
static bool
take_fields(clarity_view_t *view, clarity_error_t *error)
{
    size_t i, n;
    const redisReply *entry, *one;

    entry = clarity_reply_at(clarity_reply_at(view->entry, 0), 1);
    n = 1 + view->hash->elements + (entry == NULL ? 0 : entry->elements);

    view->fields = calloc(n, sizeof(clarity_str_t));
    if (view->fields == NULL) {
        return clarity_error(error, "out of memory");
    }

    view->nfields = 1; /* where the entry is */

    for (i = 0; (one = clarity_reply_at(view->hash, i)) != NULL; i++) {
        view->fields[view->nfields++] = clarity_reply_str(one);
    }

    for (i = 0; (one = clarity_reply_at(entry, i)) != NULL; i++) {
        view->fields[view->nfields++] = clarity_reply_str(one);
    }

    return true;
}


/* Only of a job that has no state of its own yet. */
static bool
get_place(const clarity_target_t *target, clarity_asker_t *asker,
    clarity_view_t *view, clarity_error_t *error)
{
    clarity_key_t stream;
    clarity_place_t place;

    view->fields[0] = clarity_lit("gone");

    if (clarity_view_field(view->fields, view->nfields, "state").len > 0
        || clarity_reply_at(view->entry, 0) == NULL)
    {
        return true;
    }

    clarity_key_jobs(&stream, clarity_str(target->prefix), view->job.id.shard);

    if (!find_place(
            asker, clarity_key_str(&stream), &view->job.id, &place, error)) {
        return false;
    }

    if (place != DONE) {
        view->fields[0] = clarity_str(clarity_state_name(
            place == PENDING ? CLARITY_RUNNING : CLARITY_QUEUED));
    }

    return true;
}


static bool
read_job(clarity_view_t *view, clarity_error_t *error)
{
    clarity_str_t run;
    clarity_job_id_t id;

    id = view->job.id;

    switch (clarity_view_read(&view->job, &id, view->fields, view->nfields)) {

    case CLARITY_VIEW_FOUND: view->found = true; return true;

    case CLARITY_VIEW_NONE: view->job.id = id; return true;

    case CLARITY_VIEW_UNREADABLE:
        run = view->job.unreadable;
        return clarity_error(error,
            "what Redis holds of the run of \"%.*s\" cannot be read",
            (int) (run.len < 64 ? run.len : 64), run.data);

    default: return clarity_error(error, "out of memory");
    }
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
    clarity_job_id_format(&view->job.id, id);
    clarity_key_job(&key, prefix, &view->job.id);
    clarity_key_jobs(&stream, prefix, view->job.id.shard);

    return clarity_error(error,
        "no job %s in Redis at %s: there is neither the hash %s nor an "
        "unfinished entry in the stream %s. A job that has ended is kept for "
        "a time (\"keep\" in the worker's configuration)",
        id, target->shown, key.data, stream.data);
}
