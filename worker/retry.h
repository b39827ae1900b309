/*
 * When a failed attempt is made again.
 */

#ifndef CLARITY_WORKER_RETRY_H
#define CLARITY_WORKER_RETRY_H

#include <time.h>

#include "workflow/workflow.h"

/*
 * ms to wait after so many attempts (from 1): doubles from delay to max_delay,
 * and of that anything from 0 on ("full jitter"), lest all jobs that an
 * endpoint refused come back to it at once; all of it where the workflow wants
 * no jitter. random is any 32 bits. What the endpoint asks for itself, in ms,
 * is the least, up to a day; up to a twentieth is added to that.
 */
uint64_t clarity_retry_delay(const clarity_retry_t *retry, unsigned attempts,
    uint64_t retry_after, uint32_t random);

/*
 * The header Retry-After (RFC 9110, section 10.2.3) in ms: seconds, or a date,
 * which counts from that of the answer (date; NULL: from now, in s since
 * 1970), for the two clocks may differ. 0: none that can be understood, or
 * past.
 */
uint64_t clarity_retry_after(const char *text, const char *date, time_t now);

#endif
