#include "redis/depth.h"

static void read_groups(
    clarity_depth_t *depth, const char *group, const redisReply *groups);
static const redisReply *value_of(const redisReply *map, const char *name);
static bool is_text(const redisReply *reply, const char *text);
static uint64_t number_of(const redisReply *reply);

enum { GROUPS, LENGTH, DELAYED };


size_t
clarity_depth_command(unsigned i, clarity_str_t stream, clarity_str_t delayed,
    clarity_str_t argv[CLARITY_DEPTH_MAX_ARGS])
{
    switch (i) {
    case GROUPS:
        argv[0] = clarity_lit("XINFO");
        argv[1] = clarity_lit("GROUPS");
        argv[2] = stream;
        return 3;

    case LENGTH:
        argv[0] = clarity_lit("XLEN");
        argv[1] = stream;
        return 2;

    default:
        argv[0] = clarity_lit("ZCARD");
        argv[1] = delayed;
        return 2;
    }
}


void
clarity_depth_reply(clarity_depth_t *depth, unsigned i, const char *group,
    const redisReply *reply)
{
    switch (i) {
    case GROUPS: read_groups(depth, group, reply); break;
    case LENGTH: depth->length = number_of(reply); break;
    default: depth->delayed = number_of(reply);
    }
}


uint64_t
clarity_depth(const clarity_depth_t *depth)
{
    return (depth->group ? depth->unfinished : depth->length) + depth->delayed;
}


/* An array of groups, each names and values in turn. Redis 6 has no lag. */
static void
read_groups(
    clarity_depth_t *depth, const char *group, const redisReply *groups)
{
    size_t i;
    const redisReply *lag, *map;

    depth->group = false;

    if (groups == NULL || groups->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i < groups->elements; i++) {
        map = groups->element[i];

        if (!is_text(value_of(map, "name"), group)) {
            continue;
        }

        lag = value_of(map, "lag");

        if (lag != NULL && lag->type == REDIS_REPLY_INTEGER) {
            depth->group = true;
            depth->unfinished =
                number_of(lag) + number_of(value_of(map, "pending"));
        }
    }
}


/* NULL: there is none. */
static const redisReply *
value_of(const redisReply *map, const char *name)
{
    size_t i;

    if (map->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < map->elements; i += 2) {
        if (is_text(map->element[i], name)) {
            return map->element[i + 1];
        }
    }

    return NULL;
}


static bool
is_text(const redisReply *reply, const char *text)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING
           && clarity_str_is((clarity_str_t){ reply->str, reply->len }, text);
}


/* 0 where it is none. */
static uint64_t
number_of(const redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER
        || reply->integer < 0) {
        return 0;
    }

    return (uint64_t) reply->integer;
}
