#include "webhook/outcome.h"

#include <stddef.h>
#include <string.h>

/* Seconds. None of these lasts by itself, and senders back off from there. */
#define RETRY_SOON 1

static const clarity_outcome_info_t outcomes[CLARITY_NOUTCOMES] = {

    [CLARITY_ACCEPTED] = { "accepted", 202, "Accepted",
        "The job is in the queue.", 0 },

    [CLARITY_DUPLICATE] = { "duplicate", 202, "Already accepted",
        "The same request was accepted before; nothing was queued.", 0 },

    [CLARITY_VALID] = { "valid", 200, "Valid",
        "The request passes every check; as asked, nothing was queued.", 0 },

    [CLARITY_WEBHOOK_NOT_FOUND] = { "webhook_not_found", 404,
        "No such webhook",
        "No webhook has this endpoint. Compare the address with the one that "
        "the webhook's settings show.",
        0 },

    [CLARITY_JOB_NOT_FOUND] = { "job_not_found", 404, "No such job",
        "No job of this webhook has this id. It may have finished so long ago "
        "that it is no longer kept.",
        0 },

    [CLARITY_TOKEN_MISSING] = { "token_missing", 401, "Token missing",
        "Send the webhook's token in the token header "
        "(x-clarity-webhook-token, if not configured otherwise).",
        0 },

    [CLARITY_TOKEN_INVALID] = { "token_invalid", 401, "Token not valid",
        "The token is not one of this webhook's. Send its token once, whole, "
        "as its settings show it.",
        0 },

    [CLARITY_METHOD_NOT_ALLOWED] = { "method_not_allowed", 405,
        "Method not allowed",
        "This webhook takes another method: see the Allow header.", 0 },

    [CLARITY_WEBHOOK_DISABLED] = { "webhook_disabled", 410, "Webhook disabled",
        "This webhook is switched off. It can be activated in its settings.",
        0 },

    [CLARITY_MEDIA_TYPE_UNSUPPORTED] = { "media_type_unsupported", 415,
        "Media type not supported",
        "Send the context as JSON: Content-Type: application/json (curl: add "
        "-H 'Content-Type: application/json').",
        0 },

    [CLARITY_JSON_INVALID_BODY] = { "json_invalid", 400, "Not JSON",
        "The context is not JSON by RFC 8259 in UTF-8.", 0 },

    [CLARITY_CONTEXT_TWICE] = { "context_twice", 400, "Context sent twice",
        "Send the context in the query or in the body, not in both.", 0 },

    [CLARITY_CONTEXT_INVALID] = { "context_invalid", 422,
        "Context does not fit the trigger",
        "Send every parameter that the trigger requires, once, in the "
        "displayed order and of its type.",
        0 },

    [CLARITY_IDEMPOTENCY_KEY_REUSED] = { "idempotency_key_reused", 422,
        "Idempotency key used before",
        "This idempotency key came with another context. Repeat a request "
        "unchanged, or give a new one a new key.",
        0 },

    [CLARITY_PAYLOAD_TOO_LARGE] = { "payload_too_large", 413,
        "Payload too large", "The request is larger than this server takes.",
        0 },

    [CLARITY_RATE_LIMITED] = { "rate_limited", 429, "Too many requests",
        "Requests come faster than this server takes them. Wait as long as "
        "Retry-After says, then repeat.",
        RETRY_SOON },

    [CLARITY_BAD_REQUEST] = { "bad_request", 400, "Bad request",
        "The request is not HTTP that this server understands.", 0 },

    [CLARITY_REQUEST_TIMEOUT] = { "request_timeout", 408, "Request timed out",
        "The request did not arrive in time. Repeat it.", 0 },

    [CLARITY_QUEUE_FULL] = { "queue_full", 503, "Queue full",
        "The job was not stored, as the queue is full. Repeat the request "
        "after the time in Retry-After.",
        RETRY_SOON },

    [CLARITY_DURABILITY_UNAVAILABLE] = { "durability_unavailable", 503,
        "Durability not available",
        "The job was not stored, as the queue cannot keep it as safely as is "
        "configured here. Repeat the request after the time in Retry-After.",
        RETRY_SOON },

    [CLARITY_WEBHOOKS_NOT_LOADED] = { "webhooks_not_loaded", 503,
        "Webhooks not loaded yet",
        "The job was not stored, as this server has just started. Repeat the "
        "request after the time in Retry-After.",
        RETRY_SOON },

    [CLARITY_QUEUE_UNAVAILABLE] = { "queue_unavailable", 503,
        "Queue not available",
        "The job was not stored, as the queue cannot take it now. Repeat the "
        "request after the time in Retry-After.",
        RETRY_SOON },

    [CLARITY_QUEUE_TIMEOUT] = { "queue_timeout", 504,
        "No answer from the queue",
        "It is not known whether the job was stored. It is safe to repeat the "
        "request with the same Idempotency-Key; without one it may run twice.",
        RETRY_SOON },

    [CLARITY_INTERNAL] = { "internal", 500, "Internal error",
        "The fault is this server's; its error log says more.", 0 },
};


const clarity_outcome_info_t *
clarity_outcome_info(clarity_outcome_t outcome)
{
    if ((size_t) outcome >= CLARITY_NOUTCOMES) {
        outcome = CLARITY_INTERNAL;
    }

    return &outcomes[outcome];
}


const clarity_outcome_info_t *
clarity_outcome_find(const char *code)
{
    size_t i;

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {
        if (strcmp(outcomes[i].code, code) == 0) {
            return &outcomes[i];
        }
    }

    return NULL;
}
