#include "webhook/idempotency.h"

#include <stdio.h>

#include "webhook/base64.h"

#define HALF (CLARITY_SHA256 / 2)


const char *
clarity_idempotency_refused(clarity_str_t key)
{
    size_t i;
    unsigned char c;

    if (key.len == 0) {
        return "is empty";
    }

    if (key.len > CLARITY_IDEMPOTENCY_MAX) {
        return "is longer than 255 bytes";
    }

    for (i = 0; i < key.len; i++) {
        c = (unsigned char) key.data[i];

        if (c < 0x20 || c == 0x7f) {
            return "holds a control byte";
        }
    }

    return NULL;
}


/* A length first, so that no two pairs are the same bytes. */
bool
clarity_idempotency_name(clarity_sha256_t *sha256, clarity_str_t webhook,
    clarity_str_t key, char name[CLARITY_IDEMPOTENCY_NAME])
{
    char number[24];
    unsigned char digest[CLARITY_SHA256];

    snprintf(number, sizeof(number), "%zu:", webhook.len);

    if (!clarity_sha256(sha256,
            (clarity_str_t[]){ clarity_str(number), webhook, key }, 3, digest))
    {
        return false;
    }

    clarity_base64url_encode(digest, CLARITY_SHA256, name);

    return true;
}


bool
clarity_idempotency_body(clarity_sha256_t *sha256, clarity_str_t body,
    char text[CLARITY_IDEMPOTENCY_BODY])
{
    unsigned char digest[CLARITY_SHA256];

    if (!clarity_sha256(sha256, &body, 1, digest)) {
        return false;
    }

    clarity_base64url_encode(digest, HALF, text);

    return true;
}
