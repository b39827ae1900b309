/* The scripts, run by a real Redis. */

#include "t/unit/script_fixture.h"

#define MARK "{c:0}:mark"

static void
record_sets_the_fields_for_the_owner(void **state)
{
    (void) state;

    fill(1, 1);

    assert_integer(run(&clarity_script_record, STREAM " " HASH,
                       GROUP " a 1-0 state running step 1"),
        1);
    assert_list(command("HMGET " HASH " state step"), "running 1");
    assert_integer(command("PTTL " HASH), -1);
    assert_pending("1-0", "a", 1);
}


static void
finish_sets_the_fields_and_the_ttl_and_acknowledges(void **state)
{
    (void) state;

    fill(2, 2);

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 60000 state succeeded"),
        1);
    assert_list(command("HMGET " HASH " state"), "succeeded");

    command("PTTL " HASH);
    assert_in_range(last->integer, 50000, 60000);

    assert_pending("1-0", NULL, 0);
    assert_pending("2-0", "a", 1);
}


static void
finish_twice_does_nothing_the_second_time(void **state)
{
    (void) state;

    fill(1, 1);

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 60000 state succeeded"),
        1);
    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 60000 state failed"),
        0);
    assert_list(command("HMGET " HASH " state"), "succeeded");
}


/* It was stopped past its lease; b took the entry over meanwhile. */
static void
a_zombie_changes_nothing(void **state)
{
    (void) state;

    fill(1, 1);
    command("XAUTOCLAIM " STREAM " " GROUP " b 0 0-0");
    assert_pending("1-0", "b", 2);

    assert_integer(run(&clarity_script_record, STREAM " " HASH,
                       GROUP " a 1-0 state running"),
        0);
    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 60000 state failed"),
        0);
    assert_list(run(&clarity_script_beat, STREAM, GROUP " a 1-0"), "1-0");
    assert_integer(
        run(&clarity_script_release, STREAM " " HASH, GROUP " a 1-0 100000"),
        0);

    assert_integer(command("EXISTS " HASH), 0);
    assert_pending("1-0", "b", 2);
    assert_true(idle_of("1-0") < 50000);

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " b 1-0 60000 state succeeded"),
        1);
}


static void
an_entry_that_was_not_delivered_has_no_owner(void **state)
{
    (void) state;

    fill(2, 1);

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 2-0 60000 state failed"),
        0);
    assert_integer(run(&clarity_script_record, STREAM " " HASH,
                       GROUP " a 3-0 state failed"),
        0);
    assert_list(
        run(&clarity_script_beat, STREAM, GROUP " a 2-0 3-0"), "2-0 3-0");
    assert_integer(command("EXISTS " HASH), 0);
}


static void
a_name_that_another_begins_with_is_not_the_owner(void **state)
{
    (void) state;

    fill(1, 1);
    command("XCLAIM " STREAM " " GROUP " ab 0 1-0");

    assert_integer(run(&clarity_script_finish, STREAM " " HASH,
                       GROUP " a 1-0 60000 state failed"),
        0);
}


static void
beat_renews_those_owned_and_names_the_others(void **state)
{
    (void) state;

    fill(4, 4);
    command("XCLAIM " STREAM " " GROUP " a 0 1-0 2-0 3-0 IDLE 60000 JUSTID");
    command("XCLAIM " STREAM " " GROUP " b 0 2-0 IDLE 60000 JUSTID");
    command("XACK " STREAM " " GROUP " 3-0");

    assert_list(run(&clarity_script_beat, STREAM, GROUP " a 1-0 2-0 3-0 4-0"),
        "2-0 3-0");

    assert_true(idle_of("1-0") < 30000);
    assert_true(idle_of("2-0") >= 60000);

    /* A beat is no delivery. */
    assert_pending("1-0", "a", 1);
    assert_pending("4-0", "a", 1);

    assert_list(run(&clarity_script_beat, STREAM, GROUP " a"), "");
}


