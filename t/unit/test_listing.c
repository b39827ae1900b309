/* A page of jobs out of several shards' answers; and what a shard notes. */

#include "t/unit/script_fixture.h"

#include "job/listing.h"
#include "t/unit/oom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STRINGS      64

#define RECENT "{c:0}:recent"


/* An answer, its strings separated by single spaces; "-" is an empty one. */
static clarity_listing_status_t
add(clarity_listing_t *list, const char *answer)
{
    size_t n;
    char text[1024], *word;
    clarity_str_t strings[STRINGS];

    snprintf(text, sizeof(text), "%s", answer);
    n = 0;

    for (word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(n < STRINGS);
        strings[n++] = clarity_str(strcmp(word, "-") == 0 ? "" : word);
    }

    return clarity_listing_add(list, strings, n);
}


/* "ids next", as far as they are. */
static void
assert_page(clarity_listing_t *list, const char *expected)
{
    char text[1024], id[CLARITY_JOB_ID_MAX];
    size_t i, n;
    const char *next;
    clarity_buf_t buf = { 0 };

    n = 0;

    for (i = 0; i < list->n; i++) {
        clarity_job_id_format(&list->jobs[i].at.id, id);
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s ", id);
    }

    clarity_listing_write(list, &buf);
    clarity_buf_add(&buf, clarity_lit("\0"));
    assert_false(buf.failed);

    next = strstr(buf.data, "],\"next\":") + strlen("],\"next\":");
    snprintf(text + n, sizeof(text) - n, "%.*s", (int) strlen(next) - 1, next);
    assert_string_equal(text, expected);

    clarity_buf_free(&buf);
}


/* A job of a shard whose key is the rest of its id. */
#define JOB(shard, key) " " key " " shard "-" key " succeeded t w - 7 -"
#define DONE            "- -"


static void
a_job_is_shown_without_its_runs(void **state)
{
    clarity_buf_t buf = { 0 };
    clarity_listing_t list;

    (void) state;

    clarity_listing_init(&list, CLARITY_LISTING_WAITING, 50);
    assert_int_equal(
        add(&list, DONE " 1732000005000 0-1732000000000-3 waiting t \"w\" a<b"
                        " 1732000000123 1732000005000"),
        CLARITY_LISTING_OK);
    clarity_listing_write(&list, &buf);
    clarity_buf_add(&buf, clarity_lit("\0"));
    assert_string_equal(buf.data,
        "{\"jobs\":[{\"job_id\":\"0-1732000000000-3\",\"trigger\":\"t\","
        "\"webhook\":\"\\\"w\\\"\",\"state\":\"waiting\",\"reason\":\"a<b\","
        "\"received_at\":\"2024-11-19T07:06:40.123Z\",\"next_at\":"
        "\"2024-11-19T07:06:45.000Z\"}],\"next\":null}");

    clarity_buf_free(&buf);
    clarity_listing_free(&list);
}


