/*
 * One of the worker's connections, with what it does before it is READY: see
 * that Redis holds what this worker understands, and, on the one that reads,
 * that the consumer group is there.
 */

#ifndef CLARITY_WORKER_LINK_H
#define CLARITY_WORKER_LINK_H

#include "conf/conf.h"
#include "job/key.h"
#include "redis/redis_event.h"
#include "worker/audit.h"
#include "worker/log.h"

struct event_base;

typedef struct {
    struct event_base *base;
    clarity_log_t *log;
    const clarity_conf_t *conf;
    const char *name; /* "reader": for the log and CLIENT SETNAME */
    bool makes_group; /* and learns its CLIENT ID, and audits Redis */

    void *owner;
    void (*ready)(void *owner);

    /* The prefix is in use by something that this worker must not touch, or
     * Redis is too old. */
    void (*refused)(void *owner, const char *reason);
} clarity_link_conf_t;

typedef struct {
    clarity_link_conf_t conf;
    clarity_redis_event_t *redis;
    clarity_redis_session_t *session; /* in its setup */
    clarity_key_t meta;
    clarity_key_t stream;
    clarity_key_t mark;
    clarity_worker_audit_t audit;
    clarity_redis_audit_t told; /* of it, and of who asks again */
    char shards[12];            /* for the setup's commands */
    char client[32];            /* CLIENT ID; "": not known */
} clarity_link_t;

/* Starts to connect; link must stay where it is. false: out of memory. */
bool clarity_link_open(clarity_link_t *link, const clarity_link_conf_t *conf);

/* Of a zeroed one too. Not from a callback. */
void clarity_link_close(clarity_link_t *link);

bool clarity_link_is_ready(const clarity_link_t *link);

/* From a callback of a command: the connection is made anew. */
void clarity_link_renew(clarity_link_t *link, const char *reason);

#endif
