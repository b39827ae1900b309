/* The script that stores a job with an idempotency key, run by a real Redis. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/enqueue.h"
#include "t/unit/redis_server.h"

#define STREAM "{c:0}:jobs"
#define KEY    "{c:0}:idem:k"

static redis_server_t server;
static redisContext *redis;
static redisReply *last; /* freed by the next command */


static redisReply *
keep(redisReply *reply)
{
    if (last != NULL) {
        freeReplyObject(last);
    }

    last = reply;
    assert_non_null(last);

    return last;
}


static redisReply *
command(const char *format, ...)
{
    va_list args;
    redisReply *reply;

    va_start(args, format);
    reply = redisvCommand(redis, format, args);
    va_end(args);

    return keep(reply);
}


static redisReply *
enqueue(const char *body, const char *window)
{
    return keep(redisCommand(redis, "EVAL %s 2 %s %s %s %s trigger t",
        clarity_script_enqueue.lua, STREAM, KEY, window, body));
}


/* Without fields: a look, and no job. */
static const char *
look_up(const char *body)
{
    redisReply *reply;

    reply = keep(redisCommand(redis, "EVAL %s 2 %s %s 50000 %s",
        clarity_script_enqueue.lua, STREAM, KEY, body));
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);

    return reply->element[0]->str;
}


static void
assert_jobs(long long n)
{
    assert_int_equal(command("XLEN %s", STREAM)->integer, n);
}


static void
assert_error(const redisReply *reply, const char *words)
{
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);

    if (strncmp(reply->str, words, strlen(words)) != 0) {
        fail_msg("\"%s\" does not start with %s", reply->str, words);
    }
}


static void
a_job_is_stored_once_in_its_window(void **state)
{
    char id[64], value[128];
    redisReply *reply;

    (void) state;

    reply = enqueue("digest", "50000");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    strcpy(id, reply->str);

    reply = enqueue("digest", "50000");
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->elements, 2);
    assert_string_equal(reply->element[0]->str, "duplicate");
    assert_string_equal(reply->element[1]->str, id);

    reply = enqueue("another", "50000");
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_int_equal(reply->elements, 1);
    assert_string_equal(reply->element[0]->str, "reused");

    assert_jobs(1);

    snprintf(value, sizeof(value), "%s digest", id);
    assert_string_equal(command("GET %s", KEY)->str, value);
    reply = command("PTTL %s", KEY);
    assert_in_range(reply->integer, 1, 50000);

    /* One allocation; see enqueue.h. */
    assert_string_equal(command("OBJECT ENCODING %s", KEY)->str, "embstr");

    reply = command("XRANGE %s - +", STREAM);
    assert_string_equal(reply->element[0]->element[0]->str, id);
    assert_string_equal(
        reply->element[0]->element[1]->element[0]->str, "trigger");
}


static void
after_its_window_a_key_is_new(void **state)
{
    (void) state;

    enqueue("digest", "50000");
    command("DEL %s", KEY);
    assert_int_equal(enqueue("digest", "50000")->type, REDIS_REPLY_STRING);
    assert_jobs(2);
}


static long long
changes(void)
{
    const char *name = "rdb_changes_since_last_save:";

    return atoll(
        strstr(command("INFO persistence")->str, name) + strlen(name));
}


/* So that a sync or a copy that holds for it holds for the job too. */
static void
a_duplicate_is_a_write_that_keeps_the_window(void **state)
{
    long long before;

    (void) state;

    enqueue("digest", "50000");
    command("PEXPIRE %s 20000", KEY);

    before = changes();
    assert_int_equal(enqueue("digest", "50000")->type, REDIS_REPLY_ARRAY);
    assert_true(changes() > before);

    assert_in_range(command("PTTL %s", KEY)->integer, 1, 20000);

    /* Somebody took its end away: it gets one again. */
    command("PERSIST %s", KEY);
    assert_int_equal(enqueue("digest", "30000")->type, REDIS_REPLY_ARRAY);
    assert_in_range(command("PTTL %s", KEY)->integer, 1, 30000);
}


static void
a_look_stores_nothing(void **state)
{
    char id[64];
    redisReply *reply;

    (void) state;

    assert_string_equal(look_up("digest"), "unknown");
    assert_int_equal(command("DBSIZE")->integer, 0);

    strcpy(id, enqueue("digest", "50000")->str);

    reply = keep(redisCommand(redis, "EVAL %s 2 %s %s 50000 digest",
        clarity_script_enqueue.lua, STREAM, KEY));
    assert_string_equal(reply->element[0]->str, "duplicate");
    assert_string_equal(reply->element[1]->str, id);
    assert_string_equal(look_up("another"), "reused");
    assert_jobs(1);
}


