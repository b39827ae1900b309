#include "worker/timer.h"

#include <event2/event.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock);


void
clarity_timer_arm(struct event *timer, uint64_t ms)
{
    struct timeval tv;

    tv.tv_sec = (time_t) (ms / 1000);
    tv.tv_usec = (suseconds_t) (ms % 1000 * 1000);

    evtimer_add(timer, &tv);
}


uint64_t
clarity_clock_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}


uint64_t
clarity_time_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}


static uint64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);

    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}
