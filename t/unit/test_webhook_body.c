/* Webhooks made and changed by bodies of the settings API. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "t/unit/oom.h"
#include "t/unit/webhook_fixture.h"


static clarity_triggers_t *triggers;

/* One element of "errors". */
typedef struct {
    const char *pointer, *detail;
} fault_t;


static bool
apply(clarity_webhook_t *webhook, bool is_new, clarity_str_t body,
    clarity_buf_t *answer)
{
    bool ok;
    clarity_error_t error;
    clarity_faults_t faults = { 0 };
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(body, "body", CLARITY_JSON_UNIQUE_NAMES, &error);
    if (doc == NULL) {
        fail_msg("%s", error.text);
    }

    ok = is_new ? clarity_webhook_create(webhook, doc->root, triggers, &faults)
                : clarity_webhook_patch(webhook, doc->root, triggers, &faults);

    assert_int_equal(ok, faults.n == 0);

    clarity_buf_reset(answer);
    clarity_faults_write(&faults, answer);
    clarity_buf_add(answer, (clarity_str_t){ "", 1 });
    assert_false(answer->failed);

    clarity_faults_free(&faults);
    clarity_json_free(doc);

    return ok;
}


static void
apply_good(clarity_webhook_t *webhook, bool is_new, const char *body)
{
    clarity_buf_t answer = { 0 };

    if (!apply(webhook, is_new, clarity_str(body), &answer)) {
        fail_msg("%s: %s", body, answer.data);
    }

    assert_string_equal(answer.data, "\"errors\":[]");
    clarity_buf_free(&answer);
}


