#include "conf/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    unsigned char bytes[16];
    unsigned bits;
    const char *kind; /* NULL: public */
} clarity_range_t;

static bool parse_address(
    clarity_str_t text, unsigned char bytes[16], bool *is_v4);
static bool parse_prefix(clarity_str_t text, unsigned most, unsigned *bits);
static bool network_is_clean(const clarity_network_t *network);
static bool from_sockaddr(
    const struct sockaddr *address, unsigned char bytes[16]);
static const char *kind_of(const unsigned char bytes[16]);
static bool lies_in(const unsigned char address[16],
    const unsigned char network[16], unsigned bits);

/* An IPv4 address is handled as the IPv6 address that maps it. */
#define V4_BITS 96
#define V4(a, b, c, d)                                                        \
    {                                                                         \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d                  \
    }

/*
 * What IANA's registries of special-purpose addresses (RFC 6890) call not
 * globally reachable; the first range that fits decides. Of IPv6 only 2000::/3
 * is given out as global unicast, so what no range fits is refused.
 */
static const clarity_range_t ranges[] = {
    { V4(0, 0, 0, 0), V4_BITS + 8, "unspecified" },
    { V4(10, 0, 0, 0), V4_BITS + 8, "private" },
    { V4(100, 64, 0, 0), V4_BITS + 10, "behind a carrier's NAT" },
    { V4(127, 0, 0, 0), V4_BITS + 8, "loopback" },
    { V4(169, 254, 0, 0), V4_BITS + 16, "link-local" },
    { V4(172, 16, 0, 0), V4_BITS + 12, "private" },
    { V4(192, 0, 0, 0), V4_BITS + 24, "reserved" },
    { V4(192, 0, 2, 0), V4_BITS + 24, "for documentation" },
    { V4(192, 88, 99, 0), V4_BITS + 24, "reserved" },
    { V4(192, 168, 0, 0), V4_BITS + 16, "private" },
    { V4(198, 18, 0, 0), V4_BITS + 15, "for benchmarks" },
    { V4(198, 51, 100, 0), V4_BITS + 24, "for documentation" },
    { V4(203, 0, 113, 0), V4_BITS + 24, "for documentation" },
    { V4(224, 0, 0, 0), V4_BITS + 4, "multicast" },
    { V4(255, 255, 255, 255), V4_BITS + 32, "broadcast" },
    { V4(240, 0, 0, 0), V4_BITS + 4, "reserved" },
    { V4(0, 0, 0, 0), V4_BITS, NULL },

    { { 0 }, 128, "unspecified" },
    { { [15] = 1 }, 128, "loopback" },
    { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "private" },
    { { 0xfc }, 7, "private" },
    { { 0xfe, 0x80 }, 10, "link-local" },
    { { 0xfe, 0xc0 }, 10, "private" },
    { { 0xff }, 8, "multicast" },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, "for documentation" },
    { { 0x3f, 0xff }, 20, "for documentation" },
    { { 0x20, 0x01, 0x00, 0x00 }, 32, "a Teredo tunnel's" },
    { { 0x20, 0x01 }, 23, "reserved" },
    { { 0x20 }, 3, NULL },
};

/* Prefixes after which an IPv4 address stands that is the real target. */
static const struct {
    unsigned char bytes[16];
    unsigned bits;
} translated[] = {
    { { 0x00, 0x64, 0xff, 0x9b }, 96 }, /* NAT64, RFC 6052 */
    { { 0x20, 0x02 }, 16 },             /* 6to4, RFC 3056 */
};


bool
clarity_network_parse(
    clarity_str_t text, clarity_network_t *network, clarity_error_t *error)
{
    bool is_v4;
    unsigned most;
    const char *slash;
    clarity_str_t address, prefix;

    slash = text.len ? memchr(text.data, '/', text.len) : NULL;

    address = text;

    if (slash != NULL) {
        address.len = (size_t) (slash - text.data);
    }

    if (!parse_address(address, network->bytes, &is_v4)) {
        goto invalid;
    }

    most = is_v4 ? 32 : 128;
    network->bits = most;

    if (slash != NULL) {
        prefix.data = slash + 1;
        prefix.len = text.len - address.len - 1;

        if (!parse_prefix(prefix, most, &network->bits)) {
            goto invalid;
        }
    }

    network->bits += is_v4 ? V4_BITS : 0;

    if (!network_is_clean(network)) {
        return clarity_error(error,
            "\"%.*s\" has bits set to the right of its prefix length",
            clarity_fmt(text));
    }

    return true;

invalid:

    return clarity_error(error,
        "\"%.*s\" is not a network, expected one such as \"10.0.0.0/8\" or "
        "\"fd00::/8\"",
        (int) (text.len < 64 ? text.len : 64), text.data);
}


