/* A session that loses its connection, and when it should. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "t/unit/session_owner.h"


static void
a_loss_tells_what_never_left_at_every_byte(void **state)
{
    size_t i, n, step;
    owner_t owner;
    command_t a, b, c;
    const size_t len = strlen(PING);

    (void) state;

    for (step = 1; step <= 3 * len; step++) {
        for (n = 0; n <= 3 * len; n++) {
            open_plain(&owner);
            get_ready(&owner);
            give(&a, &owner, "a");
            give(&b, &owner, "b");
            give(&c, &owner, "c");

            /* n bytes, `step` of them at a time. */
            for (i = 0; i < n; i += step) {
                clarity_redis_sent(owner.session, n - i < step ? n - i : step);
                assert_int_equal(clarity_redis_output(owner.session).len,
                    3 * len - (n - i < step ? n : i + step));
            }

            clarity_redis_down(owner.session);

            assert_int_equal(a.result,
                n > 0 ? CLARITY_REDIS_UNKNOWN : CLARITY_REDIS_NOT_SENT);
            assert_int_equal(b.result,
                n > len ? CLARITY_REDIS_UNKNOWN : CLARITY_REDIS_NOT_SENT);
            assert_int_equal(c.result,
                n > 2 * len ? CLARITY_REDIS_UNKNOWN : CLARITY_REDIS_NOT_SENT);
            assert_int_equal(a.calls + b.calls + c.calls, 3);

            close_owner(&owner);
        }
    }
}


/* The offsets of one connection mean nothing to the next. */
static void
a_loss_tells_it_on_later_connections_too(void **state)
{
    size_t n;
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);

    for (n = 0; n <= 2 * strlen(PING); n++) {
        clarity_redis_connecting(owner.session);
        give(&a, &owner, "a");
        clarity_redis_down(owner.session);
        assert_log(&owner, "a:not_sent");

        get_up(&owner);
        give(&a, &owner, "a");
        write_all(&owner);
        clarity_redis_down(owner.session);
        assert_log(&owner, "a:not_sent");

        get_up(&owner);
        give(&a, &owner, "a");
        write_all(&owner);
        assert_true(feed(&owner, "+OK\r\n"));
        give(&b, &owner, "b");
        clarity_redis_sent(owner.session, n);
        clarity_redis_down(owner.session);
        assert_log(&owner, n == 0              ? "a:not_sent b:not_sent"
                           : n <= strlen(PING) ? "a:unknown b:not_sent"
                                               : "a:unknown b:unknown");
    }

    close_owner(&owner);
}


static command_t second;


static void
give_second(owner_t *owner)
{
    assert_int_equal(give(&second, owner, "second"), CLARITY_REDIS_GIVEN);
}


/* What the callbacks of a loss give waits for the next attempt, and is its. */
static void
what_is_given_at_a_reconnect_is_held(void **state)
{
    owner_t owner;
    command_t a, b, c;

    (void) state;

    open_plain(&owner);

    /* Not from a state in which nothing can have been served. */
    clarity_redis_reconnect(owner.session);
    assert_int_equal(clarity_redis_state(owner.session), CLARITY_REDIS_DOWN);

    get_ready(&owner);
    give(&a, &owner, "a");
    write_all(&owner);
    give(&b, &owner, "b");
    b.also = give_second;
    clarity_redis_refuse(owner.session, "lost");

    clarity_redis_reconnect(owner.session);
    assert_log(&owner, "a:unknown b:not_sent");
    assert_int_equal(
        clarity_redis_state(owner.session), CLARITY_REDIS_CONNECTING);
    assert_string_equal(clarity_redis_reason(owner.session), "");
    assert_int_equal(clarity_redis_pending(owner.session), 1);
    assert_output(&owner, "");

    give(&c, &owner, "c");
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_int_equal(clarity_redis_state(owner.session), CLARITY_REDIS_READY);
    assert_output(&owner, PING PING);
    write_all(&owner);
    assert_true(feed(&owner, "+1\r\n+2\r\n"));
    assert_log(&owner, "second=+1/1 c=+1/2");

    /* And an attempt that fails tells them that nothing left. */
    give(&b, &owner, "b");
    b.also = give_second;
    clarity_redis_reconnect(owner.session);
    clarity_redis_down(owner.session);
    assert_log(&owner, "b:not_sent second:not_sent");

    close_owner(&owner);
}


/* What is cut off by a loss is not a reply, and the next connection is new. */
static void
half_a_reply_is_forgotten_with_its_connection(void **state)
{
    size_t i;
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);

    for (i = 0; i < strlen("$5\r\nhello\r\n"); i++) {
        get_ready(&owner);
        give(&a, &owner, "a");
        write_all(&owner);
        assert_true(clarity_redis_feed(owner.session, "$5\r\nhello\r\n", i));
        clarity_redis_down(owner.session);
        assert_log(&owner, "a:unknown");

        get_ready(&owner);
        give(&b, &owner, "b");
        write_all(&owner);
        assert_true(feed(&owner, "+new\r\n"));
        assert_log(&owner, "b=+3/new");
        clarity_redis_down(owner.session);
    }

    close_owner(&owner);
}


