/* The scripts that change webhooks, run by a real Redis. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "job/audit.h"
#include "job/webhook_script.h"
#include "t/unit/redis_server.h"

#define HASH  "{c}:webhooks"
#define AUDIT "{c}:audit"

#define A "wh_aaaaaaaaaaaaaaaaaaaa"
#define B "wh_bbbbbbbbbbbbbbbbbbbb"

/* A record as the scripts take it, and as they leave it. */
#define RECORD(id, method, endpoint)                                          \
    "{\"id\":\"" id "\",\"method\":\"" method "\",\"endpoint\":\"" endpoint   \
    "\",\"tokens\":[{\"id\":\"tk_1\",\"sealed\":\"v1.k1.x}\"}]}"
#define STORED(id, method, endpoint, revision)                                \
    "{\"id\":\"" id "\",\"method\":\"" method "\",\"endpoint\":\"" endpoint   \
    "\",\"tokens\":[{\"id\":\"tk_1\",\"sealed\":\"v1.k1.x}\"}]"               \
    ",\"revision\":" revision "}"

static redis_server_t server;
static redisContext *redis;
static redisContext *subscriber;
static redisReply *last; /* freed by the next command */


static redisReply *
keep(redisReply *reply)
{
    if (last != NULL) {
        freeReplyObject(last);
    }

    last = reply;

    if (last == NULL) {
        fail_msg("%s", redis->errstr);
    }

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


/* The script with one or two arguments and an audit entry. */
static redisReply *
run(const clarity_script_t *script, const char *first, const char *second)
{
    int argc;
    size_t i, n, lens[7 + CLARITY_AUDIT_FIELDS];
    const char *argv[7 + CLARITY_AUDIT_FIELDS];
    clarity_str_t fields[CLARITY_AUDIT_FIELDS];
    clarity_audit_t audit = { clarity_lit("act"), clarity_lit("wh_x"),
        clarity_lit(""), clarity_lit("ada"), clarity_lit("127.0.0.1"),
        clarity_lit("1732000000000") };

    const char *const start[] = { "EVAL", script->lua, "2", HASH, AUDIT, first,
        second };

    for (argc = 0; argc < 7 && start[argc] != NULL; argc++) {
        argv[argc] = start[argc];
        lens[argc] = strlen(start[argc]);
    }

    n = clarity_audit_fields(&audit, fields);

    for (i = 0; i < n; i++) {
        argv[argc] = fields[i].data;
        lens[argc++] = fields[i].len;
    }

    return keep(redisCommandArgv(redis, argc, argv, lens));
}


static redisReply *
create(const char *record)
{
    return run(&clarity_script_webhook_create, record, NULL);
}


static redisReply *
update(const char *record, const char *expected)
{
    return run(&clarity_script_webhook_update, record, expected);
}


static redisReply *delete (const char *id, const char *expected)
{
    return run(&clarity_script_webhook_delete, id, expected);
}


/* {outcome}, {outcome, text} or {outcome, number}. */
static void
assert_outcome(const redisReply *reply, const char *outcome, const char *text,
    long long number)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }

    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    assert_string_equal(reply->element[0]->str, outcome);

    if (text != NULL) {
        assert_int_equal(reply->elements, 2);
        assert_string_equal(reply->element[1]->str, text);

    } else if (number != 0) {
        assert_int_equal(reply->elements, 2);
        assert_int_equal(reply->element[1]->type, REDIS_REPLY_INTEGER);
        assert_int_equal(reply->element[1]->integer, number);

    } else {
        assert_int_equal(reply->elements, 1);
    }
}


static void
assert_ok(const redisReply *reply, long long revision)
{
    assert_outcome(reply, "ok", NULL, revision);
}


static void
assert_error(const redisReply *reply, const char *start)
{
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);

    if (strncmp(reply->str, start, strlen(start)) != 0) {
        fail_msg("\"%s\" does not start with %s", reply->str, start);
    }
}


static void
assert_field(const char *field, const char *expected)
{
    redisReply *reply;

    reply = command("HGET " HASH " %s", field);

    if (expected == NULL) {
        assert_int_equal(reply->type, REDIS_REPLY_NIL);
    } else {
        assert_int_equal(reply->type, REDIS_REPLY_STRING);
        assert_string_equal(reply->str, expected);
    }
}


static void
assert_size(const char *what, const char *key, long long expected)
{
    assert_int_equal(command("%s %s", what, key)->integer, expected);
}