static void
beat_names_an_entry_that_is_gone_from_the_stream(void **state)
{
    (void) state;

    fill(2, 2);
    command("XDEL " STREAM " 1-0");

    assert_list(run(&clarity_script_beat, STREAM, GROUP " a 1-0 2-0"), "1-0");
}


static void
a_released_entry_is_found_by_the_next_take_over(void **state)
{
    (void) state;

    fill(3, 3);
    command("XCLAIM " STREAM " " GROUP " b 0 2-0 JUSTID");

    assert_integer(
        run(&clarity_script_release, STREAM " " HASH, GROUP " a 2-0 3600000"),
        0);
    assert_integer(command("EXISTS " HASH), 0);

    assert_integer(
        run(&clarity_script_release, STREAM " " HASH, GROUP " a 1-0 3600000"),
        1);
    assert_list(command("HMGET " HASH " released"), "1");
    assert_pending("1-0", "a", 1);
    assert_true(idle_of("1-0") >= 3600000);
    assert_true(idle_of("2-0") < 30000);

    command("XAUTOCLAIM " STREAM " " GROUP " c 3600000 0-0 JUSTID");
    assert_list(last->element[1], "1-0");
}


static void
trim_drops_what_is_acknowledged(void **state)
{
    (void) state;

    fill(10, 10);
    command("XACK " STREAM " " GROUP " 1-0 2-0 3-0 5-0");

    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 3);
    assert_first_entry("4-0");
    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 0);

    command("XACK " STREAM " " GROUP " 4-0");
    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 2);
    assert_first_entry("6-0");
}


static void
trim_keeps_the_last_delivered_where_nothing_is_pending(void **state)
{
    (void) state;

    fill(10, 7);
    command("XACK " STREAM " " GROUP " 1-0 2-0 3-0 4-0 5-0 6-0 7-0");

    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 6);
    assert_first_entry("7-0");
    assert_integer(command("XLEN " STREAM), 4);
}


static void
trim_never_drops_what_was_not_delivered(void **state)
{
    (void) state;

    fill(10, 0);
    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 0);
    assert_integer(command("XLEN " STREAM), 10);

    command("XGROUP CREATE " STREAM " another 0");
    command("XREADGROUP GROUP another a STREAMS " STREAM " >");
    command("XGROUP CREATE " STREAM " zealous 0");
    command("XREADGROUP GROUP zealous a STREAMS " STREAM " >");
    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 0);
    assert_integer(command("XLEN " STREAM), 10);
}


static void
trim_never_drops_what_is_pending(void **state)
{
    (void) state;

    fill(10, 10);
    command("XACK " STREAM " " GROUP " 2-0 3-0 4-0 5-0 6-0 7-0 8-0 9-0 10-0");

    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 0);
    assert_integer(command("XLEN " STREAM), 10);
}


static void
trim_keeps_what_a_group_set_back_is_to_read_again(void **state)
{
    (void) state;

    fill(10, 10);
    command("XACK " STREAM " " GROUP " 1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0");
    command("XGROUP SETID " STREAM " " GROUP " 2-0");

    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 1);
    assert_first_entry("2-0");
}


/* As text 9 is after 10, and 2^53 + 1 is no double. */
static void
trim_compares_ids_as_the_numbers_that_they_are(void **state)
{
    size_t i;
    int pending_first;

    static const struct {
        const char *low, *high;
    } ids[] = {
        { "9-5", "10-1" },
        { "10-9", "10-10" },
        { "9007199254740992-0", "9007199254740993-0" },
        { "1-9007199254740992", "1-9007199254740993" },
        { "18446744073709551614-18446744073709551615",
            "18446744073709551615-18446744073709551614" },
    };

    (void) state;

    for (i = 0; i < 2 * sizeof(ids) / sizeof(ids[0]); i++) {
        const char *low = ids[i / 2].low, *high = ids[i / 2].high;

        pending_first = i % 2;

        command("FLUSHALL");
        command("XGROUP CREATE " STREAM " " GROUP " 0 MKSTREAM");
        command("XADD " STREAM " 1-0 f v");
        command("XADD " STREAM " %s f v", low);
        command("XADD " STREAM " %s f v", high);
        command("XREADGROUP GROUP " GROUP " a STREAMS " STREAM " >");
        command(
            "XACK " STREAM " " GROUP " 1-0 %s", pending_first ? high : low);
        command("XGROUP SETID " STREAM " " GROUP " %s",
            pending_first ? high : low);

        assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 1);
        assert_first_entry(low);
    }
}


