#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


static bool open_file(
    const char *path, int flags, int *fd, clarity_error_t *error);
static bool read_all(int fd, const char *path, size_t max, clarity_buf_t *buf,
    clarity_error_t *error);


bool
clarity_file_read(
    const char *path, size_t max, clarity_buf_t *buf, clarity_error_t *error)
{
    int fd;
    bool done;
    struct stat st;

    /* A FIFO that nobody writes to would hold up the worker's loop. */
    if (!open_file(path, O_NONBLOCK, &fd, error)) {
        return false;
    }

    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        done = clarity_error(
            error, "%s: is a FIFO, expected a regular file", path);
    } else {
        done = read_all(fd, path, max, buf, error);
    }

    close(fd);

    return done;
}


bool
clarity_file_read_waiting(
    const char *path, size_t max, clarity_buf_t *buf, clarity_error_t *error)
{
    int fd;
    bool done;

    if (!open_file(path, 0, &fd, error)) {
        return false;
    }

    done = read_all(fd, path, max, buf, error);

    close(fd);

    return done;
}


static bool
open_file(const char *path, int flags, int *fd, clarity_error_t *error)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    return *fd != -1
           || clarity_error(
               error, "%s: cannot be opened: %s", path, strerror(errno));
}


char *
clarity_file_secret(const char *path, clarity_error_t *error)
{
    char *secret;
    const char *reason;
    clarity_buf_t buf = { 0 };
    clarity_str_t text;

    secret = NULL;

    if (!clarity_file_read(path, CLARITY_SECRET_MAX + 2, &buf, error)) {
        goto done;
    }

    text = clarity_buf_str(&buf);

    if (text.len && text.data[text.len - 1] == '\n') {
        text.len--;
    }

    if (text.len && text.data[text.len - 1] == '\r') {
        text.len--;
    }

    reason = clarity_secret_refused(text);

    if (reason) {
        clarity_error(
            error, "%s: %s, expected the secret on one line", path, reason);
        goto done;
    }

    secret = strndup(text.data, text.len);

    if (secret == NULL) {
        clarity_error(error, "%s: out of memory", path);
    }

done:

    if (buf.data) {
        explicit_bzero(buf.data, buf.cap);
    }

    clarity_buf_free(&buf);

    return secret;
}


const char *
clarity_secret_refused(clarity_str_t text)
{
    size_t i;

    if (text.len == 0) {
        return "is empty";
    }

    if (text.len > CLARITY_SECRET_MAX) {
        return "is longer than 8192 bytes";
    }

    /* A secret ends up in a header, where RFC 9110 5.5 bars these. */

    for (i = 0; i < text.len; i++) {
        if ((unsigned char) text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return "holds a line end or another control byte";
        }
    }

    return NULL;
}


void
clarity_secret_wipe(char *secret)
{
    if (secret) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}


char *
clarity_file_beside(const char *from, clarity_str_t path)
{
    char *result;
    const char *slash;
    size_t folder;

    slash = strrchr(from, '/');
    folder = slash ? (size_t) (slash - from) + 1 : 0;

    if (path.len && path.data[0] == '/') {
        folder = 0;
    }

    result = malloc(folder + path.len + 1);

    if (result == NULL) {
        return NULL;
    }

    memcpy(result, from, folder);
    memcpy(result + folder, path.data, path.len);
    result[folder + path.len] = '\0';

    return result;
}


static bool
read_all(int fd, const char *path, size_t max, clarity_buf_t *buf,
    clarity_error_t *error)
{
    char *room;
    size_t start, want;
    ssize_t n;

    start = buf->len;

    for (;;) {
        /* One byte more than is allowed shows that there is more. */

        want = max - (buf->len - start) + 1;

        if (want > 65536) {
            want = 65536;
        }

        room = clarity_buf_reserve(buf, want);

        if (room == NULL) {
            return clarity_error(error, "%s: out of memory", path);
        }

        n = read(fd, room, want);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            return clarity_error(
                error, "%s: cannot be read: %s", path, strerror(errno));
        }

        if (n == 0) {
            return true;
        }

        buf->len += (size_t) n;

        if (buf->len - start > max) {
            return clarity_error(error,
                "%s: is longer than the %zu bytes it may have", path, max);
        }
    }
}