/* What is known needs no memory; and it is a write there too. */
static void
a_duplicate_is_known_at_maxmemory(void **state)
{
    char id[64];
    long long before;
    redisReply *reply;

    (void) state;

    strcpy(id, enqueue("digest", "50000")->str);
    command("CONFIG SET maxmemory 1");
    before = changes();

    reply = enqueue("digest", "50000");
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_string_equal(reply->element[0]->str, "duplicate");
    assert_string_equal(reply->element[1]->str, id);
    assert_true(changes() > before);

    assert_string_equal(
        enqueue("another", "50000")->element[0]->str, "reused");

    command("DEL %s", KEY);
    assert_error(enqueue("digest", "50000"), "OOM");
    command("CONFIG SET maxmemory 0");
    assert_jobs(1);
}


static void
what_is_not_ours_is_an_error(void **state)
{
    size_t i;

    static const char *const values[] = { "", "x", "1-2", "1-2 digest more",
        "x digest", " digest" };

    (void) state;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        command("SET %s %s", KEY, values[i]);
        assert_error(enqueue("digest", "1000"), CLARITY_ENQUEUE_FOREIGN " ");
        assert_string_equal(command("GET %s", KEY)->str, values[i]);
    }

    command("DEL %s", KEY);
    command("LPUSH %s a", KEY);
    assert_error(enqueue("digest", "1000"), CLARITY_ENQUEUE_FOREIGN " ");
    assert_jobs(0);
    assert_int_equal(command("LLEN %s", KEY)->integer, 1);
}


static void
an_error_leaves_nothing(void **state)
{
    (void) state;

    command("SET %s a", STREAM);
    assert_error(enqueue("digest", "1000"), "WRONGTYPE");
    assert_int_equal(command("EXISTS %s", KEY)->integer, 0);
    command("DEL %s", STREAM);

    command("CONFIG SET maxmemory 1");
    assert_error(enqueue("digest", "1000"), "OOM");
    command("CONFIG SET maxmemory 0");
    assert_int_equal(command("DBSIZE")->integer, 0);
}


static void
get_rights(const char *more)
{
    redisReply *reply;

    reply = command("ACL SETUSER u reset on >p ~* +eval +get +xadd +xlen "
                    "%s",
        more);
    assert_string_equal(reply->str, "OK");
    assert_string_equal(command("AUTH u p")->str, "OK");
}


/* What cannot have its key is taken back; what cannot be taken back, told. */
static void
a_user_who_may_not_set_stores_nothing_or_is_told(void **state)
{
    redisReply *reply;

    (void) state;

    get_rights("+xdel");
    reply = enqueue("digest", "1000");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    assert_null(strstr(reply->str, CLARITY_ENQUEUE_HALF));
    assert_non_null(strstr(reply->str, " [SET]"));
    assert_jobs(0);

    command("AUTH default %s", "");
    get_rights("-xdel");
    assert_error(enqueue("digest", "1000"), CLARITY_ENQUEUE_HALF " ");
    assert_non_null(strstr(last->str, " [SET]"));
    assert_jobs(1);

    command("AUTH default %s", "");
}


static int
empty_redis(void **state)
{
    (void) state;

    command("FLUSHALL");

    return 0;
}


static int
start_redis(void **state)
{
    (void) state;

    if (!redis_server_init(&server, false)
        || !redis_server_start(&server, NULL)) {
        return -1;
    }

    redis = redisConnectUnix(server.socket);

    return redis != NULL && redis->err == 0 ? 0 : -1;
}


static int
stop_redis(void **state)
{
    (void) state;

    if (last != NULL) {
        freeReplyObject(last);
    }

    redisFree(redis);
    redis_server_free(&server);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_job_is_stored_once_in_its_window, empty_redis),
        cmocka_unit_test_setup(after_its_window_a_key_is_new, empty_redis),
        cmocka_unit_test_setup(
            a_duplicate_is_a_write_that_keeps_the_window, empty_redis),
        cmocka_unit_test_setup(a_look_stores_nothing, empty_redis),
        cmocka_unit_test_setup(a_duplicate_is_known_at_maxmemory, empty_redis),
        cmocka_unit_test_setup(what_is_not_ours_is_an_error, empty_redis),
        cmocka_unit_test_setup(an_error_leaves_nothing, empty_redis),
        cmocka_unit_test_setup(
            a_user_who_may_not_set_stores_nothing_or_is_told, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
