/*
 * The Lua of the action publish: sends a message and remembers that it was
 * sent, both or neither.
 */

#ifndef CLARITY_JOB_PUBLISH_SCRIPT_H
#define CLARITY_JOB_PUBLISH_SCRIPT_H

#include "job/script.h"

typedef enum {
    CLARITY_PUBLISH_NOT_OWNER = 0,
    CLARITY_PUBLISH_SENT = 1,
    CLARITY_PUBLISH_NO_STREAM = 2, /* the key holds something else */
    CLARITY_PUBLISH_NOT_ALLOWED = 3
} clarity_publish_reply_t;

/*
 * KEYS: stream, job hash, and the key of a stream that is published to. ARGV:
 * group, consumer, entry, field, value, then the command (XADD or PUBLISH)
 * with its arguments. Gives it, and sets the field of the hash; where that has
 * the value already it was given before. A clarity_publish_reply_t.
 */
extern const clarity_script_t clarity_script_publish;

#endif
