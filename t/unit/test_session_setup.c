/* How a session gets READY, or does not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "t/unit/session_owner.h"


static void
the_setup_is_what_the_configuration_asks_for_in_one_write(void **state)
{
    size_t i;
    owner_t owner;
    clarity_redis_conf_t conf;

    static const struct {
        const char *user, *password;
        unsigned db;
        const char *output;
    } cases[] = {
        { "", "", 0, SETNAME },
        { "user", "", 0, SETNAME },
        { "", "pw", 0, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" SETNAME },
        { "me", "pw", 0,
            "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n" SETNAME },
        { "", "", 7, "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n" SETNAME },
        { "", "pw", 4294967295,
            "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n"
            "*2\r\n$6\r\nSELECT\r\n$10\r\n4294967295\r\n" SETNAME },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.user = cases[i].user;
        conf.password = cases[i].password;
        conf.db = cases[i].db;

        open_with(&owner, &conf);
        assert_output(&owner, "");
        get_up(&owner);
        assert_output(&owner, cases[i].output);
        close_owner(&owner);
    }
}


static void
ready_comes_with_the_last_good_reply_of_the_setup(void **state)
{
    owner_t owner;
    clarity_redis_conf_t conf;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.password = "pw";
    conf.db = 1;

    open_with(&owner, &conf);
    get_up(&owner);
    write_all(&owner);

    assert_true(feed(&owner, "+OK\r\n"));
    assert_state(&owner, CLARITY_REDIS_SETUP);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_state(&owner, CLARITY_REDIS_SETUP);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_state(&owner, CLARITY_REDIS_READY);
    assert_string_equal(clarity_redis_reason(owner.session), "");

    close_owner(&owner);
}


static command_t own_setup[2];


static void
say_ready(owner_t *owner)
{
    clarity_redis_ready(owner->session);
}


static void
say_no(owner_t *owner)
{
    clarity_redis_refuse(owner->session, "the owner says no");
    clarity_redis_refuse(owner->session, "and again");
    clarity_redis_ready(owner->session);
}


static void
on_setup(void *data, clarity_redis_session_t *session)
{
    size_t i;
    owner_t *owner = data;
    clarity_str_t argv[2] = { clarity_lit("GET"), clarity_lit("x") };

    owner->setups++;

    for (i = 0; i < 2; i++) {
        own_setup[i].owner = owner;
        own_setup[i].name = i == 0 ? "s0" : "s1";
        assert_int_equal(
            clarity_redis_setup(session, 2, argv, on_reply, &own_setup[i]),
            CLARITY_REDIS_GIVEN);
    }
}


#define GET_X "*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"


static void
the_owners_setup_goes_ahead_of_held_commands(void **state)
{
    owner_t owner;
    command_t a;
    clarity_redis_conf_t conf;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    memset(own_setup, 0, sizeof(own_setup));
    conf = plain_conf(&owner);
    conf.setup = on_setup;
    conf.max_pending = 1; /* which the setup's do not count for */
    open_with(&owner, &conf);

    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_int_equal(owner.setups, 0);

    assert_true(feed(&owner, "+OK\r\n"));
    assert_int_equal(owner.setups, 1);
    assert_state(&owner, CLARITY_REDIS_SETUP);
    assert_output(&owner, GET_X GET_X);
    assert_int_equal(clarity_redis_pending(owner.session), 1);
    write_all(&owner);

    own_setup[1].also = say_ready;
    assert_true(feed(&owner, "$-1\r\n"));
    assert_state(&owner, CLARITY_REDIS_SETUP);
    assert_true(feed(&owner, "$1\r\ny\r\n"));
    assert_state(&owner, CLARITY_REDIS_READY);
    assert_output(&owner, PING);
    write_all(&owner);
    assert_true(feed(&owner, "+PONG\r\n"));
    assert_log(&owner, "s0=nil s1=$1/y a=+4/PONG");

    close_owner(&owner);
}


