/* Templates: placeholders found, and escaped for their place. */

#include "workflow_fixture.h"

#include "workflow/template.h"

static const clarity_str_t steps[] = { { "revoke", 6 }, { "ask", 3 } };
static const clarity_str_t secrets[] = { { "hook", 4 }, { "evil", 4 },
    { "blank", 5 }, { "empty", 5 }, { "gone", 4 }, { "host", 4 } };

static const clarity_names_t names = {
    .trigger = &fixture_trigger_list[0],
    .steps = steps,
    .nsteps = COUNT(steps),
    .secrets = secrets,
    .nsecrets = COUNT(secrets),
    .secrets_allowed = true,
};

static const char context[] =
    "{'app_identifier': 'a b/c?d=e&f#g%h+i', 'identity_id': 42,"
    " 'entitlement_id': '7', 'expiration': null,"
    " 'grant_type': 'say \\\"hi\\\"\\n\\\\ \\u0001 Zürich',"
    " 'meta': {'ticket': 'INC1', 'n': 1.50e3, 'yes': true, 'no': false,"
    "   'crlf': 'x\\r\\nEvil: 1', 'lf': 'x\\ny', 'nul': 'a\\u0000b',"
    "   'tab': 'a\\tb', 'dots': '..', 'dot': '.', 'up': '../../admin',"
    "   'three': '...', 'empty': '', 'braces': '{{creator_id}}',"
    "   'list': [ 1 , 'two  \\\\\\\" three' , { } ],\n"
    "   'deep': {'a': {'b': [[10], [20, 21]]}}, 'big': 123456789012345678901"
    " }, 'creator_id': 'me'}";

static bool
secret_value(void *data, clarity_str_t name, clarity_str_t *value)
{
    size_t i;
    static const struct {
        const char *name;
        clarity_str_t value;
    } values[] = {
        { "hook", { "services/T0/B0/x-y", 18 } },
        { "evil", { "x\r\nEvil: 1", 10 } },
        { "blank", { "a b", 3 } },
        { "empty", { "", 0 } },
        { "host", { "intern.example:8443", 19 } },
    };

    (void) data;

    for (i = 0; i < COUNT(values); i++) {
        if (clarity_str_is(name, values[i].name)) {
            *value = values[i].value;
            return true;
        }
    }

    return false;
}


/* What is looked up: a context and the result of the step "revoke". */
typedef struct {
    clarity_json_doc_t *context;
    clarity_json_doc_t *result;
    clarity_step_result_t step;
    clarity_scope_t scope;
} fixture_t;


static void
fixture_open(fixture_t *fixture, const char *values)
{
    memset(fixture, 0, sizeof(*fixture));

    fixture->context = fixture_json(values);
    fixture->result = fixture_json(
        "{'status': 201, 'body': {'number': 'CHG7', 'ids': [5, 6]}}");
    fixture->step.id = clarity_lit("revoke");
    fixture->step.result = fixture->result->root;

    fixture->scope = (clarity_scope_t){
        .context = fixture->context->root,
        .job_id = clarity_lit("0-1732000000000-0"),
        .job_trigger = clarity_lit("provision_entitlement"),
        .job_webhook = clarity_lit("POST /hooks/a"),
        .job_received = clarity_lit("1732000000123"),
        .steps = &fixture->step,
        .nsteps = 1,
        .secret = secret_value,
    };
}


static void
fixture_close(fixture_t *fixture)
{
    clarity_json_free(fixture->context);
    clarity_json_free(fixture->result);
}


/* The text, with a NUL; NULL and *error if it cannot be rendered. */
static char *
render(fixture_t *fixture, clarity_escape_t escape, const char *text,
    clarity_error_t *error)
{
    clarity_buf_t buf = { 0 };
    clarity_template_t *template;

    template =
        clarity_template_compile(clarity_str(text), escape, &names, error);
    if (template == NULL) {
        fail_msg("%s: %s", text, error->text);
    }

    if (clarity_template_render(template, &fixture->scope, &buf, error)) {
        clarity_buf_add(&buf, (clarity_str_t){ "", 1 });

    } else {
        clarity_buf_free(&buf);
    }

    clarity_template_free(template);

    return buf.data;
}


