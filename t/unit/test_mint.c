/*
 * Ids and tokens: their form, their checksum, and how random they are.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "webhook/mint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The random source: OpenSSL's, or what a test says. */
static enum { REAL, COUNTING, STUCK, FAILING } source;
static unsigned counted;
static unsigned calls;


/* In place of OpenSSL's own, for the code under test. */
int
RAND_bytes(unsigned char *buf, int num)
{
    int i;

    calls++;

    switch (source) {

    case REAL: return RAND_priv_bytes(buf, num);

    case COUNTING:
        for (i = 0; i < num; i++) {
            buf[i] = (unsigned char) counted++;
        }
        return 1;

    case STUCK: memset(buf, 0xff, (size_t) num); return 1;

    case FAILING: break;
    }

    ERR_raise(ERR_LIB_RAND, RAND_R_PARENT_STRENGTH_TOO_WEAK);
    return 0;
}


static int
real_source(void **state)
{
    (void) state;

    source = REAL;
    counted = 0;
    calls = 0;

    return 0;
}


static void
what_is_minted_is_well_formed(void **state)
{
    int i;
    char id[CLARITY_WEBHOOK_ID_LEN + 1];
    char token_id[CLARITY_TOKEN_ID_LEN + 1];
    char token[CLARITY_MINTED_TOKEN_LEN + 1];

    (void) state;

    for (i = 0; i < 1000; i++) {
        assert_true(clarity_mint_webhook_id(id));
        assert_int_equal(strlen(id), 23);
        assert_memory_equal(id, "wh_", 3);
        assert_int_equal(strspn(id + 3, base62), 20);
        assert_true(clarity_webhook_id_well_formed(clarity_str(id)));
        assert_false(clarity_token_id_well_formed(clarity_str(id)));

        assert_true(clarity_mint_token_id(token_id));
        assert_int_equal(strlen(token_id), 15);
        assert_memory_equal(token_id, "tk_", 3);
        assert_int_equal(strspn(token_id + 3, base62), 12);
        assert_true(clarity_token_id_well_formed(clarity_str(token_id)));
        assert_false(clarity_webhook_id_well_formed(clarity_str(token_id)));

        assert_true(clarity_mint_token(token));
        assert_int_equal(strlen(token), 60);
        assert_memory_equal(token, "clarity_wh_", 11);
        assert_int_equal(strspn(token + 11, base62), 49);
        assert_true(clarity_token_well_formed(clarity_str(token)));
    }
}


/* The checksums are zlib's crc32(), written to base 62. */
static void
tokens_of_another_program_are_known(void **state)
{
    size_t i;
    static const char *const good[] = {
        "clarity_wh_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3s9q0v",
        "clarity_wh_000000000000000000000000000000000000000000001T8aI",
        "clarity_wh_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz1nU8N1",
        "clarity_wh_000000000000000000000000000000000000000010000bg2f",
    };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        assert_true(clarity_token_well_formed(clarity_str(good[i])));
    }
}


static void
a_token_with_one_byte_changed_is_not_well_formed(void **state)
{
    int c;
    size_t i;
    char good[] =
        "clarity_wh_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3s9q0v";
    char token[sizeof(good)];

    (void) state;

    for (i = 0; i < sizeof(good) - 1; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(token, good, sizeof(good));
            token[i] = (char) c;
            assert_int_equal(clarity_token_well_formed(
                                 (clarity_str_t){ token, sizeof(good) - 1 }),
                token[i] == good[i]);
        }
    }
}


static void
other_lengths_are_not_well_formed(void **state)
{
    size_t i, n;
    char *big;
    const size_t size = 10 * 1024 * 1024;
    static const char *const good[] = { "wh_0123456789ABCDEFGHIJ",
        "tk_0123456789ab",
        "clarity_wh_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3s9q0v" };
    static bool (*const well_formed[])(clarity_str_t text) = {
        clarity_webhook_id_well_formed,
        clarity_token_id_well_formed,
        clarity_token_well_formed,
    };

    (void) state;

    big = malloc(size);
    assert_non_null(big);

    for (i = 0; i < COUNT(good); i++) {
        memset(big, 'a', size);
        memcpy(big, good[i], strlen(good[i]));

        for (n = 0; n < 100; n++) {
            assert_int_equal(well_formed[i]((clarity_str_t){ big, n }),
                n == strlen(good[i]));
        }

        assert_false(well_formed[i]((clarity_str_t){ big, size }));
        assert_false(well_formed[i]((clarity_str_t){ NULL, 0 }));
    }

    free(big);
}


static void
ids_hold_nothing_but_base62(void **state)
{
    int c;
    char id[] = "wh_0123456789ABCDEFGHIJ";

    (void) state;

    for (c = 0; c < 256; c++) {
        id[10] = (char) c;
        assert_int_equal(clarity_webhook_id_well_formed(
                             (clarity_str_t){ id, sizeof(id) - 1 }),
            c != 0 && strchr(base62, c) != NULL);
    }
}


