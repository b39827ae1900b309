#include "worker/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/action_http.h"

#define HOST_MAX 128

/* One that is not to be named, as a secret is in it. */
#define HOST    "the host"
#define OF_HOST "of the host"

static void not_connected(
    const clarity_failure_t *failure, clarity_attempt_t *attempt);
static void timed_out(
    const clarity_failure_t *failure, clarity_attempt_t *attempt);
static void write_failed(
    const clarity_failure_t *failure, clarity_attempt_t *attempt);
static void decide(clarity_attempt_t *attempt,
    clarity_attempt_verdict_t verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void show_host(const clarity_failure_t *failure, char host[HOST_MAX]);


void
clarity_verdict_of_answer(unsigned status, clarity_attempt_t *attempt)
{
    attempt->status = status;

    if (status >= 200 && status < 300) {
        attempt->verdict = CLARITY_ATTEMPT_SUCCEEDED;
        return;
    }

    decide(attempt,
        status == 408 || status == 425 || status == 429
                || (status >= 500 && status < 600)
            ? CLARITY_ATTEMPT_RETRY
            : CLARITY_ATTEMPT_FAILED,
        "answered %u%s", status,
        status >= 300 && status < 400 ? "; redirects are not followed" : "");
}


void
clarity_verdict_of_failure(
    const clarity_failure_t *failure, clarity_attempt_t *attempt)
{
    char host[HOST_MAX];

    show_host(failure, host);

    switch (failure->code) {
    case CURLE_COULDNT_CONNECT: not_connected(failure, attempt); break;
    case CURLE_OPERATION_TIMEDOUT: timed_out(failure, attempt); break;
    case CURLE_WRITE_ERROR: write_failed(failure, attempt); break;

    case CURLE_COULDNT_RESOLVE_HOST:
        decide(attempt, CLARITY_ATTEMPT_RETRY,
            "the name %s cannot be resolved",
            failure->secret_host ? OF_HOST : host);
        break;

    /* libcurl was kept from asking again: see on_request(). */
    case CURLE_GOT_NOTHING:
    case CURLE_ABORTED_BY_CALLBACK:
        decide(attempt, CLARITY_ATTEMPT_RETRY,
            "%s closed the connection without an answer", host);
        break;

    case CURLE_URL_MALFORMAT:
        decide(attempt, CLARITY_ATTEMPT_FAILED, "the url is none");
        break;

    /* Of the answer: that the url is one of HTTP was checked at load. */
    case CURLE_UNSUPPORTED_PROTOCOL:
        decide(attempt, CLARITY_ATTEMPT_RETRY, "what %s answers is not HTTP",
            host);
        break;

    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        decide(attempt, CLARITY_ATTEMPT_RETRY, "TLS with %s failed: %s", host,
            failure->tls_error[0] != '\0' && !failure->secret_host
                ? failure->tls_error
                : curl_easy_strerror(failure->code));
        break;

    default:
        decide(attempt, CLARITY_ATTEMPT_RETRY, "the call to %s failed: %s",
            host, curl_easy_strerror(failure->code));
    }
}


static void
not_connected(const clarity_failure_t *failure, clarity_attempt_t *attempt)
{
    const char *address;

    address = failure->secret_host ? HOST : failure->address;

    if (!failure->tried && failure->refused != NULL) {
        decide(attempt, CLARITY_ATTEMPT_FAILED,
            "the address %s is %s; add it to allow_addresses if it may be "
            "called",
            failure->secret_host ? OF_HOST : address, failure->refused);

    } else if (failure->error == ECONNREFUSED) {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "connection refused by %s",
            address);

    } else {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "no connection to %s: %s",
            address,
            failure->error != 0 ? strerror(failure->error) : "no answer");
    }
}


static void
timed_out(const clarity_failure_t *failure, clarity_attempt_t *attempt)
{
    if (failure->timeout % 1000 == 0) {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "timed out after %" PRIu64 "s",
            failure->timeout / 1000);
        return;
    }

    decide(attempt, CLARITY_ATTEMPT_RETRY, "timed out after %" PRIu64 "ms",
        failure->timeout);
}


static void
write_failed(const clarity_failure_t *failure, clarity_attempt_t *attempt)
{
    if (failure->too_large) {
        decide(attempt, CLARITY_ATTEMPT_FAILED,
            "answered with more than the %zu bytes that are read",
            CLARITY_ANSWER_MAX);
        return;
    }

    decide(attempt, CLARITY_ATTEMPT_RETRY, "out of memory");
}


static void
decide(clarity_attempt_t *attempt, clarity_attempt_verdict_t verdict,
    const char *format, ...)
{
    va_list args;

    attempt->verdict = verdict;

    va_start(args, format);
    vsnprintf(attempt->reason, sizeof(attempt->reason), format, args);
    va_end(args);
}


static void
show_host(const clarity_failure_t *failure, char host[HOST_MAX])
{
    char *part;
    CURLU *parts;

    snprintf(host, HOST_MAX, HOST);

    parts = failure->secret_host ? NULL : curl_url();
    if (parts == NULL) {
        return;
    }

    if (curl_url_set(parts, CURLUPART_URL, failure->url, 0) == 0
        && curl_url_get(parts, CURLUPART_HOST, &part, 0) == 0)
    {
        snprintf(host, HOST_MAX, "%s", part);
        curl_free(part);
    }

    curl_url_cleanup(parts);
}
