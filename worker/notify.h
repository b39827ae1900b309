/*
 * What the service manager is told: sd_notify(3)'s protocol, a datagram to the
 * socket that NOTIFY_SOCKET names. Without that nothing is done.
 */

#ifndef CLARITY_WORKER_NOTIFY_H
#define CLARITY_WORKER_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "STATUS=…"; lines. What is lost is lost. */
void clarity_notify(const char *text);

/* RELOADING=1, with the time that systemd wants beside it. */
void clarity_notify_reloading(void);

/* ms between two "WATCHDOG=1"; 0: none is wanted. */
uint64_t clarity_notify_watchdog(void);

#endif
