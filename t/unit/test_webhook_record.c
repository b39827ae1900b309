/* Webhooks made at run time, as they stand in Redis. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "t/unit/oom.h"
#include "t/unit/webhook_fixture.h"


static void
a_record_is_read(void **state)
{
    clarity_webhook_t webhook;

    (void) state;

    read_good(RECORD REVISION, &webhook);

    assert_string_equal(webhook.id, "wh_0123456789ABCDEFGHIJ");
    assert_string_equal(webhook.method, "POST");
    assert_string_equal(webhook.endpoint, "custom-provision-entitlement");
    assert_string_equal(webhook.trigger, "provision_entitlement");
    assert_true(webhook.active);
    assert_int_equal(webhook.rules.order, CLARITY_ORDER_STRICT);
    assert_int_equal(webhook.rules.unknown, CLARITY_UNKNOWN_REJECT);
    assert_string_equal(webhook.idempotency, "");
    assert_int_equal(webhook.status, 202);
    assert_int_equal(webhook.created_at, 1732000000000);
    assert_int_equal(webhook.updated_at, 1732000000001);
    assert_int_equal(webhook.revision, 7);
    assert_int_equal(webhook.ntokens, 2);
    assert_string_equal(webhook.tokens[0].id, "tk_0123456789ab");
    assert_string_equal(webhook.tokens[0].sealed, SEALED);
    assert_int_equal(webhook.tokens[0].created_at, 1732000000000);
    assert_int_equal(webhook.tokens[0].expires_at, 0);
    assert_string_equal(webhook.tokens[1].sealed, "v1.k0.x");
    assert_int_equal(webhook.tokens[1].expires_at, 1732000003600);
}


static void
a_record_is_written_as_it_was_read_but_for_the_revision(void **state)
{
    size_t i;
    char *text, *expected;
    clarity_buf_t buf = { 0 };
    clarity_webhook_t webhook;
    static const struct {
        const char *from, *to;
    } edits[] = {
        { "POST", "POST" },
        { "POST", "PUT" },
        { "POST", "PATCH" },
        { "POST", "DELETE" },
        { "\"active\":true", "\"active\":false" },
        { "strict", "any" },
        { "reject", "drop" },
        { "reject", "keep" },
        { "\"idempotency\":null", "\"idempotency\":\"off\"" },
        { "\"idempotency\":null", "\"idempotency\":\"90d\"" },
        { "\"idempotency\":null", "\"idempotency\":\"7776000s\"" },
        { "202", "200" },
        { "202", "201" },
        { "1732000000000", "9007199254740991" },
        { "," TOKEN_2, "," TOKEN_2 "," TOKEN_1 "," TOKEN_2 },
        { "," TOKEN_2, "" },
        { "provision_entitlement", "one-that-is-not-there" },
    };

    (void) state;

    for (i = 0; i < COUNT(edits); i++) {
        text = edited(RECORD REVISION, edits[i].from, edits[i].to);
        expected = edited(text, REVISION, "}");

        read_good(text, &webhook);
        clarity_buf_reset(&buf);
        clarity_webhook_write(&buf, &webhook);
        clarity_buf_add(&buf, (clarity_str_t){ "", 1 });
        assert_string_equal(buf.data, expected);

        free(text);
        free(expected);
    }

    clarity_buf_free(&buf);
}


static void
a_copy_stands_on_its_own(void **state)
{
    clarity_webhook_t webhook, copy;
    clarity_buf_t buf = { 0 };

    (void) state;

    read_good(RECORD REVISION, &webhook);
    copy = webhook;
    memset(&webhook, 'x', sizeof(webhook));

    clarity_webhook_write(&buf, &copy);
    assert_true(clarity_str_is(clarity_buf_str(&buf), RECORD "}"));
    clarity_buf_free(&buf);
}


static void
what_a_newer_writer_added_is_passed_over(void **state)
{
    size_t i;
    char *text;
    clarity_webhook_t webhook;
    static const struct {
        const char *from, *to;
    } edits[] = {
        { "{\"id\":\"wh", "{\"labels\":{\"id\":[1,null]},\"id\":\"wh" },
        { REVISION, ",\"revision\":7,\"x\":null}" },
        { "{\"id\":\"tk", "{\"note\":\"\",\"id\":\"tk" },
        { "\"order\"", "\"Order\":\"any\",\"order\"" },
    };

    (void) state;

    for (i = 0; i < COUNT(edits); i++) {
        text = edited(RECORD REVISION, edits[i].from, edits[i].to);
        read_good(text, &webhook);
        assert_int_equal(webhook.rules.order, CLARITY_ORDER_STRICT);
        assert_int_equal(webhook.revision, 7);
        free(text);
    }
}


static const struct {
    const char *from, *to, *message;
} wrong_records[] = {
    { "{", "[", "record:1:6: expected ',' or ']'" },
    { RECORD REVISION, "[]", "record:1: expected an object, got an array" },
    { RECORD REVISION, "null", "record:1: expected an object, got null" },
    { RECORD REVISION, "{}", "record:1: no \"id\" in it, expected an id" },
    { "wh_0", "wh_", "record:1: wrong \"id\", expected an id" },
    { "wh_0", "wh_-", "record:1: wrong \"id\", expected an id" },
    { "wh_0", "wh_00", "record:1: wrong \"id\", expected an id" },
    { "wh_0", "tk_0", "record:1: wrong \"id\", expected an id" },
    { "\"wh_0123456789ABCDEFGHIJ\"", "7",
        "record:1: wrong \"id\", expected an id" },
    { "\"method\":\"POST\",", "\n\n",
        "record:1: no \"method\" in it, expected \"POST\", \"GET\", \"PUT\", "
        "\"PATCH\" or \"DELETE\"" },
    { "\"POST\"", "\n\"HEAD\"",
        "record:2: wrong \"method\", expected \"POST\", \"GET\", \"PUT\", "
        "\"PATCH\" or \"DELETE\"" },
    { "POST", "post",
        "record:1: wrong \"method\", expected \"POST\", \"GET\", \"PUT\", "
        "\"PATCH\" or \"DELETE\"" },
    { "custom-provision-entitlement", "a/../b",
        "record:1: wrong \"endpoint\", expected 1 to 200 bytes: segments of "
        "letters, digits, . _ ~ and -, joined by \"/\"" },
    { "custom-provision-entitlement", "a\\u0000b",
        "record:1: wrong \"endpoint\", expected 1 to 200 bytes: segments of "
        "letters, digits, . _ ~ and -, joined by \"/\"" },
    { "\"provision_entitlement\"", "\"\"",
        "record:1: wrong \"trigger\", expected the name of a trigger in "
        "triggers.json" },
    { "\"provision_entitlement\"", "\"a\\u0000b\"",
        "record:1: wrong \"trigger\", expected the name of a trigger in "
        "triggers.json" },
    { "\"provision_entitlement\"",
        "\"01234567890123456789012345678901234567890123456789012345678901234"
        "\"",
        "record:1: wrong \"trigger\", expected the name of a trigger in "
        "triggers.json" },
    { "\"active\":true", "\"active\":\"true\"",
        "record:1: wrong \"active\", expected true or false" },
    { "\"active\":true", "\"active\":null",
        "record:1: wrong \"active\", expected true or false" },
    { "strict", "Strict",
        "record:1: wrong \"order\", expected \"strict\" or \"any\"" },
    { "reject", "",
        "record:1: wrong \"unknown\", expected \"reject\", \"drop\" or "
        "\"keep\"" },
    { "\"idempotency\":null,", "",
        "record:1: no \"idempotency\" in it, expected null, \"off\" or a "
        "duration from \"1s\" to \"90d\" such as \"24h\"" },
    { "\"idempotency\":null", "\"idempotency\":\"91d\"",
        "record:1: wrong \"idempotency\", expected null, \"off\" or a "
        "duration from \"1s\" to \"90d\" such as \"24h\"" },
    { "202", "204", "record:1: wrong \"status\", expected 200, 201 or 202" },
    { "1732000000000", "0",
        "record:1: wrong \"created_at\", expected an integer from 1 to "
        "9007199254740991" },
    { "1732000000000", "-1",
        "record:1: wrong \"created_at\", expected an integer from 1 to "
        "9007199254740991" },
    { "1732000000001", "9007199254740992",
        "record:1: wrong \"updated_at\", expected an integer from 1 to "
        "9007199254740991" },
    { REVISION, "}",
        "record:1: no \"revision\" in it, expected an integer from 1 to "
        "9007199254740991" },
    { REVISION, ",\"revision\":1.5}",
        "record:1: wrong \"revision\", expected an integer from 1 to "
        "9007199254740991" },
    { REVISION, ",\"revision\":\"7\"}",
        "record:1: wrong \"revision\", expected an integer from 1 to "
        "9007199254740991" },
    { REVISION, ",\"revision\":7,\"active\":true}",
        "record:1:589: the name \"active\" stands twice in one object, first "
        "in line 1" },
    { "\"tokens\"", "\"token\"",
        "record:1: no \"tokens\" in it, expected an array of 1 to 4" },
    { TOKEN_1 "," TOKEN_2, "",
        "record:1: wrong \"tokens\", expected an array of 1 to 4" },
    { TOKEN_1, TOKEN_1 "," TOKEN_1 "," TOKEN_1 "," TOKEN_1,
        "record:1: wrong \"tokens\", expected an array of 1 to 4" },
    { "[" TOKEN_1 "," TOKEN_2 "]", TOKEN_1,
        "record:1: wrong \"tokens\", expected an array of 1 to 4" },
    { TOKEN_1, "\"tk_0123456789ab\"",
        "record:1: \"tokens\" holds a string, expected objects" },
    { "tk_0", "wh_0", "record:1: wrong \"id\", expected an id" },
    { "\"" SEALED "\"", "null",
        "record:1: wrong \"sealed\", expected a sealed token" },
    { SEALED, SEALED SEALED,
        "record:1: wrong \"sealed\", expected a sealed token" },
    { SEALED, "", "record:1: wrong \"sealed\", expected a sealed token" },
    { SEALED, "v1\\u0000",
        "record:1: wrong \"sealed\", expected a sealed token" },
    { ",\"expires_at\":null", "",
        "record:1: no \"expires_at\" in it, expected an integer from 1 to "
        "9007199254740991" },
    { "\"expires_at\":null", "\"expires_at\":0",
        "record:1: wrong \"expires_at\", expected an integer from 1 to "
        "9007199254740991" },
};


static void
a_wrong_record_is_refused_and_changes_nothing(void **state)
{
    size_t i;
    char *text;
    clarity_error_t error;
    clarity_webhook_t webhook, before;

    (void) state;

    read_good(RECORD REVISION, &webhook);
    memcpy(&before, &webhook, sizeof(before));

    for (i = 0; i < COUNT(wrong_records); i++) {
        text = edited(
            RECORD REVISION, wrong_records[i].from, wrong_records[i].to);

        if (clarity_webhook_read(clarity_str(text), &webhook, &error)) {
            fail_msg("%s was taken", text);
        }

        assert_string_equal(error.text, wrong_records[i].message);
        assert_memory_equal(&before, &webhook, sizeof(before));
        free(text);
    }
}


static void
a_record_that_is_cut_off_anywhere_is_refused(void **state)
{
    size_t n;
    char *cut;
    clarity_error_t error;
    clarity_webhook_t webhook;

    (void) state;

    for (n = 0; n < strlen(RECORD REVISION); n++) {
        cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, RECORD REVISION, n);
        assert_false(
            clarity_webhook_read((clarity_str_t){ cut, n }, &webhook, &error));
        free(cut);
    }
}


static void
a_huge_record_is_refused(void **state)
{
    size_t i;
    char *big, *text;
    clarity_error_t error;
    clarity_webhook_t webhook;
    const size_t size = 10 * 1024 * 1024;
    static const char *const places[] = { "wh_0123456789ABCDEFGHIJ", "POST",
        "custom-provision-entitlement", "provision_entitlement", "strict",
        "tk_0123456789ab", SEALED };

    (void) state;

    big = malloc(size + 1);
    assert_non_null(big);
    memset(big, 'a', size);
    big[size] = '\0';

    for (i = 0; i < COUNT(places); i++) {
        text = edited(RECORD REVISION, places[i], big);
        assert_false(
            clarity_webhook_read(clarity_str(text), &webhook, &error));
        free(text);
    }

    assert_false(
        clarity_webhook_read((clarity_str_t){ big, size }, &webhook, &error));
    free(big);
}


static void
out_of_memory_while_reading_is_an_error(void **state)
{
    long n;
    bool ok;
    clarity_error_t error;
    clarity_webhook_t webhook;

    (void) state;

    OOM_OR_SKIP();

    for (n = 0;; n++) {
        error.text[0] = '\0';

        oom_after = n;
        ok = clarity_webhook_read(
            clarity_lit(RECORD REVISION), &webhook, &error);
        oom_after = -1;

        if (ok) {
            break;
        }

        assert_string_equal(error.text, "record: out of memory");
    }

    assert_true(n > 3);
}


static void
out_of_memory_while_writing_shows_in_the_buffer(void **state)
{
    long n;
    clarity_buf_t buf = { 0 };
    clarity_webhook_t webhook;

    (void) state;

    OOM_OR_SKIP();

    read_good(RECORD REVISION, &webhook);

    for (n = 0;; n++) {
        oom_after = n;
        clarity_webhook_write(&buf, &webhook);
        oom_after = -1;

        if (!buf.failed) {
            break;
        }

        clarity_buf_free(&buf);
    }

    assert_true(n > 0);
    assert_true(clarity_str_is(clarity_buf_str(&buf), RECORD "}"));
    clarity_buf_free(&buf);
}


static void
a_window_is_a_duration_off_or_that_of_the_location(void **state)
{
    size_t i;
    clarity_webhook_t webhook;

    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        { "", 777 },
        { "off", 0 },
        { "1s", 1000 },
        { "90d", (uint64_t) 90 * 24 * 60 * 60 * 1000 },
    };

    (void) state;

    memset(&webhook, 0, sizeof(webhook));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(webhook.idempotency, cases[i].text);
        assert_int_equal(
            clarity_webhook_idempotency(&webhook, 777), cases[i].ms);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_a_duration_off_or_that_of_the_location),
        cmocka_unit_test(a_record_is_read),
        cmocka_unit_test(
            a_record_is_written_as_it_was_read_but_for_the_revision),
        cmocka_unit_test(a_copy_stands_on_its_own),
        cmocka_unit_test(what_a_newer_writer_added_is_passed_over),
        cmocka_unit_test(a_wrong_record_is_refused_and_changes_nothing),
        cmocka_unit_test(a_record_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_huge_record_is_refused),
        cmocka_unit_test(out_of_memory_while_reading_is_an_error),
        cmocka_unit_test(out_of_memory_while_writing_shows_in_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