static void
commands_that_were_answered_are_not_lost(void **state)
{
    owner_t owner;
    command_t a, b, c;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);
    give(&a, &owner, "a");
    give(&b, &owner, "b");
    give(&c, &owner, "c");
    clarity_redis_sent(owner.session, 2 * strlen(PING));

    assert_true(feed(&owner, "+OK\r\n$5\r\nhal"));
    clarity_redis_free(owner.session);
    assert_log(&owner, "a=+2/OK b:unknown c:not_sent");
    clarity_buf_free(&owner.log);
}


static void
a_deadline_starts_when_the_command_may_leave(void **state)
{
    uint64_t deadline;
    owner_t owner;
    command_t a, b, c;

    (void) state;

    open_plain(&owner); /* it is 5000 */
    clarity_redis_connecting(owner.session);
    give(&a, &owner, "a");
    assert_false(clarity_redis_deadline(owner.session, &deadline));

    owner.now = 6000;
    assert_true(clarity_redis_up(owner.session));
    give_timed(&b, &owner, "b", 30000);
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, 6000 + TIMEOUT); /* of CLIENT SETNAME */

    owner.now = 6900;
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, 6900 + TIMEOUT);

    owner.now = 7000;
    give(&c, &owner, "c");
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, 6900 + TIMEOUT);

    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, 6900 + 30000);

    assert_true(feed(&owner, "+OK\r\n"));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, 7000 + TIMEOUT);

    assert_true(feed(&owner, "+OK\r\n"));
    assert_false(clarity_redis_deadline(owner.session, &deadline));

    close_owner(&owner);
}


static void
who_looks_late_gives_more_time_once(void **state)
{
    uint64_t deadline;
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner); /* it is 5000 */
    get_ready(&owner);
    assert_false(clarity_redis_timed_out(owner.session));
    give(&a, &owner, "a");
    give(&b, &owner, "b");
    write_all(&owner);

    owner.now = 5000 + TIMEOUT - 1;
    assert_false(clarity_redis_timed_out(owner.session));
    owner.now = 5000 + TIMEOUT;
    assert_true(clarity_redis_timed_out(owner.session));
    owner.now = 5000 + TIMEOUT + 99;
    assert_true(clarity_redis_timed_out(owner.session));

    /* As if it had left now, */
    owner.now = 5000 + TIMEOUT + 100;
    assert_false(clarity_redis_timed_out(owner.session));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, owner.now + TIMEOUT);
    owner.now += TIMEOUT - 1;
    assert_false(clarity_redis_timed_out(owner.session));
    owner.now += 1;
    assert_true(clarity_redis_timed_out(owner.session));
    owner.now += 1000;
    assert_true(clarity_redis_timed_out(owner.session));

    /* and anew once it replies. */
    assert_true(feed(&owner, "+OK\r\n"));
    assert_false(clarity_redis_timed_out(owner.session));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_int_equal(deadline, owner.now + TIMEOUT);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_false(clarity_redis_timed_out(owner.session));

    close_owner(&owner);
}


static void
a_timeout_without_end_does_not_wrap_around(void **state)
{
    uint64_t deadline;
    owner_t owner;
    command_t a, b;

    (void) state;

    open_plain(&owner);
    get_ready(&owner);
    give_timed(&a, &owner, "a", UINT64_MAX);
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_true(deadline == UINT64_MAX);
    clarity_redis_down(owner.session);

    clarity_redis_connecting(owner.session);
    give_timed(&b, &owner, "b", UINT64_MAX - 5000);
    assert_true(clarity_redis_up(owner.session));
    write_all(&owner);
    assert_true(feed(&owner, "+OK\r\n"));
    assert_true(clarity_redis_deadline(owner.session, &deadline));
    assert_true(deadline == UINT64_MAX);

    close_owner(&owner);
}


static void
the_backoff_doubles_up_to_400_and_half_of_it_is_jitter(void **state)
{
    unsigned i, wait, random;
    owner_t owner;
    command_t command;

    static const unsigned expected[] = { 50, 100, 200, 400, 400, 400 };

    (void) state;

    for (random = 0; random < 4000; random += 7) {
        open_plain(&owner);

        for (i = 0; i < 6; i++) {
            wait = clarity_redis_backoff(owner.session, random);
            assert_in_range(wait, expected[i] / 2, expected[i]);
        }

        close_owner(&owner);
    }

    open_plain(&owner);
    assert_int_equal(clarity_redis_backoff(owner.session, 0), 25);
    assert_int_equal(clarity_redis_backoff(owner.session, 50), 100);
    assert_true(clarity_redis_backoff(owner.session, UINT32_MAX) <= 200);

    /* Being up is not enough: the setup may be refused each time. */
    get_up(&owner);
    clarity_redis_down(owner.session);
    assert_int_equal(clarity_redis_backoff(owner.session, 0), 200);

    /* Nor is being ready: each command may be the end of it. */
    get_ready(&owner);
    assert_false(clarity_redis_served(owner.session));
    assert_int_equal(give(&command, &owner, "a"), CLARITY_REDIS_GIVEN);
    write_all(&owner);
    clarity_redis_down(owner.session);
    assert_false(clarity_redis_served(owner.session));
    assert_int_equal(clarity_redis_backoff(owner.session, 0), 200);

    get_ready(&owner);
    assert_int_equal(give(&command, &owner, "b"), CLARITY_REDIS_GIVEN);
    write_all(&owner);
    assert_true(feed(&owner, "-ERR whatever\r\n"));
    assert_true(clarity_redis_served(owner.session));
    clarity_redis_down(owner.session);
    assert_int_equal(clarity_redis_backoff(owner.session, 0), 25);

    close_owner(&owner);
}


