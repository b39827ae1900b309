/* Base64, and everything that only looks like it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "webhook/base64.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static void
the_examples_of_rfc_4648_hold(void **state)
{
    char text[16];
    size_t i, n, len;
    unsigned char bytes[16];
    static const struct {
        const char *bytes, *padded, *text;
    } cases[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
        { "\xff\xef\xbe", "/+++", "_---" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        len = strlen(cases[i].bytes);

        assert_int_equal(CLARITY_BASE64URL_LEN(len), strlen(cases[i].text));
        clarity_base64url_encode(
            (const unsigned char *) cases[i].bytes, len, text);
        assert_memory_equal(text, cases[i].text, strlen(cases[i].text));

        assert_true(clarity_base64_decode(
            CLARITY_BASE64URL, clarity_str(cases[i].text), bytes, len, &n));
        assert_int_equal(n, len);
        assert_memory_equal(bytes, cases[i].bytes, len);

        assert_true(clarity_base64_decode(
            CLARITY_BASE64, clarity_str(cases[i].padded), bytes, len, &n));
        assert_int_equal(n, len);
        assert_memory_equal(bytes, cases[i].bytes, len);

        if (len != 0) {
            assert_false(clarity_base64_decode(CLARITY_BASE64URL,
                clarity_str(cases[i].text), bytes, len - 1, &n));
        }
    }
}


static void
any_bytes_come_back(void **state)
{
    char text[CLARITY_BASE64URL_LEN(256)];
    size_t i, n, len;
    unsigned char bytes[256], back[256];

    (void) state;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 167 + 13);
    }

    for (len = 0; len <= sizeof(bytes); len++) {
        clarity_base64url_encode(bytes, len, text);
        assert_true(clarity_base64_decode(CLARITY_BASE64URL,
            (clarity_str_t){ text, CLARITY_BASE64URL_LEN(len) }, back, len,
            &n));
        assert_int_equal(n, len);
        assert_memory_equal(bytes, back, len);
    }
}


static void
bytes_have_one_text_only(void **state)
{
    size_t i, n;
    unsigned char bytes[16];
    static const struct {
        clarity_base64_t alphabet;
        const char *text;
    } bad[] = {
        { CLARITY_BASE64, "Zg" },
        { CLARITY_BASE64, "Zg=" },
        { CLARITY_BASE64, "Zg===" },
        { CLARITY_BASE64, "Z===" },
        { CLARITY_BASE64, "====" },
        { CLARITY_BASE64, "=" },
        { CLARITY_BASE64, "Zm=v" },
        { CLARITY_BASE64, "Zg==Zg==" },
        { CLARITY_BASE64, "Zh==" }, /* bits that belong to no byte */
        { CLARITY_BASE64, "Zm9=" },
        { CLARITY_BASE64, "Zm 9v" },
        { CLARITY_BASE64, "Zm9v\n" },
        { CLARITY_BASE64, "_---" },
        { CLARITY_BASE64URL, "A" }, /* no byte at all */
        { CLARITY_BASE64URL, "Zm9vA" },
        { CLARITY_BASE64URL, "Z" },
        { CLARITY_BASE64URL, "Zg==" },
        { CLARITY_BASE64URL, "Zh" },
        { CLARITY_BASE64URL, "Zm9" },
        { CLARITY_BASE64URL, "Zm9vY" },
        { CLARITY_BASE64URL, "/+++" },
        { CLARITY_BASE64URL, " Zg" },
    };

    (void) state;

    for (i = 0; i < COUNT(bad); i++) {
        if (clarity_base64_decode(bad[i].alphabet, clarity_str(bad[i].text),
                bytes, sizeof(bytes), &n))
        {
            fail_msg("%s was taken", bad[i].text);
        }
    }
}


static void
no_other_character_is_taken(void **state)
{
    int c;
    size_t n;
    char text[4] = "AAAA";
    unsigned char bytes[3];
    static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789";

    (void) state;

    for (c = 0; c < 256; c++) {
        text[1] = (char) c;

        assert_int_equal(clarity_base64_decode(CLARITY_BASE64,
                             (clarity_str_t){ text, 4 }, bytes, 3, &n),
            memchr(common, c, sizeof(common) - 1) != NULL || c == '+'
                || c == '/');
        assert_int_equal(clarity_base64_decode(CLARITY_BASE64URL,
                             (clarity_str_t){ text, 4 }, bytes, 3, &n),
            memchr(common, c, sizeof(common) - 1) != NULL || c == '-'
                || c == '_');
    }
}


static void
a_long_text_writes_no_more_than_there_is_room_for(void **state)
{
    char *big;
    size_t n;
    unsigned char *bytes;
    const size_t size = 10 * 1024 * 1024;

    (void) state;

    big = malloc(size);
    bytes = malloc(32);
    assert_non_null(big);
    assert_non_null(bytes);
    memset(big, 'A', size);

    assert_false(clarity_base64_decode(
        CLARITY_BASE64, (clarity_str_t){ big, size }, bytes, 32, &n));

    free(bytes);
    free(big);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_4648_hold),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(bytes_have_one_text_only),
        cmocka_unit_test(no_other_character_is_taken),
        cmocka_unit_test(a_long_text_writes_no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
