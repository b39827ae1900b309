/*
 * INFO, CONFIG GET: their replies are read together.
 */

#include "ngx_clarity_audit.h"


static void ngx_clarity_audit_info_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_audit_config_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void ngx_clarity_audit_tell(
    ngx_clarity_audit_t *audit, const clarity_redis_audit_t *found);
static ngx_uint_t ngx_clarity_audit_was_told(
    const uint32_t *told, uint32_t hash);


void
ngx_clarity_audit_init(ngx_clarity_audit_t *audit,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session,
    ngx_log_t *log)
{
    audit->conf = conf;
    audit->session = session;
    audit->log = log;
}


ngx_int_t
ngx_clarity_audit_setup(ngx_clarity_audit_t *audit)
{
    size_t        argc;
    unsigned      i;
    clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS];

    for (i = 0; i < CLARITY_REDIS_AUDIT_COMMANDS; i++) {
        argc = clarity_redis_audit_command(i, argv);

        if (clarity_redis_setup(audit->session, argc, argv,
                i == 0 ? ngx_clarity_audit_info_handler
                       : ngx_clarity_audit_config_handler,
                audit)
            != CLARITY_REDIS_GIVEN)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* That INFO is barred is kept too; without memory there is no audit. */

static void
ngx_clarity_audit_info_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_audit_t *audit = data;

    size_t len;

    audit->info = NULL;

    if (result != CLARITY_REDIS_REPLIED
        || (reply->type != REDIS_REPLY_STRING
            && reply->type != REDIS_REPLY_ERROR))
    {
        return;
    }

    len = reply->len;

    audit->info = ngx_alloc(sizeof(redisReply) + len, audit->log);
    if (audit->info == NULL) {
        return;
    }

    *audit->info = *reply;
    audit->info->str = (char *) (audit->info + 1);
    ngx_memcpy(audit->info->str, reply->str, len);
}


static void
ngx_clarity_audit_config_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_audit_t *audit = data;

    clarity_redis_audit_t found;

    if (audit->info == NULL) {
        return;
    }

    if (result == CLARITY_REDIS_REPLIED) {
        clarity_redis_audit(&found, audit->info, reply);
        ngx_clarity_audit_tell(audit, &found);
    }

    ngx_free(audit->info);
    audit->info = NULL;
}


/* What was told at the last connect is not told again. */

static void
ngx_clarity_audit_tell(
    ngx_clarity_audit_t *audit, const clarity_redis_audit_t *found)
{
    size_t      i;
    uint32_t    told[CLARITY_REDIS_AUDIT_MAX];
    const char *text;

    ngx_memzero(told, sizeof(told));

    for (i = 0; i < found->n; i++) {
        text = found->findings[i].text;

        told[i] = ngx_crc32_short((u_char *) text, ngx_strlen(text));

        if (!ngx_clarity_audit_was_told(audit->told, told[i])) {
            ngx_log_error(NGX_LOG_WARN, audit->log, 0, "%V: %s",
                &audit->conf->name, text);
        }
    }

    ngx_memcpy(audit->told, told, sizeof(told));
}


static ngx_uint_t
ngx_clarity_audit_was_told(const uint32_t *told, uint32_t hash)
{
    ngx_uint_t i;

    for (i = 0; i < CLARITY_REDIS_AUDIT_MAX; i++) {
        if (told[i] == hash) {
            return 1;
        }
    }

    return 0;
}
