#include "worker/slot.h"

static bool can_wake(const clarity_slots_t *slots);
static size_t count_busy(const clarity_slots_t *slots);
static void wake(clarity_slots_t *slots, clarity_slot_t *slot);


void
clarity_slots_init(clarity_slots_t *slots, size_t most)
{
    slots->most = most;
    slots->held = slots->resting = 0;
    TAILQ_INIT(&slots->line);
}


size_t
clarity_slots_free(const clarity_slots_t *slots)
{
    size_t busy;

    busy = count_busy(slots);

    return busy < slots->most ? slots->most - busy : 0;
}


void
clarity_slot_take(clarity_slots_t *slots, clarity_slot_t *slot, void *owner)
{
    slot->owner = owner;
    slot->resting = slot->in_line = false;
    slots->held++;
}


void
clarity_slot_leave(clarity_slots_t *slots, clarity_slot_t *slot)
{
    if (slot->resting) {
        wake(slots, slot);
    }

    slots->held--;
}


void
clarity_slot_rest(clarity_slots_t *slots, clarity_slot_t *slot)
{
    slot->resting = true;
    slots->resting++;
}


bool
clarity_slot_wake(clarity_slots_t *slots, clarity_slot_t *slot)
{
    if (!slot->resting) {
        return true;
    }

    if (slot->in_line) {
        return false;
    }

    if (TAILQ_EMPTY(&slots->line) && can_wake(slots)) {
        wake(slots, slot);
        return true;
    }

    slot->in_line = true;
    TAILQ_INSERT_TAIL(&slots->line, slot, line);

    return false;
}


void
clarity_slot_leave_line(clarity_slots_t *slots, clarity_slot_t *slot)
{
    if (slot->in_line) {
        slot->in_line = false;
        TAILQ_REMOVE(&slots->line, slot, line);
    }
}


clarity_slot_t *
clarity_slots_next(clarity_slots_t *slots)
{
    clarity_slot_t *slot;

    slot = TAILQ_FIRST(&slots->line);

    if (slot == NULL || !can_wake(slots)) {
        return NULL;
    }

    wake(slots, slot);

    return slot;
}


/* One beyond the bound has a slot already: without that rule nothing would
 * ever move again if all were such. */
static bool
can_wake(const clarity_slots_t *slots)
{
    return slots->resting > CLARITY_RESTING_MAX
           || count_busy(slots) < slots->most;
}


static size_t
count_busy(const clarity_slots_t *slots)
{
    return slots->held
           - (slots->resting < CLARITY_RESTING_MAX ? slots->resting
                                                   : CLARITY_RESTING_MAX);
}


static void
wake(clarity_slots_t *slots, clarity_slot_t *slot)
{
    clarity_slot_leave_line(slots, slot);
    slot->resting = false;
    slots->resting--;
}
