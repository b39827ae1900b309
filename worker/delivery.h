/*
 * An entry of the stream as Redis delivered it, kept for as long as its job
 * is worked on.
 */

#ifndef CLARITY_WORKER_DELIVERY_H
#define CLARITY_WORKER_DELIVERY_H

#include <hiredis/hiredis.h>

#include "job/job.h"
#include "job/key.h"

typedef struct {
    char id[CLARITY_JOB_ID_MAX];      /* the job's */
    char entry[CLARITY_ENTRY_ID_MAX]; /* the entry's */
    clarity_key_t key;                /* of the job's hash */
    clarity_job_t job;                /* each string with a NUL after it */
    const char *fault;                /* why it is no job, or NULL */
    char *text;                       /* owns the job's strings */
} clarity_delivery_t;

/*
 * From [entry id, [field, value …]]. false: out of memory, or no entry, as
 * the nil is that Redis 6.2 has for one that was deleted.
 */
bool clarity_delivery_read(clarity_delivery_t *delivery,
    const redisReply *reply, clarity_str_t prefix, unsigned shard);

void clarity_delivery_free(clarity_delivery_t *delivery);

/* A string of a reply; empty if it is none. */
clarity_str_t clarity_reply_text(const redisReply *reply);

#endif
