/*
 * Leases: the entries of the stream that this worker holds. Redis' list of
 * pending entries says whose an entry is; a worker renews its leases by a
 * heartbeat, and what is not renewed for the length of a lease is anybody's to
 * take over. So every write of a job is fenced: where the entry is not ours
 * any more, nothing is written and the lease ends as lost.
 */

#ifndef CLARITY_WORKER_LEASE_H
#define CLARITY_WORKER_LEASE_H

#include "worker/call.h"
#include "worker/delivery.h"
#include "worker/slot.h"

struct event_base;

typedef struct clarity_leases_s clarity_leases_t;
typedef struct clarity_lease_s clarity_lease_t;

typedef void (*clarity_published_pt)(void *data, int reply);

typedef enum {
    CLARITY_LEASE_LOADING,   /* its job's hash is being read */
    CLARITY_LEASE_HELD,      /* the owner works on it */
    CLARITY_LEASE_FINISHING, /* this and those below: a last write is */
    CLARITY_LEASE_DELAYING,
    CLARITY_LEASE_DROPPING,
    CLARITY_LEASE_RELEASING
} clarity_lease_state_t;

typedef enum {
    CLARITY_LEASE_FINISHED, /* this and the next two: acknowledged */
    CLARITY_LEASE_DELAYED,
    CLARITY_LEASE_DROPPED,
    CLARITY_LEASE_RELEASED,
    CLARITY_LEASE_LOST,
    CLARITY_LEASE_FORGOTTEN
} clarity_lease_end_t;

struct clarity_lease_s {
    clarity_delivery_t delivery;
    bool taken_over;
    bool cancelled; /* somebody wants that, as a write's reply said */
    uint64_t delay; /* ms, of the last write that was one */
    void *task;     /* the owner's */

    /* These are of lease.c. */
    clarity_leases_t *leases;
    clarity_lease_t *prev;
    clarity_lease_t *next;
    clarity_slot_t slot;
    clarity_lease_state_t state;
    clarity_published_pt published; /* the same for all of a lease */
};

typedef struct {
    struct event_base *base;
    clarity_calls_t *calls;
    clarity_str_t prefix;
    clarity_str_t consumer;
    unsigned shard;
    size_t slots;
    uint64_t ms; /* of a lease; it is renewed four times in it */

    void *owner;

    /* The job is there to be done; its hash as fields and values in turn. */
    void (*held)(void *owner, clarity_lease_t *lease,
        const clarity_str_t *fields, size_t n);

    /* A record was written; data is the one that was given with it. */
    void (*recorded)(void *owner, clarity_lease_t *lease, void *data);

    /* Instead of ended, where it was to be delayed: it is held still, for
     * somebody wants its job to be cancelled. */
    void (*cancelled)(void *owner, clarity_lease_t *lease);

    /* The text that was asked for; empty: there is none any more. */
    void (*text)(void *owner, clarity_lease_t *lease, clarity_str_t text);

    /* It rested, was to be woken, and has a slot now. */
    void (*woken)(void *owner, clarity_lease_t *lease);

    /* The lease is freed when this returns; task is NULL where it never was
     * held. */
    void (*ended)(
        void *owner, clarity_lease_t *lease, clarity_lease_end_t end);
} clarity_leases_conf_t;

/* The strings of conf must outlive the leases. NULL: out of memory. */
clarity_leases_t *clarity_leases_create(const clarity_leases_conf_t *conf);

/* Frees the leases too, with no call to the owner. NULL is fine. */
void clarity_leases_free(clarity_leases_t *leases);

size_t clarity_leases_count(const clarity_leases_t *leases);

/* How many more jobs may be taken. */
size_t clarity_leases_free_slots(const clarity_leases_t *leases);

/* None any more; or again as many as there are. */
void clarity_leases_hold(clarity_leases_t *leases, bool hold);

/*
 * An entry that was delivered: [id, [field, value …]]. One that is held
 * already ends as lost before: its lease had run out, so the hash says what
 * holds now, not our memory.
 */
