/*
 * One process of an nginx follows Redis: it subscribes to the notice of a
 * change, and after each notice, each new connection and every two seconds it
 * looks at the revision; where that is another one than in shared memory it
 * reads all webhooks, opens their tokens and puts a new snapshot there.
 *
 *   subscriber ready -> SUBSCRIBE -> its reply -+
 *                                    a notice  -+-> check -> HGET revision
 *                                    each 2 s  -+              | another
 *                                                              v
 *                              shared memory <- snapshot <- HGETALL
 */

#include "ngx_http_clarity_registry.h"

#include "job/key.h"
#include "webhook/record.h"


#define NGX_HTTP_CLARITY_LOOK 2000 /* ms from one look to the next */


typedef struct {
    ngx_cycle_t                  *cycle;
    ngx_http_clarity_main_conf_t *cmcf;
    ngx_clarity_redis_t          *notices;  /* subscribed, nothing else */
    ngx_clarity_redis_t          *commands;
    ngx_clarity_redis_conf_t      conf;
    ngx_event_t                   timer;
    clarity_key_t                 webhooks; /* the hash and the channel */
    clarity_key_t                 nginx;
    unsigned                      looking : 1; /* HGET or HGETALL in flight */
    unsigned                      again : 1;   /* a notice came meanwhile */
} ngx_http_clarity_follower_t;


static void ngx_http_clarity_subscribe(void *owner);
static void ngx_http_clarity_subscribed(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_notice(void *owner, const redisReply *message);
static void ngx_http_clarity_timer_handler(ngx_event_t *ev);
static void ngx_http_clarity_report(ngx_http_clarity_follower_t *follower);
static void ngx_http_clarity_reported(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_look(ngx_http_clarity_follower_t *follower);
static void ngx_http_clarity_revision_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_all_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_answered(ngx_http_clarity_follower_t *follower,
    clarity_redis_result_t result, const redisReply *reply);
static void ngx_http_clarity_looked(ngx_http_clarity_follower_t *follower);
static ngx_int_t ngx_http_clarity_give(ngx_http_clarity_follower_t *follower,
    const char *command, const char *field, clarity_redis_reply_pt callback);
static ngx_int_t ngx_http_clarity_load(
    ngx_http_clarity_follower_t *follower, const redisReply *reply);
static ngx_int_t ngx_http_clarity_read_records(
    ngx_http_clarity_follower_t *follower, const redisReply *reply,
    clarity_webhook_t *records, size_t *n, uint64_t *revision);
static void ngx_http_clarity_to_snapshot(
    ngx_http_clarity_follower_t *follower, const clarity_webhook_t *record,
    clarity_snapshot_webhook_t *webhook);
static ngx_int_t ngx_http_clarity_publish(
    ngx_http_clarity_follower_t *follower, clarity_buf_t *snapshot,
    uint64_t revision);


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
    follower->conf.watched = 0;
    follower->conf.audited = 0;

    prefix.data = (char *) follower->conf.prefix.data;
    prefix.len = follower->conf.prefix.len;

    clarity_key_webhooks(&follower->webhooks, prefix);
    clarity_key_nginx(&follower->nginx, prefix);

    follower->timer.handler = ngx_http_clarity_timer_handler;
    follower->timer.data = follower;
    follower->timer.log = cycle->log;
    follower->timer.cancelable = 1;

    ngx_http_clarity_follower = follower;

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

    (void) ngx_clarity_redis_command(follower->notices, 2, argv,
        ngx_http_clarity_subscribed, follower);
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
            "seen only each %d ms", follower->webhooks.len,
            follower->webhooks.data, reply->str, NGX_HTTP_CLARITY_LOOK);
    }

    ngx_http_clarity_look(follower);
}


static void
ngx_http_clarity_notice(void *owner, const redisReply *message)
{
    ngx_http_clarity_look(owner);
}


static void
ngx_http_clarity_timer_handler(ngx_event_t *ev)
{
    ngx_http_clarity_follower_t *follower = ev->data;

    if (ngx_exiting) {
        /* another process follows */
        return;
    }

    ngx_http_clarity_look(follower);
    ngx_http_clarity_report(follower);

    ngx_add_timer(ev, NGX_HTTP_CLARITY_LOOK);
}


/* Who serves which revision: for the settings page. */

