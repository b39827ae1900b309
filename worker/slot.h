/*
 * Slots: how many jobs a worker may work on at once. A job that only waits
 * for a time rests, and leaves its slot to others; when its time has come it
 * needs one again, and stands in line for it before any new job.
 */

#ifndef CLARITY_WORKER_SLOT_H
#define CLARITY_WORKER_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/*
 * So many jobs may rest in a process: their contexts are in its memory, and
 * their leases are renewed. Those beyond count as if they were worked on.
 */
#define CLARITY_RESTING_MAX 10000

typedef struct clarity_slot_s {
    void *owner;
    bool resting;
    bool in_line;
    TAILQ_ENTRY(clarity_slot_s) line;
} clarity_slot_t;

typedef struct {
    size_t most;
    size_t held; /* jobs, the resting ones too */
    size_t resting;
    TAILQ_HEAD(clarity_slot_line, clarity_slot_s) line;
} clarity_slots_t;

void clarity_slots_init(clarity_slots_t *slots, size_t most);

/* How many more jobs may be taken. */
size_t clarity_slots_free(const clarity_slots_t *slots);

/* A job that came, even where no slot is free for it. */
void clarity_slot_take(
    clarity_slots_t *slots, clarity_slot_t *slot, void *owner);

/* The job has ended, from whatever state it was in. */
void clarity_slot_leave(clarity_slots_t *slots, clarity_slot_t *slot);

/* It must not rest yet. */
void clarity_slot_rest(clarity_slots_t *slots, clarity_slot_t *slot);

/*
 * true: it rests no more, or did not. false: it stands in line, and
 * clarity_slots_next() will bring it.
 */
bool clarity_slot_wake(clarity_slots_t *slots, clarity_slot_t *slot);

/* It wants to be woken no more. */
void clarity_slot_leave_line(clarity_slots_t *slots, clarity_slot_t *slot);

/* The first in line, which rests no more; NULL: there is none, or no slot. */
clarity_slot_t *clarity_slots_next(clarity_slots_t *slots);

#endif
