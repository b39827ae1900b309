/* Broken workflow files, each with the one message that tells what to do. */

#include "workflow_fixture.h"

#include "json/buf.h"
#include "workflow/workflow.h"

typedef struct {
    const char *text;
    const char *error;
} broken_t;

#define HEAD          "{'id': 'w', 'trigger': 'provision_entitlement',\n"
#define CALL          "{'id': 'a', 'type': 'http_request', 'method': 'POST', "
#define URL           "'url': 'https://h/'"
#define GOOD          CALL URL "}"
#define WITH(members) HEAD "'actions': [" CALL URL ",\n" members "}]}"


static void
check(const broken_t *cases, size_t n)
{
    char *copy;
    size_t i;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    for (i = 0; i < n; i++) {
        copy = fixture_quotes(cases[i].text);
        workflow = clarity_workflow_parse(
            clarity_str(copy), "w.json", &fixture_triggers, &error);

        if (workflow != NULL) {
            fail_msg("taken: %s", copy);
        }

        assert_string_equal(error.text, cases[i].error);
        free(copy);
    }
}


static void
the_pieces_that_the_broken_files_are_made_of_are_good(void **state)
{
    char *copy;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    (void) state;

    copy = fixture_quotes(WITH("'body': {}"));
    workflow = clarity_workflow_parse(
        clarity_str(copy), "w.json", &fixture_triggers, &error);
    assert_non_null(workflow);

    clarity_workflow_free(workflow);
    free(copy);
}


