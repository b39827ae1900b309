/*
 * A session on libevent's loop, for the worker and clarityctl: connects,
 * reconnects, times out, resolves names without blocking. The program is to
 * ignore SIGPIPE.
 */

#ifndef CLARITY_REDIS_EVENT_H
#define CLARITY_REDIS_EVENT_H

#include "redis/session.h"
#include "redis/url.h"

struct event_base;

typedef struct clarity_redis_event_s clarity_redis_event_t;

typedef struct {
    clarity_redis_url_t url;
    const char *name;         /* CLIENT SETNAME */
    uint64_t connect_timeout; /* ms, setup included */
    uint64_t timeout;         /* ms, a command's default */
    bool reconnect;           /* false: the first loss is final */
    bool primary;             /* as in clarity_redis_conf_t */

    void *owner;

    /* Optional, as in clarity_redis_conf_t. */
    void (*setup)(void *owner, clarity_redis_session_t *session);
    void (*push)(void *owner, const redisReply *message);

    /*
     * Optional: READY was reached; the connection is lost, or an attempt
     * failed, and why. Both once per change of state, not per attempt; that a
     * server is there again and refuses us is one.
     */
    void (*ready)(void *owner);
    void (*lost)(void *owner, const char *reason);
} clarity_redis_event_conf_t;

/*
 * Starts to connect; commands are held from now on. No callback comes before
 * the loop runs. The strings of conf must outlive it, but those of the url.
 * NULL: out of memory.
 */
clarity_redis_event_t *clarity_redis_event_create(
    struct event_base *base, const clarity_redis_event_conf_t *conf);

/*
 * Calls what callbacks are owed, closes, frees. Not from a callback. NULL is
 * fine.
 */
void clarity_redis_event_free(clarity_redis_event_t *redis);

clarity_redis_session_t *clarity_redis_event_session(
    clarity_redis_event_t *redis);

/* As clarity_redis_command(); its bytes leave in one write a loop turn. */
clarity_redis_given_t clarity_redis_event_command(clarity_redis_event_t *redis,
    size_t argc, const clarity_str_t *argv, uint64_t timeout,
    clarity_redis_reply_pt callback, void *data);

/* What was given leaves now, as far as the kernel takes it: for who keeps the
 * loop from turning. */
void clarity_redis_event_push(clarity_redis_event_t *redis);

#endif
