#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "oom.h"

#include "webhook/snapshot.h"

#define MANY 500

static clarity_snapshot_webhook_t make(
    const char *method, const char *endpoint, unsigned i);
static bool has_id(
    clarity_snapshot_webhook_t *webhooks, size_t n, const char *id);
static uint64_t used(const clarity_buf_t *buf, const char *id, size_t token);
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
    in.unopened = 777;
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
    assert_int_equal(out.unopened, 777);
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


static void
each_id_is_found_and_no_other(void **state)
{
    size_t i, at;
    clarity_buf_t buf = { 0 };
    clarity_snapshot_webhook_t in[MANY], out;
    static char names[MANY][32];

    (void) state;

    assert_false(has_id(NULL, 0, "wh_1"));

    for (i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "e/%zu", i * 7919 % MANY);
        in[i] = make("POST", names[i], (unsigned) i);
    }

    clarity_snapshot_build(in, MANY, &buf);
    assert_false(buf.failed);

    for (i = 0; i < MANY; i++) {
        out = make("POST", "", (unsigned) i);
        assert_true(clarity_snapshot_find_id(buf.data, out.id, &at));
        clarity_snapshot_get(buf.data, at, &out);
        assert_str(out.endpoint, names[i]);
        assert_int_equal(out.revision, i);
    }

    clarity_buf_free(&buf);

    assert_false(has_id(in, MANY, ""));
    assert_false(has_id(in, MANY, "wh_"));
    assert_false(has_id(in, MANY, "wh_500"));
    assert_false(has_id(in, MANY, "wh_99 "));
    assert_false(has_id(in, MANY, "zzz"));
}


static void
a_token_is_used(void **state)
{
    size_t at;
    clarity_buf_t buf = { 0 };
    clarity_snapshot_webhook_t in[2], out;

    (void) state;

    in[0] = make("POST", "a", 1);
    in[1] = make("POST", "b", 2);
    clarity_snapshot_build(in, 2, &buf);
    assert_false(buf.failed);

    assert_int_equal(used(&buf, "wh_2", 0), 0);
    assert_int_equal(used(&buf, "wh_2", 1), 0);

    assert_true(clarity_snapshot_find_id(buf.data, clarity_lit("wh_2"), &at));
    clarity_snapshot_use(buf.data, at, 1, 1732000000000);

    assert_int_equal(used(&buf, "wh_1", 1), 0);
    assert_int_equal(used(&buf, "wh_2", 0), 0);
    assert_int_equal(used(&buf, "wh_2", 1), 1732000000000);

    clarity_snapshot_get(buf.data, at, &out);
    assert_str(out.endpoint, "b");
    assert_int_equal(out.tokens[1].expires, 12345);

    clarity_buf_free(&buf);
}


/* Made, deleted, moved, rotated: what stays keeps its time. */
static void
the_next_snapshot_takes_over_when_tokens_were_used(void **state)
{
    size_t i, at;
    clarity_buf_t old = { 0 }, new = { 0 };
    clarity_snapshot_webhook_t in[4];
    static const char *const ids[] = { "wh_1", "wh_3", "wh_5", "wh_7" };

    (void) state;

    in[0] = make("POST", "d", 1);
    in[1] = make("POST", "c", 3);
    in[2] = make("POST", "b", 5);
    in[3] = make("POST", "a", 7);
    clarity_snapshot_build(in, 4, &old);
    assert_false(old.failed);

    for (i = 0; i < 4; i++) {
        assert_true(
            clarity_snapshot_find_id(old.data, clarity_str(ids[i]), &at));
        clarity_snapshot_use(old.data, at, 0, 100 + i);
        clarity_snapshot_use(old.data, at, 1, 200 + i);
    }

    in[0] = make("POST", "d", 1);
    in[1] = make("PUT", "moved", 3);
    in[2] = make("POST", "made", 4);
    in[3] = make("POST", "a", 7);

    /* A new token in front, and the one that was there is the last. */
    in[3].tokens[1] = in[3].tokens[0];
    in[3].tokens[0].id = clarity_lit("tk_new");

    clarity_snapshot_build(in, 4, &new);
    assert_false(new.failed);
    clarity_snapshot_carry(new.data, old.data);

    assert_int_equal(used(&new, "wh_1", 0), 100);
    assert_int_equal(used(&new, "wh_1", 1), 200);
    assert_int_equal(used(&new, "wh_3", 0), 101);
    assert_int_equal(used(&new, "wh_3", 1), 201);
    assert_int_equal(used(&new, "wh_4", 0), 0);
    assert_int_equal(used(&new, "wh_4", 1), 0);
    assert_int_equal(used(&new, "wh_7", 0), 0);
    assert_int_equal(used(&new, "wh_7", 1), 103);

    clarity_buf_free(&old);
    clarity_snapshot_build(NULL, 0, &old);
    clarity_snapshot_carry(old.data, new.data);
    clarity_snapshot_carry(new.data, old.data);
    assert_int_equal(used(&new, "wh_7", 1), 103);

    clarity_buf_free(&old);
    clarity_buf_free(&new);
}


