/*
 * A session without a transport: the tests play the driver and Redis, and the
 * callbacks are written down.
 */

#ifndef CLARITY_T_SESSION_OWNER_H
#define CLARITY_T_SESSION_OWNER_H

#include "json/buf.h"
#include "redis/session.h"

#define TIMEOUT 1000

#define SETNAME "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$4\r\ntest\r\n"
#define PING    "*1\r\n$4\r\nPING\r\n"

typedef struct {
    clarity_redis_session_t *session;
    clarity_buf_t log; /* one word a callback: "a=+OK b:unknown …" */
    uint64_t now;
    unsigned setups;
    size_t depth; /* of callbacks: none may come inside another */
} owner_t;

/* A command's callback data. */
typedef struct {
    owner_t *owner;
    const char *name;
    unsigned calls;
    clarity_redis_result_t result;
    void (*also)(owner_t *owner); /* NULL: nothing */
} command_t;


static inline uint64_t
now(void *data)
{
    owner_t *owner = data;

    return owner->now;
}


static inline void
log_reply(owner_t *owner, const redisReply *reply)
{
    size_t i;

    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        clarity_buf_addf(&owner->log, ":%lld", reply->integer);
        break;
    case REDIS_REPLY_NIL: clarity_buf_addz(&owner->log, "nil"); break;
    case REDIS_REPLY_ARRAY:
        clarity_buf_addz(&owner->log, "[");

        for (i = 0; i < reply->elements; i++) {
            clarity_buf_addz(&owner->log, i == 0 ? "" : ",");
            log_reply(owner, reply->element[i]);
        }

        clarity_buf_addz(&owner->log, "]");
        break;
    default:
        clarity_buf_addf(&owner->log, "%c%zu/",
            reply->type == REDIS_REPLY_ERROR    ? '-'
            : reply->type == REDIS_REPLY_STATUS ? '+'
                                                : '$',
            reply->len);
        clarity_buf_add(
            &owner->log, (clarity_str_t){ reply->str, reply->len });
    }
}


static inline void
on_reply(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    command_t *command = data;
    owner_t *owner = command->owner;

    assert_int_equal(owner->depth++, 0);

    command->calls++;
    command->result = result;

    clarity_buf_addf(
        &owner->log, "%s%s", owner->log.len == 0 ? "" : " ", command->name);

    if (result == CLARITY_REDIS_REPLIED) {
        assert_non_null(reply);
        clarity_buf_addz(&owner->log, "=");
        log_reply(owner, reply);

    } else {
        assert_null(reply);
        clarity_buf_addz(&owner->log,
            result == CLARITY_REDIS_UNKNOWN ? ":unknown" : ":not_sent");
    }

    if (command->also != NULL) {
        command->also(owner);
    }

    owner->depth--;
}


static inline void
on_push(void *data, const redisReply *message)
{
    owner_t *owner = data;

    clarity_buf_addz(&owner->log, owner->log.len == 0 ? "push=" : " push=");
    log_reply(owner, message);
}


static inline clarity_redis_conf_t
plain_conf(owner_t *owner)
{
    clarity_redis_conf_t conf;

    memset(&conf, 0, sizeof(conf));
    conf.user = "";
    conf.password = "";
    conf.name = "test";
    conf.timeout = TIMEOUT;
    conf.owner = owner;
    conf.now = now;

    return conf;
}


static inline void
open_with(owner_t *owner, const clarity_redis_conf_t *conf)
{
    owner->session = clarity_redis_create(conf);
    assert_non_null(owner->session);
}


static inline void
open_plain(owner_t *owner)
{
    clarity_redis_conf_t conf;

    memset(owner, 0, sizeof(*owner));
    owner->now = 5000;
    conf = plain_conf(owner);
    open_with(owner, &conf);
}


static inline void
close_owner(owner_t *owner)
{
    clarity_redis_free(owner->session);
    clarity_buf_free(&owner->log);
}


static inline clarity_redis_given_t
give_timed(command_t *command, owner_t *owner, const char *name, uint64_t ms)
{
    clarity_str_t argv[1] = { clarity_lit("PING") };

    memset(command, 0, sizeof(*command));
    command->owner = owner;
    command->name = name;

    return clarity_redis_command(
        owner->session, 1, argv, ms, on_reply, command);
}


static inline clarity_redis_given_t
give(command_t *command, owner_t *owner, const char *name)
{
    return give_timed(command, owner, name, 0);
}


static inline bool
feed(owner_t *owner, const char *text)
{
    return clarity_redis_feed(owner->session, text, strlen(text));
}


static inline void
assert_output(const owner_t *owner, const char *expected)
{
    clarity_str_t output;

    output = clarity_redis_output(owner->session);

    if (!clarity_str_is(output, expected)) {
        fail_msg(
            "output is \"%.*s\", not \"%s\"", clarity_fmt(output), expected);
    }
}


static inline void
write_all(owner_t *owner)
{
    clarity_redis_sent(
        owner->session, clarity_redis_output(owner->session).len);
    assert_int_equal(clarity_redis_output(owner->session).len, 0);
}


static inline void
assert_log(owner_t *owner, const char *expected)
{
    if (!clarity_str_is(clarity_buf_str(&owner->log), expected)) {
        fail_msg("the callbacks were \"%.*s\", not \"%s\"",
            clarity_fmt(clarity_buf_str(&owner->log)), expected);
    }

    clarity_buf_reset(&owner->log);
}


static inline void
assert_state(const owner_t *owner, clarity_redis_state_t expected)
{
    assert_int_equal(clarity_redis_state(owner->session), expected);
}


static inline void
get_up(owner_t *owner)
{
    clarity_redis_connecting(owner->session);
    assert_true(clarity_redis_up(owner->session));
    assert_state(owner, CLARITY_REDIS_SETUP);
}


/* From DOWN, with the plain setup. */
static inline void
get_ready(owner_t *owner)
{
    get_up(owner);
    write_all(owner);
    assert_true(feed(owner, "+OK\r\n"));
    assert_state(owner, CLARITY_REDIS_READY);
}

#endif
