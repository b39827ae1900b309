/*
 * The driver of a session: moves its bytes over an nginx connection and runs
 * its timers.
 *
 *   create -> connect -+-> connected -> read/flush ... -> lost -+
 *                ^     +------------------------------> lost    |
 *                +---------- wake (backoff) --------------------+
 */

#include "ngx_clarity_agree.h"

#include <ngx_event_connect.h>

#include "redis/reply_error.h"

#define NGX_CLARITY_REDIS_READ_SIZE 16384

/* ms without a refusal after which the log is told that they have ended */
#define NGX_CLARITY_REDIS_CALM 5000

/* What the log was told of the commands of a use. */
typedef struct {
    unsigned                   refused : 1; /* and not that it has ended */
    clarity_redis_error_code_t code;
    ngx_msec_t                 last; /* refusal */
} ngx_clarity_redis_told_t;

struct ngx_clarity_redis_s {
    const ngx_clarity_redis_conf_t *conf;
    ngx_clarity_redis_listener_t    listener; /* NULLs: nobody listens */
    clarity_redis_session_t        *session;
    ngx_clarity_agree_t             agree;
    ngx_connection_t               *connection; /* NULL: none */
    ngx_log_t                      *log;
    ngx_log_t  quiet;   /* for attempts: their failure is told once, by us */
    ngx_uint_t address; /* index of the next attempt's */

    /*
     * The connection's end of time, or the next attempt. Cancelable, so that
     * it does not keep a process from exiting, unless a request waits.
     */
    ngx_event_t timer;
    ngx_event_t flush; /* posted: once per turn of the loop */

    /* What the log has been told, so that it is told once. */
    char                     told_lost[256]; /* "": it serves */
    ngx_clarity_redis_told_t told[NGX_CLARITY_REDIS_USES];

    const char *drop; /* why to drop the connection; NULL: keep it */
};


static void ngx_clarity_redis_connect(ngx_clarity_redis_t *redis);
static ngx_int_t ngx_clarity_redis_get_peer(
    ngx_peer_connection_t *pc, void *data);
static void ngx_clarity_redis_connect_handler(ngx_event_t *ev);
static void ngx_clarity_redis_connected(ngx_clarity_redis_t *redis);
static uint64_t ngx_clarity_redis_now(void *owner);
static void ngx_clarity_redis_setup(
    void *owner, clarity_redis_session_t *session);
static void ngx_clarity_redis_agreed(void *owner);
static void ngx_clarity_redis_push(void *owner, const redisReply *message);
static void ngx_clarity_redis_read_handler(ngx_event_t *rev);
static void ngx_clarity_redis_write_handler(ngx_event_t *wev);
static void ngx_clarity_redis_flush_handler(ngx_event_t *ev);
static void ngx_clarity_redis_flush(ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_timer_handler(ngx_event_t *ev);
static void ngx_clarity_redis_set_timer(ngx_clarity_redis_t *redis);
static void ngx_clarity_redis_lost(
    ngx_clarity_redis_t *redis, ngx_err_t err, const char *reason);


ngx_clarity_redis_t *
ngx_clarity_redis_create(const ngx_clarity_redis_conf_t *conf,
    const ngx_clarity_redis_listener_t *listener, ngx_cycle_t *cycle)
{
    ngx_clarity_redis_t *redis;
    clarity_redis_conf_t sc;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_clarity_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    ngx_memzero(&sc, sizeof(clarity_redis_conf_t));

    sc.user = conf->url.user;
    sc.password = conf->url.password;
    sc.db = conf->url.db;
    sc.name = "clarity-nginx";
    sc.max_pending = conf->max_pending;
    sc.timeout = conf->timeout;
    sc.owner = redis;
    sc.now = ngx_clarity_redis_now;
    sc.setup = ngx_clarity_redis_setup;

    if (listener) {
        redis->listener = *listener;
        sc.push = ngx_clarity_redis_push;
    }

    redis->session = clarity_redis_create(&sc);
    if (redis->session == NULL) {
        return NULL;
    }

    redis->agree.conf = conf;
    redis->agree.session = redis->session;
    redis->agree.agreed = ngx_clarity_redis_agreed;
    redis->agree.owner = redis;

    redis->conf = conf;
    redis->log = cycle->log;
    redis->quiet = *cycle->log;
    redis->quiet.next = NULL;

    if (redis->quiet.log_level < NGX_LOG_DEBUG) {
        redis->quiet.log_level = ngx_min(redis->quiet.log_level,
            NGX_LOG_ALERT);
    }

    redis->timer.handler = ngx_clarity_redis_timer_handler;
    redis->timer.data = redis;
    redis->timer.log = cycle->log;
    redis->timer.cancelable = 1;

    redis->flush.handler = ngx_clarity_redis_flush_handler;
    redis->flush.data = redis;
    redis->flush.log = cycle->log;

    ngx_clarity_redis_connect(redis);

    return redis;
}


void
ngx_clarity_redis_destroy(ngx_clarity_redis_t *redis)
{
    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    if (redis->connection) {
        ngx_close_connection(redis->connection);
        redis->connection = NULL;
    }

    clarity_redis_free(redis->session);
}


clarity_redis_given_t
ngx_clarity_redis_command(ngx_clarity_redis_t *redis, size_t argc,
    const clarity_str_t *argv, clarity_redis_reply_pt callback, void *data)
{
    clarity_redis_given_t given;

    given = clarity_redis_command(redis->session, argc, argv, 0, callback,
        data);

    if (given == CLARITY_REDIS_GIVEN) {

        if (!redis->flush.posted) {
            ngx_post_event(&redis->flush, &ngx_posted_events);
        }

        /* a request waits for whatever the timer is for */
        redis->timer.cancelable = 0;
    }

    return given;
}


void
ngx_clarity_redis_answered(ngx_clarity_redis_t *redis,
    ngx_clarity_redis_use_t use, const redisReply *reply)
{
    ngx_clarity_redis_told_t         *told;
    const clarity_redis_error_info_t *info;

    static const char *names[] = { "jobs", "settings" };

    told = &redis->told[use];

    if (reply->type != REDIS_REPLY_ERROR) {

        if (told->refused
            && ngx_current_msec - told->last >= NGX_CLARITY_REDIS_CALM)
        {
            told->refused = 0;
            ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                "Redis %V takes %s again", &redis->conf->name, names[use]);
        }

        return;
    }

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });

    if (info->code == CLARITY_REDIS_ERR_NOSCRIPT) {
        /* nothing is amiss: the script's text goes out next */
        return;
    }

    if (!told->refused || told->code != info->code) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
            "Redis %V refuses %s (%s): %s", &redis->conf->name, names[use],
            info->prefix, info->meaning);
    }

    told->refused = 1;
    told->code = info->code;
    told->last = ngx_current_msec;

    if (info->reconnect) {
        redis->drop = info->meaning;
    }
}


