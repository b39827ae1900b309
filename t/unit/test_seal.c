/* Tokens at rest, and what is tried with them there. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "json/buf.h"
#include "webhook/base64.h"
#include "webhook/seal.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 32 bytes each. */
#define KEY_1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_2 "//////////////////////////////////////////8="

#define TOKEN   "clarity_wh_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3s9q0v"
#define WEBHOOK "wh_0123456789ABCDEFGHIJ"
#define ID      "tk_0123456789ab"

/* Of TOKEN, WEBHOOK and ID by KEY_1, from Python's cryptography package. */
#define SEALED                                                                \
    "v1.k1."                                                                  \
    "oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv2EtgwTfiP0qeOwmw_3MBbgv" \
    "JUp9RI9mYJXgiLQS3KQ14LzsoKe485SVWe_GNODXNyrPLzg"

typedef struct {
    char text[CLARITY_SEAL_TEXT_MAX + 1];
    size_t len;
} token_t;


static clarity_seal_keys_t *
keys_of(const char *text)
{
    clarity_error_t error;
    clarity_seal_keys_t *keys;

    keys = clarity_seal_keys_parse(clarity_str(text), "keys", &error);
    if (keys == NULL) {
        fail_msg("%s", error.text);
    }

    return keys;
}


static clarity_seal_status_t
open_sealed(
    const clarity_seal_keys_t *keys, clarity_str_t sealed, token_t *token)
{
    memset(token->text, 'x', sizeof(token->text));

    return clarity_unseal(keys, sealed, clarity_lit(WEBHOOK), clarity_lit(ID),
        token->text, &token->len);
}


static void
assert_refused(const clarity_seal_keys_t *keys, clarity_str_t sealed,
    clarity_seal_status_t expected)
{
    size_t i;
    token_t token;

    assert_int_equal(open_sealed(keys, sealed, &token), expected);
    assert_int_equal(token.len, 0);
    assert_int_equal(token.text[0], 0);

    /* Nothing of the text, where it had been decrypted. */
    for (i = 1; i < sizeof(token.text); i++) {
        assert_true(token.text[i] == 0 || token.text[i] == 'x');
    }
}


static void
what_is_sealed_opens_to_the_same(void **state)
{
    size_t len;
    token_t token;
    char text[CLARITY_SEAL_TEXT_MAX], sealed[CLARITY_SEALED_MAX + 1];
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);
    memset(text, 'a', sizeof(text));
    text[1] = '\0';

    for (len = 1; len <= sizeof(text); len++) {
        assert_int_equal(clarity_seal(keys, (clarity_str_t){ text, len },
                             clarity_lit(WEBHOOK), clarity_lit(ID), sealed),
            CLARITY_SEAL_OK);
        assert_int_equal(
            strlen(sealed), 6 + (28 + len) * 4 / 3 + ((28 + len) % 3 != 0));
        assert_memory_equal(sealed, "v1.k1.", 6);
        assert_true(
            clarity_str_is(clarity_sealed_key_id(clarity_str(sealed)), "k1"));

        assert_int_equal(
            open_sealed(keys, clarity_str(sealed), &token), CLARITY_SEAL_OK);
        assert_int_equal(token.len, len);
        assert_memory_equal(token.text, text, len);
        assert_int_equal(token.text[len], 0);
    }

    clarity_seal_keys_free(keys);
}


static void
what_cannot_be_opened_is_not_sealed(void **state)
{
    char text[CLARITY_SEAL_TEXT_MAX + 1], sealed[CLARITY_SEALED_MAX + 1];
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);
    memset(text, 'a', sizeof(text));

    assert_int_equal(clarity_seal(keys, (clarity_str_t){ text, sizeof(text) },
                         clarity_lit(WEBHOOK), clarity_lit(ID), sealed),
        CLARITY_SEAL_MALFORMED);
    assert_string_equal(sealed, "");
    assert_int_equal(clarity_seal(keys, (clarity_str_t){ text, 0 },
                         clarity_lit(WEBHOOK), clarity_lit(ID), sealed),
        CLARITY_SEAL_MALFORMED);
    assert_string_equal(sealed, "");

    clarity_seal_keys_free(keys);
}


static void
what_another_program_sealed_opens(void **state)
{
    token_t token;
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);
    assert_int_equal(
        open_sealed(keys, clarity_lit(SEALED), &token), CLARITY_SEAL_OK);
    assert_string_equal(token.text, TOKEN);
    assert_int_equal(token.len, strlen(TOKEN));
    clarity_seal_keys_free(keys);
}


