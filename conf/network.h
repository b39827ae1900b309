/*
 * Networks, and which addresses are not on the public Internet: an action's
 * URL may hold a value of a caller, who must not reach the inside with it.
 */

#ifndef CLARITY_CONF_NETWORK_H
#define CLARITY_CONF_NETWORK_H

#include <sys/socket.h>

#include "json/error.h"
#include "json/str.h"

typedef struct {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;           /* of the 128 */
} clarity_network_t;

/*
 * "10.0.0.0/8", "fd00::/8", or one address. false and *error (what, what was
 * expected): not a network, or bits set to the right of its prefix.
 */
bool clarity_network_parse(
    clarity_str_t text, clarity_network_t *network, clarity_error_t *error);

/*
 * NULL if the address is public or lies in one of the networks allowed; else
 * what it is: "private", "loopback", … Anything but IPv4 and IPv6 is "of no
 * IP family".
 */
const char *clarity_address_refused(const struct sockaddr *address,
    const clarity_network_t *allowed, size_t nallowed);

/* "192.0.2.1" or "2001:db8::1", ":port" too if asked; for messages. */
#define CLARITY_ADDRESS_MAX 56
void clarity_address_show(const struct sockaddr *address, bool with_port,
    char out[CLARITY_ADDRESS_MAX]);

#endif