static char *
render_json(fixture_t *fixture, const char *text, clarity_error_t *error)
{
    clarity_buf_t buf = { 0 };
    clarity_names_t body;
    clarity_json_doc_t *doc;
    clarity_json_template_t *template;

    body = names;
    body.secrets_allowed = false;

    doc = fixture_json(text);

    template =
        clarity_json_template_compile(doc->root, "w.json", &body, error);
    if (template == NULL) {
        fail_msg("%s", error->text);
    }

    if (clarity_json_template_render(template, &fixture->scope, &buf, error)) {
        clarity_buf_add(&buf, (clarity_str_t){ "", 1 });

    } else {
        clarity_buf_free(&buf);
    }

    clarity_json_template_free(template);
    clarity_json_free(doc);

    return buf.data;
}


static void
values_are_escaped_for_where_they_stand(void **state)
{
    char *text;
    size_t i;
    fixture_t fixture;
    clarity_error_t error;
    static const struct {
        clarity_escape_t escape;
        const char *template;
        const char *expected;
    } cases[] = {
        { CLARITY_ESCAPE_NONE, "", "" },
        { CLARITY_ESCAPE_NONE, "no placeholder } }} {",
            "no placeholder } }} {" },
        { CLARITY_ESCAPE_NONE, "{{identity_id}}", "42" },
        { CLARITY_ESCAPE_NONE, "{{ identity_id }}", "42" },
        { CLARITY_ESCAPE_NONE, "{{\tidentity_id  }}", "42" },
        { CLARITY_ESCAPE_NONE, "a{{identity_id}}b{{entitlement_id}}c",
            "a42b7c" },
        { CLARITY_ESCAPE_NONE, "{{identity_id}}{{entitlement_id}}", "427" },
        { CLARITY_ESCAPE_NONE, "{{identity_id}}}}", "42}}" },
        { CLARITY_ESCAPE_NONE, "[{{expiration}}]", "[]" },
        { CLARITY_ESCAPE_NONE, "[{{meta.none}}{{meta.none.below}}]", "[]" },
        { CLARITY_ESCAPE_NONE, "{{meta.n}} {{meta.yes}} {{meta.no}}",
            "1.50e3 true false" },
        { CLARITY_ESCAPE_NONE, "{{meta.big}}", "123456789012345678901" },
        { CLARITY_ESCAPE_NONE, "{{meta.list}}",
            "[1,\"two  \\\\\\\" three\",{}]" },
        { CLARITY_ESCAPE_NONE, "{{meta.list.0}}-{{meta.list.1}}",
            "1-two  \\\" three" },
        { CLARITY_ESCAPE_NONE, "{{meta.deep.a.b.1.1}}", "21" },
        { CLARITY_ESCAPE_NONE, "{{meta.deep}}",
            "{\"a\":{\"b\":[[10],[20,21]]}}" },
        { CLARITY_ESCAPE_NONE,
            "{{meta.deep.a.b.2}}|{{meta.deep.a.b.x}}|"
            "{{meta.ticket.0}}",
            "||" },
        { CLARITY_ESCAPE_NONE, "{{app_identifier}}", "a b/c?d=e&f#g%h+i" },
        { CLARITY_ESCAPE_NONE, "{{meta.braces}}", "{{creator_id}}" },
        { CLARITY_ESCAPE_NONE, "{{job.id}} {{job.trigger}} {{job.received}}",
            "0-1732000000000-0 provision_entitlement 1732000000123" },
        { CLARITY_ESCAPE_NONE, "{{job.webhook}}", "POST /hooks/a" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.status}}", "201" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.body.number}}", "CHG7" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.body.ids.1}}", "6" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.body}}",
            "{\"number\":\"CHG7\",\"ids\":[5,6]}" },
        { CLARITY_ESCAPE_NONE, "[{{steps.ask.body.x}}]", "[]" },
        { CLARITY_ESCAPE_NONE, "{{secrets.hook}}", "services/T0/B0/x-y" },

        { CLARITY_ESCAPE_URL, "https://e.x/{{app_identifier}}",
            "https://e.x/a%20b%2Fc%3Fd%3De%26f%23g%25h%2Bi" },
        { CLARITY_ESCAPE_URL, "https://e.x/?q={{app_identifier}}&r=1",
            "https://e.x/?q=a%20b%2Fc%3Fd%3De%26f%23g%25h%2Bi&r=1" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{meta.up}}/x",
            "https://e.x/..%2F..%2Fadmin/x" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{meta.crlf}}",
            "https://e.x/x%0D%0AEvil%3A%201" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{meta.nul}}",
            "https://e.x/a%00b" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{meta.three}}",
            "https://e.x/..." },
        { CLARITY_ESCAPE_URL, "https://e.x/{{grant_type}}",
            "https://e.x/say%20%22hi%22%0A%5C%20%01%20Z%C3%BCrich" },
        { CLARITY_ESCAPE_URL, "https://e.x/?a={{expiration}}&b={{meta.dots}}",
            "https://e.x/?a=&b=.." },
        { CLARITY_ESCAPE_URL, "https://e.x?a={{meta.empty}}",
            "https://e.x?a=" },
        { CLARITY_ESCAPE_URL,
            "https://e.x/{{secrets.hook}}?k={{secrets.hook}}",
            "https://e.x/services/T0/B0/x-y?k=services/T0/B0/x-y" },
        { CLARITY_ESCAPE_URL, "http://{{secrets.host}}/{{identity_id}}",
            "http://intern.example:8443/42" },
        { CLARITY_ESCAPE_URL, "http://e.x/@{{identity_id}}?a@b",
            "http://e.x/@42?a@b" },
        { CLARITY_ESCAPE_URL, "http://[::1]:8080/%7Bx%7D/{{job.id}}",
            "http://[::1]:8080/%7Bx%7D/0-1732000000000-0" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{meta.list}}",
            "https://e.x/%5B1%2C%22two%20%20%5C%5C%5C%22%20three%22%2C%7B%7D"
            "%5D" },

        { CLARITY_ESCAPE_HEADER, "v1 {{identity_id}}", "v1 42" },
        { CLARITY_ESCAPE_HEADER, "{{meta.tab}}", "a\tb" },
        { CLARITY_ESCAPE_HEADER, "{{meta.deep}}",
            "{\"a\":{\"b\":[[10],[20,21]]}}" },
        { CLARITY_ESCAPE_HEADER, "{{meta.list}}",
            "[1,\"two  \\\\\\\" three\",{}]" },
        { CLARITY_ESCAPE_HEADER, "[{{expiration}}]", "[]" },
        { CLARITY_ESCAPE_HEADER, "Key {{secrets.blank}}", "Key a b" },

        { CLARITY_ESCAPE_JSON, "say \"{{grant_type}}\"",
            "say \\\"say \\\"hi\\\"\\n\\\\ \\u0001 Zürich\\\"" },
        { CLARITY_ESCAPE_JSON, "{{meta.list}}",
            "[1,\\\"two  \\\\\\\\\\\\\\\" three\\\",{}]" },
        { CLARITY_ESCAPE_JSON, "{{meta.nul}}", "a\\u0000b" },
    };

    (void) state;

    fixture_open(&fixture, context);

    for (i = 0; i < COUNT(cases); i++) {
        text = render(&fixture, cases[i].escape, cases[i].template, &error);
        if (text == NULL) {
            fail_msg("%s: %s", cases[i].template, error.text);
        }

        assert_string_equal(text, cases[i].expected);
        free(text);
    }

    fixture_close(&fixture);
}


