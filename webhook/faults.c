#include "webhook/faults.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX 512 /* bytes, with the NUL */

static void add(
    clarity_faults_t *faults, const clarity_str_t *member, const char *detail);
static void add_pointer(clarity_buf_t *buf, clarity_str_t name);
static bool is_listed(clarity_str_t name, const char *const *names);
static void add_unknown(
    clarity_faults_t *faults, clarity_str_t name, const char *const *known);


void
clarity_faults_free(clarity_faults_t *faults)
{
    clarity_buf_free(&faults->buf);
    faults->n = 0;
}


void
clarity_faults_add(
    clarity_faults_t *faults, clarity_str_t member, const char *format, ...)
{
    va_list args;
    char detail[DETAIL_MAX];

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);

    add(faults, &member, detail);
}


void
clarity_faults_check_members(clarity_faults_t *faults,
    const clarity_json_t *body, const char *const *known,
    const char *const *fixed)
{
    char detail[DETAIL_MAX];
    const clarity_json_t *member;

    if (body->kind != CLARITY_OBJECT) {
        snprintf(detail, sizeof(detail), "expected an object, got %s",
            clarity_json_kind_name(body->kind));
        add(faults, NULL, detail);
        return;
    }

    for (member = body->first; member != NULL; member = member->next) {
        if (is_listed(member->name, known)) {
            continue;
        }

        if (fixed != NULL && is_listed(member->name, fixed)) {
            clarity_faults_add(
                faults, member->name, "cannot be set; leave it out");
        } else {
            add_unknown(faults, member->name, known);
        }
    }
}


void
clarity_faults_write(const clarity_faults_t *faults, clarity_buf_t *buf)
{
    clarity_buf_addz(buf, "\"errors\":[");
    clarity_buf_add(buf, clarity_buf_str(&faults->buf));
    clarity_buf_addz(buf, "]");

    if (faults->n > CLARITY_FAULTS_MAX) {
        clarity_buf_addf(
            buf, ",\"errors_omitted\":%zu", faults->n - CLARITY_FAULTS_MAX);
    }

    buf->failed |= faults->buf.failed;
}


/* member is NULL where the whole body is meant, whose pointer is "". */
static void
add(clarity_faults_t *faults, const clarity_str_t *member, const char *detail)
{
    clarity_buf_t *buf;
    clarity_buf_t pointer = { 0 };

    if (faults->n++ >= CLARITY_FAULTS_MAX) {
        return;
    }

    buf = &faults->buf;

    if (member != NULL) {
        add_pointer(&pointer, *member);
    }

    clarity_buf_addz(buf, buf->len == 0 ? "{\"pointer\":" : ",{\"pointer\":");
    clarity_buf_add_json(buf, clarity_buf_str(&pointer));
    clarity_buf_addz(buf, ",\"detail\":");
    clarity_buf_add_json(buf, clarity_str(detail));
    clarity_buf_addz(buf, "}");

    buf->failed |= pointer.failed;
    clarity_buf_free(&pointer);
}


static void
add_pointer(clarity_buf_t *buf, clarity_str_t name)
{
    size_t i, n;

    n = name.len;

    if (n > CLARITY_FAULTS_SHOWN) {
        n = CLARITY_FAULTS_SHOWN;

        /* Not within a character, whose bytes but the first are 10xxxxxx. */
        while (((unsigned char) name.data[n] & 0xc0) == 0x80) {
            n--;
        }
    }

    clarity_buf_addz(buf, "/");

    for (i = 0; i < n; i++) {
        switch (name.data[i]) {
        case '~': clarity_buf_addz(buf, "~0"); break;
        case '/': clarity_buf_addz(buf, "~1"); break;
        default: clarity_buf_add(buf, (clarity_str_t){ name.data + i, 1 });
        }
    }

    if (n < name.len) {
        clarity_buf_addz(buf, "\xe2\x80\xa6"); /* an ellipsis */
    }
}


static bool
is_listed(clarity_str_t name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (clarity_str_is(name, *names)) {
            return true;
        }
    }

    return false;
}


static void
add_unknown(
    clarity_faults_t *faults, clarity_str_t name, const char *const *known)
{
    size_t n;
    char list[DETAIL_MAX];

    n = 0;
    list[0] = '\0';

    for (; *known != NULL && n < sizeof(list); known++) {
        n += (size_t) snprintf(
            list + n, sizeof(list) - n, "%s%s", n == 0 ? "" : ", ", *known);
    }

    clarity_faults_add(
        faults, name, "not known; expected none but %.400s", list);
}