/* ready() with replies of the setup still to come, and bytes unwritten. */
static void
ready_may_be_said_before_the_setup_is_answered(void **state)
{
    size_t n;
    owner_t owner;
    command_t a;
    clarity_redis_conf_t conf;

    (void) state;

    for (n = 0; n <= strlen(GET_X PING); n++) {
        memset(&owner, 0, sizeof(owner));
        memset(own_setup, 0, sizeof(own_setup));
        conf = plain_conf(&owner);
        conf.setup = on_setup;
        open_with(&owner, &conf);

        clarity_redis_connecting(owner.session);
        give(&a, &owner, "a");
        assert_true(clarity_redis_up(owner.session));
        write_all(&owner);
        assert_true(feed(&owner, "+OK\r\n"));

        clarity_redis_sent(owner.session, strlen(GET_X));
        own_setup[0].also = say_ready;
        assert_true(feed(&owner, ":1\r\n"));
        assert_state(&owner, CLARITY_REDIS_READY);
        assert_output(&owner, GET_X PING);
        clarity_redis_sent(owner.session, n);

        if (n == strlen(GET_X PING)) {
            assert_true(feed(&owner, ":2\r\n:3\r\n"));
            assert_log(&owner, "s0=:1 s1=:2 a=:3");
        } else {
            clarity_redis_down(owner.session);
            assert_log(&owner, n == 0 ? "s0=:1 s1:not_sent a:not_sent"
                               : n <= strlen(GET_X)
                                   ? "s0=:1 s1:unknown a:not_sent"
                                   : "s0=:1 s1:unknown a:unknown");
        }

        close_owner(&owner);
    }
}


static void
the_owner_may_refuse_the_connection(void **state)
{
    owner_t owner;
    command_t a, b;
    clarity_redis_conf_t conf;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    memset(own_setup, 0, sizeof(own_setup));
    conf = plain_conf(&owner);
    conf.setup = on_setup;
    open_with(&owner, &conf);

    get_up(&owner);
    give(&a, &owner, "a");
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    write_all(&owner);
    own_setup[0].also = say_no;

    /* The second reply is not looked at any more. */
    assert_false(feed(&owner, ":1\r\n:2\r\n"));
    assert_state(&owner, CLARITY_REDIS_SETUP);
    assert_string_equal(
        clarity_redis_reason(owner.session), "the owner says no");
    assert_false(feed(&owner, ":2\r\n"));
    clarity_redis_down(owner.session);
    assert_log(&owner, "s0=:1 s1:unknown a:not_sent");
    assert_string_equal(
        clarity_redis_reason(owner.session), "the owner says no");

    /* In READY as well, as for READONLY. */
    own_setup[0].also = NULL;
    own_setup[1].also = say_ready;
    get_up(&owner);
    assert_string_equal(clarity_redis_reason(owner.session), "");
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    write_all(&owner);
    assert_true(feed(&owner, ":1\r\n:2\r\n"));
    give(&a, &owner, "a");
    give(&b, &owner, "b");
    a.also = say_no;
    write_all(&owner);
    assert_false(feed(&owner, "-READONLY x\r\n"));
    clarity_redis_down(owner.session);
    assert_log(&owner, "s0=:1 s1=:2 a=-10/READONLY x b:unknown");

    close_owner(&owner);
}


#define ROLE "*1\r\n$4\r\nROLE\r\n"


/* Byte by byte: nothing is concluded from half a reply. */
static void
where_a_primary_is_wanted_role_is_asked(void **state)
{
    size_t i, k;
    owner_t owner;
    clarity_redis_conf_t conf;

    static const struct {
        const char *reply, *reason; /* NULL: READY */
    } cases[] = {
        { "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", NULL },
        { "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$7\r\nconnect\r\n:-1\r\n",
            "this Redis is a replica: the address must be that of the"
            " primary" },
        { "*2\r\n$8\r\nsentinel\r\n*0\r\n",
            "this Redis is a sentinel: the address must be that of the"
            " primary" },
        { "-NOPERM this user may not\r\n", NULL },
        { "-ERR unknown command 'ROLE'\r\n", NULL },
        { "-LOADING Redis is loading\r\n",
            "ROLE was refused (LOADING): Redis is still reading its data from"
            " disk: wait" },
        { "*0\r\n", NULL },
        { "*1\r\n:1\r\n", NULL },
        { "+slave\r\n", NULL },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.primary = true;

        open_with(&owner, &conf);
        get_up(&owner);
        assert_output(&owner, SETNAME ROLE);
        write_all(&owner);

        assert_true(feed(&owner, "+OK\r\n"));

        for (k = 0; cases[i].reply[k] != '\0'; k++) {
            assert_state(&owner, CLARITY_REDIS_SETUP);
            assert_int_equal(
                clarity_redis_feed(owner.session, cases[i].reply + k, 1),
                cases[i].reason == NULL || cases[i].reply[k + 1] != '\0');
        }

        assert_string_equal(clarity_redis_reason(owner.session),
            cases[i].reason != NULL ? cases[i].reason : "");
        assert_state(&owner, cases[i].reason == NULL ? CLARITY_REDIS_READY
                                                     : CLARITY_REDIS_SETUP);
        close_owner(&owner);
    }
}


static command_t held_anew;


static void
give_anew(owner_t *owner)
{
    assert_int_equal(give(&held_anew, owner, "new"), CLARITY_REDIS_GIVEN);
}