/* A notice, or none that is still under way. */
static void
assert_notice(const char *revision)
{
    void *reply;
    const redisReply *message;

    if (revision == NULL) {
        command("PUBLISH " HASH " none");
        revision = "none";
    }

    assert_int_equal(redisGetReply(subscriber, &reply), REDIS_OK);
    message = reply;
    assert_int_equal(message->elements, 3);
    assert_string_equal(message->element[0]->str, "message");
    assert_string_equal(message->element[1]->str, HASH);
    assert_string_equal(message->element[2]->str, revision);
    freeReplyObject(reply);
}


/* The newest entry of the audit stream. */
static void
assert_audited(const char *expected)
{
    char text[512];
    size_t i, n;
    const redisReply *fields;

    command("XREVRANGE " AUDIT " + - COUNT 1");
    assert_int_equal(last->elements, 1);
    fields = last->element[0]->element[1];

    n = 0;
    text[0] = '\0';

    for (i = 0; i < fields->elements; i++) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s",
            i == 0 ? "" : " ", fields->element[i]->str);
    }

    assert_string_equal(text, expected);
}


/* Nothing of the hash has changed, and nothing was audited. */
static void
assert_unchanged(long long fields, const char *revision, long long entries)
{
    assert_size("HLEN", HASH, fields);
    assert_field("revision", revision);
    assert_size("XLEN", AUDIT, entries);
}


static void
a_new_webhook_is_stored_with_its_revision(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "custom/a")), 1);

    assert_size("HLEN", HASH, 3);
    assert_field("revision", "1");
    assert_field("id:" A, STORED(A, "POST", "custom/a", "1"));
    command("HGET " HASH " %s", "at:POST custom/a");
    assert_string_equal(last->str, A);

    assert_notice("1");
    assert_audited("revision 1 action act webhook wh_x user ada addr "
                   "127.0.0.1 time 1732000000000");
}


static void
each_change_has_a_revision_of_its_own(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(create(RECORD(B, "PUT", "a")), 2);
    assert_ok(update(RECORD(A, "POST", "b"), "1"), 3);
    assert_ok(delete (B, "2"), 4);
    assert_ok(create(RECORD(B, "PUT", "a")), 5);

    assert_field("revision", "5");
    assert_field("id:" A, STORED(A, "POST", "b", "3"));
    assert_field("id:" B, STORED(B, "PUT", "a", "5"));
    assert_size("HLEN", HASH, 5);
    assert_size("XLEN", AUDIT, 5);

    assert_notice("1");
    assert_notice("2");
    assert_notice("3");
    assert_notice("4");
    assert_notice("5");
    assert_notice(NULL);
}


static void
a_place_that_is_taken_is_refused(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(create(RECORD(B, "POST", "b")), 2);
    assert_notice("1");
    assert_notice("2");

    assert_outcome(create(RECORD("wh_c", "POST", "a")), "taken", A, 0);
    assert_outcome(update(RECORD(A, "POST", "b"), "1"), "taken", B, 0);
    assert_outcome(update(RECORD(A, "POST", "b"), ""), "taken", B, 0);

    assert_unchanged(5, "2", 2);
    assert_field("id:" A, STORED(A, "POST", "a", "1"));
    assert_notice(NULL);

    /* Another method, a longer endpoint, another case: other places. */
    assert_ok(create(RECORD("wh_c", "PUT", "a")), 3);
    assert_ok(create(RECORD("wh_d", "POST", "a/b")), 4);
    assert_ok(create(RECORD("wh_e", "POST", "A")), 5);
}


/* Its reply was lost, and it is sent again. */
static void
a_create_that_is_repeated_finds_itself(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_outcome(create(RECORD(A, "POST", "a")), "taken", A, 0);
    assert_outcome(create(RECORD(A, "POST", "b")), "taken", A, 0);
    assert_unchanged(3, "1", 1);
}


static void
an_update_moves_the_place(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(update(RECORD(A, "PUT", "b"), "1"), 2);

    assert_size("HLEN", HASH, 3);
    command("HGET " HASH " %s", "at:PUT b");
    assert_string_equal(last->str, A);

    /* The old one is free again, and so is the new one if it moves back. */
    assert_ok(create(RECORD(B, "POST", "a")), 3);
    assert_outcome(update(RECORD(A, "POST", "a"), "2"), "taken", B, 0);
    assert_ok(delete (B, "3"), 4);
    assert_ok(update(RECORD(A, "POST", "a"), "2"), 5);
    assert_size("HLEN", HASH, 3);
}


