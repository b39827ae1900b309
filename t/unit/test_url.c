/* Redis URLs: what they mean, and what is said of those that mean nothing. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "redis/url.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define HOST_255                                                              \
    "0123456789012345678901234567890123456789012345678901234567890123"        \
    "0123456789012345678901234567890123456789012345678901234567890123"        \
    "0123456789012345678901234567890123456789012345678901234567890123"        \
    "012345678901234567890123456789012345678901234567890123456789012"

#define PATH_107                                                              \
    "/123456789012345678901234567890123456789012345678901234567890"           \
    "1234567890123456789012345678901234567890123456"

static const struct {
    const char *text;
    const char *user, *password, *shown;
} good[] = {
    { "redis://h", "", "", "h:6379/0" },
    { "redis://h/", "", "", "h:6379/0" },
    { "redis://h:1", "", "", "h:1/0" },
    { "redis://h:65535/15", "", "", "h:65535/15" },
    { "redis://h/2147483647", "", "", "h:6379/2147483647" },
    { "REDIS://Redis-1.example_x.org", "", "",
        "Redis-1.example_x.org:6379/0" },
    { "redis://127.0.0.1:7000/1", "", "", "127.0.0.1:7000/1" },
    { "redis://[::1]", "", "", "[::1]:6379/0" },
    { "redis://[2001:db8::7:8]:7000/3", "", "", "[2001:db8::7:8]:7000/3" },
    { "redis://" HOST_255, "", "", HOST_255 ":6379/0" },
    { "redis://user@h", "user", "", "h:6379/0" },
    { "redis://:pass@h", "", "pass", "h:6379/0" },
    { "redis://:@h", "", "", "h:6379/0" },
    { "redis://@h", "", "", "h:6379/0" },
    { "redis://me:pass@h:1/2", "me", "pass", "h:1/2" },
    { "redis://me:pass@[::1]:1", "me", "pass", "[::1]:1/0" },
    { "redis://me:p:a:s@h", "me", "p:a:s", "h:6379/0" },
    { "redis://%6de:%70%2F%40%3a%25%2f@h", "me", "p/@:%/", "h:6379/0" },
    { "redis://:%C3%A4%01%ff@h", "", "\xc3\xa4\x01\xff", "h:6379/0" },
    { "redis://:p?a#s@h", "", "p?a#s", "h:6379/0" },
    { "unix:///run/redis.sock", "", "", "unix:/run/redis.sock" },
    { "unix:/run/redis.sock", "", "", "unix:/run/redis.sock" },
    { "UNIX:///s?db=7", "", "", "unix:/s?db=7" },
    { "unix:/s?db=0", "", "", "unix:/s" },
    { "unix:///a%20b%3Fdb%3d1", "", "", "unix:/a b?db=1" },
    { "unix:///a@b:c", "", "", "unix:/a@b:c" },
    { "unix://" PATH_107, "", "", "unix:" PATH_107 },
};

/* `said` must be in the message; "s3cret" must not. */
static const struct {
    const char *text;
    const char *said;
} bad[] = {
    { "", "not a Redis URL, expected redis://" },
    { "redis", "not a Redis URL" },
    { "redis:", "not a Redis URL" },
    { "redis:/h", "not a Redis URL" },
    { "http://h", "not a Redis URL" },
    { " redis://h", "not a Redis URL" },
    { "s3cret", "not a Redis URL" },
    { "me:s3cret@h", "not a Redis URL" },
    { "rediss://:s3cret@h", "rediss:// is not supported by this version; use "
                            "redis:// or unix://" },
    { "redis+sentinel://a,b/m", "redis+sentinel:// is not supported" },
    { "redis+cluster://:s3cret@a", "redis+cluster:// is not supported" },
    { "redis://", "there is no host" },
    { "redis:///1", "there is no host" },
    { "redis://:6379", "there is no host" },
    { "redis://:s3cret@", "there is no host" },
    { "redis://:s3cret@/1", "there is no host" },
    { "redis://h h", "the host holds" },
    { "redis://h?db=1", "the host holds" },
    { "redis://h#1", "the host holds" },
    { "redis://h\n", "the host holds" },
    { "redis://h%20", "the host holds" },
    { "redis://a,b", "the host holds" },
    { "redis://" HOST_255 "6", "the host has 256 bytes, expected up to 255" },
    { "redis://[::1", "no closing \"]\"" },
    { "redis://[", "no closing \"]\"" },
    { "redis://[]", "not an IPv6 address" },
    { "redis://[127.0.0.1]", "not an IPv6 address" },
    { "redis://[::g]", "not an IPv6 address" },
    { "redis://[0000:0000:0000:0000:0000:0000:0000:0000:0000]",
        "not an IPv6 address" },
    { "redis://[" HOST_255 HOST_255 "]", "not an IPv6 address" },
    { "redis://[::1]x", "followed by something else" },
    { "redis://[::1]x:1", "followed by something else" },
    { "redis://::1", "there is no host" },
    { "redis://2001:db8::1", "an IPv6 address needs brackets" },
    { "redis://h:", "the port is not a number from 1 to 65535" },
    { "redis://h:0", "the port is not" },
    { "redis://h:65536", "the port is not" },
    { "redis://h:99999999999999999999", "the port is not" },
    { "redis://h:+1", "the port is not" },
    { "redis://h:1x", "the port is not" },
    { "redis://h: 1", "the port is not" },
    { "redis://h:6379:1", "the port is not" },
    { "redis://[::1]:", "the port is not" },
    { "redis://me:s3cret", "the port is not" }, /* an "@" forgotten */
    { "redis://h/x", "the database is not a number from 0 to 2147483647" },
    { "redis://h/-1", "the database is not" },
    { "redis://h/1/", "the database is not" },
    { "redis://h/1 ", "the database is not" },
    { "redis://h/1?x", "the database is not" },
    { "redis://h/2147483648", "the database is not" },
    { "redis://h/99999999999999999999", "the database is not" },
    { "redis://me:s3/s3cret@h", "an \"@\" after the first \"/\"" },
    { "redis://me:s3@s3cret@h", "more than one \"@\"" },
    { "redis://:s3cret%@h", "the password holds a \"%\" without" },
    { "redis://:s3cret%4@h", "the password holds a \"%\" without" },
    { "redis://:s3cret%4g@h", "the password holds a \"%\" without" },
    { "redis://s3cret%zz@h", "the user holds a \"%\" without" },
    { "redis://:s3cret%00@h", "the password holds a NUL" },
    { "unix:", "the path of the socket is not absolute" },
    { "unix://", "the path of the socket is not absolute" },
    { "unix:run/s", "the path of the socket is not absolute" },
    { "unix://run/s", "the path of the socket is not absolute" },
    { "unix://:s3cret@/run/s", "the path of the socket is not absolute" },
    { "unix:///s?", "the \"?\" is not followed by" },
    { "unix:///s?DB=", "the database is not" },
    { "unix:///s?db=", "the database is not" },
    { "unix:///s?db=1&x", "the database is not" },
    { "unix:///s?db=1?db=2", "the database is not" },
    { "unix:///s?x=1", "the \"?\" is not followed by" },
    { "unix:///s%0a", "the path of the socket holds a control byte" },
    { "unix:///s%7f", "the path of the socket holds a control byte" },
    { "unix:///s%00", "the path of the socket holds a NUL" },
    { "unix:///100%", "the path of the socket holds a \"%\" without" },
    { "unix://" PATH_107 "8",
        "the path of the socket is longer than 107 bytes" },
};


