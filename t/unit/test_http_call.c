/* The requests that a workflow's actions make. */

#include "workflow_fixture.h"

#include "workflow/workflow.h"

static const char context[] =
    "{'app_identifier': 'a', 'identity_id': 'u/1', 'entitlement_id': 7,"
    " 'expiration': null, 'grant_type': 'role',"
    " 'meta': {'ticket': 'INC1', 'line': 'a\\r\\nb'}, 'creator_id': 'me'}";


/* A workflow with one action that has these members besides its id. */
static clarity_workflow_t *
parse_action(const char *members)
{
    char *copy, text[4096];
    clarity_error_t error;
    clarity_workflow_t *workflow;

    snprintf(text, sizeof(text),
        "{'id': 'w', 'trigger': 'provision_entitlement', 'secrets': "
        "{'hook': {'env': 'HOOK'}}, 'actions': [{'id': 'call', 'type': "
        "'http_request', %s}]}",
        members);

    copy = fixture_quotes(text);
    workflow = clarity_workflow_parse(
        clarity_str(copy), "w.json", &fixture_triggers, &error);

    if (workflow == NULL) {
        fail_msg("%s in\n%s", error.text, copy);
    }

    free(copy);

    return workflow;
}


static bool
secret_value(void *data, clarity_str_t name, clarity_str_t *value)
{
    (void) data;
    (void) name;

    *value = clarity_lit("services/T0");

    return true;
}


/* headers as "A: b|C: d|" */
static bool
render(const clarity_workflow_t *workflow, const char *values, bool hide,
    clarity_http_call_t *call, char *headers, clarity_error_t *error)
{
    bool ok;
    size_t i;
    const char *p;
    clarity_scope_t scope;
    clarity_json_doc_t *doc;

    memset(call, 0, sizeof(*call));
    doc = fixture_json(values);

    scope = (clarity_scope_t){
        .context = doc->root,
        .job_id = clarity_lit("0-1-0"),
        .secret = secret_value,
    };

    ok = clarity_http_call_render(
        &workflow->actions[0].http, &scope, hide, call, error);

    headers[0] = '\0';

    if (ok) {
        p = call->headers.data;

        for (i = 0; i < call->nheaders; i++) {
            strcat(headers, p);
            strcat(headers, "|");
            p += strlen(p) + 1;
        }

        assert_true(p == call->headers.data + call->headers.len);
    }

    clarity_json_free(doc);

    return ok;
}


static void
set_credential(clarity_workflow_t *workflow, const char *value)
{
    clarity_secret_t *secret;

    secret = workflow->actions[0].http.credential;

    if (secret != NULL) {
        free(secret->value);
        secret->value = strdup(value);
        assert_non_null(secret->value);
    }
}


static void
a_call_has_url_headers_and_body(void **state)
{
    size_t i;
    char headers[1024], *body;
    clarity_error_t error;
    clarity_http_call_t call;
    clarity_workflow_t *workflow;
    static const struct {
        const char *action;
        bool hide;
        const char *url;
        const char *headers;
        const char *body; /* NULL: none */
    } cases[] = {
        { "'method': 'GET', 'url': 'http://h/{{identity_id}}'", false,
            "http://h/u%2F1", "", NULL },
        { "'method': 'POST', 'url': 'http://h/', 'body': {'a': "
          "'{{entitlement_id}}', 'b': '{{meta}}'}",
            false, "http://h/", "Content-Type: application/json|",
            "{'a':7,'b':{'ticket': 'INC1', 'line': 'a\\r\\nb'}}" },
        { "'method': 'POST', 'url': 'http://h/', 'body': '{{creator_id}}', "
          "'headers': {'X-Who': 'by {{creator_id}}', 'content-type': "
          "'application/scim+json', 'X-Job': '{{job.id}}'}",
            false, "http://h/",
            "X-Who: by me|content-type: application/scim+json|X-Job: 0-1-0|",
            "'me'" },
        { "'method': 'PUT', 'url': 'http://h/', 'body': [], 'headers': "
          "{'X-Expires': '{{expiration}}', 'Content-Type': "
          "'{{expiration}}'}",
            false, "http://h/", "Content-Type: application/json|", "[]" },
        { "'method': 'POST', 'url': 'http://h/{{secrets.hook}}', 'headers': "
          "{'X-Hook': 'k={{secrets.hook}}'}",
            false, "http://h/services/T0", "X-Hook: k=services/T0|", NULL },
        { "'method': 'POST', 'url': 'http://h/{{secrets.hook}}', 'headers': "
          "{'X-Hook': 'k={{secrets.hook}}'}",
            true, "http://h/***", "X-Hook: k=***|", NULL },
        { "'method': 'POST', 'url': 'http://h/', 'secret': {'env': 'T'}, "
          "'headers': {'X-A': 'b'}, 'body': 1",
            false, "http://h/",
            "X-A: b|Content-Type: application/json|Authorization: Bearer "
            "s3cr=t|",
            "1" },
        { "'method': 'GET', 'url': 'http://h/', 'secret': {'env': 'T'}", true,
            "http://h/", "Authorization: Bearer ***|", NULL },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'basic': {'user': "
          "'Al Üser', 'password': {'file': 'secrets/p'}}}",
            false, "http://h/", "Authorization: Basic QWwgw5xzZXI6czNjcj10|",
            NULL },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'basic': {'user': "
          "'', 'password': {'file': '/p'}}}",
            false, "http://h/", "Authorization: Basic OnMzY3I9dA==|", NULL },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'basic': {'user': "
          "'Al', 'password': {'file': '/p'}}}",
            true, "http://h/", "Authorization: Basic ***|", NULL },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'header': {'name': "
          "'X-Api-Key', 'value': {'env': 'K'}}}",
            false, "http://h/", "X-Api-Key: s3cr=t|", NULL },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'header': {'name': "
          "'X-Api-Key', 'value': {'env': 'K'}}}",
            true, "http://h/", "X-Api-Key: ***|", NULL },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        workflow = parse_action(cases[i].action);

        if (!cases[i].hide) {
            set_credential(workflow, "s3cr=t");
        }

        if (!render(workflow, context, cases[i].hide, &call, headers, &error))
        {
            fail_msg("%s: %s", cases[i].action, error.text);
        }

        assert_true(clarity_str_is(clarity_buf_str(&call.url), cases[i].url));
        assert_string_equal(headers, cases[i].headers);
        assert_int_equal(call.has_body, cases[i].body != NULL);

        if (cases[i].body != NULL) {
            body = fixture_quotes(cases[i].body);
            assert_true(clarity_str_is(clarity_buf_str(&call.body), body));
            free(body);
        }

        clarity_http_call_free(&call);
        assert_null(call.headers.data);
        clarity_workflow_free(workflow);
    }
}


