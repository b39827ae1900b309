/*
 * The driver of a session: moves its bytes over an nginx connection and runs
 * its timers.
 *
 *   create -> connect -+-> connected -> read/flush ... -> lost -+
 *                ^     +------------------------------> lost    |
 *                +---------- wake (backoff) --------------------+
 *
 * One that has served is made again at once, without a wait in between.
 */

#include "ngx_clarity_redis_driver.h"

/* bytes that a reply may take: to a job, and to what is asked of Redis itself,
 * they are short */
#define NGX_CLARITY_REDIS_MAX_REPLY (1024 * 1024)

/* and in a list of all webhooks, of which this is some 150,000 */
#define NGX_CLARITY_REDIS_MAX_LIST (256 * 1024 * 1024)

/* ms from one that was made at once to the next, where none has served */
#define NGX_CLARITY_REDIS_RENEW 1000


static ngx_int_t ngx_clarity_redis_init_session(ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_init_parts(
    ngx_clarity_redis_t *redis, ngx_log_t *log);
static void ngx_clarity_redis_connect(ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_connected(void *owner, ngx_connection_t *c);
static uint64_t ngx_clarity_redis_now(void *owner);
static void ngx_clarity_redis_setup(
    void *owner, clarity_redis_session_t *session);
static void ngx_clarity_redis_agreed(void *owner);
static void ngx_clarity_redis_push(void *owner, const redisReply *message);
static void ngx_clarity_redis_tick_handler(ngx_event_t *ev);
static ngx_uint_t ngx_clarity_redis_too_large(
    ngx_clarity_redis_t *redis, size_t argc, const clarity_str_t *argv);
static ngx_uint_t ngx_clarity_redis_own(const ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_timer_handler(ngx_event_t *ev);
static ngx_uint_t ngx_clarity_redis_may_be_back(
    const ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_close(ngx_clarity_redis_t *redis);


ngx_clarity_redis_t *
ngx_clarity_redis_create(const ngx_clarity_redis_conf_t *conf,
    const ngx_clarity_redis_listener_t *listener, ngx_cycle_t *cycle)
{
    ngx_clarity_redis_t *redis;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_clarity_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = conf;

    if (listener) {
        redis->listener = *listener;
    }

    if (ngx_clarity_redis_init_session(redis) != NGX_OK) {
        return NULL;
    }

    ngx_clarity_redis_init_parts(redis, cycle->log);

    ngx_clarity_redis_connect(redis);

    return redis;
}


static ngx_int_t
ngx_clarity_redis_init_session(ngx_clarity_redis_t *redis)
{
    clarity_redis_conf_t            sc;
    const ngx_clarity_redis_conf_t *conf;

    conf = redis->conf;

    ngx_memzero(&sc, sizeof(clarity_redis_conf_t));

    sc.user = conf->url.user;
    sc.password = conf->url.password;
    sc.db = conf->url.db;
    sc.name = "clarity-nginx";
    sc.primary = true;
    sc.max_reply = NGX_CLARITY_REDIS_MAX_REPLY;
    sc.timeout = conf->timeout + conf->wait_timeout;
    sc.owner = redis;
    sc.now = ngx_clarity_redis_now;
    sc.setup = ngx_clarity_redis_setup;

    if (redis->listener.push) {
        sc.push = ngx_clarity_redis_push;
    }

    redis->session = clarity_redis_create(&sc);

    return redis->session ? NGX_OK : NGX_ERROR;
}


static void
ngx_clarity_redis_init_parts(ngx_clarity_redis_t *redis, ngx_log_t *log)
{
    const ngx_clarity_redis_conf_t *conf;

    conf = redis->conf;

    redis->peer.owner = redis;
    redis->peer.connected = ngx_clarity_redis_connected;
    redis->peer.failed = ngx_clarity_redis_lost;

    redis->agree.owner = redis;
    redis->agree.agreed = ngx_clarity_redis_agreed;

    ngx_clarity_peer_init(&redis->peer, conf, log);
    ngx_clarity_agree_init(&redis->agree, conf, redis->session, log);
    ngx_clarity_audit_init(&redis->audit, conf, redis->session, log);
    ngx_clarity_watch_init(&redis->watch, conf, redis->session, log);
    ngx_clarity_replicas_init(&redis->replicas, conf, redis->session);
    ngx_clarity_report_init(&redis->report, conf, log);

    redis->timer.handler = ngx_clarity_redis_timer_handler;
    redis->timer.data = redis;
    redis->timer.log = log;
    redis->timer.cancelable = 1;

    redis->tick.handler = ngx_clarity_redis_tick_handler;
    redis->tick.data = redis;
    redis->tick.log = log;
    redis->tick.cancelable = 1;

    redis->flush.handler = ngx_clarity_redis_flush_handler;
    redis->flush.data = redis;
    redis->flush.log = log;
}


void
ngx_clarity_redis_write_now(ngx_clarity_redis_t *redis)
{
    ngx_clarity_redis_flush(redis);
}


void
ngx_clarity_redis_destroy(ngx_clarity_redis_t *redis)
{
    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    ngx_clarity_redis_close(redis);
    ngx_clarity_peer_free(&redis->peer);

    clarity_redis_free(redis->session);
    ngx_clarity_replicas_lost(&redis->replicas);
}


clarity_redis_given_t
ngx_clarity_redis_command(ngx_clarity_redis_t *redis,
    ngx_clarity_redis_use_t use, size_t argc, const clarity_str_t *argv,
    clarity_redis_reply_pt callback, void *data)
{
    clarity_redis_given_t given;

    if (redis->agree.differs
        || (redis->agree.full
            && clarity_redis_state(redis->session) == CLARITY_REDIS_DOWN))
    {
        return redis->agree.full ? CLARITY_REDIS_FULL : CLARITY_REDIS_GONE;
    }

    if (ngx_clarity_redis_too_large(redis, argc, argv)) {
        return CLARITY_REDIS_TOO_LARGE;
    }

    if (clarity_redis_pending(redis->session)
        >= redis->conf->max_pending + ngx_clarity_redis_own(redis))
    {
        if (clarity_redis_state(redis->session) == CLARITY_REDIS_DOWN) {
            return CLARITY_REDIS_GONE;
        }

        ngx_clarity_report_crowded(&redis->report);
        return CLARITY_REDIS_FULL;
    }

    given = clarity_redis_command(redis->session, argc, argv, 0, callback,
        data);

    if (given == CLARITY_REDIS_GIVEN) {

        if (use == NGX_CLARITY_REDIS_SETTINGS) {
            clarity_redis_allow(redis->session, NGX_CLARITY_REDIS_MAX_LIST);
        }

        if (redis->conf->wait_timeout) {
            ngx_clarity_replicas_wrote(&redis->replicas);
        }

        ngx_clarity_redis_post_flush(redis);

        /* a request waits for whatever the timer is for */
        redis->timer.cancelable = 0;
    }

    return given;
}


/* Redis would close the connection, at the expense of all that wait on it. */

static ngx_uint_t
ngx_clarity_redis_too_large(
    ngx_clarity_redis_t *redis, size_t argc, const clarity_str_t *argv)
{
    size_t      i, len;
    uint64_t    limit;
    const char *setting;

    len = 0;

    for (i = 0; i < argc; i++) {
        len = ngx_max(len, argv[i].len);
    }

    setting = clarity_redis_limits_refuse(&redis->watch.limits, len, &limit);

    if (setting == NULL) {
        return 0;
    }

    ngx_clarity_report_too_large(&redis->report, setting, limit);

    return 1;
}


const ngx_clarity_watch_t *
ngx_clarity_redis_watch(const ngx_clarity_redis_t *redis)
{
    return &redis->watch;
}


ngx_int_t
ngx_clarity_redis_wait(ngx_clarity_redis_t *redis,
    clarity_redis_reply_pt callback, void *data)
{
    return ngx_clarity_replicas_wait(&redis->replicas, callback, data);
}


void
ngx_clarity_redis_state(const ngx_clarity_redis_t *redis,
    ngx_uint_t *pending, ngx_uint_t *ready)
{
    *pending = clarity_redis_pending(redis->session);
    *ready = clarity_redis_state(redis->session) == CLARITY_REDIS_READY
        && !redis->agree.differs;
}


void
ngx_clarity_redis_answered(ngx_clarity_redis_t *redis,
    ngx_clarity_redis_use_t use, const redisReply *reply)
{
    const clarity_redis_error_info_t *info;

    info = ngx_clarity_report_reply(&redis->report, use, reply);

    if (info && info->reconnect) {
        redis->drop = info->meaning;
    }
}


void
ngx_clarity_redis_full(ngx_clarity_redis_t *redis, uint64_t limit)
{
    ngx_clarity_report_full(&redis->report, limit, redis->watch.depth);
}


void
ngx_clarity_redis_distrust(ngx_clarity_redis_t *redis, const char *reason)
{
    /* before the next reply of the same read is told to anybody */
    clarity_redis_refuse(redis->session, reason);
}


static void
ngx_clarity_redis_connect(ngx_clarity_redis_t *redis)
{
    clarity_redis_connecting(redis->session);
    redis->connecting = 1;
    redis->began = ngx_current_msec;

    /* until READY, whatever happens on the way */
    ngx_add_timer(&redis->timer, redis->conf->connect_timeout);

    ngx_clarity_peer_connect(&redis->peer);
}


static void
ngx_clarity_redis_connected(void *owner, ngx_connection_t *c)
{
    ngx_clarity_redis_t *redis = owner;

    redis->connection = c;

    c->data = redis;
    c->read->handler = ngx_clarity_redis_read_handler;
    c->write->handler = ngx_clarity_redis_write_handler;

    if (!clarity_redis_up(redis->session)) {
        ngx_clarity_redis_lost(redis, 0,
            clarity_redis_reason(redis->session));
        return;
    }

    ngx_clarity_redis_flush(redis);
}


static uint64_t
ngx_clarity_redis_now(void *owner)
{
    return ngx_current_msec;
}


static void
ngx_clarity_redis_setup(void *owner, clarity_redis_session_t *session)
{
    ngx_clarity_redis_t *redis = owner;

    if ((redis->conf->watched
            && ngx_clarity_watch_setup(&redis->watch) != NGX_OK)
        || (redis->conf->audited && ngx_worker == 0
            && ngx_clarity_audit_setup(&redis->audit) != NGX_OK))
    {
        clarity_redis_refuse(session, "out of memory");
        return;
    }

    ngx_clarity_agree(&redis->agree);
    ngx_clarity_redis_post_flush(redis);
}


static void
ngx_clarity_redis_agreed(void *owner)
{
    ngx_clarity_redis_t *redis = owner;

    if (redis->watch.unmet) {
        /* those that came meanwhile were not yet known to be too many */
        clarity_redis_drop_held(redis->session);
    }

    clarity_redis_ready(redis->session);

    redis->connecting = 0;

    if (redis->conf->watched) {
        ngx_clarity_watch_ready(&redis->watch);
    }

    ngx_add_timer(&redis->tick, NGX_CLARITY_WATCH_TICK);

    if (redis->listener.ready) {
        redis->listener.ready(redis->listener.owner);
    }
}


static void
ngx_clarity_redis_push(void *owner, const redisReply *message)
{
    ngx_clarity_redis_t *redis = owner;

    redis->listener.push(redis->listener.owner, message);
}


static void
ngx_clarity_redis_tick_handler(ngx_event_t *ev)
{
    ngx_clarity_redis_t *redis = ev->data;

    /* in a process that is to end too: it still takes jobs */

    if (redis->conf->watched) {
        ngx_clarity_agree_tick(&redis->agree);
        ngx_clarity_watch_tick(&redis->watch);
    }

    ngx_clarity_report_tick(&redis->report, redis->watch.depth);
    ngx_clarity_redis_flush(redis);

    /* the flush may have lost the connection, and READY sets it anew */

    if (clarity_redis_state(redis->session) == CLARITY_REDIS_READY) {
        ngx_add_timer(ev, NGX_CLARITY_WATCH_TICK);
    }
}


/* Of the session's pending commands: those that no request waits for. */

static ngx_uint_t
ngx_clarity_redis_own(const ngx_clarity_redis_t *redis)
{
    return redis->watch.flying + redis->agree.flying
        + redis->replicas.waiting;
}


static void
ngx_clarity_redis_timer_handler(ngx_event_t *ev)
{
    ngx_clarity_redis_t *redis;

    redis = ev->data;

    if (clarity_redis_state(redis->session) == CLARITY_REDIS_DOWN) {
        ngx_clarity_redis_connect(redis);
        return;
    }

    if (redis->connecting) {
        ngx_clarity_redis_lost(redis, 0,
            "not ready within clarity_redis_connect_timeout");
        return;
    }

    if (clarity_redis_timed_out(redis->session)) {
        ngx_clarity_redis_lost(redis, 0,
            "no reply within clarity_redis_timeout");
        return;
    }

    /* the command that the timer was set for has been answered */
    ngx_clarity_redis_set_timer(redis);
}


/*
 * In READY the timer follows the oldest command in flight. While it is set
 * for an earlier time it is left alone, and its handler sets it anew: timers
 * are not moved for each command.
 */

void
ngx_clarity_redis_set_timer(ngx_clarity_redis_t *redis)
{
    uint64_t   deadline;
    ngx_msec_t wait;

    redis->timer.cancelable
        = (clarity_redis_pending(redis->session)
               == ngx_clarity_redis_own(redis)
            && redis->replicas.written.count == 0);

    if (clarity_redis_state(redis->session) != CLARITY_REDIS_READY
        || !clarity_redis_deadline(redis->session, &deadline))
    {
        return;
    }

    if (redis->timer.timer_set
        && (ngx_msec_int_t) (redis->timer.timer.key - (ngx_msec_t) deadline)
            <= 0)
    {
        return;
    }

    wait = (deadline > ngx_current_msec)
        ? (ngx_msec_t) (deadline - ngx_current_msec)
        : 1;

    ngx_add_timer(&redis->timer, wait);
}


void
ngx_clarity_redis_lost(void *owner, ngx_err_t err, const char *reason)
{
    ngx_clarity_redis_t *redis = owner;

    ngx_uint_t at_once;
    ngx_msec_t wait, passed;

    ngx_clarity_report_lost(&redis->report, err, reason);
    redis->drop = NULL;
    redis->connecting = 0;

    at_once = ngx_clarity_redis_may_be_back(redis);

    ngx_clarity_redis_close(redis);
    redis->timer.cancelable = 1;

    ngx_clarity_watch_lost(&redis->watch);
    ngx_clarity_agree_lost(&redis->agree);

    /* the requests that waited are answered here, or wait once more */

    if (at_once) {
        redis->renewed = ngx_current_msec;

        /* before what is held for the next one is counted there */
        ngx_clarity_replicas_lost(&redis->replicas);

        clarity_redis_reconnect(redis->session);
        ngx_clarity_redis_connect(redis);
        return;
    }

    clarity_redis_down(redis->session);
    ngx_clarity_replicas_lost(&redis->replicas);

    /*
     * From one attempt to the next: one that got no answer within its time has
     * spared Redis for longer, and a wait on top would be time in which nobody
     * notices that Redis is back.
     */

    wait = clarity_redis_backoff(redis->session, (uint32_t) ngx_random());
    passed = ngx_current_msec - redis->began;

    ngx_add_timer(&redis->timer, wait > passed ? wait - passed : 1);
}


/*
 * A connection may be lost although its Redis is well: no request that has not
 * been sent is to pay for that. An attempt that fails is followed by a wait, and
 * so is one connection after the other that does not answer a command.
 */

static ngx_uint_t
ngx_clarity_redis_may_be_back(const ngx_clarity_redis_t *redis)
{
    return clarity_redis_state(redis->session) == CLARITY_REDIS_READY
        && redis->connection && !redis->connection->close
        && (clarity_redis_served(redis->session)
            || ngx_current_msec - redis->renewed
                >= NGX_CLARITY_REDIS_RENEW);
}


/* The transport, or what was to be one, and the timers. */

static void
ngx_clarity_redis_close(ngx_clarity_redis_t *redis)
{
    ngx_clarity_peer_stop(&redis->peer);

    if (redis->connection) {
        ngx_close_connection(redis->connection);
        redis->connection = NULL;
    }

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->tick.timer_set) {
        ngx_del_timer(&redis->tick);
    }
}
