#include "worker/link.h"

#include <stdio.h>

#include "job/meta.h"
#include "job/script.h"
#include "redis/reply_error.h"
#include "worker/kill_point.h"

#define CONNECT_TIMEOUT 2000 /* ms */

static void on_setup(void *owner, clarity_redis_session_t *session);
static void on_meta_set(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_meta(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static clarity_str_t nth_text(const redisReply *reply, size_t i);
static void make_group(clarity_link_t *link);
static void on_client(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_group(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void give(clarity_link_t *link, size_t argc, const clarity_str_t *argv,
    clarity_redis_reply_pt callback);
static void refuse(clarity_link_t *link, const redisReply *reply);
static void on_ready(void *owner);
static void on_lost(void *owner, const char *reason);


bool
clarity_link_open(clarity_link_t *link, const clarity_link_conf_t *conf)
{
    clarity_str_t prefix;
    clarity_redis_event_conf_t redis = { 0 };

    link->conf = *conf;

    prefix = clarity_str(conf->conf->prefix);
    clarity_key_meta(&link->meta, prefix);
    clarity_key_jobs(&link->stream, prefix, 0);
    clarity_key_mark(&link->mark, prefix, 0);

    redis.url = conf->conf->redis;
    redis.name = conf->name;
    redis.connect_timeout = CONNECT_TIMEOUT;
    redis.timeout = CLARITY_REDIS_WAIT;
    redis.reconnect = true;
    redis.primary = true;
    redis.owner = link;
    redis.setup = on_setup;
    redis.ready = on_ready;
    redis.lost = on_lost;

    link->audit.log = conf->log;
    link->audit.told = &link->told;
    link->audit.refused = conf->refused;
    link->audit.owner = conf->owner;

    link->redis = clarity_redis_event_create(conf->base, &redis);

    return link->redis != NULL;
}


void
clarity_link_close(clarity_link_t *link)
{
    if (link->redis != NULL) {
        clarity_redis_event_free(link->redis);
        link->redis = NULL;
    }
}


bool
clarity_link_is_ready(const clarity_link_t *link)
{
    return link->redis != NULL
           && clarity_redis_state(clarity_redis_event_session(link->redis))
                  == CLARITY_REDIS_READY;
}


void
clarity_link_renew(clarity_link_t *link, const char *reason)
{
    clarity_redis_refuse(clarity_redis_event_session(link->redis), reason);
}


static void
on_setup(void *owner, clarity_redis_session_t *session)
{
    unsigned i;
    size_t argc;
    clarity_link_t *link = owner;
    clarity_str_t argv[CLARITY_META_MAX_ARGS];

    link->session = session;
    link->client[0] = '\0';

    if (link->conf.makes_group && !clarity_worker_audit(&link->audit, session))
    {
        clarity_redis_refuse(session, "out of memory");
        return;
    }

    for (i = 0; i < CLARITY_META_COMMANDS; i++) {
        argc = clarity_meta_command(i, clarity_key_str(&link->meta),
            link->conf.conf->shards, link->shards, argv);

        give(link, argc, argv,
            i == CLARITY_META_COMMANDS - 1 ? on_meta : on_meta_set);
    }
}


/* An error that matters shows in what is read at the end. */
static void
on_meta_set(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    (void) data;
    (void) result;
    (void) reply;
}


static void
on_meta(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_link_t *link = data;
    clarity_error_t error;
    clarity_str_t format, shards;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        refuse(link, reply);
        return;
    }

    format = nth_text(reply, 0);
    shards = nth_text(reply, 1);

    if (!clarity_meta_agrees(format, shards, link->conf.conf->shards, &error))
    {
        clarity_redis_refuse(link->session, error.text);

        /* Where a value is missing Redis took none, which may pass. */
        if (format.len > 0 && shards.len > 0) {
            link->conf.refused(link->conf.owner, error.text);
        }

        return;
    }

    if (link->conf.makes_group) {
        make_group(link);
    } else {
        clarity_redis_ready(link->session);
    }
}


static clarity_str_t
nth_text(const redisReply *reply, size_t i)
{
    const redisReply *element;

    element = reply->element[i];

    if (element->type != REDIS_REPLY_STRING) {
        return clarity_lit("");
    }

    return (clarity_str_t){ element->str, element->len };
}


/*
 * The stream may hold jobs that came before the first worker, or that were
 * left when somebody deleted the group.
 */
static void
make_group(clarity_link_t *link)
{
    clarity_str_t argv[6];

    argv[0] = clarity_lit("CLIENT");
    argv[1] = clarity_lit("ID");

    give(link, 2, argv, on_client);

    argv[0] = clarity_lit("EVAL");
    argv[1] = clarity_str(clarity_script_group.lua);
    argv[2] = clarity_lit("2");
    argv[3] = clarity_key_str(&link->stream);
    argv[4] = clarity_key_str(&link->mark);
    argv[5] = clarity_lit(CLARITY_GROUP);

    give(link, 6, argv, on_group);
}


static void
on_client(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_link_t *link = data;

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_INTEGER)
    {
        snprintf(link->client, sizeof(link->client), "%lld", reply->integer);
    }
}


static void
on_group(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_link_t *link = data;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        clarity_log(link->conf.log, CLARITY_LOG_WARN, "group_created",
            "stream=%s group=%s after=%s", link->stream.data, CLARITY_GROUP,
            reply->type == REDIS_REPLY_STRING ? reply->str : "");

        CLARITY_KILL_POINT("group");

    } else if (clarity_redis_error_info(
                   (clarity_str_t){ reply->str, reply->len })
                   ->code
               != CLARITY_REDIS_ERR_BUSYGROUP)
    {
        refuse(link, reply);
        return;
    }

    clarity_redis_ready(link->session);
}


static void
give(clarity_link_t *link, size_t argc, const clarity_str_t *argv,
    clarity_redis_reply_pt callback)
{
    if (clarity_redis_setup(link->session, argc, argv, callback, link)
        != CLARITY_REDIS_GIVEN)
    {
        clarity_redis_refuse(link->session, "out of memory");
    }
}


static void
refuse(clarity_link_t *link, const redisReply *reply)
{
    const char *reason;

    reason = "Redis gave another reply than the command has";

    if (reply->type == REDIS_REPLY_ERROR) {
        reason =
            clarity_redis_error_info((clarity_str_t){ reply->str, reply->len })
                ->meaning;
    }

    clarity_redis_refuse(link->session, reason);
}


static void
on_ready(void *owner)
{
    clarity_link_t *link = owner;

    clarity_log(link->conf.log, CLARITY_LOG_INFO, "redis_connected",
        "connection=%s", link->conf.name);

    link->conf.ready(link->conf.owner);
}


static void
on_lost(void *owner, const char *reason)
{
    char url[256];
    clarity_link_t *link = owner;

    clarity_redis_url_show(&link->conf.conf->redis, url, sizeof(url));

    clarity_log(link->conf.log, CLARITY_LOG_ERROR, "redis_lost",
        "connection=%s redis=%s reason=%s", link->conf.name, url, reason);
}
