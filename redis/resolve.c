#include "redis/resolve.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

/*
 * A question to evdns. It belongs to its answer, which comes from the loop
 * even after clarity_redis_resolve_free().
 */
typedef struct {
    clarity_redis_resolve_t *resolve; /* NULL: freed */
} question_t;

struct clarity_redis_resolve_s {
    struct event_base *base;
    const char *host;
    char port[12];
    clarity_redis_resolve_pt callback;
    void *data;
    struct evdns_base *dns; /* NULL until a name is asked for */
    question_t *question;   /* NULL: none is open */
};

static void ask(
    clarity_redis_resolve_t *resolve, const struct evutil_addrinfo *hints);
static void on_answer(
    int result, struct evutil_addrinfo *addresses, void *data);


clarity_redis_resolve_t *
clarity_redis_resolve_create(struct event_base *base, const char *host,
    unsigned port, clarity_redis_resolve_pt callback, void *data)
{
    clarity_redis_resolve_t *resolve;

    resolve = calloc(1, sizeof(*resolve));
    if (resolve == NULL) {
        return NULL;
    }

    resolve->base = base;
    resolve->host = host;
    resolve->callback = callback;
    resolve->data = data;
    snprintf(resolve->port, sizeof(resolve->port), "%u", port);

    return resolve;
}


void
clarity_redis_resolve_free(clarity_redis_resolve_t *resolve)
{
    if (resolve == NULL) {
        return;
    }

    if (resolve->question != NULL) {
        resolve->question->resolve = NULL;
    }

    if (resolve->dns != NULL) {
        evdns_base_free(resolve->dns, 1);
    }

    free(resolve);
}


void
clarity_redis_resolve_start(clarity_redis_resolve_t *resolve)
{
    struct evutil_addrinfo hints, *addresses;

    if (resolve->question != NULL) {
        return;
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    hints.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV;

    /* An address: nobody is asked. */
    if (evutil_getaddrinfo(resolve->host, resolve->port, &hints, &addresses)
        == 0) {
        resolve->callback(resolve->data, addresses, NULL);
        return;
    }

    hints.ai_flags = EVUTIL_AI_NUMERICSERV;
    ask(resolve, &hints);
}


/* evdns reads /etc/hosts, then asks the servers of /etc/resolv.conf. */
static void
ask(clarity_redis_resolve_t *resolve, const struct evutil_addrinfo *hints)
{
    question_t *question;

    /* Anew each time: the files may have changed. */
    if (resolve->dns != NULL) {
        evdns_base_free(resolve->dns, 0);
    }

    /* Its sockets do not keep the loop alive when nothing is asked. */
    resolve->dns =
        evdns_base_new(resolve->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    question = malloc(sizeof(*question));

    if (resolve->dns == NULL || question == NULL) {
        free(question);
        resolve->callback(resolve->data, NULL, "out of memory");
        return;
    }

    /* Without that file, /etc/hosts and a server on this host are left. */
    evdns_base_resolv_conf_parse(
        resolve->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");

    question->resolve = resolve;
    resolve->question = question;

    evdns_getaddrinfo(resolve->dns, resolve->host, resolve->port, hints,
        on_answer, question);
}


static void
on_answer(int result, struct evutil_addrinfo *addresses, void *data)
{
    char reason[128];
    question_t *question = data;
    clarity_redis_resolve_t *resolve;

    resolve = question->resolve;
    free(question);

    if (resolve == NULL) {
        if (addresses != NULL) {
            evutil_freeaddrinfo(addresses);
        }

        return;
    }

    resolve->question = NULL;

    if (addresses == NULL) {
        snprintf(reason, sizeof(reason), "its name has no address (%s)",
            evutil_gai_strerror(result != 0 ? result : EVUTIL_EAI_NODATA));
        resolve->callback(resolve->data, NULL, reason);
        return;
    }

    resolve->callback(resolve->data, addresses, NULL);
}
