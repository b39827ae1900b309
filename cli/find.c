#include "cli/find.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/progress.h"
#include "job/state.h"

#define PAGE "1000" /* keys a SCAN looks at */

typedef struct {
    const clarity_command_t *command;
    clarity_found_t *found;
    clarity_key_t stream;
    char count[24]; /* one more than is asked for */
} clarity_finder_t;

static bool find_delayed(clarity_finder_t *finder);
static bool find_failed(clarity_finder_t *finder);
static bool find_queued(clarity_finder_t *finder);
static bool find_running(clarity_finder_t *finder);
static bool find_pending(clarity_finder_t *finder, clarity_str_t entry);
static bool find_hashes(clarity_finder_t *finder);
static bool filter_hashes(clarity_finder_t *finder, const redisReply *keys);
static bool add_entries(clarity_finder_t *finder, const redisReply *entries);
static bool add_key(clarity_finder_t *finder, clarity_str_t key);
static bool add(clarity_finder_t *finder, const clarity_job_id_t *id);
static redisReply *ask(
    clarity_finder_t *finder, size_t argc, const clarity_str_t *argv);
static bool last_delivered(
    clarity_finder_t *finder, char after[CLARITY_ENTRY_ID_MAX + 1]);
static void sort(clarity_found_t *found);
static int newest_first(const void *a, const void *b);

/* KEYS: hashes. ARGV: a state. Those of the keys that have it. */
static const clarity_script_t filter_script = {
    "filter",
    "local found = {}\n"
    "for _, key in ipairs(KEYS) do\n"
    "  if redis.pcall('HGET', key, 'state') == ARGV[1] then\n"
    "    found[#found + 1] = key\n"
    "  end\n"
    "end\n"
    "return found\n",
};


bool
clarity_find_jobs(const clarity_command_t *command, clarity_found_t *found)
{
    bool good;
    clarity_state_t state;
    clarity_finder_t finder = { 0 };

    finder.command = command;
    finder.found = found;
    clarity_key_jobs(&finder.stream, clarity_str(command->target->prefix), 0);
    snprintf(finder.count, sizeof(finder.count), "%zu", command->limit + 1);

    if (command->state == NULL) {
        good = find_queued(&finder) && find_running(&finder)
               && find_hashes(&finder);
        sort(found);

    } else {
        clarity_state_parse(clarity_str(command->state), &state);

        switch (state) {
        case CLARITY_QUEUED: good = find_queued(&finder); break;
        case CLARITY_RUNNING: good = find_running(&finder); break;
        case CLARITY_WAITING: good = find_delayed(&finder); break;
        case CLARITY_FAILED: good = find_failed(&finder); break;
        default: good = find_hashes(&finder); sort(found);
        }
    }

    found->more = found->n > command->limit;

    return good;
}


void
clarity_found_free(clarity_found_t *found)
{
    free(found->ids);
    memset(found, 0, sizeof(*found));
}


static bool
find_delayed(clarity_finder_t *finder)
{
    bool good;
    size_t i;
    redisReply *reply;
    clarity_key_t delayed;
    clarity_str_t argv[4];
    clarity_job_id_t id;

    clarity_key_delayed(
        &delayed, clarity_str(finder->command->target->prefix), 0);

    argv[0] = clarity_lit("ZRANGE");
    argv[1] = clarity_key_str(&delayed);
    argv[2] = clarity_lit("0");
    argv[3] = clarity_str(finder->count);

    reply = ask(finder, 4, argv);
    good = reply != NULL;

    for (i = 0; good && i < reply->elements; i++) {
        if (clarity_job_id_parse(
                clarity_reply_str(clarity_reply_at(reply, i)), &id)) {
            good = add(finder, &id);
        }
    }

    freeReplyObject(reply);

    return good;
}


static bool
find_failed(clarity_finder_t *finder)
{
    bool good;
    redisReply *reply;
    clarity_key_t failed;
    clarity_str_t argv[6];

    clarity_key_failed(
        &failed, clarity_str(finder->command->target->prefix), 0);

    argv[0] = clarity_lit("XREVRANGE");
    argv[1] = clarity_key_str(&failed);
    argv[2] = clarity_lit("+");
    argv[3] = clarity_lit("-");
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_str(finder->count);

    reply = ask(finder, 6, argv);
    good = reply != NULL && add_entries(finder, reply);

    freeReplyObject(reply);

    return good;
}


