/*
 * The addresses of a host, on libevent's loop.
 */

#ifndef CLARITY_REDIS_RESOLVE_H
#define CLARITY_REDIS_RESOLVE_H

#include <event2/util.h>

struct event_base;

typedef struct clarity_redis_resolve_s clarity_redis_resolve_t;

/*
 * addresses are of stream sockets and have the port, at least one; the callee
 * frees them by evutil_freeaddrinfo(). NULL: none, for that reason.
 */
typedef void (*clarity_redis_resolve_pt)(
    void *data, struct evutil_addrinfo *addresses, const char *reason);

/* NULL: out of memory. host must live as long. */
clarity_redis_resolve_t *clarity_redis_resolve_create(struct event_base *base,
    const char *host, unsigned port, clarity_redis_resolve_pt callback,
    void *data);

/* No callback comes any more. NULL is fine. Not from the callback. */
void clarity_redis_resolve_free(clarity_redis_resolve_t *resolve);

/*
 * Asks, and answers by the callback: at once for an address or a name from
 * /etc/hosts. If a question is still open its answer is this one's.
 */
void clarity_redis_resolve_start(clarity_redis_resolve_t *resolve);

#endif
