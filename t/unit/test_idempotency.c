/* Idempotency keys: which can be one, and their digests. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/idempotency.h"

static clarity_sha256_t *sha256;

#define N(table) (sizeof(table) / sizeof((table)[0]))


static void
a_key_is_1_to_255_bytes_without_control_bytes(void **state)
{
    int c;
    size_t i;
    char byte, text[300];
    const char *refused;

    static const struct {
        size_t len;
        const char *refused;
    } lengths[] = {
        { 0, "is empty" },
        { 1, NULL },
        { 255, NULL },
        { 256, "is longer than 255 bytes" },
    };

    (void) state;

    memset(text, 'k', sizeof(text));

    for (i = 0; i < N(lengths); i++) {
        refused = clarity_idempotency_refused(
            (clarity_str_t){ text, lengths[i].len });

        if (lengths[i].refused == NULL) {
            assert_null(refused);
        } else {
            assert_string_equal(refused, lengths[i].refused);
        }
    }

    for (c = 0; c < 256; c++) {
        byte = (char) c;
        refused = clarity_idempotency_refused((clarity_str_t){ &byte, 1 });

        if (c < 0x20 || c == 0x7f) {
            assert_string_equal(refused, "holds a control byte");
        } else {
            assert_null(refused);
        }
    }

    text[254] = '\n';
    assert_non_null(clarity_idempotency_refused((clarity_str_t){ text, 255 }));
}


/* As sha256sum and base64 have it, '+/' being '-_' and '=' nothing. */
static void
digests_are_sha256_in_base64url(void **state)
{
    char name[CLARITY_IDEMPOTENCY_NAME], body[CLARITY_IDEMPOTENCY_BODY];

    (void) state;

    /* printf 7:POST\ /wabc */
    assert_true(clarity_idempotency_name(
        sha256, clarity_lit("POST /w"), clarity_lit("abc"), name));
    assert_memory_equal(
        name, "ozUnlRIPbbG1ZEFneZRsA3Kps05dGWil2M1eivLHqtI", sizeof(name));

    assert_true(clarity_idempotency_body(sha256, clarity_lit("abc"), body));
    assert_memory_equal(body, "ungWv48Bz-pBQUDeXa4iIw", sizeof(body));

    assert_true(
        clarity_idempotency_body(sha256, (clarity_str_t){ NULL, 0 }, body));
    assert_memory_equal(body, "47DEQpj8HBSa-_TImW-5JA", sizeof(body));
}


static void
a_key_has_another_name_for_each_webhook(void **state)
{
    size_t i, k;
    char names[5][CLARITY_IDEMPOTENCY_NAME];

    /* The same bytes, divided in other ways. */
    static const struct {
        clarity_str_t webhook, key;
    } pairs[5] = {
        { clarity_lit("ab"), clarity_lit("c") },
        { clarity_lit("a"), clarity_lit("bc") },
        { clarity_lit(""), clarity_lit("abc") },
        { clarity_lit("1:a"), clarity_lit("bc") },
        { clarity_lit("abc"), clarity_lit("") },
    };

    (void) state;

    for (i = 0; i < 5; i++) {
        assert_true(clarity_idempotency_name(
            sha256, pairs[i].webhook, pairs[i].key, names[i]));

        for (k = 0; k < i; k++) {
            assert_memory_not_equal(names[i], names[k], sizeof(names[i]));
        }
    }
}


static int
set_up(void **state)
{
    (void) state;

    sha256 = clarity_sha256_create();
    return sha256 == NULL;
}


static int
tear_down(void **state)
{
    (void) state;

    clarity_sha256_free(sha256);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_1_to_255_bytes_without_control_bytes),
        cmocka_unit_test(digests_are_sha256_in_base64url),
        cmocka_unit_test(a_key_has_another_name_for_each_webhook),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
