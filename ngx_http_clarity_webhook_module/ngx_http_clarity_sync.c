/*
 * From what a follower reads of Redis to the snapshot that requests are
 * answered from. One record that cannot be read takes no other down, and what
 * there is no room for leaves the webhooks as they were.
 */

#include "ngx_http_clarity_registry.h"


static ngx_int_t ngx_http_clarity_read_records(
    ngx_http_clarity_sync_t *sync, const redisReply *reply,
    clarity_webhook_t *records, size_t *n, uint64_t *revision);
static ngx_uint_t ngx_http_clarity_read_record(const redisReply *field,
    const redisReply *value, clarity_webhook_t *record,
    clarity_error_t *error);
static void ngx_http_clarity_to_snapshot(ngx_http_clarity_sync_t *sync,
    const clarity_webhook_t *record, clarity_snapshot_webhook_t *webhook);
static ngx_uint_t ngx_http_clarity_open_tokens(ngx_http_clarity_sync_t *sync,
    const clarity_webhook_t *record, clarity_snapshot_webhook_t *webhook);
static void ngx_http_clarity_unopened(ngx_http_clarity_sync_t *sync,
    clarity_snapshot_webhook_t *webhook,
    const clarity_webhook_token_t *sealed, clarity_seal_status_t status);
static void ngx_http_clarity_unserved(
    ngx_http_clarity_sync_t *sync, clarity_str_t webhook, const char *why);
static void ngx_http_clarity_bad(ngx_http_clarity_sync_t *sync,
    clarity_str_t webhook, const char *token, const char *why);


ngx_int_t
ngx_http_clarity_sync(ngx_http_clarity_sync_t *sync, const redisReply *reply)
{
    size_t                      i, n, max;
    uint64_t                    revision;
    ngx_int_t                   rc;
    ngx_uint_t                  nbad;
    clarity_buf_t               buf;
    clarity_webhook_t          *records;
    clarity_snapshot_webhook_t *webhooks;

    rc = NGX_ERROR;
    max = reply->elements / 2 + 1;
    nbad = sync->nbad;
    sync->nbad = 0;
    sync->nunserved = 0;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    records = ngx_alloc(max * sizeof(clarity_webhook_t), sync->log);
    webhooks = ngx_alloc(max * sizeof(clarity_snapshot_webhook_t), sync->log);

    if (records && webhooks
        && ngx_http_clarity_read_records(sync, reply, records, &n, &revision)
            == NGX_OK)
    {
        for (i = 0; i < n; i++) {
            ngx_http_clarity_to_snapshot(sync, &records[i], &webhooks[i]);
        }

        clarity_snapshot_build(webhooks, n, &buf);

        if (!buf.failed) {
            rc = ngx_http_clarity_publish(sync, &buf, revision);
        }
    }

    clarity_buf_free(&buf);
    ngx_free(webhooks);
    ngx_free(records);

    if (sync->nbad == 0) {
        ngx_memzero(sync->told, sizeof(sync->told));
    }

    if (sync->nbad > NGX_HTTP_CLARITY_TOLD && sync->nbad != nbad) {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
            "%ui webhooks or tokens in Redis are passed over, the first %i "
            "were told of; \"clarityctl webhooks\" has them all",
            sync->nbad, NGX_HTTP_CLARITY_TOLD);
    }

    return rc;
}


static ngx_int_t
ngx_http_clarity_read_records(ngx_http_clarity_sync_t *sync,
    const redisReply *reply, clarity_webhook_t *records, size_t *n,
    uint64_t *revision)
{
    size_t            i;
    ngx_int_t         number;
    const redisReply *field, *value;
    clarity_error_t   error;

    *n = 0;
    *revision = 0;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        field = reply->element[i];
        value = reply->element[i + 1];

        if (field->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING)
        {
            return NGX_ERROR;
        }

        if (ngx_strcmp(field->str, "revision") == 0) {
            number = ngx_atoi((u_char *) value->str, value->len);
            *revision = (number == NGX_ERROR) ? 0 : number;
            continue;
        }

        if (ngx_strncmp(field->str, "id:", 3) != 0) {
            continue;
        }

        if (ngx_http_clarity_read_record(field, value, &records[*n], &error))
        {
            (*n)++;
            continue;
        }

        ngx_http_clarity_bad(sync,
            (clarity_str_t){ field->str + 3, field->len - 3 }, NULL,
            error.text);
    }

    return NGX_OK;
}


/* A record under another's id would be a second one of that id. */

static ngx_uint_t
ngx_http_clarity_read_record(const redisReply *field, const redisReply *value,
    clarity_webhook_t *record, clarity_error_t *error)
{
    if (!clarity_webhook_read((clarity_str_t){ value->str, value->len },
            record, error))
    {
        return 0;
    }

    if (!clarity_str_is((clarity_str_t){ field->str + 3, field->len - 3 },
            record->id))
    {
        clarity_error(error, "the record is of the id %s", record->id);
        return 0;
    }

    return 1;
}


/* The strings stay the record's. */

