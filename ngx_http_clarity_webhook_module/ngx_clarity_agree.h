/*
 * The last part of a connection's setup: whether what is kept below the prefix
 * is of our format and has our number of shards (job/meta.h).
 */

#ifndef NGX_CLARITY_AGREE_H
#define NGX_CLARITY_AGREE_H

#include "ngx_clarity_redis.h"

#include "redis/reply_error.h"

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    clarity_redis_session_t        *session;
    char                            number[12]; /* the shards' digits */

    /* Why HSETNX failed, where it did: else NULL. */
    const clarity_redis_error_info_t *refused;

    /* Called when they agree; else the session is refused. */
    void (*agreed)(void *owner);
    void *owner;
} ngx_clarity_agree_t;

/* owner and agreed are set by its owner, the rest is zero. */
void ngx_clarity_agree_init(ngx_clarity_agree_t *agree,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session);

/* In a session's setup. agree lives as long as the session. */
void ngx_clarity_agree(ngx_clarity_agree_t *agree);

#endif