static void
a_value_that_cannot_stand_there_is_an_error_without_the_value(void **state)
{
    char *text;
    size_t i;
    fixture_t fixture;
    clarity_error_t error;
    static const struct {
        clarity_escape_t escape;
        const char *template;
        const char *error;
    } cases[] = {
        { CLARITY_ESCAPE_URL, "https://e.x/a/{{expiration}}/b",
            "placeholder \"expiration\" is absent, null or empty, which "
            "cannot stand in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/users/{{meta.none}}",
            "placeholder \"meta.none\" is absent, null or empty, which "
            "cannot stand in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/a-{{meta.empty}}?x=1",
            "placeholder \"meta.empty\" is absent, null or empty, which "
            "cannot stand in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/a/{{meta.dots}}/b",
            "placeholder \"meta.dots\" is \".\" or \"..\", which cannot "
            "stand in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/.{{meta.dot}}/b",
            "placeholder \"meta.dot\" is \".\" or \"..\", which cannot stand "
            "in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{steps.ask.body.id}}",
            "placeholder \"steps.ask.body.id\" is absent, null or empty, "
            "which cannot stand in a url's path" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{secrets.evil}}",
            "secret \"evil\" holds a line break or another control byte" },
        { CLARITY_ESCAPE_URL, "https://{{secrets.evil}}/",
            "secret \"evil\" holds a line break or another control byte" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{secrets.blank}}",
            "secret \"blank\" holds a blank, which cannot stand in a url" },
        { CLARITY_ESCAPE_URL, "https://e.x/{{secrets.gone}}",
            "secret \"gone\" has no value" },
        { CLARITY_ESCAPE_URL, "https://e.x/?k={{secrets.empty}}",
            "secret \"empty\" has no value" },
        { CLARITY_ESCAPE_HEADER, "{{meta.crlf}}",
            "placeholder \"meta.crlf\" holds a line break or another control "
            "byte, which cannot stand in a header" },
        { CLARITY_ESCAPE_HEADER, "{{meta.lf}}",
            "placeholder \"meta.lf\" holds a line break or another control "
            "byte, which cannot stand in a header" },
        { CLARITY_ESCAPE_HEADER, "{{meta.nul}}",
            "placeholder \"meta.nul\" holds a line break or another control "
            "byte, which cannot stand in a header" },
        { CLARITY_ESCAPE_HEADER, "x {{ grant_type }}",
            "placeholder \"grant_type\" holds a line break or another control "
            "byte, which cannot stand in a header" },
        { CLARITY_ESCAPE_HEADER, "Bearer {{secrets.evil}}",
            "secret \"evil\" holds a line break or another control byte" },
    };

    (void) state;

    fixture_open(&fixture, context);

    for (i = 0; i < COUNT(cases); i++) {
        text = render(&fixture, cases[i].escape, cases[i].template, &error);
        if (text != NULL) {
            fail_msg("%s gives %s", cases[i].template, text);
        }

        assert_string_equal(error.text, cases[i].error);
    }

    fixture_close(&fixture);
}


