#include "worker/listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TIMEOUT     10   /* s that a request may take */
#define HEADERS_MAX 8192 /* bytes */
#define PAUSE       1    /* s without accept(), where descriptors are few */

struct clarity_listener_s {
    clarity_listener_conf_t conf;
    struct evhttp *http;
    struct evconnlistener *socket; /* of http */
    struct event *resume;
};

/* A process has one at most; libevent tells its error callback of none. */
static clarity_listener_t *the_listener;

static bool listen_on(clarity_listener_t *listener);
static struct bufferevent *on_accept(struct event_base *base, void *data);
static void on_accept_error(struct evconnlistener *socket, void *data);
static void on_resume(evutil_socket_t fd, short events, void *data);
static void pause_accept(clarity_listener_t *listener);

static void on_metrics(struct evhttp_request *request, void *data);
static void on_healthz(struct evhttp_request *request, void *data);
static void on_readyz(struct evhttp_request *request, void *data);
static void on_other(struct evhttp_request *request, void *data);
static void answer_status(struct evhttp_request *request, const char *reason);
static void answer(struct evhttp_request *request, int status,
    const char *type, const clarity_buf_t *body);


clarity_listener_t *
clarity_listener_create(
    const clarity_listener_conf_t *conf, clarity_error_t *error)
{
    clarity_listener_t *listener;

    listener = calloc(1, sizeof(clarity_listener_t));

    if (listener == NULL) {
        clarity_error(error, "out of memory");
        return NULL;
    }

    listener->conf = *conf;
    listener->http = evhttp_new(conf->base);
    listener->resume = evtimer_new(conf->base, on_resume, listener);

    if (listener->http == NULL || listener->resume == NULL) {
        clarity_error(error, "out of memory");
        clarity_listener_free(listener);
        return NULL;
    }

    evhttp_set_allowed_methods(
        listener->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(listener->http, HEADERS_MAX);
    evhttp_set_max_body_size(listener->http, HEADERS_MAX);
    evhttp_set_timeout(listener->http, TIMEOUT);
    evhttp_set_gencb(listener->http, on_other, listener);

    errno = 0;

    if (evhttp_set_cb(listener->http, "/metrics", on_metrics, listener) != 0
        || evhttp_set_cb(listener->http, "/healthz", on_healthz, listener) != 0
        || evhttp_set_cb(listener->http, "/readyz", on_readyz, listener) != 0
        || !listen_on(listener))
    {
        clarity_error(error, "\"listen\": %.200s, port %u: %s", conf->host,
            conf->port, errno != 0 ? strerror(errno) : "out of memory");
        clarity_listener_free(listener);
        return NULL;
    }

    return listener;
}


void
clarity_listener_free(clarity_listener_t *listener)
{
    if (listener == NULL) {
        return;
    }

    if (listener == the_listener) {
        the_listener = NULL;
    }

    if (listener->http != NULL) {
        evhttp_free(listener->http);
    }

    if (listener->resume != NULL) {
        event_free(listener->resume);
    }

    free(listener);
}


static bool
listen_on(clarity_listener_t *listener)
{
    struct evhttp_bound_socket *bound;

    bound = evhttp_bind_socket_with_handle(listener->http, listener->conf.host,
        (ev_uint16_t) listener->conf.port);

    if (bound == NULL) {
        return false;
    }

    listener->socket = evhttp_bound_socket_get_listener(bound);
    the_listener = listener;
    evconnlistener_set_error_cb(listener->socket, on_accept_error);
    evhttp_set_bevcb(listener->http, on_accept, listener);

    return true;
}


/*
 * Whoever can connect here could otherwise take all descriptors, and the calls
 * of jobs would fail for want of them: the last quarter is theirs. libevent
 * 2.1 knows no limit of connections; the lowest free descriptor tells.
 */
static struct bufferevent *
on_accept(struct event_base *base, void *data)
{
    int fd;
    struct rlimit limit;
    clarity_listener_t *listener = data;

    fd = fcntl(evconnlistener_get_fd(listener->socket), F_DUPFD_CLOEXEC, 0);

    if (fd == -1
        || (getrlimit(RLIMIT_NOFILE, &limit) == 0
            && (rlim_t) fd >= limit.rlim_cur / 4 * 3))
    {
        pause_accept(listener);
    }

    if (fd != -1) {
        close(fd);
    }

    return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}


/* Out of descriptors or memory: without a pause it would come at once again. */
static void
on_accept_error(struct evconnlistener *socket, void *data)
{
    (void) data; /* evhttp's */

    if (the_listener != NULL && the_listener->socket == socket) {
        pause_accept(the_listener);
    }
}


static void
pause_accept(clarity_listener_t *listener)
{
    struct timeval pause = { PAUSE, 0 };

    evconnlistener_disable(listener->socket);
    evtimer_add(listener->resume, &pause);
}


static void
on_resume(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    evconnlistener_enable(((clarity_listener_t *) data)->socket);
}


static void
on_metrics(struct evhttp_request *request, void *data)
{
    clarity_buf_t body = { 0 };
    clarity_gauges_t gauges;
    const clarity_listener_conf_t *conf;

    conf = &((clarity_listener_t *) data)->conf;

    conf->gauges(conf->owner, &gauges);
    clarity_metrics_write(conf->metrics, conf->nmetrics, &gauges, &body);
    answer(
        request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &body);
    clarity_buf_free(&body);
}


static void
on_healthz(struct evhttp_request *request, void *data)
{
    const clarity_listener_conf_t *conf;

    conf = &((clarity_listener_t *) data)->conf;

    answer_status(request, conf->health(conf->owner));
}


static void
on_readyz(struct evhttp_request *request, void *data)
{
    const clarity_listener_conf_t *conf;

    conf = &((clarity_listener_t *) data)->conf;

    answer_status(request, conf->readiness(conf->owner));
}


static void
on_other(struct evhttp_request *request, void *data)
{
    clarity_buf_t body = { 0 };

    (void) data;

    clarity_buf_addz(
        &body, "There are /metrics, /healthz and /readyz here.\n");
    answer(request, HTTP_NOTFOUND, "text/plain; charset=utf-8", &body);
    clarity_buf_free(&body);
}


static void
answer_status(struct evhttp_request *request, const char *reason)
{
    clarity_buf_t body = { 0 };

    if (reason == NULL) {
        clarity_buf_addz(&body, "{\"status\":\"ok\"}\n");

    } else {
        clarity_buf_addz(&body, "{\"status\":\"failing\",\"reason\":");
        clarity_buf_add_json(&body, clarity_str(reason));
        clarity_buf_addz(&body, "}\n");
    }

    answer(request, reason == NULL ? HTTP_OK : HTTP_SERVUNAVAIL,
        "application/json", &body);
    clarity_buf_free(&body);
}


/* To HEAD libevent would send the body too, which the client takes for the
 * head of the next answer. */
static void
answer(struct evhttp_request *request, int status, const char *type,
    const clarity_buf_t *body)
{
    bool is_head;
    char length[24];
    struct evbuffer *buffer;
    struct evkeyvalq *headers;

    buffer = evbuffer_new();
    headers = evhttp_request_get_output_headers(request);
    is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    snprintf(length, sizeof(length), "%zu", body->len);

    if (buffer == NULL || body->failed
        || (!is_head && evbuffer_add(buffer, body->data, body->len) != 0)
        || evhttp_add_header(headers, "Content-Type", type) != 0
        || evhttp_add_header(headers, "Content-Length", length) != 0)
    {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);

    } else {
        evhttp_send_reply(request, status, NULL, buffer);
    }

    if (buffer != NULL) {
        evbuffer_free(buffer);
    }
}