static void
the_same_token_never_looks_the_same(void **state)
{
    char first[CLARITY_SEALED_MAX + 1], second[CLARITY_SEALED_MAX + 1];
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);
    assert_int_equal(clarity_seal(keys, clarity_lit(TOKEN),
                         clarity_lit(WEBHOOK), clarity_lit(ID), first),
        CLARITY_SEAL_OK);
    assert_int_equal(clarity_seal(keys, clarity_lit(TOKEN),
                         clarity_lit(WEBHOOK), clarity_lit(ID), second),
        CLARITY_SEAL_OK);

    /* "v1.k1." and the 16 characters of 12 bytes: the nonce. */
    assert_memory_not_equal(first + 6, second + 6, 16);
    assert_string_not_equal(first + 22, second + 22);
    clarity_seal_keys_free(keys);
}


static void
the_first_key_seals_and_all_open(void **state)
{
    token_t token;
    char sealed[CLARITY_SEALED_MAX + 1];
    clarity_seal_keys_t *old, *rotated;

    (void) state;

    old = keys_of("k1:" KEY_1);
    rotated = keys_of("k2:" KEY_2 "\nk1:" KEY_1);

    assert_int_equal(clarity_seal(rotated, clarity_lit(TOKEN),
                         clarity_lit(WEBHOOK), clarity_lit(ID), sealed),
        CLARITY_SEAL_OK);
    assert_memory_equal(sealed, "v1.k2.", 6);

    assert_int_equal(
        open_sealed(rotated, clarity_str(sealed), &token), CLARITY_SEAL_OK);
    assert_int_equal(
        open_sealed(rotated, clarity_lit(SEALED), &token), CLARITY_SEAL_OK);
    assert_string_equal(token.text, TOKEN);

    assert_refused(old, clarity_str(sealed), CLARITY_SEAL_UNKNOWN_KEY);
    assert_true(
        clarity_str_is(clarity_sealed_key_id(clarity_str(sealed)), "k2"));

    clarity_seal_keys_free(rotated);
    clarity_seal_keys_free(old);
}


static void
another_key_of_the_same_id_is_told(void **state)
{
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_2);
    assert_refused(keys, clarity_lit(SEALED), CLARITY_SEAL_FORGED);
    clarity_seal_keys_free(keys);
}


static void
a_token_is_bound_to_its_webhook_and_its_id(void **state)
{
    size_t i;
    token_t token;
    clarity_seal_keys_t *keys;
    static const struct {
        clarity_str_t webhook, id;
    } others[] = {
        { clarity_lit("wh_0123456789ABCDEFGHIK"), clarity_lit(ID) },
        { clarity_lit(WEBHOOK), clarity_lit("tk_0123456789ac") },
        { clarity_lit(ID), clarity_lit(WEBHOOK) },
        { clarity_lit("wh_0123456789ABCDEFGHI"), clarity_lit("J" ID) },
        { clarity_lit(WEBHOOK " "), clarity_lit(ID) },
        { clarity_lit(WEBHOOK), clarity_lit("") },
        { clarity_lit(""), clarity_lit(ID) },
    };

    (void) state;

    keys = keys_of("k1:" KEY_1);

    for (i = 0; i < COUNT(others); i++) {
        assert_int_equal(
            clarity_unseal(keys, clarity_lit(SEALED), others[i].webhook,
                others[i].id, token.text, &token.len),
            CLARITY_SEAL_FORGED);
        assert_string_equal(token.text, "");
    }

    clarity_seal_keys_free(keys);
}


/* Nonce, text and tag: no bit of them can be another. */
static void
one_changed_bit_anywhere_is_found(void **state)
{
    size_t i, n;
    unsigned bit;
    unsigned char packed[128];
    char sealed[] = SEALED;
    clarity_str_t body;
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);

    body = (clarity_str_t){ sealed + 6, sizeof(sealed) - 1 - 6 };
    assert_true(clarity_base64_decode(
        CLARITY_BASE64URL, body, packed, sizeof(packed), &n));
    assert_int_equal(n, 12 + strlen(TOKEN) + 16);

    for (i = 0; i < n; i++) {
        for (bit = 0; bit < 8; bit++) {
            packed[i] ^= (unsigned char) (1u << bit);
            clarity_base64url_encode(packed, n, sealed + 6);
            assert_refused(keys, clarity_str(sealed), CLARITY_SEAL_FORGED);
            packed[i] ^= (unsigned char) (1u << bit);
        }
    }

    clarity_seal_keys_free(keys);
}


