/* What people do with jobs by hand: the scripts, in a real Redis. */

#include "t/unit/script_fixture.h"

#include "job/hand_script.h"

#define DELAYED "{c:0}:delayed"
#define FAILED  "{c:0}:failed"

#define JOB " trigger t webhook w context {} received 7 request r"


/* The entry of the failed stream that it has now, copied. */
static void
fail_job(const char *entry, char failed[64])
{
    char args[512];

    snprintf(args, sizeof(args),
        GROUP " a %s 60000 x 0" JOB " state failed reason why step:w:s {}",
        entry);
    assert_integer(
        run(&clarity_script_fail, STREAM " " HASH " " FAILED, args), 1);

    command("HGET " HASH " failed");
    assert_int_equal(last->type, REDIS_REPLY_STRING);
    snprintf(failed, 64, "%s", last->str);
}


static void
assert_retry(const char *failed, const char *rest, long long expected)
{
    char args[512];

    snprintf(args, sizeof(args), "%s x %s", failed, rest);
    assert_integer(
        run(&clarity_script_retry, STREAM " " HASH " " FAILED, args),
        expected);
}


static void
a_failed_job_is_listed_and_keeps_what_a_retry_needs(void **state)
{
    char failed[64];

    (void) state;

    fill(2, 2);
    fail_job("1-0", failed);

    assert_pending("1-0", NULL, 0);
    assert_pending("2-0", "a", 1);
    assert_list(command("HMGET " HASH " state context"), "failed {}");
    command("PTTL " HASH);
    assert_in_range(last->integer, 50000, 60000);

    command("XRANGE " FAILED " - +");
    assert_int_equal(last->elements, 1);
    assert_string_equal(last->element[0]->element[0]->str, failed);
    assert_list(
        last->element[0]->element[1], "job x trigger t webhook w reason why");

    assert_integer(run(&clarity_script_fail, STREAM " " HASH " " FAILED,
                       GROUP " a 1-0 60000 x 0 state failed"),
        0);
    assert_integer(command("XLEN " FAILED), 1);
}


/* Where somebody wants to know: once, for the second call owns nothing. */
static void
a_failed_job_makes_another_that_tells_of_it(void **state)
{
    int i;

    (void) state;

    fill(1, 1);

    for (i = 0; i < 2; i++) {
        assert_integer(run(&clarity_script_fail, STREAM " " HASH " " FAILED,
                           GROUP " a 1-0 60000 x 4 trigger f context {}"
                                 " state failed reason why"),
            1 - i);
    }

    command("XREVRANGE " STREAM " + - COUNT 2");
    assert_int_equal(last->elements, 2);
    assert_list(last->element[0]->element[1], "trigger f context {}");
    assert_list(command("HMGET " HASH " state reason"), "failed why");
    assert_integer(command("HEXISTS " HASH " trigger"), 0);
}


static void
the_failed_stream_forgets_what_has_no_hash_any_more(void **state)
{
    int i;
    char failed[64];

    (void) state;

    fill(2, 2);

    for (i = 1; i <= 12; i++) {
        command("XADD " FAILED " %d-0 job old", i);
    }

    fail_job("1-0", failed);
    assert_integer(command("XLEN " FAILED), 3);
    fail_job("2-0", failed);
    assert_integer(command("XLEN " FAILED), 2);
}


/* Without waiting for another that fails; the oldest first, some a call. */
static void
what_was_kept_long_enough_is_forgotten(void **state)
{
    char failed[64];

    (void) state;

    fill(1, 1);
    assert_integer(run(&clarity_script_forget, FAILED, "{c:0}:job: 100"), 0);

    command("XADD " FAILED " * job gone-1");
    command("XADD " FAILED " * job gone-2");
    command("XADD " FAILED " * trigger t");
    fail_job("1-0", failed);
    command("XADD " FAILED " * job gone-too");

    assert_integer(run(&clarity_script_forget, FAILED, "{c:0}:job: 2"), 2);
    assert_integer(run(&clarity_script_forget, FAILED, "{c:0}:job: 2"), 1);
    assert_integer(run(&clarity_script_forget, FAILED, "{c:0}:job: 2"), 0);
    command("XRANGE " FAILED " - +");
    assert_int_equal(last->elements, 2);
    assert_string_equal(last->element[0]->element[0]->str, failed);

    command("DEL " HASH);
    assert_integer(run(&clarity_script_forget, FAILED, "{c:0}:job: 9"), 2);
    assert_integer(command("XLEN " FAILED), 0);

    command("SET " FAILED " x");
    assert_error(
        run(&clarity_script_forget, FAILED, "{c:0}:job: 9"), "WRONGTYPE");
}


