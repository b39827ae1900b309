/*
 * What an http_request came to: whether another attempt may do better, and
 * the reason for people, which names hosts and addresses but nothing else of
 * a url: that may hold a value of the context, or a secret.
 */

#ifndef CLARITY_WORKER_VERDICT_H
#define CLARITY_WORKER_VERDICT_H

#include <stdint.h>

#include <curl/curl.h>

#include "worker/action.h"

/* Sets the attempt's status too. */
void clarity_verdict_of_answer(unsigned status, clarity_attempt_t *attempt);

typedef struct {
    CURLcode code;
    int error; /* errno of the last connect(); 0: not known */
    const char *url;
    bool
        secret_host; /* a secret is in it: neither it nor its address is told */
    uint64_t timeout;      /* ms, that the call had */
    bool too_large;        /* we stopped it: the answer was */
    bool tried;            /* an address was let through, and tried */
    const char *address;   /* the last one that was tried, or refused */
    const char *refused;   /* what the refused one is, or NULL */
    const char *tls_error; /* "": none */
} clarity_failure_t;

void clarity_verdict_of_failure(
    const clarity_failure_t *failure, clarity_attempt_t *attempt);

#endif
