/*
 * The driver's connection: what it reads is the session's, what the session
 * has is written once in a turn of the loop.
 */

#include "ngx_clarity_redis_driver.h"

#define NGX_CLARITY_REDIS_READ_SIZE 16384

/* reads in one turn of the loop: what sends without end must not keep it from
 * its timers, and other connections */
#define NGX_CLARITY_REDIS_READS 32


static ngx_int_t ngx_clarity_redis_read(
    ngx_clarity_redis_t *redis, ngx_connection_t *c);


void
ngx_clarity_redis_read_handler(ngx_event_t *rev)
{
    ngx_int_t            rc;
    ngx_uint_t           reads;
    ngx_connection_t    *c;
    ngx_clarity_redis_t *redis;

    c = rev->data;
    redis = c->data;

    if (c->close) {
        ngx_clarity_redis_lost(redis, 0, "the worker process shuts down");
        return;
    }

    for (reads = 0; reads < NGX_CLARITY_REDIS_READS; reads++) {
        rc = ngx_clarity_redis_read(redis, c);

        if (rc == NGX_ERROR) {
            return;
        }

        if (rc == NGX_AGAIN || !rev->ready) {
            break;
        }
    }

    if (rev->ready && reads == NGX_CLARITY_REDIS_READS) {
        ngx_post_event(rev, &ngx_posted_next_events);
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_clarity_redis_lost(redis, 0, "the event could not be added");
        return;
    }

    /* what got READY, or callbacks gave */
    ngx_clarity_redis_flush(redis);
}


/* Once. NGX_ERROR: the connection is lost. */

static ngx_int_t
ngx_clarity_redis_read(ngx_clarity_redis_t *redis, ngx_connection_t *c)
{
    ssize_t n;

    /* replies are consumed at once, so all sessions of a process share it */
    static u_char buffer[NGX_CLARITY_REDIS_READ_SIZE];

    n = c->recv(c, buffer, sizeof(buffer));

    if (n == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (n == NGX_ERROR) {
        ngx_clarity_redis_lost(redis, ngx_socket_errno, "recv() failed");
        return NGX_ERROR;
    }

    if (n == 0) {
        ngx_clarity_redis_lost(redis, 0, "it closed the connection");
        return NGX_ERROR;
    }

    if (!clarity_redis_feed(redis->session, (char *) buffer, n)) {
        ngx_clarity_redis_lost(redis, 0,
            clarity_redis_reason(redis->session));
        return NGX_ERROR;
    }

    if (redis->drop) {
        ngx_clarity_redis_lost(redis, 0, redis->drop);
        return NGX_ERROR;
    }

    /* one that cannot more than connect is not back */
    if (clarity_redis_served(redis->session)) {
        ngx_clarity_report_served(&redis->report);
    }

    return NGX_OK;
}


void
ngx_clarity_redis_write_handler(ngx_event_t *wev)
{
    ngx_connection_t *c = wev->data;

    ngx_clarity_redis_flush(c->data);
}


void
ngx_clarity_redis_flush_handler(ngx_event_t *ev)
{
    ngx_clarity_redis_flush(ev->data);
}


void
ngx_clarity_redis_flush(ngx_clarity_redis_t *redis)
{
    ssize_t           n;
    clarity_str_t     out;
    ngx_connection_t *c;

    c = redis->connection;

    if (c == NULL) {
        return;
    }

    ngx_clarity_replicas_flush(&redis->replicas);

    for (;;) {
        out = clarity_redis_output(redis->session);

        if (out.len == 0 || !c->write->ready) {
            break;
        }

        n = c->send(c, (u_char *) out.data, out.len);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_clarity_redis_lost(redis, ngx_socket_errno, "send() failed");
            return;
        }

        clarity_redis_sent(redis->session, n);
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_clarity_redis_lost(redis, 0, "the event could not be added");
        return;
    }

    ngx_clarity_redis_set_timer(redis);
}


void
ngx_clarity_redis_post_flush(ngx_clarity_redis_t *redis)
{
    if (!redis->flush.posted) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }
}
