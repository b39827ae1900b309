#include "json/scan.h"
#include "json/text.h"

#include <stdint.h>

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static const char *skip_plain(const char *p, const char *end);
static const char *escape_end(
    const char *p, const char *end, const char **reason);
static bool is_cut_escape(const char *p, const char *end);
static int code_unit(const char *p);
static int hex_digit(unsigned char c);


size_t
clarity_json_scan(clarity_str_t text, const char **reason)
{
    size_t n;
    unsigned char c;
    const char *p, *end, *next;

    if (text.len == 0) {
        return 0;
    }

    p = text.data;
    end = p + text.len;

    for (;;) {
        p = skip_plain(p, end);

        if (p == end) {
            return text.len;
        }

        c = (unsigned char) *p;

        if (c == '\\') {
            next = escape_end(p, end, reason);
            if (next == NULL) {
                return (size_t) (p - text.data);
            }
            p = next;

        } else if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            *reason = "a control byte; in a string it is written \\u00XX";
            return (size_t) (p - text.data);

        } else {
            n = clarity_utf8_char(p, end);
            if (n == 0) {
                *reason = "not UTF-8";
                return (size_t) (p - text.data);
            }
            p += n;
        }
    }
}


/*
 * Up to the first byte that is a control byte, a backslash or not ASCII, or
 * the end. Whole words first: a byte below 0x20 or equal to 0x5c borrows from
 * its high bit (Mycroft's test); which byte it was is left to the second loop,
 * so the machine's byte order does not matter.
 */
static const char *
skip_plain(const char *p, const char *end)
{
    uint64_t word, slash;

    while ((size_t) (end - p) >= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        slash = word ^ (ONES * '\\');

        if (((word - ONES * 0x20) | (slash - ONES) | word) & HIGHS) {
            break;
        }

        p += sizeof(word);
    }

    while (p != end && (unsigned char) *p >= 0x20 && (unsigned char) *p < 0x80
           && *p != '\\')
    {
        p++;
    }

    return p;
}


/*
 * Past the escape at p, or NULL and *reason. An escape other than \u is the
 * grammar's business; only its second byte is stepped over, so that the
 * second backslash of a pair does not count as one.
 */
static const char *
escape_end(const char *p, const char *end, const char **reason)
{
    int unit;

    if (is_cut_escape(p, end)) {
        return end;
    }

    if (p[1] != 'u') {
        return p[1] == '\\' ? p + 2 : p + 1;
    }

    unit = code_unit(p);

    if (unit == -1) {
        *reason = "\\u takes four hexadecimal digits";
        return NULL;
    }

    if (unit >= 0xd800 && unit <= 0xdbff) {
        p += 6;

        if (is_cut_escape(p, end)) {
            return end;
        }

        if (p[0] == '\\' && p[1] == 'u') {
            unit = code_unit(p);
            if (unit >= 0xdc00 && unit <= 0xdfff) {
                return p + 6;
            }
        }

        *reason = "a lone surrogate; \\uD800 to \\uDBFF must be followed by "
                  "\\uDC00 to \\uDFFF";
        return NULL;
    }

    if (unit >= 0xdc00 && unit <= 0xdfff) {
        *reason = "a lone surrogate; \\uDC00 to \\uDFFF must follow \\uD800 "
                  "to \\uDBFF";
        return NULL;
    }

    return p + 6;
}


/* Does the text end before it is clear what escape stands at p? */
static bool
is_cut_escape(const char *p, const char *end)
{
    const char *s;

    if (p == end) {
        return true;
    }

    if (*p != '\\') {
        return false;
    }

    if (end - p == 1) {
        return true;
    }

    if (p[1] != 'u' || end - p >= 6) {
        return false;
    }

    for (s = p + 2; s != end; s++) {
        if (hex_digit((unsigned char) *s) == -1) {
            return false;
        }
    }

    return true;
}


/* The four digits of the \u escape at p; -1 if they are none. */
static int
code_unit(const char *p)
{
    int i, digit, unit;

    unit = 0;

    for (i = 2; i < 6; i++) {
        digit = hex_digit((unsigned char) p[i]);
        if (digit == -1) {
            return -1;
        }
        unit = unit * 16 + digit;
    }

    return unit;
}


static int
hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
