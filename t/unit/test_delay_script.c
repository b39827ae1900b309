/* A job that leaves its stream and comes back: the scripts, in a real Redis. */

#include "t/unit/script_fixture.h"

#include <stdlib.h>

#define DELAYED "{c:0}:delayed"
#define HASHES  "{c:0}:job:"

#define DELAY_KEYS   STREAM " " HASH " " DELAYED
#define PROMOTE_KEYS STREAM " " DELAYED

#define JOB                                                                   \
    " trigger t webhook w context {} received 7 request r state waiting"


static void
delay(const char *entry, const char *job, const char *ms)
{
    char keys[256], args[512];

    snprintf(keys, sizeof(keys), STREAM " " HASHES "%s " DELAYED, job);
    snprintf(args, sizeof(args), GROUP " a %s %s %s" JOB, entry, job, ms);

    assert_integer(run(&clarity_script_delay, keys, args), 1);
}


/* {ms until the next, how many were put back, lost …}; *next if not NULL. */
static void
promote(const char *most, long long count, const char *lost, long long *next)
{
    char args[64];
    size_t i, n;
    char text[256];
    redisReply *reply;

    snprintf(args, sizeof(args), HASHES " %s", most);
    reply = run(&clarity_script_promote, PROMOTE_KEYS, args);

    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }

    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->element[1]->integer, count);

    if (next != NULL) {
        *next = reply->element[0]->integer;
    }

    text[0] = '\0';
    n = 0;

    for (i = 2; i < reply->elements; i++) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s",
            i == 2 ? "" : " ", reply->element[i]->str);
    }

    assert_string_equal(text, lost);
}


static void
a_delayed_job_leaves_the_stream(void **state)
{
    redisReply *reply;
    long long now, due;

    (void) state;

    fill(2, 2);
    command("PEXPIRE " HASH " 1000");

    reply = command("TIME");
    now = atoll(reply->element[0]->str) * 1000
          + atoll(reply->element[1]->str) / 1000;

    delay("1-0", "x", "60000");

    assert_pending("1-0", NULL, 0);
    assert_pending("2-0", "a", 1);
    assert_list(command("HMGET " HASH " state context entry"), "waiting {} ");
    assert_integer(command("PTTL " HASH), -1);

    reply = command("ZSCORE " DELAYED " x");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_null(strpbrk(reply->str, ".e"));
    due = atoll(reply->str);
    assert_in_range(due - now, 60000, 90000);
}


static void
delayed_twice_does_nothing_the_second_time(void **state)
{
    char score[64];

    (void) state;

    fill(1, 1);
    delay("1-0", "x", "60000");
    snprintf(score, sizeof(score), "%s", command("ZSCORE " DELAYED " x")->str);

    assert_integer(run(&clarity_script_delay, DELAY_KEYS,
                       GROUP " a 1-0 x 90000" JOB " more field"),
        0);
    assert_string_equal(command("ZSCORE " DELAYED " x")->str, score);
    assert_integer(command("HEXISTS " HASH " more"), 0);
}


static void
a_zombie_delays_nothing(void **state)
{
    (void) state;

    fill(1, 1);
    command("XAUTOCLAIM " STREAM " " GROUP " b 0 0-0");

    assert_integer(
        run(&clarity_script_delay, DELAY_KEYS, GROUP " a 1-0 x 1" JOB), 0);
    assert_integer(run(&clarity_script_drop, STREAM, GROUP " a 1-0"), 0);

    assert_integer(command("EXISTS " HASH " " DELAYED), 0);
    assert_pending("1-0", "b", 2);
}


static void
what_is_due_comes_back_as_another_entry(void **state)
{
    long long next;
    char entry[64];
    redisReply *reply;

    (void) state;

    fill(2, 2);
    delay("1-0", "x", "0");
    delay("2-0", "y", "60000");
    command("HSET " HASH " traceparent tp");

    promote("100", 1, "", &next);
    assert_in_range(next, 50000, 60000);

    reply = command("XRANGE " STREAM " (2-0 +");
    assert_int_equal(reply->elements, 1);
    snprintf(entry, sizeof(entry), "%s", reply->element[0]->element[0]->str);
    assert_list(reply->element[0]->element[1],
        "job x trigger t webhook w context {} received 7 request r "
        "traceparent tp");

    /* The context is in one place, and the hash knows the entry. */
    assert_integer(command("HEXISTS " HASH " context"), 0);
    assert_string_equal(command("HGET " HASH " trigger")->str, "t");

    assert_string_equal(command("HGET " HASH " entry")->str, entry);

    assert_int_equal(command("ZRANGE " DELAYED " 0 -1")->elements, 1);
    assert_string_equal(last->element[0]->str, "y");

    promote("100", 0, "", &next);
    assert_in_range(next, 50000, 60000);
    assert_integer(command("XLEN " STREAM), 3);
}


static void
nothing_delayed_means_no_next(void **state)
{
    long long next;

    (void) state;

    promote("100", 0, "", &next);
    assert_int_equal(next, -1);
    assert_integer(command("EXISTS " STREAM), 0);
}


static void
a_call_puts_back_a_bounded_number_the_first_due_first(void **state)
{
    long long next;

    (void) state;

    fill(3, 3);
    delay("1-0", "z", "0");
    delay("2-0", "y", "0");
    delay("3-0", "x", "0");
    command("ZADD " DELAYED " 1 y 2 x 3 z");

    promote("2", 2, "", &next);
    assert_int_equal(next, 0);
    assert_string_equal(command("XRANGE " STREAM " (3-0 +")
                            ->element[0]
                            ->element[1]
                            ->element[1]
                            ->str,
        "y");

    promote("2", 1, "", &next);
    assert_int_equal(next, -1);
}


