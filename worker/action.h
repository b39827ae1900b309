/*
 * What one attempt of an action came to, whatever its type.
 */

#ifndef CLARITY_WORKER_ACTION_H
#define CLARITY_WORKER_ACTION_H

#include <stdint.h>

#include "json/str.h"

typedef enum {
    CLARITY_ATTEMPT_SUCCEEDED,
    CLARITY_ATTEMPT_FAILED, /* and would fail again */
    CLARITY_ATTEMPT_RETRY   /* a later one may do better */
} clarity_attempt_verdict_t;

#define CLARITY_REASON_MAX 256

typedef struct {
    clarity_attempt_verdict_t verdict;
    char reason[CLARITY_REASON_MAX]; /* for people; "" if it succeeded */
    unsigned status;                 /* of the answer; 0: there is none */
    uint64_t retry_after;            /* ms that the answer asks for */
    clarity_str_t body;              /* valid during the callback */
} clarity_attempt_t;

#endif
