/* Memory that runs out at any moment of reading, judging and rendering. */

#include "workflow_fixture.h"

#include "oom.h"
#include "workflow/workflow.h"

static const char text[] =
    "{'id': 'w', 'name': 'n', 'trigger': 'provision_entitlement',"
    " 'conditions': {'all': [{'not': {'parameter': 'grant_type', 'matches':"
    " '^x(a|b)*$'}}, {'time': {'days': ['mon'], 'zone': 'UTC'}}]},"
    " 'secrets': {'hook': {'file': 'hook'}, 'b': {'env': 'B'}},"
    " 'start': {'at': '{{grant_type}}'},"
    " 'actions': ["
    "  {'id': 'a', 'type': 'http_request', 'method': 'POST',"
    "   'url': 'http://h/{{secrets.hook}}/{{identity_id}}?{{meta}}',"
    "   'headers': {'X-A': '{{creator_id}}', 'X-B': '{{secrets.b}}'},"
    "   'auth': {'basic': {'user': 'u', 'password': {'env': 'P'}}},"
    "   'body': {'a': ['{{meta}}', 'x{{meta}}\\u0001', {'b': null}],"
    "     'c': '{{grant_type}}', 'd': 'é{{grant_type}}{{grant_type}}'}},"
    "  {'id': 'b', 'type': 'http_request', 'method': 'GET',"
    "   'url': 'http://h/', 'secret': {'file': 's'}},"
    "  {'id': 'c', 'type': 'delay', 'delay': '{{meta}}'}]}";

static const char context[] =
    "{'identity_id': 'a/b', 'grant_type': 'xababababababababababababab"
    "xababababababababababababaxababababababababababababaabababababababab',"
    " 'creator_id': 'me', 'meta': {'a': [1, 2, 3], 'b': 'text'}}";


static clarity_workflow_t *
parse(clarity_str_t file, clarity_error_t *error)
{
    return clarity_workflow_parse(file, "w.json", &fixture_triggers, error);
}


static void
a_file_is_refused_cleanly(void **state)
{
    long n;
    char *copy;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    (void) state;
    OOM_OR_SKIP();

    copy = fixture_quotes(text);

    /* the crypto library sets itself up once */
    clarity_workflow_free(parse(clarity_str(copy), &error));

    for (n = 0;; n++) {
        error.text[0] = '\0';

        oom_after = n;
        workflow = parse(clarity_str(copy), &error);
        oom_after = -1;

        if (workflow != NULL) {
            break;
        }

        if (strstr(error.text, "out of memory") == NULL
            && strstr(error.text, "failed to allocate heap memory") == NULL)
        {
            fail_msg("%ld: %s", n, error.text);
        }
    }

    assert_true(n > 40);

    clarity_workflow_free(workflow);
    free(copy);
}


static bool
secret_value(void *data, clarity_str_t name, clarity_str_t *value)
{
    (void) data;
    (void) name;

    *value = clarity_lit("value");

    return true;
}


static bool
set_value(void *data, clarity_secret_t *secret, clarity_error_t *error)
{
    (void) data;
    (void) error;

    secret->value = malloc(sizeof("value"));
    assert_non_null(secret->value);
    strcpy(secret->value, "value");

    return true;
}


static void
a_call_fails_cleanly(void **state)
{
    bool ok;
    long n;
    char *copy;
    clarity_error_t error;
    clarity_scope_t scope;
    clarity_json_doc_t *doc;
    clarity_http_call_t call;
    clarity_workflow_t *workflow;

    (void) state;
    OOM_OR_SKIP();

    doc = fixture_json(context);
    copy = fixture_quotes(text);
    workflow = parse(clarity_str(copy), &error);
    assert_non_null(workflow);
    assert_true(clarity_workflow_each_secret(workflow, set_value, NULL, NULL));

    scope = (clarity_scope_t){
        .context = doc->root,
        .secret = secret_value,
    };

    for (n = 0, ok = false; !ok; n++) {
        memset(&call, 0, sizeof(call));

        oom_after = n;
        ok = clarity_http_call_render(
            &workflow->actions[0].http, &scope, false, &call, &error);
        oom_after = -1;

        if (!ok && strstr(error.text, "out of memory") == NULL) {
            fail_msg("%ld: %s", n, error.text);
        }

        clarity_http_call_free(&call);
    }

    assert_true(n > 3);

    clarity_workflow_free(workflow);
    clarity_json_free(doc);
    free(copy);
}


static void
a_condition_has_no_answer(void **state)
{
    long n;
    char *copy;
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_workflow_t *workflow;
    clarity_condition_result_t result;

    (void) state;
    OOM_OR_SKIP();

    doc = fixture_json(context);
    copy = fixture_quotes(text);
    workflow = parse(clarity_str(copy), &error);
    assert_non_null(workflow);

    for (n = 0;; n++) {
        oom_after = n;
        result = clarity_condition_holds(
            workflow->conditions, doc->root, 0, &error);
        oom_after = -1;

        if (result != CLARITY_CONDITION_ERROR) {
            break;
        }

        assert_string_equal(
            error.text, "parameter \"grant_type\": out of memory");
    }

    assert_true(n > 1);

    clarity_workflow_free(workflow);
    clarity_json_free(doc);
    free(copy);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_refused_cleanly),
        cmocka_unit_test(a_call_fails_cleanly),
        cmocka_unit_test(a_condition_has_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
