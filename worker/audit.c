#include "worker/audit.h"

#include <stdlib.h>

static void on_info(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_config(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void tell(
    clarity_worker_audit_t *audit, const clarity_redis_audit_t *found);
static bool was_told(const clarity_redis_audit_t *audit, const char *finding);


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

    if (audit->info != NULL && result == CLARITY_REDIS_REPLIED) {
        info.str = audit->info;
        info.len = audit->info_len;

        clarity_redis_audit(&found, &info, reply);
        tell(audit, &found);
        audit->found = found;
    }

    free(audit->info);
    audit->info = NULL;
}


static void
tell(clarity_worker_audit_t *audit, const clarity_redis_audit_t *found)
{
    size_t i;

    for (i = 0; i < found->n; i++) {
        if (!was_told(&audit->found, found->findings[i].text)) {
            clarity_log(audit->log, CLARITY_LOG_WARN, "redis_audit",
                "reason=%s", found->findings[i].text);
        }
    }

    if (found->unusable && found->n > 0) {
        clarity_redis_refuse(audit->session, found->findings[0].text);
        audit->refused(audit->owner, found->findings[0].text);
    }
}


static bool
was_told(const clarity_redis_audit_t *audit, const char *finding)
{
    size_t i;

    for (i = 0; i < audit->n; i++) {
        if (strcmp(audit->findings[i].text, finding) == 0) {
            return true;
        }
    }

    return false;
}
