/*
 * HSETNX format, HSETNX shards, HMGET both: whoever comes first says what it
 * is, and everyone then reads it.
 */

#include "ngx_clarity_agree.h"

#include "job/key.h"
#include "job/meta.h"


static void ngx_clarity_agree_written(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_agree_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_agree_refuse(ngx_clarity_agree_t *agree,
    const char *command, const clarity_redis_error_info_t *info);


void
ngx_clarity_agree_init(ngx_clarity_agree_t *agree,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session)
{
    agree->conf = conf;
    agree->session = session;
}


void
ngx_clarity_agree(ngx_clarity_agree_t *agree)
{
    size_t                 argc;
    unsigned               i;
    clarity_key_t          key;
    clarity_str_t          argv[CLARITY_META_MAX_ARGS], prefix;
    clarity_redis_reply_pt callback;

    prefix.data = (char *) agree->conf->prefix.data;
    prefix.len = agree->conf->prefix.len;

    clarity_key_meta(&key, prefix);

    agree->refused = NULL;

    for (i = 0; i < CLARITY_META_COMMANDS; i++) {
        argc = clarity_meta_command(i, clarity_key_str(&key),
            agree->conf->shards, agree->number, argv);

        callback = (i == CLARITY_META_COMMANDS - 1)
            ? ngx_clarity_agree_handler
            : ngx_clarity_agree_written;

        if (clarity_redis_setup(agree->session, argc, argv, callback, agree)
            != CLARITY_REDIS_GIVEN)
        {
            clarity_redis_refuse(agree->session, "out of memory");
            return;
        }
    }
}


/*
 * What is there already counts, also where nothing can be written. But a
 * server that another connection may be spared, such as a replica, takes no
 * jobs either.
 */

static void
ngx_clarity_agree_written(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_agree_t *agree = data;

    const clarity_redis_error_info_t *info;

    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });

    agree->refused = info;

    if (info->reconnect) {
        ngx_clarity_agree_refuse(agree, "HSETNX", info);
    }
}


static void
ngx_clarity_agree_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_agree_t *agree = data;

    size_t          i;
    clarity_str_t   values[2];
    clarity_error_t error;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_clarity_agree_refuse(agree, "HMGET",
            clarity_redis_error_info(
                (clarity_str_t){ reply->str, reply->len }));
        return;
    }

    ngx_memzero(values, sizeof(values));

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        for (i = 0; i < 2; i++) {
            if (reply->element[i]->type == REDIS_REPLY_STRING) {
                values[i].data = reply->element[i]->str;
                values[i].len = reply->element[i]->len;
            }
        }
    }

    if (!clarity_meta_agrees(values[0], values[1], agree->conf->shards,
            &error))
    {
        if (agree->refused && values[0].len == 0) {
            ngx_clarity_agree_refuse(agree, "HSETNX", agree->refused);

        } else {
            clarity_redis_refuse(agree->session, error.text);
        }

        return;
    }

    agree->agreed(agree->owner);
}


static void
ngx_clarity_agree_refuse(ngx_clarity_agree_t *agree, const char *command,
    const clarity_redis_error_info_t *info)
{
    u_char reason[256];

    ngx_snprintf(reason, sizeof(reason), "%s was refused (%s): %s%Z",
        command, info->prefix, info->meaning);
    reason[sizeof(reason) - 1] = '\0';

    clarity_redis_refuse(agree->session, (char *) reason);
}