/* The bytes alone on the heap, for the sanitizer to see what is read. */
static bool
parse(const char *text, size_t len, clarity_redis_url_t *url,
    clarity_error_t *error)
{
    bool parsed;
    char *exact;

    exact = malloc(len == 0 ? 1 : len);
    assert_non_null(exact);
    memcpy(exact, text, len);
    parsed =
        clarity_redis_url_parse((clarity_str_t){ exact, len }, url, error);
    free(exact);

    return parsed;
}


static void
a_good_url_means_what_it_says(void **state)
{
    size_t i;
    char shown[512];
    clarity_error_t error;
    clarity_redis_url_t url;

    (void) state;

    for (i = 0; i < N(good); i++) {
        if (!parse(good[i].text, strlen(good[i].text), &url, &error)) {
            fail_msg("%s: %s", good[i].text, error.text);
        }

        clarity_redis_url_show(&url, shown, sizeof(shown));
        assert_string_equal(shown, good[i].shown);
        assert_string_equal(url.user, good[i].user);
        assert_string_equal(url.password, good[i].password);
        assert_int_equal(url.scheme, strncmp(shown, "unix:", 5) == 0
                                         ? CLARITY_REDIS_UNIX
                                         : CLARITY_REDIS_TCP);
    }
}


static void
an_ipv6_address_loses_its_brackets(void **state)
{
    clarity_error_t error;
    clarity_redis_url_t url;

    (void) state;

    assert_true(parse("redis://[::1]:7", 15, &url, &error));
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 7);
}


