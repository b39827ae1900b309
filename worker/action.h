/*
 * One attempt of an action, whatever its type: while it is under way, and what
 * it came to.
 */

#ifndef CLARITY_WORKER_ACTION_H
#define CLARITY_WORKER_ACTION_H

#include <stdint.h>

#include "json/str.h"
#include "worker/hosts.h"

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

/*
 * An attempt under way, or in line. Each type of action has a record of its
 * own, of which this is the first member.
 */
typedef struct clarity_work_s clarity_work_t;

struct clarity_work_s {
    clarity_turn_t turn;

    /* Gives it up, and frees it: what it came to is not told. */
    void (*cancel)(clarity_work_t *work);
};

static inline bool
clarity_work_waits(const clarity_work_t *work)
{
    return !work->turn.active;
}

#endif