static void
held_commands_can_be_dropped_before_ready(void **state)
{
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);
    clarity_redis_connecting(owner.session);
    assert_int_equal(give(&a, &owner, "a"), CLARITY_REDIS_GIVEN);
    assert_int_equal(give(&b, &owner, "b"), CLARITY_REDIS_GIVEN);
    b.also = give_anew;
    assert_true(clarity_redis_up(owner.session));

    clarity_redis_drop_held(owner.session);
    assert_log(&owner, "a:not_sent b:not_sent");
    assert_int_equal(clarity_redis_pending(owner.session), 1);

    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_output(&owner, PING);
    write_all(&owner);

    /* What is in flight cannot be taken back. */
    clarity_redis_drop_held(owner.session);
    assert_true(feed(&owner, "+PONG\r\n"));
    assert_log(&owner, "new=+4/PONG");

    close_owner(&owner);
}


static void
a_refused_setup_says_why_and_tells_no_secret(void **state)
{
    size_t i;
    owner_t owner;
    clarity_redis_conf_t conf;

    static const struct {
        const char *password;
        unsigned db;
        const char *replies;
        const char *reason; /* "": READY */
    } cases[] = {
        { "s3cret", 0, "-WRONGPASS invalid s3cret pair\r\n",
            "AUTH was refused (WRONGPASS): check user and password, and"
            " whether this Redis asks for them" },
        { "s3cret", 0, "-ERR invalid password s3cret\r\n+OK\r\n",
            "AUTH was refused (ERR): check user and password, and whether"
            " this Redis asks for them" },
        { "s3cret", 0, "-s3cret\r\n",
            "AUTH was refused (ERR): check user and password, and whether"
            " this Redis asks for them" },
        { "", 20, "-ERR DB index is out of range\r\n+OK\r\n",
            "SELECT was refused: ERR DB index is out of range" },
        { "", 20, "-ERR \x1b[31m\tred\xff\x7f\r\n",
            "SELECT was refused: ERR ?[31m?red??" },
        { "", 20, "-NOAUTH Authentication required.\r\n",
            "SELECT was refused (NOAUTH): Redis wants a password and none was"
            " given" },
        { "", 0, "-NOAUTH Authentication required.\r\n",
            "CLIENT SETNAME was refused (NOAUTH): Redis wants a password and"
            " none was given" },
        { "", 0, "-LOADING Redis is loading the dataset in memory\r\n",
            "CLIENT SETNAME was refused (LOADING): Redis is still reading its"
            " data from disk: wait" },
        { "", 0, "-NOPERM this user has no permissions\r\n", "" },
        { "", 0, "-ERR unknown command 'CLIENT'\r\n", "" },
        { "s3cret", 3, "+OK\r\n+OK\r\n-NOPERM this user\r\n", "" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.password = cases[i].password;
        conf.db = cases[i].db;
        open_with(&owner, &conf);
        get_up(&owner);
        write_all(&owner);

        assert_int_equal(
            feed(&owner, cases[i].replies), cases[i].reason[0] == '\0');
        assert_string_equal(
            clarity_redis_reason(owner.session), cases[i].reason);
        assert_state(&owner, cases[i].reason[0] == '\0' ? CLARITY_REDIS_READY
                                                        : CLARITY_REDIS_SETUP);
        close_owner(&owner);
    }
}


static void
a_long_reason_is_cut(void **state)
{
    owner_t owner;
    clarity_redis_conf_t conf;
    const size_t len = 60 * 1024;
    char *reply;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.db = 1;
    open_with(&owner, &conf);
    get_up(&owner);
    write_all(&owner);

    reply = malloc(len);
    assert_non_null(reply);
    memset(reply, 'x', len);
    reply[0] = '-';
    memcpy(reply + len - 2, "\r\n", 2);

    assert_false(clarity_redis_feed(owner.session, reply, len));
    assert_in_range(strlen(clarity_redis_reason(owner.session)), 100, 511);

    free(reply);
    close_owner(&owner);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_setup_is_what_the_configuration_asks_for_in_one_write),
        cmocka_unit_test(ready_comes_with_the_last_good_reply_of_the_setup),
        cmocka_unit_test(the_owners_setup_goes_ahead_of_held_commands),
        cmocka_unit_test(ready_may_be_said_before_the_setup_is_answered),
        cmocka_unit_test(the_owner_may_refuse_the_connection),
        cmocka_unit_test(where_a_primary_is_wanted_role_is_asked),
        cmocka_unit_test(held_commands_can_be_dropped_before_ready),
        cmocka_unit_test(a_refused_setup_says_why_and_tells_no_secret),
        cmocka_unit_test(a_long_reason_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
