/*
 * One attempt, one address: the next attempt has the next one.
 */

#include "ngx_clarity_peer.h"

#include <ngx_event_connect.h>


static ngx_int_t ngx_clarity_peer_get(ngx_peer_connection_t *pc, void *data);
static void ngx_clarity_peer_handler(ngx_event_t *ev);
static void ngx_clarity_peer_is_connected(ngx_clarity_peer_t *peer);
static void ngx_clarity_peer_failed(
    ngx_clarity_peer_t *peer, ngx_err_t err, const char *reason);


void
ngx_clarity_peer_init(ngx_clarity_peer_t *peer)
{
    peer->quiet = *peer->log;
    peer->quiet.next = NULL;

    if (peer->quiet.log_level < NGX_LOG_DEBUG) {
        peer->quiet.log_level = ngx_min(peer->quiet.log_level,
            NGX_LOG_ALERT);
    }
}


void
ngx_clarity_peer_connect(ngx_clarity_peer_t *peer)
{
    ngx_int_t             rc;
    ngx_addr_t           *addr;
    ngx_connection_t     *c;
    ngx_peer_connection_t pc;

    addr = &peer->conf->addrs[peer->address];
    peer->address = (peer->address + 1) % peer->conf->naddrs;

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = addr->sockaddr;
    pc.socklen = addr->socklen;
    pc.name = &addr->name;
    pc.get = ngx_clarity_peer_get;
    pc.log = &peer->quiet;
    pc.log_error = NGX_ERROR_ERR;

    ngx_set_errno(0);

    rc = ngx_event_connect_peer(&pc);

    peer->connection = pc.connection;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_clarity_peer_failed(peer, ngx_socket_errno, "connect() failed");
        return;
    }

    c = pc.connection;
    c->data = peer;
    c->read->handler = ngx_clarity_peer_handler;
    c->write->handler = ngx_clarity_peer_handler;

    if (rc == NGX_OK) {
        ngx_clarity_peer_is_connected(peer);
    }
}


void
ngx_clarity_peer_stop(ngx_clarity_peer_t *peer)
{
    if (peer->connection) {
        ngx_close_connection(peer->connection);
        peer->connection = NULL;
    }
}


static ngx_int_t
ngx_clarity_peer_get(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


static void
ngx_clarity_peer_handler(ngx_event_t *ev)
{
    int                 err;
    socklen_t           len;
    ngx_connection_t   *c;
    ngx_clarity_peer_t *peer;

    c = ev->data;
    peer = c->data;

    if (c->close) {
        ngx_clarity_peer_failed(peer, 0, "the worker process shuts down");
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_clarity_peer_failed(peer, err, "connect() failed");
        return;
    }

    if (c->write->ready) {
        ngx_clarity_peer_is_connected(peer);
    }
}


static void
ngx_clarity_peer_is_connected(ngx_clarity_peer_t *peer)
{
    ngx_connection_t *c;

    c = peer->connection;

    c->log = peer->log;
    c->read->log = peer->log;
    c->write->log = peer->log;

    /* one small write per turn must not wait for the last one's ACK */
    if (ngx_tcp_nodelay(c) != NGX_OK) {
        ngx_clarity_peer_failed(peer, 0, "TCP_NODELAY could not be set");
        return;
    }

    peer->connection = NULL;
    peer->connected(peer->owner, c);
}


static void
ngx_clarity_peer_failed(
    ngx_clarity_peer_t *peer, ngx_err_t err, const char *reason)
{
    ngx_clarity_peer_stop(peer);
    peer->failed(peer->owner, err, reason);
}
