#include "worker/hosts.h"

#include <stdlib.h>
#include <string.h>

#define SHARE 3 /* of a host, as many times what is free */

/* There is one for as long as it has a turn. */
struct clarity_host_s {
    size_t active;
    TAILQ_HEAD(clarity_host_line, clarity_turn_s) line;
    TAILQ_ENTRY(clarity_host_s) hosts;
    char name[];
};

struct clarity_hosts_s {
    size_t most;
    size_t active;
    size_t waiting;
    bool closed;
    TAILQ_HEAD(clarity_host_list, clarity_host_s) list;
};

static clarity_host_t *find_host(clarity_hosts_t *hosts, const char *name);
static clarity_host_t *add_host(clarity_hosts_t *hosts, const char *name);
static clarity_turn_t *next_turn(clarity_hosts_t *hosts);
static bool may_begin(
    const clarity_hosts_t *hosts, const clarity_host_t *host);


clarity_hosts_t *
clarity_hosts_create(size_t most)
{
    clarity_hosts_t *hosts;

    hosts = calloc(1, sizeof(clarity_hosts_t));

    if (hosts != NULL) {
        hosts->most = most;
        TAILQ_INIT(&hosts->list);
    }

    return hosts;
}


void
clarity_hosts_free(clarity_hosts_t *hosts)
{
    free(hosts);
}


bool
clarity_hosts_join(
    clarity_hosts_t *hosts, const char *name, clarity_turn_t *turn)
{
    clarity_host_t *host;

    host = find_host(hosts, name);

    if (host == NULL) {
        host = add_host(hosts, name);
    }

    if (host == NULL) {
        return false;
    }

    turn->host = host;
    turn->active = false;

    TAILQ_INSERT_TAIL(&host->line, turn, line);
    hosts->waiting++;

    return true;
}


/* Those of the workflows: a list that is searched as fast as any table. */
static clarity_host_t *
find_host(clarity_hosts_t *hosts, const char *name)
{
    clarity_host_t *host;

    for (host = TAILQ_FIRST(&hosts->list); host != NULL;
         host = TAILQ_NEXT(host, hosts))
    {
        if (strcmp(host->name, name) == 0) {
            return host;
        }
    }

    return NULL;
}


static clarity_host_t *
add_host(clarity_hosts_t *hosts, const char *name)
{
    size_t len;
    clarity_host_t *host;

    len = strlen(name) + 1;
    host = calloc(1, sizeof(clarity_host_t) + len);

    if (host == NULL) {
        return NULL;
    }

    memcpy(host->name, name, len);
    TAILQ_INIT(&host->line);
    TAILQ_INSERT_TAIL(&hosts->list, host, hosts);

    return host;
}


void
clarity_hosts_leave(clarity_hosts_t *hosts, clarity_turn_t *turn)
{
    clarity_host_t *host;

    host = turn->host;

    if (host == NULL) {
        return;
    }

    if (turn->active) {
        host->active--;
        hosts->active--;

    } else {
        TAILQ_REMOVE(&host->line, turn, line);
        hosts->waiting--;
    }

    turn->host = NULL;

    if (host->active == 0 && TAILQ_EMPTY(&host->line)) {
        TAILQ_REMOVE(&hosts->list, host, hosts);
        free(host);
    }
}


void
clarity_hosts_go(clarity_hosts_t *hosts)
{
    clarity_turn_t *turn;

    while ((turn = next_turn(hosts)) != NULL) {
        turn->begin(turn);
    }
}


void
clarity_hosts_close(clarity_hosts_t *hosts)
{
    hosts->closed = true;
}


static clarity_turn_t *
next_turn(clarity_hosts_t *hosts)
{
    clarity_host_t *host, *best;
    clarity_turn_t *turn;

    best = NULL;

    if (hosts->waiting == 0 || hosts->closed) {
        return NULL;
    }

    for (host = TAILQ_FIRST(&hosts->list); host != NULL;
         host = TAILQ_NEXT(host, hosts))
    {
        if (!TAILQ_EMPTY(&host->line) && may_begin(hosts, host)
            && (best == NULL || host->active < best->active))
        {
            best = host;
        }
    }

    if (best == NULL) {
        return NULL;
    }

    turn = TAILQ_FIRST(&best->line);
    TAILQ_REMOVE(&best->line, turn, line);
    turn->active = true;

    best->active++;
    hosts->active++;
    hosts->waiting--;

    return turn;
}


static bool
may_begin(const clarity_hosts_t *hosts, const clarity_host_t *host)
{
    size_t left;

    left = hosts->most - hosts->active;

    if (host->active == 0) {
        return left > 0;
    }

    return left > 1 && host->active < SHARE * left;
}


size_t
clarity_hosts_active(const clarity_hosts_t *hosts)
{
    return hosts->active;
}


size_t
clarity_hosts_waiting(const clarity_hosts_t *hosts)
{
    return hosts->waiting;
}
