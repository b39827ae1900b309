/* Job ids: strict in, exact out. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "job/id.h"
#include "job/key.h"

static const struct {
    const char *text;
    clarity_job_id_t id;
} good[] = {
    { "0-0-0", { 0, 0, 0 } },
    { "0-1732000000000-0", { 0, 1732000000000, 0 } },
    { "7-1-2", { 7, 1, 2 } },
    { "255-10-100", { 255, 10, 100 } },
    { "255-18446744073709551615-18446744073709551615",
        { 255, UINT64_MAX, UINT64_MAX } },
    { "0-18446744073709551614-9999999999999999999",
        { 0, UINT64_MAX - 1, 9999999999999999999U } },
};

static const char *const bad[] = {
    "", "-", "--", "0", "0-", "0-1", "0-1-", "0--1", "-1-2", "-1-2-3",
    "0-1-2-", "0-1-2-3", "00-1-2", "0-01-2", "0-1-02", "0-00-0", "+0-1-2",
    "0-+1-2", " 0-1-2", "0 -1-2", "0-1-2 ", "0-1-2\n", "0-1-x", "0-0x1-2",
    "0:1-2", "0-1:2", "256-1-2", "1000-1-2", "4294967296-1-2",
    "18446744073709551616-1-2", "0-18446744073709551616-0",
    "0-0-18446744073709551616", "0-18446744073709551620-0",
    "0-28446744073709551615-0", "0-100000000000000000000-0",
    "0-0-99999999999999999999999999999999999999",
    "\xd9\xa0-1-2", /* ARABIC-INDIC DIGIT ZERO */
};

#define N(table) (sizeof(table) / sizeof((table)[0]))


/* The bytes alone on the heap, for the sanitizer to see what is read. */
static clarity_str_t
exact(const char *text, size_t len)
{
    char *data;

    data = malloc(len == 0 ? 1 : len);
    assert_non_null(data);
    memcpy(data, text, len);

    return (clarity_str_t){ data, len };
}


static void
an_id_is_read_and_written_the_same(void **state)
{
    char out[CLARITY_JOB_ID_MAX];
    size_t i, len;
    clarity_str_t text;
    clarity_job_id_t id;

    (void) state;

    for (i = 0; i < N(good); i++) {
        text = exact(good[i].text, strlen(good[i].text));

        assert_true(clarity_job_id_parse(text, &id));
        assert_int_equal(id.shard, good[i].id.shard);
        assert_true(id.ms == good[i].id.ms);
        assert_true(id.seq == good[i].id.seq);

        len = clarity_job_id_format(&id, out);
        assert_int_equal(len, text.len);
        assert_string_equal(out, good[i].text);

        len = clarity_job_id_entry(&id, out);
        assert_int_equal(len, strlen(out));
        assert_string_equal(out, strchr(good[i].text, '-') + 1);

        free((char *) text.data);
    }
}


static void
what_is_no_id_is_refused_and_changes_nothing(void **state)
{
    size_t i;
    clarity_str_t text;
    clarity_job_id_t id;

    (void) state;

    for (i = 0; i < N(bad); i++) {
        id = (clarity_job_id_t){ 1, 2, 3 };
        text = exact(bad[i], strlen(bad[i]));

        if (clarity_job_id_parse(text, &id)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }

        assert_int_equal(id.shard, 1);
        assert_true(id.ms == 2 && id.seq == 3);
        free((char *) text.data);
    }
}


static void
a_nul_and_ten_megabytes_of_digits_are_refused(void **state)
{
    char *big;
    size_t size;
    clarity_str_t text;
    clarity_job_id_t id;

    (void) state;

    assert_false(clarity_job_id_parse(clarity_lit("0-1-2\0"), &id));
    assert_false(clarity_job_id_parse(clarity_lit("0-1\0-2"), &id));
    assert_false(clarity_job_id_parse((clarity_str_t){ NULL, 0 }, &id));

    size = 10 * 1024 * 1024;
    big = malloc(size);
    assert_non_null(big);

    memset(big, '0', size);
    text = (clarity_str_t){ big, size };
    assert_false(clarity_job_id_parse(text, &id));
    assert_false(clarity_job_id_from_entry(text, 0, &id));

    memset(big, '9', size);
    memcpy(big, "0-1-", 4);
    assert_false(clarity_job_id_parse(text, &id));

    free(big);
}


static void
an_id_is_cut_nowhere_before_its_last_number(void **state)
{
    size_t i;
    const char *whole = "12-345-6";
    clarity_str_t text;
    clarity_job_id_t id;

    (void) state;

    for (i = 0; i < strlen(whole); i++) {
        text = exact(whole, i);
        assert_false(clarity_job_id_parse(text, &id));
        free((char *) text.data);
    }
}


static void
an_entry_of_a_shard_makes_the_id(void **state)
{
    char out[CLARITY_JOB_ID_MAX];
    clarity_job_id_t id;

    (void) state;

    assert_true(
        clarity_job_id_from_entry(clarity_lit("1732000000000-12"), 3, &id));
    clarity_job_id_format(&id, out);
    assert_string_equal(out, "3-1732000000000-12");

    assert_false(clarity_job_id_from_entry(clarity_lit("1-2-3"), 3, &id));
    assert_false(clarity_job_id_from_entry(clarity_lit("1"), 3, &id));
    assert_false(clarity_job_id_from_entry(clarity_lit("1-"), 3, &id));
    assert_false(clarity_job_id_from_entry(clarity_lit("1-*"), 3, &id));
}


static void
the_longest_numbers_fit_the_buffers(void **state)
{
    char out[CLARITY_JOB_ID_MAX], entry[CLARITY_ENTRY_ID_MAX];
    clarity_job_id_t id = { UINT32_MAX, UINT64_MAX, UINT64_MAX };

    (void) state;

    assert_int_equal(clarity_job_id_format(&id, out), CLARITY_JOB_ID_MAX - 1);
    assert_int_equal(
        clarity_job_id_entry(&id, entry), CLARITY_ENTRY_ID_MAX - 1);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_read_and_written_the_same),
        cmocka_unit_test(what_is_no_id_is_refused_and_changes_nothing),
        cmocka_unit_test(a_nul_and_ten_megabytes_of_digits_are_refused),
        cmocka_unit_test(an_id_is_cut_nowhere_before_its_last_number),
        cmocka_unit_test(an_entry_of_a_shard_makes_the_id),
        cmocka_unit_test(the_longest_numbers_fit_the_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
