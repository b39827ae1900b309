#include "redis/durability.h"

#include "redis/info.h"

static void read_config(
    clarity_durability_t *durability, const redisReply *reply);
static void read_setting(
    clarity_durability_t *durability, clarity_str_t name, clarity_str_t value);
static void read_info(
    clarity_durability_t *durability, const redisReply *reply);
static void read_role(
    clarity_durability_t *durability, const redisReply *reply);
static bool barred(const clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted,
    clarity_durability_class_t *gives, clarity_error_t *error);
static clarity_durability_class_t file_gives(
    clarity_durability_t *durability, const char **why);
static bool is_written(clarity_durability_t *durability);
static bool has_replicas(const clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted, clarity_error_t *error);
static clarity_str_t text_of(const redisReply *reply);

enum { CONFIG, INFO, ROLE };


const char *
clarity_durability_name(clarity_durability_class_t class)
{
    static const char *const names[] = { "unknown", "memory", "everysec",
        "fsync", "replicas" };

    return names[class];
}


/*
 * CONFIG GET of Redis 6.2 takes one pattern. INFO is asked for as well since
 * a file that has just been switched on is none yet.
 */
size_t
clarity_durability_command(
    unsigned i, clarity_str_t argv[CLARITY_DURABILITY_MAX_ARGS])
{
    switch (i) {
    case CONFIG:
        argv[0] = clarity_lit("CONFIG");
        argv[1] = clarity_lit("GET");
        argv[2] = clarity_lit("*append*");
        return 3;

    case INFO:
        argv[0] = clarity_lit("INFO");
        argv[1] = clarity_lit("persistence");
        return 2;

    default: argv[0] = clarity_lit("ROLE"); return 1;
    }
}


void
clarity_durability_reply(
    clarity_durability_t *durability, unsigned i, const redisReply *reply)
{
    switch (i) {
    case CONFIG: read_config(durability, reply); break;
    case INFO: read_info(durability, reply); break;
    default: read_role(durability, reply);
    }
}


/* Names and values in turn. */
static void
read_config(clarity_durability_t *durability, const redisReply *reply)
{
    size_t i;

    durability->config = false;
    durability->appendonly = false;
    durability->appendfsync = CLARITY_DURABILITY_MEMORY;
    durability->no_sync_on_rewrite = true;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        read_setting(durability, text_of(reply->element[i]),
            text_of(reply->element[i + 1]));
    }
}


static void
read_setting(
    clarity_durability_t *durability, clarity_str_t name, clarity_str_t value)
{
    if (clarity_str_is(name, "appendonly")) {
        durability->config = true;
        durability->appendonly = clarity_str_is(value, "yes");

    } else if (clarity_str_is(name, "appendfsync")) {
        durability->appendfsync =
            clarity_str_is(value, "always")     ? CLARITY_DURABILITY_FSYNC
            : clarity_str_is(value, "everysec") ? CLARITY_DURABILITY_EVERYSEC
                                                : CLARITY_DURABILITY_MEMORY;

    } else if (clarity_str_is(name, "no-appendfsync-on-rewrite")) {
        durability->no_sync_on_rewrite = !clarity_str_is(value, "no");
    }
}


static void
read_info(clarity_durability_t *durability, const redisReply *reply)
{
    uint64_t number;
    clarity_str_t text;

    durability->info = false;
    durability->rewriting = false;
    durability->base = false;

    text = text_of(reply);

    if (!clarity_redis_info_number(text, "aof_rewrite_in_progress", &number)) {
        return;
    }

    durability->info = true;
    durability->rewriting = number != 0;

    if (clarity_redis_info_number(text, "aof_rewrite_scheduled", &number)) {
        durability->rewriting |= number != 0;
    }

    durability->base =
        clarity_redis_info_number(text, "aof_base_size", &number)
        && number != 0;
}


/* "master", its offset, and those replicas that are in step. */
static void
read_role(clarity_durability_t *durability, const redisReply *reply)
{
    durability->role = false;
    durability->replicas = 0;

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && reply->elements == 3
        && clarity_str_is(text_of(reply->element[0]), "master")
        && reply->element[2]->type == REDIS_REPLY_ARRAY)
    {
        durability->role = true;
        durability->replicas = reply->element[2]->elements;
    }
}


