/*
 * Which Redis, and which of its keys.
 */

#ifndef CLARITY_CLI_TARGET_H
#define CLARITY_CLI_TARGET_H

#include "job/key.h"
#include "json/error.h"
#include "redis/url.h"

typedef struct {
    clarity_redis_url_t redis;
    char shown[256]; /* the URL, for messages */
    char prefix[CLARITY_PREFIX_MAX + 1];
    unsigned shards;
    uint64_t keep;      /* ms, of a job that was cancelled */
    const char *source; /* where the URL is from, for messages */
} clarity_target_t;

/*
 * file is a worker.json, prefix overrides it; either may be NULL. Without a
 * file CLARITY_REDIS_URL and CLARITY_REDIS_PASSWORD_FILE count. false and
 * *error.
 */
bool clarity_target_find(clarity_target_t *target, const char *file,
    const char *prefix, clarity_error_t *error);

/* Forgets the password. */
void clarity_target_wipe(clarity_target_t *target);

#endif