static void
an_update_that_stays_in_its_place_keeps_it(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(update(RECORD(A, "POST", "a"), "1"), 2);

    assert_size("HLEN", HASH, 3);
    assert_field("id:" A, STORED(A, "POST", "a", "2"));
    command("HGET " HASH " %s", "at:POST a");
    assert_string_equal(last->str, A);
}


static void
who_has_not_seen_the_last_change_is_told(void **state)
{
    size_t i;
    static const char *const others[] = { "1", "3", "0", "02", "2.0", " 2",
        "2 ", "2e0", "*", "\"2\"" };

    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(update(RECORD(A, "POST", "a"), "1"), 2);
    assert_notice("1");
    assert_notice("2");

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_outcome(
            update(RECORD(A, "POST", "b"), others[i]), "conflict", NULL, 2);
        assert_outcome(delete (A, others[i]), "conflict", NULL, 2);
    }

    assert_unchanged(3, "2", 2);
    assert_field("id:" A, STORED(A, "POST", "a", "2"));
    assert_notice(NULL);
}


static void
any_revision_will_do_where_none_is_asked_for(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(update(RECORD(A, "POST", "a"), ""), 2);
    assert_ok(delete (A, ""), 3);
}


static void
what_is_gone_cannot_be_changed(void **state)
{
    (void) state;

    assert_outcome(update(RECORD(A, "POST", "a"), ""), "gone", NULL, 0);
    assert_outcome(delete (A, "1"), "gone", NULL, 0);
    assert_size("EXISTS", HASH, 0);
    assert_size("EXISTS", AUDIT, 0);

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(delete (A, "1"), 2);
    assert_outcome(update(RECORD(A, "POST", "a"), "1"), "gone", NULL, 0);
    assert_outcome(delete (A, "1"), "gone", NULL, 0);
    assert_outcome(delete ("", ""), "gone", NULL, 0);
    assert_unchanged(1, "2", 2);
}


static void
a_deleted_one_leaves_nothing_but_the_revision(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_ok(delete (A, "1"), 2);

    assert_size("HLEN", HASH, 1);
    assert_field("revision", "2");
    assert_notice("1");
    assert_notice("2");
    assert_audited("revision 2 action act webhook wh_x user ada addr "
                   "127.0.0.1 time 1732000000000");

    assert_ok(create(RECORD(B, "POST", "a")), 3);
}


static void
revisions_are_exact_up_to_what_lua_can_count(void **state)
{
    (void) state;

    command("HSET " HASH " revision 999999999999998");
    assert_ok(create(RECORD(A, "POST", "a")), 999999999999999);
    assert_field("revision", "999999999999999");
    assert_field("id:" A, STORED(A, "POST", "a", "999999999999999"));
    assert_outcome(
        delete (A, "999999999999998"), "conflict", NULL, 999999999999999);
    assert_ok(delete (A, "999999999999999"), 1000000000000000);

    assert_error(create(RECORD(A, "POST", "a")),
        "ERR the revision in " HASH " is no number");
}


static void
a_write_that_fails_changes_nothing(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);

    command("CONFIG SET maxmemory 1");
    assert_error(create(RECORD(B, "POST", "b")), "OOM ");
    assert_error(update(RECORD(A, "POST", "b"), "1"), "OOM ");
    assert_error(delete (A, "1"), "OOM ");
    command("CONFIG SET maxmemory 0");
    assert_unchanged(3, "1", 1);

    command("DEL " AUDIT);
    command("SET " AUDIT " text");
    assert_error(create(RECORD(B, "POST", "b")), "WRONGTYPE ");
    assert_error(update(RECORD(A, "POST", "b"), "1"), "WRONGTYPE ");
    assert_error(delete (A, "1"), "WRONGTYPE ");
    command("DEL " AUDIT);
    assert_unchanged(3, "1", 0);

    command("HSET " HASH " revision x");
    assert_error(create(RECORD(B, "POST", "b")), "ERR the revision in ");
    assert_error(update(RECORD(A, "POST", "b"), "1"), "ERR the revision in ");
    assert_error(delete (A, "1"), "ERR the revision in ");
    assert_unchanged(3, "x", 0);

    command("DEL " HASH);
    command("SET " HASH " text");
    assert_error(create(RECORD(B, "POST", "b")), "WRONGTYPE ");
    assert_error(update(RECORD(A, "POST", "b"), "1"), "WRONGTYPE ");
    assert_error(delete (A, "1"), "WRONGTYPE ");
    assert_size("EXISTS", AUDIT, 0);
}


