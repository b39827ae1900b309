/* Publishing and its memo, both or neither: the script, in a real Redis. */

#include "t/unit/script_fixture.h"

#include "job/publish_script.h"

#define FIELD "step:w:a"
#define XADD  GROUP " a 1-0 " FIELD " done XADD events * k v"

static const clarity_script_t *const publish = &clarity_script_publish;


static void
prepare(void)
{
    fill(1, 1);
    command("HSET " HASH " " FIELD " running");
}


static void
assert_field(const char *value)
{
    command("HGET " HASH " " FIELD);

    if (value == NULL) {
        assert_int_equal(last->type, REDIS_REPLY_NIL);
        return;
    }

    assert_string_equal(last->str, value);
}


static void
assert_entries(long long n)
{
    command("XLEN events");
    assert_integer(last, n);
}


static void
message_and_memo_are_one(void **state)
{
    (void) state;

    prepare();
    assert_integer(run(publish, STREAM " " HASH " events", XADD), 1);
    assert_field("done");
    assert_entries(1);
    assert_pending("1-0", "a", 1);
}


/* Its reply was lost: what is given again was given before. */
static void
given_twice_it_is_sent_once(void **state)
{
    (void) state;

    prepare();
    assert_integer(run(publish, STREAM " " HASH " events", XADD), 1);
    assert_integer(run(publish, STREAM " " HASH " events", XADD), 1);
    assert_entries(1);
}


static void
a_zombie_publishes_nothing(void **state)
{
    (void) state;

    prepare();
    command("XCLAIM " STREAM " " GROUP " b 0 1-0");

    assert_integer(run(publish, STREAM " " HASH " events", XADD), 0);
    assert_field("running");
    assert_entries(0);
}


static void
a_channel_has_no_key(void **state)
{
    redisReply *reply;
    redisContext *listener;

    (void) state;

    prepare();

    listener = redisConnectUnix(server.socket);
    assert_non_null(listener);
    reply = redisCommand(listener, "SUBSCRIBE news");
    freeReplyObject(reply);

    assert_integer(run(publish, STREAM " " HASH,
                       GROUP " a 1-0 " FIELD " done PUBLISH news hello"),
        1);
    assert_field("done");

    assert_int_equal(redisGetReply(listener, (void **) &reply), REDIS_OK);
    assert_string_equal(reply->element[2]->str, "hello");
    freeReplyObject(reply);
    redisFree(listener);
}


static void
a_key_of_another_type_is_told_and_undone(void **state)
{
    (void) state;

    prepare();
    command("SET events text");
    assert_integer(run(publish, STREAM " " HASH " events", XADD),
        CLARITY_PUBLISH_NO_STREAM);
    assert_field("running");

    command("HDEL " HASH " " FIELD);
    assert_integer(run(publish, STREAM " " HASH " events", XADD),
        CLARITY_PUBLISH_NO_STREAM);
    assert_field(NULL);
}


static void
a_user_who_may_not_is_told_and_it_is_undone(void **state)
{
    redisContext *all;

    (void) state;

    prepare();
    command("ACL SETUSER limited on nopass ~{c:0}:* resetchannels +@all");

    all = redis;
    redis = redisConnectUnix(server.socket);
    assert_non_null(redis);
    command("AUTH limited x");

    assert_integer(run(publish, STREAM " " HASH,
                       GROUP " a 1-0 " FIELD " done PUBLISH news hello"),
        CLARITY_PUBLISH_NOT_ALLOWED);
    assert_field("running");

    redisFree(redis);
    redis = all;
    command("ACL DELUSER limited");
}


static void
without_memory_nothing_is_sent(void **state)
{
    (void) state;

    prepare();
    command("CONFIG SET maxmemory 1");
    assert_error(run(publish, STREAM " " HASH " events", XADD), "OOM");
    assert_error(run(publish, STREAM " " HASH,
                     GROUP " a 1-0 " FIELD " done PUBLISH news hello"),
        "OOM");
    command("CONFIG SET maxmemory 0");

    assert_field("running");
    assert_entries(0);
}


static void
without_its_group_it_says_so(void **state)
{
    (void) state;

    prepare();
    command("XGROUP DESTROY " STREAM " " GROUP);
    assert_error(run(publish, STREAM " " HASH " events", XADD), "NOGROUP");
    assert_field("running");
    assert_entries(0);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(message_and_memo_are_one, empty_redis),
        cmocka_unit_test_setup(given_twice_it_is_sent_once, empty_redis),
        cmocka_unit_test_setup(a_zombie_publishes_nothing, empty_redis),
        cmocka_unit_test_setup(a_channel_has_no_key, empty_redis),
        cmocka_unit_test_setup(
            a_key_of_another_type_is_told_and_undone, empty_redis),
        cmocka_unit_test_setup(
            a_user_who_may_not_is_told_and_it_is_undone, empty_redis),
        cmocka_unit_test_setup(without_memory_nothing_is_sent, empty_redis),
        cmocka_unit_test_setup(without_its_group_it_says_so, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
