/*
 * A growing byte buffer. Allocation failure is sticky: later calls do nothing
 * and `failed` stays set, so one check at the end is enough.
 */

#ifndef CLARITY_JSON_BUF_H
#define CLARITY_JSON_BUF_H

#include "json/str.h"

typedef struct {
    char *data; /* owned; NULL while empty */
    size_t len;
    size_t cap;
    bool failed;
} clarity_buf_t;

/* A zeroed clarity_buf_t is an empty buffer. */
void clarity_buf_free(clarity_buf_t *buf);

/* Keeps the memory, forgets the bytes and a failure. */
void clarity_buf_reset(clarity_buf_t *buf);

/* Room for n more bytes at data + len; NULL and `failed` if there is none. */
char *clarity_buf_reserve(clarity_buf_t *buf, size_t n);

void clarity_buf_add(clarity_buf_t *buf, clarity_str_t bytes);
void clarity_buf_addz(clarity_buf_t *buf, const char *text);
void clarity_buf_addf(clarity_buf_t *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drops the first n bytes. */
void clarity_buf_drop(clarity_buf_t *buf, size_t n);

/* text (UTF-8) as a JSON string, with its quotes. */
void clarity_buf_add_json(clarity_buf_t *buf, clarity_str_t text);


static inline clarity_str_t
clarity_buf_str(const clarity_buf_t *buf)
{
    return (clarity_str_t){ buf->data, buf->len };
}

#endif