/* Users have no channels by default since Redis 7. */
static void
a_user_who_may_not_publish_changes_nothing(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);

    command("ACL SETUSER u on nopass ~* +@all resetchannels");
    command("AUTH u x");
    assert_int_equal(last->type, REDIS_REPLY_STATUS);

    assert_int_equal(create(RECORD(B, "POST", "b"))->type, REDIS_REPLY_ERROR);
    assert_non_null(strstr(last->str, "channel"));
    assert_int_equal(
        update(RECORD(A, "POST", "b"), "1")->type, REDIS_REPLY_ERROR);
    assert_int_equal(delete (A, "1")->type, REDIS_REPLY_ERROR);

    command("AUTH default x");
    command("ACL DELUSER u");
    assert_unchanged(3, "1", 1);
}


static void
a_replica_changes_nothing(void **state)
{
    (void) state;

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    command("REPLICAOF 127.0.0.1 1");

    assert_error(create(RECORD(B, "POST", "b")), "READONLY ");
    assert_error(update(RECORD(A, "POST", "b"), "1"), "READONLY ");
    assert_error(delete (A, "1"), "READONLY ");

    command("REPLICAOF NO ONE");
    assert_unchanged(3, "1", 1);
}


static void
what_is_no_record_is_an_error(void **state)
{
    size_t i;
    static const char *const bad[] = { "", "x", "{", "7", "null", "[]", "{}",
        "{\"id\":\"" A "\"}", "{\"id\":\"" A "\",\"method\":\"POST\"}",
        "{\"id\":7,\"method\":\"POST\",\"endpoint\":\"a\"}",
        "{\"id\":\"" A "\",\"method\":null,\"endpoint\":\"a\"}" };

    (void) state;

    assert_ok(create(RECORD(B, "POST", "b")), 1);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_error(create(bad[i]), "ERR ARGV[1] is no record");
        assert_error(update(bad[i], ""), "ERR ARGV[1] is no record");

        command("HSET " HASH " id:" A " %s", bad[i]);
        assert_error(update(RECORD(A, "POST", "a"), ""),
            "ERR id:" A " in " HASH " is no record");
        assert_error(delete (A, "1"), "ERR id:" A " in " HASH " is no record");
        assert_field("id:" A, bad[i]);
    }

    /* One that lacks nothing but its revision. */
    command("HSET " HASH " id:" A " %s", RECORD(A, "POST", "a"));
    assert_error(delete (A, "1"), "ERR id:" A " in " HASH " is no record");

    assert_unchanged(4, "1", 1);
}


/* Somebody has worked on Redis by hand: what is left is in nobody's way. */
static void
what_is_damaged_can_be_deleted(void **state)
{
    (void) state;

    /* the record is gone, its place is not */
    assert_ok(create(RECORD(A, "POST", "a")), 1);
    command("HDEL " HASH " id:" A);
    assert_ok(create(RECORD(B, "POST", "a")), 2);
    assert_field("at:POST a", B);

    /* or has another webhook's record */
    command("HSET " HASH " at:POST_b x");
    command("HSET " HASH " at:%s %s", "PUT a", B);
    assert_ok(create(RECORD(A, "PUT", "a")), 3);
    assert_field("at:PUT a", A);

    /* the record is none any more: its place is its own until it is deleted */
    command("HSET " HASH " id:" A " {broken");
    assert_outcome(create(RECORD("wh_c", "PUT", "a")), "taken", A, 0);
    assert_ok(delete (A, ""), 4);
    assert_outcome(delete (A, ""), "gone", NULL, 0);
    assert_ok(create(RECORD("wh_c", "PUT", "a")), 5);

    /* another's record under its id: that one's place stays */
    command("HSET " HASH " id:" A " %s",
        "{\"id\":\"" B "\",\"method\":\"POST\",\"endpoint\":\"a\"}");
    assert_ok(delete (A, ""), 6);
    assert_field("at:POST a", B);
}


static void
the_audit_stream_keeps_about_ten_thousand(void **state)
{
    int i;
    void *reply;

    (void) state;

    for (i = 0; i < 10500; i++) {
        redisAppendCommand(redis, "XADD " AUDIT " * i %d", i);
    }

    for (i = 0; i < 10500; i++) {
        assert_int_equal(redisGetReply(redis, &reply), REDIS_OK);
        freeReplyObject(reply);
    }

    assert_ok(create(RECORD(A, "POST", "a")), 1);
    assert_in_range(command("XLEN " AUDIT)->integer, 10001, 10100);
}


