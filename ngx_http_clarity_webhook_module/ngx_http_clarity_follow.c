/*
 * One process of an nginx follows Redis: it subscribes to the notice of a
 * change, and after each notice and each new connection it reads all webhooks,
 * opens their tokens and puts a new snapshot into shared memory. Twice a
 * second it looks at the revision, in case a notice was lost.
 *
 *   subscriber ready -> SUBSCRIBE -> its reply -+
 *                                    a notice  -+-> HGETALL -> shared memory
 *                                                    ^
 *              twice a second -> HGET revision ------+ if it is another one
 *
 * The revision alone would not do: a Redis that was emptied, or replaced by
 * another one, counts from 1 again.
 */

#include "ngx_http_clarity_registry.h"

#include "job/key.h"
#include "job/report_script.h"


#define NGX_HTTP_CLARITY_LOOK   500 /* ms from one look to the next */
#define NGX_HTTP_CLARITY_REPORT 4   /* looks from one report to the next */


typedef struct {
    ngx_cycle_t                  *cycle;
    ngx_http_clarity_main_conf_t *cmcf;
    ngx_clarity_redis_t          *notices;  /* subscribed, nothing else */
    ngx_clarity_redis_t          *commands;
    ngx_clarity_redis_conf_t      conf;
    ngx_event_t                   timer;
    ngx_http_clarity_sync_t       sync;
    clarity_key_t                 webhooks; /* the hash and the channel */
    clarity_key_t                 nginx;
    ngx_uint_t                    looks;
    unsigned                      busy : 1;  /* HGET or HGETALL in flight */
    unsigned                      stale : 1; /* HGETALL is due */
    unsigned                      look : 1;  /* HGET is */
} ngx_http_clarity_follower_t;


static void ngx_http_clarity_subscribe(void *owner);
static void ngx_http_clarity_subscribed(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_notice(void *owner, const redisReply *message);
static void ngx_http_clarity_timer_handler(ngx_event_t *ev);
static void ngx_http_clarity_report(ngx_http_clarity_follower_t *follower);
static void ngx_http_clarity_goodbye(ngx_http_clarity_follower_t *follower);
static void ngx_http_clarity_reported(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_next(ngx_http_clarity_follower_t *follower);
static void ngx_http_clarity_revision_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_all_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static ngx_uint_t ngx_http_clarity_is_refused(
    ngx_http_clarity_follower_t *follower, const redisReply *reply);
static ngx_int_t ngx_http_clarity_give(ngx_http_clarity_follower_t *follower,
    const char *command, const char *field, clarity_redis_reply_pt callback);


static ngx_http_clarity_follower_t *ngx_http_clarity_follower;


ngx_int_t
ngx_http_clarity_registry_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf)
{
    clarity_str_t                prefix;
    ngx_clarity_redis_conf_t   **conf;
    ngx_clarity_redis_listener_t listener;
    ngx_http_clarity_follower_t *follower;

    if (cmcf->registry == NGX_CONF_UNSET_UINT || ngx_worker != 0) {
        return NGX_OK;
    }

    follower = ngx_pcalloc(cycle->pool, sizeof(ngx_http_clarity_follower_t));
    if (follower == NULL) {
        return NGX_ERROR;
    }

    conf = cmcf->redis.elts;

    follower->cycle = cycle;
    follower->cmcf = cmcf;
    follower->conf = *conf[cmcf->registry];
    follower->conf.label = follower->conf.name;
    follower->conf.watched = 0;
    follower->conf.audited = 0;
    follower->sync.cmcf = cmcf;
    follower->sync.log = cycle->log;

    prefix.data = (char *) follower->conf.prefix.data;
    prefix.len = follower->conf.prefix.len;

    clarity_key_webhooks(&follower->webhooks, prefix);
    clarity_key_nginx(&follower->nginx, prefix);

    follower->timer.handler = ngx_http_clarity_timer_handler;
    follower->timer.data = follower;
    follower->timer.log = cycle->log;
    follower->timer.cancelable = 1;

    ngx_http_clarity_follower = follower;
    cmcf->shared->follower = ngx_pid;

    follower->commands = ngx_clarity_redis_create(&follower->conf, NULL,
        cycle);

    listener.owner = follower;
    listener.ready = ngx_http_clarity_subscribe;
    listener.push = ngx_http_clarity_notice;

    follower->notices = ngx_clarity_redis_create(&follower->conf, &listener,
        cycle);

    if (follower->commands == NULL || follower->notices == NULL) {
        return NGX_ERROR;
    }

    ngx_add_timer(&follower->timer, NGX_HTTP_CLARITY_LOOK);

    return NGX_OK;
}


void
ngx_http_clarity_registry_exit(void)
{
    ngx_http_clarity_follower_t *follower = ngx_http_clarity_follower;

    if (follower == NULL) {
        return;
    }

    if (follower->timer.timer_set) {
        ngx_del_timer(&follower->timer);
    }

    if (follower->notices) {
        ngx_clarity_redis_destroy(follower->notices);
    }

    if (follower->commands) {
        ngx_http_clarity_goodbye(follower);
        ngx_clarity_redis_destroy(follower->commands);
    }
}


static void
ngx_http_clarity_subscribe(void *owner)
{
    ngx_http_clarity_follower_t *follower = owner;

    clarity_str_t argv[2];

    argv[0] = clarity_lit("SUBSCRIBE");
    argv[1] = clarity_key_str(&follower->webhooks);

    (void) ngx_clarity_redis_command(follower->notices,
        NGX_CLARITY_REDIS_SETTINGS, 2, argv, ngx_http_clarity_subscribed,
        follower);
}


/* What changed before there was a subscription is found by looking. */

static void
ngx_http_clarity_subscribed(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    if (result != CLARITY_REDIS_REPLIED) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, follower->cycle->log, 0,
            "SUBSCRIBE to \"%*s\" was refused: %s; changes of webhooks are "
            "seen only every %d ms", follower->webhooks.len,
            follower->webhooks.data, reply->str, NGX_HTTP_CLARITY_LOOK);
    }

    follower->stale = 1;
    ngx_http_clarity_next(follower);
}