const char *
clarity_address_refused(const struct sockaddr *address,
    const clarity_network_t *allowed, size_t nallowed)
{
    size_t i;
    unsigned char bytes[16], target[16] = V4(0, 0, 0, 0);

    if (!from_sockaddr(address, bytes)) {
        return "of no IP family";
    }

    for (i = 0; i < nallowed; i++) {
        if (lies_in(bytes, allowed[i].bytes, allowed[i].bits)) {
            return NULL;
        }
    }

    for (i = 0; i < sizeof(translated) / sizeof(translated[0]); i++) {
        if (lies_in(bytes, translated[i].bytes, translated[i].bits)) {
            memcpy(target + 12, bytes + translated[i].bits / 8, 4);
            return kind_of(target);
        }
    }

    return kind_of(bytes);
}


void
clarity_address_show(const struct sockaddr *address, bool with_port,
    char out[CLARITY_ADDRESS_MAX])
{
    bool is_v6;
    unsigned port;
    char text[INET6_ADDRSTRLEN] = "";

    is_v6 = address->sa_family == AF_INET6;

    if (is_v6) {
        inet_ntop(AF_INET6,
            &((const struct sockaddr_in6 *) address)->sin6_addr, text,
            sizeof(text));
        port = ntohs(((const struct sockaddr_in6 *) address)->sin6_port);

    } else if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *) address)->sin_addr,
            text, sizeof(text));
        port = ntohs(((const struct sockaddr_in *) address)->sin_port);

    } else {
        snprintf(out, CLARITY_ADDRESS_MAX, "of no IP family");
        return;
    }

    if (!with_port) {
        snprintf(out, CLARITY_ADDRESS_MAX, "%s", text);

    } else {
        snprintf(
            out, CLARITY_ADDRESS_MAX, is_v6 ? "[%s]:%u" : "%s:%u", text, port);
    }
}


static bool
parse_address(clarity_str_t text, unsigned char bytes[16], bool *is_v4)
{
    char address[INET6_ADDRSTRLEN];
    static const unsigned char mapped[16] = V4(0, 0, 0, 0);

    if (text.len == 0 || text.len >= sizeof(address)
        || memchr(text.data, '\0', text.len) != NULL)
    {
        return false;
    }

    memcpy(address, text.data, text.len);
    address[text.len] = '\0';

    memcpy(bytes, mapped, 16);

    *is_v4 = inet_pton(AF_INET, address, bytes + 12) == 1;

    return *is_v4 || inet_pton(AF_INET6, address, bytes) == 1;
}


static bool
parse_prefix(clarity_str_t text, unsigned most, unsigned *bits)
{
    size_t i;

    if (text.len == 0 || text.len > 3) {
        return false;
    }

    *bits = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }

        *bits = *bits * 10 + (unsigned) (text.data[i] - '0');
    }

    return *bits <= most;
}


/* A slip such as 10.1.0.0/8 would let in more than it seems to. */

static bool
network_is_clean(const clarity_network_t *network)
{
    unsigned bit;

    for (bit = network->bits; bit < 128; bit++) {
        if (network->bytes[bit / 8] & (0x80u >> (bit % 8))) {
            return false;
        }
    }

    return true;
}


static bool
from_sockaddr(const struct sockaddr *address, unsigned char bytes[16])
{
    static const unsigned char mapped[16] = V4(0, 0, 0, 0);

    if (address->sa_family == AF_INET) {
        memcpy(bytes, mapped, 12);
        memcpy(
            bytes + 12, &((const struct sockaddr_in *) address)->sin_addr, 4);
        return true;
    }

    if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
        return true;
    }

    return false;
}


static const char *
kind_of(const unsigned char bytes[16])
{
    size_t i;

    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (lies_in(bytes, ranges[i].bytes, ranges[i].bits)) {
            return ranges[i].kind;
        }
    }

    return "reserved";
}


static bool
lies_in(const unsigned char address[16], const unsigned char network[16],
    unsigned bits)
{
    unsigned rest, mask;

    rest = bits % 8;
    mask = 0xff00u >> rest & 0xff;

    return memcmp(address, network, bits / 8) == 0
           && (rest == 0
               || ((address[bits / 8] ^ network[bits / 8]) & mask) == 0);
}