static void
reading_a_token_is_audited_without_a_change(void **state)
{
    int argc;
    size_t i, lens[CLARITY_AUDIT_MAX_ARGS];
    const char *texts[CLARITY_AUDIT_MAX_ARGS];
    clarity_str_t argv[CLARITY_AUDIT_MAX_ARGS];
    clarity_audit_t audit = { clarity_lit("token"), clarity_lit(A),
        clarity_lit(""), clarity_lit(""), clarity_lit("::1"),
        clarity_lit("1732000000000") };

    (void) state;

    argc = (int) clarity_audit_xadd(&audit, clarity_lit(AUDIT), argv);
    assert_int_equal(argc, CLARITY_AUDIT_MAX_ARGS);

    for (i = 0; i < CLARITY_AUDIT_MAX_ARGS; i++) {
        texts[i] = argv[i].data;
        lens[i] = argv[i].len;
    }

    keep(redisCommandArgv(redis, argc, texts, lens));
    assert_int_equal(last->type, REDIS_REPLY_STRING);
    assert_audited(
        "action token webhook " A " user - addr ::1 time 1732000000000");
    assert_size("EXISTS", HASH, 0);
}


static int
empty_redis(void **state)
{
    void *reply;

    (void) state;

    command("FLUSHALL");

    /* What the test before left unread. */
    command("PUBLISH " HASH " drained");

    do {
        if (redisGetReply(subscriber, &reply) != REDIS_OK) {
            return -1;
        }

        command("ECHO %s", ((redisReply *) reply)->element[2]->str);
        freeReplyObject(reply);
    } while (strcmp(last->str, "drained") != 0);

    return 0;
}


/* With nodes of a hundred entries "~" leaves a hundred more at most. */
static int
start_redis(void **state)
{
    static const char *const options[] = { "--stream-node-max-entries", "100",
        NULL };
    redisReply *reply;

    (void) state;

    if (!redis_server_init(&server, false)
        || !redis_server_start(&server, options))
    {
        return -1;
    }

    redis = redisConnectUnix(server.socket);
    subscriber = redisConnectUnix(server.socket);

    if (redis == NULL || redis->err != 0 || subscriber == NULL
        || subscriber->err != 0)
    {
        return -1;
    }

    redisSetTimeout(subscriber, (struct timeval){ 10, 0 });

    reply = redisCommand(subscriber, "SUBSCRIBE " HASH);
    if (reply == NULL) {
        return -1;
    }

    freeReplyObject(reply);

    return 0;
}


static int
stop_redis(void **state)
{
    (void) state;

    if (last != NULL) {
        freeReplyObject(last);
    }

    redisFree(subscriber);
    redisFree(redis);
    redis_server_free(&server);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_new_webhook_is_stored_with_its_revision, empty_redis),
        cmocka_unit_test_setup(
            each_change_has_a_revision_of_its_own, empty_redis),
        cmocka_unit_test_setup(what_is_damaged_can_be_deleted, empty_redis),
        cmocka_unit_test_setup(a_place_that_is_taken_is_refused, empty_redis),
        cmocka_unit_test_setup(
            a_create_that_is_repeated_finds_itself, empty_redis),
        cmocka_unit_test_setup(an_update_moves_the_place, empty_redis),
        cmocka_unit_test_setup(
            an_update_that_stays_in_its_place_keeps_it, empty_redis),
        cmocka_unit_test_setup(
            who_has_not_seen_the_last_change_is_told, empty_redis),
        cmocka_unit_test_setup(
            any_revision_will_do_where_none_is_asked_for, empty_redis),
        cmocka_unit_test_setup(what_is_gone_cannot_be_changed, empty_redis),
        cmocka_unit_test_setup(
            a_deleted_one_leaves_nothing_but_the_revision, empty_redis),
        cmocka_unit_test_setup(
            revisions_are_exact_up_to_what_lua_can_count, empty_redis),
        cmocka_unit_test_setup(
            a_write_that_fails_changes_nothing, empty_redis),
        cmocka_unit_test_setup(
            a_user_who_may_not_publish_changes_nothing, empty_redis),
        cmocka_unit_test_setup(a_replica_changes_nothing, empty_redis),
        cmocka_unit_test_setup(what_is_no_record_is_an_error, empty_redis),
        cmocka_unit_test_setup(
            the_audit_stream_keeps_about_ten_thousand, empty_redis),
        cmocka_unit_test_setup(
            reading_a_token_is_audited_without_a_change, empty_redis),
    };

    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