static void
ngx_http_clarity_notice(void *owner, const redisReply *message)
{
    ngx_http_clarity_follower_t *follower = owner;

    follower->stale = 1;
    ngx_http_clarity_next(follower);
}


static void
ngx_http_clarity_timer_handler(ngx_event_t *ev)
{
    ngx_http_clarity_follower_t *follower = ev->data;

    if (ngx_exiting) {
        /* another process follows */
        return;
    }

    follower->look = 1;
    ngx_http_clarity_next(follower);

    if (follower->looks++ % NGX_HTTP_CLARITY_REPORT == 0) {
        ngx_http_clarity_report(follower);
    }

    ngx_add_timer(ev, NGX_HTTP_CLARITY_LOOK);
}


/* Who serves which revision: for the settings page. */

static void
ngx_http_clarity_report(ngx_http_clarity_follower_t *follower)
{
    u_char                    *p;
    u_char                     before[NGX_INT64_LEN];
    u_char                     text[NGX_HTTP_CLARITY_REPORT_LEN];
    ngx_uint_t                 i, n;
    uint64_t                   now;
    clarity_str_t              argv[7];
    ngx_core_conf_t           *ccf;
    ngx_http_clarity_shared_t *shared;

    ccf = (ngx_core_conf_t *) ngx_get_conf(follower->cycle->conf_ctx,
        ngx_core_module);
    shared = follower->cmcf->shared;
    now = ngx_http_clarity_now();

    p = ngx_sprintf(text,
        "{\"at\":%uL,\"workers\":%i,\"revision\":%uL,\"no_room\":%s,"
        "\"unserved\":[", now,
        ccf->worker_processes, shared->revision,
        shared->no_room ? "true" : "false");

    n = ngx_min(follower->sync.nunserved, NGX_HTTP_CLARITY_UNSERVED);

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "%s{\"id\":\"%s\",\"why\":\"%s\"}", i ? "," : "",
            follower->sync.unserved[i].id, follower->sync.unserved[i].why);
    }

    p = ngx_sprintf(p, "]}");

    argv[0] = clarity_lit("EVAL");
    argv[1] = clarity_str(clarity_script_report.lua);
    argv[2] = clarity_lit("1");
    argv[3] = clarity_key_str(&follower->nginx);
    argv[4].data = (char *) shared->instance;
    argv[4].len = NGX_HTTP_CLARITY_INSTANCE;
    argv[5].data = (char *) text;
    argv[5].len = p - text;
    argv[6].data = (char *) before;
    argv[6].len = ngx_sprintf(before, "%uL", now - CLARITY_REPORT_FORGOTTEN)
        - before;

    (void) ngx_clarity_redis_command(follower->commands,
        NGX_CLARITY_REDIS_SETTINGS, 7, argv, ngx_http_clarity_reported,
        follower);
}


