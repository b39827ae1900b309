/*
 * Time in ms: libevent's timers take it in parts, clocks give it so.
 */

#ifndef CLARITY_WORKER_TIMER_H
#define CLARITY_WORKER_TIMER_H

#include <stdint.h>

struct event;

/* The timer (evtimer_new) fires in so many ms; anew if it was armed. */
void clarity_timer_arm(struct event *timer, uint64_t ms);

/* Of a clock that never goes back. */
uint64_t clarity_clock_ms(void);

/* Since 1970. */
uint64_t clarity_time_ms(void);

#endif
