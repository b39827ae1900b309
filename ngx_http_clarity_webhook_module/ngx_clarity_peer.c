/*
 * One attempt, one address: the next attempt has the next one.
 *
 *   connect -> (ask -> answer ->) try -> connected | failed
 */

#include "ngx_clarity_peer.h"

#include <ngx_event_connect.h>


static void ngx_clarity_peer_ask(ngx_clarity_peer_t *peer);
static void ngx_clarity_peer_answer(ngx_resolver_ctx_t *question);
static ngx_int_t ngx_clarity_peer_adopt(
    ngx_clarity_peer_t *peer, ngx_resolver_addr_t *found, ngx_uint_t n);
static ngx_int_t ngx_clarity_peer_knows(
    ngx_clarity_peer_t *peer, ngx_resolver_addr_t *found);
static void ngx_clarity_peer_no_answer(
    ngx_clarity_peer_t *peer, const char *why);
static void ngx_clarity_peer_try(ngx_clarity_peer_t *peer);
static ngx_int_t ngx_clarity_peer_get(ngx_peer_connection_t *pc, void *data);
static void ngx_clarity_peer_handler(ngx_event_t *ev);
static void ngx_clarity_peer_is_connected(ngx_clarity_peer_t *peer);
static void ngx_clarity_peer_failed(
    ngx_clarity_peer_t *peer, ngx_err_t err, const char *reason);


void
ngx_clarity_peer_init(ngx_clarity_peer_t *peer,
    const ngx_clarity_redis_conf_t *conf, ngx_log_t *log)
{
    peer->conf = conf;
    peer->log = log;
    peer->addrs = conf->addrs;
    peer->naddrs = conf->naddrs;

    peer->quiet = *log;
    peer->quiet.next = NULL;

    if (peer->quiet.log_level < NGX_LOG_DEBUG) {
        peer->quiet.log_level = ngx_min(peer->quiet.log_level,
            NGX_LOG_ALERT);
    }
}


void
ngx_clarity_peer_free(ngx_clarity_peer_t *peer)
{
    ngx_clarity_peer_stop(peer);

    if (peer->own) {
        ngx_free(peer->addrs);
    }
}


void
ngx_clarity_peer_connect(ngx_clarity_peer_t *peer)
{
    ngx_uint_t again;

    again = peer->again;
    peer->again = 1;

    if (again && peer->conf->host.len) {
        ngx_clarity_peer_ask(peer);

    } else {
        ngx_clarity_peer_try(peer);
    }
}


static void
ngx_clarity_peer_ask(ngx_clarity_peer_t *peer)
{
    ngx_resolver_ctx_t *question;

    question = ngx_resolve_start(peer->conf->resolver, NULL);

    if (question == NULL || question == NGX_NO_RESOLVER) {
        ngx_clarity_peer_no_answer(peer, "out of memory");
        ngx_clarity_peer_try(peer);
        return;
    }

    question->name = peer->conf->host;
    question->handler = ngx_clarity_peer_answer;
    question->data = peer;
    question->cancelable = 1;

    /* time is to be left for the last known ones */
    question->timeout = ngx_min(peer->conf->resolver_timeout,
        peer->conf->connect_timeout / 2);

    peer->question = question;

    if (ngx_resolve_name(question) != NGX_OK) {
        /* it is freed */
        peer->question = NULL;
        ngx_clarity_peer_no_answer(peer, "it could not be asked for");
        ngx_clarity_peer_try(peer);
    }
}


/* Called before ngx_resolve_name() returns where nginx has a fresh answer. */

static void
ngx_clarity_peer_answer(ngx_resolver_ctx_t *question)
{
    ngx_clarity_peer_t *peer = question->data;

    if (question->state) {
        ngx_clarity_peer_no_answer(peer,
            ngx_resolver_strerror(question->state));

    } else if (ngx_clarity_peer_adopt(peer, question->addrs,
                   question->naddrs)
        != NGX_OK)
    {
        ngx_clarity_peer_no_answer(peer, "out of memory");

    } else {
        peer->told = 0;
    }

    peer->question = NULL;
    ngx_resolve_name_done(question);

    ngx_clarity_peer_try(peer);
}


/*
 * The same addresses as before come in another order each time: the old order
 * stays then, so that they are tried in turn.
 */

static ngx_int_t
ngx_clarity_peer_adopt(
    ngx_clarity_peer_t *peer, ngx_resolver_addr_t *found, ngx_uint_t n)
{
    u_char          *p;
    ngx_uint_t       i;
    ngx_addr_t      *addrs;
    struct sockaddr *sockaddr;

    for (i = 0; i < n; i++) {
        if (ngx_clarity_peer_knows(peer, &found[i]) != NGX_OK) {
            break;
        }
    }

    if (i == n && n == peer->naddrs) {
        return NGX_OK;
    }

    addrs = ngx_alloc(n * (sizeof(ngx_addr_t) + sizeof(ngx_sockaddr_t)
                              + NGX_SOCKADDR_STRLEN),
        peer->log);
    if (addrs == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) (addrs + n);

    for (i = 0; i < n; i++) {
        sockaddr = (struct sockaddr *) p;
        p += sizeof(ngx_sockaddr_t);

        ngx_memcpy(sockaddr, found[i].sockaddr, found[i].socklen);
        ngx_inet_set_port(sockaddr, (in_port_t) peer->conf->url.port);

        addrs[i].sockaddr = sockaddr;
        addrs[i].socklen = found[i].socklen;
    }

    for (i = 0; i < n; i++) {
        addrs[i].name.data = p;
        addrs[i].name.len = ngx_sock_ntop(addrs[i].sockaddr,
            addrs[i].socklen, p, NGX_SOCKADDR_STRLEN, 1);
        p += NGX_SOCKADDR_STRLEN;
    }

    if (peer->own) {
        ngx_free(peer->addrs);
    }

    peer->addrs = addrs;
    peer->naddrs = n;
    peer->next = 0;
    peer->own = 1;

    return NGX_OK;
}


/* Their ports differ: DNS has none. */

static ngx_int_t
ngx_clarity_peer_knows(ngx_clarity_peer_t *peer, ngx_resolver_addr_t *found)
{
    ngx_uint_t i;

    for (i = 0; i < peer->naddrs; i++) {
        if (ngx_cmp_sockaddr(peer->addrs[i].sockaddr, peer->addrs[i].socklen,
                found->sockaddr, found->socklen, 0)
            == NGX_OK)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static void
ngx_clarity_peer_no_answer(ngx_clarity_peer_t *peer, const char *why)
{
    if (peer->told) {
        return;
    }

    peer->told = 1;

    ngx_log_error(NGX_LOG_ERR, peer->log, 0,
        "the name of Redis %V could not be resolved (%s); its last known "
        "addresses are tried", &peer->conf->label, why);
}


static void
ngx_clarity_peer_try(ngx_clarity_peer_t *peer)
{
    ngx_int_t             rc;
    ngx_addr_t           *addr;
    ngx_connection_t     *c;
    ngx_peer_connection_t pc;

    addr = &peer->addrs[peer->next];
    peer->next = (peer->next + 1) % peer->naddrs;

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
    if (peer->question) {
        ngx_resolve_name_done(peer->question);
        peer->question = NULL;
    }

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

    /* its log stays the quiet one: nginx would tell each loss, and so do we */

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
