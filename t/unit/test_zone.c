/* Time zones: libc, which reads the same files through TZ, knows the truth. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "conf/zone.h"
#include "workflow/condition.h"
#include "workflow/zone_rule.h"

#include "workflow_fixture.h"

/* With all that rules can say: half hours, negative summer time, changes
 * before midnight and after the day's end, the south, none at all. */
static const char *const names[] = { "Europe/Berlin", "Europe/Dublin",
    "Europe/London", "America/New_York", "America/Nuuk", "America/Santiago",
    "America/Port-au-Prince", "America/Argentina/Buenos_Aires",
    "America/St_Johns", "Australia/Lord_Howe", "Australia/Adelaide",
    "Africa/Casablanca", "Africa/Monrovia", "Asia/Kolkata", "Asia/Gaza",
    "Asia/Jerusalem", "Asia/Tehran", "Asia/Pyongyang", "Pacific/Apia",
    "Pacific/Chatham", "Pacific/Auckland", "Pacific/Kiritimati", "Etc/GMT+5",
    "CET", "UCT", "GMT0" };


static clarity_zone_t *
read_zone(const char *name)
{
    clarity_zone_t *zone;
    clarity_error_t error;

    assert_true(clarity_zone_name_is(clarity_str(name)));

    zone = clarity_zone_read(clarity_str(name), &error);
    if (zone == NULL) {
        fail_msg("%s: %s", name, error.text);
    }

    return zone;
}


static int
libc_offset(time_t at)
{
    struct tm tm;

    localtime_r(&at, &tm);

    return (int) tm.tm_gmtoff;
}


static void
offsets_are_those_of_libc(void **state)
{
    size_t i;
    time_t at, step;
    clarity_zone_t *zone;

    (void) state;

    for (i = 0; i < COUNT(names); i++) {
        zone = read_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();

        /* 1890 to 2200; the step is no divisor of a day, a week or a year */
        step = 39 * 3600 + 1201;

        for (at = -2524521600; at < 7258118400; at += step) {
            if (clarity_zone_offset(zone, at) != libc_offset(at)) {
                fail_msg("%s at %lld: %d, libc has %d", names[i],
                    (long long) at, clarity_zone_offset(zone, at),
                    libc_offset(at));
            }
        }

        clarity_zone_free(zone);
    }

    unsetenv("TZ");
    tzset();
}


/* At the second, in the past, where there are transitions, and in the future,
 * where there is the rule. */
static void
offsets_change_at_the_second(void **state)
{
    size_t i;
    clarity_zone_t *zone;
    static const struct {
        const char *name;
        time_t at; /* the first second of the later one */
        int before;
        int after;
    } cases[] = {
        { "Europe/Berlin", 1743296400, 3600, 7200 },
        { "Europe/Berlin", 1761440400, 7200, 3600 },
        { "Europe/Berlin", 4109878800, 3600, 7200 }, /* 2100-03-28 */
        { "America/New_York", 1762063200, -14400, -18000 },
        { "Australia/Lord_Howe", 1743865200, 39600, 37800 },
        { "Europe/Dublin", 4109878800, 0, 3600 },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        zone = read_zone(cases[i].name);

        assert_int_equal(
            clarity_zone_offset(zone, cases[i].at - 1), cases[i].before);
        assert_int_equal(
            clarity_zone_offset(zone, cases[i].at), cases[i].after);

        clarity_zone_free(zone);
    }
}


static void
rules_are_read_as_posix_has_them(void **state)
{
    size_t i;
    clarity_zone_rule_t rule;
    static const char *const good[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+0330>-3:30", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "AAA+5BBB+4:30:15,J60/2:30,300/167",
        "XXX3EDT4,0/0,J365/23" };
    static const char *const bad[] = { "", "C-1", "CET", "CET-25", "CET-1CEST",
        "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0 ",
        "CET-1CEST,J0,J1", "CET-1CEST,366,1", "<+03", "<+03>", "CET-1:60",
        "CET-1CEST,M3.5.0,M10.5.0/99999999999999999999" };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        assert_true(clarity_zone_rule_parse(&rule, clarity_str(good[i])));
    }

    for (i = 0; i < COUNT(bad); i++) {
        if (clarity_zone_rule_parse(&rule, clarity_str(bad[i]))) {
            fail_msg("%s is taken", bad[i]);
        }
    }

    /* J60 is the first of March in every year, 60 only where there is a
     * February 29 */
    assert_true(
        clarity_zone_rule_parse(&rule, clarity_lit("AAA0BBB-1,J60/0,J61/0")));
    assert_int_equal(clarity_zone_rule_offset(&rule, 1709251199), 0);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1709251200), 3600);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1740787199), 0);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1740787200), 3600);

    assert_true(
        clarity_zone_rule_parse(&rule, clarity_lit("AAA0BBB-1,60/0,61/0")));
    assert_int_equal(clarity_zone_rule_offset(&rule, 1709251200), 3600);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1740787200), 0);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1740873600), 3600);

    /* summer for ever */
    assert_true(
        clarity_zone_rule_parse(&rule, clarity_lit("XXX3EDT4,0/0,J365/23")));
    assert_int_equal(clarity_zone_rule_offset(&rule, 1735700400), -14400);
    assert_int_equal(clarity_zone_rule_offset(&rule, 1735700399), -14400);
}


/* Whatever is wrong with a file, it is refused or read; cut off at every
 * byte, and with every byte changed. */