static void
a_retry_puts_the_job_back(void **state)
{
    char failed[64];

    (void) state;

    fill(1, 1);
    fail_job("1-0", failed);
    command("HSET " HASH " cancel 1 addr me");

    assert_retry("9-9", "0", 0);
    assert_retry(failed, "2 run:w again step:w:s", 1);

    assert_list(command("HMGET " HASH " state reason run:w"), "queued  again");
    assert_integer(command("PTTL " HASH), -1);
    assert_integer(command("XLEN " FAILED), 0);

    command("HMGET " HASH " context failed cancel step:w:s");
    assert_int_equal(last->element[0]->type, REDIS_REPLY_NIL);
    assert_int_equal(last->element[1]->type, REDIS_REPLY_NIL);
    assert_int_equal(last->element[2]->type, REDIS_REPLY_NIL);
    assert_int_equal(last->element[3]->type, REDIS_REPLY_NIL);

    command("XRANGE " STREAM " (1-0 +");
    assert_int_equal(last->elements, 1);
    assert_list(last->element[0]->element[1],
        "job x trigger t webhook w context {} received 7 request r addr me");

    assert_retry(failed, "0", 0);
    assert_integer(command("XLEN " STREAM), 2);
}


static void
what_was_erased_is_not_retried(void **state)
{
    char failed[64];

    (void) state;

    fill(1, 1);
    fail_job("1-0", failed);
    command("HDEL " HASH " context");

    assert_retry(failed, "2 run:w again", -1);
    assert_list(command("HMGET " HASH " state"), "failed");
    assert_integer(command("XLEN " STREAM), 1);
}


static void
a_retry_that_redis_refuses_changes_nothing(void **state)
{
    char failed[64], args[256];

    (void) state;

    fill(1, 1);
    fail_job("1-0", failed);
    snprintf(args, sizeof(args), "%s x 2 run:w again", failed);

    command("CONFIG SET maxmemory 1");
    assert_error(
        run(&clarity_script_retry, STREAM " " HASH " " FAILED, args), "OOM ");
    command("CONFIG SET maxmemory 0");

    snprintf(args, sizeof(args), "failed %s", failed);
    assert_list(command("HMGET " HASH " state failed"), args);
    assert_integer(command("XLEN " FAILED), 1);
}


static void
a_delayed_job_is_cancelled_as_it_was_seen(void **state)
{
    (void) state;

    command("HSET " HASH JOB " state waiting entry 1-0");
    command("ZADD " DELAYED " 5000 x 6000 y");

    assert_integer(run(&clarity_script_cancel_delayed, HASH " " DELAYED,
                       "x 4000 60000 state cancelled"),
        0);
    assert_list(command("HMGET " HASH " state"), "waiting");

    assert_integer(run(&clarity_script_cancel_delayed, HASH " " DELAYED,
                       "x 5000 60000 state cancelled run:w gone"),
        1);
    assert_list(command("HMGET " HASH " state run:w"), "cancelled gone");
    assert_integer(command("HEXISTS " HASH " context"), 0);
    command("PTTL " HASH);
    assert_in_range(last->integer, 50000, 60000);
    assert_list(command("ZRANGE " DELAYED " 0 -1"), "y");

    assert_integer(run(&clarity_script_cancel_delayed, HASH " " DELAYED,
                       "x 5000 60000 state cancelled"),
        0);
}


static void
a_delayed_job_is_put_back_to_be_cancelled(void **state)
{
    static const char keys[] = STREAM " " HASH " " DELAYED;

    (void) state;

    command("HSET " HASH JOB " state waiting entry 1-0");
    command("ZADD " DELAYED " 5000 x 6000 y 7000 z");

    assert_integer(run(&clarity_script_cancel_back, keys, "x 4000"), 0);
    assert_integer(command("XLEN " STREAM), 0);
    assert_list(command("HMGET " HASH " state"), "waiting");

    assert_integer(run(&clarity_script_cancel_back, keys, "x 5000"), 1);
    assert_integer(command("XLEN " STREAM), 1);
    assert_list(command("HMGET " HASH " state cancel"), "queued 1");
    assert_integer(command("HEXISTS " HASH " context"), 0);
    assert_list(command("ZRANGE " DELAYED " 0 -1"), "y z");

    /* without its context it cannot come back */
    assert_integer(run(&clarity_script_cancel_back, keys, "y 6000"), -1);
    assert_integer(command("XLEN " STREAM), 1);
    assert_list(command("ZRANGE " DELAYED " 0 -1"), "y z");
}


