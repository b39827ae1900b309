/* A session that is sent what no Redis sends, or what it had not asked for. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "t/unit/session_owner.h"

#define UNASKED "Redis sent a reply that no command had asked for"


/*
 * Else a reply that comes astray would be that of a job which has never left.
 */
static void
a_reply_is_none_of_a_command_that_has_not_left(void **state)
{
    size_t n;
    owner_t owner;
    command_t a, b;
    const size_t len = strlen(PING);

    (void) state;

    for (n = 0; n <= 2 * len; n++) {
        open_plain(&owner);
        get_ready(&owner);
        give(&a, &owner, "a");
        give(&b, &owner, "b");
        clarity_redis_sent(owner.session, n);

        assert_int_equal(feed(&owner, "+1\r\n+2\r\n"), n == 2 * len);

        if (n != 2 * len) {
            assert_string_equal(clarity_redis_reason(owner.session), UNASKED);
            clarity_redis_down(owner.session);
        }

        assert_int_equal(a.result, n >= len ? CLARITY_REDIS_REPLIED
                                   : n > 0  ? CLARITY_REDIS_UNKNOWN
                                            : CLARITY_REDIS_NOT_SENT);
        assert_int_equal(b.result, n == 2 * len ? CLARITY_REDIS_REPLIED
                                   : n > len    ? CLARITY_REDIS_UNKNOWN
                                                : CLARITY_REDIS_NOT_SENT);
        assert_int_equal(a.calls + b.calls, 2);

        close_owner(&owner);
    }
}


/* Redis refuses a command that is too long from its first bytes. */
static void
an_error_may_come_before_the_end_of_its_command(void **state)
{
    size_t n;
    owner_t owner;
    command_t a;

    (void) state;

    for (n = 0; n <= strlen(PING); n++) {
        open_plain(&owner);
        get_ready(&owner);
        give(&a, &owner, "a");
        clarity_redis_sent(owner.session, n);

        assert_int_equal(
            feed(&owner, "-ERR Protocol error: invalid bulk length\r\n"),
            n > 0);
        clarity_redis_down(owner.session);
        assert_int_equal(
            a.result, n > 0 ? CLARITY_REDIS_REPLIED : CLARITY_REDIS_NOT_SENT);

        close_owner(&owner);
    }
}


static void
nor_of_one_that_the_setup_gives(void **state)
{
    owner_t owner;
    command_t a;

    (void) state;

    open_plain(&owner);
    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    assert_true(clarity_redis_up(owner.session));

    /* One that speaks first. */
    assert_false(feed(&owner, "+OK\r\n"));
    assert_string_equal(clarity_redis_reason(owner.session), UNASKED);
    clarity_redis_down(owner.session);
    assert_log(&owner, "a:not_sent");

    /* Held commands do not delay the setup's replies. */
    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_state(&owner, CLARITY_REDIS_READY);
    assert_false(feed(&owner, "+1\r\n"));
    clarity_redis_down(owner.session);
    assert_log(&owner, "a:not_sent");

    close_owner(&owner);
}


/* The owner's setup may go on in READY, ahead of what was held. */
static command_t in_setup[2];


static void
setup_goes_on(void *data, clarity_redis_session_t *session)
{
    size_t i;
    clarity_str_t argv[1] = { clarity_lit("PING") };

    for (i = 0; i < 2; i++) {
        in_setup[i] = (command_t){ data, i == 0 ? "s" : "t", 0, 0, NULL };
        assert_int_equal(
            clarity_redis_setup(session, 1, argv, on_reply, &in_setup[i]),
            CLARITY_REDIS_GIVEN);
    }

    clarity_redis_ready(session);
}


static void
replies_of_the_setup_come_while_jobs_have_not_left(void **state)
{
    owner_t owner;
    command_t a;
    clarity_redis_conf_t conf;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.setup = setup_goes_on;
    open_with(&owner, &conf);

    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_state(&owner, CLARITY_REDIS_READY);
    assert_output(&owner, PING PING PING);

    clarity_redis_sent(owner.session, 2 * strlen(PING));
    assert_true(feed(&owner, "+1\r\n+2\r\n"));
    assert_log(&owner, "s=+1/1 t=+1/2");

    write_all(&owner);
    assert_true(feed(&owner, "+3\r\n"));
    assert_log(&owner, "a=+1/3");

    close_owner(&owner);
}


/* Feeds so many bytes of one kind, 4096 at a time; how many were taken. */
static size_t
feed_bytes(owner_t *owner, char byte, size_t len)
{
    size_t at;
    char piece[4096];

    memset(piece, byte, sizeof(piece));

    for (at = 0; at < len; at += sizeof(piece)) {
        if (!clarity_redis_feed(owner->session, piece, sizeof(piece))) {
            break;
        }
    }

    return at;
}


static void
a_line_has_an_end(void **state)
{
    size_t i, taken;
    owner_t owner;
    command_t a;

    static const char *const begins[] = { "+", "-ERR ", ":", "$", "*",
        "*2\r\n+x\r\n-", "+has no end\n\r" };

    (void) state;

    for (i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        open_plain(&owner);
        get_ready(&owner);
        give(&a, &owner, "a");
        write_all(&owner);

        assert_true(feed(&owner, begins[i]));
        taken = feed_bytes(&owner, '1', 1024 * 1024);
        assert_in_range(taken, 60 * 1024, 64 * 1024);
        assert_non_null(strstr(clarity_redis_reason(owner.session),
            "does not speak Redis' protocol"));

        clarity_redis_down(owner.session);
        assert_log(&owner, "a:unknown");
        close_owner(&owner);
    }

    /* The one of 64 KB may have. */
    open_plain(&owner);
    get_ready(&owner);
    give(&a, &owner, "a");
    write_all(&owner);
    assert_true(feed(&owner, "+"));
    assert_int_equal(feed_bytes(&owner, '1', 64 * 1024), 64 * 1024);
    assert_true(feed(&owner, "\r\n"));
    assert_int_equal(a.calls, 1);
    close_owner(&owner);
}


