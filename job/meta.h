/*
 * {PREFIX}:meta: what all parts that share a prefix must agree on. Whoever
 * comes first writes it (HSETNX), everyone then reads it and compares.
 */

#ifndef CLARITY_JOB_META_H
#define CLARITY_JOB_META_H

#include "json/error.h"
#include "json/str.h"

#define CLARITY_FORMAT 1 /* of everything below the prefix */

/* Commands to send, in order; the last one's reply is the one to compare. */
#define CLARITY_META_COMMANDS 3
#define CLARITY_META_MAX_ARGS 4

/*
 * The i-th command: HSETNX format, HSETNX shards, HMGET format shards. argv
 * points into key, number and static text; number is room for the shards'
 * digits and must live as long. Returns argc.
 */
size_t clarity_meta_command(unsigned i, clarity_str_t key, unsigned shards,
    char number[12], clarity_str_t argv[CLARITY_META_MAX_ARGS]);

/*
 * Compares HMGET's two values (an empty one: not there). false and *error
 * naming both values where they differ.
 */
bool clarity_meta_agrees(clarity_str_t format, clarity_str_t shards,
    unsigned own_shards, clarity_error_t *error);

#endif
