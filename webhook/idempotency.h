/*
 * Idempotency keys: which can be one, and what stands in Redis for a key and
 * for the body that it came with. Both are SHA-256, so a key of any bytes can
 * be part of a name, and nobody reads there what a sender called its request.
 */

#ifndef CLARITY_WEBHOOK_IDEMPOTENCY_H
#define CLARITY_WEBHOOK_IDEMPOTENCY_H

#include "json/str.h"
#include "webhook/digest.h"

#define CLARITY_IDEMPOTENCY_MAX 255 /* bytes of a key */

/* Bytes without a NUL: of a key 256 bits, of a body the first 128. */
#define CLARITY_IDEMPOTENCY_NAME 43
#define CLARITY_IDEMPOTENCY_BODY 22

/* NULL, or why it can be no key: "is empty". */
const char *clarity_idempotency_refused(clarity_str_t key);

/*
 * The name of a webhook's key. Two webhooks have two names for one key. false:
 * the crypto library failed (out of memory).
 */
bool clarity_idempotency_name(clarity_sha256_t *sha256, clarity_str_t webhook,
    clarity_str_t key, char name[CLARITY_IDEMPOTENCY_NAME]);

/* What tells one body from another. false: likewise. */
bool clarity_idempotency_body(clarity_sha256_t *sha256, clarity_str_t body,
    char text[CLARITY_IDEMPOTENCY_BODY]);

#endif
