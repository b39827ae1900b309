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

/*
 * Why the Redis that answered ROLE so is no place for what is to last, as
 * static text; NULL: it is a primary, or does not tell. A replica that takes
 * writes (replica-read-only no) loses them with its next sync, and a sentinel
 * keeps nothing.
 */
const char *clarity_redis_role_refused(const redisReply *reply);

#endif
