#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "webhook/snapshot.h"

#define MANY 500

static clarity_snapshot_webhook_t make(
    const char *method, const char *endpoint, unsigned i);
static void assert_str(clarity_str_t text, const char *expected);


static void
an_empty_snapshot_has_nothing(void **state)
{
    size_t first;
    clarity_buf_t buf = { 0 };

    (void) state;

    clarity_snapshot_build(NULL, 0, &buf);
    assert_false(buf.failed);
    assert_int_equal(clarity_snapshot_count(buf.data), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit("a"), &first), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit(""), &first), 0);

    clarity_buf_free(&buf);
}


static void
what_goes_in_comes_out(void **state)
{
    size_t first;
    clarity_buf_t buf = { 0 };
    clarity_snapshot_webhook_t in, out;

    (void) state;

    in = make("POST", "service-now/provision", 7);
    clarity_snapshot_build(&in, 1, &buf);
    assert_false(buf.failed);

    assert_int_equal(clarity_snapshot_find(buf.data,
                         clarity_lit("service-now/provision"), &first),
        1);
    clarity_snapshot_get(buf.data, first, &out);

    assert_str(out.id, "wh_7");
    assert_str(out.method, "POST");
    assert_str(out.endpoint, "service-now/provision");
    assert_str(out.trigger, "provision_entitlement");
    assert_true(out.active);
    assert_int_equal(out.rules.order, CLARITY_ORDER_ANY);
    assert_int_equal(out.rules.unknown, CLARITY_UNKNOWN_DROP);
    assert_int_equal(out.status, 201);
    assert_int_equal(out.idempotency, CLARITY_SNAPSHOT_INHERIT);
    assert_int_equal(out.revision, 7);
    assert_int_equal(out.ntokens, 2);
    assert_str(out.tokens[1].id, "tk_b");
    assert_int_equal(out.tokens[1].expires, 12345);
    assert_memory_equal(&out.tokens[0].digest, &in.tokens[0].digest,
        sizeof(clarity_token_digest_t));

    clarity_buf_free(&buf);
}


static void
each_endpoint_is_found_and_no_other(void **state)
{
    size_t i, first;
    clarity_buf_t buf = { 0 };
    clarity_snapshot_webhook_t *in, out;
    static char names[MANY][32];

    (void) state;

    in = calloc(MANY, sizeof(*in));
    assert_non_null(in);

    /* Pairs of methods, in an order that is none. */
    for (i = 0; i < MANY; i++) {
        snprintf(
            names[i], sizeof(names[i]), "e/%zu", (i / 2 * 7919) % (MANY / 2));
        in[i] = make(i % 2 ? "PUT" : "POST", names[i], (unsigned) i);
    }

    clarity_snapshot_build(in, MANY, &buf);
    assert_false(buf.failed);
    assert_int_equal(clarity_snapshot_count(buf.data), MANY);

    for (i = 0; i < MANY; i++) {
        assert_int_equal(
            clarity_snapshot_find(buf.data, clarity_str(names[i]), &first), 2);
        clarity_snapshot_get(buf.data, first, &out);
        assert_str(out.endpoint, names[i]);
        assert_str(out.method, "POST");
        clarity_snapshot_get(buf.data, first + 1, &out);
        assert_str(out.endpoint, names[i]);
        assert_str(out.method, "PUT");
    }

    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit("e/"), &first), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit("e/1/"), &first), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit("e/99999"), &first), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit(""), &first), 0);
    assert_int_equal(
        clarity_snapshot_find(buf.data, clarity_lit("zzz"), &first), 0);

    clarity_buf_free(&buf);
    free(in);
}


static clarity_snapshot_webhook_t
make(const char *method, const char *endpoint, unsigned i)
{
    clarity_snapshot_webhook_t webhook;
    static char ids[MANY][16];

    memset(&webhook, 0, sizeof(webhook));
    snprintf(ids[i], sizeof(ids[i]), "wh_%u", i);

    webhook.id = clarity_str(ids[i]);
    webhook.method = clarity_str(method);
    webhook.endpoint = clarity_str(endpoint);
    webhook.trigger = clarity_lit("provision_entitlement");
    webhook.active = true;
    webhook.rules.order = CLARITY_ORDER_ANY;
    webhook.rules.unknown = CLARITY_UNKNOWN_DROP;
    webhook.status = 201;
    webhook.idempotency = CLARITY_SNAPSHOT_INHERIT;
    webhook.revision = i;
    webhook.ntokens = 2;
    memset(&webhook.tokens[0].digest, 0xa5, sizeof(clarity_token_digest_t));
    webhook.tokens[0].id = clarity_lit("tk_a");
    webhook.tokens[1].id = clarity_lit("tk_b");
    webhook.tokens[1].expires = 12345;

    return webhook;
}


static void
assert_str(clarity_str_t text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_snapshot_has_nothing),
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(each_endpoint_is_found_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
