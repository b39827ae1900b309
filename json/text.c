#include "json/text.h"

#include <stdio.h>


size_t
clarity_utf8_char(const char *p, const char *end)
{
    size_t i, n;
    unsigned char c, low, high;

    c = (unsigned char) *p;

    if (c < 0x80) {
        return 1;
    }

    /* RFC 3629, section 4: the second byte's range shuts out the overlong
     * forms (E0, F0), the surrogates (ED) and what is above U+10FFFF (F4). */

    low = 0x80;
    high = 0xbf;

    if (c >= 0xc2 && c <= 0xdf) {
        n = 2;

    } else if (c >= 0xe0 && c <= 0xef) {
        n = 3;
        low = c == 0xe0 ? 0xa0 : 0x80;
        high = c == 0xed ? 0x9f : 0xbf;

    } else if (c >= 0xf0 && c <= 0xf4) {
        n = 4;
        low = c == 0xf0 ? 0x90 : 0x80;
        high = c == 0xf4 ? 0x8f : 0xbf;

    } else {
        return 0;
    }

    if ((size_t) (end - p) < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {
        c = (unsigned char) p[i];
        if (c < low || c > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }

    return n;
}


size_t
clarity_utf8_length(clarity_str_t text)
{
    size_t i, n;

    n = 0;

    /* All bytes of a character but its first are 10xxxxxx. */
    for (i = 0; i < text.len; i++) {
        n += ((unsigned char) text.data[i] & 0xc0) != 0x80;
    }

    return n;
}


size_t
clarity_json_plain(const char *p, const char *end)
{
    if ((unsigned char) *p < 0x20 || *p == '"' || *p == '\\') {
        return 0;
    }

    return clarity_utf8_char(p, end);
}


void
clarity_json_escape(char c, char escape[CLARITY_JSON_ESCAPE])
{
    switch (c) {
    case '"': strcpy(escape, "\\\""); break;
    case '\\': strcpy(escape, "\\\\"); break;
    case '\n': strcpy(escape, "\\n"); break;
    case '\r': strcpy(escape, "\\r"); break;
    case '\t': strcpy(escape, "\\t"); break;
    default:
        /* Not UTF-8: U+FFFD, so that the result always is. */
        snprintf(escape, CLARITY_JSON_ESCAPE, "\\u%04x",
            (unsigned char) c < 0x20 ? (unsigned) c : 0xfffdu);
    }
}


clarity_quote_t
clarity_quote(clarity_str_t text)
{
    size_t n, used, taken;
    const char *p, *end, *piece;
    char escape[CLARITY_JSON_ESCAPE];
    clarity_quote_t quote;

    static const char cut[] = "\xe2\x80\xa6\""; /* an ellipsis, a quote */

    quote.text[0] = '"';
    used = 1;

    p = text.data;
    end = text.len == 0 ? p : p + text.len;

    for (; p != end; p += taken) {
        n = clarity_json_plain(p, end);
        piece = p;
        taken = n;

        if (n == 0) {
            clarity_json_escape(*p, escape);
            piece = escape;
            n = strlen(escape);
            taken = 1;
        }

        if (used + n + sizeof(cut) > sizeof(quote.text)) {
            memcpy(quote.text + used, cut, sizeof(cut));
            return quote;
        }

        memcpy(quote.text + used, piece, n);
        used += n;
    }

    memcpy(quote.text + used, "\"", 2);
    return quote;
}
