#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/show.h"

#define MOST_COUNTED 1000 /* entries, where Redis does not know the lag */

typedef struct {
    long long queued;
    bool at_least; /* so many are queued, or more */
    long long running;
    long long consumers; /* idle workers have no name in Redis */
    long long length;
    long long waiting;
    long long failed;
    bool any_queued;
    uint64_t oldest; /* ms that the oldest of those waits */
} clarity_stats_t;

static bool get_stats(
    const clarity_command_t *command, clarity_stats_t *stats);
static bool get_count(const clarity_command_t *command, const char *name,
    clarity_str_t key, long long *count);
static bool get_group(const clarity_command_t *command, clarity_str_t stream,
    clarity_stats_t *stats, char last[CLARITY_ENTRY_ID_MAX]);
static bool get_queued(const clarity_command_t *command, clarity_str_t stream,
    clarity_stats_t *stats, const char *last);
static bool get_age(
    const clarity_command_t *command, clarity_str_t entry, uint64_t *ms);
static long long integer(const redisReply *reply, long long otherwise);
static void show_json(const clarity_stats_t *stats, clarity_buf_t *out);
static void show(const clarity_stats_t *stats, clarity_buf_t *out);


int
clarity_command_stats(const clarity_command_t *command)
{
    clarity_stats_t stats = { 0 };

    if (!get_stats(command, &stats)) {
        return CLARITY_EXIT_NO;
    }

    if (command->json) {
        show_json(&stats, command->out);
    } else {
        show(&stats, command->out);
    }

    return CLARITY_EXIT_DONE;
}


static bool
get_stats(const clarity_command_t *command, clarity_stats_t *stats)
{
    char last[CLARITY_ENTRY_ID_MAX];
    clarity_key_t key, delayed, failed;
    clarity_str_t stream;

    clarity_key_jobs(&key, clarity_str(command->target->prefix), 0);
    stream = clarity_key_str(&key);

    clarity_key_delayed(&delayed, clarity_str(command->target->prefix), 0);
    clarity_key_failed(&failed, clarity_str(command->target->prefix), 0);

    return get_count(command, "XLEN", stream, &stats->length)
           && get_count(
               command, "ZCARD", clarity_key_str(&delayed), &stats->waiting)
           && get_count(
               command, "XLEN", clarity_key_str(&failed), &stats->failed)
           && get_group(command, stream, stats, last)
           && get_queued(command, stream, stats, last);
}


