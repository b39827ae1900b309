/* A workflow file: what is read from it. */

#include "workflow_fixture.h"

#include "webhook/context.h"
#include "workflow/own_trigger.h"
#include "workflow/workflow.h"

/* The documented shape, with every key that this version knows. */
static const char full[] =
    "{'id': 'servicenow-revoke', 'name': 'Revoke when the grant ends',\n"
    " 'trigger': 'provision_entitlement', 'active': true,\n"
    " 'conditions': {'all': [\n"
    "   {'parameter': 'grant_type', 'in': ['exception', 'role']},\n"
    "   {'parameter': 'meta.ticket', 'matches': '^INC[0-9]+$'}]},\n"
    " 'secrets': {'hook': {'file': '/etc/clarity/secrets/hook'}},\n"
    " 'actions': [\n"
    "  {'id': 'revoke', 'type': 'http_request', 'method': 'DELETE',\n"
    "   'url': 'https://example.com/grant/{{identity_id}}/"
    "{{entitlement_id}}',\n"
    "   'secret': {'env': 'SERVICENOW_TOKEN'}, 'headers': {},\n"
    "   'timeout': '10s',\n"
    "   'retry': {'attempts': 8, 'delay': '5s', 'max_delay': '1h'}},\n"
    "  {'id': 'tell', 'type': 'http_request', 'method': 'POST',\n"
    "   'url': 'https://example.com/{{secrets.hook}}',\n"
    "   'body': {'text': '{{steps.revoke.body.number}} for "
    "{{creator_id}}',\n"
    "            'meta': '{{meta}}'}}]}\n";


static clarity_workflow_t *
parse(const char *text)
{
    char *copy;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    copy = fixture_quotes(text);
    workflow = clarity_workflow_parse(
        clarity_str(copy), "w.json", &fixture_triggers, &error);

    if (workflow == NULL) {
        fail_msg("%s in\n%s", error.text, copy);
    }

    free(copy);

    return workflow;
}


/* What is written of a failed job is what the trigger says. */
static void
jobs_that_have_failed_have_a_trigger_of_their_own(void **state)
{
    clarity_buf_t context = { 0 };
    clarity_workflow_t *workflow;
    clarity_json_fault_t fault;
    const clarity_trigger_t *trigger;
    clarity_context_checker_t *checker;
    clarity_failed_job_t job = { clarity_lit("0-1732000000000-0"),
        clarity_lit("provision_entitlement"), clarity_lit("POST /h\"ook"),
        clarity_lit("workflow \"w\": \n"), 0, 1732000000123 };
    const clarity_context_rules_t rules = { CLARITY_ORDER_STRICT,
        CLARITY_UNKNOWN_REJECT };

    (void) state;

    trigger =
        clarity_trigger_find(&fixture_triggers, clarity_lit("job_failed"));
    assert_non_null(trigger);
    assert_ptr_equal(
        clarity_trigger_find(&fixture_triggers, fixture_trigger_list[1].name),
        &fixture_trigger_list[1]);
    assert_null(clarity_trigger_find(&fixture_triggers, clarity_lit("job")));

    clarity_job_failed_context(&context, &job);
    assert_true(clarity_str_is(clarity_buf_str(&context),
        "{\"job_id\":\"0-1732000000000-0\","
        "\"trigger\":\"provision_entitlement\","
        "\"webhook\":\"POST /h\\\"ook\","
        "\"reason\":\"workflow \\\"w\\\": \\n\","
        "\"received_at\":null,"
        "\"failed_at\":\"2024-11-19T07:06:40.123Z\"}"));

    checker = clarity_context_checker_create();
    assert_non_null(checker);
    assert_int_equal(clarity_context_check(checker, trigger, rules,
                         clarity_buf_str(&context), &fault),
        CLARITY_CONTEXT_VALID);
    clarity_context_checker_free(checker);
    clarity_buf_free(&context);

    workflow = parse("{'id': 'w', 'trigger': 'job_failed', 'actions': ["
                     "{'id': 'a', 'type': 'http_request', 'method': 'POST',"
                     " 'url': 'https://example.com/{{job_id}}',"
                     " 'body': '{{trigger}} {{webhook}} {{reason}} "
                     "{{received_at}} {{failed_at}}'}]}");
    assert_true(clarity_str_is(workflow->trigger, "job_failed"));
    clarity_workflow_free(workflow);
}


