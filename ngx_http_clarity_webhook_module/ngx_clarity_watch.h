/*
 * What is asked of a Redis beside the requests' own commands, on the same
 * connection: how safely it keeps what it has answered, whether it is still a
 * primary, and how large a value it takes, at connect and within five seconds
 * (every second while the first is too little); and how many jobs are not
 * finished, every second.
 */

#ifndef NGX_CLARITY_WATCH_H
#define NGX_CLARITY_WATCH_H

#include "ngx_clarity_redis.h"

#include "job/key.h"
#include "redis/depth.h"
#include "redis/durability.h"
#include "redis/limits.h"

#define NGX_CLARITY_WATCH_TICK 1000 /* ms */

typedef struct ngx_clarity_watch_s ngx_clarity_watch_t;

/* A command's place in its round. */
typedef struct {
    ngx_clarity_watch_t *watch;
    unsigned             index;
} ngx_clarity_watch_place_t;

struct ngx_clarity_watch_s {
    const ngx_clarity_redis_conf_t *conf;
    clarity_redis_session_t        *session;
    ngx_log_t                      *log;

    ngx_uint_t flying; /* commands that are among the session's pending */
    ngx_uint_t ticks;

    /* For all: what Redis gives, as far as it says; that this is less than
     * is asked for, so that it is to get no jobs; and how many of its jobs are
     * not finished, as of a second ago, 0 until that is known. */
    clarity_durability_class_t gives;
    unsigned                   unmet : 1;
    uint64_t                   depth;

    /* How large a value may be; kept over connections, as a request that is
     * held while one is made is not looked at again. */
    clarity_redis_limits_t limits;

    unsigned             in_setup : 1;
    unsigned             blind : 1; /* a reply of this round says nothing */
    uint32_t             told; /* hash of why it is unmet, as the log has it */
    clarity_durability_t says;
    clarity_depth_t      counts;

    clarity_key_t             stream;
    clarity_key_t             delayed;
    ngx_clarity_watch_place_t durability[CLARITY_DURABILITY_COMMANDS];
    ngx_clarity_watch_place_t limiting[CLARITY_REDIS_LIMITS_COMMANDS];
    ngx_clarity_watch_place_t counting[CLARITY_DEPTH_COMMANDS];
};

/* *watch is zeroed. */
void ngx_clarity_watch_init(ngx_clarity_watch_t *watch,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log);

/*
 * In a session's setup, ahead of what makes it READY: when that comes, both
 * answers are known. NGX_ERROR: no memory.
 */
ngx_int_t ngx_clarity_watch_setup(ngx_clarity_watch_t *watch);

/* The session is READY; and then, each NGX_CLARITY_WATCH_TICK. */
void ngx_clarity_watch_ready(ngx_clarity_watch_t *watch);
void ngx_clarity_watch_tick(ngx_clarity_watch_t *watch);

/* Before the session is told that its connection is lost: nothing that was
 * known of it counts any more. */
void ngx_clarity_watch_lost(ngx_clarity_watch_t *watch);

#endif