/* With all that was finished before the last trim acknowledged for good. */
static void
a_group_that_is_made_anew_begins_after_the_mark(void **state)
{
    (void) state;

    fill(6, 4);
    command("XACK " STREAM " " GROUP " 1-0 2-0 4-0");
    run(&clarity_script_trim, STREAM " " MARK, GROUP);
    assert_string_equal(command("GET " MARK)->str, "2-0");

    command("XGROUP DESTROY " STREAM " " GROUP);
    assert_string_equal(
        run(&clarity_script_group, STREAM " " MARK, GROUP)->str, "2-0");
    command("XREADGROUP GROUP " GROUP " a STREAMS " STREAM " >");
    assert_int_equal(last->element[0]->element[1]->elements, 4);

    command("XACK " STREAM " " GROUP " 3-0 4-0 5-0 6-0");
    run(&clarity_script_trim, STREAM " " MARK, GROUP);
    assert_string_equal(command("GET " MARK)->str, "6-0");

    command("XGROUP DESTROY " STREAM " " GROUP);
    assert_string_equal(
        run(&clarity_script_group, STREAM " " MARK, GROUP)->str, "6-0");
    assert_error(
        run(&clarity_script_group, STREAM " " MARK, GROUP), "BUSYGROUP ");
}


static void
a_mark_of_another_stream_does_not_count(void **state)
{
    (void) state;

    command("SET " MARK " 10-0");
    assert_string_equal(
        run(&clarity_script_group, STREAM " " MARK, GROUP)->str, "0-0");

    command("DEL " STREAM);
    command("XADD " STREAM " 9-5 f v");
    assert_string_equal(
        run(&clarity_script_group, STREAM " " MARK, GROUP)->str, "0-0");
    command("XREADGROUP GROUP " GROUP " a STREAMS " STREAM " >");
    assert_int_equal(last->element[0]->element[1]->elements, 1);

    command("FLUSHALL");
    command("SET " STREAM " text");
    assert_error(
        run(&clarity_script_group, STREAM " " MARK, GROUP), "WRONGTYPE ");
}


static void
sweep_deletes_who_is_gone_and_owns_nothing(void **state)
{
    (void) state;

    fill(2, 1);
    command("XGROUP CREATECONSUMER " STREAM " " GROUP " b");

    assert_integer(run(&clarity_script_sweep, STREAM, GROUP " 60000"), 0);
    assert_integer(run(&clarity_script_sweep, STREAM, GROUP " -1"), 1);

    command("XINFO CONSUMERS " STREAM " " GROUP);
    assert_int_equal(last->elements, 1);
    assert_string_equal(last->element[0]->element[1]->str, "a");
    assert_pending("1-0", "a", 1);
}


/* Memory must be freed for the mark to have room. */
static void
trim_works_where_memory_is_out(void **state)
{
    (void) state;

    fill(10, 10);
    command("XACK " STREAM " " GROUP " 1-0 2-0 3-0");

    command("CONFIG SET maxmemory 1");
    assert_integer(run(&clarity_script_trim, STREAM " " MARK, GROUP), 3);
    command("CONFIG SET maxmemory 0");
    assert_first_entry("4-0");
}


