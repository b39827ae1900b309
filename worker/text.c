#include "worker/text.h"

#include <openssl/evp.h>
#include <stdio.h>

#define HASH_HEX 65 /* with the NUL */
#define BOUND_TO clarity_lit("workflow")

static bool hash(clarity_str_t text, char hex[HASH_HEX]);


bool
clarity_text_seal(const clarity_seal_keys_t *keys, clarity_str_t digest,
    clarity_str_t text, clarity_buf_t *buf)
{
    char hex[HASH_HEX], sealed[CLARITY_SEALED_MAX + 1];

    if (!hash(text, hex)
        || clarity_seal(keys, clarity_str(hex), BOUND_TO, digest, sealed)
               != CLARITY_SEAL_OK)
    {
        return false;
    }

    clarity_buf_addz(buf, sealed);
    clarity_buf_addz(buf, "\n");
    clarity_buf_add(buf, text);

    return !buf->failed;
}


bool
clarity_text_open(const clarity_seal_keys_t *keys, clarity_str_t digest,
    clarity_str_t value, clarity_str_t *text, clarity_error_t *error)
{
    char hex[HASH_HEX], found[CLARITY_SEAL_TEXT_MAX + 1];
    size_t len;
    const char *end;
    clarity_str_t sealed;
    clarity_seal_status_t status;

    end = value.len > 0 ? memchr(value.data, '\n', value.len) : NULL;

    if (end == NULL) {
        return clarity_error(error, "its text has no seal");
    }

    sealed.data = value.data;
    sealed.len = (size_t) (end - value.data);
    text->data = end + 1;
    text->len = value.len - sealed.len - 1;

    status = clarity_unseal(keys, sealed, BOUND_TO, digest, found, &len);

    if (status != CLARITY_SEAL_OK) {
        return clarity_error(error, "the seal of its text %s",
            clarity_seal_status_text(status));
    }

    return (hash(*text, hex)
               && clarity_str_is((clarity_str_t){ found, len }, hex))
           || clarity_error(error, "its text is not the one that was sealed");
}


static bool
hash(clarity_str_t text, char hex[HASH_HEX])
{
    unsigned i, len;
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(text.data, text.len, digest, &len, EVP_sha256(), NULL) != 1)
    {
        return false;
    }

    for (i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    return true;
}
