/* A session without I/O: commands in, replies out. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "t/unit/session_owner.h"


static void
commands_are_held_until_ready_and_leave_in_their_order(void **state)
{
    owner_t owner;
    command_t a, b, c;

    (void) state;

    open_plain(&owner);
    clarity_redis_connecting(owner.session);
    assert_int_equal(give(&a, &owner, "a"), CLARITY_REDIS_GIVEN);
    assert_output(&owner, "");

    assert_true(clarity_redis_up(owner.session));
    assert_int_equal(give(&b, &owner, "b"), CLARITY_REDIS_GIVEN);
    assert_output(&owner, SETNAME);
    assert_int_equal(clarity_redis_pending(owner.session), 2);
    write_all(&owner);

    assert_true(feed(&owner, "+OK\r\n"));
    assert_int_equal(give(&c, &owner, "c"), CLARITY_REDIS_GIVEN);
    assert_output(&owner, PING PING PING);
    write_all(&owner);

    assert_true(feed(&owner, "+1\r\n+2\r\n+3\r\n"));
    assert_log(&owner, "a=+1/1 b=+1/2 c=+1/3");
    assert_int_equal(clarity_redis_pending(owner.session), 0);

    close_owner(&owner);
    assert_int_equal(a.calls + b.calls + c.calls, 3);
}


/* Replies of every kind, with CR, LF and NUL in a string. */
static const char conversation[] =
    "+OK\r\n"
    ":42\r\n"
    "-ERR no\r\n"
    "$6\r\na\r\n\0b\r\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "*0\r\n"
    "$0\r\n\r\n"
    "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n+s\r\n";

#define CONVERSATION     (sizeof(conversation) - 1)
#define CONVERSATION_LOG "=+2/OK"
#define REPLIES          9


static void
assert_conversation(owner_t *owner)
{
    clarity_str_t expected =
        clarity_lit("a=+2/OK b=:42 c=-6/ERR no d=$6/a\r\n\0b\r e=nil f=nil"
                    " g=[] h=$0/ i=[:1,[$1/x,nil],+1/s]");

    assert_true(clarity_str_eq(clarity_buf_str(&owner->log), expected));
    clarity_buf_reset(&owner->log);
}


static void
give_conversation(owner_t *owner, command_t commands[REPLIES])
{
    size_t i;

    static const char *const names[REPLIES] = { "a", "b", "c", "d", "e", "f",
        "g", "h", "i" };

    for (i = 0; i < REPLIES; i++) {
        assert_int_equal(
            give(&commands[i], owner, names[i]), CLARITY_REDIS_GIVEN);
    }

    write_all(owner);
}


static void
replies_come_out_the_same_however_they_are_split(void **state)
{
    size_t i, j;
    owner_t owner;
    command_t commands[REPLIES];

    (void) state;

    open_plain(&owner);
    get_ready(&owner);

    give_conversation(&owner, commands);
    for (i = 0; i < CONVERSATION; i++) {
        assert_true(clarity_redis_feed(owner.session, conversation + i, 1));
    }
    assert_conversation(&owner);

    for (i = 0; i <= CONVERSATION; i++) {
        for (j = i; j <= CONVERSATION; j++) {
            give_conversation(&owner, commands);
            assert_true(clarity_redis_feed(owner.session, conversation, i));
            assert_true(
                clarity_redis_feed(owner.session, conversation + i, j - i));
            assert_true(clarity_redis_feed(
                owner.session, conversation + j, CONVERSATION - j));
            assert_conversation(&owner);
        }
    }

    close_owner(&owner);
}


/* A reply of a megabyte in pieces of 4096, as a socket gives it. */
static void
a_large_reply_arrives_whole(void **state)
{
    char *reply;
    size_t i, len, head;
    owner_t owner;
    command_t a;

    (void) state;

    len = 1024 * 1024;
    reply = malloc(len + 32);
    assert_non_null(reply);
    head = (size_t) sprintf(reply, "$%zu\r\n", len);
    memset(reply + head, '\n', len);
    memcpy(reply + head + len, "\r\n", 2);

    open_plain(&owner);
    get_ready(&owner);

    for (i = 0; i < 3; i++) {
        size_t at, n;

        give(&a, &owner, "");
        write_all(&owner);

        for (at = 0; at < head + len + 2; at += n) {
            n = head + len + 2 - at < 4096 ? head + len + 2 - at : 4096;
            assert_int_equal(a.calls, 0);
            assert_true(clarity_redis_feed(owner.session, reply + at, n));
        }

        assert_int_equal(a.calls, 1);
        assert_true(owner.log.len > len);
        clarity_buf_reset(&owner.log);
    }

    free(reply);
    close_owner(&owner);
}


