#include "redis/redis_event.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "redis/resolve.h"

struct clarity_redis_event_s {
    clarity_redis_event_conf_t conf;
    clarity_redis_session_t *session;
    struct event_base *base;

    /* The next attempt; the end of this one; the oldest command's deadline. */
    struct event *timer;
    uint64_t timer_at;   /* on now()'s clock, while it is pending */
    uint64_t connect_by; /* the attempt's end until READY; 0: none begun */

    clarity_redis_resolve_t *resolve; /* NULL: a unix socket */
    struct evutil_addrinfo *addresses;
    struct evutil_addrinfo *next; /* of them, to be tried */

    struct bufferevent *bev;
    size_t handed; /* bytes of the session's output that bev holds a copy of */

    bool is_ready;   /* the owner was told */
    bool is_lost;    /* likewise */
    bool is_refused; /* likewise, of a server that is there and is no good */
};

static uint64_t now(void *owner);
static void on_timer(evutil_socket_t fd, short what, void *data);
static const char *stage(const clarity_redis_event_t *redis);
static void begin(clarity_redis_event_t *redis);
static void begin_unix(clarity_redis_event_t *redis);
static void on_addresses(
    void *data, struct evutil_addrinfo *addresses, const char *reason);
static void try_next(clarity_redis_event_t *redis, const char *reason);
static bool connect_to(clarity_redis_event_t *redis,
    const struct sockaddr *address, socklen_t len);
static void on_event(struct bufferevent *bev, short what, void *data);
static void on_read(struct bufferevent *bev, void *data);
static void on_output(
    struct evbuffer *output, const struct evbuffer_cb_info *info, void *data);
static void flush(clarity_redis_event_t *redis);
static void set_timer(clarity_redis_event_t *redis);
static void set_timer_at(clarity_redis_event_t *redis, uint64_t at);
static void fail(clarity_redis_event_t *redis, const char *reason);
static void forget_transport(clarity_redis_event_t *redis);


clarity_redis_event_t *
clarity_redis_event_create(
    struct event_base *base, const clarity_redis_event_conf_t *conf)
{
    clarity_redis_conf_t sc;
    clarity_redis_event_t *redis;

    redis = calloc(1, sizeof(*redis));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = *conf;
    redis->base = base;

    memset(&sc, 0, sizeof(sc));
    sc.user = redis->conf.url.user;
    sc.password = redis->conf.url.password;
    sc.db = conf->url.db;
    sc.name = conf->name;
    sc.primary = conf->primary;
    sc.timeout = conf->timeout;
    sc.owner = conf->owner;
    sc.now = now;
    sc.setup = conf->setup;
    sc.push = conf->push;

    redis->timer = evtimer_new(base, on_timer, redis);
    redis->session = clarity_redis_create(&sc);

    if (conf->url.scheme == CLARITY_REDIS_TCP) {
        redis->resolve = clarity_redis_resolve_create(
            base, redis->conf.url.host, conf->url.port, on_addresses, redis);
    }

    if (redis->timer == NULL || redis->session == NULL
        || (redis->resolve == NULL && conf->url.scheme == CLARITY_REDIS_TCP))
    {
        clarity_redis_event_free(redis);
        return NULL;
    }

    /*
     * Commands are held from now on; the attempt itself begins in the loop,
     * since it may fail at once and the owner does not know us yet.
     */
    clarity_redis_connecting(redis->session);
    set_timer_at(redis, now(NULL));

    return redis;
}


void
clarity_redis_event_free(clarity_redis_event_t *redis)
{
    if (redis == NULL) {
        return;
    }

    forget_transport(redis);
    clarity_redis_free(redis->session);
    clarity_redis_resolve_free(redis->resolve);

    if (redis->timer != NULL) {
        event_free(redis->timer);
    }

    free(redis);
}


clarity_redis_session_t *
clarity_redis_event_session(clarity_redis_event_t *redis)
{
    return redis->session;
}


clarity_redis_given_t
clarity_redis_event_command(clarity_redis_event_t *redis, size_t argc,
    const clarity_str_t *argv, uint64_t timeout,
    clarity_redis_reply_pt callback, void *data)
{
    clarity_redis_given_t given;

    given = clarity_redis_command(
        redis->session, argc, argv, timeout, callback, data);

    if (given == CLARITY_REDIS_GIVEN) {
        flush(redis);
    }

    return given;
}


