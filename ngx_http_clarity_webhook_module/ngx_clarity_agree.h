/*
 * Whether what is kept below the prefix is of our format and has our number of
 * shards (job/meta.h): the last part of a connection's setup, and looked at
 * again within five seconds, as somebody may empty Redis, or restore what is
 * another's, under a live connection.
 */

#ifndef NGX_CLARITY_AGREE_H
#define NGX_CLARITY_AGREE_H

#include "ngx_clarity_redis.h"

#include "redis/reply_error.h"

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    clarity_redis_session_t        *session;
    ngx_log_t                      *log;
    char                            number[12]; /* the shards' digits */

    /* Why HSETNX failed, where it did: else NULL. */
    const clarity_redis_error_info_t *refused;

    ngx_uint_t flying; /* commands that are among the session's pending */
    ngx_uint_t ticks;
    unsigned   in_setup : 1;
    unsigned   differs : 1; /* of a live connection: it is to get nothing */
    unsigned   told : 1;    /* the log has been told that */
    unsigned   looked : 1;  /* on this connection, and Redis did tell */

    /* Redis is at its maxmemory, and what has to be there is not: as of the
     * last look, also where its connection was refused for that. */
    unsigned   full : 1;

    /* Called when they agree in the setup; else the session is refused. */
    void (*agreed)(void *owner);
    void *owner;
} ngx_clarity_agree_t;

/* owner and agreed are set by its owner, the rest is zero. */
void ngx_clarity_agree_init(ngx_clarity_agree_t *agree,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log);

/* In a session's setup. agree lives as long as the session. */
void ngx_clarity_agree(ngx_clarity_agree_t *agree);

/* In READY, each NGX_CLARITY_WATCH_TICK. */
void ngx_clarity_agree_tick(ngx_clarity_agree_t *agree);

/* The connection is lost: what was known of it does not count. */
void ngx_clarity_agree_lost(ngx_clarity_agree_t *agree);

#endif
