#include "json/fault.h"

/*
 * What may stand after a good token, or after the ':' or ',' behind it. A
 * string may be right up to EXPECT_COLON.
 */
typedef enum {
    EXPECT_VALUE,
    EXPECT_VALUE_AFTER_COLON,
    EXPECT_VALUE_AFTER_COMMA,
    EXPECT_VALUE_OR_END,
    EXPECT_NAME_AFTER_COMMA,
    EXPECT_NAME_OR_END,
    EXPECT_COLON,
    EXPECT_COMMA_IN_OBJECT,
    EXPECT_COMMA_IN_ARRAY,
    EXPECT_NOTHING
} expect_t;

static expect_t expect_after(clarity_json_place_t place);
static expect_t expect_behind(expect_t expect, char c);
static const char *wrong_string(clarity_str_t text, size_t start, size_t limit,
    const char *refused, size_t *at);
static bool is_after_zero(
    clarity_str_t text, size_t at, clarity_json_place_t place);
static const char *wrong_token(clarity_str_t text, size_t at, expect_t expect);
static const char *wrong_value(char c, expect_t expect);

static const char *const expected[] = { [EXPECT_VALUE] =
                                            "expected a JSON value",
    [EXPECT_VALUE_AFTER_COLON] = "expected a JSON value after ':'",
    [EXPECT_VALUE_AFTER_COMMA] = "expected a JSON value after ','",
    [EXPECT_VALUE_OR_END] = "expected a JSON value or ']'",
    [EXPECT_NAME_AFTER_COMMA] = "expected a name in double quotes after ','",
    [EXPECT_NAME_OR_END] = "expected a name in double quotes or '}'",
    [EXPECT_COLON] = "expected ':' after the name",
    [EXPECT_COMMA_IN_OBJECT] = "expected ',' or '}'",
    [EXPECT_COMMA_IN_ARRAY] = "expected ',' or ']'",
    [EXPECT_NOTHING] = "expected the end of the text after the JSON value" };


void
clarity_json_locate(clarity_str_t text, size_t limit, const char *refused,
    clarity_json_place_t place, clarity_json_fault_t *fault)
{
    size_t at, wrong;
    expect_t expect, behind;
    const char *reason;

    expect = expect_after(place);
    at = clarity_json_skip_space(text, place.end);

    if (at < limit) {
        behind = expect_behind(expect, text.data[at]);
        if (behind != expect) {
            expect = behind;
            at = clarity_json_skip_space(text, at + 1);
        }
    }

    wrong = at;

    if (at == text.len) {
        reason = expected[expect];

    } else if (at == limit && text.data[at] != '\\') {
        reason = refused;

    } else if (text.data[at] == '"' && expect < EXPECT_COLON) {
        reason = wrong_string(text, at, limit, refused, &wrong);

    } else if (is_after_zero(text, at, place)) {
        reason = "a leading zero; a number has none";
        at -= (at > 1 && text.data[at - 2] == '-') ? 2 : 1;
        wrong = at;

    } else {
        reason = wrong_token(text, at, expect);
    }

    clarity_json_fault_set(text, at, reason, fault);
    fault->inside = wrong - at;
}


void
clarity_json_fault_set(clarity_str_t text, size_t offset, const char *reason,
    clarity_json_fault_t *fault)
{
    const char *p, *at, *lf;

    fault->reason = reason;
    fault->offset = offset;
    fault->line = 1;

    p = text.data;
    at = offset == 0 ? p : p + offset;

    while (p != at && (lf = memchr(p, '\n', (size_t) (at - p))) != NULL) {
        fault->line++;
        p = lf + 1;
    }

    fault->column = (size_t) (at - p) + 1;
    fault->inside = 0;
}


size_t
clarity_json_skip_space(clarity_str_t text, size_t at)
{
    while (at < text.len
           && (text.data[at] == ' ' || text.data[at] == '\n'
               || text.data[at] == '\r' || text.data[at] == '\t'))
    {
        at++;
    }

    return at;
}


static expect_t
expect_after(clarity_json_place_t place)
{
    if (place.end == 0) {
        return EXPECT_VALUE;
    }

    switch (place.last) {
    case CLARITY_JSON_OBJECT_START: return EXPECT_NAME_OR_END;
    case CLARITY_JSON_ARRAY_START: return EXPECT_VALUE_OR_END;
    case CLARITY_JSON_KEY: return EXPECT_COLON;
    default: break;
    }

    if (place.depth == 0) {
        return EXPECT_NOTHING;
    }

    return place.in_object ? EXPECT_COMMA_IN_OBJECT : EXPECT_COMMA_IN_ARRAY;
}


/* yajl reports no token for ':' and ',': step over the one that is right. */
static expect_t
expect_behind(expect_t expect, char c)
{
    if (expect == EXPECT_COLON && c == ':') {
        return EXPECT_VALUE_AFTER_COLON;
    }

    if (expect == EXPECT_COMMA_IN_OBJECT && c == ',') {
        return EXPECT_NAME_AFTER_COMMA;
    }

    if (expect == EXPECT_COMMA_IN_ARRAY && c == ',') {
        return EXPECT_VALUE_AFTER_COMMA;
    }

    return expect;
}


/* In a string, where one may start; *at: the byte of it that is wrong. */
static const char *
wrong_string(clarity_str_t text, size_t start, size_t limit,
    const char *refused, size_t *at)
{
    size_t i;
    unsigned char c;

    for (i = start + 1; i < limit; i++) {
        c = (unsigned char) text.data[i];

        if (c < 0x20) {
            *at = i;
            return "a control byte in a string; it is written \\t, \\n, \\r "
                   "or \\u00XX";
        }

        if (c != '\\' || i + 1 == text.len) {
            continue;
        }

        if (memchr("\"\\/bfnrtu", text.data[i + 1], 9) == NULL) {
            *at = i;
            return "a backslash is followed by one of \" \\ / b f n r t u";
        }

        i++;
    }

    if (limit != text.len) {
        *at = limit;
        return refused;
    }

    return "a string without its closing quote";
}


/* yajl reads 01 as 0 and 1, and so gave out its 0 as a good token. */
static bool
is_after_zero(clarity_str_t text, size_t at, clarity_json_place_t place)
{
    return at == place.end && place.last == CLARITY_JSON_NUMBER
           && text.data[at] >= '0' && text.data[at] <= '9';
}


static const char *
wrong_token(clarity_str_t text, size_t at, expect_t expect)
{
    char c, next;

    c = text.data[at];
    next = at + 1 < text.len ? text.data[at + 1] : '\0';

    if (at == 0 && text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
    {
        return "a byte order mark; JSON starts without one";
    }

    if (c == '/' && (next == '/' || next == '*')) {
        return "a comment; JSON has none";
    }

    if (c == '\'' && expect < EXPECT_COLON) {
        return "a single quote; JSON strings stand in double quotes";
    }

    if (expect < EXPECT_NAME_AFTER_COMMA) {
        return wrong_value(c, expect);
    }

    return expected[expect];
}


static const char *
wrong_value(char c, expect_t expect)
{
    if (c == '-' || (c >= '0' && c <= '9')) {
        return "not a number; a digit must follow '-', '.', 'e', 'e+' and "
               "'e-'";
    }

    if (c == '+' || c == '.') {
        return "not a number; one starts with a digit or '-'";
    }

    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return "not a JSON literal; expected true, false, null or a value in "
               "double quotes";
    }

    return expected[expect];
}
