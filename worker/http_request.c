#include <stdio.h>
#include <string.h>

#include "conf/version.h"
#include "worker/action_http_part.h"

static bool set_rules(clarity_transfer_t *transfer);
static bool set_method(clarity_transfer_t *transfer, clarity_str_t method);
static bool set_headers(
    clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf);
static bool add_named(
    clarity_transfer_t *transfer, const char *name, const char *value);
static bool add_header(clarity_transfer_t *transfer, const char *line);
static curl_socket_t on_open(
    void *data, curlsocktype purpose, struct curl_sockaddr *address);
static int on_close(void *data, curl_socket_t fd);
static int on_request(
    void *data, char *to, char *from, int to_port, int from_port);
static size_t on_body(char *bytes, size_t size, size_t n, void *data);


bool
clarity_transfer_prepare(
    clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf)
{
    CURL *easy;
    long ms;

    easy = transfer->easy;
    ms = (long) transfer->timeout;

    clarity_buf_add(&transfer->call.url, (clarity_str_t){ "", 1 });

    if (transfer->call.url.failed) {
        return false;
    }

    return curl_easy_setopt(easy, CURLOPT_URL, transfer->call.url.data) == 0
           && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms) == 0
           && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms) == 0
           && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->tls_error)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == 0
           && curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == 0
           && curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->http)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request) == 0
           && curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == 0
           && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == 0
           && curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == 0
           && curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == 0
           && set_rules(transfer) && set_method(transfer, conf->method)
           && set_headers(transfer, conf);
}


/*
 * A proxy of the environment would connect in our place, and a redirect could
 * lead where the workflow's author never meant to call. QUICK_EXIT: a name
 * that takes too long is given up, not waited for, which would hold the whole
 * loop. HTTP/2 is what a server of TLS may choose (ALPN).
 */
static bool
set_rules(clarity_transfer_t *transfer)
{
    CURL *easy;
    const char *ca_file;

    easy = transfer->easy;
    ca_file = transfer->http->conf.ca_file;

    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == 0
           && curl_easy_setopt(easy, CURLOPT_PROXY, "") == 0
           && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == 0
           && curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == 0
           && curl_easy_setopt(
                  easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == 0
           && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == 0
           && (ca_file == NULL
               || (curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == 0
                   && curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == 0))
           && curl_easy_setopt(
                  easy, CURLOPT_USERAGENT, "clarity-worker/" CLARITY_VERSION)
                  == 0;
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
           && add_named(transfer, "traceparent", conf->traceparent)
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

    kind = clarity_address_refused(
        &address->addr, http->conf.allowed, http->conf.nallowed);

    if (kind != NULL) {
        if (!transfer->tried) {
            transfer->refused = kind;
            clarity_address_show(&address->addr, false, transfer->address);
        }

        return CURL_SOCKET_BAD;
    }

    transfer->tried = true;
    clarity_address_show(&address->addr, true, transfer->address);

    return clarity_http_socket_open(&http->sockets, address->family,
        address->socktype, address->protocol, &address->addr,
        address->addrlen);
}


/* Its transfer may be gone for long. */
static int
on_close(void *data, curl_socket_t fd)
{
    clarity_http_t *http = data;

    return clarity_http_socket_close(&http->sockets, fd);
}


/*
 * Where a connection that was kept is closed before an answer, libcurl sends
 * the request once more by itself. But the endpoint may have had it: that is
 * an attempt, which the workflow's rules are for, and which is written down
 * before it is made.
 *
 * Over TLS it takes a kept connection that the server ended long ago for a live
 * one, as the server's last words are there to be read. What is sent on such a
 * one reaches nobody, and is no attempt: the first call after every pause would
 * else fail.
 */

static int
on_request(void *data, char *to, char *from, int to_port, int from_port)
{
    bool is_kept;
    clarity_transfer_t *transfer = data;

    (void) from;

    if (transfer->asked) {
        return CURL_PREREQFUNC_ABORT;
    }

    is_kept = !transfer->tried;
    transfer->asked = !is_kept
                      || !clarity_http_socket_is_over(
                          &transfer->http->sockets, to, to_port, from_port);

    return CURL_PREREQFUNC_OK;
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