static void
a_full_file_is_read(void **state)
{
    clarity_workflow_t *workflow;
    const clarity_action_t *action;

    (void) state;

    workflow = parse(full);

    assert_true(clarity_str_is(workflow->id, "servicenow-revoke"));
    assert_true(clarity_str_is(workflow->name, "Revoke when the grant ends"));
    assert_true(clarity_str_is(workflow->trigger, "provision_entitlement"));
    assert_true(workflow->active);
    assert_non_null(workflow->conditions);
    assert_string_equal(workflow->file, "w.json");

    assert_int_equal(workflow->nsecrets, 1);
    assert_true(clarity_str_is(workflow->secrets[0].name, "hook"));
    assert_true(workflow->secrets[0].is_file);
    assert_true(clarity_str_is(
        workflow->secrets[0].source, "/etc/clarity/secrets/hook"));
    assert_int_equal(workflow->secrets[0].line, 6);
    assert_null(workflow->secrets[0].value);

    assert_int_equal(workflow->nactions, 2);

    action = &workflow->actions[0];
    assert_true(clarity_str_is(action->id, "revoke"));
    assert_int_equal(action->type, CLARITY_ACTION_HTTP_REQUEST);
    assert_int_equal(action->line, 8);
    assert_true(clarity_str_is(action->http.method, "DELETE"));
    assert_int_equal(action->http.nheaders, 0);
    assert_null(action->http.body);
    assert_int_equal(action->http.auth, CLARITY_AUTH_BEARER);
    assert_true(clarity_str_is(action->http.credential->name, "revoke"));
    assert_false(action->http.credential->is_file);
    assert_true(
        clarity_str_is(action->http.credential->source, "SERVICENOW_TOKEN"));
    assert_int_equal(action->http.credential->line, 10);
    assert_int_equal(action->http.timeout, 10000);
    assert_int_equal(action->retry.attempts, 8);
    assert_int_equal(action->retry.delay, 5000);
    assert_int_equal(action->retry.max_delay, 3600000);

    action = &workflow->actions[1];
    assert_true(clarity_str_is(action->id, "tell"));
    assert_non_null(action->http.body);
    assert_int_equal(action->http.auth, CLARITY_AUTH_NONE);
    assert_null(action->http.credential);

    clarity_workflow_free(workflow);
}


static void
what_is_left_out_has_its_default(void **state)
{
    clarity_workflow_t *workflow;
    const clarity_action_t *action;

    (void) state;

    workflow = parse("{'id': 'w', 'trigger': 'identity_modified', 'actions': "
                     "[{'id': 'a', 'type': 'http_request', 'method': 'GET', "
                     "'url': 'http://h'}]}");

    assert_true(clarity_str_is(workflow->name, "w"));
    assert_true(workflow->active);
    assert_null(workflow->conditions);
    assert_int_equal(workflow->nsecrets, 0);

    action = &workflow->actions[0];
    assert_int_equal(action->http.timeout, 30000);
    assert_int_equal(action->retry.attempts, 3);
    assert_int_equal(action->retry.delay, 1000);
    assert_int_equal(action->retry.max_delay, 3600000);

    clarity_workflow_free(workflow);
}


static void
a_long_delay_raises_the_largest_one(void **state)
{
    clarity_workflow_t *workflow;

    (void) state;

    workflow = parse("{'id': 'w', 'trigger': 'identity_modified', 'actions': "
                     "[{'id': 'a', 'type': 'http_request', 'method': 'GET', "
                     "'url': 'http://h', 'retry': {'delay': '2h'}}]}");
    assert_int_equal(workflow->actions[0].retry.attempts, 3);
    assert_int_equal(workflow->actions[0].retry.delay, 7200000);
    assert_int_equal(workflow->actions[0].retry.max_delay, 7200000);
    clarity_workflow_free(workflow);
}


static void
a_workflow_can_be_inactive(void **state)
{
    clarity_workflow_t *workflow;

    (void) state;

    workflow = parse("{'id': 'w', 'active': false, 'trigger': "
                     "'identity_modified', 'actions': [{'id': 'a', 'type': "
                     "'http_request', 'method': 'GET', 'url': 'http://h'}]}");
    assert_false(workflow->active);
    clarity_workflow_free(workflow);
}


