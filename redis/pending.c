#include "redis/pending.h"

#include <stdlib.h>

#define CLARITY_REDIS_RING_MIN  16 /* a power of two */
#define CLARITY_REDIS_RING_KEEP 4096


bool
clarity_redis_ring_reserve(clarity_redis_ring_t *ring)
{
    size_t i, cap;
    clarity_redis_pending_t *items;

    if (ring->count < ring->cap) {
        return true;
    }

    cap = ring->cap == 0 ? CLARITY_REDIS_RING_MIN : 2 * ring->cap;

    if (cap > SIZE_MAX / sizeof(*items)) {
        return false;
    }

    items = malloc(cap * sizeof(*items));
    if (items == NULL) {
        return false;
    }

    for (i = 0; i < ring->count; i++) {
        items[i] = *clarity_redis_ring_at(ring, i);
    }

    free(ring->items);
    ring->items = items;
    ring->cap = cap;
    ring->head = 0;

    return true;
}


void
clarity_redis_ring_push(
    clarity_redis_ring_t *ring, const clarity_redis_pending_t *pending)
{
    *clarity_redis_ring_at(ring, ring->count) = *pending;
    ring->count++;
}


clarity_redis_pending_t
clarity_redis_ring_pop(clarity_redis_ring_t *ring)
{
    clarity_redis_pending_t pending;

    pending = *clarity_redis_ring_at(ring, 0);
    ring->head++;
    ring->count--;

    if (ring->count == 0 && ring->cap > CLARITY_REDIS_RING_KEEP) {
        free(ring->items);
        memset(ring, 0, sizeof(*ring));
    }

    return pending;
}


void
clarity_redis_ring_give_up(clarity_redis_ring_t *ring, uint64_t sent)
{
    size_t i;
    clarity_redis_pending_t *pending;

    for (i = 0; i < ring->count; i++) {
        pending = clarity_redis_ring_at(ring, i);

        pending->callback(pending->data,
            pending->start < sent ? CLARITY_REDIS_UNKNOWN
                                  : CLARITY_REDIS_NOT_SENT,
            NULL);
    }

    free(ring->items);
    memset(ring, 0, sizeof(*ring));
}
