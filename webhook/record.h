/*
 * The record of a webhook that is made at run time, as it stands in Redis:
 *
 *   {"id":"wh_…","method":"POST","endpoint":"custom-provision-entitlement",
 *    "trigger":"provision_entitlement","active":true,"order":"strict",
 *    "unknown":"reject","idempotency":null,"status":202,"created_at":ms,
 *    "updated_at":ms,
 *    "tokens":[{"id":"tk_…","sealed":"v1.…","created_at":ms,
 *               "expires_at":null}],
 *    "revision":7}
 *
 * Times are ms since 1970. The revision is that of all webhooks after the
 * last change of this one; it is unknown until Redis has made that change, so
 * the script that makes it adds the member: see job/webhook_script.h.
 *
 * A clarity_webhook_t owns all its bytes and points nowhere: it is copied by
 * assignment and needs not be freed.
 */

#ifndef CLARITY_WEBHOOK_RECORD_H
#define CLARITY_WEBHOOK_RECORD_H

#include <stdint.h>

#include "json/duration.h"
#include "webhook/context.h"
#include "webhook/endpoint.h"
#include "webhook/faults.h"
#include "webhook/mint.h"
#include "webhook/seal.h"

#define CLARITY_METHOD_MAX     6 /* bytes: "DELETE" */
#define CLARITY_WEBHOOK_TOKENS 4 /* of one webhook */

typedef struct {
    char id[CLARITY_TOKEN_ID_LEN + 1];
    char sealed[CLARITY_SEALED_MAX + 1];
    uint64_t created_at;
    uint64_t expires_at; /* 0: never */
} clarity_webhook_token_t;

/* Texts are NUL-terminated and hold no other NUL. */
typedef struct {
    char id[CLARITY_WEBHOOK_ID_LEN + 1];
    char method[CLARITY_METHOD_MAX + 1];
    char endpoint[CLARITY_ENDPOINT_MAX + 1];
    char trigger[CLARITY_MAX_NAME + 1];
    bool active;
    clarity_context_rules_t rules;
    char idempotency[CLARITY_DURATION_MAX + 1]; /* a duration or "off";
                                                   empty: the location's */
    unsigned status; /* of an accepted request: 200, 201, 202 */
    uint64_t created_at;
    uint64_t updated_at;
    uint64_t revision;
    clarity_webhook_token_t tokens[CLARITY_WEBHOOK_TOKENS]; /* newest first */
    size_t ntokens; /* 1 and more in Redis */
} clarity_webhook_t;

/*
 * From Redis. Strict, but for members that are not known: a newer writer's,
 * they are passed over. false and *error ("record:LINE: what, what was
 * expected"); the record is then as it was. Whether its trigger is one of
 * triggers.json is not asked: it may come with the next reload.
 */
bool clarity_webhook_read(
    clarity_str_t text, clarity_webhook_t *webhook, clarity_error_t *error);

/* Appends the object without "revision". */
void clarity_webhook_write(
    clarity_buf_t *buf, const clarity_webhook_t *webhook);

/* Are all settings, which a body can change, the same? */
bool clarity_webhook_same(
    const clarity_webhook_t *a, const clarity_webhook_t *b);

/* ms that an idempotency key is kept; 0: off; `inherited`: the location's. */
uint64_t clarity_webhook_idempotency(
    const clarity_webhook_t *webhook, uint64_t inherited);

/*
 * The body of a POST or a PATCH of the API, read with
 * CLARITY_JSON_UNIQUE_NAMES. A new webhook needs "method", "endpoint" and
 * "trigger", may have "active", "order", "unknown", "idempotency" and
 * "status", and is left without id, tokens and times; a patch has any of
 * them. false: every fault has been added, and the webhook is as it was.
 */
bool clarity_webhook_create(clarity_webhook_t *webhook,
    const clarity_json_t *body, const clarity_triggers_t *triggers,
    clarity_faults_t *faults);
bool clarity_webhook_patch(clarity_webhook_t *webhook,
    const clarity_json_t *body, const clarity_triggers_t *triggers,
    clarity_faults_t *faults);

#endif