static void
without_secrets_a_scope_shows_stars(void **state)
{
    char *text;
    fixture_t fixture;
    clarity_error_t error;

    (void) state;

    fixture_open(&fixture, context);
    fixture.scope.secret = NULL;

    text = render(&fixture, CLARITY_ESCAPE_URL,
        "https://{{secrets.host}}/{{secrets.gone}}/{{identity_id}}", &error);
    assert_string_equal(text, "https://***/***/42");
    free(text);

    fixture_close(&fixture);
}


static void
a_single_placeholder_has_its_value(void **state)
{
    size_t i;
    fixture_t fixture;
    clarity_error_t error;
    clarity_template_t *template;
    const clarity_json_t *value;
    static const struct {
        const char *template;
        const char *raw; /* NULL: no value */
    } cases[] = {
        { "{{identity_id}}", "42" },
        { "{{ expiration }}", "null" },
        { "{{steps.revoke.body.ids}}", "[5, 6]" },
        { "{{meta.none}}", NULL },
        { "{{steps.ask.body}}", NULL },
        { "{{job.id}}", NULL },
        { "{{secrets.hook}}", NULL },
        { " {{identity_id}}", NULL },
        { "{{identity_id}}{{identity_id}}", NULL },
        { "literal", NULL },
        { "", NULL },
    };

    (void) state;

    fixture_open(&fixture, context);

    for (i = 0; i < COUNT(cases); i++) {
        template = clarity_template_compile(clarity_str(cases[i].template),
            CLARITY_ESCAPE_NONE, &names, &error);
        assert_non_null(template);

        value = clarity_template_value(template, &fixture.scope);

        if (cases[i].raw == NULL) {
            assert_null(value);

        } else {
            assert_true(clarity_str_is(value->raw, cases[i].raw));
        }

        clarity_template_free(template);
    }

    fixture_close(&fixture);
}


