#include "cli/target.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/file.h"

#define DEFAULT_URL    "redis://127.0.0.1:6379/0"
#define DEFAULT_PREFIX "clarity"

static bool from_file(
    clarity_target_t *target, const char *file, clarity_error_t *error);
static bool from_environment(clarity_target_t *target, clarity_error_t *error);
static bool read_password(
    clarity_target_t *target, const char *path, clarity_error_t *error);


bool
clarity_target_find(clarity_target_t *target, const char *file,
    const char *prefix, clarity_error_t *error)
{
    const char *reason;

    memset(target, 0, sizeof(*target));
    memcpy(target->prefix, DEFAULT_PREFIX, sizeof(DEFAULT_PREFIX));
    target->shards = 1;
    target->keep = CLARITY_KEEP_FAILED;

    if (file != NULL ? !from_file(target, file, error)
                     : !from_environment(target, error))
    {
        return false;
    }

    if (prefix != NULL) {
        reason = clarity_prefix_refused(clarity_str(prefix));

        if (reason != NULL) {
            return clarity_error(error, "--prefix %s", reason);
        }

        snprintf(target->prefix, sizeof(target->prefix), "%s", prefix);
    }

    clarity_redis_url_show(
        &target->redis, target->shown, sizeof(target->shown));

    return true;
}


void
clarity_target_wipe(clarity_target_t *target)
{
    explicit_bzero(target->redis.password, sizeof(target->redis.password));
}


static bool
from_file(clarity_target_t *target, const char *file, clarity_error_t *error)
{
    clarity_conf_t *conf;

    conf = clarity_conf_read(file, error);

    if (conf == NULL) {
        return false;
    }

    target->redis = conf->redis;
    target->shards = conf->shards;
    target->keep = conf->keep_failed;
    target->source = file;
    snprintf(target->prefix, sizeof(target->prefix), "%s", conf->prefix);

    clarity_conf_free(conf);

    return true;
}


static bool
from_environment(clarity_target_t *target, clarity_error_t *error)
{
    const char *url, *password;
    clarity_error_t why;

    target->source = "CLARITY_REDIS_URL";

    url = getenv("CLARITY_REDIS_URL");
    password = getenv("CLARITY_REDIS_PASSWORD_FILE");

    if (url == NULL) {
        url = DEFAULT_URL;
    }

    if (!clarity_redis_url_parse(clarity_str(url), &target->redis, &why)) {
        return clarity_error(error, "CLARITY_REDIS_URL: %s", why.text);
    }

    return password == NULL || read_password(target, password, error);
}


static bool
read_password(
    clarity_target_t *target, const char *path, clarity_error_t *error)
{
    bool fits;
    char *password;
    clarity_error_t why;

    password = clarity_file_secret(path, &why);

    if (password == NULL) {
        return clarity_error(
            error, "CLARITY_REDIS_PASSWORD_FILE: %s", why.text);
    }

    fits = strlen(password) < sizeof(target->redis.password);

    if (fits) {
        memcpy(target->redis.password, password, strlen(password) + 1);
    }

    clarity_secret_wipe(password);

    return fits
           || clarity_error(error,
               "CLARITY_REDIS_PASSWORD_FILE: %s: is longer than %zu bytes",
               path, sizeof(target->redis.password) - 1);
}
