/*
 * Is this Redis fit to keep jobs? Asked in a link's setup, and told to the log
 * as warnings, after a reconnect only where it is new.
 */

#ifndef CLARITY_WORKER_AUDIT_H
#define CLARITY_WORKER_AUDIT_H

#include "redis/audit.h"
#include "redis/session.h"
#include "worker/log.h"

typedef struct {
    clarity_log_t *log;

    /* It is too old to work with. reason is valid during the call. */
    void (*refused)(void *owner, const char *reason);
    void *owner;

    clarity_redis_session_t *session;
    char *info; /* INFO's reply, until CONFIG GET is answered; NULL: none */
    size_t info_len;
    int info_type;               /* REDIS_REPLY_STRING or _ERROR */
    clarity_redis_audit_t found; /* at the last connect */
} clarity_worker_audit_t;

/*
 * Gives the commands. log, refused and owner are set, the rest was zero at
 * first. false: out of memory.
 */
bool clarity_worker_audit(
    clarity_worker_audit_t *audit, clarity_redis_session_t *session);

#endif
