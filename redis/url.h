/*
 * redis://[user[:password]@]host[:port][/db] and unix:///path[?db=N].
 */

#ifndef CLARITY_REDIS_URL_H
#define CLARITY_REDIS_URL_H

#include "json/error.h"
#include "json/str.h"

typedef enum { CLARITY_REDIS_TCP, CLARITY_REDIS_UNIX } clarity_redis_scheme_t;

/* Decoded and NUL-terminated; "" where the URL has none. */
typedef struct {
    clarity_redis_scheme_t scheme;
    char host[256]; /* TCP; an IPv6 address without its brackets */
    unsigned port;
    char path[108]; /* UNIX: sun_path */
    char user[128];
    char password[512];
    unsigned db;
} clarity_redis_url_t;

/*
 * false and *error ("what, what was expected"): the error never repeats the
 * user information. Schemes of other topologies are refused by name.
 */
bool clarity_redis_url_parse(
    clarity_str_t text, clarity_redis_url_t *url, clarity_error_t *error);

/* "redis:6379/0" or "unix:/path": for logs, without user and password. */
void clarity_redis_url_show(
    const clarity_redis_url_t *url, char *out, size_t size);

#endif
