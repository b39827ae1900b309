/*
 * What every session says first: AUTH, SELECT, CLIENT SETNAME, ROLE, pipelined.
 */

#ifndef CLARITY_REDIS_HANDSHAKE_H
#define CLARITY_REDIS_HANDSHAKE_H

#include "redis/session.h"

/*
 * Gives the commands, in SETUP. When the last is answered well, conf.setup
 * goes on, or the session gets READY; a refusal ends in
 * clarity_redis_refuse(). false: out of memory.
 */
bool clarity_redis_handshake(clarity_redis_session_t *session);

#endif