static void
the_workflow_itself(void **state)
{
    static const broken_t cases[] = {
        { "[]", "w.json:1: a workflow is an array, expected an object" },
        { "{}",
            "w.json:1: \"id\" is missing in a workflow, expected a string" },
        { "\n\n{'id': 'w'}",
            "w.json:3: \"trigger\" is missing in a workflow, expected a "
            "string" },
        { "{'id': 'w', 'trigger': 'provision_entitlement'}",
            "w.json:1: \"actions\" is missing in a workflow, expected an "
            "array" },
        { HEAD "'action': [" GOOD "]}",
            "w.json:2: unknown key \"action\" in a workflow, expected one of "
            "\"id\", \"name\", \"trigger\", \"active\", \"conditions\", "
            "\"start\", \"secrets\", \"actions\"" },
        { HEAD "'actions': {}}",
            "w.json:2: \"actions\" is an object, expected an array" },
        { HEAD "'actions': []}",
            "w.json:2: \"actions\" has 0, expected 1 to 64" },
        { HEAD "'actions': [" GOOD ",\n'b']}",
            "w.json:3: an action is a string, expected an object" },
        { HEAD "'active': 'yes', 'actions': [" GOOD "]}",
            "w.json:2: \"active\" is a string, expected a boolean" },
        { HEAD "'active': null, 'actions': [" GOOD "]}",
            "w.json:2: \"active\" is null, expected a boolean" },
        { HEAD "'name': 7, 'actions': [" GOOD "]}",
            "w.json:2: \"name\" is a number, expected a string" },
        { HEAD "'name': '', 'actions': [" GOOD "]}",
            "w.json:2: \"name\" is empty, long or has a control byte, "
            "expected 1 to 256 bytes on one line" },
        { HEAD "'name': 'a\\nb', 'actions': [" GOOD "]}",
            "w.json:2: \"name\" is empty, long or has a control byte, "
            "expected 1 to 256 bytes on one line" },
        { HEAD "'conditions': [], 'actions': [" GOOD "]}",
            "w.json:2: \"conditions\" is an array, expected an object" },
        { HEAD "'conditions': {},\n'actions': [" GOOD "]}",
            "w.json:2: a condition is empty, expected an object with "
            "\"parameter\" with an operator, or one of \"all\", \"any\", "
            "\"not\", \"time\"" },
        { HEAD "'conditions': {'all': [\n{'parameter': 'grant',\n'equals': "
               "1}]}, 'actions': [" GOOD "]}",
            "w.json:3: unknown parameter \"grant\", trigger "
            "\"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
        { HEAD "'conditions': {'parameter': 'meta.ticket',\n'matches': "
               "'INC['}, 'actions': [" GOOD "]}",
            "w.json:3: \"matches\" has bad regular expression: missing "
            "terminating ] for character class at offset 4" },
        { HEAD "'start': '1h', 'actions': [" GOOD "]}",
            "w.json:2: \"start\" is a string, expected an object" },
        { HEAD "'start': {'after': '1h'}, 'actions': [" GOOD "]}",
            "w.json:2: unknown key \"after\" in \"start\", expected one of "
            "\"at\", \"delay\"" },
        { HEAD "'start':\n{}, 'actions': [" GOOD "]}",
            "w.json:3: \"start\" has neither \"at\" nor \"delay\", expected "
            "one of them" },
        { HEAD "'start': {'at': '2026-01-01', 'delay': '1h'}, 'actions': "
               "[" GOOD "]}",
            "w.json:2: \"start\" has both \"at\" and \"delay\", expected one "
            "of them" },
        { HEAD "'start': {'at': 'tomorrow'}, 'actions': [" GOOD "]}",
            "w.json:2: \"at\" is \"tomorrow\", expected a date or date-time "
            "of RFC 3339, or a placeholder such as \"{{expiration}}\"" },
        { HEAD "'start': {'at': '{{expires}}'}, 'actions': [" GOOD "]}",
            "w.json:2: \"at\": placeholder \"expires\": unknown parameter "
            "\"expires\", trigger "
            "\"provision_entitlement\" has \"app_identifier\", "
            "\"identity_id\", \"entitlement_id\", \"expiration\", "
            "\"grant_type\", \"meta\", \"creator_id\"" },
        { HEAD "'start': {'delay':\n'1 hour'}, 'actions': [" GOOD "]}",
            "w.json:3: \"delay\" is \"1 hour\", expected a duration such as "
            "\"10s\", \"1h\" or \"7d\", of up to 3660d, or a placeholder" },
        { HEAD "'start': {'delay': '3661d'}, 'actions': [" GOOD "]}",
            "w.json:2: \"delay\" is \"3661d\", expected a duration such as "
            "\"10s\", \"1h\" or \"7d\", of up to 3660d, or a placeholder" },
        { "{'id': 5, 'trigger': 'provision_entitlement', 'actions': [" GOOD
          "]}",
            "w.json:1: \"id\" is a number, expected a string" },
        { "{'id': '', 'trigger': 'provision_entitlement', 'actions': [" GOOD
          "]}",
            "w.json:1: \"id\" is \"\", expected 1 to 64 of A-Z, a-z, 0-9, "
            "\"_\" and \"-\"" },
        { "{'id': 'a b', 'trigger': 'provision_entitlement', 'actions': "
          "[" GOOD "]}",
            "w.json:1: \"id\" is \"a b\", expected 1 to 64 of A-Z, a-z, 0-9, "
            "\"_\" and \"-\"" },
        { "{'id': 'a:b', 'trigger': 'provision_entitlement', 'actions': "
          "[" GOOD "]}",
            "w.json:1: \"id\" is \"a:b\", expected 1 to 64 of A-Z, a-z, 0-9, "
            "\"_\" and \"-\"" },
        { "{'id': "
          "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "a', 'trigger': 'provision_entitlement', 'actions': [" GOOD "]}",
            "w.json:1: \"id\" is "
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "a"
            "a\", expected 1 to 64 of A-Z, a-z, 0-9, \"_\" and \"-\"" },
        { "{'id': 'w', 'trigger':\n'provision', 'actions': [" GOOD "]}",
            "w.json:2: unknown trigger \"provision\", triggers are "
            "\"provision_entitlement\", \"identity_modified\", "
            "\"job_failed\"" },
        { "{'id': 'w', 'trigger': null, 'actions': [" GOOD "]}",
            "w.json:1: \"trigger\" is null, expected a string" },
    };

    (void) state;
    check(cases, COUNT(cases));
}


static void
its_secrets(void **state)
{
    static const broken_t cases[] = {
        { HEAD "'secrets': [], 'actions': [" GOOD "]}",
            "w.json:2: \"secrets\" is an array, expected an object" },
        { HEAD "'secrets': {'hook': 'hunter2'}, 'actions': [" GOOD "]}",
            "w.json:2: \"hook\" is no source of a secret, expected "
            "{\"env\": NAME} or {\"file\": PATH}" },
        { HEAD "'secrets': {'hook': {}}, 'actions': [" GOOD "]}",
            "w.json:2: \"hook\" is no source of a secret, expected "
            "{\"env\": NAME} or {\"file\": PATH}" },
        { HEAD "'secrets': {'hook': {'env': 'A', 'file': '/b'}}, 'actions': "
               "[" GOOD "]}",
            "w.json:2: \"hook\" is no source of a secret, expected "
            "{\"env\": NAME} or {\"file\": PATH}" },
        { HEAD "'secrets': {'hook':\n{'value': 'hunter2'}}, 'actions': "
               "[" GOOD "]}",
            "w.json:3: unknown key \"value\" in \"hook\", expected one of "
            "\"env\", \"file\"" },
        { HEAD "'secrets': {'hook': {'env': 5}}, 'actions': [" GOOD "]}",
            "w.json:2: \"env\" is a number, expected a string" },
        { HEAD "'secrets': {'hook': {'env': 'A=B'}}, 'actions': [" GOOD "]}",
            "w.json:2: \"env\" of \"hook\" is no name of an environment "
            "variable, expected A-Z, a-z, 0-9 and _" },
        { HEAD "'secrets': {'hook': {'env': ''}}, 'actions': [" GOOD "]}",
            "w.json:2: \"env\" of \"hook\" is no name of an environment "
            "variable, expected A-Z, a-z, 0-9 and _" },
        { HEAD "'secrets': {'hook': {'env': '7UP'}}, 'actions': [" GOOD "]}",
            "w.json:2: \"env\" of \"hook\" is no name of an environment "
            "variable, expected A-Z, a-z, 0-9 and _" },
        { HEAD "'secrets': {'hook': {'file': ''}}, 'actions': [" GOOD "]}",
            "w.json:2: \"file\" of \"hook\" is no path, expected one such as "
            "\"/etc/clarity/secrets/hook\"" },
        { HEAD "'secrets': {'hook': {'file': '/etc/a\\u0000b'}}, 'actions': "
               "[" GOOD "]}",
            "w.json:2: \"file\" of \"hook\" is no path, expected one such as "
            "\"/etc/clarity/secrets/hook\"" },
        { HEAD "'secrets': {'a.b': {'env': 'A'}}, 'actions': [" GOOD "]}",
            "w.json:2: a secret's name is \"a.b\", expected 1 to 64 of A-Z, "
            "a-z, 0-9, \"_\" and \"-\"" },
    };

    (void) state;
    check(cases, COUNT(cases));
}


static void
an_action(void **state)
{
    static const broken_t cases[] = {
        { HEAD "'actions': [\n{}]}",
            "w.json:3: \"type\" is missing in an action, expected one of "
            "\"http_request\", \"exec\", \"publish\", \"delay\"" },
        { HEAD "\'actions\': [\n{\'type\': \'delay\', \'delay\': \'1h\'}]}",
            "w.json:3: \"id\" is missing in a \"delay\", expected a string" },
        { HEAD "'actions': [{'id': 'a'}]}",
            "w.json:2: \"type\" is missing in an action, expected one of "
            "\"http_request\", \"exec\", \"publish\", \"delay\"" },
        { HEAD "'actions': [{'id': 'a', 'type': 'http_request'}]}",
            "w.json:2: \"method\" is missing in an action, expected a "
            "string" },
        { HEAD "'actions': [" CALL "'timeout': '1s'}]}",
            "w.json:2: \"url\" is missing in an action, expected a string" },
        { HEAD "'actions': [{'id': 'a', 'type': 1}]}",
            "w.json:2: \"type\" is a number, expected one of "
            "\"http_request\", \"exec\", \"publish\", \"delay\"" },
        { HEAD "'actions': [{'id': 'a', 'type': 'http'}]}",
            "w.json:2: unknown action type \"http\", expected one of "
            "\"http_request\", \"exec\", \"publish\", \"delay\"" },
        { HEAD "'actions': [{'id': 'a', 'type': 'delay', 'for': '1h'}]}",
            "w.json:2: unknown key \"for\" in a \"delay\", expected one of "
            "\"id\", \"type\", \"at\", \"delay\"" },
        { HEAD "'actions': [{'id': 'a', 'type': 'delay'}]}",
            "w.json:2: a \"delay\" has neither \"at\" nor \"delay\", expected "
            "one of them" },
        { HEAD "'actions': [{'id': 'a', 'type': 'delay', 'delay': 5}]}",
            "w.json:2: \"delay\" is a number, expected a string" },
        { WITH("'timout': '5s'"),
            "w.json:3: unknown key \"timout\" in an action, expected one of "
            "\"id\", \"type\", \"method\", \"url\", \"headers\", \"body\", "
            "\"secret\", \"auth\", \"timeout\", \"retry\", \"if_unknown\"" },
        { HEAD "'actions': [{'id': 'a/b', 'type': 'http_request', 'method': "
               "'GET', " URL "}]}",
            "w.json:2: \"id\" is \"a/b\", expected 1 to 64 of A-Z, a-z, 0-9, "
            "\"_\" and \"-\"" },
        { HEAD "'actions': [" GOOD ",\n" GOOD "]}",
            "w.json:3: the second action with id \"a\", expected an id of "
            "its own" },
        { WITH("'timeout': 10"),
            "w.json:3: \"timeout\" is a number, expected a string" },
        { WITH("'timeout': '10'"),
            "w.json:3: \"timeout\" is \"10\", expected a duration such as "
            "\"250ms\", \"10s\", \"5m\", \"1h\" or \"7d\"" },
        { WITH("'timeout': '0s'"),
            "w.json:3: \"timeout\" is \"0s\", expected \"1ms\" to \"1h\"" },
        { WITH("'timeout': '61m'"),
            "w.json:3: \"timeout\" is \"61m\", expected \"1ms\" to \"1h\"" },
        { WITH("'if_unknown': 'ignore'"),
            "w.json:3: \"if_unknown\" is \"ignore\", expected \"retry\", "
            "\"skip\" or \"fail\"" },
        { WITH("'retry': 3"),
            "w.json:3: \"retry\" is a number, expected an object" },
        { WITH("'retry': {'tries': 3}"),
            "w.json:3: unknown key \"tries\" in \"retry\", expected one of "
            "\"attempts\", \"delay\", \"max_delay\", \"jitter\"" },
        { WITH("'retry': {'jitter': 'some'}"),
            "w.json:3: \"jitter\" is \"some\", expected \"full\" or "
            "\"none\"" },
        { WITH("'retry': {'attempts': 0}"),
            "w.json:3: \"attempts\" is out of range, expected a whole number "
            "from 1 to 100" },
        { WITH("'retry': {'attempts': 101}"),
            "w.json:3: \"attempts\" is out of range, expected a whole number "
            "from 1 to 100" },
        { WITH("'retry': {'attempts': 2.5}"),
            "w.json:3: \"attempts\" is out of range, expected a whole number "
            "from 1 to 100" },
        { WITH("'retry': {'attempts': -1}"),
            "w.json:3: \"attempts\" is out of range, expected a whole number "
            "from 1 to 100" },
        { WITH("'retry': {'attempts': '3'}"),
            "w.json:3: \"attempts\" is a string, expected a number" },
        { WITH("'retry': {'delay': 'soon'}"),
            "w.json:3: \"delay\" is \"soon\", expected a duration such as "
            "\"250ms\", \"10s\", \"5m\", \"1h\" or \"7d\"" },
        { WITH("'retry': {'max_delay': '8d'}"),
            "w.json:3: \"max_delay\" is \"8d\", expected \"1ms\" to "
            "\"7d\"" },
        { WITH("'retry': {'delay': '10s',\n'max_delay': '5s'}"),
            "w.json:4: \"max_delay\" is below \"delay\", expected at least "
            "that" },
    };

    (void) state;
    check(cases, COUNT(cases));
}


static void
a_request(void **state)
{
#define METHOD(method)                                                        \
    HEAD "'actions': [{'id': 'a', 'type': 'http_request',\n'method': " method \
         ", " URL "}]}"
#define TO(url) HEAD "'actions': [" CALL "\n'url': '" url "'}]}"

    static const broken_t cases[] = {
        { METHOD("'post'"),
            "w.json:3: unknown method \"post\", expected GET, HEAD, POST, "
            "PUT, PATCH or DELETE" },
        { METHOD("'CONNECT'"),
            "w.json:3: unknown method \"CONNECT\", expected GET, HEAD, POST, "
            "PUT, PATCH or DELETE" },
        { METHOD("'GET /x HTTP/1.1\\r\\nA: b'"),
            "w.json:3: unknown method \"GET /x HTTP/1.1\\r\\nA: b\", "
            "expected GET, HEAD, POST, PUT, PATCH or DELETE" },
        { METHOD("['GET']"),
            "w.json:3: \"method\" is an array, expected a string" },
        { METHOD("'HEAD',\n'body': {}"),
            "w.json:4: \"body\" with method HEAD, expected none" },
        { TO("example.com/x"),
            "w.json:3: \"url\": expected a url that starts with http:// or "
            "https://" },
        { TO("{{meta.url}}"),
            "w.json:3: \"url\": expected a url that starts with http:// or "
            "https://" },
        { TO("https://{{meta.host}}/"),
            "w.json:3: \"url\": placeholder \"meta.host\" would choose the "
            "host, where only {{secrets.NAME}} may stand" },
        { TO("https://h/{{identity}}"),
            "w.json:3: \"url\": placeholder \"identity\": unknown parameter "
            "\"identity\", trigger \"provision_entitlement\" has "
            "\"app_identifier\", \"identity_id\", \"entitlement_id\", "
            "\"expiration\", \"grant_type\", \"meta\", \"creator_id\"" },
        { TO("https://h/{{identity_id}"),
            "w.json:3: \"url\": \"{{\" without a \"}}\" after it" },
        { TO("https://h/{{secrets.hook}}"),
            "w.json:3: \"url\": placeholder \"secrets.hook\": unknown secret "
            "\"hook\", \"secrets\" has none" },
        { TO("https://h/{{steps.a.body}}"),
            "w.json:3: \"url\": placeholder \"steps.a.body\": no step \"a\" "
            "before this one, which is the first" },
        { HEAD "'actions': [" GOOD ", {'id': 'b', 'type': 'http_request', "
               "'method': 'GET',\n'url': 'http://h/{{steps.c.body}}'}, {'id': "
               "'c', 'type': 'http_request', 'method': 'GET', " URL "}]}",
            "w.json:3: \"url\": placeholder \"steps.c.body\": no step \"c\" "
            "before this one, expected one of \"a\"" },
        { WITH("'headers': ['X: y']"),
            "w.json:3: \"headers\" is an array, expected an object" },
        { WITH("'headers': {'X': 5}"),
            "w.json:3: header \"X\" is a number, expected a string" },
        { WITH("'headers': {'X Y': 'z'}"),
            "w.json:3: \"X Y\" is no header's name, expected letters, digits "
            "and !#$%&'*+-.^_`|~" },
        { WITH("'headers': {'X:': 'z'}"),
            "w.json:3: \"X:\" is no header's name, expected letters, digits "
            "and !#$%&'*+-.^_`|~" },
        { WITH("'headers': {'': 'z'}"),
            "w.json:3: \"\" is no header's name, expected letters, digits "
            "and !#$%&'*+-.^_`|~" },
        { WITH("'headers': {'X\\r\\nEvil': 'z'}"),
            "w.json:3: \"X\\r\\nEvil\" is no header's name, expected "
            "letters, digits and !#$%&'*+-.^_`|~" },
        { WITH("'headers': {'{{meta.name}}': 'z'}"),
            "w.json:3: \"{{meta.name}}\" is no header's name, expected "
            "letters, digits and !#$%&'*+-.^_`|~" },
        { WITH("'headers': {'X': 'a\\r\\nEvil: 1'}"),
            "w.json:3: \"X\": a line break or another control byte, which "
            "cannot stand in a header" },
        { WITH("'headers': {'X': '{{nobody}}'}"),
            "w.json:3: \"X\": placeholder \"nobody\": unknown parameter "
            "\"nobody\", trigger \"provision_entitlement\" has "
            "\"app_identifier\", \"identity_id\", \"entitlement_id\", "
            "\"expiration\", \"grant_type\", \"meta\", \"creator_id\"" },
        { WITH("'headers': {'X-A': '1',\n'x-a': '2'}"),
            "w.json:4: header \"x-a\" is set twice, expected once" },
        { WITH("'headers': {'idempotency-key': '1'}"),
            "w.json:3: header \"Idempotency-Key\" is not for a workflow to "
            "set, the worker does" },
        { WITH("'headers': {'Host': 'evil'}"),
            "w.json:3: header \"Host\" is not for a workflow to set, "
            "the worker does" },
        { WITH("'headers': {'CONTENT-LENGTH': '0'}"),
            "w.json:3: header \"Content-Length\" is not for a workflow to "
            "set, the worker does" },
        { WITH("'headers': {'Transfer-Encoding': 'chunked'}"),
            "w.json:3: header \"Transfer-Encoding\" is not for a workflow to "
            "set, the worker does" },
        { WITH("'headers': {'Connection': 'close'}"),
            "w.json:3: header \"Connection\" is not for a workflow to set, "
            "the worker does" },
        { WITH("'headers': {'Traceparent': '0'}"),
            "w.json:3: header \"traceparent\" is not for a workflow to "
            "set, the worker does" },
        { WITH("'body': null"),
            "w.json:3: \"body\" is null, expected a value, or no \"body\" "
            "where none is to be sent" },
        { WITH("'body': {'a':\n'{{secrets.hook}}'}"),
            "w.json:4: placeholder \"secrets.hook\": a secret may stand in "
            "\"url\" and \"headers\" only" },
        { WITH("'body': {'a': [1,\n\n{'b': 'x {{meta..y}}'}]}"),
            "w.json:5: placeholder \"meta..y\": nothing before a dot in "
            "\"meta..y\", expected a name" },
        { WITH("'body': {'{{meta}}': 1}"),
            "w.json:3: a placeholder in the name \"{{meta}}\", expected in "
            "values only" },
    };

    (void) state;
    check(cases, COUNT(cases));
}


static void
its_credential(void **state)
{
    static const broken_t cases[] = {
        { WITH("'secret': 'hunter2'"),
            "w.json:3: \"secret\" is a string, expected an object" },
        { WITH("'secret': {'env': 'A', 'prefix': 'x'}"),
            "w.json:3: \"secret\" is no source of a secret, expected "
            "{\"env\": NAME} or {\"file\": PATH}" },
        { WITH("'secret': {'token': 'hunter2'}"),
            "w.json:3: unknown key \"token\" in \"secret\", expected one of "
            "\"env\", \"file\"" },
        { WITH("'secret': {'env': 'A'},\n'auth': {}"),
            "w.json:4: \"secret\" and \"auth\" in one action, expected one "
            "of them" },
        { WITH("'secret': {'env': 'A'}, 'headers': {'authorization': 'x'}"),
            "w.json:3: header \"Authorization\" is in \"headers\" and "
            "carries the credential, expected one of them" },
        { WITH("'auth': 'basic'"),
            "w.json:3: \"auth\" is a string, expected an object" },
        { WITH("'auth': {}"),
            "w.json:3: \"auth\" has 0 keys, expected \"basic\" or "
            "\"header\"" },
        { WITH("'auth': {'bearer': {}}"),
            "w.json:3: unknown key \"bearer\" in \"auth\", expected one of "
            "\"basic\", \"header\"" },
        { WITH("'auth': {'basic': {}, 'header': {}}"),
            "w.json:3: \"auth\" has 2 keys, expected \"basic\" or "
            "\"header\"" },
        { WITH("'auth': {'basic': {'user': 'u'}}"),
            "w.json:3: \"password\" is missing in \"basic\", expected an "
            "object" },
        { WITH("'auth': {'basic': {'user': 'u', 'password': 'hunter2'}}"),
            "w.json:3: \"password\" is a string, expected an object" },
        { WITH("'auth': {'basic': {'user': 'a:b', 'password': {'env': "
               "'P'}}}"),
            "w.json:3: \"user\" has a colon, a control byte or a "
            "placeholder, expected a user's name" },
        { WITH("'auth': {'basic': {'user': '{{creator_id}}', 'password': "
               "{'env': 'P'}}}"),
            "w.json:3: \"user\" has a colon, a control byte or a "
            "placeholder, expected a user's name" },
        { WITH("'auth': {'basic': {'user': 'u', 'password': {'env': "
               "'P-1'}}}"),
            "w.json:3: \"env\" of \"password\" is no name of an environment "
            "variable, expected A-Z, a-z, 0-9 and _" },
        { WITH("'headers': {'Authorization': 'x'}, 'auth': {'basic':\n"
               "{'user': 'u', 'password': {'env': 'P'}}}"),
            "w.json:4: header \"Authorization\" is in \"headers\" and "
            "carries the credential, expected one of them" },
        { WITH("'auth': {'header': {'name': 'X-Key'}}"),
            "w.json:3: \"value\" is missing in \"header\", expected an "
            "object" },
        { WITH("'auth': {'header': {'name': 'X Key', 'value': {'env': "
               "'K'}}}"),
            "w.json:3: \"X Key\" is no header's name, expected letters, "
            "digits and !#$%&'*+-.^_`|~" },
        { WITH("'auth': {'header': {'name': 'Host', 'value': {'env': "
               "'K'}}}"),
            "w.json:3: header \"Host\" is not for a workflow to set, "
            "the worker does" },
        { WITH("'headers': {'x-key': '1'}, 'auth': {'header': {'name': "
               "'X-Key', 'value': {'env': 'K'}}}"),
            "w.json:3: header \"X-Key\" is in \"headers\" and carries the "
            "credential, expected one of them" },
        { WITH("'auth': {'header': {'name': 'X-Key', 'value': {}}}"),
            "w.json:3: \"value\" is no source of a secret, expected "
            "{\"env\": NAME} or {\"file\": PATH}" },
    };

    (void) state;
    check(cases, COUNT(cases));
}


/* The reader's own messages: it must be asked, and for names that repeat. */
static void
a_file_that_is_not_json_is_refused_with_line_and_column(void **state)
{
    size_t i;
    char *copy;
    clarity_error_t error;
    static const struct {
        const char *text;
        const char *start;
    } cases[] = {
        { "", "w.json:1:1: " },
        { "\xef\xbb\xbf{}", "w.json:1:1: " },
        { "{'id': 'w',\n}", "w.json:2:1: " },
        { "{'id': 'w'} x", "w.json:1:13: " },
        { "{'id': 'w',\n 'id': 'v'}", "w.json:2:" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        copy = fixture_quotes(cases[i].text);

        assert_null(clarity_workflow_parse(
            clarity_str(copy), "w.json", &fixture_triggers, &error));

        if (strncmp(error.text, cases[i].start, strlen(cases[i].start)) != 0) {
            fail_msg("%s, expected %s", error.text, cases[i].start);
        }

        free(copy);
    }
}


static void
check_counted(clarity_buf_t *text, const char *expected)
{
    char *copy;
    clarity_error_t error;
    clarity_workflow_t *workflow;

    clarity_buf_add(text, (clarity_str_t){ "", 1 });
    assert_false(text->failed);
    copy = fixture_quotes(text->data);

    workflow = clarity_workflow_parse(
        clarity_str(copy), "w.json", &fixture_triggers, &error);

    if (expected == NULL) {
        assert_non_null(workflow);
        clarity_workflow_free(workflow);

    } else {
        assert_null(workflow);
        assert_string_equal(error.text, expected);
    }

    free(copy);
    clarity_buf_free(text);
}


static void
actions_and_headers_are_counted(void **state)
{
    int i, n;
    clarity_buf_t text = { 0 };

    (void) state;

    for (n = 64; n <= 65; n++) {
        clarity_buf_addz(&text, HEAD "'actions': [");

        for (i = 0; i < n; i++) {
            clarity_buf_addf(&text,
                "%s{'id': 'a%d', 'type': 'http_request', 'method': 'GET', "
                "'url': 'http://h'}",
                i > 0 ? "," : "", i);
        }

        clarity_buf_addz(&text, "]}");
        check_counted(&text,
            n == 64 ? NULL : "w.json:2: \"actions\" has 65, expected 1 to 64");

        clarity_buf_addz(&text, HEAD "'actions': [" CALL URL ", 'headers': {");

        for (i = 0; i < n; i++) {
            clarity_buf_addf(&text, "%s'X-%d': 'v'", i > 0 ? "," : "", i);
        }

        clarity_buf_addz(&text, "}}]}");
        check_counted(&text,
            n == 64 ? NULL
                    : "w.json:2: \"headers\" has 65, expected 64 at most");
    }
}


static void
a_file_of_more_than_a_megabyte_is_refused_unread(void **state)
{
    char *text;
    size_t size;
    clarity_error_t error;

    (void) state;

    size = 1024 * 1024 + 1;
    text = malloc(size);
    assert_non_null(text);
    memset(text, '[', size);

    assert_null(clarity_workflow_parse(
        (clarity_str_t){ text, size }, "w.json", &fixture_triggers, &error));
    assert_string_equal(error.text,
        "w.json:1: the file has 1048577 bytes, expected 1048576 at most");

    free(text);
}


static void
long_lists_and_names_are_cut_in_messages(void **state)
{
    size_t i;
    char *copy;
    clarity_error_t error;
    static char names[200][16];
    static clarity_trigger_t many[200];
    static const clarity_triggers_t triggers = { many, 200, NULL };

    (void) state;

    for (i = 0; i < 200; i++) {
        snprintf(names[i], sizeof(names[i]), "trigger-%zu", i);
        many[i].name = clarity_str(names[i]);
    }

    copy = fixture_quotes(HEAD "'actions': [" GOOD "]}");
    assert_null(clarity_workflow_parse(
        clarity_str(copy), "w.json", &triggers, &error));
    assert_true(strlen(error.text) < 450);
    assert_non_null(strstr(error.text, "\"trigger-22\", …"));
    free(copy);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_pieces_that_the_broken_files_are_made_of_are_good),
        cmocka_unit_test(the_workflow_itself),
        cmocka_unit_test(its_secrets),
        cmocka_unit_test(an_action),
        cmocka_unit_test(a_request),
        cmocka_unit_test(its_credential),
        cmocka_unit_test(
            a_file_that_is_not_json_is_refused_with_line_and_column),
        cmocka_unit_test(actions_and_headers_are_counted),
        cmocka_unit_test(a_file_of_more_than_a_megabyte_is_refused_unread),
        cmocka_unit_test(long_lists_and_names_are_cut_in_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
