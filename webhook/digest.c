#include "webhook/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct clarity_sha256_s {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};


clarity_sha256_t *
clarity_sha256_create(void)
{
    clarity_sha256_t *sha256;

    sha256 = malloc(sizeof(*sha256));
    if (sha256 == NULL) {
        return NULL;
    }

    sha256->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha256->ctx = EVP_MD_CTX_new();

    if (sha256->md == NULL || sha256->ctx == NULL) {
        clarity_sha256_free(sha256);
        return NULL;
    }

    return sha256;
}


void
clarity_sha256_free(clarity_sha256_t *sha256)
{
    if (sha256 == NULL) {
        return;
    }

    EVP_MD_CTX_free(sha256->ctx);
    EVP_MD_free(sha256->md);
    free(sha256);
}


bool
clarity_sha256(clarity_sha256_t *sha256, const clarity_str_t *parts,
    size_t nparts, unsigned char out[CLARITY_SHA256])
{
    bool ok;
    size_t i;

    ok = EVP_DigestInit_ex2(sha256->ctx, sha256->md, NULL) == 1;

    for (i = 0; ok && i < nparts; i++) {
        ok =
            parts[i].len == 0
            || EVP_DigestUpdate(sha256->ctx, parts[i].data, parts[i].len) == 1;
    }

    if (ok && EVP_DigestFinal_ex(sha256->ctx, out, NULL) == 1) {
        return true;
    }

    memset(out, 0, CLARITY_SHA256);
    return false;
}
