/*
 * The Lua of each transition of a job: one atomic call, fenced by ownership:
 * it does nothing and answers 0 where the caller no longer owns the entry.
 *
 * Who owns an entry is what its stream's pending list says, so a worker that
 * was stopped past its lease cannot change a job that another took over.
 */

#ifndef CLARITY_JOB_SCRIPT_H
#define CLARITY_JOB_SCRIPT_H

#include "json/str.h"

/* ms that the text of a workflow is kept after it was used last. */
#define CLARITY_TEXT_KEPT "2592000000"

/* One more than the jobs that {PREFIX:N}:recent keeps, about. */
#define CLARITY_RECENT_PAST "10001"

typedef struct {
    const char *name; /* for messages */
    const char *lua;
} clarity_script_t;

/*
 * KEYS: stream, job hash. ARGV: group, consumer, entry, then field, value …
 * Sets the fields of the hash. 1; 2: done too, and the job is to be cancelled;
 * 0: not the owner.
 */
extern const clarity_script_t clarity_script_record;

/*
 * KEYS: stream, job hash. ARGV: group, consumer, entry, TTL in ms, then
 * field, value … Sets the fields, starts the TTL and acknowledges the entry.
 * 1; 0: not the owner.
 */
extern const clarity_script_t clarity_script_finish;

/*
 * The same for a job that has failed. KEYS: also failed. ARGV: after the TTL
 * also the job id, and a number of arguments, and so many of them: fields and
 * values of a job that comes of it (0: none), which is put into the stream.
 * Notes the failed one in the stream of failed jobs, and in the hash's field
 * "failed" where it stands there.
 */
extern const clarity_script_t clarity_script_fail;

/*
 * KEYS: stream. ARGV: group, consumer, entry … Renews the lease of every
 * entry that the consumer still owns. An array of the entries it does not.
 */
extern const clarity_script_t clarity_script_beat;

/*
 * KEYS: stream, job hash. ARGV: group, consumer, entry, idle in ms. Lets go of
 * an entry without a result, and says so in the hash: another worker's
 * take-over finds it. 1; 0: not the owner.
 */
extern const clarity_script_t clarity_script_release;

/*
 * KEYS: job hash. Of a job that was taken over from a worker that lives: what
 * was counted as a crash was none. Not fenced, as its worker has it no more;
 * one that is gone is not made again. 1; 0: it is gone.
 */
extern const clarity_script_t clarity_script_spare;

/*
 * KEYS: stream. ARGV: group, consumer, entry. Acknowledges an entry that is
 * nobody's job: that one has ended, or goes on under another entry. 1; 0: not
 * the owner.
 */
extern const clarity_script_t clarity_script_drop;

/*
 * KEYS: stream, job hash, delayed. ARGV: group, consumer, entry, job id, ms
 * until it is due, then field, value … More KEYS: the texts of the workflows of
 * its runs, which are kept for CLARITY_TEXT_KEPT longer than that. Sets the
 * fields, "context" among them,
 * and takes the job out of the stream until it is due, by Redis' clock. 1; 2:
 * not done, for the job is to be cancelled; 0: not the owner.
 */
extern const clarity_script_t clarity_script_delay;

/*
 * KEYS: stream, delayed. ARGV: what stands before a job id in the key of its
 * hash, how many at most. Puts the jobs that are due back into the stream.
 * {ms until the next is due or -1, how many were put back, then the id of each
 * that was due but has no hash any more}.
 */
extern const clarity_script_t clarity_script_promote;

/*
 * KEYS: stream, mark. ARGV: group. Drops entries that are acknowledged: never
 * one that is pending or not yet delivered. The mark says up to where all are
 * acknowledged. The number dropped.
 */
extern const clarity_script_t clarity_script_trim;

/*
 * KEYS: stream, mark. ARGV: group. Makes the group, and the stream; delivered
 * is what comes after the mark. The entry id after which that is; an error
 * where there is one (BUSYGROUP).
 */
extern const clarity_script_t clarity_script_group;

/*
 * KEYS: failed. ARGV: what stands before a job id in the key of its hash, how
 * many at most. Drops the oldest entries as long as their jobs' hashes are
 * gone, having been kept long enough. The number dropped.
 */
extern const clarity_script_t clarity_script_forget;

/*
 * KEYS: stream. ARGV: group, ms. Deletes consumers that have nothing pending
 * and were not heard of for so long. The number deleted.
 */
extern const clarity_script_t clarity_script_sweep;

/*
 * KEYS: a workflow's text. ARGV: ms, the text. Sets it, and keeps it for so long
 * at least. 1.
 */
extern const clarity_script_t clarity_script_keep_text;

#endif