static void
a_job_without_its_hash_is_told_and_holds_up_nobody(void **state)
{
    (void) state;

    fill(4, 4);
    delay("1-0", "w", "0");
    delay("2-0", "x", "0");
    delay("3-0", "y", "0");
    delay("4-0", "z", "0");
    command("DEL " HASHES "w");
    command("HDEL " HASHES "x context");
    command("SET " HASHES "y text");

    promote("100", 1, "w x y", NULL);
    assert_integer(command("EXISTS " DELAYED), 0);
    assert_integer(command("XLEN " STREAM), 5);
}


static void
what_redis_refuses_changes_nothing(void **state)
{
    (void) state;

    fill(2, 2);
    delay("2-0", "y", "0");

    command("SET " HASH " text");
    assert_error(
        run(&clarity_script_delay, DELAY_KEYS, GROUP " a 1-0 x 1" JOB),
        "WRONGTYPE ");
    assert_pending("1-0", "a", 1);
    assert_int_equal(command("ZSCORE " DELAYED " x")->type, REDIS_REPLY_NIL);
    command("DEL " HASH);

    command("CONFIG SET maxmemory 1");
    assert_error(
        run(&clarity_script_delay, DELAY_KEYS, GROUP " a 1-0 x 1" JOB),
        "OOM ");
    assert_error(
        run(&clarity_script_promote, PROMOTE_KEYS, HASHES " 100"), "OOM ");
    command("CONFIG SET maxmemory 0");

    assert_pending("1-0", "a", 1);
    assert_integer(command("EXISTS " HASH), 0);
    assert_integer(command("ZCARD " DELAYED), 1);
    assert_integer(command("HEXISTS " HASHES "y context"), 1);

    command("FLUSHALL");
    assert_error(
        run(&clarity_script_delay, DELAY_KEYS, GROUP " a 1-0 x 1" JOB),
        "NOGROUP ");
    assert_integer(command("DBSIZE"), 0);
}


/* The due time cannot be written: the job must still know its entry. */
static void
a_job_that_cannot_be_delayed_stays_where_it_is(void **state)
{
    (void) state;

    fill(1, 1);
    command("SET " DELAYED " text");

    assert_error(
        run(&clarity_script_delay, DELAY_KEYS, GROUP " a 1-0 x 1" JOB),
        "WRONGTYPE ");
    assert_pending("1-0", "a", 1);
    assert_integer(command("HEXISTS " HASH " entry"), 0);
}


/* The text of a workflow outlives the wait of its run. */
static void
texts_are_kept_as_long_as_somebody_waits(void **state)
{
    long long month = atoll(CLARITY_TEXT_KEPT);

    (void) state;

    assert_integer(
        run(&clarity_script_keep_text, "{c:0}:w", CLARITY_TEXT_KEPT " text"),
        1);
    command("PTTL {c:0}:w");
    assert_in_range(last->integer, month - 10000, month);

    fill(2, 2);
    assert_integer(run(&clarity_script_delay, DELAY_KEYS " {c:0}:w {c:0}:gone",
                       GROUP " a 1-0 x 90000000" JOB),
        1);
    command("PTTL {c:0}:w");
    assert_in_range(last->integer, month + 90000000 - 10000, month + 90000000);
    assert_integer(command("EXISTS {c:0}:gone"), 0);

    /* Neither a shorter wait nor another load shortens it. */
    assert_integer(run(&clarity_script_delay, DELAY_KEYS " {c:0}:w",
                       GROUP " a 2-0 x 1000" JOB),
        1);
    assert_integer(
        run(&clarity_script_keep_text, "{c:0}:w", CLARITY_TEXT_KEPT " more"),
        1);
    command("PTTL {c:0}:w");
    assert_in_range(last->integer, month + 90000000 - 20000, month + 90000000);
    assert_string_equal(command("GET {c:0}:w")->str, "more");
}


static void
drop_acknowledges_and_writes_nothing(void **state)
{
    (void) state;

    fill(2, 2);

    assert_integer(run(&clarity_script_drop, STREAM, GROUP " a 1-0"), 1);
    assert_integer(run(&clarity_script_drop, STREAM, GROUP " a 1-0"), 0);
    assert_pending("1-0", NULL, 0);
    assert_pending("2-0", "a", 1);
    assert_integer(command("EXISTS " HASH), 0);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_delayed_job_leaves_the_stream, empty_redis),
        cmocka_unit_test_setup(
            delayed_twice_does_nothing_the_second_time, empty_redis),
        cmocka_unit_test_setup(a_zombie_delays_nothing, empty_redis),
        cmocka_unit_test_setup(
            what_is_due_comes_back_as_another_entry, empty_redis),
        cmocka_unit_test_setup(nothing_delayed_means_no_next, empty_redis),
        cmocka_unit_test_setup(
            a_call_puts_back_a_bounded_number_the_first_due_first,
            empty_redis),
        cmocka_unit_test_setup(
            a_job_without_its_hash_is_told_and_holds_up_nobody, empty_redis),
        cmocka_unit_test_setup(
            what_redis_refuses_changes_nothing, empty_redis),
        cmocka_unit_test_setup(
            a_job_that_cannot_be_delayed_stays_where_it_is, empty_redis),
        cmocka_unit_test_setup(
            texts_are_kept_as_long_as_somebody_waits, empty_redis),
        cmocka_unit_test_setup(
            drop_acknowledges_and_writes_nothing, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