/* As bev does it, which finds what is left when the loop turns again. */
void
clarity_redis_event_push(clarity_redis_event_t *redis)
{
    int n;
    struct evbuffer *output;

    if (!redis->is_ready) {
        return;
    }

    output = bufferevent_get_output(redis->bev);

    do {
        evbuffer_unfreeze(output, 1);
        n = evbuffer_write(output, bufferevent_getfd(redis->bev));
        evbuffer_freeze(output, 1);
    } while (n > 0);
}


static uint64_t
now(void *owner)
{
    struct timespec ts;

    (void) owner;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static void
on_timer(evutil_socket_t fd, short what, void *data)
{
    char reason[128];
    clarity_redis_event_t *redis = data;

    (void) fd;
    (void) what;

    if (redis->connect_by == 0) {
        begin(redis);
        return;
    }

    if (clarity_redis_timed_out(redis->session)) {
        fail(redis, "Redis did not reply in time");
        return;
    }

    if (!redis->is_ready && redis->connect_by <= now(NULL)) {
        snprintf(reason, sizeof(reason), "%s took longer than %llu ms",
            stage(redis), (unsigned long long) redis->conf.connect_timeout);
        fail(redis, reason);
        return;
    }

    /* The command that it was set for has been answered. */
    set_timer(redis);
}


/* Of an attempt. */
static const char *
stage(const clarity_redis_event_t *redis)
{
    if (clarity_redis_state(redis->session) == CLARITY_REDIS_SETUP) {
        return "setting the connection up";
    }

    return redis->bev != NULL ? "connecting" : "looking up its name";
}


static void
begin(clarity_redis_event_t *redis)
{
    clarity_redis_connecting(redis->session);

    redis->connect_by = now(NULL) + redis->conf.connect_timeout;
    set_timer(redis);

    if (redis->conf.url.scheme == CLARITY_REDIS_UNIX) {
        begin_unix(redis);
    } else {
        clarity_redis_resolve_start(redis->resolve);
    }
}


static void
begin_unix(clarity_redis_event_t *redis)
{
    struct sockaddr_un address;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, redis->conf.url.path);

    if (!connect_to(redis, (struct sockaddr *) &address, sizeof(address))) {
        fail(redis, strerror(errno));
    }
}


static void
on_addresses(void *data, struct evutil_addrinfo *addresses, const char *reason)
{
    clarity_redis_event_t *redis = data;

    if (redis->connect_by == 0) {
        /* The attempt that it was for is over. */
        if (addresses != NULL) {
            evutil_freeaddrinfo(addresses);
        }

        return;
    }

    redis->addresses = addresses;
    redis->next = addresses;
    try_next(redis, reason);
}


/* The next address that a connection can be tried with; none: the reason. */
static void
try_next(clarity_redis_event_t *redis, const char *reason)
{
    struct evutil_addrinfo *address;

    while (redis->next != NULL) {
        address = redis->next;
        redis->next = address->ai_next;

        if (connect_to(redis, address->ai_addr, address->ai_addrlen)) {
            return;
        }

        reason = strerror(errno);
    }

    fail(redis, reason);
}


/* false: it failed at once, and errno says why. */
static bool
connect_to(clarity_redis_event_t *redis, const struct sockaddr *address,
    socklen_t len)
{
    int fd, one, saved;
    struct bufferevent *bev;

    /* libevent's own socket would be inherited by what a program starts. */
    fd = socket(
        address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return false;
    }

    /* One small write a turn must not wait for the last one's ACK. */
    one = 1;
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }

    bev = bufferevent_socket_new(redis->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        close(fd);
        errno = ENOMEM;
        return false;
    }

    bufferevent_setcb(bev, on_read, NULL, on_event, redis);

    errno = ENOMEM;

    if (evbuffer_add_cb(bufferevent_get_output(bev), on_output, redis) == NULL
        || bufferevent_socket_connect(bev, address, (int) len) == -1)
    {
        saved = errno;
        bufferevent_free(bev);
        errno = saved;
        return false;
    }

    redis->bev = bev;

    return true;
}


static void
on_event(struct bufferevent *bev, short what, void *data)
{
    const char *reason;
    clarity_redis_event_t *redis = data;

    if (what & BEV_EVENT_CONNECTED) {
        if (!clarity_redis_up(redis->session)
            || bufferevent_enable(bev, EV_READ) == -1)
        {
            fail(redis, "out of memory");
            return;
        }

        flush(redis);
        return;
    }

    reason = what & BEV_EVENT_ERROR ? strerror(EVUTIL_SOCKET_ERROR())
                                    : "it closed the connection";

    if (clarity_redis_state(redis->session) == CLARITY_REDIS_CONNECTING) {
        bufferevent_free(bev);
        redis->bev = NULL;
        try_next(redis, reason);
        return;
    }

    fail(redis, reason);
}


