#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "t/unit/checker_fixture.h"

static const char triggers_json[] =
    "{\"triggers\":[{\"name\":\"abc\",\"context\":[{\"name\":\"a\"},"
    "{\"name\":\"b\",\"type\":\"string\"},{\"name\":\"c\"}]}]}";

static clarity_context_packed_t packed;


static int
set_up(void **state)
{
    (void) state;

    return set_up_checker(triggers_json);
}


/* The faults of a text, each as CODE:NAME, or as CODE where it has none. */
static const char *
faults(clarity_str_t text)
{
    size_t at, len;
    clarity_str_t name;
    clarity_json_fault_t fault;
    clarity_context_code_t code;
    static char line[1024];

    assert_int_equal(clarity_context_check(checker,
                         clarity_triggers_find(triggers, clarity_lit("abc")),
                         (clarity_context_rules_t){
                             CLARITY_ORDER_STRICT, CLARITY_UNKNOWN_REJECT },
                         text, &fault),
        CLARITY_CONTEXT_FAULTY);

    clarity_context_pack(checker, &packed);
    assert_true(packed.len <= sizeof(packed.data));

    at = 0;
    len = 0;
    line[0] = '\0';

    while (clarity_context_unpack(&packed, &at, &code, &name)) {
        len += (size_t) snprintf(line + len, sizeof(line) - len, "%s%s%s%.*s",
            len == 0 ? "" : " ", clarity_context_code_name(code),
            name.data == NULL ? "" : ":", (int) name.len,
            name.data == NULL ? "" : name.data);
        assert_true(len < sizeof(line));
    }

    assert_int_equal(at, packed.len);

    return line;
}


static void
each_fault_has_its_code_and_its_name(void **state)
{
    (void) state;

    assert_string_equal(
        faults(clarity_lit("{\"b\":1,\"a\":1,\"\":1,\"a\":2,\"\\u00e9\":1}")),
        "out_of_order:a duplicate:a out_of_order:b wrong_type:b missing:c "
        "unknown: "
        "unknown:\xc3\xa9");
    assert_int_equal(packed.nfaults, 7);
}


static void
a_fault_of_the_whole_has_no_name(void **state)
{
    (void) state;

    assert_string_equal(faults(clarity_lit("[]")), "wrong_type");
    assert_int_equal(packed.nfaults, 1);
}


static void
a_long_name_is_cut(void **state)
{
    (void) state;

    assert_string_equal(
        faults(
            clarity_lit("{\"a\":1,\"b\":\"\",\"c\":1,\""
                        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                        "nnnnnnnnnnnn\":1}")),
        "unknown:"
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
        "\xe2\x80\xa6");
}


/* Only whole ones, up to the last byte, and all are counted. */
static void
what_does_not_fit_is_counted(void **state)
{
    size_t n, i, names;
    clarity_buf_t buf = { 0 };

    (void) state;

    for (n = 1; n <= 64; n++) {
        clarity_buf_reset(&buf);
        clarity_buf_addz(&buf, "{\"a\":1,\"b\":\"\",\"c\":1");

        for (i = 0; i < 200; i++) {
            clarity_buf_addf(&buf, ",\"%0*zu\":1", (int) n + 2, i);
        }

        clarity_buf_addz(&buf, "}");
        assert_false(buf.failed);

        faults(clarity_buf_str(&buf));

        names = CLARITY_CONTEXT_PACKED / (2 + (n + 2 < 64 ? n + 2 : 64));
        assert_int_equal(packed.nfaults, 200);

        if (n + 2 <= CLARITY_CONTEXT_MAX_SHOWN) {
            assert_int_equal(packed.len, names * (n + 4));
        }
    }

    clarity_buf_free(&buf);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_code_and_its_name),
        cmocka_unit_test(a_fault_of_the_whole_has_no_name),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
