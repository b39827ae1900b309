#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "json/buf.h"
#include "webhook/trigger.h"


static void
assert_described(const char *parameter, const char *expected)
{
    clarity_buf_t text = { 0 }, said = { 0 };
    clarity_error_t error;
    clarity_triggers_t *triggers;

    clarity_buf_addf(&text,
        "{\"triggers\":[{\"name\":\"t\",\"title\":\"T\",\"context\":[%s]}]}",
        parameter);

    triggers =
        clarity_triggers_parse(clarity_buf_str(&text), "t.json", &error);
    if (triggers == NULL) {
        fail_msg("%s", error.text);
        return;
    }

    clarity_parameter_describe(&triggers->triggers[0].context[0], &said);
    clarity_buf_add(&said, (clarity_str_t){ "", 1 });

    assert_false(said.failed);
    assert_string_equal(said.data, expected);

    clarity_buf_free(&said);
    clarity_buf_free(&text);
    clarity_triggers_free(triggers);
}


static void
every_keyword_is_said(void **state)
{
    (void) state;

    assert_described("{\"name\":\"any\"}", "{\"name\":\"any\"}");
    assert_described("{\"name\":\"s\",\"type\":\"string\",\"minLength\":1,"
                     "\"maxLength\":20,\"format\":\"date-or-date-time\"}",
        "{\"name\":\"s\",\"type\":[\"string\"],"
        "\"format\":\"date-or-date-time\",\"minLength\":1,"
        "\"maxLength\":20}");
    assert_described("{\"name\":\"n\",\"type\":\"number\",\"minimum\":-1.50,"
                     "\"maximum\":1e3}",
        "{\"name\":\"n\",\"type\":[\"number\"],\"minimum\":-1.50,"
        "\"maximum\":1e3}");
    assert_described("{\"name\":\"e\",\"enum\":[\"a\\\"b\",1.0,true,false,"
                     "null]}",
        "{\"name\":\"e\",\"enum\":[\"a\\\"b\",1.0,true,false,null]}");
}


static void
types_stand_in_one_order(void **state)
{
    (void) state;

    assert_described("{\"name\":\"all\",\"type\":[\"null\",\"object\","
                     "\"array\",\"boolean\",\"number\",\"integer\","
                     "\"string\"]}",
        "{\"name\":\"all\",\"type\":[\"string\",\"integer\",\"number\","
        "\"boolean\",\"array\",\"object\",\"null\"]}");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_is_said),
        cmocka_unit_test(types_stand_in_one_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
