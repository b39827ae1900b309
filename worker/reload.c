#include "worker/reload.h"

#include <stdio.h>
#include <string.h>

static void log_errors(clarity_log_t *log, const clarity_buf_t *errors);


clarity_workflows_t *
clarity_reload(const clarity_conf_t *conf, clarity_log_t *log)
{
    clarity_buf_t errors = { 0 };
    clarity_workflows_t *set;

    set = clarity_workflows_load(conf, true, &errors);

    if (set == NULL) {
        log_errors(log, &errors);
    }

    clarity_buf_free(&errors);

    return set;
}


void
clarity_reload_log(clarity_log_t *log, const clarity_workflows_t *set)
{
    clarity_log(log, CLARITY_LOG_INFO, "reloaded", "triggers=%u workflows=%u",
        (unsigned) set->triggers->count, (unsigned) set->count);
}


/* One a line, as they are there. */
static void
log_errors(clarity_log_t *log, const clarity_buf_t *errors)
{
    size_t len;
    char line[sizeof(clarity_error_t)];
    const char *end;
    clarity_str_t rest;

    rest = clarity_buf_str(errors);

    while (rest.len > 0) {
        end = memchr(rest.data, '\n', rest.len);
        len = end != NULL ? (size_t) (end - rest.data) : rest.len;

        snprintf(line, sizeof(line), "%.*s", (int) len, rest.data);

        clarity_log(
            log, CLARITY_LOG_ERROR, "reload_failed", "reason=%s", line);

        len += end != NULL;
        rest.data += len;
        rest.len -= len;
    }
}