#define MODEL_COMMANDS 400

/* What should have become of the commands, as far as the test knows. */
typedef struct {
    owner_t owner;
    command_t commands[MODEL_COMMANDS];
    size_t given;
    size_t called;  /* of them, from the first on: their callback came */
    bool is_setup;  /* the setup's reply is still to come */
    bool is_useful; /* false: a reply came that could be none's */
} model_t;


static void
model_give(model_t *model)
{
    clarity_redis_given_t given;

    given = give(&model->commands[model->given], &model->owner, "");

    if (clarity_redis_state(model->owner.session) == CLARITY_REDIS_DOWN) {
        assert_int_equal(given, CLARITY_REDIS_GONE);
        return;
    }

    assert_int_equal(given, CLARITY_REDIS_GIVEN);
    model->given++;
}


static void
model_write(model_t *model)
{
    size_t len;

    len = clarity_redis_output(model->owner.session).len;
    clarity_redis_sent(
        model->owner.session, len == 0 ? 0 : (size_t) rand() % (len + 1));
}


/* A reply, in two pieces. */
static void
model_reply(model_t *model)
{
    size_t unsent;

    unsent = clarity_redis_output(model->owner.session).len;

    if (clarity_redis_state(model->owner.session) < CLARITY_REDIS_SETUP
        || !model->is_useful)
    {
        return;
    }

    if (model->is_setup && unsent == 0) {
        model->is_setup = false;

    } else if (!model->is_setup
               && model->given - model->called
                      > (unsent + strlen(PING) - 1) / strlen(PING))
    {
        model->called++;

    } else {
        model->is_useful = false;
    }

    assert_true(feed(&model->owner, ":"));
    assert_int_equal(feed(&model->owner, "1\r\n"), model->is_useful);
}


static void
model_connect(model_t *model)
{
    if (clarity_redis_state(model->owner.session) == CLARITY_REDIS_DOWN) {
        clarity_redis_connecting(model->owner.session);

    } else if (clarity_redis_state(model->owner.session)
               == CLARITY_REDIS_CONNECTING)
    {
        assert_true(clarity_redis_up(model->owner.session));
        model->is_setup = true;
        model->is_useful = true;
    }
}


/* Bytes leave in order: behind one that did not leave none has. */
static void
model_lose(model_t *model)
{
    bool left;

    clarity_redis_down(model->owner.session);

    for (left = true; model->called < model->given; model->called++) {
        switch (model->commands[model->called].result) {
        case CLARITY_REDIS_UNKNOWN: assert_true(left); break;
        case CLARITY_REDIS_NOT_SENT: left = false; break;
        default: fail_msg("a command was answered by a loss");
        }
    }
}


static void
every_command_gets_one_callback_whatever_happens(void **state)
{
    size_t i;
    unsigned seed, step, dice;
    model_t *model;

    (void) state;

    model = malloc(sizeof(*model));
    assert_non_null(model);

    for (seed = 1; seed <= 300; seed++) {
        srand(seed);
        memset(model, 0, sizeof(*model));
        open_plain(&model->owner);

        for (step = 0; step < 2000 && model->given < MODEL_COMMANDS; step++) {
            dice = (unsigned) rand() % 100;

            if (dice < 40) {
                model_give(model);
            } else if (dice < 60) {
                model_write(model);
            } else if (dice < 85) {
                model_reply(model);
            } else if (dice < 96) {
                model_connect(model);
            } else {
                model_lose(model);
            }

            for (i = 0; i < model->given; i++) {
                assert_int_equal(model->commands[i].calls, i < model->called);
            }
        }

        close_owner(&model->owner);

        for (i = 0; i < model->given; i++) {
            assert_int_equal(model->commands[i].calls, 1);
        }
    }

    free(model);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loss_tells_what_never_left_at_every_byte),
        cmocka_unit_test(a_loss_tells_it_on_later_connections_too),
        cmocka_unit_test(what_is_given_at_a_reconnect_is_held),
        cmocka_unit_test(half_a_reply_is_forgotten_with_its_connection),
        cmocka_unit_test(commands_that_were_answered_are_not_lost),
        cmocka_unit_test(a_deadline_starts_when_the_command_may_leave),
        cmocka_unit_test(who_looks_late_gives_more_time_once),
        cmocka_unit_test(a_timeout_without_end_does_not_wrap_around),
        cmocka_unit_test(
            the_backoff_doubles_up_to_400_and_half_of_it_is_jitter),
        cmocka_unit_test(every_command_gets_one_callback_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
