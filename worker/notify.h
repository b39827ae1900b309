/*
 * What the service manager is told: sd_notify(3)'s protocol, a datagram to the
 * socket that NOTIFY_SOCKET names. Without that nothing is done.
 */

#ifndef CLARITY_WORKER_NOTIFY_H
#define CLARITY_WORKER_NOTIFY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* "READY=1", "STOPPING=1", "STATUS=…"; lines. What is lost is lost. */
void clarity_notify(const char *text);

/* RELOADING=1, with the time that systemd wants beside it. */
void clarity_notify_reloading(void);

/* ms between two "WATCHDOG=1"; 0: none is wanted. */
uint64_t clarity_notify_watchdog(void);

/*
 * Calls back as often, for ever; *watchdog is the caller's, and stays NULL where
 * no watchdog is wanted. false: out of memory.
 */
bool clarity_notify_arm_watchdog(struct event_base *base,
    event_callback_fn on_time, void *data, struct event **watchdog);

#endif
