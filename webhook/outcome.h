/*
 * Every outcome of a request to a webhook: its code, status and title. The
 * one table that replies, variables, metrics and documents go by.
 */

#ifndef CLARITY_WEBHOOK_OUTCOME_H
#define CLARITY_WEBHOOK_OUTCOME_H

typedef enum {
    CLARITY_ACCEPTED,
    CLARITY_DUPLICATE,
    CLARITY_VALID,
    CLARITY_WEBHOOK_NOT_FOUND,
    CLARITY_JOB_NOT_FOUND,
    CLARITY_TOKEN_MISSING,
    CLARITY_TOKEN_INVALID,
    CLARITY_METHOD_NOT_ALLOWED,
    CLARITY_WEBHOOK_DISABLED,
    CLARITY_MEDIA_TYPE_UNSUPPORTED,
    CLARITY_JSON_INVALID_BODY,
    CLARITY_CONTEXT_TWICE,
    CLARITY_CONTEXT_INVALID,
    CLARITY_IDEMPOTENCY_KEY_REUSED,
    CLARITY_PAYLOAD_TOO_LARGE,
    CLARITY_RATE_LIMITED,
    CLARITY_BAD_REQUEST,
    CLARITY_REQUEST_TIMEOUT,
    CLARITY_QUEUE_FULL,
    CLARITY_DURABILITY_UNAVAILABLE,
    CLARITY_WEBHOOKS_NOT_LOADED,
    CLARITY_QUEUE_UNAVAILABLE,
    CLARITY_QUEUE_TIMEOUT,
    CLARITY_INTERNAL,
    CLARITY_NOUTCOMES
} clarity_outcome_t;

typedef struct {
    const char *code;     /* `code` of the answer, $clarity_outcome */
    unsigned status;      /* HTTP */
    const char *title;    /* RFC 9457 `title` */
    const char *detail;   /* the default `detail` */
    unsigned retry_after; /* seconds for Retry-After; 0: no such header */
} clarity_outcome_info_t;

/* Never NULL; the strings are static. */
const clarity_outcome_info_t *clarity_outcome_info(clarity_outcome_t outcome);

/* By its code; NULL: there is none. */
const clarity_outcome_info_t *clarity_outcome_find(const char *code);

#endif
