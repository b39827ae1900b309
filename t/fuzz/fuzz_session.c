/*
 * A session, and what reads its replies: whatever a server sends, in whatever
 * pieces, and wherever the connection ends, each command gets one callback.
 *
 * An input is what to do. A byte below 0x20 is an action, and takes the next
 * byte as its argument; others are fed, up to the next action that is not part
 * of a line end.
 */

#include "redis/audit.h"
#include "redis/depth.h"
#include "redis/durability.h"
#include "redis/session.h"
#include "t/fuzz/fuzz.h"

#define COMMANDS 256 /* of one input */

enum {
    CONNECT = 1, /* argument: odd: the transport comes up too */
    LOSE,
    GIVE,     /* argument: even: it gives another from its callback */
    WRITE,    /* argument: bytes, or all if that is less */
    DROP_HELD /* what is held before READY */
};

typedef struct {
    clarity_redis_session_t *session;
    size_t given;
    size_t answered;
    unsigned char calls[COMMANDS];
    bool again[COMMANDS];
    clarity_durability_t durability;
    clarity_depth_t depth;
} owner_t;

/* A callback's data: its place in the owner's table. */
typedef struct {
    owner_t *owner;
    size_t i;
} command_t;

static command_t commands[COMMANDS];

static uint64_t now(void *data);
static void on_setup(void *data, clarity_redis_session_t *session);
static void on_setup_reply(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_push(void *data, const redisReply *message);
static void act(owner_t *owner, uint8_t action, uint8_t argument);
static void give(owner_t *owner, bool again);
static void on_reply(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void read_reply(owner_t *owner, const redisReply *reply);
static void feed(owner_t *owner, const uint8_t *data, size_t size);
static void lose(owner_t *owner);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t i, start;
    owner_t owner;
    clarity_redis_conf_t conf;

    if (size < 2) {
        return 0;
    }

    memset(&owner, 0, sizeof(owner));
    memset(&conf, 0, sizeof(conf));

    conf.user = data[0] & 1 ? "user" : "";
    conf.password = data[0] & 2 ? "password" : "";
    conf.db = data[0] & 4 ? 3 : 0;
    conf.primary = (data[0] & 8) != 0;
    conf.setup = data[0] & 16 ? on_setup : NULL;
    conf.push = data[0] & 32 ? on_push : NULL;
    conf.max_pending = data[0] & 64 ? 3 : 0;
    conf.max_reply = data[0] & 128 ? 1024 : 0;
    conf.name = "fuzz";
    conf.timeout = 1000;
    conf.owner = &owner;
    conf.now = now;

    owner.session = clarity_redis_create(&conf);
    FUZZ_HOLDS(owner.session != NULL);

    act(&owner, CONNECT, 1);

    for (i = 1; i < size;) {
        if (data[i] < 0x20 && data[i] != '\r' && data[i] != '\n') {
            act(&owner, data[i], i + 1 < size ? data[i + 1] : 0);
            i += 2;
            continue;
        }

        start = i;

        while (i < size
               && (data[i] >= 0x20 || data[i] == '\r' || data[i] == '\n')) {
            i++;
        }

        feed(&owner, data + start, i - start);
    }

    clarity_redis_free(owner.session);

    FUZZ_HOLDS(owner.answered == owner.given);

    for (i = 0; i < owner.given; i++) {
        FUZZ_HOLDS(owner.calls[i] == 1);
    }

    return 0;
}


static uint64_t
now(void *data)
{
    (void) data;

    return 5000;
}


static void
on_setup(void *data, clarity_redis_session_t *session)
{
    clarity_str_t argv[1] = { clarity_lit("PING") };

    FUZZ_HOLDS(clarity_redis_setup(session, 1, argv, on_setup_reply, data)
               == CLARITY_REDIS_GIVEN);
}


static void
on_setup_reply(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    owner_t *owner = data;

    if (result != CLARITY_REDIS_REPLIED) {
        FUZZ_HOLDS(reply == NULL);
        return;
    }

    read_reply(owner, reply);

    if (reply->type == REDIS_REPLY_ERROR) {
        clarity_redis_refuse(owner->session, reply->str);
    } else {
        clarity_redis_ready(owner->session);
    }
}


static void
on_push(void *data, const redisReply *message)
{
    read_reply(data, message);
}


static void
act(owner_t *owner, uint8_t action, uint8_t argument)
{
    size_t n;

    switch (action) {
    case CONNECT:
        clarity_redis_connecting(owner->session);

        if (argument & 1) {
            FUZZ_HOLDS(clarity_redis_up(owner->session));
        }

        break;

    case LOSE: lose(owner); break;
    case GIVE: give(owner, argument % 2 == 0); break;

    case WRITE:
        n = clarity_redis_output(owner->session).len;
        clarity_redis_sent(owner->session, argument < n ? argument : n);
        break;

    case DROP_HELD: clarity_redis_drop_held(owner->session); break;

    default: break;
    }
}


static void
give(owner_t *owner, bool again)
{
    size_t i;
    clarity_str_t argv[2] = { clarity_lit("GET"), clarity_lit("key") };

    i = owner->given;

    if (i == COMMANDS) {
        return;
    }

    commands[i] = (command_t){ owner, i };
    owner->again[i] = again;

    switch (clarity_redis_command(
        owner->session, 2, argv, 0, on_reply, &commands[i]))
    {
    case CLARITY_REDIS_GIVEN: owner->given++; break;

    case CLARITY_REDIS_GONE:
        FUZZ_HOLDS(clarity_redis_state(owner->session) == CLARITY_REDIS_DOWN);
        break;

    default: break;
    }
}


static void
on_reply(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    command_t *command = data;
    owner_t *owner = command->owner;

    FUZZ_HOLDS((reply != NULL) == (result == CLARITY_REDIS_REPLIED));

    owner->answered++;
    owner->calls[command->i]++;

    if (reply != NULL) {
        FUZZ_HOLDS(clarity_redis_state(owner->session) == CLARITY_REDIS_READY);
        read_reply(owner, reply);
    }

    if (owner->again[command->i]) {
        give(owner, false);
    }
}


/* All that is made of replies, of whatever command they are. */
static void
read_reply(owner_t *owner, const redisReply *reply)
{
    unsigned i;
    clarity_error_t error;
    clarity_redis_audit_t audit;
    clarity_durability_class_t gives;
    clarity_durability_wanted_t wanted = { CLARITY_DURABILITY_FSYNC, 1,
        false };

    for (i = 0; i < CLARITY_DURABILITY_COMMANDS; i++) {
        clarity_durability_reply(&owner->durability, i, reply);
    }

    error.text[0] = '\0';
    FUZZ_HOLDS(
        clarity_durability_judge(&owner->durability, &wanted, &gives, &error)
        || error.text[0] != '\0');

    wanted.class = CLARITY_DURABILITY_REPLICAS;
    error.text[0] = '\0';
    FUZZ_HOLDS(
        clarity_durability_judge(&owner->durability, &wanted, &gives, &error)
        || error.text[0] != '\0');

    for (i = 0; i < CLARITY_DEPTH_COMMANDS; i++) {
        clarity_depth_reply(&owner->depth, i, "workers", reply);
    }

    (void) clarity_depth(&owner->depth);

    clarity_redis_audit(&audit, reply, reply);
    FUZZ_HOLDS(audit.n <= CLARITY_REDIS_AUDIT_MAX);
}


static void
feed(owner_t *owner, const uint8_t *data, size_t size)
{
    if (clarity_redis_state(owner->session) < CLARITY_REDIS_SETUP) {
        return;
    }

    if (!clarity_redis_feed(owner->session, (const char *) data, size)) {
        FUZZ_HOLDS(clarity_redis_reason(owner->session)[0] != '\0');
        lose(owner);
    }
}


static void
lose(owner_t *owner)
{
    uint64_t deadline;

    clarity_redis_down(owner->session);

    FUZZ_HOLDS(clarity_redis_state(owner->session) == CLARITY_REDIS_DOWN);
    FUZZ_HOLDS(clarity_redis_pending(owner->session) == 0);
    FUZZ_HOLDS(clarity_redis_output(owner->session).len == 0);
    FUZZ_HOLDS(!clarity_redis_deadline(owner->session, &deadline));
}
