/* The inside of http_request's client: for action_http.c and http_request.c
 * alone. */

#ifndef CLARITY_WORKER_ACTION_HTTP_PART_H
#define CLARITY_WORKER_ACTION_HTTP_PART_H

#include <curl/curl.h>

#include "worker/action_http.h"
#include "worker/http_socket.h"

typedef struct clarity_transfer_s clarity_transfer_t;

struct clarity_http_s {
    clarity_http_conf_t conf;
    CURLM *multi;
    clarity_http_sockets_t sockets;
    struct event *timer;
    TAILQ_HEAD(clarity_broken, clarity_transfer_s) broken;
};

struct clarity_transfer_s {
    clarity_work_t work; /* first */
    clarity_http_t *http;
    CURL *easy;
    struct curl_slist *headers;
    clarity_http_call_t call;
    uint64_t timeout;

    /* Its turn came, but it could not begin: out of memory. */
    bool is_broken;
    TAILQ_ENTRY(clarity_transfer_s) broken;

    clarity_buf_t body;
    bool too_large;

    bool asked; /* the request has left, or was about to */

    /* Of the address tried last, and why the guard let none be tried. */
    bool tried;
    char address[CLARITY_ADDRESS_MAX];
    const char *refused;

    char tls_error[CURL_ERROR_SIZE];

    void (*done)(void *data, const clarity_attempt_t *attempt);
    void *data;
};

/* http_request.c: tells libcurl all about the call. false: out of memory. */
bool clarity_transfer_prepare(
    clarity_transfer_t *transfer, const clarity_transfer_conf_t *conf);

#endif
