/*
 * Redis' error replies and what each means to us.
 */

#ifndef CLARITY_REDIS_REPLY_ERROR_H
#define CLARITY_REDIS_REPLY_ERROR_H

#include "json/str.h"

typedef enum {
    CLARITY_REDIS_ERR_OOM,
    CLARITY_REDIS_ERR_MISCONF,
    CLARITY_REDIS_ERR_READONLY,
    CLARITY_REDIS_ERR_LOADING,
    CLARITY_REDIS_ERR_MASTERDOWN,
    CLARITY_REDIS_ERR_NOREPLICAS,
    CLARITY_REDIS_ERR_CLUSTERDOWN,
    CLARITY_REDIS_ERR_TRYAGAIN,
    CLARITY_REDIS_ERR_MOVED,
    CLARITY_REDIS_ERR_ASK,
    CLARITY_REDIS_ERR_BUSY,
    CLARITY_REDIS_ERR_NOAUTH,
    CLARITY_REDIS_ERR_WRONGPASS,
    CLARITY_REDIS_ERR_NOPERM,
    CLARITY_REDIS_ERR_NOSCRIPT,
    CLARITY_REDIS_ERR_NOGROUP,
    CLARITY_REDIS_ERR_BUSYGROUP,
    CLARITY_REDIS_ERR_UNBLOCKED,
    CLARITY_REDIS_ERR_EXECABORT,
    CLARITY_REDIS_ERR_WRONGTYPE,
    CLARITY_REDIS_ERR_DENIED,
    CLARITY_REDIS_ERR_MAXCLIENTS,
    CLARITY_REDIS_ERR_HALFSTORED, /* of our own script: job/enqueue.h */
    CLARITY_REDIS_ERR_FOREIGN,    /* likewise */
    CLARITY_REDIS_ERR_OTHER       /* ERR and whatever is not in the table */
} clarity_redis_error_code_t;

/* Of the command that was answered so. */
typedef enum {
    CLARITY_REDIS_NOT_DONE, /* nothing was changed */
    CLARITY_REDIS_NO_ROOM,  /* nor that, for want of memory */
    CLARITY_REDIS_HALF_DONE /* it is not known what was */
} clarity_redis_fate_t;

typedef struct {
    clarity_redis_error_code_t code;
    const char *prefix;  /* the reply's first word */
    const char *meaning; /* what it says and who mends it, for a log line */
    bool reconnect;      /* another connection may do better: drop this one */
    clarity_redis_fate_t fate;
} clarity_redis_error_info_t;

/* By the first word of an error reply, or more of one with ERR; never NULL. */
const clarity_redis_error_info_t *clarity_redis_error_info(
    clarity_str_t message);

#define CLARITY_REDIS_WHERE_MAX 64

/*
 * What was refused, as far as the message tells: a command, as Redis names it
 * or a script of ours that ends its error with "[COMMAND]", or a script's line;
 * else "". In words of ours: nothing else of a message may go into a log.
 */
void clarity_redis_error_where(
    clarity_str_t message, char where[CLARITY_REDIS_WHERE_MAX]);

#endif
