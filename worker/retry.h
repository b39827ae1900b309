/*
 * When a failed attempt is made again.
 */

#ifndef CLARITY_WORKER_RETRY_H
#define CLARITY_WORKER_RETRY_H

#include "workflow/workflow.h"

/*
 * ms to wait after so many attempts (from 1): doubles from delay to max_delay,
 * and of that anything from 0 on ("full jitter"), lest all jobs that an
 * endpoint refused come back to it at once. random is any 32 bits.
 */
uint64_t clarity_retry_delay(
    const clarity_retry_t *retry, unsigned attempts, uint32_t random);

#endif
