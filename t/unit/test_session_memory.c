/* A session that gets no memory. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "t/unit/session_owner.h"
#include "t/unit/oom.h"


/* Gives a command of argc arguments with memory for n allocations. */
static clarity_redis_given_t
give_poorly(command_t *command, owner_t *owner, size_t argc, long n)
{
    size_t i;
    clarity_str_t argv[64];
    clarity_redis_given_t given;

    for (i = 0; i < argc; i++) {
        argv[i] = clarity_lit("sixteen bytes ..");
    }

    *command = (command_t){ owner, "poor", 0, 0, NULL };

    oom_after = n;
    given = clarity_redis_command(
        owner->session, argc, argv, 0, on_reply, command);
    oom_after = -1;

    return given;
}


/* More arguments take a larger buffer. */
static void
without_memory_a_command_changes_nothing(void **state)
{
    long n;
    bool held;
    unsigned round;
    owner_t owner;
    command_t first, poor, last;

    (void) state;
    OOM_OR_SKIP();

    for (round = 0; round < 4; round++) {
        held = round % 2 != 0;

        for (n = 0;; n++) {
            open_plain(&owner);

            if (held) {
                clarity_redis_connecting(owner.session);
            } else {
                get_ready(&owner);
            }

            give(&first, &owner, "first");

            if (give_poorly(&poor, &owner, round < 2 ? 17 : 64, n)
                == CLARITY_REDIS_GIVEN) {
                break;
            }

            assert_int_equal(clarity_redis_pending(owner.session), 1);
            assert_output(&owner, held ? "" : PING);

            /* And all goes on. */
            assert_int_equal(give(&last, &owner, "last"), CLARITY_REDIS_GIVEN);

            if (held) {
                assert_true(clarity_redis_up(owner.session));
                write_all(&owner);
                assert_true(feed(&owner, "+OK\r\n"));
            }

            assert_output(&owner, PING PING);
            write_all(&owner);
            assert_true(feed(&owner, "+1\r\n+2\r\n"));
            assert_log(&owner, "first=+1/1 last=+1/2");

            close_owner(&owner);
            assert_int_equal(poor.calls, 0);
        }

        close_owner(&owner);
        assert_int_equal(poor.calls, 1);
        assert_true(n >= 1);
    }
}


static void
without_memory_the_ring_keeps_its_commands(void **state)
{
    long n;
    unsigned i, given;
    owner_t owner;
    command_t commands[40];

    (void) state;
    OOM_OR_SKIP();

    for (n = 0; n < 60; n++) {
        open_plain(&owner);
        get_ready(&owner);
        given = 0;

        oom_after = n;
        for (i = 0; i < 40; i++) {
            if (give(&commands[given], &owner, "x") == CLARITY_REDIS_GIVEN) {
                given++;
            }
        }
        oom_after = -1;

        assert_int_equal(clarity_redis_pending(owner.session), given);
        assert_int_equal(
            clarity_redis_output(owner.session).len, given * strlen(PING));
        close_owner(&owner);

        for (i = 0; i < given; i++) {
            assert_int_equal(commands[i].calls, 1);
        }
    }
}


static void
without_memory_a_connection_is_of_no_use_but_owes_its_callbacks(void **state)
{
    long n;
    bool up, fed;
    unsigned failures;
    owner_t owner;
    command_t a, b;
    clarity_redis_conf_t conf;

    (void) state;
    OOM_OR_SKIP();

    failures = 0;

    for (n = 0;; n++) {
        memset(&owner, 0, sizeof(owner));
        conf = plain_conf(&owner);
        conf.password = "pw";
        conf.db = 1;

        /* The log is the test's: it has its memory. */
        assert_non_null(clarity_buf_reserve(&owner.log, 4096));

        oom_after = n;
        owner.session = clarity_redis_create(&conf);
        if (owner.session == NULL) {
            oom_after = -1;
            clarity_buf_free(&owner.log);
            failures++;
            continue;
        }

        clarity_redis_connecting(owner.session);
        a.calls = b.calls = 0;
        give(&a, &owner, "a");
        up = clarity_redis_up(owner.session);
        give(&b, &owner, "b");
        write_all(&owner);
        fed = up && feed(&owner, "+OK\r\n+OK\r\n+OK\r\n");
        write_all(&owner);
        fed = fed && feed(&owner, ":1\r\n:2\r\n");
        oom_after = -1;

        if (fed) {
            assert_log(&owner, "a=:1 b=:2");
            close_owner(&owner);
            break;
        }

        failures++;
        clarity_redis_down(owner.session);
        assert_true(clarity_redis_pending(owner.session) == 0);

        if (!up) {
            assert_string_equal(
                clarity_redis_reason(owner.session), "out of memory");
        }

        /* The next connection is as good as new. */
        clarity_buf_reset(&owner.log);
        clarity_redis_connecting(owner.session);
        assert_int_equal(give(&a, &owner, "a"), CLARITY_REDIS_GIVEN);
        assert_true(clarity_redis_up(owner.session));
        write_all(&owner);
        assert_true(feed(&owner, "+OK\r\n+OK\r\n+OK\r\n"));
        write_all(&owner);
        assert_true(feed(&owner, ":1\r\n"));
        assert_log(&owner, "a=:1");
        close_owner(&owner);
    }

    assert_true(failures > 10);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_a_command_changes_nothing),
        cmocka_unit_test(without_memory_the_ring_keeps_its_commands),
        cmocka_unit_test(
            without_memory_a_connection_is_of_no_use_but_owes_its_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
