#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "webhook/value.h"
#include "t/unit/triggers_fixture.h"


static void
formats_are_those_of_the_standards(void **state)
{
    size_t i;
    char text[400], at64[80], at65[80];
    static const struct {
        clarity_format_t format;
        clarity_str_t text;
        bool matches;
    } cases[] = {
        { CLARITY_FORMAT_NONE, clarity_lit("anything"), true },

        { CLARITY_FORMAT_DATE, clarity_lit("2026-08-02"), true },
        { CLARITY_FORMAT_DATE, clarity_lit("0000-02-29"), true },
        { CLARITY_FORMAT_DATE, clarity_lit("2000-02-29"), true },
        { CLARITY_FORMAT_DATE, clarity_lit("2024-02-29"), true },
        { CLARITY_FORMAT_DATE, clarity_lit("9999-12-31"), true },
        { CLARITY_FORMAT_DATE, clarity_lit("1900-02-29"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-02-29"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-04-31"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-06-31"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-09-31"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-11-31"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-01-32"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-00-01"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-13-01"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-01-00"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-1-01"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026/08/02"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("20260802"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("-026-08-02"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-0a-02"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-08-0\0"), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-08-02 "), false },
        { CLARITY_FORMAT_DATE, clarity_lit("2026-08-02T00:00:00Z"), false },
        { CLARITY_FORMAT_DATE, clarity_lit(""), false },

        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T09:05:59Z"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02t09:05:59z"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00.0Z"),
            true },
        { CLARITY_FORMAT_DATE_TIME,
            clarity_lit("2026-08-02T23:59:59.1234567890123+23:59"), true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T09:05:59-00:00"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T23:59:60Z"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T15:59:60-08:00"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1991-01-01T08:59:60.5+09:00"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T00:00:60+00:01"),
            true },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T23:58:60-23:59"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T22:59:60Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T23:58:60Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T23:59:60+01:00"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("1990-12-31T23:59:61Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-02-30T00:00:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02 00:00:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T24:00:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:60:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00x"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00Z"), false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00-00:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00-00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00.Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00."),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00.5"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T0x:00:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:0x:00Z"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:0xZ"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00+24:00"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00+00:60"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00+0000"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00+00-00"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00*00:00"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02T00:00:00ZZ"),
            false },
        { CLARITY_FORMAT_DATE_TIME, clarity_lit("2026-08-02"), false },

        { CLARITY_FORMAT_DATE_OR_DATE_TIME, clarity_lit("2026-08-02"), true },
        { CLARITY_FORMAT_DATE_OR_DATE_TIME,
            clarity_lit("2026-08-02T09:05:59Z"), true },
        { CLARITY_FORMAT_DATE_OR_DATE_TIME, clarity_lit("tomorrow"), false },

        { CLARITY_FORMAT_UUID,
            clarity_lit("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), true },
        { CLARITY_FORMAT_UUID,
            clarity_lit("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), true },
        { CLARITY_FORMAT_UUID,
            clarity_lit("00000000-0000-0000-0000-000000000000"), true },
        { CLARITY_FORMAT_UUID,
            clarity_lit("f81d4fae-7dec-11d0-a765-00a0c91e6bg6"), false },
        { CLARITY_FORMAT_UUID,
            clarity_lit("f81d4fae-7dec-11d0-a765-00a0c91e6bf"), false },
        { CLARITY_FORMAT_UUID,
            clarity_lit("f81d4fae-7dec-11d0-a76500a0c91e6bf6-"), false },
        { CLARITY_FORMAT_UUID,
            clarity_lit("{81d4fae-7dec-11d0-a765-00a0c91e6bf}"), false },
        { CLARITY_FORMAT_UUID, clarity_lit("f81d4fae7dec11d0a76500a0c91e6bf6"),
            false },
        { CLARITY_FORMAT_UUID, clarity_lit(""), false },

        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b"), true },
        { CLARITY_FORMAT_EMAIL, clarity_lit("azAZ09@azAZ.09"), true },
        { CLARITY_FORMAT_EMAIL, clarity_lit("first.last+tag@example.com"),
            true },
        { CLARITY_FORMAT_EMAIL,
            clarity_lit("!#$%&'*+-/=?^_`{|}~@xn--e-9fa.example"), true },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@1.2-3.x"), true },
        { CLARITY_FORMAT_EMAIL, clarity_lit(""), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("@b"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit(".a@b"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a.@b"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a..b@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a b@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("\"a b\"@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a\0@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a(x)@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("\xc3\xa9@c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@.b"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b."), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b..c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@-b"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b-.c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@b_c"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@[127.0.0.1]"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("a@\xc3\xa9.example"), false },
        { CLARITY_FORMAT_EMAIL, clarity_lit("A <a@b>"), false },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        if (clarity_format_matches(cases[i].format, cases[i].text)
            != cases[i].matches) {
            fail_msg("%s: %.*s", clarity_format_name(cases[i].format),
                clarity_fmt(cases[i].text));
        }
    }

    /* Lengths: 64 bytes before the @, labels of 63, 255 in all. */
    memset(at64, 'x', sizeof(at64));
    at64[64] = '\0';
    memset(at65, 'x', sizeof(at65));
    at65[65] = '\0';

    snprintf(text, sizeof(text), "%s@b", at64);
    assert_true(
        clarity_format_matches(CLARITY_FORMAT_EMAIL, clarity_str(text)));
    snprintf(text, sizeof(text), "%s@b", at65);
    assert_false(
        clarity_format_matches(CLARITY_FORMAT_EMAIL, clarity_str(text)));

    snprintf(text, sizeof(text), "a@%.63s.%.63s.%.63s.%.63s", at64, at64, at64,
        at64);
    assert_true(
        clarity_format_matches(CLARITY_FORMAT_EMAIL, clarity_str(text)));
    snprintf(text, sizeof(text), "a@%.64s.b", at64);
    assert_false(
        clarity_format_matches(CLARITY_FORMAT_EMAIL, clarity_str(text)));
    snprintf(text, sizeof(text), "a@%.63s.%.63s.%.63s.%.63s.b", at64, at64,
        at64, at64);
    assert_false(
        clarity_format_matches(CLARITY_FORMAT_EMAIL, clarity_str(text)));
}


static void
a_value_is_judged_by_json_schemas_rules(void **state)
{
    size_t i;
    char text[300];
    unsigned faults;
    clarity_enum_t value;
    clarity_triggers_t *triggers;
    static const struct {
        const char *keywords;
        unsigned type;
        const char *text;
        unsigned faults;
    } cases[] = {
        { "", CLARITY_TYPE_OBJECT, "", 0 },
        { ",\"type\":\"null\"", CLARITY_TYPE_NULL, "", 0 },
        { ",\"type\":\"null\"", CLARITY_TYPE_BOOLEAN, "", CLARITY_VALUE_TYPE },
        { ",\"type\":[\"array\",\"object\"]", CLARITY_TYPE_ARRAY, "", 0 },
        { ",\"type\":[\"array\",\"object\"]", CLARITY_TYPE_STRING, "",
            CLARITY_VALUE_TYPE },

        { ",\"type\":\"integer\"", CLARITY_TYPE_NUMBER, "1.0", 0 },
        { ",\"type\":\"integer\"", CLARITY_TYPE_NUMBER, "1e3", 0 },
        { ",\"type\":\"integer\"", CLARITY_TYPE_NUMBER, "1.5",
            CLARITY_VALUE_TYPE },
        { ",\"type\":\"integer\"", CLARITY_TYPE_STRING, "1",
            CLARITY_VALUE_TYPE },
        { ",\"type\":\"number\"", CLARITY_TYPE_NUMBER, "1", 0 },
        { ",\"type\":\"number\"", CLARITY_TYPE_NUMBER, "1.5", 0 },

        { ",\"minLength\":2", CLARITY_TYPE_STRING, "a",
            CLARITY_VALUE_MIN_LENGTH },
        { ",\"minLength\":2", CLARITY_TYPE_STRING, "\xc3\xa9",
            CLARITY_VALUE_MIN_LENGTH },
        { ",\"minLength\":2", CLARITY_TYPE_STRING, "\xc3\xa9z", 0 },
        { ",\"maxLength\":2", CLARITY_TYPE_STRING,
            "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 0 },
        { ",\"maxLength\":0", CLARITY_TYPE_STRING, "", 0 },
        { ",\"maxLength\":0", CLARITY_TYPE_STRING, "a",
            CLARITY_VALUE_MAX_LENGTH },
        { ",\"minLength\":2,\"minimum\":5", CLARITY_TYPE_NUMBER, "7", 0 },
        { ",\"minLength\":2,\"minimum\":5", CLARITY_TYPE_STRING, "12", 0 },
        { ",\"minLength\":2", CLARITY_TYPE_ARRAY, "", 0 },

        { ",\"minimum\":1.5", CLARITY_TYPE_NUMBER, "1.50", 0 },
        { ",\"minimum\":1.5", CLARITY_TYPE_NUMBER, "1.49",
            CLARITY_VALUE_MINIMUM },
        { ",\"maximum\":0", CLARITY_TYPE_NUMBER, "-0", 0 },
        { ",\"maximum\":0", CLARITY_TYPE_NUMBER, "1e-999",
            CLARITY_VALUE_MAXIMUM },

        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_STRING, "a", 0 },
        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_NUMBER, "1.0", 0 },
        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_NULL, "", 0 },
        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_STRING, "1",
            CLARITY_VALUE_ENUM },
        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_BOOLEAN, "",
            CLARITY_VALUE_ENUM },
        { ",\"enum\":[\"a\",1,null]", CLARITY_TYPE_OBJECT, "",
            CLARITY_VALUE_ENUM },
        { ",\"enum\":[false]", CLARITY_TYPE_BOOLEAN, "", 0 },
        { ",\"enum\":[true]", CLARITY_TYPE_BOOLEAN, "", CLARITY_VALUE_ENUM },

        { ",\"format\":\"date\"", CLARITY_TYPE_STRING, "x",
            CLARITY_VALUE_FORMAT },
        { ",\"format\":\"date\"", CLARITY_TYPE_NUMBER, "1", 0 },
        { ",\"format\":\"date\",\"minLength\":3,\"enum\":[\"2026-08-02\"]",
            CLARITY_TYPE_STRING, "x",
            CLARITY_VALUE_FORMAT | CLARITY_VALUE_MIN_LENGTH
                | CLARITY_VALUE_ENUM },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"p\"%s}]"
            "}]}",
            cases[i].keywords);
        triggers = parse(text);

        value.type = cases[i].type;
        value.text = clarity_str(cases[i].text);
        value.boolean = false;

        faults =
            clarity_value_faults(&triggers->triggers[0].context[0], &value);
        if (faults != cases[i].faults) {
            fail_msg("%s %s: 0x%x", cases[i].keywords, cases[i].text, faults);
        }

        clarity_triggers_free(triggers);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_those_of_the_standards),
        cmocka_unit_test(a_value_is_judged_by_json_schemas_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