static void
ngx_clarity_redis_connect(ngx_clarity_redis_t *redis)
{
    ngx_int_t             rc;
    ngx_addr_t           *addr;
    ngx_connection_t     *c;
    ngx_peer_connection_t pc;

    addr = &redis->conf->addrs[redis->address];
    redis->address = (redis->address + 1) % redis->conf->naddrs;

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = addr->sockaddr;
    pc.socklen = addr->socklen;
    pc.name = &addr->name;
    pc.get = ngx_clarity_redis_get_peer;
    pc.log = &redis->quiet;
    pc.log_error = NGX_ERROR_ERR;

    ngx_set_errno(0);

    rc = ngx_event_connect_peer(&pc);

    clarity_redis_connecting(redis->session);

    redis->connection = pc.connection;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_clarity_redis_lost(redis, ngx_socket_errno, "connect() failed");
        return;
    }

    c = pc.connection;
    c->data = redis;
    c->read->handler = ngx_clarity_redis_connect_handler;
    c->write->handler = ngx_clarity_redis_connect_handler;

    /* until READY, whatever happens on the way */
    ngx_add_timer(&redis->timer, redis->conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_clarity_redis_connected(redis);
    }
}


static ngx_int_t
ngx_clarity_redis_get_peer(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


static void
ngx_clarity_redis_connect_handler(ngx_event_t *ev)
{
    int                  err;
    socklen_t            len;
    ngx_connection_t    *c;
    ngx_clarity_redis_t *redis;

    c = ev->data;
    redis = c->data;

    if (c->close) {
        ngx_clarity_redis_lost(redis, 0, "the worker process shuts down");
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_clarity_redis_lost(redis, err, "connect() failed");
        return;
    }

    if (c->write->ready) {
        ngx_clarity_redis_connected(redis);
    }
}


static void
ngx_clarity_redis_connected(ngx_clarity_redis_t *redis)
{
    ngx_connection_t *c;

    c = redis->connection;

    c->log = redis->log;
    c->read->log = redis->log;
    c->write->log = redis->log;
    c->read->handler = ngx_clarity_redis_read_handler;
    c->write->handler = ngx_clarity_redis_write_handler;

    /* one small write per turn must not wait for the last one's ACK */
    if (ngx_tcp_nodelay(c) != NGX_OK) {
        ngx_clarity_redis_lost(redis, 0, "TCP_NODELAY could not be set");
        return;
    }

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

    ngx_clarity_agree(&redis->agree);

    if (!redis->flush.posted) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }
}


