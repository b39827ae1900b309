/* Whose call may be made. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "worker/hosts.c"

#define MOST 64

static clarity_turn_t turns[20][MOST];


/* n turns of each of so many hosts; how many of each are under way then. */
static void
fill(clarity_hosts_t *hosts, size_t nhosts, size_t n, size_t *active)
{
    char name[32];
    size_t i, j;
    clarity_turn_t *turn;

    for (i = 0; i < nhosts; i++) {
        snprintf(name, sizeof(name), "host%zu", i);
        active[i] = 0;

        for (j = 0; j < n; j++) {
            assert_true(clarity_hosts_join(hosts, name, &turns[i][j]));
        }
    }

    while ((turn = next_turn(hosts)) != NULL) {
        active[(turn - &turns[0][0]) / MOST]++;
    }
}


static void
empty(clarity_hosts_t *hosts, size_t nhosts, size_t n)
{
    size_t i, j;

    for (i = 0; i < nhosts; i++) {
        for (j = 0; j < n; j++) {
            clarity_hosts_leave(hosts, &turns[i][j]);
        }
    }

    assert_int_equal(clarity_hosts_active(hosts), 0);
    assert_int_equal(clarity_hosts_waiting(hosts), 0);
    assert_true(TAILQ_EMPTY(&hosts->list));
    clarity_hosts_free(hosts);
}


static void
one_host_leaves_a_quarter(void **state)
{
    size_t active;
    clarity_turn_t other, *turn;
    clarity_hosts_t *hosts;

    (void) state;

    hosts = clarity_hosts_create(MOST);
    fill(hosts, 1, MOST, &active);
    assert_int_equal(active, 48);
    assert_int_equal(clarity_hosts_active(hosts), 48);
    assert_int_equal(clarity_hosts_waiting(hosts), 16);

    assert_true(clarity_hosts_join(hosts, "other", &other));
    assert_ptr_equal(next_turn(hosts), &other);
    assert_null(next_turn(hosts));
    clarity_hosts_leave(hosts, &other);

    /* each that ends lets the one that has waited longest begin */
    clarity_hosts_leave(hosts, &turns[0][0]);
    turn = next_turn(hosts);
    assert_ptr_equal(turn, &turns[0][48]);
    assert_null(next_turn(hosts));

    clarity_hosts_leave(hosts, &turns[0][63]);
    assert_null(next_turn(hosts));
    assert_true(clarity_hosts_join(hosts, "host0", &turns[0][0]));
    assert_true(clarity_hosts_join(hosts, "host0", &turns[0][63]));

    empty(hosts, 1, MOST);
}


static void
many_slow_hosts_leave_room_for_another(void **state)
{
    size_t i, n, active[20];
    clarity_turn_t other;
    clarity_hosts_t *hosts;

    (void) state;

    for (n = 1; n <= 20; n++) {
        hosts = clarity_hosts_create(MOST);
        fill(hosts, n, MOST, active);

        /* the same for all, but for the rest of a division */
        for (i = 1; i < n; i++) {
            assert_in_range(active[i] + 1, active[0], active[0] + 2);
        }

        assert_true(clarity_hosts_join(hosts, "other", &other));
        assert_ptr_equal(next_turn(hosts), &other);
        clarity_hosts_leave(hosts, &other);
        empty(hosts, n, MOST);
    }
}


static void
a_newcomer_goes_before_those_who_have_more(void **state)
{
    size_t active[2];
    clarity_hosts_t *hosts;

    (void) state;

    hosts = clarity_hosts_create(4);
    fill(hosts, 1, 4, active);
    assert_int_equal(active[0], 3);
    fill(hosts, 0, 0, active);

    assert_true(clarity_hosts_join(hosts, "host1", &turns[1][0]));
    clarity_hosts_leave(hosts, &turns[0][0]);
    assert_ptr_equal(next_turn(hosts), &turns[1][0]);

    clarity_hosts_leave(hosts, &turns[1][0]);
    assert_true(clarity_hosts_join(hosts, "host0", &turns[0][0]));
    empty(hosts, 1, 4);
}


static void
there_is_always_one_that_may_begin(void **state)
{
    size_t most, active[3];
    clarity_hosts_t *hosts;

    (void) state;

    for (most = 1; most <= 4; most++) {
        hosts = clarity_hosts_create(most);
        fill(hosts, 3, MOST, active);
        assert_in_range(clarity_hosts_active(hosts), 1, most);
        assert_true(clarity_hosts_active(hosts) == most || most > 3);
        empty(hosts, 3, MOST);
    }
}


static unsigned begun;

static void
begin(clarity_turn_t *turn)
{
    assert_true(turn->active);
    begun++;
}


static void
going_begins_all_whose_turn_it_is(void **state)
{
    size_t i;
    clarity_hosts_t *hosts;

    (void) state;

    hosts = clarity_hosts_create(4);

    for (i = 0; i < 5; i++) {
        turns[0][i].begin = begin;
        assert_true(clarity_hosts_join(hosts, "host", &turns[0][i]));
    }

    clarity_hosts_go(hosts);
    assert_int_equal(begun, 3);

    clarity_hosts_leave(hosts, &turns[0][1]);
    clarity_hosts_leave(hosts, &turns[0][1]);
    clarity_hosts_go(hosts);
    assert_int_equal(begun, 4);

    empty(hosts, 1, 5);
}


/* One that gives up all of its calls must not make others by that. */
static void
closed_they_begin_no_more(void **state)
{
    size_t i;
    clarity_hosts_t *hosts;

    (void) state;

    begun = 0;
    hosts = clarity_hosts_create(4);

    for (i = 0; i < 5; i++) {
        turns[0][i].begin = begin;
        assert_true(clarity_hosts_join(hosts, "host", &turns[0][i]));
    }

    clarity_hosts_go(hosts);
    clarity_hosts_close(hosts);
    clarity_hosts_leave(hosts, &turns[0][0]);
    clarity_hosts_go(hosts);
    assert_int_equal(begun, 3);
    assert_int_equal(clarity_hosts_waiting(hosts), 2);

    empty(hosts, 1, 5);
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_host_leaves_a_quarter),
        cmocka_unit_test(many_slow_hosts_leave_room_for_another),
        cmocka_unit_test(a_newcomer_goes_before_those_who_have_more),
        cmocka_unit_test(there_is_always_one_that_may_begin),
        cmocka_unit_test(going_begins_all_whose_turn_it_is),
        cmocka_unit_test(closed_they_begin_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
