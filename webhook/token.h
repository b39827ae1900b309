/*
 * Tokens on the request path: only their SHA-256 digests are kept and
 * compared, each with all, in constant time.
 */

#ifndef CLARITY_WEBHOOK_TOKEN_H
#define CLARITY_WEBHOOK_TOKEN_H

#include "json/error.h"
#include "json/str.h"
#include "webhook/digest.h"

#define CLARITY_TOKEN_DIGEST CLARITY_SHA256 /* bytes */

typedef struct {
    unsigned char bytes[CLARITY_TOKEN_DIGEST];
} clarity_token_digest_t;

/* false: the crypto library failed (out of memory); *digest is zeroed. */
bool clarity_token_digest(clarity_sha256_t *sha256, clarity_str_t token,
    clarity_token_digest_t *digest);

/* Always looks at all n; which one matched does not show in the time. */
bool clarity_token_matches(const clarity_token_digest_t *given,
    const clarity_token_digest_t *valid, size_t n);

/*
 * NULL if a token of that text can be sent and is worth having, else why not
 * ("is empty"), without the token: empty, white space or control bytes in it, not ASCII,
 * longer than CLARITY_TOKEN_MAX.
 */
const char *clarity_token_refused(clarity_str_t token);

#define CLARITY_TOKEN_MAX 1024 /* bytes */

/*
 * A token file's next token: one a line, CR LF or LF, blank lines skipped.
 * Moves *rest past it and counts lines in *line. false: no more.
 */
bool clarity_token_next_line(
    clarity_str_t *rest, unsigned *line, clarity_str_t *token);

#endif