static void
a_bad_url_is_refused_with_the_reason_and_no_secret(void **state)
{
    size_t i;
    clarity_error_t error;
    clarity_redis_url_t url;

    (void) state;

    for (i = 0; i < N(bad); i++) {
        if (parse(bad[i].text, strlen(bad[i].text), &url, &error)) {
            fail_msg("%s was taken", bad[i].text);
        }

        if (strstr(error.text, bad[i].said) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, error.text,
                bad[i].said);
        }

        assert_null(strstr(error.text, "s3"));
        assert_null(strchr(error.text, '\n'));
    }
}


/* Cut anywhere, a URL is another URL or none: it is never misread. */
static void
a_url_may_end_anywhere(void **state)
{
    size_t i, len;
    clarity_error_t error;
    clarity_redis_url_t url;

    (void) state;

    for (i = 0; i < N(good); i++) {
        for (len = 0; len < strlen(good[i].text); len++) {
            error.text[0] = '\0';

            if (!parse(good[i].text, len, &url, &error)) {
                assert_string_not_equal(error.text, "");
            }
        }
    }

    assert_false(
        clarity_redis_url_parse((clarity_str_t){ NULL, 0 }, &url, &error));
}


static void
nuls_and_ten_megabytes_are_refused(void **state)
{
    size_t i, head;
    char *big;
    clarity_error_t error;
    clarity_redis_url_t url;
    const size_t size = 10 * 1024 * 1024;

    static const struct {
        const char *head, *tail, *said;
    } cases[] = {
        { "redis://", "", "the host has" },
        { "redis://", "@h", "the user is longer than 127 bytes" },
        { "redis://:", "@h", "the password is longer than 511 bytes" },
        { "redis://[", "]", "not an IPv6 address" },
        { "redis://h:", "", "the port is not" },
        { "redis://h/", "", "the database is not" },
        { "unix:///", "", "longer than 107 bytes" },
        { "unix:///s?db=", "", "the database is not" },
    };

    (void) state;

    big = malloc(size);
    assert_non_null(big);

    for (i = 0; i < N(cases); i++) {
        memset(big, '9', size);
        head = strlen(cases[i].head);
        memcpy(big, cases[i].head, head);
        memcpy(big + size - strlen(cases[i].tail), cases[i].tail,
            strlen(cases[i].tail));

        assert_false(clarity_redis_url_parse(
            (clarity_str_t){ big, size }, &url, &error));
        assert_non_null(strstr(error.text, cases[i].said));
    }

    free(big);

    assert_false(parse("redis://h\0", 10, &url, &error));
    assert_false(parse("redis://\0h", 10, &url, &error));
    assert_false(parse("redis://u\0:p@h", 14, &url, &error));
    assert_false(parse("redis://:p\0@h", 13, &url, &error));
    assert_false(parse("redis://h/1\0", 12, &url, &error));
    assert_false(parse("unix:///s\0", 10, &url, &error));
    assert_false(parse("\0", 1, &url, &error));
}


static void
what_is_shown_is_cut_to_its_room(void **state)
{
    char shown[8];
    clarity_error_t error;
    clarity_redis_url_t url;

    (void) state;

    assert_true(parse("redis://:p@redis.example", 24, &url, &error));
    clarity_redis_url_show(&url, shown, sizeof(shown));
    assert_string_equal(shown, "redis.e");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_url_means_what_it_says),
        cmocka_unit_test(an_ipv6_address_loses_its_brackets),
        cmocka_unit_test(a_bad_url_is_refused_with_the_reason_and_no_secret),
        cmocka_unit_test(a_url_may_end_anywhere),
        cmocka_unit_test(nuls_and_ten_megabytes_are_refused),
        cmocka_unit_test(what_is_shown_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
