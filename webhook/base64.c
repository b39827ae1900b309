#include "webhook/base64.h"

static int value_of(clarity_base64_t alphabet, char c);


void
clarity_base64url_encode(const unsigned char *bytes, size_t n, char *text)
{
    size_t i;
    unsigned bits, nbits;

    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_";

    bits = 0;
    nbits = 0;

    for (i = 0; i < n; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;

        for (nbits += 8; nbits >= 6; nbits -= 6) {
            *text++ = alphabet[bits >> (nbits - 6) & 0x3f];
        }
    }

    if (nbits != 0) {
        *text = alphabet[bits << (6 - nbits) & 0x3f];
    }
}


bool
clarity_base64_decode(clarity_base64_t alphabet, clarity_str_t text,
    unsigned char *bytes, size_t max, size_t *n)
{
    int value;
    size_t i, len;
    unsigned bits, nbits;

    len = text.len;

    if (alphabet == CLARITY_BASE64) {
        if (len % 4 != 0) {
            return false;
        }

        for (i = 0; i < 2 && len != 0 && text.data[len - 1] == '='; i++) {
            len--;
        }
    }

    *n = 0;
    bits = 0;
    nbits = 0;

    for (i = 0; i < len; i++) {
        value = value_of(alphabet, text.data[i]);
        if (value < 0) {
            return false;
        }

        bits = (bits << 6 | (unsigned) value) & 0xffff;
        nbits += 6;

        if (nbits >= 8) {
            if (*n == max) {
                return false;
            }

            nbits -= 8;
            bytes[(*n)++] = (unsigned char) (bits >> nbits);
        }
    }

    /* Six bits are a character that began no byte. */
    return nbits < 6 && (bits & ((1u << nbits) - 1)) == 0;
}


static int
value_of(clarity_base64_t alphabet, char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == (alphabet == CLARITY_BASE64 ? '+' : '-')) {
        return 62;
    }

    if (c == (alphabet == CLARITY_BASE64 ? '/' : '_')) {
        return 63;
    }

    return -1;
}
