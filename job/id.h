/*
 * A job's id is <shard>-<stream entry id>: 0-1732000000000-0. It finds the
 * job without an index.
 */

#ifndef CLARITY_JOB_ID_H
#define CLARITY_JOB_ID_H

#include <stdint.h>

#include "json/str.h"

typedef struct {
    unsigned shard;
    uint64_t ms;  /* the entry id's milliseconds since 1970 */
    uint64_t seq; /* and its sequence number */
} clarity_job_id_t;

/* Bytes with the NUL: numbers of up to 10 and 20 digits, dashes. */
#define CLARITY_JOB_ID_MAX   (10 + 1 + 20 + 1 + 20 + 1)
#define CLARITY_ENTRY_ID_MAX (20 + 1 + 20 + 1)

/*
 * Strict: digits and two dashes, no leading zeros, no overflow, a shard below
 * CLARITY_MAX_SHARDS. *id is set only on true.
 */
bool clarity_job_id_parse(clarity_str_t text, clarity_job_id_t *id);

/* A stream entry id, 1732000000000-0, of that shard. */
bool clarity_job_id_from_entry(
    clarity_str_t entry, unsigned shard, clarity_job_id_t *id);

/* Both return the length, without the NUL that they add. */
size_t clarity_job_id_format(
    const clarity_job_id_t *id, char out[CLARITY_JOB_ID_MAX]);
size_t clarity_job_id_entry(
    const clarity_job_id_t *id, char out[CLARITY_ENTRY_ID_MAX]);

#endif
