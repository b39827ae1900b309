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

/* A call's, from when it joins until it leaves. */
typedef struct clarity_turn_s {
    void *owner;
    clarity_host_t *host;
    bool active; /* under way; else in line */
    TAILQ_ENTRY(clarity_turn_s) line;
} clarity_turn_t;

/* most: calls under way, of all hosts. NULL: out of memory. */
clarity_hosts_t *clarity_hosts_create(size_t most);

/* No turn may be left. NULL is fine. */
void clarity_hosts_free(clarity_hosts_t *hosts);

/* In line; clarity_hosts_next() says when its turn is. false: out of memory. */
bool clarity_hosts_join(clarity_hosts_t *hosts, const char *name,
    clarity_turn_t *turn, void *owner);

/* From wherever it is. */
void clarity_hosts_leave(clarity_hosts_t *hosts, clarity_turn_t *turn);

/*
 * The next one whose turn it is, which is under way from now on: of the host
 * with the fewest under way the one that has waited longest. NULL: none.
 */
clarity_turn_t *clarity_hosts_next(clarity_hosts_t *hosts);

/* How many are under way, and how many in line. */
size_t clarity_hosts_active(const clarity_hosts_t *hosts);
size_t clarity_hosts_waiting(const clarity_hosts_t *hosts);

#endif
