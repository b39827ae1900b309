/*
 * A slice of somebody else's bytes: not NUL-terminated, may hold NULs, valid
 * as long as its owner says.
 */

#ifndef CLARITY_JSON_STR_H
#define CLARITY_JSON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct {
    const char *data;
    size_t len; /* bytes */
} clarity_str_t;

/* clarity_lit("text"): a slice of a string literal. */
#define clarity_lit(s) ((clarity_str_t){ (s), sizeof(s) - 1 })

/* For printf's "%.*s". */
#define clarity_fmt(s) (int) (s).len, (s).data


static inline clarity_str_t
clarity_str(const char *s)
{
    return (clarity_str_t){ s, strlen(s) };
}


static inline bool
clarity_str_eq(clarity_str_t a, clarity_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static inline bool
clarity_str_is(clarity_str_t a, const char *literal)
{
    return clarity_str_eq(a, clarity_str(literal));
}


/* By their bytes: less, equal, greater than 0. */
static inline int
clarity_str_cmp(clarity_str_t a, clarity_str_t b)
{
    int order;
    size_t n;

    n = a.len < b.len ? a.len : b.len;
    order = n == 0 ? 0 : memcmp(a.data, b.data, n);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