static void
the_digest_is_that_of_the_files_bytes(void **state)
{
    clarity_workflow_t *workflow;

    (void) state;

    /* printf '%s' TEXT | sha256sum */
    workflow = parse("{'id':'w','trigger':'identity_modified','actions':"
                     "[{'id':'a','type':'http_request','method':'GET',"
                     "'url':'http://h'}]}");
    assert_string_equal(workflow->digest, "1808328947411656");
    clarity_workflow_free(workflow);

    workflow = parse("{'id':'w','trigger':'identity_modified','actions':"
                     "[{'id':'a','type':'http_request','method':'GET',"
                     "'url':'http://h'}]} ");
    assert_string_equal(workflow->digest, "5199b5264b44aa2d");
    clarity_workflow_free(workflow);
}


typedef struct {
    char names[256];
    int left; /* calls that succeed */
} seen_t;


static bool
note_secret(void *data, clarity_secret_t *secret, clarity_error_t *error)
{
    seen_t *seen = data;

    if (seen->left-- == 0) {
        return clarity_error(error, "no more");
    }

    strncat(seen->names, secret->name.data, secret->name.len);
    strcat(seen->names, " ");

    secret->value = strdup("value");

    return true;
}


static void
every_secret_is_visited_until_one_fails(void **state)
{
    seen_t seen;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    (void) state;

    workflow = parse(full);
    seen = (seen_t){ "", 100 };
    assert_true(
        clarity_workflow_each_secret(workflow, note_secret, &seen, &error));
    assert_string_equal(seen.names, "hook revoke ");
    clarity_workflow_free(workflow);

    workflow = parse(full);
    seen = (seen_t){ "", 1 };
    assert_false(
        clarity_workflow_each_secret(workflow, note_secret, &seen, &error));
    assert_string_equal(seen.names, "hook ");
    assert_string_equal(error.text, "no more");
    clarity_workflow_free(workflow);

    workflow = parse(full);
    seen = (seen_t){ "", 0 };
    assert_false(
        clarity_workflow_each_secret(workflow, note_secret, &seen, &error));
    clarity_workflow_free(workflow);
}


static void
a_file_cut_at_any_byte_is_refused(void **state)
{
    char *copy;
    size_t len, last;
    clarity_error_t error;

    (void) state;

    copy = fixture_quotes(full);
    last = strrchr(copy, '}') - copy;

    for (len = 0; len <= last; len++) {
        assert_null(clarity_workflow_parse((clarity_str_t){ copy, len },
            "w.json", &fixture_triggers, &error));
        assert_true(strncmp(error.text, "w.json:", 7) == 0);
    }

    free(copy);
}


/* Bytes overwritten one by one: whatever is read, nothing breaks. */
static void
a_file_changed_at_any_byte_is_read_or_refused(void **state)
{
    char *copy, kept;
    size_t i, j, len;
    clarity_error_t error;
    clarity_workflow_t *workflow;
    static const char bytes[] = { '\0', '"', '{', '}', '.', '0', '\\', '\n' };

    (void) state;

    copy = fixture_quotes(full);
    len = strlen(copy);

    for (i = 0; i < len; i++) {
        kept = copy[i];

        for (j = 0; j < sizeof(bytes); j++) {
            copy[i] = bytes[j];
            workflow = clarity_workflow_parse((clarity_str_t){ copy, len },
                "w.json", &fixture_triggers, &error);
            clarity_workflow_free(workflow);
        }

        copy[i] = kept;
    }

    free(copy);
}


static void
freeing_nothing_is_allowed(void **state)
{
    clarity_http_call_t call = { 0 };

    (void) state;

    clarity_workflow_free(NULL);
    clarity_template_free(NULL);
    clarity_json_template_free(NULL);
    clarity_condition_free(NULL);
    clarity_http_call_free(&call);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_file_is_read),
        cmocka_unit_test(jobs_that_have_failed_have_a_trigger_of_their_own),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(a_long_delay_raises_the_largest_one),
        cmocka_unit_test(a_workflow_can_be_inactive),
        cmocka_unit_test(the_digest_is_that_of_the_files_bytes),
        cmocka_unit_test(every_secret_is_visited_until_one_fails),
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_file_changed_at_any_byte_is_read_or_refused),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