static void
damaged_files_do_no_harm(void **state)
{
    char *bytes;
    size_t i, len;
    FILE *file;
    clarity_zone_t *zone;
    clarity_error_t error;
    static char whole[CLARITY_ZONE_FILE_MAX];

    (void) state;

    file = fopen("/usr/share/zoneinfo/Europe/Berlin", "r");
    assert_non_null(file);
    len = fread(whole, 1, sizeof(whole), file);
    fclose(file);

    for (i = 0; i < len; i++) {
        /* of just that size, so that valgrind sees a read beyond */
        bytes = malloc(i + 1);
        assert_non_null(bytes);
        memcpy(bytes, whole, i);

        zone = clarity_zone_parse((clarity_str_t){ bytes, i }, &error);
        assert_null(zone);

        free(bytes);

        whole[i] ^= 0x81;
        zone = clarity_zone_parse((clarity_str_t){ whole, len }, &error);
        whole[i] ^= 0x81;

        if (zone != NULL) {
            (void) clarity_zone_offset(zone, 0);
            (void) clarity_zone_offset(zone, 5000000000);
            clarity_zone_free(zone);
        }
    }

    assert_null(
        clarity_zone_parse(clarity_lit("root:x:0:0::/root:/bin/sh"), &error));
    assert_string_equal(error.text, "is no file of a time zone (TZif)");
}


/* Version 1: times of four bytes, and no rule. */
static void
version_1_is_read_too(void **state)
{
    clarity_zone_t *zone;
    clarity_error_t error;
    static const char bytes[] = "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\2"
                                "\0\0\0\4"
                                "\0\0\1\0\1"
                                "\xff\xff\xff\xc4\0\0\0\0\0\x78\1\0AAA";

    (void) state;

    zone = clarity_zone_parse(
        (clarity_str_t){ bytes, sizeof(bytes) - 1 + 1 }, &error);
    if (zone == NULL) {
        fail_msg("%s", error.text);
    }

    assert_int_equal(clarity_zone_offset(zone, 255), -60);
    assert_int_equal(clarity_zone_offset(zone, 256), 120);
    clarity_zone_free(zone);
}


static void
names_cannot_leave_the_folder(void **state)
{
    size_t i;
    clarity_zone_t *zone;
    clarity_error_t error;
    static const char *const bad[] = { "", "/etc/passwd", "../passwd",
        "Europe/../../passwd", "Europe/.hidden", "Europe/", "Europe//Berlin",
        "+2:00", "Europe/Ber lin", "Europe/Berl\xc3\xadn", "a.b", "1/a",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        if (clarity_zone_name_is(clarity_str(bad[i]))) {
            fail_msg("%s is taken", bad[i]);
        }
    }

    zone = clarity_zone_read(clarity_lit("Europe/Berln"), &error);
    assert_null(zone);
    assert_string_equal(error.text,
        "/usr/share/zoneinfo/Europe/Berln: cannot be opened: No such file or "
        "directory, expected a zone of the package tzdata, such as "
        "\"Europe/Berlin\"");

    setenv("TZDIR", "/nowhere", 1);
    zone = clarity_zone_read(clarity_lit("UTC"), &error);
    unsetenv("TZDIR");
    assert_null(zone);
    assert_memory_equal(error.text, "/nowhere/UTC: ", 14);
}


static bool
load(void *data, clarity_named_zone_t *zone, clarity_error_t *error)
{
    unsigned *count = data;

    (*count)++;
    zone->zone = clarity_zone_read(zone->name, error);

    return zone->zone != NULL;
}


static void
windows_go_by_the_clocks_of_their_zone(void **state)
{
    size_t i;
    unsigned count;
    clarity_json_doc_t *doc, *values;
    clarity_error_t error;
    clarity_condition_t *condition;
    static const struct {
        time_t now;
        clarity_condition_result_t result;
    } cases[] = {
        { 1736319600, CLARITY_CONDITION_NO },  /* Wed 2025-01-08 07:00Z */
        { 1736323200, CLARITY_CONDITION_NO },  /* 08:00Z is 09:00 */
        { 1736326800, CLARITY_CONDITION_YES }, /* 09:00Z is 10:00 */
        { 1751961600, CLARITY_CONDITION_YES }, /* Tue 2025-07-08 08:00Z */
        { 1751958000, CLARITY_CONDITION_NO },  /* 07:00Z is 09:00 */
    };

    (void) state;

    doc = fixture_json("{'any': [{'not': {'parameter': 'meta', 'exists': "
                       "false}}, {'all': [{'time': {'from': '10:00', 'to': "
                       "'10:01', 'zone': 'Europe/Berlin'}}, {'time': {'days':"
                       " ['tue', 'wed'], 'zone': 'Europe/Paris'}}]}]}");
    values = fixture_json("{}");

    condition = clarity_condition_compile(doc->root, "w.json", NULL, &error);
    assert_non_null(condition);

    assert_int_equal(
        clarity_condition_holds(condition, values->root, 0, &error),
        CLARITY_CONDITION_ERROR);
    assert_string_equal(
        error.text, "the time zone \"Europe/Berlin\" is not loaded");

    count = 0;
    assert_true(clarity_condition_each_zone(condition, load, &count, &error));
    assert_int_equal(count, 2);

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(clarity_condition_holds(
                             condition, values->root, cases[i].now, &error),
            cases[i].result);
    }

    clarity_condition_free(condition);
    clarity_json_free(doc);
    clarity_json_free(values);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_libc),
        cmocka_unit_test(offsets_change_at_the_second),
        cmocka_unit_test(rules_are_read_as_posix_has_them),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(version_1_is_read_too),
        cmocka_unit_test(names_cannot_leave_the_folder),
        cmocka_unit_test(windows_go_by_the_clocks_of_their_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
