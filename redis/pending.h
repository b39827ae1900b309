/*
 * The commands of a session that are owed a callback, oldest first: a ring
 * that grows.
 */

#ifndef CLARITY_REDIS_PENDING_H
#define CLARITY_REDIS_PENDING_H

#include "redis/session.h"

typedef struct {
    clarity_redis_reply_pt callback;
    void *data;

    /*
     * Where its first byte stands. In flight: among all bytes that were ever
     * put out, as the session's `sent` counts. Held: in the held bytes.
     */
    uint64_t start;

    uint64_t time;    /* in flight: its deadline; held: its timeout, ms */
    size_t max_reply; /* bytes; 0: no limit */
} clarity_redis_pending_t;

/* Zeroed, it is empty. */
typedef struct {
    clarity_redis_pending_t *items; /* owned */
    size_t cap;                     /* 0 or a power of two */
    size_t head;
    size_t count;
} clarity_redis_ring_t;

/* Room for one more. false: out of memory, and nothing has changed. */
bool clarity_redis_ring_reserve(clarity_redis_ring_t *ring);

/* There is room. */
void clarity_redis_ring_push(
    clarity_redis_ring_t *ring, const clarity_redis_pending_t *pending);

/* There is one; the memory of a burst goes back with its last. */
clarity_redis_pending_t clarity_redis_ring_pop(clarity_redis_ring_t *ring);

/*
 * Calls every callback, in order: UNKNOWN for those that start below `sent`,
 * NOT_SENT for the others. Frees the memory. The ring must be nobody else's:
 * callbacks give commands.
 */
void clarity_redis_ring_give_up(clarity_redis_ring_t *ring, uint64_t sent);


/* The i-th, from the oldest. */
static inline clarity_redis_pending_t *
clarity_redis_ring_at(const clarity_redis_ring_t *ring, size_t i)
{
    return &ring->items[(ring->head + i) & (ring->cap - 1)];
}

#endif
