/*
 * A page of a list of jobs, put together from one call a shard. No call looks
 * at more than 500 jobs, or reads more than some 4 MB of entries, so a page
 * may have fewer than it could, and yet another one after it.
 *
 * Their order, which is that of what Redis has them in:
 *
 *   all, succeeded, cancelled   the newest first; of the recent ones, and of
 *                               those in the stream ("all")
 *   queued                      who came to the stream last first
 *   failed                      who failed last first
 *   running                     who has been in hand for longest first
 *   waiting                     who is due first
 *
 * Equal ones of several shards stand by their shards.
 */

#ifndef CLARITY_JOB_LISTING_H
#define CLARITY_JOB_LISTING_H

#include "job/id.h"
#include "job/key.h"
#include "job/script.h"
#include "job/state.h"
#include "json/buf.h"

#define CLARITY_LISTING_MAX 200 /* jobs of a page */

typedef enum {
    CLARITY_LISTING_ALL,
    CLARITY_LISTING_QUEUED,
    CLARITY_LISTING_RUNNING,
    CLARITY_LISTING_WAITING,
    CLARITY_LISTING_FAILED,
    CLARITY_LISTING_SUCCEEDED,
    CLARITY_LISTING_CANCELLED
} clarity_listing_which_t;

/* Where a page ends, and the next one goes on. */
typedef struct {
    uint64_t ms; /* of an entry or a job's id; when it is due */
    uint64_t seq;
    clarity_job_id_t id;
} clarity_listing_place_t;

typedef struct {
    clarity_listing_place_t at;
    clarity_buf_t json;
} clarity_listing_job_t;

typedef struct {
    clarity_listing_which_t which;
    size_t limit;
    bool goes_on; /* after: */
    clarity_listing_place_t after;

    clarity_listing_job_t *jobs;
    size_t n;
    size_t size;
    bool more; /* from: */
    clarity_listing_place_t next;
} clarity_listing_t;

/* "": all. false: no state of a job's. */
bool clarity_listing_which(
    clarity_str_t state, clarity_listing_which_t *which);

/* limit: 1 to CLARITY_LISTING_MAX. Free it in any case. */
void clarity_listing_init(
    clarity_listing_t *list, clarity_listing_which_t which, size_t limit);
void clarity_listing_free(clarity_listing_t *list);

/* The "next" of the page before. false: it is none. */
bool clarity_listing_after(clarity_listing_t *list, clarity_str_t next);

/*
 * KEYS: stream, failed, delayed, recent. ARGV: group, what stands before an id
 * in the key of a job's hash, shard, state, limit, key to go on after (empty:
 * from the start), "1" if that one itself is to be seen, its job. {key, job of
 * the last that was looked at, both empty if there is no more; then, a job,
 * key, id, state, trigger, webhook, reason, received, when it is due}.
 */
const clarity_script_t *clarity_listing_script(clarity_listing_which_t which);

#define CLARITY_LISTING_KEYS 4
#define CLARITY_LISTING_ARGS (3 + CLARITY_LISTING_KEYS + 8)

typedef struct {
    clarity_key_t keys[CLARITY_LISTING_KEYS];
    clarity_key_t hashes;
    char shard[12];
    char limit[24];
    char start[CLARITY_ENTRY_ID_MAX];
    char at[CLARITY_JOB_ID_MAX];
    clarity_str_t argv[CLARITY_LISTING_ARGS];
} clarity_listing_call_t;

/* EVAL … for that shard. argv points into the call and static text. */
void clarity_listing_call(clarity_listing_call_t *call,
    const clarity_listing_t *list, clarity_str_t prefix, unsigned shard);

typedef enum {
    CLARITY_LISTING_OK,
    CLARITY_LISTING_NO_MEMORY,
    CLARITY_LISTING_UNREADABLE /* that is no answer of the script's */
} clarity_listing_status_t;

/* Takes a shard's answer, whose n strings these are. */
clarity_listing_status_t clarity_listing_add(
    clarity_listing_t *list, const clarity_str_t *reply, size_t n);

/* When all shards have answered: {"jobs":[{"job_id","trigger","webhook",
 * "state","reason","received_at","next_at"}],"next":"…"}; null: no more. */
void clarity_listing_write(const clarity_listing_t *list, clarity_buf_t *buf);

#endif