void clarity_lease_take(
    clarity_leases_t *leases, const redisReply *entry, bool taken_over);

/*
 * Each of these is written as soon as Redis is there. false: out of memory;
 * forget the lease then. Where it turns out to be lost, ended comes instead of
 * recorded.
 */
bool clarity_lease_record(
    clarity_lease_t *lease, const clarity_str_t *fields, size_t n, void *data);

/*
 * Gives a command (XADD or PUBLISH, argc strings) and sets one field, in one:
 * published comes, with a clarity_publish_reply_t but never NOT_OWNER, or
 * ended. key is that of the stream, NULL for a channel.
 */
bool clarity_lease_publish(clarity_lease_t *lease, const clarity_str_t *key,
    const clarity_str_t *argv, size_t argc, const clarity_str_t field[2],
    clarity_published_pt published, void *data);

/* The last write, which acknowledges the entry: ended comes. keep is the ms
 * after which Redis forgets the job. */
bool clarity_lease_finish(clarity_lease_t *lease, uint64_t keep,
    const clarity_str_t *fields, size_t n);

/* The same for a job that has failed. told is one that comes of that; NULL:
 * none. */
bool clarity_lease_fail(clarity_lease_t *lease, uint64_t keep,
    const clarity_job_t *told, const clarity_str_t *fields, size_t n);

/*
 * Likewise, but the job waits outside of the stream for so many ms. The texts
 * of the workflows with those digests are kept for as long; of at most
 * CLARITY_LEASE_TEXTS.
 */
#define CLARITY_LEASE_TEXTS 64

bool clarity_lease_delay(clarity_lease_t *lease, uint64_t delay,
    const clarity_str_t *digests, size_t ndigests, const clarity_str_t *fields,
    size_t n);

/* Acknowledges an entry that nothing is to be done for: ended comes. */
bool clarity_lease_drop(clarity_lease_t *lease);

/* Reads the hash (again): held comes. Nothing else may be under way. */
bool clarity_lease_load(clarity_lease_t *lease);

/* Reads the text of the workflow that had that digest: text comes. */
bool clarity_lease_read_text(clarity_lease_t *lease, clarity_str_t digest);

/*
 * Lets go, with `idle` ms of a lease counted as past, and sets the fields:
 * ended comes.
 */
bool clarity_lease_release(clarity_lease_t *lease, uint64_t idle,
    const clarity_str_t *fields, size_t n);

/*
 * Its job waits for a time, and needs no slot; it must not be resting. It is
 * renewed as ever.
 */
void clarity_lease_rest(clarity_lease_t *lease);
bool clarity_lease_is_resting(const clarity_lease_t *lease);

/* true: it has a slot. false: woken comes, unless it ends before. */
bool clarity_lease_wake(clarity_lease_t *lease);

/*
 * false: for all that is known here its time may be over, as the process was
 * stopped or Redis was away. A record, before which clarity_leases_renew() was
 * called, says whether it is.
 */
bool clarity_lease_is_sure(const clarity_lease_t *lease);

/* It is renewed no more, so it will be taken over: ended comes at once. */
void clarity_lease_forget(clarity_lease_t *lease);

/*
 * The connection was made anew, after which they are renewed. What turns out to
 * be lost before Redis has answered that was lost by the outage: true then.
 */
void clarity_leases_back(clarity_leases_t *leases);
bool clarity_lease_was_cut_off(const clarity_lease_t *lease);

/* Of one that was lost: that its job was at no crash, for who has it now. */
void clarity_lease_spare(clarity_lease_t *lease);

/*
 * Renews them now if the heartbeat is late. What is given to the calls next
 * finds them renewed.
 */
void clarity_leases_renew(clarity_leases_t *leases);

/*
 * Likewise, and they leave at once. A turn of the loop may be long: one reply
 * of Redis brings a hundred jobs, and the conditions of each take what they
 * take. So this stands wherever the work on one job, run or step begins.
 */
void clarity_leases_keep(clarity_leases_t *leases);

#endif
