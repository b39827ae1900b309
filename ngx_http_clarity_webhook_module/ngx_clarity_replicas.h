/*
 * WAIT: that replicas have what was written, for many writes at once.
 *
 * WAIT blocks its connection and counts its last write, so one is in flight
 * at a time, and it is for all writes that were given before it:
 *
 *   XADD XADD WAIT | XADD XADD XADD ...   (these run when WAIT has ended)
 *                  +-- its reply: those of the first two are answered, and the
 *                      next WAIT goes out
 *
 * Replies come in order: who waits when WAIT is answered wrote before it.
 */

#ifndef NGX_CLARITY_REPLICAS_H
#define NGX_CLARITY_REPLICAS_H

#include "ngx_clarity_redis.h"

#include "redis/pending.h"

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    clarity_redis_session_t        *session;

    clarity_redis_ring_t written; /* who waits: their writes are answered */
    ngx_uint_t           unwaited; /* writes since the last WAIT was given */
    unsigned             waiting : 1; /* one is in flight */
    char                 number[12];
    char                 timeout[24];
} ngx_clarity_replicas_t;

/* *replicas is zeroed. */
void ngx_clarity_replicas_init(ngx_clarity_replicas_t *replicas,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session);

/* A write was given to the session. */
void ngx_clarity_replicas_wrote(ngx_clarity_replicas_t *replicas);

/* Gives a WAIT, if it is time for one: before the session's bytes are sent. */
void ngx_clarity_replicas_flush(ngx_clarity_replicas_t *replicas);

/*
 * From the callback of a write's reply: the callback is called with the reply
 * of the WAIT that follows that write, an integer; or UNKNOWN where none
 * comes. NGX_ERROR: no memory.
 */
ngx_int_t ngx_clarity_replicas_wait(ngx_clarity_replicas_t *replicas,
    clarity_redis_reply_pt callback, void *data);

/* After the session was told that its connection is lost. */
void ngx_clarity_replicas_lost(ngx_clarity_replicas_t *replicas);

#endif
