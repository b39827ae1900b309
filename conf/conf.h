/*
 * worker.json: where Redis, the triggers and the workflows are, and the
 * worker's limits. Read by the worker, and by clarityctl -c.
 */

#ifndef CLARITY_CONF_CONF_H
#define CLARITY_CONF_CONF_H

#include <stdint.h>

#include "conf/network.h"
#include "json/error.h"
#include "redis/url.h"
#include "webhook/seal.h"

typedef struct {
    char *file;                /* as it was named */
    clarity_redis_url_t redis; /* with the password of its file */
    char *prefix;
    unsigned shards;
    char *triggers;            /* path */
    char *workflows;           /* path of the folder */
    clarity_seal_keys_t *keys; /* of "workflow_key_file"; NULL: none */
    unsigned processes;        /* 0: as many as there are cores */
    unsigned concurrency;      /* of all of them */
    unsigned concurrency_line; /* 0: it is the default */
    uint64_t lease;            /* ms */
    unsigned lease_line;       /* 0: it is the default */
    uint64_t drain;            /* ms */
    uint64_t keep_succeeded;   /* ms */
    uint64_t keep_failed;      /* ms */
    char *log;                 /* path; NULL: stderr */
    char *listen_host;         /* an address or a name; NULL: none */
    unsigned listen_port;
    char *ca_file; /* path; NULL: the system's authorities */
    clarity_network_t *allowed;
    size_t nallowed;
    char **commands; /* that exec may start; absolute paths */
    size_t ncommands;
    char **types; /* of actions, that programs of the SDK have */
    size_t ntypes;

    /* Triggers that a program has a handler for; set by the SDK, whose they
     * are. */
    const char *const *handled;
    size_t nhandled;
} clarity_conf_t;

/* ms, where the file does not say otherwise. */
#define CLARITY_KEEP_SUCCEEDED ((uint64_t) 24 * 3600 * 1000)
#define CLARITY_KEEP_FAILED    ((uint64_t) 14 * 24 * 3600 * 1000)

#define CLARITY_MAX_PROCESSES   256
#define CLARITY_MAX_CONCURRENCY 10000
#define CLARITY_MAX_ALLOWED     256
#define CLARITY_MAX_COMMANDS    256
#define CLARITY_MAX_TYPES       64

/*
 * NULL and *error ("FILE:LINE: what, what was expected"): not JSON, an unknown
 * key, a wrong value, no "triggers" or "workflows". Relative paths start at
 * the folder of the file.
 */
clarity_conf_t *clarity_conf_read(const char *file, clarity_error_t *error);

/* One more type of actions, copied, if it is not there yet; false: out of
 * memory. */
bool clarity_conf_add_type(clarity_conf_t *conf, const char *type);

/* ms that a worker waits for an answer of Redis. */
#define CLARITY_REDIS_WAIT 5000

/*
 * false and *error: the lease is so short that a worker may lose its jobs while
 * it waits for Redis. It can be tried out with, but is not for service: who
 * only checks the configuration refuses it, a worker warns of it.
 */
bool clarity_conf_check_lease(
    const clarity_conf_t *conf, clarity_error_t *error);

/*
 * false and *error: more jobs at once than this process' hard limit of file
 * descriptors is enough for; whoever asks is taken to have the worker's.
 */
bool clarity_conf_check_descriptors(
    const clarity_conf_t *conf, clarity_error_t *error);

/* Up to the hard limit: the soft one is as low as 1024 for the sake of
 * programs with select(), which the worker is none of. */
void clarity_conf_raise_descriptors(void);

/*
 * 0, 1 and 2 are taken afterwards: else what is opened next, a connection to
 * Redis perhaps, would be written to as standard output.
 */
void clarity_conf_keep_standard_descriptors(void);

/* Wipes the password. NULL is fine. */
void clarity_conf_free(clarity_conf_t *conf);

#endif
