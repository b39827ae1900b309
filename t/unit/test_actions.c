/* The actions exec and publish: how they are read, and what comes of them. */

#include "workflow_fixture.h"

#include "workflow/workflow.h"

#define HEAD    "{'id': 'w', 'trigger': 'provision_entitlement', 'actions': ["
#define EXEC    HEAD "{'id': 'a', 'type': 'exec', "
#define PUBLISH HEAD "{'id': 'a', 'type': 'publish', "

static const char context[] =
    "{'identity_id': 42, 'grant_type': '-rf /; $(reboot) \\'x\\' é',"
    " 'meta': {'ticket': 'INC1', 'n': 1.50}, 'expiration': null,"
    " 'creator_id': 'a\\u0000b'}";


static clarity_workflow_t *
parse(const char *text, clarity_error_t *error)
{
    char *json;
    clarity_workflow_t *workflow;

    json = fixture_quotes(text);
    workflow = clarity_workflow_parse(
        clarity_str(json), "w.json", &fixture_triggers, error);
    free(json);

    return workflow;
}


static void
broken_actions_are_refused_with_their_line(void **state)
{
    size_t i;
    clarity_error_t error;
    clarity_workflow_t *workflow;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { EXEC "'args': []}]}",
            "w.json:1: \"command\" is missing in an \"exec\", expected a "
            "string" },
        { EXEC "\n'command': 'revoke'}]}",
            "w.json:2: \"command\" is \"revoke\", expected the absolute path "
            "of a program, such as \"/usr/local/bin/revoke\"" },
        { EXEC "'command': '/bin/{{grant_type}}'}]}",
            "w.json:1: \"command\" is \"/bin/{{grant_type}}\", expected the "
            "absolute path of a program, such as \"/usr/local/bin/revoke\"" },
        { EXEC "'command': '/bin/'}]}",
            "w.json:1: \"command\" is \"/bin/\", expected the absolute path "
            "of a program, such as \"/usr/local/bin/revoke\"" },
        { EXEC "'command': '/bin/x',\n'args': 'a b'}]}",
            "w.json:2: \"args\" is a string, expected an array" },
        { EXEC "'command': '/bin/x', 'args': ['a',\n1]}]}",
            "w.json:2: \"args\" holds a number, expected strings" },
        { EXEC "'command': '/bin/x', 'args': ['a\\u0000']}]}",
            "w.json:1: \"args\" holds a NUL byte, which cannot stand in an "
            "argument" },
        { EXEC "'command': '/bin/x', 'args': ['{{nobody}}']}]}",
            "w.json:1: \"args\": placeholder \"nobody\": unknown parameter "
            "\"nobody\", trigger \"provision_entitlement\" has "
            "\"app_identifier\", \"identity_id\", \"entitlement_id\", "
            "\"expiration\", \"grant_type\", \"meta\", \"creator_id\"" },
        { HEAD "{'id': 'a', 'type': 'exec', 'command': '/x', 'args': "
               "['{{secrets.s}}']}], 'secrets': {'s': {'env': 'S'}}}",
            "w.json:1: \"args\": placeholder \"secrets.s\": a secret may "
            "stand in \"url\" and \"headers\" only" },
        { EXEC "'command': '/bin/x', 'timeout': '2h'}]}",
            "w.json:1: \"timeout\" is \"2h\", expected \"1ms\" to \"1h\"" },
        { EXEC "'command': '/bin/x', 'retry': {'tries': 1}}]}",
            "w.json:1: unknown key \"tries\" in \"retry\", expected one of "
            "\"attempts\", \"delay\", \"max_delay\", \"jitter\"" },
        { EXEC "'command': '/bin/x', 'shell': true}]}",
            "w.json:1: unknown key \"shell\" in an \"exec\", expected one of "
            "\"id\", \"type\", \"command\", \"args\", \"timeout\", "
            "\"retry\", \"if_unknown\"" },
        { PUBLISH "'channel': 'c'}]}",
            "w.json:1: a \"publish\" expects \"channel\" and \"message\", or "
            "\"stream\" and \"fields\"" },
        { PUBLISH "'stream': 's', 'message': 1}]}",
            "w.json:1: a \"publish\" expects \"channel\" and \"message\", or "
            "\"stream\" and \"fields\"" },
        { PUBLISH "'stream': 's', 'channel': 'c', 'message': 1, "
                  "'fields': {'a': 1}}]}",
            "w.json:1: a \"publish\" expects \"channel\" and \"message\", or "
            "\"stream\" and \"fields\"" },
        { PUBLISH "'channel': 'c', 'message': 1,\n'max_length': 5}]}",
            "w.json:2: \"max_length\" is for a \"stream\", a channel has "
            "none" },
        { PUBLISH "'stream': 's', 'fields': {}}]}",
            "w.json:1: \"fields\" has 0, expected 1 to 64" },
        { PUBLISH "'stream': 's', 'fields': {'a': 1},\n'max_length': 0}]}",
            "w.json:2: \"max_length\" is out of range, expected a whole "
            "number from 1 to 1000000000" },
        { PUBLISH "'stream': '{clarity:0}:jobs', 'fields': {'a': 1}}]}",
            "w.json:1: \"stream\" begins with \"{\", as the keys of Clarity "
            "itself do, expected another name" },
        { PUBLISH "'channel': '', 'message': 1}]}",
            "w.json:1: \"channel\" is empty, long, or has a control byte or a "
            "placeholder, expected 1 to 512 bytes" },
        { PUBLISH "'stream': 's', 'fields': {'a': '{{x'}}]}",
            "w.json:1: \"a\": \"{{\" without a \"}}\" after it" },
        { PUBLISH "'channel': 'c', 'message': {'a': '{{x}}'}}]}",
            "w.json:1: placeholder \"x\": unknown parameter \"x\", trigger "
            "\"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        workflow = parse(cases[i].text, &error);

        if (workflow != NULL) {
            fail_msg("%s is taken", cases[i].text);
        }

        assert_string_equal(error.text, cases[i].error);
    }
}


