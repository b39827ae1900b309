#include "worker/audit.h"

#include <stdlib.h>

static void on_info(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_config(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void tell(
    clarity_worker_audit_t *audit, const clarity_redis_audit_t *found);
static bool has(const clarity_redis_audit_t *audit, const char *finding);


bool
clarity_worker_audit(
    clarity_worker_audit_t *audit, clarity_redis_session_t *session)
{
    unsigned i;
    size_t argc;
    clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS];

    audit->session = session;

    for (i = 0; i < CLARITY_REDIS_AUDIT_COMMANDS; i++) {
        argc = clarity_redis_audit_command(i, argv);

        if (clarity_redis_setup(
                session, argc, argv, i == 0 ? on_info : on_config, audit)
            != CLARITY_REDIS_GIVEN)
        {
            return false;
        }
    }

    return true;
}


void
clarity_worker_audit_again(
    clarity_worker_audit_t *audit, clarity_redis_event_t *redis)
{
    unsigned i;
    size_t argc;
    clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS];

    if (audit->asked) {
        return;
    }

    audit->session = clarity_redis_event_session(redis);

    for (i = 0; i < CLARITY_REDIS_AUDIT_COMMANDS; i++) {
        argc = clarity_redis_audit_command(i, argv);

        /* Where memory is out the next time tells. */
        if (clarity_redis_event_command(
                redis, argc, argv, 0, i == 0 ? on_info : on_config, audit)
            != CLARITY_REDIS_GIVEN)
        {
            return;
        }

        audit->asked = i == CLARITY_REDIS_AUDIT_COMMANDS - 1;
    }
}


/* That INFO is barred is kept too; without memory there is no audit. */
static void
on_info(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_worker_audit_t *audit = data;

    if (result != CLARITY_REDIS_REPLIED
        || (reply->type != REDIS_REPLY_STRING
            && reply->type != REDIS_REPLY_ERROR))
    {
        return;
    }

    free(audit->info);
    audit->info = malloc(reply->len + 1);

    if (audit->info != NULL) {
        memcpy(audit->info, reply->str, reply->len + 1);
        audit->info_len = reply->len;
        audit->info_type = reply->type;
    }
}


/* The connection may have been lost in between: then it has no reply. */
static void
on_config(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_worker_audit_t *audit = data;
    clarity_redis_audit_t found;
    redisReply info = { .type = audit->info_type };

    audit->asked = false;

    if (audit->info != NULL && result == CLARITY_REDIS_REPLIED) {
        info.str = audit->info;
        info.len = audit->info_len;

        clarity_redis_audit(&found, &info, reply);
        tell(audit, &found);
        *audit->told = found;
    }

    free(audit->info);
    audit->info = NULL;
}


static void
tell(clarity_worker_audit_t *audit, const clarity_redis_audit_t *found)
{
    size_t i;

    for (i = 0; i < found->n; i++) {
        if (!has(audit->told, found->findings[i].text)) {
            clarity_log(audit->log, CLARITY_LOG_WARN, "redis_audit",
                "reason=%s", found->findings[i].text);
        }
    }

    for (i = 0; i < audit->told->n; i++) {
        if (!has(found, audit->told->findings[i].text)) {
            clarity_log(audit->log, CLARITY_LOG_INFO, "redis_mended",
                "reason=%s", audit->told->findings[i].text);
        }
    }

    if (found->unusable && found->n > 0) {
        clarity_redis_refuse(audit->session, found->findings[0].text);

        if (audit->refused != NULL) {
            audit->refused(audit->owner, found->findings[0].text);
        }
    }
}


static bool
has(const clarity_redis_audit_t *audit, const char *finding)
{
    size_t i;

    for (i = 0; i < audit->n; i++) {
        if (strcmp(audit->findings[i].text, finding) == 0) {
            return true;
        }
    }

    return false;
}
