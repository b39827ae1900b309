/*
 * Questions to Redis, one after the other: each waits for its reply.
 */

#ifndef CLARITY_CLI_ASK_H
#define CLARITY_CLI_ASK_H

#include <hiredis/hiredis.h>

#include "cli/target.h"
#include "job/script.h"

typedef struct clarity_asker_s clarity_asker_t;

/*
 * Connects, and sees whether Redis is that of this version and of these
 * shards. NULL and *error; target must outlive the asker.
 */
clarity_asker_t *clarity_asker_open(
    const clarity_target_t *target, clarity_error_t *error);

/* The two, each by itself. false and *error, which names both values. */
clarity_asker_t *clarity_asker_connect(
    const clarity_target_t *target, clarity_error_t *error);
bool clarity_asker_agrees(const clarity_target_t *target,
    clarity_asker_t *asker, clarity_error_t *error);

void clarity_asker_close(clarity_asker_t *asker);

/*
 * The reply, to be freed by freeReplyObject(). NULL and *error: there is none,
 * or it is an error; but the error that the key is not there is a nil.
 */
redisReply *clarity_ask(clarity_asker_t *asker, size_t argc,
    const clarity_str_t *argv, clarity_error_t *error);

/* The same, but an error is a reply. */
redisReply *clarity_ask_any(clarity_asker_t *asker, size_t argc,
    const clarity_str_t *argv, clarity_error_t *error);

/* As clarity_ask() for a script, whose argv are its keys and then its arguments. */
redisReply *clarity_ask_script(clarity_asker_t *asker,
    const clarity_script_t *script, size_t nkeys, size_t argc,
    const clarity_str_t *argv, clarity_error_t *error);

/* A string of a reply; empty if it is none, or if there is none at all. */
clarity_str_t clarity_reply_str(const redisReply *reply);

/* The i-th element of an array, or NULL. */
const redisReply *clarity_reply_at(const redisReply *reply, size_t i);

/* The value after a name, in an array of names and values. */
const redisReply *clarity_reply_get(const redisReply *reply, const char *name);

#endif
