#include "redis/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis/info.h"
#include "redis/reply_error.h"

#define OLDEST_MAJOR 6
#define OLDEST_MINOR 2

static clarity_str_t get_info(clarity_str_t info, const char *name);
static clarity_str_t get_config(const redisReply *config, const char *name);
static void check_refused(
    clarity_redis_audit_t *audit, const redisReply *info);
static void check_version(clarity_redis_audit_t *audit, clarity_str_t version);
static void check_persistence(clarity_redis_audit_t *audit, clarity_str_t info,
    const redisReply *config);
static void find(clarity_redis_audit_t *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


size_t
clarity_redis_audit_command(
    unsigned i, clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS])
{
    if (i == 0) {
        argv[0] = clarity_lit("INFO");
        return 1;
    }

    argv[0] = clarity_lit("CONFIG");
    argv[1] = clarity_lit("GET");
    argv[2] = clarity_lit("append*");

    return 3;
}


void
clarity_redis_audit(clarity_redis_audit_t *audit, const redisReply *info,
    const redisReply *config)
{
    clarity_str_t text, value;

    memset(audit, 0, sizeof(*audit));
    text = clarity_lit("");

    if (info != NULL && info->type == REDIS_REPLY_ERROR) {
        check_refused(audit, info);
        return;
    }

    if (info != NULL && info->type == REDIS_REPLY_STRING) {
        text = (clarity_str_t){ info->str, info->len };
    }

    check_version(audit, get_info(text, "redis_version"));

    value = get_info(text, "role");

    if (clarity_str_is(value, "slave")) {
        audit->unusable = true;
        find(audit, "Redis is a replica, expected the primary: it takes no "
                    "writes");
    }

    value = get_info(text, "maxmemory_policy");

    if (value.len > 0 && !clarity_str_is(value, "noeviction")) {
        find(audit,
            "Redis' maxmemory-policy is %.*s, expected noeviction: it may "
            "drop jobs when its memory is full",
            clarity_fmt(value));
    }

    check_persistence(audit, text, config);
}


static void
check_refused(clarity_redis_audit_t *audit, const redisReply *info)
{
    const clarity_redis_error_info_t *error;

    error = clarity_redis_error_info((clarity_str_t){ info->str, info->len });

    if (error->code == CLARITY_REDIS_ERR_NOPERM) {
        find(audit,
            "Redis bars INFO from this user, expected the right to it (+info):"
            " its version, its role and whether it keeps jobs cannot be seen");
        return;
    }

    find(audit, "Redis refused INFO (%s): %s", error->prefix, error->meaning);
}


static void
check_version(clarity_redis_audit_t *audit, clarity_str_t version)
{
    char *rest;
    long major, minor;

    snprintf(
        audit->version, sizeof(audit->version), "%.*s", clarity_fmt(version));

    major = strtol(audit->version, &rest, 10);
    minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;

    if (version.len > 0
        && (major < OLDEST_MAJOR
            || (major == OLDEST_MAJOR && minor < OLDEST_MINOR)))
    {
        audit->unusable = true;
        find(audit, "Redis is %s, expected %d.%d or later", audit->version,
            OLDEST_MAJOR, OLDEST_MINOR);
    }
}


/*
 * While Redis reads its file it does not write it, and says "aof_enabled:0":
 * only its configuration tells then.
 */
static void
check_persistence(
    clarity_redis_audit_t *audit, clarity_str_t info, const redisReply *config)
{
    clarity_str_t value;
    bool off;

    if (clarity_str_is(get_info(info, "loading"), "1")) {
        off = clarity_str_is(get_config(config, "appendonly"), "no");
    } else {
        off = clarity_str_is(get_info(info, "aof_enabled"), "0");
    }

    if (off) {
        find(audit,
            "Redis' appendonly is no, expected yes: jobs that were answered "
            "202 are lost when it ends");
        return;
    }

    value = get_config(config, "appendfsync");

    if (clarity_str_is(value, "no")) {
        find(audit,
            "Redis' appendfsync is no, expected always, or everysec: when its "
            "machine ends, jobs of many seconds are lost");
    }
}


/* Empty: there is none. */
static clarity_str_t
get_info(clarity_str_t info, const char *name)
{
    clarity_str_t value;

    return clarity_redis_info_get(info, name, &value) ? value
                                                      : clarity_lit("");
}


static clarity_str_t
get_config(const redisReply *config, const char *name)
{
    size_t i;

    if (config == NULL || config->type != REDIS_REPLY_ARRAY) {
        return clarity_lit("");
    }

    for (i = 0; i + 1 < config->elements; i += 2) {
        if (config->element[i]->type == REDIS_REPLY_STRING
            && strcmp(config->element[i]->str, name) == 0
            && config->element[i + 1]->type == REDIS_REPLY_STRING)
        {
            return (clarity_str_t){ config->element[i + 1]->str,
                config->element[i + 1]->len };
        }
    }

    return clarity_lit("");
}


static void
find(clarity_redis_audit_t *audit, const char *format, ...)
{
    va_list args;
    clarity_error_t *finding;

    if (audit->n == CLARITY_REDIS_AUDIT_MAX) {
        return;
    }

    finding = &audit->findings[audit->n++];

    va_start(args, format);
    vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}
