/* A session on libevent's loop, whose Redis goes away and comes back. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "t/unit/redis_event_owner.h"


static void
a_redis_that_comes_up_later_is_found(void **state)
{
    size_t i;
    owner_t owner;
    clarity_redis_event_conf_t confs[3];

    (void) state;

    confs[0] = conf_of_socket();
    confs[1] = conf_of_host("127.0.0.1");
    confs[2] = conf_of_host("localhost");

    for (i = 0; i < 3; i++) {
        redis_server_stop(&server, SIGKILL);

        open_owner(&owner, &confs[i]);
        assert_int_equal(owner.lost, 0);
        assert_int_equal(give(&owner, 0, "PING"), CLARITY_REDIS_GIVEN);

        run_until(&owner.lost, 1, 2000);
        assert_int_equal(owner.results, 1);
        assert_int_equal(owner.result[0], CLARITY_REDIS_NOT_SENT);
        assert_string_equal(owner.reason,
            i == 0 ? "No such file or directory" : "Connection refused");

        /* Attempts go on, and are not told. */
        run_for(700);
        assert_int_equal(owner.lost, 1);

        assert_true(redis_server_start(&server, NULL));
        run_until(&owner.ready, 1, 2000);
        give(&owner, 0, "PING");
        run_until(&owner.results, 2, 2000);
        assert_string_equal(owner.text, "PONG");
        assert_int_equal(owner.lost, 1);

        clarity_redis_event_free(owner.redis);
    }
}


static void
a_killed_redis_is_noticed_and_its_successor_found(void **state)
{
    unsigned i;
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_host("127.0.0.1");

    (void) state;

    open_owner(&owner, &conf);

    for (i = 1; i <= 3; i++) {
        run_until(&owner.ready, i, 2000);
        assert_int_equal(
            give(&owner, 30000, "BLPOP none 20"), CLARITY_REDIS_GIVEN);
        run_for(20);

        owner.gives_more = true;
        redis_server_stop(&server, SIGKILL);
        run_until(&owner.lost, i, 2000);
        assert_int_equal(owner.results, i);
        assert_int_equal(owner.result[i - 1], CLARITY_REDIS_UNKNOWN);
        assert_int_equal(owner.given, CLARITY_REDIS_GONE);
        assert_int_equal(give(&owner, 0, "PING"), CLARITY_REDIS_GONE);

        assert_true(redis_server_start(&server, NULL));
    }

    run_until(&owner.ready, 4, 2000);
    clarity_redis_event_free(owner.redis);
}


static void
without_reconnect_the_first_loss_is_final(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    conf.reconnect = false;
    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);
    give(&owner, 0, "QUIT");

    /* The loop has nothing left to wait for. */
    assert_int_equal(event_base_dispatch(base), 1);
    assert_int_equal(owner.lost, 1);
    assert_string_equal(owner.reason, "it closed the connection");
    assert_int_equal(owner.result[0], CLARITY_REDIS_REPLIED);
    assert_int_equal(give(&owner, 0, "PING"), CLARITY_REDIS_GONE);
    clarity_redis_event_free(owner.redis);

    snprintf(conf.url.path, sizeof(conf.url.path), "/nowhere");
    open_owner(&owner, &conf);
    assert_int_equal(event_base_dispatch(base), 1);
    assert_int_equal(owner.lost, 1);
    clarity_redis_event_free(owner.redis);
}


static void
a_wrong_password_is_told_once_and_not_repeated(void **state)
{
    owner_t owner, admin;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    open_owner(&admin, &conf);
    give(&admin, 0, "CONFIG SET requirepass right");
    run_until(&admin.results, 1, 2000);

    snprintf(conf.url.password, sizeof(conf.url.password), "s3cret");
    open_owner(&owner, &conf);
    give(&owner, 0, "PING");
    run_until(&owner.lost, 1, 2000);
    assert_int_equal(owner.result[0], CLARITY_REDIS_NOT_SENT);
    assert_non_null(strstr(owner.reason, "AUTH was refused (WRONGPASS)"));
    assert_null(strstr(owner.reason, "s3cret"));
    run_for(700);
    assert_int_equal(owner.lost, 1);
    assert_int_equal(owner.ready, 0);

    /* Mended on the other side, without touching this one. */
    give(&admin, 0, "CONFIG SET requirepass s3cret");
    run_until(&owner.ready, 1, 2000);
    clarity_redis_event_free(owner.redis);

    conf.url.password[0] = '\0';
    open_owner(&owner, &conf);
    run_until(&owner.lost, 1, 2000);
    assert_non_null(strstr(owner.reason, "(NOAUTH)"));
    clarity_redis_event_free(owner.redis);

    give(&admin, 0, "CONFIG SET requirepass ");
    run_until(&admin.results, 3, 2000);
    clarity_redis_event_free(admin.redis);
}


static void
say_no(void *data, clarity_redis_session_t *session)
{
    (void) data;
    clarity_redis_refuse(session, "the owner says no");
}


static void
say_no_later(void *data, clarity_redis_session_t *session)
{
    owner_t *owner = data;

    if (owner->ready == 0) {
        clarity_redis_ready(session);
    } else {
        say_no(data, session);
    }
}


