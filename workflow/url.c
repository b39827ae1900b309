#include "workflow/load.h"
#include "workflow/piece.h"

typedef enum {
    CLARITY_URL_AUTHORITY,
    CLARITY_URL_PATH,
    CLARITY_URL_QUERY
} part_t;

typedef struct {
    part_t part;
    bool has_host;
} url_t;

static clarity_str_t get_literal(const clarity_pieces_t *pieces, size_t i);
static size_t scheme_length(clarity_str_t literal);
static bool check_authority(
    const clarity_pieces_t *pieces, size_t scheme, clarity_error_t *error);
static bool check_port(clarity_str_t port, clarity_error_t *error);
static bool read_literal(
    url_t *url, clarity_str_t literal, clarity_error_t *error);
static bool check_byte(const char *p, const char *end, clarity_error_t *error);
static bool read_placeholder(
    url_t *url, clarity_piece_t *piece, clarity_error_t *error);


/*
 * The host is the operator's choice alone: between "://" and the first "/" or
 * "?" only secrets may stand. What follows is fixed in its structure, since
 * values are percent-encoded and literals hold whole escapes only.
 */
bool
clarity_url_check(clarity_pieces_t *pieces, clarity_error_t *error)
{
    size_t i, scheme;
    clarity_str_t literal;
    url_t url = { 0 };

    scheme = scheme_length(get_literal(pieces, 0));

    if (scheme == 0) {
        return clarity_error(
            error, "expected a url that starts with http:// or https://");
    }

    for (i = 0; i < pieces->count; i++) {
        if (pieces->list[i].type != CLARITY_PIECE_LITERAL) {
            if (!read_placeholder(&url, &pieces->list[i], error)) {
                return false;
            }

            if (url.part == CLARITY_URL_AUTHORITY) {
                pieces->secret_host = true;
            }

            continue;
        }

        literal = get_literal(pieces, i);

        if (i == 0) {
            literal.data += scheme;
            literal.len -= scheme;
        }

        if (!read_literal(&url, literal, error)) {
            return false;
        }
    }

    if (!url.has_host) {
        return clarity_error(
            error, "no host, expected one after http:// or https://");
    }

    return check_authority(pieces, scheme, error);
}


/* Empty where there is no such piece or it is a placeholder. */
static clarity_str_t
get_literal(const clarity_pieces_t *pieces, size_t i)
{
    const clarity_piece_t *piece;

    if (i >= pieces->count || pieces->list[i].type != CLARITY_PIECE_LITERAL) {
        return clarity_lit("");
    }

    piece = &pieces->list[i];

    return (clarity_str_t){ pieces->literals.data + piece->start,
        piece->end - piece->start };
}


static size_t
scheme_length(clarity_str_t literal)
{
    if (literal.len >= 7 && memcmp(literal.data, "http://", 7) == 0) {
        return 7;
    }

    if (literal.len >= 8 && memcmp(literal.data, "https://", 8) == 0) {
        return 8;
    }

    return 0;
}


/*
 * What can never be called, RFC 3986, section 3.2. One that a secret is a part
 * of is whole at the time of the call only.
 */
static bool
check_authority(
    const clarity_pieces_t *pieces, size_t scheme, clarity_error_t *error)
{
    const char *p, *end, *bracket;
    clarity_str_t literal;

    literal = get_literal(pieces, 0);
    p = literal.data + scheme;
    end = p;

    while (end < literal.data + literal.len && *end != '/' && *end != '?') {
        end++;
    }

    if (end == literal.data + literal.len && pieces->count > 1) {
        return true;
    }

    if (*p == '[') {
        bracket = memchr(p, ']', (size_t) (end - p));

        if (bracket == NULL) {
            return clarity_error(
                error, "\"[\" without a \"]\" after the address");
        }

        if (bracket + 1 < end && bracket[1] != ':') {
            return clarity_error(
                error, "expected \":\" and a port or \"/\" after the \"]\"");
        }

        p = bracket + 1;

    } else {
        if (*p == ':') {
            return clarity_error(
                error, "no host, expected one after http:// or https://");
        }

        while (p < end && *p != ':') {
            p++;
        }
    }

    return p == end
           || check_port(
               (clarity_str_t){ p + 1, (size_t) (end - p - 1) }, error);
}


static bool
check_port(clarity_str_t port, clarity_error_t *error)
{
    size_t i;
    unsigned number;

    number = 0;

    for (i = 0; i < port.len && number <= 65535; i++) {
        if (port.data[i] < '0' || port.data[i] > '9') {
            number = 0;
            break;
        }

        number = 10 * number + (unsigned) (port.data[i] - '0');
    }

    if (number < 1 || number > 65535) {
        return clarity_error(error,
            "port %s in the url, expected a number from 1 to 65535",
            clarity_quote(port).text);
    }

    return true;
}


static bool
read_literal(url_t *url, clarity_str_t literal, clarity_error_t *error)
{
    const char *p, *end;

    end = literal.data + literal.len;

    for (p = literal.data; p < end; p++) {
        if (!check_byte(p, end, error)) {
            return false;
        }

        if (*p == '?') {
            url->part = CLARITY_URL_QUERY;

        } else if (url->part == CLARITY_URL_AUTHORITY) {
            if (*p == '@') {
                return clarity_error(
                    error, "a user in the url, expected one in \"auth\"");
            }

            if (*p == '/') {
                url->part = CLARITY_URL_PATH;

            } else {
                url->has_host = true;
            }
        }
    }

    return true;
}


/* RFC 3986, section 2: reserved, unreserved, and "%" with two digits. */
static bool
check_byte(const char *p, const char *end, clarity_error_t *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~:/?[]@!$&'()*+,;=";
    static const char hex[] = "0123456789abcdefABCDEF";

    if (*p == '#') {
        return clarity_error(
            error, "\"#\" starts what is never sent, write %%23 for it");
    }

    if (*p == '%') {
        if (end - p > 2 && memchr(hex, p[1], sizeof(hex) - 1)
            && memchr(hex, p[2], sizeof(hex) - 1))
        {
            return true;
        }

        return clarity_error(
            error, "\"%%\" without two hexadecimal digits, write %%25 for it");
    }

    if (memchr(allowed, *p, sizeof(allowed) - 1) == NULL) {
        return clarity_error(error,
            "byte 0x%02X cannot stand in a url, write %%%02X for it",
            (unsigned char) *p, (unsigned char) *p);
    }

    return true;
}


static bool
read_placeholder(url_t *url, clarity_piece_t *piece, clarity_error_t *error)
{
    if (url->part != CLARITY_URL_AUTHORITY) {
        if (url->part == CLARITY_URL_QUERY) {
            piece->place = CLARITY_PLACE_URL_QUERY;
        }

        return true;
    }

    if (piece->type != CLARITY_PIECE_SECRET) {
        return clarity_error(error,
            "placeholder %s would choose the host, "
            "where only {{secrets.NAME}} may stand",
            clarity_quote(piece->text).text);
    }

    url->has_host = true;

    return true;
}