/*
 * Each of the 62 characters at each of the 43 places: the chi-squared
 * statistic with 61 degrees of freedom is above 160 once in 10^10 times with
 * a fair source. With bytes taken modulo 62 it is about 320.
 */
static void
every_character_is_as_likely_as_another_at_each_place(void **state)
{
    double expected, distance, chi;
    size_t i, place;
    unsigned n;
    char token[CLARITY_MINTED_TOKEN_LEN + 1];
    static unsigned seen[43][62];
    const unsigned tokens = 40000;

    (void) state;

    memset(seen, 0, sizeof(seen));

    for (n = 0; n < tokens; n++) {
        assert_true(clarity_mint_token(token));

        for (place = 0; place < 43; place++) {
            seen[place][strchr(base62, token[11 + place]) - base62]++;
        }
    }

    expected = tokens / 62.0;

    for (place = 0; place < 43; place++) {
        chi = 0;

        for (i = 0; i < 62; i++) {
            distance = seen[place][i] - expected;
            chi += distance * distance / expected;
        }

        if (chi > 160) {
            fail_msg("at place %zu it is %.0f", place, chi);
        }
    }
}


static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}


static void
no_two_ids_are_the_same(void **state)
{
    size_t i;
    const size_t n = 20000;
    char(*ids)[CLARITY_TOKEN_ID_LEN + 1];

    (void) state;

    ids = calloc(n, sizeof(*ids));
    assert_non_null(ids);

    for (i = 0; i < n; i++) {
        assert_true(clarity_mint_token_id(ids[i]));
    }

    qsort(ids, n, sizeof(*ids), compare);

    for (i = 1; i < n; i++) {
        assert_string_not_equal(ids[i - 1], ids[i]);
    }

    free(ids);
}


/* From a source that counts to 256 over and over, exactly 0 to 247 are used:
 * four times the alphabet. */
static void
bytes_that_would_favour_some_characters_are_passed_over(void **state)
{
    size_t i, n;
    char id[CLARITY_WEBHOOK_ID_LEN + 1];
    char drawn[62 * 4 * 5];

    (void) state;

    source = COUNTING;
    n = 0;

    while (n < sizeof(drawn)) {
        calls = 0;
        assert_true(clarity_mint_webhook_id(id));
        assert_int_equal(calls, 1);

        /* The rest of what was drawn at once is dropped. */
        counted -= 64;

        for (i = 3; i < CLARITY_WEBHOOK_ID_LEN && n < sizeof(drawn); i++) {
            if (counted % 256 >= 248) {
                counted += 256 - counted % 256;
            }

            drawn[n++] = id[i];
            counted++;
        }
    }

    for (i = 0; i < sizeof(drawn); i++) {
        assert_int_equal(drawn[i], base62[i % 62]);
    }
}


static void
a_source_that_fails_makes_nothing(void **state)
{
    char id[CLARITY_WEBHOOK_ID_LEN + 1] = "old";
    char token_id[CLARITY_TOKEN_ID_LEN + 1] = "old";
    char token[CLARITY_MINTED_TOKEN_LEN + 1] = "old";

    (void) state;

    for (source = STUCK; source <= FAILING; source++) {
        assert_false(clarity_mint_webhook_id(id));
        assert_string_equal(id, "");
        assert_false(clarity_mint_token_id(token_id));
        assert_string_equal(token_id, "");
        assert_false(clarity_mint_token(token));
        assert_string_equal(token, "");
    }
}


static void
no_error_stays_in_openssls_queue_and_none_is_lost(void **state)
{
    char id[CLARITY_WEBHOOK_ID_LEN + 1];

    (void) state;

    source = FAILING;

    assert_false(clarity_mint_webhook_id(id));
    assert_int_equal(ERR_peek_error(), 0);

    ERR_raise(ERR_LIB_USER, 77);
    assert_false(clarity_mint_webhook_id(id));
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
    assert_int_equal(ERR_peek_error(), 0);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_minted_is_well_formed, real_source),
        cmocka_unit_test_setup(
            tokens_of_another_program_are_known, real_source),
        cmocka_unit_test_setup(
            a_token_with_one_byte_changed_is_not_well_formed, real_source),
        cmocka_unit_test_setup(other_lengths_are_not_well_formed, real_source),
        cmocka_unit_test_setup(ids_hold_nothing_but_base62, real_source),
        cmocka_unit_test_setup(
            every_character_is_as_likely_as_another_at_each_place,
            real_source),
        cmocka_unit_test_setup(no_two_ids_are_the_same, real_source),
        cmocka_unit_test_setup(
            bytes_that_would_favour_some_characters_are_passed_over,
            real_source),
        cmocka_unit_test_setup(a_source_that_fails_makes_nothing, real_source),
        cmocka_unit_test_setup(
            no_error_stays_in_openssls_queue_and_none_is_lost, real_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
