/* Conditions that are refused at load, each with its message. */

#include "workflow_fixture.h"

#include "json/buf.h"
#include "workflow/condition.h"

typedef struct {
    const char *condition;
    const char *error;
} refused_case_t;


static void
wrong_conditions_are_refused_with_their_line(void **state)
{
    size_t i;
    clarity_error_t error;
    clarity_json_doc_t *doc;
    static const refused_case_t cases[] = {
        { "'x'", "w.json:1: a condition is a string, expected an object with "
                 "\"parameter\" with an operator, or one of \"all\", \"any\", "
                 "\"not\", \"time\"" },
        { "\n{}",
            "w.json:2: a condition is empty, expected an object with "
            "\"parameter\" with an operator, or one of \"all\", \"any\", "
            "\"not\", \"time\"" },
        { "{'all': [\n[]]}",
            "w.json:2: a condition is an array, expected an object with "
            "\"parameter\" with an operator, or one of \"all\", \"any\", "
            "\"not\", \"time\"" },
        { "{'all': []}",
            "w.json:1: \"all\" is empty, expected a list of conditions" },
        { "{'any': {}}", "w.json:1: \"any\" is an object, expected a list of "
                         "conditions" },
        { "{'all': [{'time': {'days': ['mon'], 'zone': 'UTC'}}],\n"
          "'any': []}",
            "w.json:1: \"all\" and another key in one condition, expected "
            "\"all\" alone" },
        { "{'parameter': 'meta',\n'not': {}}",
            "w.json:2: \"not\" and another key in one condition, expected "
            "\"not\" alone" },
        { "{'not': []}",
            "w.json:1: a condition is an array, expected an object with "
            "\"parameter\" with an operator, or one of \"all\", \"any\", "
            "\"not\", \"time\"" },
        { "{'parameter': 'meta',\n 'eq': 1}",
            "w.json:2: unknown key \"eq\" in a condition, expected "
            "\"parameter\" with an operator, or one of \"all\", \"any\", "
            "\"not\", \"time\"; operators are \"equals\", \"not_equals\", "
            "\"in\", \"not_in\", \"exists\", \"matches\", \"contains\", "
            "\"starts_with\", \"ends_with\", \"greater\", \"less\", "
            "\"before\", \"after\"" },
        { "{'parameter': 'meta'}",
            "w.json:1: a condition without an operator, expected one of "
            "\"equals\", \"not_equals\", \"in\", \"not_in\", \"exists\", "
            "\"matches\", \"contains\", \"starts_with\", \"ends_with\", "
            "\"greater\", \"less\", \"before\", \"after\"" },
        { "{'equals': 1}",
            "w.json:1: \"parameter\" is missing in a condition, expected a "
            "string" },
        { "{'parameter':\n7, 'equals': 1}",
            "w.json:2: \"parameter\" is a number in a condition, expected a "
            "string" },
        { "{'parameter': 'identity_id', 'greater': 1,\n'less': 5}",
            "w.json:2: \"greater\" and \"less\" in one condition, expected "
            "one operator: \"all\" takes several conditions" },
        { "{'parameter': 'grant',\n'equals': 1}",
            "w.json:1: unknown parameter \"grant\", trigger "
            "\"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
        { "{'parameter': '', 'equals': 1}",
            "w.json:1: an empty name, expected a parameter's" },
        { "{'parameter': 'meta..x', 'equals': 1}",
            "w.json:1: nothing before a dot in \"meta..x\", expected a "
            "name" },
        { "{'parameter': '.meta', 'equals': 1}",
            "w.json:1: nothing before a dot in \".meta\", expected a "
            "name" },
        { "{'parameter': 'meta.', 'equals': 1}",
            "w.json:1: nothing after the last dot in \"meta.\", expected a "
            "name" },
        { "{'parameter': 'meta', 'in': 'x'}",
            "w.json:1: \"in\" is a string, expected a list of values" },
        { "{'parameter': 'meta', 'not_in': []}",
            "w.json:1: \"not_in\" is empty, expected a list of values" },
        { "{'parameter': 'meta', 'exists': 'yes'}",
            "w.json:1: \"exists\" is a string, expected true or false" },
        { "{'parameter': 'meta', 'matches': 5}",
            "w.json:1: \"matches\" is a number, expected a regular "
            "expression in a string" },
        { "{'parameter': 'meta', 'matches': 'ab(c'}",
            "w.json:1: \"matches\" has bad regular expression: missing "
            "closing parenthesis at offset 4" },
        { "{'parameter': 'meta', 'matches': '[z-a]'}",
            "w.json:1: \"matches\" has bad regular expression: range out of "
            "order in character class at offset 3" },
        { "{'parameter': 'meta', 'matches': 'a\\\\Cb'}",
            "w.json:1: \"matches\" has bad regular expression: using \\C is "
            "disabled by the application at offset 3" },
        { "{'parameter': 'meta', 'starts_with': ''}",
            "w.json:1: \"starts_with\" is empty, expected a string of at "
            "least one character" },
        { "{'parameter': 'meta', 'ends_with': null}",
            "w.json:1: \"ends_with\" is null, expected a string of at least "
            "one character" },
        { "{'parameter': 'meta', 'greater': '2025-01-01'}",
            "w.json:1: \"greater\" is a string, expected a number "
            "(\"before\" and \"after\" compare dates)" },
        { "{'parameter': 'meta', 'less': true}",
            "w.json:1: \"less\" is a boolean, expected a number "
            "(\"before\" and \"after\" compare dates)" },
        { "{'parameter': 'meta', 'before': 'tomorrow'}",
            "w.json:1: \"before\" has no RFC 3339 date, expected one such "
            "as \"2025-01-31\" or \"2025-01-31T08:00:00Z\", or \"now\"" },
        { "{'parameter': 'meta', 'after': '2025-02-29'}",
            "w.json:1: \"after\" has no RFC 3339 date, expected one such as "
            "\"2025-01-31\" or \"2025-01-31T08:00:00Z\", or \"now\"" },
        { "{'parameter': 'meta', 'after': 1700000000}",
            "w.json:1: \"after\" has no RFC 3339 date, expected one such as "
            "\"2025-01-31\" or \"2025-01-31T08:00:00Z\", or \"now\"" },
        { "{'parameter': 'meta', 'equals': '{{creator_id}}'}",
            "w.json:1: a placeholder in \"equals\", expected a value as it "
            "is" },
        { "{'parameter': 'meta', 'in': [1,\n{'a': ['{{x']}]}",
            "w.json:2: a placeholder in \"in\", expected a value as it is" },
        { "{'time': []}",
            "w.json:1: \"time\" is an array, expected an object" },
        { "{'time': {'zone': 'UTC'}}",
            "w.json:1: \"time\" always holds, expected \"days\", or "
            "\"from\" and \"to\"" },
        { "{'time': {'days': ['mon'],\n'zone': '../Berlin'}}",
            "w.json:2: \"zone\" is \"../Berlin\", expected \"UTC\", an "
            "offset such as \"+02:00\" or a name such as "
            "\"Europe/Berlin\"" },
        { "{'time': {'days': ['mon'], 'zone': '+2:00'}}",
            "w.json:1: \"zone\" is \"+2:00\", expected \"UTC\", an offset "
            "such as \"+02:00\" or a name such as \"Europe/Berlin\"" },
        { "{'time': {'days': ['mon'], 'zone': '+24:00'}}",
            "w.json:1: \"zone\" is \"+24:00\", expected \"UTC\", an offset "
            "such as \"+02:00\" or a name such as \"Europe/Berlin\"" },
        { "{'time': {'days': ['mon'], 'timezone': 'UTC'}}",
            "w.json:1: unknown key \"timezone\" in \"time\", expected one "
            "of \"days\", \"from\", \"to\", \"zone\"" },
        { "{'time': {'days': [], 'zone': 'UTC'}}",
            "w.json:1: \"days\" is empty, expected at least one day" },
        { "{'time': {'days': ['mon',\n'Tuesday'], 'zone': 'UTC'}}",
            "w.json:2: an unknown day in \"days\", expected \"mon\", "
            "\"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"" },
        { "{'time': {'days': [1], 'zone': 'UTC'}}",
            "w.json:1: an unknown day in \"days\", expected \"mon\", "
            "\"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"" },
        { "{'time': {'from': '08:00', 'zone': 'UTC'}}",
            "w.json:1: \"from\" without \"to\", expected both" },
        { "{'time': {'to': '08:00', 'zone': 'UTC'}}",
            "w.json:1: \"to\" without \"from\", expected both" },
        { "{'time': {'from': '8:00', 'to': '18:00', 'zone': 'UTC'}}",
            "w.json:1: \"from\" is no time of day, expected one such as "
            "\"08:00\"" },
        { "{'time': {'from': '08:00', 'to': '18:60', 'zone': 'UTC'}}",
            "w.json:1: \"to\" is no time of day, expected one such as "
            "\"08:00\"" },
        { "{'time': {'from': '08:00', 'to': '24:01', 'zone': 'UTC'}}",
            "w.json:1: \"to\" is no time of day, expected one such as "
            "\"08:00\"" },
        { "{'time': {'from': '24:00', 'to': '01:00', 'zone': 'UTC'}}",
            "w.json:1: \"from\" is \"24:00\", expected \"00:00\" to "
            "\"23:59\"" },
        { "{'time': {'from': '08:00', 'to': '08:00', 'zone': 'UTC'}}",
            "w.json:1: \"from\" and \"to\" are the same, expected two times "
            "of day" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        doc = fixture_json(cases[i].condition);

        assert_null(clarity_condition_compile(
            doc->root, "w.json", &fixture_trigger_list[0], &error));
        assert_string_equal(error.text, cases[i].error);

        clarity_json_free(doc);
    }
}


static void
parameters_are_not_checked_without_a_trigger(void **state)
{
    clarity_error_t error;
    clarity_condition_t *condition;
    clarity_json_doc_t *doc;

    (void) state;

    doc = fixture_json("{'parameter': 'anything.below', 'exists': true}");
    condition = clarity_condition_compile(doc->root, "w.json", NULL, &error);
    assert_non_null(condition);

    clarity_condition_free(condition);
    clarity_json_free(doc);
}


static clarity_condition_t *
nested(unsigned groups, clarity_json_doc_t **doc, clarity_error_t *error)
{
    unsigned i;
    clarity_buf_t text = { 0 };

    for (i = 0; i < groups; i++) {
        clarity_buf_addz(&text, "{'not': ");
    }

    clarity_buf_addz(&text, "{'parameter': 'meta', 'exists': true}");

    for (i = 0; i < groups; i++) {
        clarity_buf_addz(&text, "}");
    }

    clarity_buf_add(&text, (clarity_str_t){ "", 1 });
    *doc = fixture_json(text.data);
    clarity_buf_free(&text);

    return clarity_condition_compile((*doc)->root, "w.json", NULL, error);
}


static void
groups_nest_sixteen_deep_and_no_deeper(void **state)
{
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_condition_t *condition;

    (void) state;

    condition = nested(16, &doc, &error);
    assert_non_null(condition);
    clarity_condition_free(condition);
    clarity_json_free(doc);

    assert_null(nested(17, &doc, &error));
    assert_string_equal(error.text,
        "w.json:1: conditions nested deeper than 16 groups, "
        "expected that at most");
    clarity_json_free(doc);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_conditions_are_refused_with_their_line),
        cmocka_unit_test(parameters_are_not_checked_without_a_trigger),
        cmocka_unit_test(groups_nest_sixteen_deep_and_no_deeper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
