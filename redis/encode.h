/*
 * A command in Redis' protocol: *<argc> CR LF, and for each argument $<length>
 * CR LF <bytes> CR LF. Written here and not by hiredis'
 * redisFormatCommandArgv(), which takes four times as long (a sprintf an
 * argument, a malloc, a copy) for the one command of every request.
 */

#ifndef CLARITY_REDIS_ENCODE_H
#define CLARITY_REDIS_ENCODE_H

#include "json/buf.h"

/*
 * Adds it to buf. false: nothing has changed; out of memory, or no command
 * that Redis takes.
 */
bool clarity_redis_encode(
    clarity_buf_t *buf, size_t argc, const clarity_str_t *argv);

#endif