static void
ngx_http_clarity_report(ngx_http_clarity_follower_t *follower)
{
    u_char         *p;
    u_char          text[128];
    ngx_time_t     *tp;
    clarity_str_t   argv[4];
    ngx_core_conf_t *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(follower->cycle->conf_ctx,
        ngx_core_module);
    tp = ngx_timeofday();

    p = ngx_sprintf(text, "{\"at\":%T%03M,\"workers\":%i,\"revision\":%uL}",
        tp->sec, tp->msec, ccf->worker_processes,
        follower->cmcf->shared->revision);

    argv[0] = clarity_lit("HSET");
    argv[1] = clarity_key_str(&follower->nginx);
    argv[2].data = (char *) follower->cmcf->shared->instance;
    argv[2].len = NGX_HTTP_CLARITY_INSTANCE;
    argv[3].data = (char *) text;
    argv[3].len = p - text;

    (void) ngx_clarity_redis_command(follower->commands, 4, argv,
        ngx_http_clarity_reported, follower);
}


static void
ngx_http_clarity_reported(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_answered(data, result, reply);

    /* the next one comes in two seconds */
}


static void
ngx_http_clarity_look(ngx_http_clarity_follower_t *follower)
{
    if (follower->looking) {
        follower->again = 1;
        return;
    }

    follower->again = 0;
    follower->looking = (ngx_http_clarity_give(follower, "HGET", "revision",
                             ngx_http_clarity_revision_handler)
        == NGX_OK);
}


static void
ngx_http_clarity_revision_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    ngx_int_t                  revision;
    ngx_http_clarity_shared_t *shared;

    shared = follower->cmcf->shared;

    ngx_http_clarity_answered(follower, result, reply);

    if (result == CLARITY_REDIS_REPLIED && !ngx_exiting
        && reply->type != REDIS_REPLY_ERROR)
    {
        /* nil: nothing has been made yet, or Redis was emptied */
        revision = (reply->type == REDIS_REPLY_STRING)
            ? ngx_atoi((u_char *) reply->str, reply->len)
            : 0;

        if (!shared->loaded || (uint64_t) revision != shared->revision) {

            if (ngx_http_clarity_give(follower, "HGETALL", NULL,
                    ngx_http_clarity_all_handler)
                == NGX_OK)
            {
                return;
            }
        }
    }

    ngx_http_clarity_looked(follower);
}


static void
ngx_http_clarity_all_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_follower_t *follower = data;

    ngx_http_clarity_answered(follower, result, reply);

    if (result == CLARITY_REDIS_REPLIED && !ngx_exiting
        && reply->type == REDIS_REPLY_ARRAY)
    {
        if (ngx_http_clarity_load(follower, reply) == NGX_OK) {
            ngx_http_clarity_report(follower);
        }
    }

    ngx_http_clarity_looked(follower);
}


/* A refusal is for the log: all that is seen else are webhooks not loaded. */

static void
ngx_http_clarity_answered(ngx_http_clarity_follower_t *follower,
    clarity_redis_result_t result, const redisReply *reply)
{
    if (result == CLARITY_REDIS_REPLIED) {
        ngx_clarity_redis_answered(follower->commands,
            NGX_CLARITY_REDIS_SETTINGS, reply);
    }
}


static void
ngx_http_clarity_looked(ngx_http_clarity_follower_t *follower)
{
    follower->looking = 0;

    if (follower->again) {
        ngx_http_clarity_look(follower);
    }
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

    return ngx_clarity_redis_command(follower->commands, field ? 3 : 2, argv,
               callback, follower)
            == CLARITY_REDIS_GIVEN
        ? NGX_OK
        : NGX_ERROR;
}


/*
 * From HGETALL's fields and values to a snapshot. A record that cannot be read
 * is passed over, and a token that cannot be opened is none: whoever writes to
 * Redis cannot make one.
 */

static ngx_int_t
ngx_http_clarity_load(
    ngx_http_clarity_follower_t *follower, const redisReply *reply)
{
    size_t                      i, n, max;
    uint64_t                    revision;
    ngx_int_t                   rc;
    clarity_buf_t               buf;
    clarity_webhook_t          *records;
    clarity_snapshot_webhook_t *webhooks;

    rc = NGX_ERROR;
    max = reply->elements / 2 + 1;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    records = ngx_alloc(max * sizeof(clarity_webhook_t),
        follower->cycle->log);
    webhooks = ngx_alloc(max * sizeof(clarity_snapshot_webhook_t),
        follower->cycle->log);

    if (records && webhooks
        && ngx_http_clarity_read_records(follower, reply, records, &n,
               &revision)
            == NGX_OK)
    {
        for (i = 0; i < n; i++) {
            ngx_http_clarity_to_snapshot(follower, &records[i], &webhooks[i]);
        }

        clarity_snapshot_build(webhooks, n, &buf);

        if (!buf.failed) {
            rc = ngx_http_clarity_publish(follower, &buf, revision);
        }
    }

    clarity_buf_free(&buf);
    ngx_free(webhooks);
    ngx_free(records);

    return rc;
}


