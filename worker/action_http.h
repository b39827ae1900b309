/*
 * The action http_request: libcurl's multi interface on libevent's loop.
 */

#ifndef CLARITY_WORKER_ACTION_HTTP_H
#define CLARITY_WORKER_ACTION_HTTP_H

#include "conf/network.h"
#include "worker/action.h"
#include "workflow/workflow.h"

struct event_base;

typedef struct clarity_http_s clarity_http_t;

#define CLARITY_ANSWER_MAX ((size_t) 1 << 20) /* bytes of a body */

typedef struct {
    struct event_base *base;

    /* Addresses that are not public are called only if they lie in one of
     * these networks, which must outlive the client. */
    const clarity_network_t *allowed;
    size_t nallowed;

    clarity_hosts_t *hosts; /* whose turn it is; outlives the client */
    size_t most;            /* connections that are kept */

    /* PEM of authorities, in the place of the system's; NULL: those. */
    const char *ca_file;
} clarity_http_conf_t;

/* NULL: out of memory. */
clarity_http_t *clarity_http_create(const clarity_http_conf_t *conf);

/* No transfer may be left. NULL is fine. */
void clarity_http_free(clarity_http_t *http);

typedef struct {
    clarity_str_t method;
    clarity_http_call_t *call; /* taken over: emptied */
    uint64_t timeout;          /* ms, from when it begins */
    const char *idempotency_key;
    const char *traceparent;

    void (*done)(void *data, const clarity_attempt_t *attempt);
    void *data;
} clarity_transfer_conf_t;

/*
 * Starts a call, or puts it in line for its host; done() comes once, not
 * before this has returned, and ends the work. NULL: out of memory, and
 * nothing was started.
 */
clarity_work_t *clarity_http_start(
    clarity_http_t *http, const clarity_transfer_conf_t *conf);

#endif