static void
a_call_that_cannot_be_made_says_why_without_values(void **state)
{
    size_t i;
    char headers[1024];
    clarity_error_t error;
    clarity_http_call_t call;
    clarity_workflow_t *workflow;
    static const struct {
        const char *action;
        const char *secret; /* NULL: not loaded */
        const char *error;
    } cases[] = {
        { "'method': 'GET', 'url': 'http://h/{{expiration}}'", NULL,
            "url: placeholder \"expiration\" is absent, null or empty, which "
            "cannot stand in a url's path" },
        { "'method': 'GET', 'url': 'http://h/', 'headers': {'X-Line': "
          "'{{meta.line}}'}",
            NULL,
            "header \"X-Line\": placeholder \"meta.line\" holds a line break "
            "or another control byte, which cannot stand in a header" },
        { "'method': 'GET', 'url': 'http://h/', 'secret': {'env': 'T'}", NULL,
            "the secret of action \"call\" has no value" },
        { "'method': 'GET', 'url': 'http://h/', 'secret': {'env': 'T'}", "",
            "the secret of action \"call\" has no value" },
        { "'method': 'GET', 'url': 'http://h/', 'secret': {'env': 'T'}",
            "tok\nen",
            "the secret of action \"call\" holds a line break or another "
            "control byte" },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'header': {'name': "
          "'X', 'value': {'env': 'K'}}}",
            "k\r\nEvil: 1",
            "the secret of action \"call\" holds a line break or another "
            "control byte" },
        { "'method': 'GET', 'url': 'http://h/', 'auth': {'basic': {'user': "
          "'u', 'password': {'env': 'K'}}}",
            "p\x01",
            "the secret of action \"call\" holds a line break or another "
            "control byte" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        workflow = parse_action(cases[i].action);

        if (cases[i].secret != NULL) {
            set_credential(workflow, cases[i].secret);
        }

        assert_false(render(workflow, context, false, &call, headers, &error));
        assert_string_equal(error.text, cases[i].error);

        clarity_http_call_free(&call);
        clarity_workflow_free(workflow);
    }
}


/* {"creator_id": n times x} */
static char *
long_value(size_t n)
{
    char *text;
    size_t head;

    text = malloc(n + 32);
    assert_non_null(text);

    head = sprintf(text, "{'creator_id': '");
    memset(text + head, 'x', n);
    strcpy(text + head + n, "'}");

    return text;
}


static void
urls_headers_and_secrets_have_bounds(void **state)
{
    char *values, headers[1024];
    clarity_error_t error;
    clarity_http_call_t call;
    clarity_workflow_t *workflow;

    (void) state;

    values = long_value(65536);

    workflow =
        parse_action("'method': 'GET', 'url': 'http://h/{{creator_id}}'");
    assert_false(render(workflow, values, false, &call, headers, &error));
    assert_string_equal(error.text, "the url has 65545 bytes, 65536 at most");
    clarity_http_call_free(&call);
    clarity_workflow_free(workflow);

    workflow = parse_action("'method': 'GET', 'url': 'http://h', 'headers': "
                            "{'X': '{{creator_id}}'}");
    assert_false(render(workflow, values, false, &call, headers, &error));
    assert_string_equal(
        error.text, "the headers have 65540 bytes, 65536 at most");
    clarity_http_call_free(&call);
    clarity_workflow_free(workflow);

    workflow = parse_action("'method': 'GET', 'url': 'http://h', 'secret': "
                            "{'env': 'T'}");
    set_credential(workflow, values);
    assert_false(render(workflow, "{}", false, &call, headers, &error));
    assert_string_equal(error.text,
        "the secret of action \"call\" has 65554 bytes, 65536 at most");
    clarity_http_call_free(&call);
    clarity_workflow_free(workflow);

    free(values);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_url_headers_and_body),
        cmocka_unit_test(a_call_that_cannot_be_made_says_why_without_values),
        cmocka_unit_test(urls_headers_and_secrets_have_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
