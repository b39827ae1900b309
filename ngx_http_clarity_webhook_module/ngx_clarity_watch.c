/*
 * Rounds of commands, each answered in order: the last reply of a round says
 * what it means.
 */

#include "ngx_clarity_watch.h"

#include "redis/handshake.h"
#include "redis/reply_error.h"


/*
 * Ticks from one look at the durability to the next, while it is enough: what
 * is promised is five seconds, and a look and a timer take a little each.
 */
#define NGX_CLARITY_WATCH_TICKS 4


static ngx_int_t ngx_clarity_watch_look(ngx_clarity_watch_t *watch);
static ngx_int_t ngx_clarity_watch_measure(ngx_clarity_watch_t *watch);
static ngx_int_t ngx_clarity_watch_count(ngx_clarity_watch_t *watch);
static ngx_int_t ngx_clarity_watch_give(ngx_clarity_watch_t *watch,
    size_t argc, const clarity_str_t *argv, clarity_redis_reply_pt callback,
    void *data);
static void ngx_clarity_watch_durability_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static ngx_int_t ngx_clarity_watch_replied(
    const ngx_clarity_watch_place_t *place, clarity_redis_result_t result,
    const redisReply *reply);
static void ngx_clarity_watch_judge(ngx_clarity_watch_t *watch);
static void ngx_clarity_watch_limits_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_watch_depth_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);


void
ngx_clarity_watch_init(ngx_clarity_watch_t *watch,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log)
{
    unsigned      i;
    clarity_str_t prefix;

    watch->conf = conf;
    watch->session = session;
    watch->log = log;

    prefix.data = (char *) conf->prefix.data;
    prefix.len = conf->prefix.len;

    clarity_key_jobs(&watch->stream, prefix, 0);
    clarity_key_delayed(&watch->delayed, prefix, 0);

    for (i = 0; i < CLARITY_DURABILITY_COMMANDS; i++) {
        watch->durability[i].watch = watch;
        watch->durability[i].index = i;
    }

    clarity_redis_limits_init(&watch->limits);

    for (i = 0; i < CLARITY_REDIS_LIMITS_COMMANDS; i++) {
        watch->limiting[i].watch = watch;
        watch->limiting[i].index = i;
    }

    for (i = 0; i < CLARITY_DEPTH_COMMANDS; i++) {
        watch->counting[i].watch = watch;
        watch->counting[i].index = i;
    }
}


