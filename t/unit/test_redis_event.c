/* A session on libevent's loop, with a real Redis. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "t/unit/redis_event_owner.h"
#include "t/unit/oom.h"


static void
commands_are_answered_in_order(void **state)
{
    size_t i;
    owner_t owner;
    clarity_redis_event_conf_t confs[3];

    (void) state;

    confs[0] = conf_of_socket();
    confs[1] = conf_of_host("127.0.0.1");
    confs[2] = conf_of_host("localhost"); /* perhaps ::1 too, where none is */

    for (i = 0; i < 3; i++) {
        open_owner(&owner, &confs[i]);
        assert_int_equal(
            give(&owner, 0, "SET key value"), CLARITY_REDIS_GIVEN);
        assert_int_equal(give(&owner, 0, "GET key"), CLARITY_REDIS_GIVEN);

        run_until(&owner.results, 2, 2000);
        assert_string_equal(owner.text, "value");
        assert_int_equal(owner.ready, 1);
        assert_int_equal(owner.lost, 0);

        give(&owner, 0, "CLIENT GETNAME");
        run_until(&owner.results, 3, 2000);
        assert_string_equal(owner.text, "test");

        clarity_redis_event_free(owner.redis);
    }
}


static void
nothing_keeps_the_loop_alive_after_free(void **state)
{
    size_t i;
    owner_t owner;
    clarity_redis_event_conf_t confs[2];

    (void) state;

    confs[0] = conf_of_socket();
    confs[1] = conf_of_host("localhost");

    for (i = 0; i < 4; i++) {
        open_owner(&owner, &confs[i % 2]);

        if (i < 2) {
            run_until(&owner.ready, 1, 2000);
        }

        clarity_redis_event_free(owner.redis);
        assert_int_equal(event_base_dispatch(base), 1); /* no events */
    }

    clarity_redis_event_free(NULL);
}


static void
free_calls_the_callbacks_that_are_owed(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    open_owner(&owner, &conf);
    give(&owner, 0, "PING");
    clarity_redis_event_free(owner.redis);
    assert_int_equal(owner.results, 1);
    assert_int_equal(owner.result[0], CLARITY_REDIS_NOT_SENT);

    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);
    give(&owner, 0, "PING");
    owner.gives_more = true;
    clarity_redis_event_free(owner.redis);
    assert_int_equal(owner.results, 1);
    assert_int_equal(owner.result[0], CLARITY_REDIS_NOT_SENT);
    assert_int_equal(owner.given, CLARITY_REDIS_GONE);
    assert_int_equal(owner.lost, 0);
}


static void
a_callback_may_give_commands(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    open_owner(&owner, &conf);
    owner.gives_more = true;
    give(&owner, 0, "PING");
    run_until(&owner.results, 2, 2000);
    assert_string_equal(owner.text, "again");
    clarity_redis_event_free(owner.redis);
}


static void
a_blocking_command_has_its_own_time(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    conf.timeout = 200;
    conf.connect_timeout = 300; /* its timer is gone after the first command */
    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);

    give(&owner, 3000, "BLPOP none 0.6");
    run_until(&owner.results, 1, 2000);
    assert_int_equal(owner.result[0], CLARITY_REDIS_REPLIED);
    assert_int_equal(owner.lost, 0);

    /* The timer was set for a later time than this one's. */
    give(&owner, 0, "BLPOP none 3");
    run_until(&owner.results, 2, 1000);
    assert_int_equal(owner.result[1], CLARITY_REDIS_UNKNOWN);
    assert_string_equal(owner.reason, "Redis did not reply in time");
    assert_int_equal(owner.lost, 1);

    run_until(&owner.ready, 2, 2000);
    clarity_redis_event_free(owner.redis);
}


/* As many reads as Redis has done for this connection, and for INFO itself. */
static void
commands_of_one_turn_leave_in_one_write(void **state)
{
    unsigned i;
    long long before, after;
    owner_t owner;
    redisReply *reply;
    redisContext *check;
    clarity_redis_event_conf_t conf = conf_of_socket();
    const char *field = "total_reads_processed:";

    (void) state;

    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);

    check = redisConnectUnix(server.socket);
    assert_non_null(check);
    reply = redisCommand(check, "INFO stats");
    assert_non_null(reply);
    before = atoll(strstr(reply->str, field) + strlen(field));
    freeReplyObject(reply);

    for (i = 0; i < 100; i++) {
        give(&owner, 0, "PING");
    }

    run_until(&owner.results, 100, 2000);

    reply = redisCommand(check, "INFO stats");
    assert_non_null(reply);
    after = atoll(strstr(reply->str, field) + strlen(field));
    freeReplyObject(reply);
    redisFree(check);

    assert_int_equal(after - before, 2);
    clarity_redis_event_free(owner.redis);
}


static void
give_subscribe(void *data, clarity_redis_session_t *session)
{
    owner_t *owner = data;
    clarity_str_t argv[2] = { clarity_lit("SUBSCRIBE"), clarity_lit("news") };

    assert_int_equal(clarity_redis_setup(session, 2, argv, on_reply, owner),
        CLARITY_REDIS_GIVEN);
    clarity_redis_ready(session);
}


static void
messages_reach_a_subscriber_again_after_a_restart(void **state)
{
    unsigned i;
    owner_t owner, other;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    open_owner(&other, &conf);
    conf.setup = give_subscribe;
    conf.push = on_push;
    open_owner(&owner, &conf);

    for (i = 1; i <= 2; i++) {
        run_until(&owner.results, i, 2000);
        assert_int_equal(owner.ready, i);
        run_until(&other.ready, i, 2000);
        give(&other, 0, "PUBLISH news hello");
        run_until(&owner.pushed, i, 2000);

        if (i == 1) {
            redis_server_stop(&server, SIGKILL);
            assert_true(redis_server_start(&server, NULL));
        }
    }

    clarity_redis_event_free(owner.redis);
    clarity_redis_event_free(other.redis);
}


static void
a_large_reply_arrives_whole(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    open_owner(&owner, &conf);
    give(&owner, 0, "SETRANGE large 10485759 x");
    give(&owner, 0, "GET large");
    give(&owner, 0, "ECHO after");
    run_until(&owner.results, 3, 5000);
    assert_string_equal(owner.text, "after");
    clarity_redis_event_free(owner.redis);
}


static void
without_memory_it_is_not_created(void **state)
{
    long n;
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_host("127.0.0.1");

    (void) state;
    OOM_OR_SKIP();

    memset(&owner, 0, sizeof(owner));

    for (n = 0; owner.redis == NULL; n++) {
        assert_true(n < 20);
        oom_after = n;
        owner.redis = clarity_redis_event_create(base, &conf);
        oom_after = -1;
    }

    assert_true(n > 3);
    clarity_redis_event_free(owner.redis);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_EVENT_TEST(commands_are_answered_in_order),
        REDIS_EVENT_TEST(nothing_keeps_the_loop_alive_after_free),
        REDIS_EVENT_TEST(free_calls_the_callbacks_that_are_owed),
        REDIS_EVENT_TEST(a_callback_may_give_commands),
        REDIS_EVENT_TEST(a_blocking_command_has_its_own_time),
        REDIS_EVENT_TEST(commands_of_one_turn_leave_in_one_write),
        REDIS_EVENT_TEST(messages_reach_a_subscriber_again_after_a_restart),
        REDIS_EVENT_TEST(a_large_reply_arrives_whole),
        REDIS_EVENT_TEST(without_memory_it_is_not_created),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