static bool
get_count(const clarity_command_t *command, const char *name,
    clarity_str_t key, long long *count)
{
    redisReply *reply;
    clarity_str_t argv[2];

    argv[0] = clarity_str(name);
    argv[1] = key;

    reply = clarity_ask(command->asker, 2, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    *count = integer(reply, 0);
    freeReplyObject(reply);

    return true;
}


/* *last: after which entry those stand that no worker has got yet. */
static bool
get_group(const clarity_command_t *command, clarity_str_t stream,
    clarity_stats_t *stats, char last[CLARITY_ENTRY_ID_MAX])
{
    size_t i;
    redisReply *reply;
    clarity_str_t text, argv[3];
    const redisReply *group;

    argv[0] = clarity_lit("XINFO");
    argv[1] = clarity_lit("GROUPS");
    argv[2] = stream;

    reply = clarity_ask(command->asker, 3, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    memcpy(last, "0-0", sizeof("0-0"));
    stats->queued = stats->length;

    for (i = 0; (group = clarity_reply_at(reply, i)) != NULL; i++) {
        if (!clarity_str_is(
                clarity_reply_str(clarity_reply_get(group, "name")),
                CLARITY_GROUP))
        {
            continue;
        }

        stats->consumers = integer(clarity_reply_get(group, "consumers"), 0);
        stats->running = integer(clarity_reply_get(group, "pending"), 0);
        stats->queued = integer(clarity_reply_get(group, "lag"), -1);

        text =
            clarity_reply_str(clarity_reply_get(group, "last-delivered-id"));

        if (text.len < CLARITY_ENTRY_ID_MAX) {
            memcpy(last, text.data, text.len);
            last[text.len] = '\0';
        }
    }

    freeReplyObject(reply);

    return true;
}


/*
 * Redis 6.2 knows no lag, and no Redis does where somebody deleted entries.
 */
static bool
get_queued(const clarity_command_t *command, clarity_str_t stream,
    clarity_stats_t *stats, const char *last)
{
    bool good;
    char after[CLARITY_ENTRY_ID_MAX + 1], count[24];
    redisReply *reply;
    clarity_str_t argv[6];
    const redisReply *first;

    snprintf(after, sizeof(after), "(%s", last);
    snprintf(count, sizeof(count), "%d", stats->queued < 0 ? MOST_COUNTED : 1);

    argv[0] = clarity_lit("XRANGE");
    argv[1] = stream;
    argv[2] = clarity_str(after);
    argv[3] = clarity_lit("+");
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_str(count);

    reply = clarity_ask(command->asker, 6, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    if (stats->queued < 0) {
        stats->queued = (long long) reply->elements;
        stats->at_least = reply->elements == MOST_COUNTED;
    }

    good = true;
    first = clarity_reply_at(reply, 0);

    if (first != NULL) {
        stats->any_queued = true;
        good = get_age(command, clarity_reply_str(clarity_reply_at(first, 0)),
            &stats->oldest);
    }

    freeReplyObject(reply);

    return good;
}


/* By the clock that made the entry's id: that of Redis. */
static bool
get_age(const clarity_command_t *command, clarity_str_t entry, uint64_t *ms)
{
    uint64_t now;
    redisReply *reply;
    clarity_str_t argv[1];
    clarity_job_id_t id;

    argv[0] = clarity_lit("TIME");

    reply = clarity_ask(command->asker, 1, argv, command->error);
    if (reply == NULL) {
        return false;
    }

    now =
        strtoull(clarity_reply_str(clarity_reply_at(reply, 0)).data, NULL, 10)
        * 1000;

    *ms = 0;

    if (clarity_job_id_from_entry(entry, 0, &id) && id.ms < now) {
        *ms = now - id.ms;
    }

    freeReplyObject(reply);

    return true;
}


static long long
integer(const redisReply *reply, long long otherwise)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        return otherwise;
    }

    return reply->integer;
}


static void
show_json(const clarity_stats_t *stats, clarity_buf_t *out)
{
    clarity_buf_addf(out, "{\"queued\":%lld", stats->queued);

    if (stats->at_least) {
        clarity_buf_addz(out, ",\"queued_at_least\":true");
    }

    clarity_buf_addz(out, ",\"oldest_queued_ms\":");

    if (stats->any_queued) {
        clarity_buf_addf(out, "%" PRIu64, stats->oldest);
    } else {
        clarity_buf_addz(out, "null");
    }

    clarity_buf_addf(out,
        ",\"running\":%lld,\"waiting\":%lld,\"failed\":%lld,"
        "\"consumers\":%lld,\"length\":%lld}\n",
        stats->running, stats->waiting, stats->failed, stats->consumers,
        stats->length);
}


static void
show(const clarity_stats_t *stats, clarity_buf_t *out)
{
    clarity_buf_addf(out, "queued     %lld%s", stats->queued,
        stats->at_least ? " or more" : "");

    if (stats->any_queued) {
        clarity_buf_addz(out, ", the oldest for ");
        clarity_show_duration(out, stats->oldest);
    }

    clarity_buf_addf(out,
        "\nrunning    %lld\nwaiting    %lld\nfailed     %lld\n"
        "consumers  %lld, without workers that had no job of late\n"
        "entries    %lld, those included "
        "that are done and not trimmed yet\n",
        stats->running, stats->waiting, stats->failed, stats->consumers,
        stats->length);
}