static void
each_event_in_each_state(void **state)
{
    int s;
    uint64_t deadline;
    owner_t owner;
    command_t a, setup;
    clarity_str_t argv[1] = { clarity_lit("PING") };

    (void) state;

    for (s = CLARITY_REDIS_DOWN; s <= CLARITY_REDIS_READY; s++) {
        open_plain(&owner);

        if (s == CLARITY_REDIS_READY) {
            get_ready(&owner);
        } else if (s == CLARITY_REDIS_SETUP) {
            get_up(&owner);
            write_all(&owner);
        } else if (s == CLARITY_REDIS_CONNECTING) {
            clarity_redis_connecting(owner.session);
        }

        assert_state(&owner, (clarity_redis_state_t) s);

        /* No transition but the ones that are drawn in the header. */
        if (s != CLARITY_REDIS_DOWN) {
            clarity_redis_connecting(owner.session);
            assert_state(&owner, (clarity_redis_state_t) s);
        }

        if (s != CLARITY_REDIS_CONNECTING) {
            assert_true(clarity_redis_up(owner.session));
            assert_state(&owner, (clarity_redis_state_t) s);
            assert_output(&owner, "");
        }

        if (s != CLARITY_REDIS_SETUP) {
            clarity_redis_ready(owner.session);
            assert_state(&owner, (clarity_redis_state_t) s);
        }

        assert_int_equal(clarity_redis_deadline(owner.session, &deadline),
            s == CLARITY_REDIS_SETUP);

        setup = (command_t){ &owner, "s", 0, 0, NULL };
        assert_int_equal(
            clarity_redis_setup(owner.session, 1, argv, on_reply, &setup),
            s == CLARITY_REDIS_SETUP ? CLARITY_REDIS_GIVEN
                                     : CLARITY_REDIS_GONE);

        assert_int_equal(give(&a, &owner, "a"), s == CLARITY_REDIS_DOWN
                                                    ? CLARITY_REDIS_GONE
                                                    : CLARITY_REDIS_GIVEN);
        assert_int_equal(
            clarity_redis_pending(owner.session), s != CLARITY_REDIS_DOWN);

        if (s < CLARITY_REDIS_SETUP) {
            assert_false(feed(&owner, "+OK\r\n"));
        }

        clarity_redis_down(owner.session);
        assert_state(&owner, CLARITY_REDIS_DOWN);
        assert_output(&owner, "");
        assert_int_equal(clarity_redis_pending(owner.session), 0);
        assert_false(clarity_redis_deadline(owner.session, &deadline));
        assert_int_equal(a.calls, s != CLARITY_REDIS_DOWN);
        assert_int_equal(setup.calls, s == CLARITY_REDIS_SETUP);

        clarity_redis_down(owner.session);
        close_owner(&owner);
        assert_int_equal(a.calls, s != CLARITY_REDIS_DOWN);
    }

    clarity_redis_free(NULL);
}


static command_t inner[3];


static void
give_two(owner_t *owner)
{
    assert_int_equal(give(&inner[0], owner, "inner0"), CLARITY_REDIS_GIVEN);
    assert_int_equal(give(&inner[1], owner, "inner1"), CLARITY_REDIS_GIVEN);
}


static void
give_in_vain(owner_t *owner)
{
    assert_state(owner, CLARITY_REDIS_DOWN);
    assert_int_equal(clarity_redis_pending(owner->session), 0);
    assert_int_equal(give(&inner[0], owner, "inner0"), CLARITY_REDIS_GONE);
    clarity_redis_ready(owner->session);
    clarity_redis_refuse(owner->session, "too late");
    assert_state(owner, CLARITY_REDIS_DOWN);
}


static void
a_callback_may_give_commands(void **state)
{
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);
    give(&a, &owner, "a");
    give(&b, &owner, "b");
    a.also = give_two;
    write_all(&owner);

    assert_true(feed(&owner, "+1\r\n+2\r\n"));
    assert_output(&owner, PING PING);
    write_all(&owner);
    assert_true(feed(&owner, "+3\r\n+4\r\n"));
    assert_log(&owner, "a=+1/1 b=+1/2 inner0=+1/3 inner1=+1/4");

    close_owner(&owner);
}


static void
a_callback_of_a_loss_gives_in_vain(void **state)
{
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);

    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    a.also = give_in_vain;
    clarity_redis_down(owner.session);
    assert_log(&owner, "a:not_sent");
    assert_string_equal(clarity_redis_reason(owner.session), "");

    get_ready(&owner);
    give(&a, &owner, "a");
    give(&b, &owner, "b");
    a.also = give_in_vain;
    b.also = give_in_vain;
    write_all(&owner);
    clarity_redis_free(owner.session);
    assert_log(&owner, "a:unknown b:unknown");
    assert_int_equal(inner[0].calls, 0);

    clarity_buf_free(&owner.log);
}


