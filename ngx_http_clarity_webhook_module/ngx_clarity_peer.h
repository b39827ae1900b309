/*
 * From the name or the addresses of a server to a connection, without
 * blocking.
 *
 * With nginx's resolver a name is asked for again before each attempt but the
 * first, and where it has no answer the last known addresses are tried.
 */

#ifndef NGX_CLARITY_PEER_H
#define NGX_CLARITY_PEER_H

#include "ngx_clarity_redis.h"

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    ngx_log_t                      *log;

    void *owner;

    /* It is the owner's, and so are its events. */
    void (*connected)(void *owner, ngx_connection_t *c);

    /* reason is static text; err 0: it says all. */
    void (*failed)(void *owner, ngx_err_t err, const char *reason);

    ngx_log_t         quiet; /* of connections: their end is told once */
    ngx_addr_t       *addrs; /* the last known: those of conf, or own memory */
    ngx_uint_t        naddrs;
    ngx_uint_t        next;  /* index of the next attempt's */
    ngx_connection_t *connection; /* under way; NULL: none */

    ngx_resolver_ctx_t *question; /* under way; NULL: none */
    unsigned            own : 1;  /* addrs are to be freed */
    unsigned            again : 1; /* there was an attempt */
    unsigned            told : 1; /* that the name has no answer */
} ngx_clarity_peer_t;

/* owner and the callbacks are set by its owner, the rest is zero. */
void ngx_clarity_peer_init(ngx_clarity_peer_t *peer,
    const ngx_clarity_redis_conf_t *conf, ngx_log_t *log);
void ngx_clarity_peer_free(ngx_clarity_peer_t *peer);

/*
 * Tries the next address. Calls `connected` or `failed` once, perhaps before
 * it returns, unless ngx_clarity_peer_stop() comes first.
 */
void ngx_clarity_peer_connect(ngx_clarity_peer_t *peer);
void ngx_clarity_peer_stop(ngx_clarity_peer_t *peer);

#endif
