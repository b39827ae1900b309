#include "webhook/token.h"

#include <openssl/crypto.h>

static bool is_blank(clarity_str_t text);


bool
clarity_token_digest(clarity_sha256_t *sha256, clarity_str_t token,
    clarity_token_digest_t *digest)
{
    return clarity_sha256(sha256, &token, 1, digest->bytes);
}


bool
clarity_token_matches(const clarity_token_digest_t *given,
    const clarity_token_digest_t *valid, size_t n)
{
    size_t i;
    unsigned matches;

    matches = 0;

    for (i = 0; i < n; i++) {
        matches |=
            CRYPTO_memcmp(given->bytes, valid[i].bytes, CLARITY_TOKEN_DIGEST)
            == 0;
    }

    return matches != 0;
}


const char *
clarity_token_refused(clarity_str_t token)
{
    size_t i;
    unsigned char c;

    if (token.len == 0) {
        return "is empty";
    }

    if (token.len > CLARITY_TOKEN_MAX) {
        return "is longer than 1024 bytes";
    }

    for (i = 0; i < token.len; i++) {
        c = (unsigned char) token.data[i];

        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            return "holds white space";
        }

        if (c < 0x20 || c == 0x7f) {
            return "holds a control byte";
        }

        if (c >= 0x80) {
            return "holds a byte that is not ASCII";
        }
    }

    return NULL;
}


bool
clarity_token_next_line(
    clarity_str_t *rest, unsigned *line, clarity_str_t *token)
{
    size_t n;
    const char *lf;

    while (rest->len != 0) {
        lf = memchr(rest->data, '\n', rest->len);
        n = lf == NULL ? rest->len : (size_t) (lf - rest->data);

        token->data = rest->data;
        token->len = n;

        n += lf != NULL;
        rest->data += n;
        rest->len -= n;
        (*line)++;

        if (token->len != 0 && token->data[token->len - 1] == '\r') {
            token->len--;
        }

        if (!is_blank(*token)) {
            return true;
        }
    }

    return false;
}


static bool
is_blank(clarity_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\t') {
            return false;
        }
    }

    return true;
}
