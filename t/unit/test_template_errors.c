/* Templates that are refused at load, each with its message. */

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


static void
wrong_placeholders_and_urls_are_refused(void **state)
{
    size_t i;
    clarity_error_t error;
    static const struct {
        clarity_escape_t escape;
        const char *template;
        const char *error;
    } cases[] = {
        { CLARITY_ESCAPE_NONE, "a {{identity_id",
            "\"{{\" without a \"}}\" after it" },
        { CLARITY_ESCAPE_NONE, "{{identity_id}} {{ }",
            "\"{{\" without a \"}}\" after it" },
        { CLARITY_ESCAPE_NONE, "{{", "\"{{\" without a \"}}\" after it" },
        { CLARITY_ESCAPE_NONE, "{{}}",
            "an empty placeholder \"{{}}\", expected a "
            "name in it" },
        { CLARITY_ESCAPE_NONE, "{{ \t}}",
            "an empty placeholder \"{{}}\", expected a "
            "name in it" },
        { CLARITY_ESCAPE_NONE, "{{{identity_id}}}",
            "placeholder \"{identity_id\": a brace in the name, expected "
            "{{name}}" },
        { CLARITY_ESCAPE_NONE, "{{a {{identity_id}}",
            "placeholder \"a {{identity_id\": a brace in the name, expected "
            "{{name}}" },
        { CLARITY_ESCAPE_NONE, "{{identity}}",
            "placeholder \"identity\": unknown parameter \"identity\", "
            "trigger \"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
        { CLARITY_ESCAPE_NONE, "{{Identity_id}}",
            "placeholder \"Identity_id\": unknown parameter \"Identity_id\", "
            "trigger \"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
        { CLARITY_ESCAPE_NONE, "{{meta.}}",
            "placeholder \"meta.\": nothing after the last dot in "
            "\"meta.\", expected a name" },
        { CLARITY_ESCAPE_NONE, "{{meta..x}}",
            "placeholder \"meta..x\": nothing before a dot in "
            "\"meta..x\", expected a name" },
        { CLARITY_ESCAPE_NONE, "{{.meta}}",
            "placeholder \".meta\": nothing before a dot in "
            "\".meta\", expected a name" },
        { CLARITY_ESCAPE_NONE, "{{steps}}",
            "placeholder \"steps\": expected steps.ID.body or "
            "steps.ID.status" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke}}",
            "placeholder \"steps.revoke\": expected steps.ID.body or "
            "steps.ID.status" },
        { CLARITY_ESCAPE_NONE, "{{steps.tell.body}}",
            "placeholder \"steps.tell.body\": no step \"tell\" before this "
            "one, expected one of \"revoke\", \"ask\"" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.bdoy.x}}",
            "placeholder \"steps.revoke.bdoy.x\": a step has no "
            "\"bdoy.x\", expected \"body\" or \"status\"" },
        { CLARITY_ESCAPE_NONE, "{{steps.revoke.status.code}}",
            "placeholder \"steps.revoke.status.code\": a step has no "
            "\"status.code\", expected \"body\" or \"status\"" },
        { CLARITY_ESCAPE_NONE, "{{job}}",
            "placeholder \"job\": expected job.id, job.received, "
            "job.trigger or job.webhook" },
        { CLARITY_ESCAPE_NONE, "{{job.id.x}}",
            "placeholder \"job.id.x\": expected job.id, job.received, "
            "job.trigger or job.webhook" },
        { CLARITY_ESCAPE_HEADER, "{{secrets.hok}}",
            "placeholder \"secrets.hok\": unknown secret \"hok\", "
            "\"secrets\" has \"hook\", \"evil\", \"blank\", \"empty\", "
            "\"gone\", \"host\"" },
        { CLARITY_ESCAPE_HEADER, "{{secrets.hook.x}}",
            "placeholder \"secrets.hook.x\": unknown secret \"hook.x\", "
            "\"secrets\" has \"hook\", \"evil\", \"blank\", \"empty\", "
            "\"gone\", \"host\"" },
        { CLARITY_ESCAPE_HEADER, "a\r\nEvil: 1",
            "a line break or another control byte, which cannot stand in a "
            "header" },
        { CLARITY_ESCAPE_HEADER, "a\n",
            "a line break or another control byte, which cannot stand in a "
            "header" },
        { CLARITY_ESCAPE_HEADER, "a\x7f",
            "a line break or another control byte, which cannot stand in a "
            "header" },
        { CLARITY_ESCAPE_URL, "",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "/relative",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "ftp://e.x/",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "HTTP://e.x/",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "http:/e.x/",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "{{meta.url}}",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "{{secrets.hook}}/x",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "http{{meta.s}}://e.x/",
            "expected a url that starts with http:// or https://" },
        { CLARITY_ESCAPE_URL, "https://",
            "no host, expected one after http:// or https://" },
        { CLARITY_ESCAPE_URL, "https:///x",
            "no host, expected one after http:// or https://" },
        { CLARITY_ESCAPE_URL, "https://?x",
            "no host, expected one after http:// or https://" },
        { CLARITY_ESCAPE_URL, "http://e:99999/",
            "port \"99999\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://e:65536",
            "port \"65536\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://e:0/",
            "port \"0\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://e:/",
            "port \"\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://e:x/",
            "port \"x\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://[::1]:/",
            "port \"\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://e:1:2/{{meta.x}}",
            "port \"1:2\" in the url, expected a number from 1 to 65535" },
        { CLARITY_ESCAPE_URL, "http://:80/",
            "no host, expected one after http:// or https://" },
        { CLARITY_ESCAPE_URL, "http://[::1/",
            "\"[\" without a \"]\" after the address" },
        { CLARITY_ESCAPE_URL, "http://[::1]x/",
            "expected \":\" and a port or \"/\" after the \"]\"" },
        { CLARITY_ESCAPE_URL, "https://{{meta.host}}/x",
            "placeholder \"meta.host\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://e.x{{meta.host}}/x",
            "placeholder \"meta.host\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://e.x:{{meta.port}}/x",
            "placeholder \"meta.port\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://{{meta.user}}@e.x/",
            "placeholder \"meta.user\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://{{secrets.host}}{{meta.x}}",
            "placeholder \"meta.x\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://{{steps.revoke.body}}/",
            "placeholder \"steps.revoke.body\" would choose the host, where "
            "only {{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://{{job.webhook}}/",
            "placeholder \"job.webhook\" would choose the host, where only "
            "{{secrets.NAME}} may stand" },
        { CLARITY_ESCAPE_URL, "https://me:pw@e.x/",
            "a user in the url, expected one in \"auth\"" },
        { CLARITY_ESCAPE_URL, "https://{{secrets.hook}}@e.x/",
            "a user in the url, expected one in \"auth\"" },
        { CLARITY_ESCAPE_URL, "https://e.x/a b",
            "byte 0x20 cannot stand in a url, write %20 for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/{identity_id}",
            "byte 0x7B cannot stand in a url, write %7B for it" },
        { CLARITY_ESCAPE_URL, "https://e.x\\@f.x/",
            "byte 0x5C cannot stand in a url, write %5C for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/ü",
            "byte 0xC3 cannot stand in a url, write %C3 for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/a\r\nEvil: 1",
            "byte 0x0D cannot stand in a url, write %0D for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/%zz",
            "\"%\" without two hexadecimal digits, write %25 for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/%2{{meta.hex}}",
            "\"%\" without two hexadecimal digits, write %25 for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/%{{meta.hex}}",
            "\"%\" without two hexadecimal digits, write %25 for it" },
        { CLARITY_ESCAPE_URL, "https://e.x/#top",
            "\"#\" starts what is never sent, write %23 for it" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        if (clarity_template_compile(clarity_str(cases[i].template),
                cases[i].escape, &names, &error)
            != NULL)
        {
            fail_msg("%s was taken", cases[i].template);
        }

        assert_string_equal(error.text, cases[i].error);
    }
}


