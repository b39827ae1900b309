#include "webhook/mint.h"

#include <stdint.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#define WEBHOOK_ID_PREFIX "wh_"
#define TOKEN_ID_PREFIX   "tk_"
#define TOKEN_PREFIX      "clarity_wh_"

#define CHECKSUM_LEN 6 /* 62^6 is above 2^32 */

#define RANDOM_BYTES  64 /* asked for at once: more than one id or token */
#define RANDOM_ROUNDS 16

static const char base62[] = "0123456789"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz";

static bool mint(clarity_str_t prefix, char *out, size_t len);
static bool random_base62(char *out, size_t n);
static void checksum(clarity_str_t text, char out[CHECKSUM_LEN]);
static uint32_t crc32(clarity_str_t text);
static bool is_minted(clarity_str_t text, clarity_str_t prefix, size_t len);


bool
clarity_mint_webhook_id(char out[CLARITY_WEBHOOK_ID_LEN + 1])
{
    return mint(clarity_lit(WEBHOOK_ID_PREFIX), out, CLARITY_WEBHOOK_ID_LEN);
}


bool
clarity_mint_token_id(char out[CLARITY_TOKEN_ID_LEN + 1])
{
    return mint(clarity_lit(TOKEN_ID_PREFIX), out, CLARITY_TOKEN_ID_LEN);
}


bool
clarity_mint_token(char out[CLARITY_MINTED_TOKEN_LEN + 1])
{
    size_t len;

    len = CLARITY_MINTED_TOKEN_LEN - CHECKSUM_LEN;

    if (!mint(clarity_lit(TOKEN_PREFIX), out, len)) {
        return false;
    }

    checksum((clarity_str_t){ out, len }, out + len);
    out[CLARITY_MINTED_TOKEN_LEN] = '\0';

    return true;
}


bool
clarity_webhook_id_well_formed(clarity_str_t text)
{
    return is_minted(
        text, clarity_lit(WEBHOOK_ID_PREFIX), CLARITY_WEBHOOK_ID_LEN);
}


bool
clarity_token_id_well_formed(clarity_str_t text)
{
    return is_minted(text, clarity_lit(TOKEN_ID_PREFIX), CLARITY_TOKEN_ID_LEN);
}


bool
clarity_token_well_formed(clarity_str_t text)
{
    size_t len;
    char expected[CHECKSUM_LEN];

    if (!is_minted(text, clarity_lit(TOKEN_PREFIX), CLARITY_MINTED_TOKEN_LEN))
    {
        return false;
    }

    len = CLARITY_MINTED_TOKEN_LEN - CHECKSUM_LEN;
    checksum((clarity_str_t){ text.data, len }, expected);

    return memcmp(text.data + len, expected, CHECKSUM_LEN) == 0;
}


static bool
mint(clarity_str_t prefix, char *out, size_t len)
{
    memcpy(out, prefix.data, prefix.len);

    if (!random_base62(out + prefix.len, len - prefix.len)) {
        OPENSSL_cleanse(out, len);
        return false;
    }

    out[len] = '\0';

    return true;
}


/*
 * 256 is no multiple of 62, so bytes from 4 * 62 on are passed over: taken
 * modulo 62 they would make the first eight characters more likely. The
 * rounds are bounded in case the source is stuck; one that works needs a
 * second one once in 10^16 tokens.
 */
static bool
random_base62(char *out, size_t n)
{
    bool ok;
    size_t filled, i;
    unsigned round;
    unsigned char bytes[RANDOM_BYTES];

    filled = 0;
    ok = true;

    /* Old errors in OpenSSL's queue are the caller's, new ones would be
     * blamed on its next TLS connection. */
    ERR_set_mark();

    for (round = 0; ok && filled < n && round < RANDOM_ROUNDS; round++) {
        ok = RAND_bytes(bytes, sizeof(bytes)) == 1;

        for (i = 0; ok && i < sizeof(bytes) && filled < n; i++) {
            if (bytes[i] < 4 * 62) {
                out[filled++] = base62[bytes[i] % 62];
            }
        }
    }

    ERR_pop_to_mark();
    OPENSSL_cleanse(bytes, sizeof(bytes));

    return filled == n;
}


static void
checksum(clarity_str_t text, char out[CHECKSUM_LEN])
{
    size_t i;
    uint32_t crc;

    crc = crc32(text);

    for (i = CHECKSUM_LEN; i != 0; i--) {
        out[i - 1] = base62[crc % 62];
        crc /= 62;
    }
}


/* Bit by bit: a table would be larger than all that is ever summed up. */
static uint32_t
crc32(clarity_str_t text)
{
    size_t i;
    unsigned bit;
    uint32_t crc;

    crc = 0xffffffff;

    for (i = 0; i < text.len; i++) {
        crc ^= (unsigned char) text.data[i];

        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }

    return ~crc;
}


static bool
is_minted(clarity_str_t text, clarity_str_t prefix, size_t len)
{
    size_t i;
    char c;

    if (text.len != len || memcmp(text.data, prefix.data, prefix.len) != 0) {
        return false;
    }

    for (i = prefix.len; i < len; i++) {
        c = text.data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z')
            && !(c >= 'a' && c <= 'z'))
        {
            return false;
        }
    }

    return true;
}
