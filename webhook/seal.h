/*
 * Tokens at rest: AES-256-GCM, so that who can read Redis has no token, and
 * who can write there cannot make one, nor move one to another webhook.
 *
 *   v1.<key id>.<base64url of nonce (12 bytes), text, tag (16 bytes)>
 *
 * The additional data is "<webhook id> <token id>". The nonce is random:
 * enough for 2^32 tokens a key (NIST SP 800-38D, section 8.3).
 */

#ifndef CLARITY_WEBHOOK_SEAL_H
#define CLARITY_WEBHOOK_SEAL_H

#include "json/error.h"
#include "json/str.h"

#define CLARITY_SEAL_KEYS_MAX   32
#define CLARITY_SEAL_KEY_ID_MAX 32  /* bytes */
#define CLARITY_SEAL_TEXT_MAX   128 /* bytes of a token that is sealed */
#define CLARITY_SEALED_MAX      244 /* characters of the longest result */

/* The keys of a key file; the first one seals, all of them open. */
typedef struct clarity_seal_keys_s clarity_seal_keys_t;

/*
 * A key file: lines "ID:KEY", the id 1 to 32 of [A-Za-z0-9_-], the key 32
 * bytes in base64 (RFC 4648, section 4). Blank lines and those that start
 * with # are passed over. NULL and *error ("FILE:LINE: what, what was
 * expected", never a part of a key): another line, the same id twice, no key,
 * too many. The text stays the caller's to wipe.
 */
clarity_seal_keys_t *clarity_seal_keys_parse(
    clarity_str_t text, const char *file, clarity_error_t *error);

/* Wipes them. */
void clarity_seal_keys_free(clarity_seal_keys_t *keys);

typedef enum {
    CLARITY_SEAL_OK,
    CLARITY_SEAL_MALFORMED,   /* not of the form above */
    CLARITY_SEAL_UNKNOWN_KEY, /* its key is not in the file */
    CLARITY_SEAL_FORGED,      /* changed, or bound to other ids */
    CLARITY_SEAL_FAILED       /* the crypto library: out of memory */
} clarity_seal_status_t;

/* For messages: "is not of the form …"; "" for CLARITY_SEAL_OK. */
const char *clarity_seal_status_text(clarity_seal_status_t status);

/* The sealed token with a NUL. Only OK, FAILED; MALFORMED: empty or longer
 * than CLARITY_SEAL_TEXT_MAX. */
clarity_seal_status_t clarity_seal(const clarity_seal_keys_t *keys,
    clarity_str_t token, clarity_str_t webhook_id, clarity_str_t token_id,
    char sealed[CLARITY_SEALED_MAX + 1]);

/*
 * *len bytes of token and a NUL, the caller's to wipe; nothing of it is left
 * in token unless the result is OK.
 */
clarity_seal_status_t clarity_unseal(const clarity_seal_keys_t *keys,
    clarity_str_t sealed, clarity_str_t webhook_id, clarity_str_t token_id,
    char token[CLARITY_SEAL_TEXT_MAX + 1], size_t *len);

/* The key's id in a sealed text, for messages; empty: malformed. */
clarity_str_t clarity_sealed_key_id(clarity_str_t sealed);

#endif