static void
a_nul_in_a_url_or_header_is_refused(void **state)
{
    clarity_error_t error;

    (void) state;

    assert_null(clarity_template_compile(
        clarity_lit("https://e.x/\0"), CLARITY_ESCAPE_URL, &names, &error));
    assert_string_equal(
        error.text, "byte 0x00 cannot stand in a url, write %00 for it");

    assert_null(clarity_template_compile(
        clarity_lit("a\0b"), CLARITY_ESCAPE_HEADER, &names, &error));
    assert_string_equal(error.text,
        "a line break or another control byte, which cannot stand in a "
        "header");

    assert_null(clarity_template_compile(
        clarity_lit("{{meta\0}}"), CLARITY_ESCAPE_NONE, &names, &error));
    assert_non_null(strstr(error.text, "unknown parameter \"meta\\u0000\""));
}


static void
secrets_are_refused_where_they_are_not_allowed(void **state)
{
    clarity_names_t body;
    clarity_error_t error;

    (void) state;

    body = names;
    body.secrets_allowed = false;

    assert_null(clarity_template_compile(
        clarity_lit("{{secrets.hook}}"), CLARITY_ESCAPE_JSON, &body, &error));
    assert_string_equal(error.text,
        "placeholder \"secrets.hook\": a secret may stand in \"url\" and "
        "\"headers\" only");
}


