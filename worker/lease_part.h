/* The parts of leases: for lease.c and lease_write.c. */

#ifndef CLARITY_WORKER_LEASE_PART_H
#define CLARITY_WORKER_LEASE_PART_H

#include "worker/lease.h"

#define CLARITY_BEATS_MAX 64

struct clarity_leases_s {
    clarity_leases_conf_t conf;
    clarity_key_t stream;
    clarity_key_t delayed;
    clarity_key_t failed;
    struct event *timer; /* of the heartbeat */
    uint64_t beaten_at;

    /* clarity_clock_ms(): when the heartbeat began that Redis answered last.
     * What is held still was, and what came later is younger. */
    uint64_t sure_at;

    uint64_t back_at; /* clarity_clock_ms(), of the last connection */

    /* When each began that has not been answered; further ones have none. */
    uint64_t began[CLARITY_BEATS_MAX];
    size_t beats;
    size_t unanswered;
    clarity_slots_t slots;
    bool hold;
    clarity_lease_t *first;
    void *by_entry; /* tsearch()'s, of the same */
};

/* ended comes, and the lease is freed. */
void clarity_lease_end(clarity_lease_t *lease, clarity_lease_end_t end);

#endif
