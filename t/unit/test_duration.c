/* Durations as people write them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/duration.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static void
durations_are_read_exactly(void **state)
{
    size_t i;
    uint64_t ms;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        { "0s", 0 },
        { "250ms", 250 },
        { "10s", 10000 },
        { "5m", 300000 },
        { "1h", 3600000 },
        { "7d", 604800000 },
        { "007s", 7000 },
        { "999999999d", 86399999913600000 },
    };
    static const char *const bad[] = { "", "s", "10", "10 s", " 10s", "10s ",
        "1.5s", "-1s", "+1s", "10S", "10sec", "1h30m", "1w", "1000000000s",
        "99999999999999999999s", "0x10s", "1e3s", "ten", "10\xc2\xb5s" };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        assert_true(clarity_duration_parse(clarity_str(good[i].text), &ms));
        assert_true(ms == good[i].ms);
    }

    for (i = 0; i < COUNT(bad); i++) {
        if (clarity_duration_parse(clarity_str(bad[i]), &ms)) {
            fail_msg("%s was taken", bad[i]);
        }
    }

    assert_false(clarity_duration_parse(clarity_lit("10s\0"), &ms));
    assert_false(clarity_duration_parse((clarity_str_t){ NULL, 0 }, &ms));
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
