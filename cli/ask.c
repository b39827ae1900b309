#include "cli/ask.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis/redis_event.h"
#include "redis/reply_error.h"

#define CONNECT_TIMEOUT 2000 /* ms */
#define COMMAND_TIMEOUT 5000 /* ms */

struct clarity_asker_s {
    const clarity_target_t *target;
    struct event_base *base;
    clarity_redis_event_t *redis;
    bool ready;
    char lost[256]; /* why the connection is; "": it is not */
    redisReply *reply;
};

static void on_ready(void *owner);
static void on_lost(void *owner, const char *reason);
static void on_reply(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static redisReply *copy_reply(const redisReply *reply);
static bool copy_elements(redisReply *copy, const redisReply *reply);
static bool is_nil(redisReply *reply);
static void explain(
    const redisReply *reply, clarity_str_t command, clarity_error_t *error);


clarity_asker_t *
clarity_asker_open(const clarity_target_t *target, clarity_error_t *error)
{
    clarity_asker_t *asker;

    asker = clarity_asker_connect(target, error);

    if (asker != NULL && !clarity_asker_agrees(target, asker, error)) {
        clarity_asker_close(asker);
        return NULL;
    }

    return asker;
}


clarity_asker_t *
clarity_asker_connect(const clarity_target_t *target, clarity_error_t *error)
{
    clarity_asker_t *asker;
    clarity_redis_event_conf_t conf = { 0 };

    asker = calloc(1, sizeof(clarity_asker_t));
    if (asker == NULL) {
        clarity_error(error, "out of memory");
        return NULL;
    }

    asker->target = target;
    asker->base = event_base_new();

    conf.url = target->redis;
    conf.name = "clarityctl";
    conf.connect_timeout = CONNECT_TIMEOUT;
    conf.timeout = COMMAND_TIMEOUT;
    conf.owner = asker;
    conf.ready = on_ready;
    conf.lost = on_lost;

    if (asker->base != NULL) {
        asker->redis = clarity_redis_event_create(asker->base, &conf);
    }

    if (asker->redis == NULL) {
        clarity_error(error, "out of memory");
        clarity_asker_close(asker);
        return NULL;
    }

    event_base_dispatch(asker->base);

    if (!asker->ready) {
        clarity_error(error,
            "cannot reach Redis at %s: %s; is it running? (%s)", target->shown,
            asker->lost, target->source);
        clarity_asker_close(asker);
        return NULL;
    }

    return asker;
}


void
clarity_asker_close(clarity_asker_t *asker)
{
    clarity_redis_event_free(asker->redis);

    if (asker->base != NULL) {
        event_base_free(asker->base);
    }

    free(asker);
}


redisReply *
clarity_ask(clarity_asker_t *asker, size_t argc, const clarity_str_t *argv,
    clarity_error_t *error)
{
    redisReply *reply;

    reply = clarity_ask_any(asker, argc, argv, error);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && !is_nil(reply)) {
        explain(reply, argv[0], error);
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


redisReply *
clarity_ask_any(clarity_asker_t *asker, size_t argc, const clarity_str_t *argv,
    clarity_error_t *error)
{
    redisReply *reply;

    asker->reply = NULL;

    if (asker->lost[0] == '\0'
        && clarity_redis_event_command(
               asker->redis, argc, argv, 0, on_reply, asker)
               == CLARITY_REDIS_GIVEN)
    {
        event_base_dispatch(asker->base);
    }

    reply = asker->reply;
    asker->reply = NULL;

    if (reply == NULL) {
        clarity_error(error, "no reply from Redis at %s: %s",
            asker->target->shown,
            asker->lost[0] != '\0' ? asker->lost : "out of memory");
    }

    return reply;
}


redisReply *
clarity_ask_script(clarity_asker_t *asker, const clarity_script_t *script,
    size_t nkeys, size_t argc, const clarity_str_t *argv,
    clarity_error_t *error)
{
    char count[24];
    redisReply *reply;
    clarity_str_t *all;

    all = calloc(3 + argc, sizeof(clarity_str_t));
    if (all == NULL) {
        clarity_error(error, "out of memory");
        return NULL;
    }

    snprintf(count, sizeof(count), "%zu", nkeys);

    all[0] = clarity_lit("EVAL");
    all[1] = clarity_str(script->lua);
    all[2] = clarity_str(count);
    memcpy(all + 3, argv, argc * sizeof(clarity_str_t));

    reply = clarity_ask(asker, 3 + argc, all, error);

    free(all);

    return reply;
}


clarity_str_t
clarity_reply_str(const redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        return clarity_lit("");
    }

    return (clarity_str_t){ reply->str, reply->len };
}


const redisReply *
clarity_reply_at(const redisReply *reply, size_t i)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || i >= reply->elements) {
        return NULL;
    }

    return reply->element[i];
}