static bool
find_queued(clarity_finder_t *finder)
{
    bool good;
    char after[CLARITY_ENTRY_ID_MAX + 1];
    redisReply *reply;
    clarity_str_t argv[6];

    if (!last_delivered(finder, after)) {
        return false;
    }

    argv[0] = clarity_lit("XRANGE");
    argv[1] = clarity_key_str(&finder->stream);
    argv[2] = clarity_str(after);
    argv[3] = clarity_lit("+");
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_str(finder->count);

    reply = ask(finder, 6, argv);
    good = reply != NULL && add_entries(finder, reply);

    freeReplyObject(reply);

    return good;
}


/* All that workers have in hand, which is not much. */
static bool
find_running(clarity_finder_t *finder)
{
    bool good;
    size_t i;
    redisReply *reply;
    clarity_str_t argv[6];

    argv[0] = clarity_lit("XPENDING");
    argv[1] = clarity_key_str(&finder->stream);
    argv[2] = clarity_lit(CLARITY_GROUP);
    argv[3] = clarity_lit("-");
    argv[4] = clarity_lit("+");
    argv[5] = clarity_str(finder->count);

    reply = ask(finder, 6, argv);
    good = reply != NULL;

    for (i = 0; good && i < reply->elements; i++) {
        good = find_pending(finder, clarity_reply_str(clarity_reply_at(
                                        clarity_reply_at(reply, i), 0)));
    }

    freeReplyObject(reply);

    return good;
}


static bool
find_pending(clarity_finder_t *finder, clarity_str_t entry)
{
    bool good;
    redisReply *reply;
    clarity_str_t argv[4];

    argv[0] = clarity_lit("XRANGE");
    argv[1] = clarity_key_str(&finder->stream);
    argv[2] = entry;
    argv[3] = entry;

    reply = ask(finder, 4, argv);
    good = reply != NULL && add_entries(finder, reply);

    freeReplyObject(reply);

    return good;
}


static bool
find_hashes(clarity_finder_t *finder)
{
    bool good;
    char cursor[24], pattern[CLARITY_KEY_MAX + 1];
    uint64_t looked;
    redisReply *reply;
    clarity_key_t prefix;
    clarity_str_t argv[6];
    clarity_progress_t progress;

    clarity_key_job_prefix(
        &prefix, clarity_str(finder->command->target->prefix), 0);
    snprintf(pattern, sizeof(pattern), "%s*", prefix.data);
    snprintf(cursor, sizeof(cursor), "0");

    looked = 0;
    clarity_progress_start(&progress, "jobs looked at");

    do {
        argv[0] = clarity_lit("SCAN");
        argv[1] = clarity_str(cursor);
        argv[2] = clarity_lit("MATCH");
        argv[3] = clarity_str(pattern);
        argv[4] = clarity_lit("COUNT");
        argv[5] = clarity_lit(PAGE);

        reply = ask(finder, 6, argv);
        good =
            reply != NULL && filter_hashes(finder, clarity_reply_at(reply, 1));

        if (good) {
            snprintf(cursor, sizeof(cursor), "%.*s",
                clarity_fmt(clarity_reply_str(clarity_reply_at(reply, 0))));
            looked += clarity_reply_at(reply, 1)->elements;
            clarity_progress_step(&progress, looked);
        }

        freeReplyObject(reply);

    } while (good && strcmp(cursor, "0") != 0);

    clarity_progress_end(&progress);

    return good;
}


static bool
filter_hashes(clarity_finder_t *finder, const redisReply *keys)
{
    bool good;
    size_t i, n;
    redisReply *reply;
    clarity_str_t *argv;

    if (keys == NULL || keys->elements == 0) {
        return true;
    }

    n = keys->elements;
    argv = calloc(n + 1, sizeof(clarity_str_t));

    if (argv == NULL) {
        return clarity_error(finder->command->error, "out of memory");
    }

    for (i = 0; i < n; i++) {
        argv[i] = clarity_reply_str(clarity_reply_at(keys, i));
    }

    good = true;
    reply = NULL;

    if (finder->command->state != NULL) {
        argv[n] = clarity_str(finder->command->state);
        reply = clarity_ask_script(finder->command->asker, &filter_script, n,
            n + 1, argv, finder->command->error);
        good = reply != NULL;
        keys = reply;
    }

    for (i = 0; good && i < keys->elements; i++) {
        good = add_key(finder, clarity_reply_str(clarity_reply_at(keys, i)));
    }

    freeReplyObject(reply);
    free(argv);

    return good;
}


