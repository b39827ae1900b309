#include "redis/url.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CLARITY_REDIS_PORT   6379
#define CLARITY_REDIS_MAX_DB INT_MAX /* SELECT reads an int */

_Static_assert(sizeof(((clarity_redis_url_t *) NULL)->path)
                   == sizeof(((struct sockaddr_un *) NULL)->sun_path),
    "a path that is taken must fit a socket's address");

static bool parse_tcp(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_user(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_host_port(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_address(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_name(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_unix(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_db(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);
static bool parse_number(clarity_str_t text, unsigned max, unsigned *number);
static bool decode(clarity_str_t text, char *out, size_t size,
    const char *what, clarity_error_t *error);
static int hex(char c);
static bool starts_with(clarity_str_t *text, const char *start);
static bool split(clarity_str_t *text, char at, clarity_str_t *rest);


bool
clarity_redis_url_parse(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    size_t i;

    static const char *const others[] = {
        "rediss://",
        "redis+sentinel://",
        "redis+cluster://",
    };

    memset(url, 0, sizeof(*url));

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (starts_with(&text, others[i])) {
            return clarity_error(error,
                "%s is not supported by this version; use redis:// or unix://",
                others[i]);
        }
    }

    if (starts_with(&text, "redis://")) {
        return parse_tcp(text, url, error);
    }

    /* unix:/path says the same (RFC 8089 has both forms for files). */
    if (starts_with(&text, "unix://") || starts_with(&text, "unix:")) {
        return parse_unix(text, url, error);
    }

    return clarity_error(error,
        "not a Redis URL, expected redis://[user[:password]@]host[:port][/db]"
        " or unix:///path[?db=N]");
}


void
clarity_redis_url_show(const clarity_redis_url_t *url, char *out, size_t size)
{
    if (url->scheme == CLARITY_REDIS_UNIX) {
        if (url->db == 0) {
            snprintf(out, size, "unix:%s", url->path);
        } else {
            snprintf(out, size, "unix:%s?db=%u", url->path, url->db);
        }

    } else if (strchr(url->host, ':') == NULL) {
        snprintf(out, size, "%s:%u/%u", url->host, url->port, url->db);

    } else {
        snprintf(out, size, "[%s]:%u/%u", url->host, url->port, url->db);
    }
}


/* [user[:password]@]host[:port][/db] */
static bool
parse_tcp(clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    clarity_str_t host, db, rest;

    url->scheme = CLARITY_REDIS_TCP;

    if (!split(&text, '/', &db)) {
        db = clarity_lit("");
    }

    /* Else a part of the password would be taken for the host. */
    if (memchr(db.data, '@', db.len) != NULL) {
        return clarity_error(error,
            "an \"@\" after the first \"/\": expected \"/\" in the user and"
            " the password written as %%2F");
    }

    if (split(&text, '@', &host)) {
        if (split(&host, '@', &rest)) {
            return clarity_error(error,
                "more than one \"@\": expected \"@\" in the user and the"
                " password written as %%40");
        }

        if (!parse_user(text, url, error)) {
            return false;
        }

    } else {
        host = text;
    }

    return parse_host_port(host, url, error)
           && (db.len == 0 || parse_db(db, url, error));
}


/* user[:password] */
static bool
parse_user(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    clarity_str_t password;

    if (split(&text, ':', &password)
        && !decode(password, url->password, sizeof(url->password),
            "the password", error))
    {
        return false;
    }

    return decode(text, url->user, sizeof(url->user), "the user", error);
}


/* host[:port], where an IPv6 address has brackets */
static bool
parse_host_port(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    bool has_port;
    clarity_str_t port, behind;

    if (starts_with(&text, "[")) {
        if (!split(&text, ']', &behind)) {
            return clarity_error(
                error, "the IPv6 address has no closing \"]\"");
        }

        if (!parse_address(text, url, error)) {
            return false;
        }

        text = behind;
        has_port = split(&text, ':', &port);

        if (text.len != 0) {
            return clarity_error(error,
                "the IPv6 address's \"]\" is followed by something else than"
                " \":\" and a port");
        }

    } else {
        has_port = split(&text, ':', &port);

        if (!parse_name(text, url, error)) {
            return false;
        }
    }

    url->port = CLARITY_REDIS_PORT;

    if (has_port && (!parse_number(port, 65535, &url->port) || url->port == 0))
    {
        return clarity_error(error,
            "the port is not a number from 1 to 65535 (an IPv6 address needs"
            " brackets; \":\" and \"/\" in a password are written as %%3A and"
            " %%2F)");
    }

    return true;
}


static bool
parse_address(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    struct in6_addr address;

    if (text.len < INET6_ADDRSTRLEN) {
        memcpy(url->host, text.data, text.len);

        if (inet_pton(AF_INET6, url->host, &address) == 1) {
            return true;
        }
    }

    return clarity_error(error, "what is in brackets is not an IPv6 address");
}


/* An IPv4 address is one too. */
static bool
parse_name(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    size_t i;
    char c;

    if (text.len == 0) {
        return clarity_error(error, "there is no host, expected redis://host");
    }

    if (text.len >= sizeof(url->host)) {
        return clarity_error(error,
            "the host has %zu bytes, expected up to %zu", text.len,
            sizeof(url->host) - 1);
    }

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
        {
            return clarity_error(error,
                "the host holds something else than letters, digits, \".\","
                " \"-\" and \"_\"");
        }
    }

    memcpy(url->host, text.data, text.len);

    return true;
}


/* /path[?db=N] */
static bool
parse_unix(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    size_t i;
    clarity_str_t query;

    url->scheme = CLARITY_REDIS_UNIX;

    if (text.len == 0 || text.data[0] != '/') {
        return clarity_error(error,
            "the path of the socket is not absolute, expected unix:///path");
    }

    if (split(&text, '?', &query)) {
        if (!starts_with(&query, "db=")) {
            return clarity_error(
                error, "the \"?\" is not followed by \"db=\" and a number");
        }

        if (!parse_db(query, url, error)) {
            return false;
        }
    }

    if (!decode(text, url->path, sizeof(url->path), "the path of the socket",
            error))
    {
        return false;
    }

    /* It is shown in logs. */
    for (i = 0; url->path[i] != '\0'; i++) {
        if ((unsigned char) url->path[i] < ' ' || url->path[i] == 0x7f) {
            return clarity_error(
                error, "the path of the socket holds a control byte");
        }
    }

    return true;
}


static bool
parse_db(clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error)
{
    if (!parse_number(text, CLARITY_REDIS_MAX_DB, &url->db)) {
        return clarity_error(error,
            "the database is not a number from 0 to %d, with nothing after it",
            CLARITY_REDIS_MAX_DB);
    }

    return true;
}


static bool
parse_number(clarity_str_t text, unsigned max, unsigned *number)
{
    size_t i;
    unsigned digit, n;

    n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }

        digit = (unsigned) (text.data[i] - '0');

        if (n > (max - digit) / 10) {
            return false;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return text.len != 0;
}


/* RFC 3986, section 2.1. A NUL could not be told from the end. */
static bool
decode(clarity_str_t text, char *out, size_t size, const char *what,
    clarity_error_t *error)
{
    int high, low;
    size_t i, n;
    char c;

    n = 0;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c == '%') {
            high = i + 1 < text.len ? hex(text.data[i + 1]) : -1;
            low = i + 2 < text.len ? hex(text.data[i + 2]) : -1;

            if (high == -1 || low == -1) {
                return clarity_error(error,
                    "%s holds a \"%%\" without two hexadecimal digits,"
                    " expected a plain \"%%\" written as %%25",
                    what);
            }

            c = (char) (high * 16 + low);
            i += 2;
        }

        if (c == '\0') {
            return clarity_error(error, "%s holds a NUL", what);
        }

        if (n == size - 1) {
            return clarity_error(
                error, "%s is longer than %zu bytes", what, size - 1);
        }

        out[n++] = c;
    }

    out[n] = '\0';

    return true;
}


static int
hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* Any case, as RFC 3986 has schemes; takes the start off. */
static bool
starts_with(clarity_str_t *text, const char *start)
{
    size_t len;

    len = strlen(start);

    if (text->len < len || strncasecmp(text->data, start, len) != 0) {
        return false;
    }

    text->data += len;
    text->len -= len;

    return true;
}


/* At the first such byte, which goes to neither part. */
static bool
split(clarity_str_t *text, char at, clarity_str_t *rest)
{
    const char *p;

    p = text->len == 0 ? NULL : memchr(text->data, at, text->len);
    if (p == NULL) {
        return false;
    }

    rest->data = p + 1;
    rest->len = text->len - (size_t) (p + 1 - text->data);
    text->len = (size_t) (p - text->data);

    return true;
}
