/*
 * What yajl lets through: one pass over the text before it.
 */

#ifndef CLARITY_JSON_SCAN_H
#define CLARITY_JSON_SCAN_H

#include "json/str.h"

/*
 * text.len if the text is well-formed UTF-8 (RFC 3629: shortest form, no
 * surrogates, up to U+10FFFF), holds no control byte but TAB, LF and CR, and
 * every \u escape is a scalar value or a proper surrogate pair. Else the
 * offset of the first wrong byte or of the wrong escape's backslash, and
 * *reason (static text). An escape that the text's end cuts off is no fault
 * here: the string it stands in has no closing quote, which the grammar finds.
 */
size_t clarity_json_scan(clarity_str_t text, const char **reason);

#endif