static void
a_worker_is_told_of_a_wish_with_its_next_write(void **state)
{
    (void) state;

    fill(2, 1);

    assert_integer(run(&clarity_script_cancel, HASH " " DELAYED, "x"), 1);
    assert_integer(run(&clarity_script_record, STREAM " " HASH,
                       GROUP " a 1-0 state running"),
        2);
    assert_list(command("HMGET " HASH " state"), "running");

    assert_integer(run(&clarity_script_delay, STREAM " " HASH " " DELAYED,
                       GROUP " a 1-0 x 1000 state waiting"),
        2);
    assert_list(command("HMGET " HASH " state"), "running");
    assert_pending("1-0", "a", 1);
    assert_integer(command("EXISTS " DELAYED), 0);

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 1000 state cancelled"),
        1);
    assert_integer(run(&clarity_script_cancel, HASH " " DELAYED, "x"), 0);

    command("HSET " HASH " state waiting");
    command("ZADD " DELAYED " 1 x");
    assert_integer(run(&clarity_script_cancel, HASH " " DELAYED, "x"), -1);
}


static void
assert_erase(const char *entry, long long expected)
{
    char args[128];

    snprintf(args, sizeof(args), GROUP " %s", entry);
    assert_integer(
        run(&clarity_script_erase, STREAM " " HASH " " FAILED, args),
        expected);
}


static void
what_is_erased_is_gone_everywhere(void **state)
{
    char failed[64];

    (void) state;

    fill(5, 3);
    fail_job("1-0", failed);
    command("XADD " FAILED " * job other");
    command("XACK " STREAM " " GROUP " 2-0 3-0");

    assert_erase("1-0", 1);
    assert_integer(command("EXISTS " HASH), 0);
    assert_integer(command("XLEN " FAILED), 1);
    assert_first_entry("4-0");

    command("XREADGROUP GROUP " GROUP " a STREAMS " STREAM " >");
    command("XACK " STREAM " " GROUP " 4-0 5-0");
    command("HSET " HASH " state succeeded step:w:s x entry 5-0");
    assert_erase("1-0", 1);
    assert_integer(command("XLEN " STREAM), 0);

    /* It still gives out greater ids, and to this group. */
    command("XADD " STREAM " 6-0 f v");
    command("XREADGROUP GROUP " GROUP " a STREAMS " STREAM " >");
    assert_int_equal(last->type, REDIS_REPLY_ARRAY);
}


static void
an_entry_behind_one_in_hand_stays_for_now(void **state)
{
    (void) state;

    fill(3, 3);
    command("XACK " STREAM " " GROUP " 2-0");
    command("HSET " HASH JOB " state succeeded entry 2-0 step:w:s x run:w y");

    assert_erase("1-0", 0);
    assert_list(command("HKEYS " HASH),
        "trigger webhook received request state entry run:w");
    assert_pending("1-0", "a", 1);
    assert_integer(command("XLEN " STREAM), 3);

    command("XACK " STREAM " " GROUP " 1-0");
    assert_erase("1-0", 1);
    assert_first_entry("3-0");
}


static void
only_what_has_ended_is_erased(void **state)
{
    (void) state;

    fill(1, 1);
    assert_erase("1-0", -2);

    command("HSET " HASH JOB " state waiting");
    assert_erase("1-0", -1);
    assert_integer(command("HEXISTS " HASH " context"), 1);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_failed_job_is_listed_and_keeps_what_a_retry_needs, empty_redis),
        cmocka_unit_test_setup(
            the_failed_stream_forgets_what_has_no_hash_any_more, empty_redis),
        cmocka_unit_test_setup(
            a_failed_job_makes_another_that_tells_of_it, empty_redis),
        cmocka_unit_test_setup(
            what_was_kept_long_enough_is_forgotten, empty_redis),
        cmocka_unit_test_setup(a_retry_puts_the_job_back, empty_redis),
        cmocka_unit_test_setup(what_was_erased_is_not_retried, empty_redis),
        cmocka_unit_test_setup(
            a_retry_that_redis_refuses_changes_nothing, empty_redis),
        cmocka_unit_test_setup(
            a_delayed_job_is_cancelled_as_it_was_seen, empty_redis),
        cmocka_unit_test_setup(
            a_delayed_job_is_put_back_to_be_cancelled, empty_redis),
        cmocka_unit_test_setup(
            a_worker_is_told_of_a_wish_with_its_next_write, empty_redis),
        cmocka_unit_test_setup(what_is_erased_is_gone_everywhere, empty_redis),
        cmocka_unit_test_setup(
            an_entry_behind_one_in_hand_stays_for_now, empty_redis),
        cmocka_unit_test_setup(only_what_has_ended_is_erased, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
