#include "worker/action_http.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "conf/version.h"
#include "worker/verdict.h"

#define RETRY_AFTER_MAX 1000000 /* seconds */

struct clarity_http_s {
    CURLM *multi;
    struct event_base *base;
    struct event *timer;
    const clarity_network_t *allowed;
    size_t nallowed;
};

struct clarity_transfer_s {
    clarity_http_t *http;
    CURL *easy;
    struct curl_slist *headers;
    clarity_http_call_t call;
    uint64_t timeout;

    clarity_buf_t body;
    bool too_large;

    /* Of the address tried last, and why the guard let none be tried. */
    bool tried;
    char address[CLARITY_ADDRESS_MAX];
    const char *refused;

    char tls_error[CURL_ERROR_SIZE];

    void (*done)(void *data, const clarity_attempt_t *attempt);
    void *data;
};

static bool set_options(
    clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf);
static bool set_method(clarity_transfer_t *transfer, clarity_str_t method);
static bool set_headers(
    clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf);
static bool add_named(
    clarity_transfer_t *transfer, const char *name, const char *value);
static bool add_header(clarity_transfer_t *transfer, const char *line);
static void free_transfer(clarity_transfer_t *transfer);
static int on_socket(
    CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data);
static int on_timer(CURLM *multi, long ms, void *data);
static void on_ready(evutil_socket_t fd, short events, void *data);
static void on_timeout(evutil_socket_t fd, short events, void *data);
static curl_socket_t on_open(
    void *data, curlsocktype purpose, struct curl_sockaddr *address);
static size_t on_body(char *bytes, size_t size, size_t n, void *data);
static void end_transfers(clarity_http_t *http);
static void end_transfer(clarity_transfer_t *transfer, CURLcode code);


clarity_http_t *
clarity_http_create(
    struct event_base *base, const clarity_network_t *allowed, size_t nallowed)
{
    clarity_http_t *http;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NULL;
    }

    http = calloc(1, sizeof(clarity_http_t));

    if (http == NULL) {
        curl_global_cleanup();
        return NULL;
    }

    http->base = base;
    http->allowed = allowed;
    http->nallowed = nallowed;
    http->multi = curl_multi_init();
    http->timer = evtimer_new(base, on_timeout, http);

    if (http->multi == NULL || http->timer == NULL
        || curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket)
        || curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http)
        || curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer)
        || curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http))
    {
        clarity_http_free(http);
        return NULL;
    }

    return http;
}


void
clarity_http_free(clarity_http_t *http)
{
    if (http == NULL) {
        return;
    }

    curl_multi_cleanup(http->multi);

    if (http->timer != NULL) {
        event_free(http->timer);
    }

    free(http);
    curl_global_cleanup();
}


clarity_transfer_t *
clarity_http_start(clarity_http_t *http, const clarity_transfer_conf_t *conf)
{
    clarity_transfer_t *transfer;

    transfer = calloc(1, sizeof(clarity_transfer_t));

    if (transfer == NULL) {
        return NULL;
    }

    transfer->http = http;
    transfer->timeout = conf->timeout;
    transfer->done = conf->done;
    transfer->data = conf->data;

    transfer->call = *conf->call;
    memset(conf->call, 0, sizeof(*conf->call));

    transfer->easy = curl_easy_init();

    if (transfer->easy == NULL || !set_options(transfer, conf)
        || curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
    {
        free_transfer(transfer);
        return NULL;
    }

    return transfer;
}


void
clarity_http_cancel(clarity_transfer_t *transfer)
{
    curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    free_transfer(transfer);
}


static bool
set_options(clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf)
{
    CURL *easy;
    long ms;

    easy = transfer->easy;
    ms = (long) transfer->timeout;

    clarity_buf_add(&transfer->call.url, (clarity_str_t){ "", 1 });

    if (transfer->call.url.failed) {
        return false;
    }

    /*
     * A proxy of the environment would connect in our place, and a redirect
     * could lead where the workflow's author never meant to call. QUICK_EXIT:
     * a name that takes too long is given up, not waited for, which would
     * hold the whole loop.
     */

    return curl_easy_setopt(easy, CURLOPT_URL, transfer->call.url.data) == 0
           && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == 0
           && curl_easy_setopt(easy, CURLOPT_PROXY, "") == 0
           && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == 0
           && curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms) == 0
           && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == 0
           && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == 0
           && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->tls_error)
                  == 0
           && curl_easy_setopt(
                  easy, CURLOPT_USERAGENT, "clarity-worker/" CLARITY_VERSION)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == 0
           && curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == 0
           && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == 0
           && curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == 0
           && curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == 0
           && set_method(transfer, conf->method)
           && set_headers(transfer, conf);
}