static void
ngx_clarity_redis_agreed(void *owner)
{
    ngx_clarity_redis_t *redis = owner;

    clarity_redis_ready(redis->session);

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
ngx_clarity_redis_read_handler(ngx_event_t *rev)
{
    ssize_t              n;
    const char          *reason;
    ngx_connection_t    *c;
    ngx_clarity_redis_t *redis;

    /* replies are consumed at once, so all sessions of a process share it */
    static u_char buffer[NGX_CLARITY_REDIS_READ_SIZE];

    c = rev->data;
    redis = c->data;

    if (c->close) {
        ngx_clarity_redis_lost(redis, 0, "the worker process shuts down");
        return;
    }

    do {
        n = c->recv(c, buffer, sizeof(buffer));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_clarity_redis_lost(redis, ngx_socket_errno, "recv() failed");
            return;
        }

        if (n == 0) {
            ngx_clarity_redis_lost(redis, 0, "it closed the connection");
            return;
        }

        if (!clarity_redis_feed(redis->session, (char *) buffer, n)) {
            reason = clarity_redis_reason(redis->session);
            ngx_clarity_redis_lost(redis, 0, reason);
            return;
        }

        /* one that cannot more than connect is not back */
        if (redis->told_lost[0] && clarity_redis_served(redis->session)) {
            redis->told_lost[0] = '\0';
            ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                "connected to Redis %V again", &redis->conf->name);
        }

        if (redis->drop) {
            ngx_clarity_redis_lost(redis, 0, redis->drop);
            return;
        }

    } while (rev->ready);

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_clarity_redis_lost(redis, 0, "the event could not be added");
        return;
    }

    /* what got READY, or callbacks gave */
    ngx_clarity_redis_flush(redis);
}


static void
ngx_clarity_redis_write_handler(ngx_event_t *wev)
{
    ngx_connection_t *c = wev->data;

    ngx_clarity_redis_flush(c->data);
}


static void
ngx_clarity_redis_flush_handler(ngx_event_t *ev)
{
    ngx_clarity_redis_flush(ev->data);
}


static void
ngx_clarity_redis_flush(ngx_clarity_redis_t *redis)
{
    ssize_t           n;
    clarity_str_t     out;
    ngx_connection_t *c;

    c = redis->connection;

    if (c == NULL) {
        return;
    }

    for (;;) {
        out = clarity_redis_output(redis->session);

        if (out.len == 0 || !c->write->ready) {
            break;
        }

        n = c->send(c, (u_char *) out.data, out.len);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_clarity_redis_lost(redis, ngx_socket_errno, "send() failed");
            return;
        }

        clarity_redis_sent(redis->session, n);
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_clarity_redis_lost(redis, 0, "the event could not be added");
        return;
    }

    ngx_clarity_redis_set_timer(redis);
}


static void
ngx_clarity_redis_timer_handler(ngx_event_t *ev)
{
    uint64_t             deadline;
    ngx_clarity_redis_t *redis;

    redis = ev->data;

    if (redis->connection == NULL) {

        ngx_clarity_redis_connect(redis);
        return;
    }

    if (clarity_redis_state(redis->session) != CLARITY_REDIS_READY) {
        ngx_clarity_redis_lost(redis, 0,
            "not ready within clarity_redis_connect_timeout");
        return;
    }

    if (clarity_redis_deadline(redis->session, &deadline)
        && deadline <= ngx_current_msec)
    {
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

static void
ngx_clarity_redis_set_timer(ngx_clarity_redis_t *redis)
{
    uint64_t   deadline;
    ngx_msec_t wait;

    redis->timer.cancelable = (clarity_redis_pending(redis->session) == 0);

    if (clarity_redis_state(redis->session) != CLARITY_REDIS_READY) {
        return;
    }

    if (!clarity_redis_deadline(redis->session, &deadline)) {
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


static void
ngx_clarity_redis_lost(
    ngx_clarity_redis_t *redis, ngx_err_t err, const char *reason)
{
    unsigned wait;

    if (ngx_strcmp(redis->told_lost, reason) != 0 && !ngx_exiting) {
        ngx_cpystrn((u_char *) redis->told_lost, (u_char *) reason,
            sizeof(redis->told_lost));
        ngx_log_error(NGX_LOG_ERR, redis->log, err,
            "Redis %V is not available: %s", &redis->conf->name, reason);
    }

    redis->drop = NULL;

    if (redis->connection) {
        ngx_close_connection(redis->connection);
        redis->connection = NULL;
    }

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->timer.cancelable = 1;

    /* the requests that waited are answered here */
    clarity_redis_down(redis->session);

    wait = clarity_redis_backoff(redis->session, (uint32_t) ngx_random());
    ngx_add_timer(&redis->timer, wait);
}