static void
a_first_step_and_a_workflow_without_secrets_say_so(void **state)
{
    clarity_names_t bare;
    clarity_error_t error;

    (void) state;

    bare = (clarity_names_t){ .secrets_allowed = true };

    assert_null(clarity_template_compile(
        clarity_lit("{{steps.a.body}}"), CLARITY_ESCAPE_NONE, &bare, &error));
    assert_string_equal(error.text,
        "placeholder \"steps.a.body\": no step \"a\" before this one, which "
        "is the first");

    assert_null(clarity_template_compile(
        clarity_lit("{{secrets.a}}"), CLARITY_ESCAPE_NONE, &bare, &error));
    assert_string_equal(error.text,
        "placeholder \"secrets.a\": unknown secret \"a\", \"secrets\" has "
        "none");
}


static void
long_names_are_bounded_and_cut_in_messages(void **state)
{
    char text[1024];
    clarity_error_t error;
    clarity_names_t any;

    (void) state;

    any = (clarity_names_t){ 0 };

    memset(text, 'n', sizeof(text));
    memcpy(text, "{{", 2);
    memcpy(text + 514, "}}", 2);
    clarity_template_free(clarity_template_compile(
        (clarity_str_t){ text, 516 }, CLARITY_ESCAPE_NONE, &any, &error));

    memset(text + 514, 'n', 2);
    memcpy(text + 515, "}}", 2);
    assert_null(clarity_template_compile(
        (clarity_str_t){ text, 517 }, CLARITY_ESCAPE_NONE, &any, &error));
    assert_non_null(strstr(error.text, "a name longer than 512 bytes"));
    assert_true(strlen(error.text) < 200);
}


static void
wrong_json_templates_are_refused_with_their_line(void **state)
{
    size_t i;
    clarity_names_t body;
    clarity_error_t error;
    clarity_json_doc_t *doc;
    static const struct {
        const char *template;
        const char *error;
    } cases[] = {
        { "{'a': [1,\n'{{identity_id']}",
            "w.json:2: \"{{\" without a \"}}\" after it" },
        { "{'a': {'b':\n\n'x {{steps.tell.body}}'}}",
            "w.json:3: placeholder \"steps.tell.body\": no step \"tell\" "
            "before this one, expected one of \"revoke\", \"ask\"" },
        { "'{{secrets.hook}}'",
            "w.json:1: placeholder \"secrets.hook\": a secret may stand in "
            "\"url\" and \"headers\" only" },
        { "'x{{secrets.hook}}'",
            "w.json:1: placeholder \"secrets.hook\": a secret may stand in "
            "\"url\" and \"headers\" only" },
        { "{\n'{{creator_id}}': 1}",
            "w.json:2: a placeholder in the name \"{{creator_id}}\", "
            "expected in values only" },
        { "'{{}}'",
            "w.json:1: an empty placeholder \"{{}}\", expected a name in it" },
    };

    (void) state;

    body = names;
    body.secrets_allowed = false;

    for (i = 0; i < COUNT(cases); i++) {
        doc = fixture_json(cases[i].template);

        assert_null(
            clarity_json_template_compile(doc->root, "w.json", &body, &error));
        assert_string_equal(error.text, cases[i].error);

        clarity_json_free(doc);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_placeholders_and_urls_are_refused),
        cmocka_unit_test(a_nul_in_a_url_or_header_is_refused),
        cmocka_unit_test(secrets_are_refused_where_they_are_not_allowed),
        cmocka_unit_test(a_first_step_and_a_workflow_without_secrets_say_so),
        cmocka_unit_test(long_names_are_bounded_and_cut_in_messages),
        cmocka_unit_test(wrong_json_templates_are_refused_with_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