const redisReply *
clarity_reply_get(const redisReply *reply, const char *name)
{
    size_t i;
    const redisReply *value;

    for (i = 0; (value = clarity_reply_at(reply, i + 1)) != NULL; i += 2) {
        if (clarity_str_is(
                clarity_reply_str(clarity_reply_at(reply, i)), name)) {
            return value;
        }
    }

    return NULL;
}


static void
on_ready(void *owner)
{
    clarity_asker_t *asker = owner;

    asker->ready = true;
    event_base_loopbreak(asker->base);
}


static void
on_lost(void *owner, const char *reason)
{
    clarity_asker_t *asker = owner;

    snprintf(asker->lost, sizeof(asker->lost), "%s", reason);
    event_base_loopbreak(asker->base);
}


/* Without a reply on_lost() comes, and says why. */
static void
on_reply(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_asker_t *asker = data;

    if (result == CLARITY_REDIS_REPLIED) {
        asker->reply = copy_reply(reply);
        event_base_loopbreak(asker->base);
    }
}


/* The session keeps its own only during the callback. */
static redisReply *
copy_reply(const redisReply *reply)
{
    redisReply *copy;

    copy = calloc(1, sizeof(redisReply));
    if (copy == NULL) {
        return NULL;
    }

    copy->type = reply->type;
    copy->integer = reply->integer;

    if (reply->str != NULL) {
        copy->str = malloc(reply->len + 1);

        if (copy->str != NULL) {
            memcpy(copy->str, reply->str, reply->len + 1);
            copy->len = reply->len;
        }
    }

    if ((reply->str != NULL && copy->str == NULL)
        || !copy_elements(copy, reply)) {
        freeReplyObject(copy);
        return NULL;
    }

    return copy;
}


static bool
copy_elements(redisReply *copy, const redisReply *reply)
{
    if (reply->elements == 0) {
        return true;
    }

    copy->element = calloc(reply->elements, sizeof(redisReply *));
    if (copy->element == NULL) {
        return false;
    }

    while (copy->elements < reply->elements) {
        copy->element[copy->elements] =
            copy_reply(reply->element[copy->elements]);

        if (copy->element[copy->elements] == NULL) {
            return false;
        }

        copy->elements++;
    }

    return true;
}


/* XINFO of a stream that is not there, XPENDING of a group. */
static bool
is_nil(redisReply *reply)
{
    if (strcmp(reply->str, "ERR no such key") != 0
        && strncmp(reply->str, "NOGROUP ", 8) != 0)
    {
        return false;
    }

    /* What freeReplyObject() frees goes by the type. */
    free(reply->str);
    reply->str = NULL;
    reply->type = REDIS_REPLY_NIL;

    return true;
}


static void
explain(const redisReply *reply, clarity_str_t command, clarity_error_t *error)
{
    const clarity_redis_error_info_t *info;

    info = clarity_redis_error_info((clarity_str_t){ reply->str, reply->len });

    clarity_error(error, "Redis refused %.*s (%s): %s", clarity_fmt(command),
        info->prefix, info->meaning);
}