/* strings NULL: refused, with that error. */
static void
check_render(const char *text, const char *const *strings, size_t n,
    const char *expected)
{
    bool rendered;
    size_t i;
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_scope_t scope = { 0 };
    clarity_strings_t call = { 0 };
    clarity_workflow_t *workflow;
    const clarity_action_t *action;

    workflow = parse(text, &error);
    if (workflow == NULL) {
        fail_msg("%s in %s", error.text, text);
    }

    doc = fixture_json(context);
    scope.context = doc->root;
    scope.job_id = clarity_lit("0-1-0");
    action = &workflow->actions[0];

    rendered =
        action->type == CLARITY_ACTION_EXEC
            ? clarity_exec_render(&action->exec, &scope, &call, &error)
            : clarity_publish_render(&action->publish, &scope, &call, &error);

    if (expected != NULL) {
        assert_false(rendered);
        assert_string_equal(error.text, expected);

    } else {
        assert_true(rendered);
        assert_int_equal(call.count, n);

        for (i = 0; i < n; i++) {
            assert_string_equal(call.list[i].data, strings[i]);
            assert_int_equal(call.list[i].len, strlen(strings[i]));
        }
    }

    clarity_strings_free(&call);
    clarity_workflow_free(workflow);
    clarity_json_free(doc);
}


static void
each_argument_stays_one(void **state)
{
    static const char *const plain[] = { "/bin/x" };
    static const char *const strings[] = { "/bin/x", "--user",
        "-rf /; $(reboot) \"x\" é", "id=42", "", "1.50",
        "{\"ticket\":\"INC1\",\"n\":1.50}" };

    (void) state;

    check_render(EXEC "'command': '/bin/x'}]}", plain, 1, NULL);
    check_render(EXEC "'command': '/bin/x', 'args': ['--user', "
                      "'{{grant_type}}', 'id={{identity_id}}', "
                      "'{{expiration}}', '{{meta.n}}', '{{meta}}']}]}",
        strings, COUNT(strings), NULL);
    check_render(EXEC
        "'command': '/bin/x', 'args': ['a', '{{creator_id}}']}]}",
        NULL, 0, "argument 2 holds a NUL byte, which cannot stand in one");
}


static void
messages_are_texts_or_json(void **state)
{
    static const char *const text[] = { "PUBLISH", "c",
        "-rf /; $(reboot) \"x\" é: 42" };
    static const char *const json[] = { "PUBLISH", "c",
        "{\"id\":42,\"t\":\"INC1\",\"until\":null,\"job\":\"0-1-0\"}" };
    static const char *const stream[] = { "XADD", "events", "*", "id", "42",
        "meta", "{\"ticket\":\"INC1\",\"n\":1.50}", "list", "[1,\"42!\"]" };
    static const char *const bounded[] = { "XADD", "events", "MAXLEN", "~",
        "1000", "*", "a", "true" };

    (void) state;

    check_render(PUBLISH "'channel': 'c', 'message': '{{grant_type}}: "
                         "{{identity_id}}'}]}",
        text, COUNT(text), NULL);
    check_render(PUBLISH
        "'channel': 'c', 'message': {'id': '{{identity_id}}', 't': "
        "'{{meta.ticket}}', 'until': '{{expiration}}', 'job': "
        "'{{job.id}}'}}]}",
        json, COUNT(json), NULL);
    check_render(PUBLISH "'stream': 'events', 'fields': {'id': "
                         "'{{identity_id}}', 'meta': '{{meta}}', 'list': "
                         "[1, '{{identity_id}}!']}}]}",
        stream, COUNT(stream), NULL);
    check_render(PUBLISH
        "'stream': 'events', 'max_length': 1000, 'fields': {'a': true}}]}",
        bounded, COUNT(bounded), NULL);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_actions_are_refused_with_their_line),
        cmocka_unit_test(each_argument_stays_one),
        cmocka_unit_test(messages_are_texts_or_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
