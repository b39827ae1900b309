/*
 * A Redis session on nginx's event loop: one connection per worker process
 * and per distinct configuration, shared by all its requests.
 *
 * It connects when the process starts and again whenever the connection is
 * lost; all commands of one turn of the loop leave in one write. It lives
 * until the process ends.
 */

#ifndef NGX_CLARITY_REDIS_H
#define NGX_CLARITY_REDIS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "redis/durability.h"
#include "redis/session.h"
#include "redis/url.h"

typedef struct {
    clarity_redis_url_t url;      /* the password file's password included */
    ngx_str_t           name;     /* for logs: no user, no password */
    ngx_str_t           label;    /* likewise; with what tells it from others
                                     that have the name too */
    ngx_addr_t         *addrs;    /* of configuration time; tried in turn */
    ngx_uint_t          naddrs;
    ngx_str_t           host;     /* a name that is asked for again; empty:
                                     an address, or there is no resolver */
    ngx_resolver_t     *resolver;
    ngx_msec_t          resolver_timeout;
    ngx_str_t           prefix;   /* of every key; NUL-terminated */
    ngx_uint_t          shards;
    ngx_msec_t          connect_timeout; /* until READY */
    ngx_msec_t          timeout;         /* of a command */
    ngx_uint_t          max_pending;
    clarity_durability_wanted_t durability;
    ngx_msec_t          wait_timeout; /* of WAIT; 0: durability needs none */

    unsigned watched : 1; /* takes jobs: see ngx_clarity_watch.h */
    unsigned audited : 1; /* by one process: see ngx_clarity_audit.h */
} ngx_clarity_redis_conf_t;

typedef struct ngx_clarity_redis_s ngx_clarity_redis_t;

/* What a command is for: Redis may refuse the one and take the other, and
 * what is read for the settings may be long. */
typedef enum {
    NGX_CLARITY_REDIS_JOBS,
    NGX_CLARITY_REDIS_SETTINGS,
    NGX_CLARITY_REDIS_USES /* how many there are */
} ngx_clarity_redis_use_t;

/* Somebody who wants to know more of a connection than replies. */
typedef struct {
    void *owner;

    /* Commands go out from now on; it is called after each reconnect too. */
    void (*ready)(void *owner);

    /* A message that answers no command: of a subscription. */
    void (*push)(void *owner, const redisReply *message);
} ngx_clarity_redis_listener_t;

/*
 * Starts to connect. conf must live as long as the process; listener may be
 * NULL. NULL: no memory.
 */
ngx_clarity_redis_t *ngx_clarity_redis_create(
    const ngx_clarity_redis_conf_t *conf,
    const ngx_clarity_redis_listener_t *listener, ngx_cycle_t *cycle);

/* Writes at once what was given, as far as the socket takes it: for a process
 * that ends. */
void ngx_clarity_redis_write_now(ngx_clarity_redis_t *redis);

/* Owed callbacks are called first. At the end of the process only. */
void ngx_clarity_redis_destroy(ngx_clarity_redis_t *redis);

/*
 * As clarity_redis_command(), and CLARITY_REDIS_TOO_LARGE, with a line in the
 * log, where Redis would not take an argument. Where durability is of replicas it may be waited
 * for by ngx_clarity_redis_wait().
 */
clarity_redis_given_t ngx_clarity_redis_command(ngx_clarity_redis_t *redis,
    ngx_clarity_redis_use_t use, size_t argc, const clarity_str_t *argv,
    clarity_redis_reply_pt callback, void *data);

/* Commands that wait for a reply, and whether commands go out. */
void ngx_clarity_redis_state(const ngx_clarity_redis_t *redis,
    ngx_uint_t *pending, ngx_uint_t *ready);

/* What is known of a watched one: see ngx_clarity_watch.h. */
const struct ngx_clarity_watch_s *ngx_clarity_redis_watch(
    const ngx_clarity_redis_t *redis);

/*
 * From a command's callback: calls back when it is known how many replicas
 * have what the command wrote, see ngx_clarity_replicas.h.
 */
ngx_int_t ngx_clarity_redis_wait(ngx_clarity_redis_t *redis,
    clarity_redis_reply_pt callback, void *data);

/*
 * From a callback: what the server said of a command. An error is logged when
 * it differs from the last one, and its end when none has come for seconds:
 * at its maxmemory Redis refuses one and takes the next. An error that another
 * connection may be spared (READONLY, LOADING, …) drops the connection after
 * the callback.
 */
void ngx_clarity_redis_answered(ngx_clarity_redis_t *redis,
    ngx_clarity_redis_use_t use, const redisReply *reply);

/* A request meets a clarity_queue_limit that is reached: for the log. */
void ngx_clarity_redis_full(ngx_clarity_redis_t *redis, uint64_t limit);

/*
 * From a callback: the reply is none that its command can have. As replies
 * match commands by order, those that come after it are not to be trusted
 * either: drops the connection, and what waits is not known. reason is static.
 */
void ngx_clarity_redis_distrust(
    ngx_clarity_redis_t *redis, const char *reason);

#endif
