#include "worker/listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT     10   /* s that a request may take */
#define HEADERS_MAX 8192 /* bytes */

struct clarity_listener_s {
    clarity_listener_conf_t conf;
    struct evhttp *http;
};

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

    if (listener->http == NULL) {
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
        || evhttp_bind_socket(
               listener->http, conf->host, (ev_uint16_t) conf->port)
               != 0)
    {
        clarity_error(error, "cannot listen on %.200s, port %u: %s",
            conf->host, conf->port,
            errno != 0 ? strerror(errno) : "out of memory");
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

    if (listener->http != NULL) {
        evhttp_free(listener->http);
    }

    free(listener);
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


static void
answer(struct evhttp_request *request, int status, const char *type,
    const clarity_buf_t *body)
{
    struct evbuffer *buffer;

    buffer = evbuffer_new();

    if (buffer == NULL || body->failed
        || evbuffer_add(buffer, body->data, body->len) != 0
        || evhttp_add_header(evhttp_request_get_output_headers(request),
               "Content-Type", type)
               != 0)
    {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);

    } else {
        evhttp_send_reply(request, status, NULL, buffer);
    }

    if (buffer != NULL) {
        evbuffer_free(buffer);
    }
}