static void
json_takes_values_with_their_type_and_text_escaped(void **state)
{
    char *text, *expected;
    size_t i;
    fixture_t fixture;
    clarity_error_t error;
    static const struct {
        const char *template;
        const char *expected;
    } cases[] = {
        { "{}", "{}" },
        { "[ ]", "[]" },
        { "12.50", "12.50" },
        { "'plain'", "'plain'" },
        { "{ 'a' : [ 1.0e5 , true,\n null , { 'b' : '\\u00fc\\/' } ] }",
            "{'a':[1.0e5,true,null,{'b':'\\u00fc\\/'}]}" },
        { "'{{identity_id}}'", "42" },
        { "'{{ identity_id }}'", "42" },
        { "'{{entitlement_id}}'", "'7'" },
        { "{'n': '{{meta.n}}', 'big': '{{meta.big}}'}",
            "{'n':1.50e3,'big':123456789012345678901}" },
        { "'{{meta.yes}}'", "true" },
        { "'{{expiration}}'", "null" },
        { "'{{meta.none}}'", "null" },
        { "'{{steps.ask.body.x}}'", "null" },
        { "'{{steps.revoke.body.ids}}'", "[5, 6]" },
        { "'{{grant_type}}'", "'say \\'hi\\'\\n\\\\ \\u0001 Zürich'" },
        { "'{{meta.deep.a.b}}'", "[[10], [20, 21]]" },
        { "'{{job.id}}'", "'0-1732000000000-0'" },
        { "'{{job.received}}'", "'1732000000123'" },
        { "' {{identity_id}}'", "' 42'" },
        { "'{{identity_id}}{{entitlement_id}}'", "'427'" },
        { "'n={{meta.n}}, none={{meta.none}}, null={{expiration}}'",
            "'n=1.50e3, none=, null='" },
        { "'<{{grant_type}}>'", "'<say \\'hi\\'\\n\\\\ \\u0001 Zürich>'" },
        { "'quote \\\" and \\\\ and \\u0000 {{identity_id}}'",
            "'quote \\' and \\\\ and \\u0000 42'" },
        { "'\\u007b\\u007bidentity_id}}'", "42" },
        { "'{{meta.braces}}'", "'{{creator_id}}'" },
        { "'x{{meta.braces}}'", "'x{{creator_id}}'" },
        { "'{{meta.list}}.'", "'[1,\\'two  \\\\\\\\\\\\\\' three\\',{}].'" },
        { "{'text': '{{steps.revoke.body.number}} for {{creator_id}}', "
          "'meta': '{{meta.deep}}'}",
            "{'text':'CHG7 for me','meta':{'a': {'b': [[10], [20, 21]]}}}" },
        { "{'a\\'\\n': 1}", "{'a\\'\\n':1}" },
    };

    (void) state;

    fixture_open(&fixture, context);

    for (i = 0; i < COUNT(cases); i++) {
        text = render_json(&fixture, cases[i].template, &error);
        if (text == NULL) {
            fail_msg("%s: %s", cases[i].template, error.text);
        }

        expected = fixture_quotes(cases[i].expected);
        assert_string_equal(text, expected);

        free(expected);
        free(text);
    }

    fixture_close(&fixture);
}


/* Whatever a caller sends, the body has the shape that the file gives it. */
static void
json_stays_json_whatever_the_values_are(void **state)
{
    char *text;
    size_t i;
    fixture_t fixture;
    clarity_buf_t nasty = { 0 };
    clarity_buf_t values = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;
    const clarity_json_t *member;
    static const clarity_str_t strings[] = {
        { "\"", 1 },
        { "\\", 1 },
        { "\",\"admin\":true,\"x\":\"", 21 },
        { "\\\",\"admin\":true", 15 },
        { "\0", 1 },
        { "a\0b", 3 },
        { "\r\n\t\b\f", 5 },
        { "\xe2\x80\xa8\xe2\x80\xa9", 6 },
        { "\xf0\x9f\x98\x80", 4 },
        { "}}]\"", 4 },
        { "{{meta}}", 8 },
        { "\x7f", 1 },
        { "", 0 },
    };

    (void) state;

    for (i = 0; i < COUNT(strings); i++) {
        clarity_buf_reset(&values);
        clarity_buf_addz(&values, "{\"creator_id\":");
        clarity_buf_add_json(&values, strings[i]);
        clarity_buf_addz(&values, "}");
        clarity_buf_add(&values, (clarity_str_t){ "", 1 });

        fixture_open(&fixture, values.data);

        text = render_json(&fixture,
            "{'alone': '{{creator_id}}', 'within': '<{{creator_id}}>'}",
            &error);
        assert_non_null(text);

        doc = clarity_json_parse(clarity_str(text), "body", 0, &error);
        assert_non_null(doc);
        assert_int_equal(doc->root->count, 2);

        member = clarity_json_get(doc->root, clarity_lit("alone"));
        assert_true(clarity_str_eq(member->text, strings[i]));

        clarity_buf_reset(&nasty);
        clarity_buf_addz(&nasty, "<");
        clarity_buf_add(&nasty, strings[i]);
        clarity_buf_addz(&nasty, ">");

        member = clarity_json_get(doc->root, clarity_lit("within"));
        assert_true(clarity_str_eq(member->text, clarity_buf_str(&nasty)));

        clarity_json_free(doc);
        fixture_close(&fixture);
        free(text);
    }

    clarity_buf_free(&nasty);
    clarity_buf_free(&values);
}


