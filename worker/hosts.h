/*
 * Whose call may be made: the calls under way and those in line, by host, so
 * that no host that is slow takes up all that may be under way at once.
 *
 * A host may have up to three times as many calls under way as are free after
 * them, and the last free one is for a host that has none: alone it gets three
 * quarters, two of them 3/7 each, and so on. What it does not get is there for
 * another at once. (A. K. Choudhury, E. L. Hahne, "Dynamic queue length
 * thresholds for shared-memory packet switches", 1998.)
 */

#ifndef CLARITY_WORKER_HOSTS_H
#define CLARITY_WORKER_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

typedef struct clarity_hosts_s clarity_hosts_t;
typedef struct clarity_host_s clarity_host_t;

/* A call's, from when it joins until it leaves. A zeroed one has not joined. */
typedef struct clarity_turn_s clarity_turn_t;

struct clarity_turn_s {
    /* Its turn has come: it is under way from now on. */
    void (*begin)(clarity_turn_t *turn);

    clarity_host_t *host; /* NULL: it has not joined, or has left */
    bool active;          /* under way; else in line */
    TAILQ_ENTRY(clarity_turn_s) line;
};

/* most: calls under way, of all hosts. NULL: out of memory. */
clarity_hosts_t *clarity_hosts_create(size_t most);

/* No turn may be left. NULL is fine. */
void clarity_hosts_free(clarity_hosts_t *hosts);

/* In line; clarity_hosts_go() tells when its turn is. false: out of memory. */
bool clarity_hosts_join(
    clarity_hosts_t *hosts, const char *name, clarity_turn_t *turn);

/* From wherever it is; if it has not joined, nothing. */
void clarity_hosts_leave(clarity_hosts_t *hosts, clarity_turn_t *turn);

/*
 * Begins all whose turn it is: of the host with the fewest under way the one
 * that has waited longest. To be called when one has joined or left; not from
 * begin.
 */
void clarity_hosts_go(clarity_hosts_t *hosts);

/* None begins any more. */
void clarity_hosts_close(clarity_hosts_t *hosts);

/* How many are under way, and how many in line. */
size_t clarity_hosts_active(const clarity_hosts_t *hosts);
size_t clarity_hosts_waiting(const clarity_hosts_t *hosts);

#endif
