/* Which addresses actions may call. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <cmocka.h>

#include "conf/network.h"

typedef struct {
    const char *address;
    const char *kind; /* NULL: public */
} address_case_t;

static struct sockaddr_storage
address_of(const char *text)
{
    struct sockaddr_storage storage = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *) &storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &storage;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(81);

    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(81);
    }

    return storage;
}


static const char *
refused(const char *text, const clarity_network_t *allowed, size_t n)
{
    struct sockaddr_storage storage = address_of(text);

    return clarity_address_refused((struct sockaddr *) &storage, allowed, n);
}


static void
only_public_addresses_may_be_called(void **state)
{
    size_t i;
    const char *kind;
    static const address_case_t cases[] = {
        { "0.0.0.0", "unspecified" },
        { "0.255.255.255", "unspecified" },
        { "1.0.0.0", NULL },
        { "9.255.255.255", NULL },
        { "10.0.0.0", "private" },
        { "10.255.255.255", "private" },
        { "11.0.0.0", NULL },
        { "100.63.255.255", NULL },
        { "100.64.0.0", "behind a carrier's NAT" },
        { "100.127.255.255", "behind a carrier's NAT" },
        { "100.128.0.0", NULL },
        { "126.255.255.255", NULL },
        { "127.0.0.0", "loopback" },
        { "127.255.255.255", "loopback" },
        { "128.0.0.0", NULL },
        { "169.253.255.255", NULL },
        { "169.254.169.254", "link-local" },
        { "169.255.0.0", NULL },
        { "172.15.255.255", NULL },
        { "172.16.0.0", "private" },
        { "172.31.255.255", "private" },
        { "172.32.0.0", NULL },
        { "192.0.0.8", "reserved" },
        { "192.0.1.0", NULL },
        { "192.0.2.1", "for documentation" },
        { "192.88.99.1", "reserved" },
        { "192.167.255.255", NULL },
        { "192.168.0.0", "private" },
        { "192.168.255.255", "private" },
        { "192.169.0.0", NULL },
        { "198.17.255.255", NULL },
        { "198.18.0.0", "for benchmarks" },
        { "198.19.255.255", "for benchmarks" },
        { "198.20.0.0", NULL },
        { "198.51.100.7", "for documentation" },
        { "203.0.113.7", "for documentation" },
        { "223.255.255.255", NULL },
        { "224.0.0.1", "multicast" },
        { "239.255.255.255", "multicast" },
        { "240.0.0.0", "reserved" },
        { "255.255.255.254", "reserved" },
        { "255.255.255.255", "broadcast" },

        { "::", "unspecified" },
        { "::1", "loopback" },
        { "::2", "reserved" },
        { "::127.0.0.1", "reserved" },
        { "::ffff:127.0.0.1", "loopback" },
        { "::ffff:10.0.0.1", "private" },
        { "::ffff:8.8.8.8", NULL },
        { "64:ff9b::10.0.0.1", "private" },
        { "64:ff9b::127.0.0.1", "loopback" },
        { "64:ff9b::8.8.8.8", NULL },
        { "64:ff9b:1::8.8.8.8", "private" },
        { "100::1", "reserved" },
        { "1fff:ffff::1", "reserved" },
        { "2000::1", NULL },
        { "2001::1", "a Teredo tunnel's" },
        { "2001:1ff::1", "reserved" },
        { "2001:200::1", NULL },
        { "2001:db8::1", "for documentation" },
        { "2002:0a00:0001::1", "private" },
        { "2002:7f00:0001::1", "loopback" },
        { "2002:0808:0808::1", NULL },
        { "2606:4700::1111", NULL },
        { "3fff:0fff::1", "for documentation" },
        { "3fff:1000::1", NULL },
        { "4000::1", "reserved" },
        { "fbff::1", "reserved" },
        { "fc00::1", "private" },
        { "fdff::1", "private" },
        { "fe80::1", "link-local" },
        { "febf::1", "link-local" },
        { "fec0::1", "private" },
        { "ff02::1", "multicast" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kind = refused(cases[i].address, NULL, 0);

        if (cases[i].kind == NULL
                ? kind != NULL
                : kind == NULL || strcmp(kind, cases[i].kind) != 0)
        {
            fail_msg("%s is %s", cases[i].address, kind ? kind : "public");
        }
    }
}


static void
an_address_without_ip_is_refused(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void) state;

    assert_string_equal(
        clarity_address_refused((struct sockaddr *) &address, NULL, 0),
        "of no IP family");
}