static void
on_read(struct bufferevent *bev, void *data)
{
    struct evbuffer *input;
    struct evbuffer_iovec chunk;
    clarity_redis_event_t *redis = data;

    input = bufferevent_get_input(bev);

    while (evbuffer_peek(input, -1, NULL, &chunk, 1) > 0) {
        if (!clarity_redis_feed(redis->session, chunk.iov_base, chunk.iov_len))
        {
            fail(redis, clarity_redis_reason(redis->session));
            return;
        }

        evbuffer_drain(input, chunk.iov_len);
    }

    if (!redis->is_ready
        && clarity_redis_state(redis->session) == CLARITY_REDIS_READY)
    {
        redis->is_ready = true;
        redis->is_lost = false;
        redis->is_refused = false;

        if (redis->conf.ready != NULL) {
            redis->conf.ready(redis->conf.owner);
        }
    }

    /* What was held, and what callbacks gave to the session itself. */
    flush(redis);
}


/*
 * The bytes that a write took leave the session's output only now: those that
 * bev still holds when the connection is lost are known not to have left.
 */
static void
on_output(
    struct evbuffer *output, const struct evbuffer_cb_info *info, void *data)
{
    clarity_redis_event_t *redis = data;

    (void) output;

    if (info->n_deleted != 0) {
        redis->handed -= info->n_deleted;
        clarity_redis_sent(redis->session, info->n_deleted);
    }
}


/*
 * bev writes when the loop finds the socket writable, so all that one turn of
 * the loop hands to it leaves in one write.
 */
static void
flush(clarity_redis_event_t *redis)
{
    size_t handed;
    clarity_str_t output;

    output = clarity_redis_output(redis->session);
    handed = redis->handed;

    /* Without memory it stays for the next time, or the deadline. */
    if (redis->bev != NULL && output.len > handed
        && bufferevent_write(
               redis->bev, output.data + handed, output.len - handed)
               == 0)
    {
        redis->handed = output.len;
    }

    set_timer(redis);
}


/* For the end of the attempt or the oldest command's, whichever is first. */
static void
set_timer(clarity_redis_event_t *redis)
{
    uint64_t at, deadline;

    if (redis->connect_by == 0) {
        return; /* it is for the next attempt */
    }

    at = redis->is_ready ? UINT64_MAX : redis->connect_by;

    if (clarity_redis_deadline(redis->session, &deadline) && deadline < at) {
        at = deadline;
    }

    /* An earlier one is left alone: it finds out. */
    if (at != UINT64_MAX
        && (at < redis->timer_at
            || !event_pending(redis->timer, EV_TIMEOUT, NULL)))
    {
        set_timer_at(redis, at);
    }
}


static void
set_timer_at(clarity_redis_event_t *redis, uint64_t at)
{
    uint64_t time, wait;
    struct timeval tv;

    time = now(NULL);
    wait = at > time ? at - time : 0;

    tv.tv_sec = (time_t) (wait / 1000);
    tv.tv_usec = (suseconds_t) (wait % 1000 * 1000);

    redis->timer_at = at;
    evtimer_add(redis->timer, &tv);
}


/* The attempt or the connection ends here. */
static void
fail(clarity_redis_event_t *redis, const char *reason)
{
    bool refused;
    uint32_t random;

    refused = clarity_redis_state(redis->session) == CLARITY_REDIS_SETUP
              && clarity_redis_reason(redis->session)[0] != '\0';

    redis->connect_by = 0;
    redis->is_ready = false;

    forget_transport(redis);
    clarity_redis_down(redis->session);

    if (!redis->is_lost || (refused && !redis->is_refused)) {
        redis->is_lost = true;
        redis->is_refused = refused;

        if (redis->conf.lost != NULL) {
            redis->conf.lost(redis->conf.owner, reason);
        }
    }

    if (redis->conf.reconnect) {
        evutil_secure_rng_get_bytes(&random, sizeof(random));
        set_timer_at(
            redis, now(NULL) + clarity_redis_backoff(redis->session, random));

    } else {
        evtimer_del(redis->timer);
    }
}


static void
forget_transport(clarity_redis_event_t *redis)
{
    if (redis->bev != NULL) {
        bufferevent_free(redis->bev);
        redis->bev = NULL;
    }

    redis->handed = 0;

    if (redis->addresses != NULL) {
        evutil_freeaddrinfo(redis->addresses);
        redis->addresses = NULL;
        redis->next = NULL;
    }
}
