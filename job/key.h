/*
 * Every Redis key, drawn in docs/jobs.md. A shard's keys share the hash tag
 * {PREFIX:N}, so that one Lua call reaches them all in a cluster.
 */

#ifndef CLARITY_JOB_KEY_H
#define CLARITY_JOB_KEY_H

#include "job/id.h"
#include "json/str.h"

#define CLARITY_PREFIX_MAX 64  /* bytes of a prefix */
#define CLARITY_KEY_MAX    160 /* bytes of any key */
#define CLARITY_MAX_SHARDS 256

#define CLARITY_IDEM_NAME_MAX 64 /* bytes; what is longer is cut */

#define CLARITY_GROUP "workers" /* the stream's consumer group */

typedef struct {
    char data[CLARITY_KEY_MAX]; /* NUL-terminated */
    size_t len;
} clarity_key_t;

static inline clarity_str_t
clarity_key_str(const clarity_key_t *key)
{
    return (clarity_str_t){ key->data, key->len };
}

/* NULL if it can be a prefix, else why not (empty, too long, braces, …). */
const char *clarity_prefix_refused(clarity_str_t prefix);

/* {PREFIX:N}:jobs — the stream. The prefix has been checked as above. */
void clarity_key_jobs(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/* {PREFIX:N}:job:<job id> — the job's hash, made when it is first needed. */
void clarity_key_job(
    clarity_key_t *key, clarity_str_t prefix, const clarity_job_id_t *id);

/* {PREFIX:N}:job: — what the keys of a shard's hashes begin with. */
void clarity_key_job_prefix(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/* {PREFIX:N}:delayed — sorted set: job ids by the ms at which they are due. */
void clarity_key_delayed(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/*
 * {PREFIX:N}:idem:<name> — an idempotency key's job: see job/enqueue.h. The
 * name is of CLARITY_IDEM_NAME_MAX bytes at most.
 */
void clarity_key_idem(clarity_key_t *key, clarity_str_t prefix, unsigned shard,
    clarity_str_t name);

/* {PREFIX:N}:failed — stream: the jobs that have failed. */
void clarity_key_failed(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/* {PREFIX:N}:recent — sorted set: jobs that have ended or waited, by age. */
void clarity_key_recent(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/* {PREFIX:N}:mark — string: the entry up to which all are acknowledged. */
void clarity_key_mark(
    clarity_key_t *key, clarity_str_t prefix, unsigned shard);

/* {PREFIX:N}:workflow:<digest> — string: the text of a workflow file. */
void clarity_key_workflow(clarity_key_t *key, clarity_str_t prefix,
    unsigned shard, clarity_str_t digest);

/* {PREFIX}:meta — hash: format, shards. */
void clarity_key_meta(clarity_key_t *key, clarity_str_t prefix);

/* {PREFIX}:webhooks — hash: those made at run time; also their channel. */
void clarity_key_webhooks(clarity_key_t *key, clarity_str_t prefix);

/* {PREFIX}:audit — stream: who changed which of them. */
void clarity_key_audit(clarity_key_t *key, clarity_str_t prefix);

/* {PREFIX}:workflows — hash: what each worker has loaded. */
void clarity_key_workflows(clarity_key_t *key, clarity_str_t prefix);

/* {PREFIX}:nginx — hash: which revision each nginx serves. */
void clarity_key_nginx(clarity_key_t *key, clarity_str_t prefix);

#endif