/* Of a string, of an array, and of strings that are each within the limit. */
static void
a_reply_is_not_longer_than_is_allowed(void **state)
{
    size_t i, k;
    owner_t owner;
    command_t a, b;
    clarity_redis_conf_t conf;

    static const char *const heads[] = { "$100000000\r\n",
        "*1\r\n*2\r\n$99999999\r\n", "*20\r\n" };

    (void) state;

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.max_reply = 200 * 1024;
        open_with(&owner, &conf);
        get_ready(&owner);

        give(&a, &owner, "a");
        write_all(&owner);
        assert_true(feed(&owner, heads[i]));

        for (k = 0; k < 20; k++) {
            if ((i == 2 && !feed(&owner, "$20480\r\n"))
                || feed_bytes(&owner, 'x', 20480) < 20480
                || (i == 2 && !feed(&owner, "\r\n")))
            {
                break;
            }
        }

        assert_in_range(k, 9, 10);
        assert_string_equal(clarity_redis_reason(owner.session),
            "what answers sent a reply that takes more than 204800 bytes");
        clarity_redis_down(owner.session);
        assert_log(&owner, "a:unknown");
        close_owner(&owner);
    }

    /* Those of one read do not count together, nor those of a connection. */
    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.max_reply = 10;
    open_with(&owner, &conf);
    get_ready(&owner);

    for (i = 0; i < 100; i++) {
        give(&a, &owner, "a");
        give(&b, &owner, "b");
        write_all(&owner);
        assert_true(feed(&owner, "$3\r\nabc\r\n$3\r\n"));
        assert_true(feed(&owner, "def\r\n"));
        assert_log(&owner, "a=$3/abc b=$3/def");
    }

    close_owner(&owner);
}


/* A list of nothing is four bytes, of which hiredis makes a hundred. */
static void
a_reply_does_not_take_more_memory_than_is_allowed(void **state)
{
    size_t i, n;
    owner_t owner;
    command_t a;
    clarity_redis_conf_t conf;

    static const struct {
        const char *begin;
        const char *again;
    } floods[] = {
        { "*100000\r\n", "*0\r\n" },
        { "*7000\r\n", "*1\r\n*1\r\n*0\r\n" },
        { "*7000\r\n", "*3\r\n+\r\n+\r\n+\r\n" },
        { "*8000\r\n", "+0123456789\r\n" },
        { "", "*4000\r\n" },
    };

    (void) state;

    for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.max_reply = 1024 * 1024;
        open_with(&owner, &conf);
        get_ready(&owner);

        give(&a, &owner, "a");
        write_all(&owner);
        (void) feed(&owner, floods[i].begin);

        for (n = 0; n < 7000 && feed(&owner, floods[i].again); n++) {
        }

        assert_true(n < 7000);
        assert_int_equal(a.calls, 0);
        assert_non_null(strstr(clarity_redis_reason(owner.session),
            "what answers sent a reply "));
        close_owner(&owner);
    }
}


static void
a_command_may_have_a_longer_reply_than_others(void **state)
{
    unsigned round;
    owner_t owner;
    command_t a, b, c;
    clarity_redis_conf_t conf;

    (void) state;

    /* In flight; and held, in the second round. */
    for (round = 0; round < 2; round++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.max_reply = 1000;
        open_with(&owner, &conf);

        if (round == 0) {
            get_ready(&owner);
        } else {
            clarity_redis_connecting(owner.session);
        }

        give(&a, &owner, "a");
        give(&b, &owner, "b");
        clarity_redis_allow(owner.session, 5000);
        give(&c, &owner, "c");

        if (round == 1) {
            assert_true(clarity_redis_up(owner.session));
            write_all(&owner);
            assert_true(feed(&owner, "+OK\r\n"));
        }

        write_all(&owner);

        /* What has come of b's with a's is no longer a's. */
        assert_true(feed(&owner, "+1\r\n$4000\r\n"));
        assert_int_equal(feed_bytes(&owner, 'x', 4096), 0);
        assert_int_equal(a.calls, 1);
        assert_int_equal(b.calls, 1);
        close_owner(&owner);
    }
}


/* Where there is no limit otherwise: who is no Redis shows it in the setup. */
static void
a_reply_of_the_setup_is_short(void **state)
{
    owner_t owner;

    (void) state;

    open_plain(&owner);
    clarity_redis_connecting(owner.session);
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_true(feed(&owner, "$100000000\r\n"));
    assert_in_range(
        feed_bytes(&owner, 'x', 4 << 20), 1024 * 1024 - 8192, 1024 * 1024);
    assert_string_equal(clarity_redis_reason(owner.session),
        "what answers sent a reply that takes more than 1048576 bytes");
    close_owner(&owner);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_none_of_a_command_that_has_not_left),
        cmocka_unit_test(an_error_may_come_before_the_end_of_its_command),
        cmocka_unit_test(nor_of_one_that_the_setup_gives),
        cmocka_unit_test(replies_of_the_setup_come_while_jobs_have_not_left),
        cmocka_unit_test(a_line_has_an_end),
        cmocka_unit_test(a_reply_is_not_longer_than_is_allowed),
        cmocka_unit_test(a_reply_does_not_take_more_memory_than_is_allowed),
        cmocka_unit_test(a_command_may_have_a_longer_reply_than_others),
        cmocka_unit_test(a_reply_of_the_setup_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
