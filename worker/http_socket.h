/*
 * The sockets that libcurl has from us, so that one of a connection that was
 * kept can be looked at before it is used: libcurl names it by its ports alone.
 */

#ifndef CLARITY_WORKER_HTTP_SOCKET_H
#define CLARITY_WORKER_HTTP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct {
    int fd;
    int from_port; /* 0: not looked up yet */
    struct sockaddr_storage to;
} clarity_http_socket_t;

typedef struct {
    clarity_http_socket_t *list;
    size_t n;
    size_t size;
} clarity_http_sockets_t;

/* -1 and errno, as socket(); ENOMEM too. */
int clarity_http_socket_open(clarity_http_sockets_t *sockets, int family,
    int type, int protocol, const struct sockaddr *to, socklen_t len);

/* As close(). */
int clarity_http_socket_close(clarity_http_sockets_t *sockets, int fd);

/* The list, not what is open. */
void clarity_http_sockets_free(clarity_http_sockets_t *sockets);

/*
 * true: the peer of the connection between these has ended it, so nothing
 * that is written to it now is read by anybody. Addresses as text, as
 * CURLOPT_PREREQFUNCTION has them.
 */
bool clarity_http_socket_is_over(clarity_http_sockets_t *sockets,
    const char *to, int to_port, int from_port);

#endif
