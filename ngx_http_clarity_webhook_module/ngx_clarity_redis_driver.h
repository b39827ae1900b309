/*
 * The driver's own: what its files share, see ngx_clarity_redis.c.
 */

#ifndef NGX_CLARITY_REDIS_DRIVER_H
#define NGX_CLARITY_REDIS_DRIVER_H

#include "ngx_clarity_agree.h"
#include "ngx_clarity_audit.h"
#include "ngx_clarity_peer.h"
#include "ngx_clarity_replicas.h"
#include "ngx_clarity_report.h"
#include "ngx_clarity_watch.h"

struct ngx_clarity_redis_s {
    const ngx_clarity_redis_conf_t *conf;
    ngx_clarity_redis_listener_t    listener; /* NULLs: nobody listens */
    clarity_redis_session_t        *session;
    ngx_clarity_peer_t              peer;
    ngx_clarity_agree_t             agree;
    ngx_clarity_audit_t             audit;
    ngx_clarity_watch_t             watch;
    ngx_clarity_replicas_t          replicas;
    ngx_clarity_report_t            report;
    ngx_connection_t               *connection; /* NULL: none yet, or none */

    /*
     * The connection's end of time, or the next attempt. Cancelable, so that
     * it does not keep a process from exiting, unless a request waits.
     */
    ngx_event_t timer;
    ngx_event_t tick;  /* of watch and report, while READY */
    ngx_event_t flush; /* posted: once per turn of the loop */

    unsigned    connecting : 1; /* an attempt is under way, until READY */
    ngx_msec_t  began;   /* when the last attempt did */
    ngx_msec_t  renewed; /* when a lost connection was last made at once */

    const char *drop; /* why to drop the connection; NULL: keep it */
};

/* Of its connection and its posted flush: ngx_clarity_redis_io.c. */
void ngx_clarity_redis_read_handler(ngx_event_t *rev);
void ngx_clarity_redis_write_handler(ngx_event_t *wev);
void ngx_clarity_redis_flush_handler(ngx_event_t *ev);

/* Writes what the session has, as far as the socket takes it; at the end of
 * this turn of the loop. */
void ngx_clarity_redis_flush(ngx_clarity_redis_t *redis);
void ngx_clarity_redis_post_flush(ngx_clarity_redis_t *redis);

void ngx_clarity_redis_set_timer(ngx_clarity_redis_t *redis);

/* The connection, or the attempt, is over. reason is static text, or the
 * session's. owner is the ngx_clarity_redis_t. */
void ngx_clarity_redis_lost(void *owner, ngx_err_t err, const char *reason);

#endif
