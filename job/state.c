#include "job/state.h"

static const char *const state_names[] = {
    [CLARITY_QUEUED] = "queued",
    [CLARITY_PENDING] = "pending",
    [CLARITY_RUNNING] = "running",
    [CLARITY_WAITING] = "waiting",
    [CLARITY_SUCCEEDED] = "succeeded",
    [CLARITY_FAILED] = "failed",
    [CLARITY_CANCELLED] = "cancelled",
    [CLARITY_SKIPPED] = "skipped",
};

#define STATES (sizeof(state_names) / sizeof(state_names[0]))


const char *
clarity_state_name(clarity_state_t state)
{
    return state_names[state];
}


bool
clarity_state_parse(clarity_str_t name, clarity_state_t *state)
{
    size_t i;

    for (i = 0; i < STATES; i++) {
        if (clarity_str_is(name, state_names[i])) {
            *state = (clarity_state_t) i;
            return true;
        }
    }

    return false;
}


bool
clarity_state_is_final(clarity_state_t state)
{
    return state >= CLARITY_SUCCEEDED;
}
