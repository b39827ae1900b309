#include "job/key.h"

#include <stdio.h>

#define DIGEST_MAX 32 /* bytes of a digest that are looked at */

static void set_key(
    clarity_key_t *key, clarity_str_t prefix, const char *name);
static void set_shard_key(clarity_key_t *key, clarity_str_t prefix,
    unsigned shard, const char *name);


const char *
clarity_prefix_refused(clarity_str_t prefix)
{
    size_t i;
    unsigned char c;

    if (prefix.len == 0) {
        return "is empty";
    }

    if (prefix.len > CLARITY_PREFIX_MAX) {
        return "is longer than 64 bytes";
    }

    for (i = 0; i < prefix.len; i++) {
        c = (unsigned char) prefix.data[i];

        /* They would move the hash tag, and a shard's keys apart. */
        if (c == '{' || c == '}') {
            return "holds a brace";
        }

        /* Seen in ACL patterns, SCAN and by people who type them. */
        if (c <= ' ' || c >= 0x7f || strchr("*?[]\\\"'", c) != NULL) {
            return "holds a byte that is no printable ASCII, a space, a quote"
                   " or one of *?[]\\";
        }
    }

    return NULL;
}


void
clarity_key_jobs(clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "jobs");
}


void
clarity_key_job(
    clarity_key_t *key, clarity_str_t prefix, const clarity_job_id_t *id)
{
    char text[CLARITY_JOB_ID_MAX];

    clarity_job_id_format(id, text);

    key->len = (size_t) snprintf(key->data, sizeof(key->data),
        "{%.*s:%u}:job:%s", clarity_fmt(prefix), id->shard, text);
}


void
clarity_key_job_prefix(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "job:");
}


void
clarity_key_delayed(clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "delayed");
}


void
clarity_key_idem(clarity_key_t *key, clarity_str_t prefix, unsigned shard,
    clarity_str_t name)
{
    if (name.len > CLARITY_IDEM_NAME_MAX) {
        name.len = CLARITY_IDEM_NAME_MAX;
    }

    key->len = (size_t) snprintf(key->data, sizeof(key->data),
        "{%.*s:%u}:idem:%.*s", clarity_fmt(prefix), shard, clarity_fmt(name));
}


void
clarity_key_failed(clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "failed");
}


void
clarity_key_recent(clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "recent");
}


void
clarity_key_mark(clarity_key_t *key, clarity_str_t prefix, unsigned shard)
{
    set_shard_key(key, prefix, shard, "mark");
}


void
clarity_key_workflow(clarity_key_t *key, clarity_str_t prefix, unsigned shard,
    clarity_str_t digest)
{
    char name[sizeof("workflow:") + DIGEST_MAX];

    snprintf(name, sizeof(name), "workflow:%.*s",
        (int) (digest.len < DIGEST_MAX ? digest.len : DIGEST_MAX),
        digest.data);

    set_shard_key(key, prefix, shard, name);
}


void
clarity_key_meta(clarity_key_t *key, clarity_str_t prefix)
{
    set_key(key, prefix, "meta");
}


void
clarity_key_webhooks(clarity_key_t *key, clarity_str_t prefix)
{
    set_key(key, prefix, "webhooks");
}


void
clarity_key_audit(clarity_key_t *key, clarity_str_t prefix)
{
    set_key(key, prefix, "audit");
}


void
clarity_key_workflows(clarity_key_t *key, clarity_str_t prefix)
{
    set_key(key, prefix, "workflows");
}


void
clarity_key_nginx(clarity_key_t *key, clarity_str_t prefix)
{
    set_key(key, prefix, "nginx");
}


/* One that belongs to no shard. */
static void
set_key(clarity_key_t *key, clarity_str_t prefix, const char *name)
{
    key->len = (size_t) snprintf(
        key->data, sizeof(key->data), "{%.*s}:%s", clarity_fmt(prefix), name);
}


static void
set_shard_key(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard, const char *name)
{
    key->len = (size_t) snprintf(key->data, sizeof(key->data), "{%.*s:%u}:%s",
        clarity_fmt(prefix), shard, name);
}