static void
allowed_networks_may_be_called(void **state)
{
    size_t i, n;
    clarity_error_t error;
    clarity_network_t allowed[4];
    static const char *const networks[] = { "127.0.0.0/8", "10.1.2.3",
        "fd00::/9", "64:ff9b::7f00:0/104" };
    static const char *const good[] = { "127.0.0.1", "127.255.255.255",
        "::ffff:127.0.0.1", "10.1.2.3", "fd00::1", "fd7f:ffff::1",
        "64:ff9b::127.0.0.1", "8.8.8.8" };
    static const char *const bad[] = { "::1", "10.1.2.4", "fd80::1",
        "64:ff9b::10.1.2.3", "2002:7f00:1::", "192.168.0.1" };

    (void) state;

    n = sizeof(networks) / sizeof(networks[0]);

    for (i = 0; i < n; i++) {
        assert_true(clarity_network_parse(
            clarity_str(networks[i]), &allowed[i], &error));
    }

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (refused(good[i], allowed, n) != NULL) {
            fail_msg("%s is not allowed", good[i]);
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (refused(bad[i], allowed, n) == NULL) {
            fail_msg("%s is allowed", bad[i]);
        }
    }
}


static void
a_whole_family_can_be_allowed(void **state)
{
    clarity_error_t error;
    clarity_network_t v4, v6;

    (void) state;

    assert_true(clarity_network_parse(clarity_lit("0.0.0.0/0"), &v4, &error));
    assert_true(clarity_network_parse(clarity_lit("::/0"), &v6, &error));

    assert_null(refused("127.0.0.1", &v4, 1));
    assert_string_equal(refused("::1", &v4, 1), "loopback");
    assert_null(refused("::1", &v6, 1));
    assert_null(refused("127.0.0.1", &v6, 1));
}


static void
what_is_no_network_is_refused(void **state)
{
    size_t i;
    clarity_error_t error;
    clarity_network_t network;
    static const clarity_str_t cases[] = {
        clarity_lit(""),
        clarity_lit("/8"),
        clarity_lit("10.0.0.0/"),
        clarity_lit("10.0.0.0/33"),
        clarity_lit("10.0.0.0/-1"),
        clarity_lit("10.0.0.0/8 "),
        clarity_lit("10.0.0.0/8/8"),
        clarity_lit("10.0.0.0/1e1"),
        clarity_lit("10.0.0.0/4294967304"),
        clarity_lit("10.0.0/8"),
        clarity_lit("10.1.0.0/8"),
        clarity_lit("::/129"),
        clarity_lit("fd00::1/64"),
        clarity_lit("[::1]"),
        clarity_lit("fe80::1%eth0"),
        clarity_lit("localhost"),
        clarity_lit("10.0.0.0\0/8"),
        clarity_lit("1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"),
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (clarity_network_parse(cases[i], &network, &error)) {
            fail_msg("%.*s was taken", clarity_fmt(cases[i]));
        }

        assert_true(error.text[0] == '"');
    }
}


static void
addresses_are_shown_as_they_are_written(void **state)
{
    char text[CLARITY_ADDRESS_MAX];
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_storage v4 = address_of("192.0.2.1");
    struct sockaddr_storage v6 = address_of("2001:db8::1");
    struct sockaddr_storage longest =
        address_of("2001:db8:1111:1111:1111:1111:255.255.255.255");

    (void) state;

    clarity_address_show((struct sockaddr *) &v4, true, text);
    assert_string_equal(text, "192.0.2.1:81");

    clarity_address_show((struct sockaddr *) &v4, false, text);
    assert_string_equal(text, "192.0.2.1");

    clarity_address_show((struct sockaddr *) &v6, true, text);
    assert_string_equal(text, "[2001:db8::1]:81");

    clarity_address_show((struct sockaddr *) &longest, false, text);
    assert_string_equal(text, "2001:db8:1111:1111:1111:1111:ffff:ffff");

    clarity_address_show((struct sockaddr *) &local, true, text);
    assert_string_equal(text, "of no IP family");
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_public_addresses_may_be_called),
        cmocka_unit_test(an_address_without_ip_is_refused),
        cmocka_unit_test(allowed_networks_may_be_called),
        cmocka_unit_test(a_whole_family_can_be_allowed),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(addresses_are_shown_as_they_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
