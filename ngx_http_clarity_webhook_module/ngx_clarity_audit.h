/*
 * Is a Redis fit to keep jobs? Asked at each connect, and told to the error
 * log as warnings: nginx serves in spite of them.
 */

#ifndef NGX_CLARITY_AUDIT_H
#define NGX_CLARITY_AUDIT_H

#include "ngx_clarity_redis.h"

#include "redis/audit.h"

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    clarity_redis_session_t        *session;
    ngx_log_t                      *log;

    redisReply *info; /* INFO's reply, until CONFIG GET is answered */

    uint32_t told[CLARITY_REDIS_AUDIT_MAX]; /* hashes, 0: none */
} ngx_clarity_audit_t;

/* *audit is zeroed. */
void ngx_clarity_audit_init(ngx_clarity_audit_t *audit,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log);

/* In a session's setup. NGX_ERROR: no memory. */
ngx_int_t ngx_clarity_audit_setup(ngx_clarity_audit_t *audit);

#endif