/* Every ASCII character, in the path, in the query and in a header. */
static void
one_character_of_a_value_cannot_leave_its_place(void **state)
{
    char c, *text, values[64], wanted[64];
    fixture_t fixture;
    clarity_error_t error;

    (void) state;

    for (c = 0; c < 0x7f; c++) {
        snprintf(values, sizeof(values), "{\"creator_id\":\"a\\u%04xb\"}", c);
        fixture_open(&fixture, values);

        if (strchr("-._~", c) || (c >= '0' && c <= '9')
            || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        {
            snprintf(wanted, sizeof(wanted), "a%cb", c);
        } else {
            snprintf(wanted, sizeof(wanted), "a%%%02Xb", c);
        }

        if (c == '\0') {
            strcpy(wanted, "a%00b");
        }

        text = render(
            &fixture, CLARITY_ESCAPE_URL, "http://h/{{creator_id}}", &error);
        assert_string_equal(text + strlen("http://h/"), wanted);
        free(text);

        text = render(
            &fixture, CLARITY_ESCAPE_URL, "http://h/?{{creator_id}}", &error);
        assert_string_equal(text + strlen("http://h/?"), wanted);
        free(text);

        text =
            render(&fixture, CLARITY_ESCAPE_HEADER, "{{creator_id}}", &error);

        if (c < ' ' && c != '\t') {
            assert_null(text);

        } else {
            assert_int_equal(text[1], c);
        }

        free(text);
        fixture_close(&fixture);
    }
}


static void
a_large_value_often_repeated_is_an_error_and_not_all_memory(void **state)
{
    size_t i;
    clarity_buf_t text = { 0 };
    clarity_buf_t values = { 0 };
    clarity_buf_t result = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;
    clarity_scope_t scope;
    clarity_template_t *template;

    (void) state;

    clarity_buf_addz(&values, "{\"creator_id\":\"");
    memset(clarity_buf_reserve(&values, 1 << 20), 'x', 1 << 20);
    values.len += 1 << 20;
    clarity_buf_addz(&values, "\"}");

    doc = clarity_json_parse(clarity_buf_str(&values), "context", 0, &error);
    assert_non_null(doc);

    for (i = 0; i < 1000; i++) {
        clarity_buf_addz(&text, "{{creator_id}}");
    }

    template = clarity_template_compile(
        clarity_buf_str(&text), CLARITY_ESCAPE_NONE, &names, &error);
    assert_non_null(template);

    scope = (clarity_scope_t){ .context = doc->root };
    assert_false(clarity_template_render(template, &scope, &result, &error));
    assert_string_equal(
        error.text, "the result is larger than 67108864 bytes");
    assert_true(result.cap <= 3 * (size_t) CLARITY_RENDER_MAX);

    clarity_template_free(template);
    clarity_json_free(doc);
    clarity_buf_free(&text);
    clarity_buf_free(&values);
    clarity_buf_free(&result);
}


static void
rendering_appends_to_what_is_there(void **state)
{
    fixture_t fixture;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_template_t *template;

    (void) state;

    fixture_open(&fixture, context);

    template = clarity_template_compile(
        clarity_lit("<{{grant_type}}>"), CLARITY_ESCAPE_JSON, &names, &error);
    assert_non_null(template);

    clarity_buf_addz(&buf, "before ");
    assert_true(
        clarity_template_render(template, &fixture.scope, &buf, &error));
    assert_true(clarity_str_is(clarity_buf_str(&buf),
        "before <say \\\"hi\\\"\\n\\\\ \\u0001 Zürich>"));

    clarity_template_free(template);
    clarity_buf_free(&buf);
    fixture_close(&fixture);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped_for_where_they_stand),
        cmocka_unit_test(
            a_value_that_cannot_stand_there_is_an_error_without_the_value),
        cmocka_unit_test(without_secrets_a_scope_shows_stars),
        cmocka_unit_test(a_single_placeholder_has_its_value),
        cmocka_unit_test(json_takes_values_with_their_type_and_text_escaped),
        cmocka_unit_test(json_stays_json_whatever_the_values_are),
        cmocka_unit_test(one_character_of_a_value_cannot_leave_its_place),
        cmocka_unit_test(
            a_large_value_often_repeated_is_an_error_and_not_all_memory),
        cmocka_unit_test(rendering_appends_to_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