static void
ngx_http_clarity_to_snapshot(ngx_http_clarity_sync_t *sync,
    const clarity_webhook_t *record, clarity_snapshot_webhook_t *webhook)
{
    const char *why;

    ngx_memzero(webhook, sizeof(clarity_snapshot_webhook_t));

    webhook->id = clarity_str(record->id);
    webhook->method = clarity_str(record->method);
    webhook->endpoint = clarity_str(record->endpoint);
    webhook->trigger = clarity_str(record->trigger);
    webhook->active = record->active;
    webhook->rules = record->rules;
    webhook->status = record->status;
    webhook->idempotency = clarity_webhook_idempotency(record,
        CLARITY_SNAPSHOT_INHERIT);
    webhook->revision = record->revision;

    why = NULL;

    if (clarity_triggers_find(sync->cmcf->triggers, webhook->trigger)
        == NULL)
    {
        why = "trigger";
        ngx_http_clarity_bad(sync, webhook->id, NULL,
            "its trigger is not in the file of \"clarity_triggers\"");

    } else if (ngx_http_clarity_shadow(sync->cmcf, webhook->endpoint)) {
        why = "location";
        ngx_http_clarity_bad(sync, webhook->id, NULL,
            "nginx.conf leads its address to another location");
    }

    if (!ngx_http_clarity_open_tokens(sync, record, webhook) && why == NULL) {
        why = webhook->ntokens ? "some_tokens" : "token";
    }

    if (why) {
        ngx_http_clarity_unserved(sync, webhook->id, why);
    }
}


/*
 * 0: not all of them could be. One that cannot be opened is none: whoever
 * writes to Redis cannot make one.
 */

static ngx_uint_t
ngx_http_clarity_open_tokens(ngx_http_clarity_sync_t *sync,
    const clarity_webhook_t *record, clarity_snapshot_webhook_t *webhook)
{
    char                           token[CLARITY_SEAL_TEXT_MAX + 1];
    size_t                         i, len;
    ngx_uint_t                     all;
    clarity_seal_status_t          status;
    clarity_snapshot_token_t      *t;
    const clarity_webhook_token_t *sealed;

    all = 1;

    for (i = 0; i < record->ntokens; i++) {
        sealed = &record->tokens[i];

        status = clarity_unseal(sync->cmcf->keys, clarity_str(sealed->sealed),
            webhook->id, clarity_str(sealed->id), token, &len);

        if (status != CLARITY_SEAL_OK) {
            ngx_http_clarity_unopened(sync, webhook, sealed, status);
            all = 0;
            continue;
        }

        t = &webhook->tokens[webhook->ntokens];

        if (clarity_token_digest(sync->cmcf->sha256,
                (clarity_str_t){ token, len }, &t->digest))
        {
            t->id = clarity_str(sealed->id);
            t->expires = sealed->expires_at;
            webhook->ntokens++;
        }

        ngx_explicit_memzero(token, sizeof(token));
    }

    return all;
}


/*
 * Where its key is not in our file the fault is ours, and the sender's token
 * may be good: it is not known then that another one is wrong. What was
 * changed in Redis is nobody's token.
 */

static void
ngx_http_clarity_unopened(ngx_http_clarity_sync_t *sync,
    clarity_snapshot_webhook_t *webhook,
    const clarity_webhook_token_t *sealed, clarity_seal_status_t status)
{
    char          why[128];
    uint64_t      until;
    clarity_str_t key;

    if (status != CLARITY_SEAL_UNKNOWN_KEY) {
        ngx_http_clarity_bad(sync, webhook->id, sealed->id,
            clarity_seal_status_text(status));
        return;
    }

    until = sealed->expires_at ? sealed->expires_at : UINT64_MAX;
    webhook->unopened = ngx_max(webhook->unopened, until);

    key = clarity_sealed_key_id(clarity_str(sealed->sealed));

    *ngx_snprintf((u_char *) why, sizeof(why) - 1,
        "is sealed with the key \"%*s\", which is not in the file of "
        "\"clarity_token_key_file\"", key.len, key.data)
        = '\0';

    ngx_http_clarity_bad(sync, webhook->id, sealed->id, why);
}


/* For the report: the first ones. */

static void
ngx_http_clarity_unserved(
    ngx_http_clarity_sync_t *sync, clarity_str_t webhook, const char *why)
{
    ngx_http_clarity_unserved_t *unserved;

    if (sync->nunserved++ < NGX_HTTP_CLARITY_UNSERVED) {
        unserved = &sync->unserved[sync->nunserved - 1];

        *ngx_cpymem(unserved->id, webhook.data,
            ngx_min(webhook.len, CLARITY_WEBHOOK_ID_LEN)) = '\0';
        unserved->why = why;
    }
}


/*
 * token NULL: it is the webhook that is passed over. The same is told once, as
 * long as it lasts: the webhooks are read at each change of any.
 */

static void
ngx_http_clarity_bad(ngx_http_clarity_sync_t *sync, clarity_str_t webhook,
    const char *token, const char *why)
{
    uint64_t    hash;
    const char *p;
    ngx_uint_t  i, told;

    /* FNV-1a */
    hash = 0xcbf29ce484222325;

    for (i = 0; i < webhook.len; i++) {
        hash = (hash ^ (u_char) webhook.data[i]) * 0x100000001b3;
    }

    for (p = token ? token : ""; *p; p++) {
        hash = (hash ^ (u_char) *p) * 0x100000001b3;
    }

    for (p = why; *p; p++) {
        hash = (hash ^ (u_char) *p) * 0x100000001b3;
    }

    if (++sync->nbad > NGX_HTTP_CLARITY_TOLD) {
        return;
    }

    told = 0;

    for (i = 0; i < NGX_HTTP_CLARITY_TOLD; i++) {
        told |= sync->told[i] == hash;
    }

    if (told) {
        return;
    }

    /* a new one takes the place of the oldest */
    sync->told[sync->ntold++ % NGX_HTTP_CLARITY_TOLD] = hash;

    webhook.len = ngx_min(webhook.len, CLARITY_WEBHOOK_ID_LEN);

    if (token) {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
            "the token %s of the webhook %*s in Redis is not good for "
            "requests: it %s", token, webhook.len, webhook.data, why);

    } else {
        ngx_log_error(NGX_LOG_ERR, sync->log, 0,
            "the webhook %*s in Redis is passed over: %s", webhook.len,
            webhook.data, why);
    }
}