/* Between them is "No such file or directory", which is the same absence. */
static void
a_server_that_is_back_and_no_good_is_told(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    conf.setup = say_no_later;
    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);

    redis_server_stop(&server, SIGKILL);
    run_until(&owner.lost, 1, 2000);
    run_for(300);
    assert_int_equal(owner.lost, 1);

    assert_true(redis_server_start(&server, NULL));
    run_until(&owner.lost, 2, 2000);
    assert_string_equal(owner.reason, "the owner says no");
    run_for(700);
    assert_int_equal(owner.lost, 2);

    clarity_redis_event_free(owner.redis);
}


static void
the_owner_may_refuse_the_connection(void **state)
{
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    conf.setup = say_no;
    open_owner(&owner, &conf);
    run_until(&owner.lost, 1, 2000);
    assert_string_equal(owner.reason, "the owner says no");
    run_for(300);
    assert_int_equal(owner.ready, 0);
    assert_int_equal(owner.lost, 1);
    clarity_redis_event_free(owner.redis);
}


static void
a_stopped_redis_runs_into_the_deadlines(void **state)
{
    unsigned i;
    uint64_t start;
    char command[20100];
    owner_t owner, late;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    conf.timeout = 300;
    conf.connect_timeout = 200;
    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);

    kill(server.pid, SIGSTOP);
    start = clock_ms();

    /* More than the kernel takes. */
    snprintf(command, sizeof(command), "ECHO %020000d", 0);

    for (i = 0; i < 100; i++) {
        give(&owner, 0, command);
    }

    run_until(&owner.lost, 1, 2000);
    assert_in_range(clock_ms() - start, 290, 15000);
    assert_int_equal(owner.results, 100);
    assert_int_equal(owner.result[0], CLARITY_REDIS_UNKNOWN);
    assert_string_equal(owner.reason, "Redis did not reply in time");

    /* The kernel takes connections for it; the setup is not answered. */
    start = clock_ms();
    open_owner(&late, &conf);
    run_until(&late.lost, 1, 2000);
    assert_in_range(clock_ms() - start, 190, 15000);
    assert_string_equal(
        late.reason, "setting the connection up took longer than 200 ms");

    run_for(400);
    assert_int_equal(owner.ready, 1);
    assert_int_equal(owner.lost, 1);
    assert_int_equal(late.lost, 1);

    kill(server.pid, SIGCONT);
    run_until(&late.ready, 1, 5000);
    run_until(&owner.ready, 2, 5000);
    give(&owner, 0, "ECHO again");
    run_until(&owner.results, 101, 2000);
    assert_string_equal(owner.text, "again");

    clarity_redis_event_free(owner.redis);
    clarity_redis_event_free(late.redis);
}


/* Bytes, once Redis has read all that the connection had sent. */
static long long
appended(void)
{
    bool is_read;
    long long len;
    redisReply *reply;
    redisContext *check;

    check = redisConnectUnix(server.socket);
    assert_non_null(check);

    do {
        reply = redisCommand(check, "CLIENT LIST");
        assert_non_null(reply);
        is_read = strstr(reply->str, "name=test ") == NULL;
        freeReplyObject(reply);
        usleep(1000);
    } while (!is_read);

    reply = redisCommand(check, "STRLEN appended");
    assert_non_null(reply);
    len = reply->integer;
    freeReplyObject(reply);
    redisFree(check);

    return len;
}


/* What Redis has executed shows that nothing that is NOT_SENT was. */
static void
what_is_not_sent_was_not_executed(void **state)
{
    unsigned i, unknown;
    char command[20100];
    owner_t owner;
    clarity_redis_event_conf_t conf = conf_of_socket();

    (void) state;

    strcpy(command, "APPEND appended ");
    memset(command + strlen(command), 'x', 20000);
    command[strlen("APPEND appended ") + 20000] = '\0';

    conf.timeout = 1000;
    conf.reconnect = false;
    open_owner(&owner, &conf);
    run_until(&owner.ready, 1, 2000);

    kill(server.pid, SIGSTOP);

    for (i = 0; i < 500; i++) {
        assert_int_equal(give(&owner, 0, command), CLARITY_REDIS_GIVEN);
    }

    run_until(&owner.lost, 1, 3000);
    kill(server.pid, SIGCONT);
    assert_int_equal(owner.results, 500);

    for (unknown = 0; unknown < 500; unknown++) {
        if (owner.result[unknown] != CLARITY_REDIS_UNKNOWN) {
            break;
        }
    }

    for (i = unknown; i < 500; i++) {
        assert_int_equal(owner.result[i], CLARITY_REDIS_NOT_SENT);
    }

    assert_in_range(unknown, 1, 499);
    clarity_redis_event_free(owner.redis);

    assert_in_range(appended(), 0, unknown * 20000);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_EVENT_TEST(a_redis_that_comes_up_later_is_found),
        REDIS_EVENT_TEST(a_killed_redis_is_noticed_and_its_successor_found),
        REDIS_EVENT_TEST(without_reconnect_the_first_loss_is_final),
        REDIS_EVENT_TEST(a_wrong_password_is_told_once_and_not_repeated),
        REDIS_EVENT_TEST(a_server_that_is_back_and_no_good_is_told),
        REDIS_EVENT_TEST(the_owner_may_refuse_the_connection),
        REDIS_EVENT_TEST(a_stopped_redis_runs_into_the_deadlines),
        REDIS_EVENT_TEST(what_is_not_sent_was_not_executed),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
