/*
 * Base64 by RFC 4648, strictly: one text for the same bytes. No line breaks,
 * no other alphabet, and the bits of the last character that belong to no
 * byte are zero.
 */

#ifndef CLARITY_WEBHOOK_BASE64_H
#define CLARITY_WEBHOOK_BASE64_H

#include "json/str.h"

typedef enum {
    CLARITY_BASE64,   /* section 4: + and /, with its padding */
    CLARITY_BASE64URL /* section 5: - and _, without padding */
} clarity_base64_t;

/* Characters that n bytes take in BASE64URL. */
#define CLARITY_BASE64URL_LEN(n) (((n) *4 + 2) / 3)

/* Writes CLARITY_BASE64URL_LEN(n) characters, without a NUL. */
void clarity_base64url_encode(
    const unsigned char *bytes, size_t n, char *text);

/* false: no such text, or more than max bytes in it; bytes may be half set. */
bool clarity_base64_decode(clarity_base64_t alphabet, clarity_str_t text,
    unsigned char *bytes, size_t max, size_t *n);

#endif
