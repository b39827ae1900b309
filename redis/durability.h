/*
 * How safely a Redis keeps what it has answered: told from its own settings,
 * CONFIG GET and INFO, which are asked for at connect and again and again.
 *
 *   memory     until it ends
 *   everysec   but for the last second or two
 *   fsync      all: each reply to a write comes after its sync to the disk
 *   replicas   as WAIT says, which is not told from settings
 *
 * A process that is killed loses nothing but of "memory"; the others tell what
 * the end of the machine leaves.
 */

#ifndef CLARITY_REDIS_DURABILITY_H
#define CLARITY_REDIS_DURABILITY_H

#include <hiredis/hiredis.h>

#include "json/error.h"
#include "json/str.h"

/* In their order, but for REPLICAS. */
typedef enum {
    CLARITY_DURABILITY_UNKNOWN, /* Redis bars us from CONFIG GET or INFO */
    CLARITY_DURABILITY_MEMORY,
    CLARITY_DURABILITY_EVERYSEC,
    CLARITY_DURABILITY_FSYNC,
    CLARITY_DURABILITY_REPLICAS
} clarity_durability_class_t;

/* As it stands in answers; never NULL. */
const char *clarity_durability_name(clarity_durability_class_t class);

/* What is asked for. */
typedef struct {
    clarity_durability_class_t class;
    unsigned replicas; /* of REPLICAS */
    bool trust;        /* where Redis bars us from asking, it gives that */
} clarity_durability_wanted_t;

/* What a Redis says. Zeroed, nothing is known; kept over connections. */
typedef struct {
    bool config; /* CONFIG GET was answered: these are set */
    bool appendonly;
    clarity_durability_class_t appendfsync; /* MEMORY: "no" */
    bool no_sync_on_rewrite;

    bool info; /* INFO was */
    bool rewriting;
    bool base; /* its file has been rewritten or read before */

    bool role; /* ROLE was */
    size_t replicas;

    bool asked;   /* INFO was answered before, with the file on */
    bool was_off; /* see clarity_durability_judge() */
} clarity_durability_t;

/* The commands of a round: CONFIG GET, INFO persistence, ROLE. */
#define CLARITY_DURABILITY_COMMANDS 3
#define CLARITY_DURABILITY_MAX_ARGS 3

/* The i-th. argv points to static text. Returns argc. */
size_t clarity_durability_command(
    unsigned i, clarity_str_t argv[CLARITY_DURABILITY_MAX_ARGS]);

/* Its reply; NULL: none came. What is not understood is as if barred. */
void clarity_durability_reply(
    clarity_durability_t *durability, unsigned i, const redisReply *reply);

/*
 * After the last reply of a round: what Redis gives. false: that is less than
 * is wanted, and *error says why and who mends it. At most as much as is
 * wanted is told of REPLICAS, whose number only WAIT knows.
 */
bool clarity_durability_judge(clarity_durability_t *durability,
    const clarity_durability_wanted_t *wanted,
    clarity_durability_class_t *gives, clarity_error_t *error);

#endif