ngx_int_t
ngx_clarity_watch_setup(ngx_clarity_watch_t *watch)
{
    watch->in_setup = 1;

    if (ngx_clarity_watch_look(watch) != NGX_OK
        || ngx_clarity_watch_measure(watch) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_clarity_watch_count(watch);
}


void
ngx_clarity_watch_ready(ngx_clarity_watch_t *watch)
{
    watch->in_setup = 0;
    watch->ticks = 0;
}


void
ngx_clarity_watch_tick(ngx_clarity_watch_t *watch)
{
    if (watch->flying) {
        /* Redis is slow; whether it is too slow its time-out tells */
        return;
    }

    watch->ticks++;

    /* without memory the next tick does it */

    if (watch->unmet || watch->ticks % NGX_CLARITY_WATCH_TICKS == 0) {
        (void) ngx_clarity_watch_look(watch);
        (void) ngx_clarity_watch_measure(watch);
    }

    (void) ngx_clarity_watch_count(watch);
}


void
ngx_clarity_watch_lost(ngx_clarity_watch_t *watch)
{
    watch->unmet = 0;
    watch->gives = CLARITY_DURABILITY_UNKNOWN;
    watch->depth = 0;
}


static ngx_int_t
ngx_clarity_watch_look(ngx_clarity_watch_t *watch)
{
    size_t        argc;
    unsigned      i;
    clarity_str_t argv[CLARITY_DURABILITY_MAX_ARGS];

    for (i = 0; i < CLARITY_DURABILITY_COMMANDS; i++) {
        argc = clarity_durability_command(i, argv);

        if (ngx_clarity_watch_give(watch, argc, argv,
                ngx_clarity_watch_durability_handler, &watch->durability[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_clarity_watch_measure(ngx_clarity_watch_t *watch)
{
    size_t        argc;
    unsigned      i;
    clarity_str_t argv[CLARITY_REDIS_LIMITS_MAX_ARGS];

    for (i = 0; i < CLARITY_REDIS_LIMITS_COMMANDS; i++) {
        argc = clarity_redis_limits_command(i, argv);

        if (ngx_clarity_watch_give(watch, argc, argv,
                ngx_clarity_watch_limits_handler, &watch->limiting[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_clarity_watch_count(ngx_clarity_watch_t *watch)
{
    size_t        argc;
    unsigned      i;
    clarity_str_t argv[CLARITY_DEPTH_MAX_ARGS];

    ngx_memzero(&watch->counts, sizeof(clarity_depth_t));

    for (i = 0; i < CLARITY_DEPTH_COMMANDS; i++) {
        argc = clarity_depth_command(i, clarity_key_str(&watch->stream),
            clarity_key_str(&watch->delayed), argv);

        if (ngx_clarity_watch_give(watch, argc, argv,
                ngx_clarity_watch_depth_handler, &watch->counting[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_clarity_watch_give(ngx_clarity_watch_t *watch, size_t argc,
    const clarity_str_t *argv, clarity_redis_reply_pt callback, void *data)
{
    if (watch->in_setup) {
        return clarity_redis_setup(watch->session, argc, argv, callback, data)
                == CLARITY_REDIS_GIVEN
            ? NGX_OK
            : NGX_ERROR;
    }

    if (clarity_redis_command(watch->session, argc, argv, 0, callback, data)
        != CLARITY_REDIS_GIVEN)
    {
        return NGX_ERROR;
    }

    watch->flying++;

    return NGX_OK;
}


static void
ngx_clarity_watch_durability_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_watch_place_t *place = data;

    const char          *why;
    ngx_clarity_watch_t *watch;

    watch = place->watch;

    if (ngx_clarity_watch_replied(place, result, reply) != NGX_OK) {
        return;
    }

    clarity_durability_reply(&watch->says, place->index, reply);

    if (place->index != CLARITY_DURABILITY_COMMANDS - 1) {
        return;
    }

    /* the last is ROLE: it may have become a replica that takes writes */

    why = clarity_redis_role_refused(reply);

    if (why) {
        clarity_redis_refuse(watch->session, why);
        return;
    }

    if (!watch->blind) {
        ngx_clarity_watch_judge(watch);
    }
}


/*
 * A Redis that a script keeps busy answers all commands with an error that
 * says nothing of them: what was known before holds until the next round. At
 * the first there is nothing yet, and it is as if we were barred.
 */

static ngx_int_t
ngx_clarity_watch_replied(const ngx_clarity_watch_place_t *place,
    clarity_redis_result_t result, const redisReply *reply)
{
    clarity_redis_error_code_t code;
    ngx_clarity_watch_t       *watch;

    watch = place->watch;

    if (place->index == 0) {
        watch->blind = 0;
    }

    if (!watch->in_setup) {
        watch->flying--;
    }

    if (result != CLARITY_REDIS_REPLIED) {
        watch->blind = 1;
        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR && !watch->in_setup) {
        code = clarity_redis_error_info(
            (clarity_str_t){ reply->str, reply->len })->code;

        if (code != CLARITY_REDIS_ERR_NOPERM
            && code != CLARITY_REDIS_ERR_OTHER)
        {
            watch->blind = 1;
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static void
ngx_clarity_watch_judge(ngx_clarity_watch_t *watch)
{
    uint32_t        reason;
    const char     *name;
    clarity_error_t error;

    reason = 0;

    watch->unmet = !clarity_durability_judge(&watch->says,
        &watch->conf->durability, &watch->gives, &error);

    if (watch->unmet) {
        reason = ngx_crc32_short((u_char *) error.text,
            ngx_strlen(error.text));
    }

    if (reason == watch->told) {
        return;
    }

    watch->told = reason;
    name = clarity_durability_name(watch->conf->durability.class);

    if (watch->unmet) {
        ngx_log_error(NGX_LOG_ERR, watch->log, 0,
            "Redis %V does not give the durability \"%s\" that "
            "\"clarity_durability\" asks for, and gets no jobs: %s",
            &watch->conf->label, name, error.text);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, watch->log, 0,
            "Redis %V gives the durability \"%s\" again",
            &watch->conf->label, name);
    }
}


static void
ngx_clarity_watch_limits_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_watch_place_t *place = data;

    if (ngx_clarity_watch_replied(place, result, reply) == NGX_OK) {
        clarity_redis_limits_reply(&place->watch->limits, place->index,
            reply);
    }
}


static void
ngx_clarity_watch_depth_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_watch_place_t *place = data;

    ngx_clarity_watch_t *watch;

    watch = place->watch;

    if (ngx_clarity_watch_replied(place, result, reply) != NGX_OK) {
        return;
    }

    clarity_depth_reply(&watch->counts, place->index, CLARITY_GROUP, reply);

    if (place->index == CLARITY_DEPTH_COMMANDS - 1 && !watch->blind) {
        watch->depth = clarity_depth(&watch->counts);
    }
}