/* The answer's errors are the n expected ones, and nothing was changed. */
static void
assert_faults(
    bool is_new, clarity_str_t body, const fault_t *expected, size_t n)
{
    size_t i;
    clarity_buf_t answer = { 0 }, wanted = { 0 };
    clarity_webhook_t webhook, before;

    read_good(RECORD REVISION, &webhook);
    memcpy(&before, &webhook, sizeof(before));

    if (apply(&webhook, is_new, body, &answer)) {
        fail_msg("%.*s was taken", clarity_fmt(body));
    }

    assert_memory_equal(&before, &webhook, sizeof(before));

    clarity_buf_addz(&wanted, "\"errors\":[");

    for (i = 0; i < n; i++) {
        clarity_buf_addz(&wanted, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
        clarity_buf_add_json(&wanted, clarity_str(expected[i].pointer));
        clarity_buf_addz(&wanted, ",\"detail\":");
        clarity_buf_add_json(&wanted, clarity_str(expected[i].detail));
        clarity_buf_addz(&wanted, "}");
    }

    clarity_buf_add(&wanted, clarity_lit("]\0"));
    assert_string_equal(answer.data, wanted.data);

    clarity_buf_free(&wanted);
    clarity_buf_free(&answer);
}


static void
a_new_webhook_has_the_defaults(void **state)
{
    clarity_webhook_t webhook;

    (void) state;

    memset(&webhook, 'x', sizeof(webhook));
    apply_good(&webhook, true,
        "{\"method\":\"POST\",\"endpoint\":\"service-now/a\","
        "\"trigger\":\"provision_entitlement\"}");

    assert_string_equal(webhook.id, "");
    assert_string_equal(webhook.method, "POST");
    assert_string_equal(webhook.endpoint, "service-now/a");
    assert_string_equal(webhook.trigger, "provision_entitlement");
    assert_true(webhook.active);
    assert_int_equal(webhook.rules.order, CLARITY_ORDER_STRICT);
    assert_int_equal(webhook.rules.unknown, CLARITY_UNKNOWN_REJECT);
    assert_string_equal(webhook.idempotency, "");
    assert_int_equal(webhook.status, 202);
    assert_int_equal(webhook.created_at, 0);
    assert_int_equal(webhook.updated_at, 0);
    assert_int_equal(webhook.revision, 0);
    assert_int_equal(webhook.ntokens, 0);
}


static void
a_new_webhook_has_what_it_is_given(void **state)
{
    clarity_webhook_t webhook;

    (void) state;

    apply_good(&webhook, true,
        "{\"status\":2e2,\"idempotency\":\"12h\",\"unknown\":\"keep\","
        "\"order\":\"any\",\"active\":false,\"trigger\":\"identity_modified\","
        "\"endpoint\":\"a\",\"method\":\"DELETE\"}");

    assert_string_equal(webhook.method, "DELETE");
    assert_string_equal(webhook.endpoint, "a");
    assert_string_equal(webhook.trigger, "identity_modified");
    assert_false(webhook.active);
    assert_int_equal(webhook.rules.order, CLARITY_ORDER_ANY);
    assert_int_equal(webhook.rules.unknown, CLARITY_UNKNOWN_KEEP);
    assert_string_equal(webhook.idempotency, "12h");
    assert_int_equal(webhook.status, 200);
}


static void
a_patch_changes_what_it_names_and_nothing_else(void **state)
{
    size_t i;
    char *expected;
    clarity_buf_t buf = { 0 };
    clarity_webhook_t webhook;
    static const struct {
        const char *body, *from, *to;
    } cases[] = {
        { "{}", "POST", "POST" },
        { "{\"method\":\"PATCH\"}", "POST", "PATCH" },
        { "{\"endpoint\":\"b/c\"}", "custom-provision-entitlement", "b/c" },
        { "{\"trigger\":\"identity_modified\"}", "\"provision_entitlement\"",
            "\"identity_modified\"" },
        { "{\"active\":false}", "\"active\":true", "\"active\":false" },
        { "{\"order\":\"any\"}", "strict", "any" },
        { "{\"unknown\":\"drop\"}", "reject", "drop" },
        { "{\"idempotency\":\"off\"}", "\"idempotency\":null",
            "\"idempotency\":\"off\"" },
        { "{\"idempotency\":null}", "POST", "POST" },
        { "{\"status\":201}", "202", "201" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        read_good(RECORD REVISION, &webhook);
        apply_good(&webhook, false, cases[i].body);
        assert_int_equal(webhook.revision, 7);

        expected = edited(RECORD "}", cases[i].from, cases[i].to);
        clarity_buf_reset(&buf);
        clarity_webhook_write(&buf, &webhook);
        clarity_buf_add(&buf, (clarity_str_t){ "", 1 });
        assert_string_equal(buf.data, expected);
        free(expected);
    }

    clarity_buf_free(&buf);
}


static void
a_patch_takes_idempotency_back_to_the_default(void **state)
{
    clarity_webhook_t webhook;

    (void) state;

    read_good(RECORD REVISION, &webhook);
    apply_good(&webhook, false, "{\"idempotency\":\"1h\"}");
    assert_string_equal(webhook.idempotency, "1h");
    apply_good(&webhook, false, "{\"idempotency\":null}");
    assert_string_equal(webhook.idempotency, "");
}


/* One whose trigger has gone from triggers.json can still be switched off. */
static void
a_patch_need_not_mend_the_trigger(void **state)
{
    char *text;
    clarity_webhook_t webhook;

    (void) state;

    text = edited(RECORD REVISION, "\"provision_entitlement\"", "\"gone\"");
    read_good(text, &webhook);
    apply_good(&webhook, false, "{\"active\":false}");
    assert_false(webhook.active);
    assert_string_equal(webhook.trigger, "gone");
    free(text);
}


#define METHOD "expected \"POST\", \"GET\", \"PUT\", \"PATCH\" or \"DELETE\""
#define ENDPOINT                                                              \
    "expected 1 to 200 bytes: segments of letters, digits, . _ ~ and -, "     \
    "joined by \"/\""
#define BYTES   "holds a byte that is no letter, no digit and none of . _ ~ - /"
#define TRIGGER "expected the name of a trigger in triggers.json"
#define ORDER   "expected \"strict\" or \"any\""
#define UNKNOWN "expected \"reject\", \"drop\" or \"keep\""
#define IDEMPOTENCY                                                           \
    "expected null, \"off\" or a duration from \"1s\" to \"90d\" such as "    \
    "\"24h\""
#define STATUS "expected 200, 201 or 202"
#define NOT_KNOWN                                                             \
    "not known; expected none but method, endpoint, trigger, active, order, " \
    "unknown, idempotency, status"
#define FIXED "cannot be set; leave it out"


static void
a_new_webhook_without_what_it_needs_has_a_fault_for_each(void **state)
{
    static const fault_t faults[] = {
        { "/method", "required, but not there; " METHOD },
        { "/endpoint", "required, but not there; " ENDPOINT },
        { "/trigger", "required, but not there; " TRIGGER },
    };

    (void) state;

    assert_faults(true, clarity_lit("{}"), faults, COUNT(faults));
}


static void
every_fault_of_a_body_is_named_at_once(void **state)
{
    static const fault_t faults[] = {
        /* first the members that cannot be, in their order */
        { "/colour", NOT_KNOWN },
        { "/id", FIXED },
        { "/tokens", FIXED },
        { "/method", METHOD ", got \"HEAD\"" },
        { "/endpoint", "starts with \"/\"; " ENDPOINT },
        { "/trigger", TRIGGER ", got \"none\"" },
        { "/active", "expected true or false, got 1" },
        { "/order", ORDER ", got null" },
        { "/unknown", UNKNOWN ", got an array" },
        { "/idempotency", IDEMPOTENCY ", got \"0s\"" },
        { "/status", STATUS ", got 204" },
    };
    static const char body[] =
        "{\"status\":204,\"idempotency\":\"0s\",\"unknown\":[\"drop\"],"
        "\"order\":null,\"active\":1,\"trigger\":\"none\",\"colour\":\"red\","
        "\"endpoint\":\"/a\",\"id\":\"wh_0123456789ABCDEFGHIJ\","
        "\"tokens\":[],\"method\":\"HEAD\"}";

    (void) state;

    assert_faults(true, clarity_str(body), faults, COUNT(faults));
    assert_faults(false, clarity_str(body), faults, COUNT(faults));
}


static void
a_wrong_value_is_refused_with_what_was_expected(void **state)
{
    size_t i;
    static const struct {
        const char *body;
        fault_t fault;
    } cases[] = {
        { "{\"method\":\"post\"}", { "/method", METHOD ", got \"post\"" } },
        { "{\"method\":\"POST\\u0000\"}",
            { "/method", METHOD ", got \"POST\\u0000\"" } },
        { "{\"method\":null}", { "/method", METHOD ", got null" } },
        { "{\"method\":{}}", { "/method", METHOD ", got an object" } },
        { "{\"endpoint\":\"\"}", { "/endpoint", "is empty; " ENDPOINT } },
        { "{\"endpoint\":\"a\\u0000b\"}",
            { "/endpoint", BYTES "; " ENDPOINT } },
        { "{\"endpoint\":\"%2e%2e/a\"}",
            { "/endpoint", BYTES "; " ENDPOINT } },
        { "{\"endpoint\":\"a/../b\"}",
            { "/endpoint", "holds a segment \".\" or \"..\"; " ENDPOINT } },
        { "{\"endpoint\":7}", { "/endpoint", ENDPOINT ", got 7" } },
        { "{\"trigger\":\"\"}", { "/trigger", TRIGGER ", got \"\"" } },
        { "{\"trigger\":\"Provision_entitlement\"}",
            { "/trigger", TRIGGER ", got \"Provision_entitlement\"" } },
        { "{\"trigger\":\"provision_entitlement\\u0000\"}",
            { "/trigger", TRIGGER ", got \"provision_entitlement\\u0000\"" } },
        { "{\"trigger\":[\"provision_entitlement\"]}",
            { "/trigger", TRIGGER ", got an array" } },
        { "{\"active\":\"true\"}",
            { "/active", "expected true or false, got \"true\"" } },
        { "{\"active\":null}",
            { "/active", "expected true or false, got null" } },
        { "{\"order\":true}", { "/order", ORDER ", got true" } },
        { "{\"unknown\":\"keep \"}",
            { "/unknown", UNKNOWN ", got \"keep \"" } },
        { "{\"idempotency\":\"\"}",
            { "/idempotency", IDEMPOTENCY ", got \"\"" } },
        { "{\"idempotency\":\"24\"}",
            { "/idempotency", IDEMPOTENCY ", got \"24\"" } },
        { "{\"idempotency\":86400}",
            { "/idempotency", IDEMPOTENCY ", got 86400" } },
        { "{\"idempotency\":\"999ms\"}",
            { "/idempotency", IDEMPOTENCY ", got \"999ms\"" } },
        { "{\"idempotency\":\"7776001s\"}",
            { "/idempotency", IDEMPOTENCY ", got \"7776001s\"" } },
        { "{\"idempotency\":\"999999999ms\\u0000\"}",
            { "/idempotency", IDEMPOTENCY ", got \"999999999ms\\u0000\"" } },
        { "{\"idempotency\":\"Off\"}",
            { "/idempotency", IDEMPOTENCY ", got \"Off\"" } },
        { "{\"status\":\"202\"}", { "/status", STATUS ", got \"202\"" } },
        { "{\"status\":199}", { "/status", STATUS ", got 199" } },
        { "{\"status\":203}", { "/status", STATUS ", got 203" } },
        { "{\"status\":-200}", { "/status", STATUS ", got -200" } },
        { "{\"status\":200.5}", { "/status", STATUS ", got 200.5" } },
        { "{\"status\":1e999}", { "/status", STATUS ", got 1e999" } },
        { "{\"url\":\"https://example.com/\"}", { "/url", FIXED } },
        { "{\"revision\":7}", { "/revision", FIXED } },
        { "{\"Method\":\"POST\"}", { "/Method", NOT_KNOWN } },
        { "[]", { "", "expected an object, got an array" } },
        { "null", { "", "expected an object, got null" } },
        { "\"POST\"", { "", "expected an object, got a string" } },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_faults(false, clarity_str(cases[i].body), &cases[i].fault, 1);
    }
}


static void
huge_values_make_a_short_answer(void **state)
{
    size_t i;
    clarity_buf_t body = { 0 }, answer = { 0 };
    clarity_webhook_t webhook;
    static const char *const members[] = { "method", "endpoint", "trigger",
        "order", "idempotency", "other" };

    (void) state;

    read_good(RECORD REVISION, &webhook);

    for (i = 0; i < COUNT(members); i++) {
        clarity_buf_reset(&body);
        clarity_buf_addf(
            &body, "{\"%s\":\"%0*d\"}", members[i], 10 * 1024 * 1024, 0);
        assert_false(apply(&webhook, false, clarity_buf_str(&body), &answer));
        assert_in_range(answer.len, 20, 400);
    }

    clarity_buf_reset(&body);
    clarity_buf_addf(&body, "{\"status\":1%0*d}", 10 * 1024 * 1024, 0);
    assert_false(apply(&webhook, false, clarity_buf_str(&body), &answer));
    assert_in_range(answer.len, 20, 400);

    clarity_buf_free(&answer);
    clarity_buf_free(&body);
}


/* With faults before it, of something else in the same answer. */
static void
faults_of_others_do_not_count(void **state)
{
    clarity_error_t error;
    clarity_webhook_t webhook;
    clarity_faults_t faults = { 0 };
    clarity_json_doc_t *doc;

    (void) state;

    read_good(RECORD REVISION, &webhook);
    doc = clarity_json_parse(
        clarity_lit("{\"active\":false}"), "body", 0, &error);
    assert_non_null(doc);

    clarity_faults_add(&faults, clarity_lit("limit"), "wrong");
    assert_true(clarity_webhook_patch(&webhook, doc->root, triggers, &faults));
    assert_false(webhook.active);
    assert_int_equal(faults.n, 1);

    clarity_faults_free(&faults);
    clarity_json_free(doc);
}


static void
out_of_memory_while_telling_shows_in_the_buffer(void **state)
{
    long n;
    clarity_error_t error;
    clarity_faults_t faults = { 0 };
    clarity_webhook_t webhook;
    clarity_json_doc_t *doc;

    (void) state;

    OOM_OR_SKIP();

    read_good(RECORD REVISION, &webhook);

    doc = clarity_json_parse(clarity_lit("{}"), "body", 0, &error);
    assert_non_null(doc);

    for (n = 0;; n++) {
        oom_after = n;
        assert_false(
            clarity_webhook_create(&webhook, doc->root, triggers, &faults));
        oom_after = -1;

        assert_int_equal(faults.n, 3);
        assert_string_equal(webhook.method, "POST");

        if (!faults.buf.failed) {
            break;
        }

        clarity_faults_free(&faults);
    }

    assert_true(n > 0);
    clarity_faults_free(&faults);
    clarity_json_free(doc);
}


static int
load_triggers(void **state)
{
    clarity_error_t error;

    (void) state;

    triggers = clarity_triggers_parse(
        clarity_lit("{\"triggers\":["
                    "{\"name\":\"provision_entitlement\",\"context\":[]},"
                    "{\"name\":\"identity_modified\",\"context\":[]}]}"),
        "triggers.json", &error);

    return triggers == NULL ? -1 : 0;
}


static int
free_triggers(void **state)
{
    (void) state;

    clarity_triggers_free(triggers);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_webhook_has_the_defaults),
        cmocka_unit_test(a_new_webhook_has_what_it_is_given),
        cmocka_unit_test(a_patch_changes_what_it_names_and_nothing_else),
        cmocka_unit_test(a_patch_takes_idempotency_back_to_the_default),
        cmocka_unit_test(a_patch_need_not_mend_the_trigger),
        cmocka_unit_test(
            a_new_webhook_without_what_it_needs_has_a_fault_for_each),
        cmocka_unit_test(every_fault_of_a_body_is_named_at_once),
        cmocka_unit_test(a_wrong_value_is_refused_with_what_was_expected),
        cmocka_unit_test(huge_values_make_a_short_answer),
        cmocka_unit_test(faults_of_others_do_not_count),
        cmocka_unit_test(out_of_memory_while_telling_shows_in_the_buffer),
    };

    return cmocka_run_group_tests(tests, load_triggers, free_triggers);
}
