/*
 * How jobs come in: those that nobody had yet, by XREADGROUP on a connection
 * that waits for them, and those that another worker left, by XAUTOCLAIM. The
 * two go in turns, never both at once: each may bring as many entries as slots
 * are free.
 */

#ifndef CLARITY_WORKER_INTAKE_H
#define CLARITY_WORKER_INTAKE_H

#include "worker/lease.h"
#include "worker/link.h"

typedef struct clarity_intake_s clarity_intake_t;

typedef struct {
    struct event_base *base;
    clarity_log_t *log;
    clarity_link_t *reader;
    clarity_link_t *writer;
    clarity_calls_t *calls; /* of the writer */
    clarity_leases_t *leases;
    clarity_str_t stream;
    clarity_str_t consumer;
    uint64_t lease; /* ms */

    void *owner;
    void (*stopped)(void *owner); /* after clarity_intake_stop() */
} clarity_intake_conf_t;

/* The strings of conf must outlive the intake. NULL: out of memory. */
clarity_intake_t *clarity_intake_create(const clarity_intake_conf_t *conf);

/* After the reader was closed. NULL is fine. */
void clarity_intake_free(clarity_intake_t *intake);

/* A slot got free, a connection READY: takes a turn if none is being taken. */
void clarity_intake_turn(clarity_intake_t *intake);

/*
 * The connection was lost for a while. Others lost it too, and could not renew
 * their leases: they get the time to do so before their jobs are taken over.
 */
void clarity_intake_be_patient(clarity_intake_t *intake);

/*
 * NULL: jobs are being taken, or all slots are in use; else what is amiss, for
 * people. What counts is that Redis has replied to the connection that reads
 * jobs, on which nothing else is ever asked.
 */
const char *clarity_intake_amiss(const clarity_intake_t *intake);

/*
 * The last turn is cut short. What it still brings is handed out as ever;
 * `stopped` comes after it, which may be at once.
 */
void clarity_intake_stop(clarity_intake_t *intake);

#endif
