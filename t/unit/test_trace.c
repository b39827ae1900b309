/* The traceparent of a call: the job's, or one that is always the same. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workflow/trace.h"

#define CAME  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define LATER "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"
#define JOB   clarity_lit("0-1732000000000-0")
#define KEY   clarity_lit("0-1732000000000-0:grant:ticket")


static void
what_came_goes_on(void **state)
{
    char made[CLARITY_TRACEPARENT + 1];

    (void) state;

    assert_true(clarity_trace(clarity_lit(CAME), JOB, KEY, made));
    assert_string_equal(made, CAME);

    assert_true(clarity_trace(clarity_lit(LATER), JOB, KEY, made));
    assert_string_equal(made, CAME);
}


/* By another implementation: an update must not change them. */
static void
without_one_it_is_made_of_the_job(void **state)
{
    char made[CLARITY_TRACEPARENT + 1], other[CLARITY_TRACEPARENT + 1];

    (void) state;

    assert_true(clarity_trace(clarity_lit(""), JOB, KEY, made));
    assert_string_equal(
        made, "00-c8a6eddf3a494bf6d6cab71fd95ba17f-650c013901474d6e-00");

    assert_true(clarity_trace(clarity_lit("ff"), JOB, KEY, other));
    assert_string_equal(other, made);

    assert_true(clarity_trace(clarity_lit(""), JOB,
        clarity_lit("0-1732000000000-0:grant:tell"), other));
    assert_memory_equal(other, made, 36);
    assert_memory_not_equal(other + 36, made + 36, 16);

    assert_true(clarity_trace(
        clarity_lit(""), clarity_lit("0-1732000000000-1"), KEY, other));
    assert_memory_not_equal(other, made, 36);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_goes_on),
        cmocka_unit_test(without_one_it_is_made_of_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
