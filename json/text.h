/*
 * Characters of JSON text: UTF-8 (RFC 3629) and escapes (RFC 8259).
 */

#ifndef CLARITY_JSON_TEXT_H
#define CLARITY_JSON_TEXT_H

#include "json/str.h"

/*
 * Bytes (1 to 4) of the well-formed UTF-8 character at p, control characters
 * included; 0 if there is none. p < end.
 */
size_t clarity_utf8_char(const char *p, const char *end);

/* Characters of well-formed UTF-8. */
size_t clarity_utf8_length(clarity_str_t text);

/*
 * Bytes of the character at p if it can stand in a JSON string as it is; else
 * 0, for '"', '\\', a control character or what is not UTF-8. p < end.
 */
size_t clarity_json_plain(const char *p, const char *end);

#define CLARITY_JSON_ESCAPE 7 /* bytes of the longest, its NUL included */

/* What stands for a byte that is not plain: \n, \u001f, \ufffd, … */
void clarity_json_escape(char c, char escape[CLARITY_JSON_ESCAPE]);

/*
 * Text of a file or a caller in a message: in double quotes, escaped as in
 * JSON, cut with "…" to fit. Use it within one expression:
 * clarity_quote(name).text
 */
typedef struct {
    char text[80]; /* NUL-terminated */
} clarity_quote_t;

clarity_quote_t clarity_quote(clarity_str_t text);

#endif