static unsigned given_so_far;
static command_t chain[10000];


static void
give_next(owner_t *owner)
{
    unsigned i;

    for (i = 0; i < 2 && given_so_far < 10000; i++) {
        give(&chain[given_so_far], owner, "");
        chain[given_so_far].also = give_next;
        given_so_far++;
    }
}


/* The ring grows and wraps while it is being read. */
static void
ten_thousand_commands_given_by_callbacks_are_answered(void **state)
{
    unsigned i;
    owner_t owner;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);
    given_so_far = 0;
    give_next(&owner);

    for (i = 0; i < 10000; i++) {
        write_all(&owner);
        assert_true(feed(&owner, ":1\r\n"));
        assert_int_equal(chain[i].calls, 1);
    }

    assert_int_equal(clarity_redis_pending(owner.session), 0);
    close_owner(&owner);
}


static void
a_message_without_a_command_is_a_push_or_a_fault(void **state)
{
    owner_t owner;
    command_t a;
    clarity_redis_conf_t conf;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);
    assert_false(feed(&owner, "+OK\r\n"));
    assert_string_equal(clarity_redis_reason(owner.session),
        "Redis sent a reply that no command had asked for");
    close_owner(&owner);

    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.push = on_push;
    open_with(&owner, &conf);
    get_ready(&owner);

    give(&a, &owner, "a");
    write_all(&owner);
    assert_true(
        feed(&owner, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
                     "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
                     "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nho\r\n"));
    assert_log(&owner, "a=[$9/subscribe,$1/c,:1] push=[$7/message,$1/c,$2/hi]"
                       " push=[$7/message,$1/c,$2/ho]");

    /* Held commands have not left: a message in SETUP is none's reply. */
    clarity_redis_down(owner.session);
    owner.log.len = 0;
    close_owner(&owner);
}


static void
what_is_not_redis_is_not_listened_to(void **state)
{
    size_t i;
    owner_t owner;
    command_t a;

    static const char *const answers[] = {
        "HTTP/1.1 400 Bad Request\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\x15\x03\x01",
        "\r\n",
        "%1\r\n+a\r\n+b\r\n", /* RESP3 */
        "$-2\r\n",
        "$x\r\n",
        "*99999999999999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ":1x\r\n",
    };

    (void) state;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        open_plain(&owner);
        get_ready(&owner);
        give(&a, &owner, "a");
        write_all(&owner);

        assert_false(feed(&owner, answers[i]));
        assert_non_null(
            strstr(clarity_redis_reason(owner.session), "protocol"));
        assert_false(feed(&owner, "+OK\r\n"));
        assert_int_equal(a.calls, 0);

        clarity_redis_down(owner.session);
        assert_log(&owner, "a:unknown");

        get_ready(&owner);
        close_owner(&owner);
    }
}


/* hiredis would reserve room for as many as are announced. */
static void
an_array_of_millions_is_not_waited_for(void **state)
{
    size_t i;
    owner_t owner;
    command_t a;

    static const struct {
        const char *reply;
        bool is_taken;
    } cases[] = {
        { "*1048576\r\n", true },
        { "*1048577\r\n", false },
        { "*2147483647\r\n", false },
        { "*1\r\n*1048577\r\n", false },
        { "*2\r\n*1000000\r\n", true },
        { "*2\r\n*0\r\n*1048575\r\n", false },
        { "*1000000\r\n*1000000\r\n", false },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_plain(&owner);
        get_ready(&owner);
        give(&a, &owner, "a");
        write_all(&owner);

        assert_int_equal(feed(&owner, cases[i].reply), cases[i].is_taken);

        if (!cases[i].is_taken) {
            assert_string_equal(clarity_redis_reason(owner.session),
                "what answers sent a reply of more than 1048576 elements");
        }

        clarity_redis_down(owner.session);
        assert_log(&owner, "a:unknown");

        /* The next connection is another. */
        get_ready(&owner);
        assert_string_equal(clarity_redis_reason(owner.session), "");
        close_owner(&owner);
    }
}


