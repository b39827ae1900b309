/*
 * HSETNX format, HSETNX shards, HMGET both: whoever comes first says what it
 * is, also where Redis was emptied, and everyone then reads it.
 */

#include "ngx_clarity_agree.h"

#include "job/key.h"
#include "job/meta.h"


/* Ticks from one look to the next, while they agree; else each. */
#define NGX_CLARITY_AGREE_TICKS 4


static ngx_int_t ngx_clarity_agree_look(ngx_clarity_agree_t *agree);
static ngx_int_t ngx_clarity_agree_give(ngx_clarity_agree_t *agree,
    size_t argc, const clarity_str_t *argv, clarity_redis_reply_pt callback);
static void ngx_clarity_agree_written(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_agree_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static ngx_int_t ngx_clarity_agree_compare(ngx_clarity_agree_t *agree,
    const redisReply *reply, clarity_error_t *error);
static void ngx_clarity_agree_refused(clarity_error_t *error,
    const char *command, const clarity_redis_error_info_t *info);
static void ngx_clarity_agree_differs(
    ngx_clarity_agree_t *agree, const clarity_error_t *error);
static void ngx_clarity_agree_agrees(ngx_clarity_agree_t *agree);


void
ngx_clarity_agree_init(ngx_clarity_agree_t *agree,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log)
{
    agree->conf = conf;
    agree->session = session;
    agree->log = log;
}


void
ngx_clarity_agree(ngx_clarity_agree_t *agree)
{
    agree->in_setup = 1;
    agree->ticks = 0;

    if (ngx_clarity_agree_look(agree) != NGX_OK) {
        clarity_redis_refuse(agree->session, "out of memory");
    }
}


void
ngx_clarity_agree_tick(ngx_clarity_agree_t *agree)
{
    agree->ticks++;

    if (agree->flying == 0
        && (agree->differs || agree->ticks % NGX_CLARITY_AGREE_TICKS == 0))
    {
        /* without memory a later tick does it */
        (void) ngx_clarity_agree_look(agree);
    }
}


void
ngx_clarity_agree_lost(ngx_clarity_agree_t *agree)
{
    agree->differs = 0;

    if (!agree->looked) {
        agree->full = 0;
    }

    agree->looked = 0;
}


static ngx_int_t
ngx_clarity_agree_look(ngx_clarity_agree_t *agree)
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

        if (ngx_clarity_agree_give(agree, argc, argv, callback) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_clarity_agree_give(ngx_clarity_agree_t *agree, size_t argc,
    const clarity_str_t *argv, clarity_redis_reply_pt callback)
{
    if (agree->in_setup) {
        return clarity_redis_setup(agree->session, argc, argv, callback,
                   agree)
                == CLARITY_REDIS_GIVEN
            ? NGX_OK
            : NGX_ERROR;
    }

    if (clarity_redis_command(agree->session, argc, argv, 0, callback, agree)
        != CLARITY_REDIS_GIVEN)
    {
        return NGX_ERROR;
    }

    agree->flying++;

    return NGX_OK;
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

    clarity_error_t                   error;
    const clarity_redis_error_info_t *info;

    if (!agree->in_setup) {
        agree->flying--;
    }

    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });

    agree->refused = info;

    if (info->reconnect) {
        ngx_clarity_agree_refused(&error, "HSETNX", info);
        clarity_redis_refuse(agree->session, error.text);
    }
}


static void
ngx_clarity_agree_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_agree_t *agree = data;

    ngx_int_t       rc;
    clarity_error_t error;

    if (!agree->in_setup) {
        agree->flying--;
    }

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    rc = ngx_clarity_agree_compare(agree, reply, &error);

    if (agree->in_setup) {

        if (rc == NGX_OK) {
            agree->in_setup = 0;
            ngx_clarity_agree_agrees(agree);
            agree->agreed(agree->owner);

        } else {
            clarity_redis_refuse(agree->session, error.text);
        }

        return;
    }

    switch (rc) {

    case NGX_OK:
        ngx_clarity_agree_agrees(agree);
        break;

    case NGX_DECLINED:
        ngx_clarity_agree_differs(agree, &error);
        break;

    default: /* NGX_ERROR: what was known holds until the next look */
        break;
    }
}


/* NGX_DECLINED: they differ; NGX_ERROR: Redis does not tell just now. */

static ngx_int_t
ngx_clarity_agree_compare(ngx_clarity_agree_t *agree,
    const redisReply *reply, clarity_error_t *error)
{
    size_t                            i;
    clarity_str_t                     values[2];
    const clarity_redis_error_info_t *info;

    if (reply->type == REDIS_REPLY_ERROR) {
        info = clarity_redis_error_info(
            (clarity_str_t){ reply->str, reply->len });
        ngx_clarity_agree_refused(error, "HMGET", info);

        if (info->code == CLARITY_REDIS_ERR_BUSY || info->reconnect) {
            return NGX_ERROR;
        }

        agree->full = 0;

        return NGX_DECLINED;
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

    agree->looked = 1;
    agree->full = 0;

    if (clarity_meta_agrees(values[0], values[1], agree->conf->shards, error))
    {
        return NGX_OK;
    }

    if (agree->refused && values[0].len == 0) {
        agree->full = agree->refused->fate == CLARITY_REDIS_NO_ROOM;
        ngx_clarity_agree_refused(error, "HSETNX", agree->refused);
    }

    return NGX_DECLINED;
}


static void
ngx_clarity_agree_refused(clarity_error_t *error, const char *command,
    const clarity_redis_error_info_t *info)
{
    clarity_error(error, "%s was refused (%s): %s", command, info->prefix,
        info->meaning);
}


static void
ngx_clarity_agree_differs(
    ngx_clarity_agree_t *agree, const clarity_error_t *error)
{
    agree->differs = 1;

    if (!agree->told) {
        agree->told = 1;
        ngx_log_error(NGX_LOG_ERR, agree->log, 0,
            "Redis %V gets no jobs any more: %s", &agree->conf->label,
            error->text);
    }
}


static void
ngx_clarity_agree_agrees(ngx_clarity_agree_t *agree)
{
    agree->differs = 0;

    if (agree->told) {
        agree->told = 0;
        ngx_log_error(NGX_LOG_NOTICE, agree->log, 0,
            "Redis %V gets jobs again: its meta hash is as it should be",
            &agree->conf->label);
    }
}
