#include "worker/http_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static clarity_http_socket_t *add(clarity_http_sockets_t *sockets);
static bool is_between(
    clarity_http_socket_t *socket, const char *to, int to_port, int from_port);
static int get_port(const struct sockaddr_storage *address);
static const void *get_address(const struct sockaddr_storage *address);


int
clarity_http_socket_open(clarity_http_sockets_t *sockets, int family, int type,
    int protocol, const struct sockaddr *to, socklen_t len)
{
    clarity_http_socket_t *entry;

    entry = add(sockets);

    if (entry == NULL) {
        return -1;
    }

    entry->fd = socket(family, type | SOCK_CLOEXEC, protocol);

    if (entry->fd == -1) {
        sockets->n--;
        return -1;
    }

    len = len < sizeof(entry->to) ? len : sizeof(entry->to);
    memcpy(&entry->to, to, len);

    return entry->fd;
}


static clarity_http_socket_t *
add(clarity_http_sockets_t *sockets)
{
    size_t size;
    clarity_http_socket_t *list;

    if (sockets->n == sockets->size) {
        size = sockets->size > 0 ? sockets->size * 2 : 16;
        list = realloc(sockets->list, size * sizeof(*list));

        if (list == NULL) {
            return NULL;
        }

        sockets->list = list;
        sockets->size = size;
    }

    memset(&sockets->list[sockets->n], 0, sizeof(clarity_http_socket_t));

    return &sockets->list[sockets->n++];
}


int
clarity_http_socket_close(clarity_http_sockets_t *sockets, int fd)
{
    size_t i;

    for (i = 0; i < sockets->n; i++) {
        if (sockets->list[i].fd == fd) {
            sockets->list[i] = sockets->list[--sockets->n];
            break;
        }
    }

    return close(fd);
}


void
clarity_http_sockets_free(clarity_http_sockets_t *sockets)
{
    free(sockets->list);
    memset(sockets, 0, sizeof(*sockets));
}


bool
clarity_http_socket_is_over(clarity_http_sockets_t *sockets, const char *to,
    int to_port, int from_port)
{
    size_t i;
    socklen_t len;
    struct tcp_info info;

    for (i = 0; i < sockets->n; i++) {
        if (!is_between(&sockets->list[i], to, to_port, from_port)) {
            continue;
        }

        memset(&info, 0, sizeof(info));
        len = sizeof(info);

        return getsockopt(
                   sockets->list[i].fd, IPPROTO_TCP, TCP_INFO, &info, &len)
                   == 0
               && info.tcpi_state != TCP_ESTABLISHED;
    }

    return false;
}


static bool
is_between(
    clarity_http_socket_t *socket, const char *to, int to_port, int from_port)
{
    char text[INET6_ADDRSTRLEN];
    socklen_t len;
    struct sockaddr_storage from;

    if (get_port(&socket->to) != to_port) {
        return false;
    }

    if (socket->from_port == 0) {
        memset(&from, 0, sizeof(from));
        len = sizeof(from);

        if (getsockname(socket->fd, (struct sockaddr *) &from, &len) == 0) {
            socket->from_port = get_port(&from);
        }
    }

    return socket->from_port == from_port
           && inet_ntop(socket->to.ss_family, get_address(&socket->to), text,
                  sizeof(text))
                  != NULL
           && strcmp(text, to) == 0;
}


static int
get_port(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *) address)->sin6_port
                     : ((const struct sockaddr_in *) address)->sin_port);
}


static const void *
get_address(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) {
        return &((const struct sockaddr_in6 *) address)->sin6_addr;
    }

    return &((const struct sockaddr_in *) address)->sin_addr;
}