static void
a_missing_group_is_an_error_and_not_a_lost_job(void **state)
{
    int missing_key;

    (void) state;

    for (missing_key = 0; missing_key < 2; missing_key++) {
        command("FLUSHALL");

        if (!missing_key) {
            command("XADD " STREAM " 1-0 f v");
        }

        assert_error(run(&clarity_script_record, STREAM " " HASH,
                         GROUP " a 1-0 state running"),
            "NOGROUP ");
        assert_error(run(&clarity_script_finish, STREAM " " HASH,
                         GROUP " a 1-0 60000 state failed"),
            "NOGROUP ");
        assert_error(
            run(&clarity_script_beat, STREAM, GROUP " a 1-0"), "NOGROUP ");
        assert_error(
            run(&clarity_script_release, STREAM " " HASH, GROUP " a 1-0 1"),
            "NOGROUP ");
        assert_error(
            run(&clarity_script_trim, STREAM " " MARK, GROUP), "NOGROUP ");
    }
}


static void
a_write_that_fails_leaves_the_job_pending(void **state)
{
    (void) state;

    fill(1, 1);

    command("SET " HASH " text");
    assert_error(run(&clarity_script_finish, STREAM " " HASH,
                     GROUP " a 1-0 60000 state succeeded"),
        "WRONGTYPE ");
    assert_pending("1-0", "a", 1);
    command("DEL " HASH);

    command("CONFIG SET maxmemory 1");
    assert_error(run(&clarity_script_record, STREAM " " HASH,
                     GROUP " a 1-0 state running"),
        "OOM ");
    assert_error(run(&clarity_script_finish, STREAM " " HASH,
                     GROUP " a 1-0 60000 state succeeded"),
        "OOM ");
    command("CONFIG SET maxmemory 0");
    assert_pending("1-0", "a", 1);

    assert_error(run(&clarity_script_finish, STREAM " " HASH,
                     GROUP " a 1-0 60000 field-without-value"),
        "ERR ");
    assert_pending("1-0", "a", 1);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            record_sets_the_fields_for_the_owner, empty_redis),
        cmocka_unit_test_setup(
            finish_sets_the_fields_and_the_ttl_and_acknowledges, empty_redis),
        cmocka_unit_test_setup(
            finish_twice_does_nothing_the_second_time, empty_redis),
        cmocka_unit_test_setup(a_zombie_changes_nothing, empty_redis),
        cmocka_unit_test_setup(
            an_entry_that_was_not_delivered_has_no_owner, empty_redis),
        cmocka_unit_test_setup(
            a_name_that_another_begins_with_is_not_the_owner, empty_redis),
        cmocka_unit_test_setup(
            beat_renews_those_owned_and_names_the_others, empty_redis),
        cmocka_unit_test_setup(
            beat_names_an_entry_that_is_gone_from_the_stream, empty_redis),
        cmocka_unit_test_setup(
            a_released_entry_is_found_by_the_next_take_over, empty_redis),
        cmocka_unit_test_setup(trim_drops_what_is_acknowledged, empty_redis),
        cmocka_unit_test_setup(
            trim_keeps_the_last_delivered_where_nothing_is_pending,
            empty_redis),
        cmocka_unit_test_setup(
            trim_never_drops_what_was_not_delivered, empty_redis),
        cmocka_unit_test_setup(trim_never_drops_what_is_pending, empty_redis),
        cmocka_unit_test_setup(
            trim_keeps_what_a_group_set_back_is_to_read_again, empty_redis),
        cmocka_unit_test_setup(
            trim_compares_ids_as_the_numbers_that_they_are, empty_redis),
        cmocka_unit_test_setup(
            a_group_that_is_made_anew_begins_after_the_mark, empty_redis),
        cmocka_unit_test_setup(
            a_mark_of_another_stream_does_not_count, empty_redis),
        cmocka_unit_test_setup(
            sweep_deletes_who_is_gone_and_owns_nothing, empty_redis),
        cmocka_unit_test_setup(trim_works_where_memory_is_out, empty_redis),
        cmocka_unit_test_setup(
            a_missing_group_is_an_error_and_not_a_lost_job, empty_redis),
        cmocka_unit_test_setup(
            a_write_that_fails_leaves_the_job_pending, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