static ngx_int_t
ngx_http_clarity_read_records(ngx_http_clarity_follower_t *follower,
    const redisReply *reply, clarity_webhook_t *records, size_t *n,
    uint64_t *revision)
{
    size_t            i;
    ngx_int_t         number;
    const redisReply *field, *value;
    clarity_error_t   error;

    *n = 0;
    *revision = 0;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        field = reply->element[i];
        value = reply->element[i + 1];

        if (field->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING)
        {
            return NGX_ERROR;
        }

        if (ngx_strcmp(field->str, "revision") == 0) {
            number = ngx_atoi((u_char *) value->str, value->len);
            *revision = (number == NGX_ERROR) ? 0 : number;
            continue;
        }

        if (ngx_strncmp(field->str, "id:", 3) != 0) {
            continue;
        }

        if (!clarity_webhook_read(
                (clarity_str_t){ value->str, value->len }, &records[*n],
                &error))
        {
            ngx_log_error(NGX_LOG_ERR, follower->cycle->log, 0,
                "the webhook \"%s\" in Redis is passed over: %s",
                field->str + 3, error.text);
            continue;
        }

        (*n)++;
    }

    return NGX_OK;
}


/* The strings stay the record's. */

static void
ngx_http_clarity_to_snapshot(ngx_http_clarity_follower_t *follower,
    const clarity_webhook_t *record, clarity_snapshot_webhook_t *webhook)
{
    char                           token[CLARITY_SEAL_TEXT_MAX + 1];
    size_t                         i, len;
    clarity_seal_status_t          status;
    clarity_snapshot_token_t      *t;
    const clarity_webhook_token_t *sealed;

    ngx_memzero(webhook, sizeof(clarity_snapshot_webhook_t));

    webhook->id = clarity_str(record->id);
    webhook->method = clarity_str(record->method);
    webhook->endpoint = clarity_str(record->endpoint);
    webhook->trigger = clarity_str(record->trigger);
    webhook->active = record->active;
    webhook->rules = record->rules;
    webhook->status = record->status;
    webhook->idempotency = clarity_webhook_idempotency(record,
        CLARITY_SNAPSHOT_INHERIT);
    webhook->revision = record->revision;

    for (i = 0; i < record->ntokens; i++) {
        sealed = &record->tokens[i];

        status = clarity_unseal(follower->cmcf->keys,
            clarity_str(sealed->sealed), webhook->id,
            clarity_str(sealed->id), token, &len);

        if (status != CLARITY_SEAL_OK) {
            ngx_log_error(NGX_LOG_ERR, follower->cycle->log, 0,
                "the token %s of the webhook %s %s", sealed->id, record->id,
                clarity_seal_status_text(status));
            continue;
        }

        t = &webhook->tokens[webhook->ntokens];

        if (clarity_token_digest(follower->cmcf->sha256,
                (clarity_str_t){ token, len }, &t->digest))
        {
            t->id = clarity_str(sealed->id);
            t->expires = sealed->expires_at;
            webhook->ntokens++;
        }

        ngx_explicit_memzero(token, sizeof(token));
    }
}


/*
 * Swaps the snapshot. While both are there they need twice the room; where
 * that is not there, the old webhooks go on and the log says so.
 */

static ngx_int_t
ngx_http_clarity_publish(ngx_http_clarity_follower_t *follower,
    clarity_buf_t *snapshot, uint64_t revision)
{
    void                      *old, *new;
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;

    pool = (ngx_slab_pool_t *) follower->cmcf->zone->shm.addr;
    shared = follower->cmcf->shared;

    new = ngx_slab_alloc(pool, snapshot->len);
    if (new == NULL) {
        ngx_log_error(NGX_LOG_ALERT, follower->cycle->log, 0,
            "\"clarity_zone\" has no room for %uz bytes of webhooks: make it "
            "larger; those of revision %uL go on", snapshot->len,
            shared->revision);
        return NGX_ERROR;
    }

    ngx_memcpy(new, snapshot->data, snapshot->len);

    ngx_shmtx_lock(&pool->mutex);

    old = shared->snapshot;
    shared->snapshot = new;
    shared->revision = revision;
    shared->loaded = 1;

    if (old) {
        ngx_slab_free_locked(pool, old);
    }

    ngx_shmtx_unlock(&pool->mutex);

    return NGX_OK;
}