bool
clarity_durability_judge(clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted,
    clarity_durability_class_t *gives, clarity_error_t *error)
{
    const char *why;

    if (wanted->class == CLARITY_DURABILITY_REPLICAS) {
        *gives = CLARITY_DURABILITY_REPLICAS;
        return has_replicas(durability, wanted, error);
    }

    if (!durability->config) {
        return barred(durability, wanted, gives, error);
    }

    *gives = file_gives(durability, &why);

    if (*gives < wanted->class) {
        return clarity_error(
            error, "it gives %s: %s", clarity_durability_name(*gives), why);
    }

    /* Settings alone say what there is at most. */
    if (!durability->info && *gives > CLARITY_DURABILITY_MEMORY) {
        return barred(durability, wanted, gives, error);
    }

    return true;
}


static bool
barred(const clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted,
    clarity_durability_class_t *gives, clarity_error_t *error)
{
    *gives = wanted->trust ? wanted->class : CLARITY_DURABILITY_UNKNOWN;

    if (wanted->trust || wanted->class == CLARITY_DURABILITY_MEMORY) {
        return true;
    }

    if (!durability->config) {
        return clarity_error(error,
            "CONFIG GET is barred, so it cannot be seen: allow it to the user"
            " (+config|get), or add \"trust\" where you know it");
    }

    return clarity_error(error,
        "INFO is barred, so it cannot be seen whether its file is written:"
        " allow it to the user (+info), or add \"trust\" where you know it");
}


static clarity_durability_class_t
file_gives(clarity_durability_t *durability, const char **why)
{
    if (!durability->appendonly) {
        durability->was_off = true;
        *why = "set \"appendonly yes\"";
        return CLARITY_DURABILITY_MEMORY;
    }

    if (!is_written(durability)) {
        *why = "its file was switched on and is not yet written";
        return CLARITY_DURABILITY_MEMORY;
    }

    /* A rewrite takes seconds to minutes, in which nothing is synced. */
    if (durability->no_sync_on_rewrite) {
        *why = "set \"no-appendfsync-on-rewrite no\"";
        return CLARITY_DURABILITY_MEMORY;
    }

    *why = durability->appendfsync == CLARITY_DURABILITY_EVERYSEC
               ? "set \"appendfsync always\""
               : "set \"appendfsync\"";

    return durability->appendfsync;
}


/*
 * A file that is switched on while Redis runs is none before its first rewrite
 * has ended: what is written until then is lost in a crash, although CONFIG
 * says "yes". Nothing tells that rewrite from a later one, but that the file
 * was seen to be off, or, at first sight, that there never was a base. (The
 * first rewrite ever of a file that was on from the start has none either: for
 * its few seconds it is taken for less than it is.) Without INFO nothing is
 * learnt.
 */
static bool
is_written(clarity_durability_t *durability)
{
    if (!durability->info) {
        return true;
    }

    if (!durability->rewriting) {
        durability->was_off = false;

    } else if (!durability->asked && !durability->base) {
        durability->was_off = true;
    }

    durability->asked = true;

    return !durability->was_off;
}


static bool
has_replicas(const clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted, clarity_error_t *error)
{
    if (!durability->role) {
        return wanted->trust
               || clarity_error(error,
                   "ROLE is barred, so its replicas cannot be seen: allow it"
                   " to the user (+role), or add \"trust\"");
    }

    if (durability->replicas < wanted->replicas) {
        return clarity_error(error, "it has %zu replicas in step, not %u",
            durability->replicas, wanted->replicas);
    }

    return true;
}


/* Empty where it is none. */
static clarity_str_t
text_of(const redisReply *reply)
{
    if (reply == NULL
        || (reply->type != REDIS_REPLY_STRING
            && reply->type != REDIS_REPLY_STATUS))
    {
        return (clarity_str_t){ "", 0 };
    }

    return (clarity_str_t){ reply->str, reply->len };
}
