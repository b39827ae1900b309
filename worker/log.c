#include "worker/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void add_head(
    clarity_buf_t *line, clarity_log_level_t level, const char *event);
static void add_members(
    clarity_buf_t *line, const char *members, va_list args);
static void write_line(clarity_log_t *log);
static int open_file(const char *path);

static const char *const level_names[] = {
    [CLARITY_LOG_INFO] = "info",
    [CLARITY_LOG_WARN] = "warn",
    [CLARITY_LOG_ERROR] = "error",
};


bool
clarity_log_open(clarity_log_t *log, const char *path, clarity_error_t *error)
{
    memset(log, 0, sizeof(*log));

    log->fd = STDERR_FILENO;

    if (path == NULL) {
        return true;
    }

    log->path = strdup(path);

    if (log->path == NULL) {
        return clarity_error(error, "%s: out of memory", path);
    }

    log->fd = open_file(path);

    if (log->fd == -1) {
        clarity_error(error, "%s: cannot be opened to write the log: %s", path,
            strerror(errno));
        free(log->path);
        return false;
    }

    return true;
}


void
clarity_log_reopen(clarity_log_t *log)
{
    int fd;

    if (log->path == NULL) {
        return;
    }

    fd = open_file(log->path);

    if (fd == -1) {
        clarity_log(log, CLARITY_LOG_ERROR, "log_not_reopened", "reason=%s",
            strerror(errno));
        return;
    }

    close(log->fd);
    log->fd = fd;
}


void
clarity_log_close(clarity_log_t *log)
{
    if (log->path != NULL) {
        close(log->fd);
        free(log->path);
    }

    clarity_buf_free(&log->line);
}


void
clarity_log(clarity_log_t *log, clarity_log_level_t level, const char *event,
    const char *members, ...)
{
    va_list args;

    if (log->seen != NULL) {
        log->seen(log->owner, event);
    }

    clarity_buf_reset(&log->line);
    add_head(&log->line, level, event);

    if (log->process != 0) {
        clarity_buf_addf(&log->line, ",\"process\":%u", log->process);
    }

    va_start(args, members);
    add_members(&log->line, members, args);
    va_end(args);

    clarity_buf_addz(&log->line, "}\n");

    if (!log->line.failed) {
        write_line(log);
    }
}


void
clarity_log_not_started(clarity_log_t *log, const char *reason)
{
    (void) clarity_error(&log->fault, "%s", reason);
    clarity_log(
        log, CLARITY_LOG_ERROR, "not_started", "reason=%s", log->fault.text);
}


static void
add_head(clarity_buf_t *line, clarity_log_level_t level, const char *event)
{
    char text[sizeof("2024-11-19T07:06:40")];
    struct tm tm;
    struct timeval now;

    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);

    clarity_buf_addf(line,
        "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\"", text,
        (int) (now.tv_usec / 1000), level_names[level], event);
}


static void
add_members(clarity_buf_t *line, const char *members, va_list args)
{
    int len;
    const char *p, *text, *kind;

    for (p = members; *p != '\0'; p = kind + strspn(kind, " ")) {
        len = (int) strcspn(p, "=");
        kind = p + len;

        if (strncmp(kind, "=%s", 3) == 0) {
            text = va_arg(args, const char *);

            if (text != NULL && text[0] != '\0') {
                clarity_buf_addf(line, ",\"%.*s\":", len, p);
                clarity_buf_add_json(line, clarity_str(text));
            }

        } else if (strncmp(kind, "=%u", 3) == 0) {
            clarity_buf_addf(
                line, ",\"%.*s\":%u", len, p, va_arg(args, unsigned));

        } else if (strncmp(kind, "=%llu", 5) == 0) {
            clarity_buf_addf(line, ",\"%.*s\":%llu", len, p,
                va_arg(args, unsigned long long));

        } else {
            return; /* what its argument is cannot be known */
        }

        kind += strcspn(kind, " ");
    }
}


/* One write a line: several workers may append to one file. */
static void
write_line(clarity_log_t *log)
{
    ssize_t n;
    clarity_str_t rest;

    rest = clarity_buf_str(&log->line);

    while (rest.len > 0) {
        n = write(log->fd, rest.data, rest.len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        /* A full disk must not stop the work. */

        if (n <= 0) {
            return;
        }

        rest.data += n;
        rest.len -= (size_t) n;
    }
}


static int
open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}