static void
max_pending_counts_what_is_held_and_in_flight(void **state)
{
    unsigned i;
    owner_t owner;
    command_t commands[4];
    clarity_redis_conf_t conf;

    (void) state;

    memset(&owner, 0, sizeof(owner));
    conf = plain_conf(&owner);
    conf.max_pending = 3;
    open_with(&owner, &conf);

    clarity_redis_connecting(owner.session);

    for (i = 0; i < 4; i++) {
        assert_int_equal(give(&commands[i], &owner, "x"),
            i < 3 ? CLARITY_REDIS_GIVEN : CLARITY_REDIS_FULL);
    }

    assert_true(clarity_redis_up(owner.session));
    assert_int_equal(give(&commands[3], &owner, "x"), CLARITY_REDIS_FULL);
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_int_equal(give(&commands[3], &owner, "x"), CLARITY_REDIS_FULL);

    clarity_redis_sent(owner.session, strlen(PING));
    assert_true(feed(&owner, "+1\r\n"));
    assert_int_equal(give(&commands[3], &owner, "y"), CLARITY_REDIS_GIVEN);
    assert_int_equal(clarity_redis_pending(owner.session), 3);

    clarity_redis_down(owner.session);
    assert_log(&owner, "x=+1/1 x:not_sent x:not_sent y:not_sent");
    close_owner(&owner);
}


static void
arguments_are_bytes_of_any_number_and_length(void **state)
{
    size_t i;
    char *big;
    owner_t owner;
    command_t a = { &owner, "a", 0, 0, NULL };
    clarity_str_t argv[100], output;
    const size_t len = 10 * 1024 * 1024;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);

    argv[0] = clarity_lit("SET");
    argv[1] = clarity_lit("k\0\r\n");
    argv[2] = (clarity_str_t){ NULL, 0 };
    assert_int_equal(
        clarity_redis_command(owner.session, 3, argv, 0, on_reply, &a),
        CLARITY_REDIS_GIVEN);
    assert_true(clarity_str_eq(clarity_redis_output(owner.session),
        clarity_lit("*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n")));
    write_all(&owner);

    big = malloc(len);
    assert_non_null(big);
    memset(big, '\0', len);
    argv[2] = (clarity_str_t){ big, len };
    assert_int_equal(
        clarity_redis_command(owner.session, 3, argv, 0, on_reply, &a),
        CLARITY_REDIS_GIVEN);
    output = clarity_redis_output(owner.session);
    assert_int_equal(output.len,
        strlen("*3\r\n$3\r\nSET\r\n$4\r\nkxxx\r\n$10485760\r\n\r\n") + len);
    free(big);
    write_all(&owner);

    for (i = 0; i < 100; i++) {
        argv[i] = clarity_lit("x");
    }

    assert_int_equal(
        clarity_redis_command(owner.session, 100, argv, 0, on_reply, &a),
        CLARITY_REDIS_GIVEN);
    output = clarity_redis_output(owner.session);
    assert_int_equal(output.len, strlen("*100\r\n") + 100 * 7);
    assert_memory_equal(output.data, "*100\r\n$1\r\nx\r\n", 13);

    close_owner(&owner);
    assert_int_equal(a.calls, 3);
}


static void
what_redis_would_not_take_is_not_given(void **state)
{
    owner_t owner;
    command_t a = { &owner, "a", 0, 0, NULL };
    clarity_str_t argv[3];

    (void) state;

    open_plain(&owner);
    get_ready(&owner);

    assert_int_equal(
        clarity_redis_command(owner.session, 0, argv, 0, on_reply, &a),
        CLARITY_REDIS_NO_MEMORY);

    argv[0] = clarity_lit("SET");
    argv[1] = (clarity_str_t){ "", (size_t) 512 * 1024 * 1024 };
    argv[2] = (clarity_str_t){ "", SIZE_MAX - 1 };

    assert_int_equal(
        clarity_redis_command(owner.session, 2, argv, 0, on_reply, &a),
        CLARITY_REDIS_NO_MEMORY);
    assert_int_equal(
        clarity_redis_command(owner.session, 3, argv, 0, on_reply, &a),
        CLARITY_REDIS_NO_MEMORY);
    assert_output(&owner, "");
    assert_int_equal(clarity_redis_pending(owner.session), 0);

    close_owner(&owner);
    assert_int_equal(a.calls, 0);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            commands_are_held_until_ready_and_leave_in_their_order),
        cmocka_unit_test(replies_come_out_the_same_however_they_are_split),
        cmocka_unit_test(a_large_reply_arrives_whole),
        cmocka_unit_test(each_event_in_each_state),
        cmocka_unit_test(a_callback_may_give_commands),
        cmocka_unit_test(a_callback_of_a_loss_gives_in_vain),
        cmocka_unit_test(
            ten_thousand_commands_given_by_callbacks_are_answered),
        cmocka_unit_test(a_message_without_a_command_is_a_push_or_a_fault),
        cmocka_unit_test(what_is_not_redis_is_not_listened_to),
        cmocka_unit_test(an_array_of_millions_is_not_waited_for),
        cmocka_unit_test(max_pending_counts_what_is_held_and_in_flight),
        cmocka_unit_test(arguments_are_bytes_of_any_number_and_length),
        cmocka_unit_test(what_redis_would_not_take_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
