/*
 * The Lua of what people do with jobs by hand. A job that has ended or waits
 * outside of the stream is nobody's, and is changed at once, if it is still as
 * the caller saw it; of one that a worker may have only the wish is noted.
 */

#ifndef CLARITY_JOB_HAND_SCRIPT_H
#define CLARITY_JOB_HAND_SCRIPT_H

#include "job/script.h"

/*
 * KEYS: stream, job hash, failed. ARGV: the entry of the failed stream that
 * the caller saw in the hash, job id, how many of the following are to be set,
 * field, value …, then fields to be deleted. Puts the job back into the
 * stream. 1; 0: it is not as it was seen; -1: it has no context any more.
 */
extern const clarity_script_t clarity_script_retry;

/*
 * KEYS: job hash, delayed. ARGV: job id, its score as the caller saw it, TTL
 * in ms, then field, value … Ends a delayed job. 1; 0: it is not delayed, or
 * was seen with another score.
 */
extern const clarity_script_t clarity_script_cancel_delayed;

/*
 * KEYS: stream, job hash, delayed. ARGV: job id, its score as the caller saw
 * it. Puts a delayed job back into the stream, to be cancelled: for one of
 * which a run has failed, so that it ends as all that have failed. 1; 0: as
 * above; -1: there is nothing that could be put back.
 */
extern const clarity_script_t clarity_script_cancel_back;

/*
 * KEYS: job hash, delayed. ARGV: job id. Notes that the job is to be
 * cancelled, which its worker is told with its next write. 1; 0: it has ended;
 * -1: it is delayed.
 */
extern const clarity_script_t clarity_script_cancel;

/*
 * KEYS: stream, job hash, failed. ARGV: group, entry of the job's id. Deletes
 * what there is of a job that has ended: its context and its steps' results at
 * once, all the rest once its entries are gone from the stream, which go in
 * their order. 1; 0: jobs that came before it have not ended, so that its
 * entry stays for now; -1: it has not ended; -2: there is none.
 */
extern const clarity_script_t clarity_script_erase;

#endif