static void
one_changed_character_anywhere_is_found(void **state)
{
    int c;
    size_t i;
    token_t token;
    char sealed[] = SEALED;
    char good;
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);

    for (i = 0; i < sizeof(sealed) - 1; i++) {
        good = sealed[i];

        for (c = 0; c < 256; c++) {
            sealed[i] = (char) c;

            assert_int_equal(
                open_sealed(keys,
                    (clarity_str_t){ sealed, sizeof(sealed) - 1 }, &token)
                    == CLARITY_SEAL_OK,
                sealed[i] == good);
        }

        sealed[i] = good;
    }

    clarity_seal_keys_free(keys);
}


static void
one_that_is_cut_off_anywhere_is_refused(void **state)
{
    size_t n;
    char *cut;
    token_t token;
    clarity_seal_status_t status;
    clarity_seal_keys_t *keys;

    (void) state;

    keys = keys_of("k1:" KEY_1);

    for (n = 0; n < sizeof(SEALED) - 1; n++) {
        cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, SEALED, n);

        status = open_sealed(keys, (clarity_str_t){ cut, n }, &token);
        assert_true(status == CLARITY_SEAL_MALFORMED
                    || (status == CLARITY_SEAL_FORGED && n > 40));
        free(cut);
    }

    clarity_seal_keys_free(keys);
}


static void
what_is_not_of_the_form_is_malformed(void **state)
{
    size_t i;
    char *big;
    clarity_seal_keys_t *keys;
    const size_t size = 10 * 1024 * 1024;
    static const char id_32[] = "0123456789012345678901234567890a";
    static const char *const bad[] = {
        "",
        "v1",
        "v1.",
        "v1.k1",
        "v1.k1.",
        "v1..oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        "v2.k1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        "V1.k1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        "v1.k 1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        "v1.k1.oKGio6SlpqeoqaqrhXQdXyy/e+AVDdjjNkjz6kWabiir9gAv",
        "v1.k1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9g==",
        "v1.k1.k1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        "v1.k1.oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv.",
        "v1.0123456789012345678901234567890ab."
        "oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv",
        /* a nonce and a tag with nothing between them */
        "v1.k1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };

    (void) state;

    keys = keys_of("k1:" KEY_1);

    for (i = 0; i < COUNT(bad); i++) {
        assert_refused(keys, clarity_str(bad[i]), CLARITY_SEAL_MALFORMED);
        assert_int_equal(clarity_sealed_key_id(clarity_str(bad[i])).len, 0);
    }

    assert_refused(keys, (clarity_str_t){ NULL, 0 }, CLARITY_SEAL_MALFORMED);

    /* The longest key id is one that is not known here. */
    big = malloc(size);
    assert_non_null(big);
    memset(big, 'A', size);
    memcpy(big, "v1.", 3);
    memcpy(big + 3, id_32, 32);
    big[35] = '.';
    assert_refused(
        keys, (clarity_str_t){ big, 36 + 40 }, CLARITY_SEAL_UNKNOWN_KEY);
    assert_refused(keys, (clarity_str_t){ big, CLARITY_SEALED_MAX },
        CLARITY_SEAL_UNKNOWN_KEY);
    assert_refused(keys, (clarity_str_t){ big, CLARITY_SEALED_MAX + 1 },
        CLARITY_SEAL_MALFORMED);
    assert_refused(keys, (clarity_str_t){ big, CLARITY_SEALED_MAX + 2 },
        CLARITY_SEAL_MALFORMED);
    assert_refused(keys, (clarity_str_t){ big, size }, CLARITY_SEAL_MALFORMED);

    memset(big, 'A', size);
    memcpy(big, "v1.", 3);
    assert_refused(keys, (clarity_str_t){ big, size }, CLARITY_SEAL_MALFORMED);
    free(big);

    clarity_seal_keys_free(keys);
}


static void
each_failure_has_words_of_its_own(void **state)
{
    int a, b;

    (void) state;

    assert_string_equal(clarity_seal_status_text(CLARITY_SEAL_OK), "");

    for (a = CLARITY_SEAL_OK; a <= CLARITY_SEAL_FAILED; a++) {
        for (b = CLARITY_SEAL_OK; b < a; b++) {
            assert_string_not_equal(
                clarity_seal_status_text((clarity_seal_status_t) a),
                clarity_seal_status_text((clarity_seal_status_t) b));
        }
    }
}


static void
a_key_file_may_have_comments_and_blank_lines(void **state)
{
    size_t i;
    token_t token;
    clarity_seal_keys_t *keys;
    static const char *const good[] = {
        "k1:" KEY_1,
        "k1:" KEY_1 "\n",
        "k1:" KEY_1 "\r\n",
        "# of 2026\n\n  \t\n\r\nk1:" KEY_1 "\n\n#k1:" KEY_2 "\n# end",
        "k2:" KEY_2 "\nk1:" KEY_1 "\nk-_9:" KEY_1 "\n",
        "0123456789012345678901234567890a:" KEY_2 "\nk1:" KEY_1,
    };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        keys = keys_of(good[i]);
        assert_int_equal(
            open_sealed(keys, clarity_lit(SEALED), &token), CLARITY_SEAL_OK);
        clarity_seal_keys_free(keys);
    }

    clarity_seal_keys_free(NULL);
}


