/*
 * Is this Redis fit to keep jobs? Asked in a link's setup, and every few seconds
 * on a live connection. What is found is told to the log as a warning, once;
 * and so is that it is mended.
 */

#ifndef CLARITY_WORKER_AUDIT_H
#define CLARITY_WORKER_AUDIT_H

#include "redis/audit.h"
#include "redis/redis_event.h"
#include "worker/log.h"

typedef struct {
    clarity_log_t *log;

    /* It is too old to work with. reason is valid during the call. NULL: a
     * setup will find it. */
    void (*refused)(void *owner, const char *reason);
    void *owner;

    /* What was told last, by whichever connection. */
    clarity_redis_audit_t *told;

    clarity_redis_session_t *session;
    char *info; /* INFO's reply, until CONFIG GET is answered; NULL: none */
    size_t info_len;
    int info_type; /* REDIS_REPLY_STRING or _ERROR */
    bool asked;    /* of clarity_worker_audit_again() */
} clarity_worker_audit_t;

/*
 * Gives the commands in a setup. log, told, refused and owner are set, the rest
 * was zero at first. false: out of memory.
 */
bool clarity_worker_audit(
    clarity_worker_audit_t *audit, clarity_redis_session_t *session);

/* Gives them to a connection that is READY, unless they are under way. */
void clarity_worker_audit_again(
    clarity_worker_audit_t *audit, clarity_redis_event_t *redis);

#endif