static void
several_shards_are_one_list(void **state)
{
    size_t i, k;
    clarity_listing_t list;

    static const struct {
        clarity_listing_which_t which;
        size_t limit;
        const char *answers[3];
        const char *expected;
    } cases[] = {
        { CLARITY_LISTING_ALL, 9, { DONE, DONE, DONE }, "null" },
        { CLARITY_LISTING_ALL, 9,
            { DONE JOB("0", "9-0") JOB("0", "5-1"), DONE,
                DONE JOB("2", "9-1") JOB("2", "5-1") JOB("2", "1-0") },
            "2-9-1 0-9-0 0-5-1 2-5-1 2-1-0 null" },
        /* No more than the limit, and on from the last one. */
        { CLARITY_LISTING_ALL, 3,
            { DONE JOB("0", "9-0") JOB("0", "5-1"), DONE JOB("1", "7-0"),
                DONE JOB("2", "9-1") JOB("2", "5-1") },
            "2-9-1 0-9-0 1-7-0 \"7-0.1-7-0\"" },
        /* A shard that has stopped early hides what comes after that. */
        { CLARITY_LISTING_SUCCEEDED, 9,
            { DONE JOB("0", "9-0") JOB("0", "5-1"), "6-0 1-6-0",
                "5-1 2-5-1" JOB("2", "5-1") },
            "0-9-0 \"6-0.1-6-0\"" },
        /* Equal ones of shards after it too, of those before it not. */
        { CLARITY_LISTING_SUCCEEDED, 9,
            { DONE JOB("0", "6-0"), "6-0 1-6-0", DONE JOB("2", "6-0") },
            "0-6-0 \"6-0.1-6-0\"" },
        { CLARITY_LISTING_SUCCEEDED, 9, { "6-0 0-6-0", "9-0 1-9-0", DONE },
            "\"9-0.1-9-0\"" },
        { CLARITY_LISTING_RUNNING, 2,
            { DONE JOB("0", "4-0"), DONE JOB("1", "3-0") JOB("1", "6-0"),
                "2-0 2-2-0" JOB("2", "2-0") },
            "2-2-0 \"2-0.2-2-0\"" },
        { CLARITY_LISTING_WAITING, 3,
            { DONE " 5 0-9-0 waiting t w - 7 5", DONE,
                DONE " 5 2-9-9 waiting t w - 7 5 5 2-1-0 waiting t w - 7 5"
                     " 6 2-2-0 waiting t w - 7 6" },
            "0-9-0 2-9-9 2-1-0 \"5.2-1-0\"" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        clarity_listing_init(&list, cases[i].which, cases[i].limit);

        for (k = 0; k < COUNT(cases[i].answers); k++) {
            assert_int_equal(
                add(&list, cases[i].answers[k]), CLARITY_LISTING_OK);
        }

        assert_page(&list, cases[i].expected);
        clarity_listing_free(&list);
    }
}


/* start, whether that one itself is to be seen, and its job. */
static void
assert_call(const clarity_listing_t *list, unsigned shard, const char *start,
    const char *from_it, const char *at)
{
    clarity_listing_call_t call;

    clarity_listing_call(&call, list, clarity_lit("c"), shard);

    assert_string_equal(call.argv[CLARITY_LISTING_ARGS - 3].data, start);
    assert_string_equal(call.argv[CLARITY_LISTING_ARGS - 2].data, from_it);
    assert_string_equal(call.argv[CLARITY_LISTING_ARGS - 1].data, at);
}


static void
each_shard_goes_on_where_the_page_ended(void **state)
{
    clarity_listing_t list;

    (void) state;

    clarity_listing_init(&list, CLARITY_LISTING_ALL, 50);
    assert_call(&list, 0, "", "0", "");

    assert_true(clarity_listing_after(&list, clarity_lit("7-1.1-7-1")));
    assert_call(&list, 0, "7-1", "0", "1-7-1");
    assert_call(&list, 1, "7-1", "0", "1-7-1");
    assert_call(&list, 2, "7-1", "1", "1-7-1");
    clarity_listing_free(&list);

    clarity_listing_init(&list, CLARITY_LISTING_WAITING, 50);
    assert_true(clarity_listing_after(&list, clarity_lit("7.1-3-1")));
    assert_call(&list, 0, "7", "0", "1-3-1");
    assert_call(&list, 1, "7", "1", "1-3-1");
    assert_call(&list, 2, "7", "1", "1-3-1");
    clarity_listing_free(&list);
}


static void
what_is_no_answer_is_found(void **state)
{
    size_t i;
    clarity_listing_t list;

    static const char *const answers[] = { "", "-", "- - 1-0",
        DONE " x 0-1-0 failed t w - 7 -", DONE " 1-0 0-1 failed t w - 7 -",
        DONE " 1-0 0-1-0 lost t w - 7 -", "x 0-1-0", "1-0 x" };

    (void) state;

    for (i = 0; i < COUNT(answers); i++) {
        clarity_listing_init(&list, CLARITY_LISTING_FAILED, 50);
        assert_int_equal(add(&list, answers[i]), CLARITY_LISTING_UNREADABLE);
        clarity_listing_free(&list);
    }
}


static void
states_have_lists(void **state)
{
    clarity_listing_which_t which;

    (void) state;

    assert_true(clarity_listing_which(clarity_lit(""), &which));
    assert_int_equal(which, CLARITY_LISTING_ALL);
    assert_true(clarity_listing_which(clarity_lit("cancelled"), &which));
    assert_int_equal(which, CLARITY_LISTING_CANCELLED);
    assert_false(clarity_listing_which(clarity_lit("skipped"), &which));
    assert_false(clarity_listing_which(clarity_lit("pending"), &which));
    assert_false(clarity_listing_which(clarity_lit("Failed"), &which));
}


static void
out_of_memory_is_told(void **state)
{
    bool done;
    int n;
    clarity_buf_t buf;
    clarity_listing_t list;
    clarity_listing_status_t status;

    (void) state;
    OOM_OR_SKIP();

    for (n = 0, done = false; !done; n++) {
        memset(&buf, 0, sizeof(buf));
        clarity_listing_init(&list, CLARITY_LISTING_ALL, 1);

        oom_after = n;
        status = add(&list, DONE JOB("0", "9-0") JOB("0", "5-1"));
        clarity_listing_write(&list, &buf);
        oom_after = -1;

        done = status == CLARITY_LISTING_OK && !buf.failed;
        assert_true(done || status == CLARITY_LISTING_NO_MEMORY || buf.failed);
        clarity_buf_free(&buf);
        clarity_listing_free(&list);
    }

    assert_true(n > 2);
}


static void
an_ended_job_is_noted_among_the_recent(void **state)
{
    (void) state;

    fill(3, 3);
    assert_integer(run(&clarity_script_finish, STREAM " {c:0}:job:0-17-3",
                       GROUP " a 1-0 1000 state succeeded"),
        1);
    assert_integer(run(&clarity_script_finish, STREAM " {c:0}:job:0-9-12",
                       GROUP " a 2-0 1000 state succeeded"),
        1);
    assert_integer(
        run(&clarity_script_fail, STREAM " {c:0}:job:0-17-3 {c:0}:failed",
            GROUP " a 3-0 1000 0-17-3 0 state failed"),
        1);

    assert_list(command("ZRANGE " RECENT " 0 -1"),
        "00000000000000000009-00000000000000000012 "
        "00000000000000000017-00000000000000000003");
}


/* What hinders the list hinders no job; and it does not grow for ever. */
static void
the_list_of_recent_jobs_is_bounded(void **state)
{
    (void) state;

    fill(2, 2);
    command("SET " RECENT " x");
    assert_integer(run(&clarity_script_finish, STREAM " {c:0}:job:0-17-3",
                       GROUP " a 1-0 1000 state succeeded"),
        1);
    command("DEL " RECENT);

    command("EVAL %s 0",
        "for i = 1, 10005 do redis.call('ZADD', '" RECENT "', 0, "
        "string.format('%020d-', i) .. ('0'):rep(20)) end");
    assert_integer(run(&clarity_script_finish, STREAM " {c:0}:job:0-99900-1",
                       GROUP " a 2-0 1000 state succeeded"),
        1);

    assert_integer(command("ZCARD " RECENT), 10000);
    assert_list(command("ZREVRANGE " RECENT " 0 0"),
        "00000000000000099900-00000000000000000001");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_shown_without_its_runs),
        cmocka_unit_test(several_shards_are_one_list),
        cmocka_unit_test(each_shard_goes_on_where_the_page_ended),
        cmocka_unit_test(what_is_no_answer_is_found),
        cmocka_unit_test(states_have_lists),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test_setup(
            an_ended_job_is_noted_among_the_recent, empty_redis),
        cmocka_unit_test_setup(
            the_list_of_recent_jobs_is_bounded, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