#define FORM                                                                  \
    "expected ID:KEY, the id 1 to 32 letters, digits, _ or -, the key 32 "    \
    "bytes in base64"
#define NO_KEY                                                                \
    "the key is not 32 bytes in base64, expected what `openssl rand -base64 " \
    "32` prints"
#define NONE                                                                  \
    "keys: holds no key, expected a line ID:KEY as "                          \
    "`echo \"k1:$(openssl rand -base64 32)\"` makes one"


static void
faults_of_a_key_file_name_the_line_and_show_no_key(void **state)
{
    size_t i;
    clarity_error_t error;
    static const struct {
        clarity_str_t text;
        const char *message;
    } bad[] = {
        { clarity_lit(""), NONE },
        { clarity_lit("\n\n# k1:" KEY_1 "\n"), NONE },
        { clarity_lit(KEY_1), "keys:1: " FORM },
        { clarity_lit("k1:" KEY_1 "\n" KEY_2), "keys:2: " FORM },
        { clarity_lit(":" KEY_1), "keys:1: " FORM },
        { clarity_lit(" k1:" KEY_1), "keys:1: " FORM },
        { clarity_lit(" # no comment"), "keys:1: " FORM },
        { clarity_lit("k.1:" KEY_1), "keys:1: " FORM },
        { clarity_lit(KEY_1 ":k1"), "keys:1: " FORM },
        { clarity_lit("0123456789012345678901234567890ab:" KEY_1),
            "keys:1: " FORM },
        { clarity_lit("k\0001:" KEY_1), "keys:1: " FORM },
        { clarity_lit("\xef\xbb\xbfk1:" KEY_1), "keys:1: " FORM },
        { clarity_lit("# old\r\nk1:"), "keys:2: " NO_KEY },
        { clarity_lit("k1:" KEY_1 " "), "keys:1: " NO_KEY },
        { clarity_lit("k1: " KEY_1), "keys:1: " NO_KEY },
        { clarity_lit("k1:" KEY_1 "\0"), "keys:1: " NO_KEY },
        { clarity_lit("k1:k2:" KEY_1), "keys:1: " NO_KEY },
        /* 31 and 33 bytes, hexadecimal digits, the other alphabet */
        { clarity_lit("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="),
            "keys:1: " NO_KEY },
        { clarity_lit("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"),
            "keys:1: " NO_KEY },
        { clarity_lit("k1:"
                      "000102030405060708090a0b0c0d0e0f10111213141516171819"
                      "1a1b1c1d1e1f"),
            "keys:1: " NO_KEY },
        { clarity_lit("k1:__________________________________________8="),
            "keys:1: " NO_KEY },
        { clarity_lit("k1:" KEY_1 "\n\nk2:" KEY_2 "\nk1:" KEY_2),
            "keys:4: the id \"k1\" stands in line 1 too, expected another" },
    };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        error.text[0] = '\0';
        assert_null(clarity_seal_keys_parse(bad[i].text, "keys", &error));
        assert_string_equal(error.text, bad[i].message);
    }
}


