/* Who of the jobs in hand takes up a slot. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "worker/slot.c"

static clarity_slot_t jobs[CLARITY_RESTING_MAX + 4];


static void
a_job_that_rests_leaves_its_slot(void **state)
{
    clarity_slots_t slots;

    (void) state;

    clarity_slots_init(&slots, 2);
    clarity_slot_take(&slots, &jobs[0], NULL);
    clarity_slot_take(&slots, &jobs[1], NULL);
    assert_int_equal(clarity_slots_free(&slots), 0);

    clarity_slot_rest(&slots, &jobs[0]);
    assert_int_equal(clarity_slots_free(&slots), 1);

    assert_true(clarity_slot_wake(&slots, &jobs[0]));
    assert_int_equal(clarity_slots_free(&slots), 0);
}


static void
who_wakes_stands_in_line_for_a_slot(void **state)
{
    size_t i;
    clarity_slots_t slots;

    (void) state;

    clarity_slots_init(&slots, 1);

    for (i = 0; i < 4; i++) {
        clarity_slot_take(&slots, &jobs[i], &jobs[i]);
        if (i < 3) {
            clarity_slot_rest(&slots, &jobs[i]);
        }
    }

    assert_true(clarity_slot_wake(&slots, &jobs[3]));
    assert_false(clarity_slot_wake(&slots, &jobs[2]));
    assert_false(clarity_slot_wake(&slots, &jobs[0]));
    assert_false(clarity_slot_wake(&slots, &jobs[1]));
    assert_false(clarity_slot_wake(&slots, &jobs[2]));
    assert_null(clarity_slots_next(&slots));

    /* One that ends in line, one that is let go of. */
    clarity_slot_leave(&slots, &jobs[2]);
    clarity_slot_leave_line(&slots, &jobs[0]);
    clarity_slot_leave(&slots, &jobs[3]);

    assert_ptr_equal(clarity_slots_next(&slots), &jobs[1]);
    assert_null(clarity_slots_next(&slots));

    clarity_slot_leave(&slots, &jobs[1]);
    clarity_slot_leave(&slots, &jobs[0]);
    assert_int_equal(slots.held, 0);
    assert_int_equal(slots.resting, 0);
    assert_int_equal(clarity_slots_free(&slots), 1);
}


static void
those_beyond_the_bound_have_slots_and_still_move(void **state)
{
    size_t i;
    clarity_slots_t slots;

    (void) state;

    clarity_slots_init(&slots, 2);

    for (i = 0; i < CLARITY_RESTING_MAX + 4; i++) {
        clarity_slot_take(&slots, &jobs[i], NULL);
        clarity_slot_rest(&slots, &jobs[i]);
        assert_int_equal(
            clarity_slots_free(&slots), i < CLARITY_RESTING_MAX           ? 2
                                        : i + 1 < CLARITY_RESTING_MAX + 2 ? 1
                                                                          : 0);
    }

    assert_true(clarity_slot_wake(&slots, &jobs[0]));
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_rests_leaves_its_slot),
        cmocka_unit_test(who_wakes_stands_in_line_for_a_slot),
        cmocka_unit_test(those_beyond_the_bound_have_slots_and_still_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
