#include "webhook/idempotency.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "webhook/base64.h"

#define DIGEST 32 /* bytes of SHA-256 */
#define HALF   16

static bool add(EVP_MD_CTX *sha256, clarity_str_t text);


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
clarity_idempotency_name(clarity_str_t webhook, clarity_str_t key,
    char name[CLARITY_IDEMPOTENCY_NAME])
{
    bool ok;
    char number[24];
    EVP_MD_CTX *sha256;
    unsigned char digest[DIGEST];

    snprintf(number, sizeof(number), "%zu:", webhook.len);

    sha256 = EVP_MD_CTX_new();

    ok = sha256 != NULL && EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) == 1
         && add(sha256, clarity_str(number)) && add(sha256, webhook)
         && add(sha256, key) && EVP_DigestFinal_ex(sha256, digest, NULL) == 1;

    EVP_MD_CTX_free(sha256);

    if (ok) {
        clarity_base64url_encode(digest, DIGEST, name);
    }

    return ok;
}


bool
clarity_idempotency_body(
    clarity_str_t body, char text[CLARITY_IDEMPOTENCY_BODY])
{
    unsigned char digest[DIGEST];

    if (EVP_Digest(body.len == 0 ? "" : body.data, body.len, digest, NULL,
            EVP_sha256(), NULL)
        != 1)
    {
        return false;
    }

    clarity_base64url_encode(digest, HALF, text);

    return true;
}


static bool
add(EVP_MD_CTX *sha256, clarity_str_t text)
{
    return text.len == 0 || EVP_DigestUpdate(sha256, text.data, text.len) == 1;
}
