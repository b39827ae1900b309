/* The names of states, as they stand in Redis and in answers. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/state.h"

static const struct {
    clarity_state_t state;
    const char *name;
    bool final;
} states[] = {
    { CLARITY_QUEUED, "queued", false },
    { CLARITY_PENDING, "pending", false },
    { CLARITY_RUNNING, "running", false },
    { CLARITY_WAITING, "waiting", false },
    { CLARITY_SUCCEEDED, "succeeded", true },
    { CLARITY_FAILED, "failed", true },
    { CLARITY_CANCELLED, "cancelled", true },
    { CLARITY_SKIPPED, "skipped", true },
};

#define N(table) (sizeof(table) / sizeof((table)[0]))


static void
a_state_and_its_name_belong_together(void **state)
{
    size_t i;
    clarity_state_t parsed;

    (void) state;

    for (i = 0; i < N(states); i++) {
        assert_string_equal(
            clarity_state_name(states[i].state), states[i].name);
        assert_true(clarity_state_parse(clarity_str(states[i].name), &parsed));
        assert_int_equal(parsed, states[i].state);
        assert_int_equal(
            clarity_state_is_final(states[i].state), states[i].final);
    }
}


static void
other_words_are_no_states(void **state)
{
    size_t i, len;
    clarity_state_t parsed;

    static const char *const others[] = { "", "Queued", "queued ", " queued",
        "canceled", "done" };

    (void) state;

    parsed = CLARITY_SKIPPED;

    for (i = 0; i < N(others); i++) {
        assert_false(clarity_state_parse(clarity_str(others[i]), &parsed));
    }

    for (i = 0; i < N(states); i++) {
        for (len = 0; len < strlen(states[i].name); len++) {
            assert_false(clarity_state_parse(
                (clarity_str_t){ states[i].name, len }, &parsed));
        }
    }

    assert_false(clarity_state_parse(clarity_lit("queued\0"), &parsed));
    assert_int_equal(parsed, CLARITY_SKIPPED);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_and_its_name_belong_together),
        cmocka_unit_test(other_words_are_no_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