static bool
set_method(clarity_transfer_t *transfer, clarity_str_t method)
{
    CURL *easy;
    char name[32];
    clarity_http_call_t *call;

    easy = transfer->easy;
    call = &transfer->call;

    snprintf(name, sizeof(name), "%.*s", clarity_fmt(method));

    if (clarity_str_is(method, "HEAD")) {
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == 0;
    }

    /* RFC 9110 8.6: these say that they have no body, others need not. */

    if (call->has_body || clarity_str_is(method, "POST")
        || clarity_str_is(method, "PUT") || clarity_str_is(method, "PATCH"))
    {
        if (curl_easy_setopt(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) call->body.len)
            || curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                call->body.data != NULL ? call->body.data : ""))
        {
            return false;
        }
    }

    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, name) == 0;
}


static bool
set_headers(clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf)
{
    size_t i;
    const char *line;

    line = transfer->call.headers.data;

    for (i = 0; i < transfer->call.nheaders; i++) {
        if (!add_header(transfer, line)) {
            return false;
        }

        line += strlen(line) + 1;
    }

    /*
     * A name without a value: libcurl's own header is left out. It would call
     * an empty body a form, and wait for a 100 Continue, which few send,
     * before a body beyond 1 MB.
     */

    return add_header(transfer, "Content-Type:")
           && add_header(transfer, "Expect:")
           && add_named(transfer, "Idempotency-Key", conf->idempotency_key)
           && (conf->traceparent == NULL
               || add_named(transfer, "traceparent", conf->traceparent))
           && curl_easy_setopt(
                  transfer->easy, CURLOPT_HTTPHEADER, transfer->headers)
                  == 0;
}


static bool
add_named(clarity_transfer_t *transfer, const char *name, const char *value)
{
    char line[512];

    snprintf(line, sizeof(line), "%s: %s", name, value);

    return add_header(transfer, line);
}


static bool
add_header(clarity_transfer_t *transfer, const char *line)
{
    struct curl_slist *headers;

    headers = curl_slist_append(transfer->headers, line);

    if (headers == NULL) {
        return false;
    }

    transfer->headers = headers;

    return true;
}


static void
free_transfer(clarity_transfer_t *transfer)
{
    struct curl_slist *header;

    /* One of them may be a secret. */
    for (header = transfer->headers; header != NULL; header = header->next) {
        explicit_bzero(header->data, strlen(header->data));
    }

    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    clarity_http_call_free(&transfer->call);
    clarity_buf_free(&transfer->body);
    free(transfer);
}


static int
on_socket(
    CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    short events;
    clarity_http_t *http = data;
    struct event *event = socket_data;

    (void) easy;

    if (event != NULL) {
        event_free(event);
        curl_multi_assign(http->multi, fd, NULL);
    }

    if (what == CURL_POLL_REMOVE) {
        return 0;
    }

    events = (short) (EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0)
                      | (what & CURL_POLL_OUT ? EV_WRITE : 0));

    event = event_new(http->base, fd, events, on_ready, http);

    if (event == NULL) {
        return -1;
    }

    if (event_add(event, NULL) != 0) {
        event_free(event);
        return -1;
    }

    curl_multi_assign(http->multi, fd, event);

    return 0;
}