/*
 * Of an nginx that ends in good order: it is not missed then. After a reload
 * another process speaks for it already.
 */

static void
ngx_http_clarity_goodbye(ngx_http_clarity_follower_t *follower)
{
    clarity_str_t argv[3];

    if (follower->cmcf->shared->follower != ngx_pid) {
        return;
    }

    argv[0] = clarity_lit("HDEL");
    argv[1] = clarity_key_str(&follower->nginx);
    argv[2].data = (char *) follower->cmcf->shared->instance;
    argv[2].len = NGX_HTTP_CLARITY_INSTANCE;

    if (ngx_clarity_redis_command(follower->commands,
            NGX_CLARITY_REDIS_SETTINGS, 3, argv, ngx_http_clarity_reported,
            follower)
        == CLARITY_REDIS_GIVEN)
    {
        ngx_clarity_redis_write_now(follower->commands);
    }
}


static void
ngx_http_clarity_reported(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    /* the next one comes in two seconds, of another connection perhaps */

    if (result == CLARITY_REDIS_REPLIED) {
        ngx_clarity_redis_answered(follower->commands,
            NGX_CLARITY_REDIS_SETTINGS, reply);
    }
}


/*
 * Reads or looks, whichever is due; one at a time. What fails stays due, for
 * the timer.
 */

static void
ngx_http_clarity_next(ngx_http_clarity_follower_t *follower)
{
    if (follower->busy || ngx_exiting) {
        return;
    }

    if (follower->stale) {
        follower->sync.generation = follower->cmcf->shared->generation;
        follower->stale = 0;
        follower->look = 0;

        if (ngx_http_clarity_give(follower, "HGETALL", NULL,
                ngx_http_clarity_all_handler)
            != NGX_OK)
        {
            follower->stale = 1;
        }

        return;
    }

    if (follower->look) {
        follower->look = 0;
        (void) ngx_http_clarity_give(follower, "HGET", "revision",
            ngx_http_clarity_revision_handler);
    }
}


static void
ngx_http_clarity_revision_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    ngx_int_t                  revision;
    ngx_http_clarity_shared_t *shared;

    follower->busy = 0;

    if (result != CLARITY_REDIS_REPLIED
        || ngx_http_clarity_is_refused(follower, reply))
    {
        return;
    }

    shared = follower->cmcf->shared;

    /* nil: nothing has been made yet, or Redis was emptied */
    revision = (reply->type == REDIS_REPLY_STRING)
        ? ngx_atoi((u_char *) reply->str, reply->len)
        : 0;

    if (revision == NGX_ERROR) {
        revision = 0;
    }

    if (!shared->no_room || (uint64_t) revision != follower->sync.refused) {
        follower->stale |= !shared->loaded
            || shared->generation != follower->sync.generation
            || shared->revision != (uint64_t) revision;
    }

    ngx_http_clarity_next(follower);
}


static void
ngx_http_clarity_all_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    follower->busy = 0;

    if (ngx_exiting) {
        /* another process follows */
        return;
    }

    if (result != CLARITY_REDIS_REPLIED
        || ngx_http_clarity_is_refused(follower, reply)
        || reply->type != REDIS_REPLY_ARRAY)
    {
        follower->stale = 1;
        return;
    }

    if (ngx_http_clarity_sync(&follower->sync, reply) == NGX_AGAIN) {
        follower->stale = 1;

    } else {
        ngx_http_clarity_report(follower);
    }

    ngx_http_clarity_next(follower);
}


/* An error reply, told once: what was read before is served until then. */

static ngx_uint_t
ngx_http_clarity_is_refused(
    ngx_http_clarity_follower_t *follower, const redisReply *reply)
{
    ngx_clarity_redis_answered(follower->commands,
        NGX_CLARITY_REDIS_SETTINGS, reply);

    return reply->type == REDIS_REPLY_ERROR;
}


static ngx_int_t
ngx_http_clarity_give(ngx_http_clarity_follower_t *follower,
    const char *command, const char *field, clarity_redis_reply_pt callback)
{
    clarity_str_t argv[3];

    argv[0] = clarity_str(command);
    argv[1] = clarity_key_str(&follower->webhooks);

    if (field) {
        argv[2] = clarity_str(field);
    }

    if (ngx_clarity_redis_command(follower->commands,
            NGX_CLARITY_REDIS_SETTINGS, field ? 3 : 2, argv, callback,
            follower)
        != CLARITY_REDIS_GIVEN)
    {
        return NGX_ERROR;
    }

    follower->busy = 1;

    return NGX_OK;
}
