/* Times that a workflow waits for. */

#include "workflow_fixture.h"

#include "workflow/when.h"

#define NOW UINT64_C(1732000000000)


/* The context's {{expiration}} and {{meta.wait}} are in the text. */
static clarity_when_result_t
find(const char *source, const char *context, uint64_t *ms)
{
    clarity_when_t when = { 0 };
    clarity_load_t load;
    clarity_error_t error;
    clarity_names_t names = { 0 };
    clarity_scope_t scope = { 0 };
    clarity_json_doc_t *doc, *values;
    clarity_when_result_t result;

    doc = fixture_json(source);
    values = fixture_json(context);
    load = (clarity_load_t){ "w.json", &error, NULL };
    names.trigger = &fixture_trigger_list[0];
    scope.context = values->root;

    if (!clarity_when_parse(&when,
            clarity_json_get(doc->root, clarity_lit("at")),
            clarity_json_get(doc->root, clarity_lit("delay")), "it", 1, &names,
            &load))
    {
        fail_msg("%s: %s", source, error.text);
    }

    assert_true(clarity_when_is_set(&when));

    error.text[0] = '\0';
    *ms = 0;
    result = clarity_when_find(&when, &scope, NOW, ms, &error);

    assert_int_equal(result == CLARITY_WHEN_FAULTY, error.text[0] != '\0');
    assert_null(strstr(error.text, "soon"));

    clarity_when_clear(&when);
    assert_false(clarity_when_is_set(&when));
    clarity_json_free(values);
    clarity_json_free(doc);

    return result;
}


static void
times_are_found(void **state)
{
    size_t i;
    uint64_t ms;
    static const struct {
        const char *source;
        const char *context;
        uint64_t ms;
    } cases[] = {
        { "{'at': '2024-11-19T07:06:40Z'}", "{}", NOW },
        { "{'at': '{{expiration}}'}",
            "{'expiration': '2024-11-19T08:06:40.1239+01:00'}", NOW + 123 },
        { "{'at': '{{expiration}}'}",
            "{'expiration': '2024-11-19T07:06:40.05Z'}", NOW + 50 },
        { "{'at': '{{expiration}}'}", "{'expiration': '2024-11-20'}",
            UINT64_C(1732060800000) },
        { "{'at': '{{expiration}}T12:00:00Z'}", "{'expiration': '2024-11-20'}",
            UINT64_C(1732104000000) },
        { "{'at': '{{expiration}}'}", "{'expiration': '1969-12-31'}", 0 },
        { "{'at': '{{expiration}}'}",
            "{'expiration': '9999-12-31T23:59:59.999Z'}",
            UINT64_C(253402300799999) },
        { "{'delay': '2h'}", "{}", NOW + 7200000 },
        { "{'delay': '0s'}", "{}", NOW },
        { "{'delay': '{{meta.wait}}'}", "{'meta': {'wait': '250ms'}}",
            NOW + 250 },
        { "{'delay': '{{meta.wait}}d'}", "{'meta': {'wait': 3660}}",
            NOW + UINT64_C(3660) * 24 * 3600 * 1000 },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(
            find(cases[i].source, cases[i].context, &ms), CLARITY_WHEN_KNOWN);
        assert_int_equal(ms, cases[i].ms);
    }
}


static void
what_is_not_there_is_never(void **state)
{
    size_t i;
    uint64_t ms;
    static const char *const contexts[] = { "{}", "{'expiration': null}",
        "{'expiration': ''}" };

    (void) state;

    for (i = 0; i < COUNT(contexts); i++) {
        assert_int_equal(find("{'at': '{{expiration}}'}", contexts[i], &ms),
            CLARITY_WHEN_NEVER);
    }

    assert_int_equal(
        find("{'delay': '{{meta.wait}}'}", "{'meta': {'wait': null}}", &ms),
        CLARITY_WHEN_NEVER);
}


static void
what_is_no_time_is_a_fault(void **state)
{
    uint64_t ms;

    (void) state;

    assert_int_equal(
        find("{'at': '{{expiration}}'}", "{'expiration': 'soon'}", &ms),
        CLARITY_WHEN_FAULTY);
    assert_int_equal(
        find("{'at': '{{expiration}}'}", "{'expiration': {'soon': 1}}", &ms),
        CLARITY_WHEN_FAULTY);
    assert_int_equal(
        find("{'at': '{{expiration}}'}", "{'expiration': 1732000000}", &ms),
        CLARITY_WHEN_FAULTY);
    assert_int_equal(
        find("{'delay': '{{meta.wait}}'}", "{'meta': {'wait': 'soon'}}", &ms),
        CLARITY_WHEN_FAULTY);
    assert_int_equal(
        find("{'delay': '{{meta.wait}}d'}", "{'meta': {'wait': 3661}}", &ms),
        CLARITY_WHEN_FAULTY);
}


int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_found),
        cmocka_unit_test(what_is_not_there_is_never),
        cmocka_unit_test(what_is_no_time_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