static void
there_may_be_32_keys_and_no_more(void **state)
{
    int i;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_seal_keys_t *keys;

    (void) state;

    for (i = 0; i < CLARITY_SEAL_KEYS_MAX; i++) {
        clarity_buf_addf(&buf, "k%d:" KEY_1 "\n", i);
    }

    keys = clarity_seal_keys_parse(clarity_buf_str(&buf), "keys", &error);
    assert_non_null(keys);
    clarity_seal_keys_free(keys);

    clarity_buf_addz(&buf, "more:" KEY_1);
    assert_null(
        clarity_seal_keys_parse(clarity_buf_str(&buf), "keys", &error));
    assert_string_equal(
        error.text, "keys:33: one key too many, expected 32 at most");

    clarity_buf_free(&buf);
}


static void
a_huge_key_file_is_refused(void **state)
{
    size_t i;
    char *big;
    clarity_error_t error;
    const size_t size = 10 * 1024 * 1024;
    static const struct {
        int byte;
        const char *start, *message;
    } cases[] = {
        { 'k', "", "keys:1: " FORM },
        { 'A', "k1:", "keys:1: " NO_KEY },
        { '\n', "", NONE },
        { '\0', "", "keys:1: " FORM },
        { '#', "", NONE },
        { ':', "", "keys:1: " FORM },
    };

    (void) state;

    big = malloc(size);
    assert_non_null(big);

    for (i = 0; i < COUNT(cases); i++) {
        memset(big, cases[i].byte, size);
        memcpy(big, cases[i].start, strlen(cases[i].start));
        assert_null(clarity_seal_keys_parse(
            (clarity_str_t){ big, size }, "keys", &error));
        assert_string_equal(error.text, cases[i].message);
    }

    free(big);
}


static void
out_of_memory_is_told_apart_from_forgery(void **state)
{
    long n;
    token_t token;
    char sealed[CLARITY_SEALED_MAX + 1];
    clarity_error_t error;
    clarity_seal_keys_t *keys;
    clarity_seal_status_t status;

    (void) state;

    OOM_OR_SKIP();

    oom_after = 0;
    keys = clarity_seal_keys_parse(clarity_lit("k1:" KEY_1), "keys", &error);
    oom_after = -1;
    assert_null(keys);
    assert_string_equal(error.text, "keys: out of memory");

    keys = keys_of("k1:" KEY_1);

    /* OpenSSL's own setup, once a process, is over after the first use. */
    assert_int_equal(clarity_seal(keys, clarity_lit(TOKEN),
                         clarity_lit(WEBHOOK), clarity_lit(ID), sealed),
        CLARITY_SEAL_OK);

    for (n = 0;; n++) {
        oom_after = n;
        status = clarity_seal(keys, clarity_lit(TOKEN), clarity_lit(WEBHOOK),
            clarity_lit(ID), sealed);
        oom_after = -1;

        assert_int_equal(ERR_peek_error(), 0);

        if (status == CLARITY_SEAL_OK) {
            break;
        }

        assert_int_equal(status, CLARITY_SEAL_FAILED);
        assert_string_equal(sealed, "");
    }

    assert_true(n > 0);

    for (n = 0;; n++) {
        oom_after = n;
        status = open_sealed(keys, clarity_str(sealed), &token);
        oom_after = -1;

        assert_int_equal(ERR_peek_error(), 0);

        if (status == CLARITY_SEAL_OK) {
            break;
        }

        assert_int_equal(status, CLARITY_SEAL_FAILED);
        assert_string_equal(token.text, "");
    }

    assert_true(n > 0);
    assert_string_equal(token.text, TOKEN);

    clarity_seal_keys_free(keys);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_to_the_same),
        cmocka_unit_test(what_cannot_be_opened_is_not_sealed),
        cmocka_unit_test(what_another_program_sealed_opens),
        cmocka_unit_test(the_same_token_never_looks_the_same),
        cmocka_unit_test(the_first_key_seals_and_all_open),
        cmocka_unit_test(another_key_of_the_same_id_is_told),
        cmocka_unit_test(a_token_is_bound_to_its_webhook_and_its_id),
        cmocka_unit_test(one_changed_bit_anywhere_is_found),
        cmocka_unit_test(one_changed_character_anywhere_is_found),
        cmocka_unit_test(one_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(what_is_not_of_the_form_is_malformed),
        cmocka_unit_test(each_failure_has_words_of_its_own),
        cmocka_unit_test(a_key_file_may_have_comments_and_blank_lines),
        cmocka_unit_test(faults_of_a_key_file_name_the_line_and_show_no_key),
        cmocka_unit_test(there_may_be_32_keys_and_no_more),
        cmocka_unit_test(a_huge_key_file_is_refused),
        cmocka_unit_test(out_of_memory_is_told_apart_from_forgery),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