/* A job that came back to the stream, or failed, says so itself. */
static bool
add_entries(clarity_finder_t *finder, const redisReply *entries)
{
    bool known;
    size_t i;
    clarity_job_id_t id;
    const redisReply *entry, *job;

    for (i = 0; (entry = clarity_reply_at(entries, i)) != NULL; i++) {
        job = clarity_reply_get(clarity_reply_at(entry, 1), "job");

        known = job != NULL
                    ? clarity_job_id_parse(clarity_reply_str(job), &id)
                    : clarity_job_id_from_entry(
                        clarity_reply_str(clarity_reply_at(entry, 0)), 0, &id);

        if (known && !add(finder, &id)) {
            return false;
        }
    }

    return true;
}


static bool
add_key(clarity_finder_t *finder, clarity_str_t key)
{
    const char *id;
    clarity_key_t prefix;
    clarity_job_id_t parsed;

    clarity_key_job_prefix(
        &prefix, clarity_str(finder->command->target->prefix), 0);

    if (key.len <= prefix.len) {
        return true;
    }

    id = key.data + prefix.len;

    return !clarity_job_id_parse(
               (clarity_str_t){ id, key.len - prefix.len }, &parsed)
           || add(finder, &parsed);
}


static bool
add(clarity_finder_t *finder, const clarity_job_id_t *id)
{
    size_t size;
    clarity_found_t *found;
    clarity_job_id_t *ids;

    found = finder->found;

    if (found->n == found->size) {
        size = 2 * found->size + 64;
        ids = realloc(found->ids, size * sizeof(clarity_job_id_t));

        if (ids == NULL) {
            return clarity_error(finder->command->error, "out of memory");
        }

        found->ids = ids;
        found->size = size;
    }

    found->ids[found->n++] = *id;

    return true;
}


static redisReply *
ask(clarity_finder_t *finder, size_t argc, const clarity_str_t *argv)
{
    return clarity_ask(
        finder->command->asker, argc, argv, finder->command->error);
}


static bool
last_delivered(clarity_finder_t *finder, char after[CLARITY_ENTRY_ID_MAX + 1])
{
    size_t i;
    redisReply *reply;
    clarity_str_t argv[3];
    const redisReply *group;

    argv[0] = clarity_lit("XINFO");
    argv[1] = clarity_lit("GROUPS");
    argv[2] = clarity_key_str(&finder->stream);

    reply = ask(finder, 3, argv);
    if (reply == NULL) {
        return false;
    }

    snprintf(after, CLARITY_ENTRY_ID_MAX + 1, "-");

    for (i = 0; (group = clarity_reply_at(reply, i)) != NULL; i++) {
        if (clarity_str_is(clarity_reply_str(clarity_reply_get(group, "name")),
                CLARITY_GROUP))
        {
            snprintf(after, CLARITY_ENTRY_ID_MAX + 1, "(%.*s",
                clarity_fmt(clarity_reply_str(
                    clarity_reply_get(group, "last-delivered-id"))));
        }
    }

    freeReplyObject(reply);

    return true;
}


/* And each once: a job that is in hand may have a hash too. */
static void
sort(clarity_found_t *found)
{
    size_t i, n;

    if (found->n == 0) {
        return;
    }

    qsort(found->ids, found->n, sizeof(clarity_job_id_t), newest_first);

    n = 1;

    for (i = 1; i < found->n; i++) {
        if (newest_first(&found->ids[i], &found->ids[n - 1]) != 0) {
            found->ids[n++] = found->ids[i];
        }
    }

    found->n = n;
}


static int
newest_first(const void *a, const void *b)
{
    const clarity_job_id_t *left = a, *right = b;

    if (left->ms != right->ms) {
        return left->ms < right->ms ? 1 : -1;
    }

    if (left->seq != right->seq) {
        return left->seq < right->seq ? 1 : -1;
    }

    return 0;
}
