#include "json/buf.h"
#include "json/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CLARITY_BUF_MIN 256 /* bytes of the first allocation */


void
clarity_buf_free(clarity_buf_t *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(*buf));
}


void
clarity_buf_reset(clarity_buf_t *buf)
{
    buf->len = 0;
    buf->failed = false;
}


char *
clarity_buf_reserve(clarity_buf_t *buf, size_t n)
{
    size_t cap;
    char *data;

    if (buf->failed) {
        return NULL;
    }

    if (buf->data != NULL && n <= buf->cap - buf->len) {
        return buf->data + buf->len;
    }

    /* PTRDIFF_MAX is more than any allocator gives. */
    if (n > PTRDIFF_MAX - buf->len) {
        buf->failed = true;
        return NULL;
    }

    cap = buf->cap < CLARITY_BUF_MIN / 2 ? CLARITY_BUF_MIN : 2 * buf->cap;
    if (cap < buf->len + n) {
        cap = buf->len + n;
    }

    data = realloc(buf->data, cap);
    if (data == NULL) {
        buf->failed = true;
        return NULL;
    }

    buf->data = data;
    buf->cap = cap;
    return data + buf->len;
}


void
clarity_buf_add(clarity_buf_t *buf, clarity_str_t bytes)
{
    char *p;

    if (bytes.len == 0) {
        return;
    }

    p = clarity_buf_reserve(buf, bytes.len);
    if (p != NULL) {
        memcpy(p, bytes.data, bytes.len);
        buf->len += bytes.len;
    }
}


void
clarity_buf_addz(clarity_buf_t *buf, const char *text)
{
    clarity_buf_add(buf, clarity_str(text));
}


void
clarity_buf_addf(clarity_buf_t *buf, const char *format, ...)
{
    int n;
    char *p;
    va_list args;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);

    if (n < 0) {
        buf->failed = true;
        return;
    }

    /* vsnprintf writes a NUL too; it is room, not content. */
    p = clarity_buf_reserve(buf, (size_t) n + 1);
    if (p == NULL) {
        return;
    }

    va_start(args, format);
    vsnprintf(p, (size_t) n + 1, format, args);
    va_end(args);

    buf->len += (size_t) n;
}


void
clarity_buf_drop(clarity_buf_t *buf, size_t n)
{
    if (n >= buf->len) {
        buf->len = 0;
        return;
    }

    if (n != 0) {
        memmove(buf->data, buf->data + n, buf->len - n);
        buf->len -= n;
    }
}


void
clarity_buf_add_json(clarity_buf_t *buf, clarity_str_t text)
{
    size_t n;
    const char *p, *plain, *end;
    char escape[CLARITY_JSON_ESCAPE];

    clarity_buf_add(buf, clarity_lit("\""));

    p = plain = text.data;
    end = text.len == 0 ? p : p + text.len;

    while (p != end) {
        n = clarity_json_plain(p, end);
        if (n != 0) {
            p += n;
            continue;
        }

        clarity_buf_add(buf, (clarity_str_t){ plain, (size_t) (p - plain) });
        clarity_json_escape(*p, escape);
        clarity_buf_addz(buf, escape);
        plain = ++p;
    }

    if (p != plain) {
        clarity_buf_add(buf, (clarity_str_t){ plain, (size_t) (p - plain) });
    }

    clarity_buf_add(buf, clarity_lit("\""));
}