static int
on_timer(CURLM *multi, long ms, void *data)
{
    struct timeval tv;
    clarity_http_t *http = data;

    (void) multi;

    if (ms < 0) {
        evtimer_del(http->timer);
        return 0;
    }

    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;

    return evtimer_add(http->timer, &tv);
}


static void
on_ready(evutil_socket_t fd, short events, void *data)
{
    int running;
    clarity_http_t *http = data;

    curl_multi_socket_action(http->multi, fd,
        (events & EV_READ ? CURL_CSELECT_IN : 0)
            | (events & EV_WRITE ? CURL_CSELECT_OUT : 0),
        &running);

    end_transfers(http);
}


static void
on_timeout(evutil_socket_t fd, short events, void *data)
{
    int running;
    clarity_http_t *http = data;

    (void) fd;
    (void) events;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);

    end_transfers(http);
}


/*
 * The guard stands here and not at the name: this is the address that is
 * really connected to, whatever a resolver answered before.
 */

static curl_socket_t
on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    const char *kind;
    clarity_http_t *http;
    clarity_transfer_t *transfer = data;

    http = transfer->http;

    if (purpose != CURLSOCKTYPE_IPCXN) {
        return CURL_SOCKET_BAD;
    }

    kind =
        clarity_address_refused(&address->addr, http->allowed, http->nallowed);

    if (kind != NULL) {
        if (!transfer->tried) {
            transfer->refused = kind;
            clarity_address_show(&address->addr, false, transfer->address);
        }

        return CURL_SOCKET_BAD;
    }

    transfer->tried = true;
    clarity_address_show(&address->addr, true, transfer->address);

    return socket(
        address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}


static size_t
on_body(char *bytes, size_t size, size_t n, void *data)
{
    clarity_transfer_t *transfer = data;

    n *= size;

    if (n > CLARITY_ANSWER_MAX - transfer->body.len) {
        transfer->too_large = true;
        return 0;
    }

    clarity_buf_add(&transfer->body, (clarity_str_t){ bytes, n });

    return transfer->body.failed ? 0 : n;
}


static void
end_transfers(clarity_http_t *http)
{
    int left;
    CURLMsg *message;
    CURLcode code;
    clarity_transfer_t *transfer;

    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }

        code = message->data.result;

        curl_easy_getinfo(
            message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);

        end_transfer(transfer, code);
    }
}


static void
end_transfer(clarity_transfer_t *transfer, CURLcode code)
{
    long status, error;
    curl_off_t seconds;
    clarity_attempt_t attempt = { 0 };
    clarity_failure_t failure = { 0 };

    status = error = 0;

    if (code == CURLE_OK) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        attempt.body = clarity_buf_str(&transfer->body);
        clarity_verdict_of_answer((unsigned) status, &attempt);

        /* RFC 9110 10.2.3: seconds or a date, which libcurl counts from now. */
        if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds)
                == CURLE_OK
            && seconds > 0)
        {
            attempt.retry_after =
                (uint64_t) (seconds < RETRY_AFTER_MAX ? seconds
                                                      : RETRY_AFTER_MAX)
                * 1000;
        }

    } else {
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);

        failure.code = code;
        failure.error = (int) error;
        failure.url = transfer->call.url.data;
        failure.timeout = transfer->timeout;
        failure.too_large = transfer->too_large;
        failure.tried = transfer->tried;
        failure.address = transfer->address;
        failure.refused = transfer->refused;
        failure.tls_error = transfer->tls_error;

        clarity_verdict_of_failure(&failure, &attempt);
    }

    curl_multi_remove_handle(transfer->http->multi, transfer->easy);

    transfer->done(transfer->data, &attempt);

    free_transfer(transfer);
}