/* Deleted, moved, rotated: what is left of the old one is no longer than it. */
static void
the_rest_has_only_what_holds_still(void **state)
{
    size_t at;
    clarity_snapshot_webhook_t in[4], out;
    clarity_buf_t old = { 0 }, new = { 0 }, rest = { 0 };

    (void) state;

    in[0] = make("POST", "d", 1);
    in[1] = make("POST", "c", 3);
    in[2] = make("POST", "b", 5);
    in[3] = make("POST", "a", 7);
    clarity_snapshot_build(in, 4, &old);

    in[0] = make("POST", "d", 1);
    in[1] = make("POST", "moved", 3);
    in[2] = make("POST", "made", 4);
    in[3] = make("POST", "a", 7);
    in[0].active = false;
    in[3].tokens[1] = in[3].tokens[0];
    in[3].tokens[0].id = clarity_lit("tk_new");
    clarity_snapshot_build(in, 4, &new);

    clarity_snapshot_rest(old.data, new.data, &rest);
    assert_false(rest.failed);
    assert_true(rest.len <= old.len);
    assert_int_equal(clarity_snapshot_count(rest.data), 2);

    assert_true(clarity_snapshot_find_id(rest.data, clarity_lit("wh_1"), &at));
    clarity_snapshot_get(rest.data, at, &out);
    assert_false(out.active);
    assert_int_equal(out.ntokens, 2);

    assert_true(clarity_snapshot_find_id(rest.data, clarity_lit("wh_7"), &at));
    clarity_snapshot_get(rest.data, at, &out);
    assert_int_equal(out.ntokens, 1);

    clarity_buf_free(&rest);
    clarity_buf_free(&new);
    clarity_buf_free(&old);
}


static void
without_memory_the_buffer_has_failed(void **state)
{
    long n;
    clarity_buf_t buf;
    clarity_snapshot_webhook_t in[2];

    (void) state;

    OOM_OR_SKIP();

    for (n = 0;; n++) {
        in[0] = make("POST", "a", 1);
        in[1] = make("POST", "b", 2);
        memset(&buf, 0, sizeof(buf));

        oom_after = n;
        clarity_snapshot_build(in, 2, &buf);
        oom_after = -1;

        if (!buf.failed) {
            break;
        }

        clarity_buf_free(&buf);
    }

    assert_true(n >= 2);
    assert_int_equal(clarity_snapshot_count(buf.data), 2);
    clarity_buf_free(&buf);
}


static bool
has_id(clarity_snapshot_webhook_t *webhooks, size_t n, const char *id)
{
    bool found;
    size_t at;
    clarity_buf_t buf = { 0 };

    clarity_snapshot_build(webhooks, n, &buf);
    assert_false(buf.failed);

    found = clarity_snapshot_find_id(buf.data, clarity_str(id), &at);
    clarity_buf_free(&buf);

    return found;
}


static uint64_t
used(const clarity_buf_t *buf, const char *id, size_t token)
{
    size_t at;
    clarity_snapshot_webhook_t webhook;

    assert_true(clarity_snapshot_find_id(buf->data, clarity_str(id), &at));
    clarity_snapshot_get(buf->data, at, &webhook);
    assert_true(token < webhook.ntokens);

    return webhook.tokens[token].used;
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
        cmocka_unit_test(each_id_is_found_and_no_other),
        cmocka_unit_test(a_token_is_used),
        cmocka_unit_test(the_next_snapshot_takes_over_when_tokens_were_used),
        cmocka_unit_test(the_rest_has_only_what_holds_still),
        cmocka_unit_test(without_memory_the_buffer_has_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
