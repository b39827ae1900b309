#include "redis/session.h"

#include <stdlib.h>

#include "json/buf.h"
#include "redis/encode.h"
#include "redis/handshake.h"
#include "redis/pending.h"
#include "redis/unfinished.h"

/* A buffer above this goes back once nothing is in it: after a burst. */
#define CLARITY_REDIS_BUF_KEEP (256 * 1024)

/* Bytes of a reply of the setup, also where others have no limit: Redis' own
 * are short, and what is no Redis is found out there. */
#define CLARITY_REDIS_SETUP_REPLY ((size_t) 1024 * 1024)

/* ms; doubled CLARITY_REDIS_MAX_DOUBLINGS times at most. */
#define CLARITY_REDIS_BACKOFF       50
#define CLARITY_REDIS_MAX_DOUBLINGS 3

/* ms: a driver that looks so much after a deadline had no time before. */
#define CLARITY_REDIS_LATE 100

struct clarity_redis_session_s {
    clarity_redis_conf_t conf;
    clarity_redis_state_t state;
    clarity_error_t reason; /* "": the connection is of use */
    unsigned doublings;     /* of the backoff */
    bool served;            /* this connection has answered a command */
    uint64_t grace; /* until when it may, for the driver was late; 0: none */

    redisReader *reader; /* NULL: DOWN or CONNECTING */
    clarity_redis_unfinished_t unfinished;

    clarity_redis_ring_t setup;    /* in flight, ahead of all others */
    clarity_redis_ring_t commands; /* in flight in READY, held before */

    clarity_buf_t output;
    size_t written; /* bytes at its start that are in the kernel's hands */
    uint64_t sent;  /* bytes that ever were */

    clarity_buf_t held; /* the bytes of held commands */
};

static void leave(
    clarity_redis_session_t *session, clarity_redis_state_t state);
static clarity_redis_given_t give(clarity_redis_session_t *session,
    clarity_redis_ring_t *ring, clarity_buf_t *buf, size_t argc,
    const clarity_str_t *argv, uint64_t timeout,
    clarity_redis_reply_pt callback, void *data);
static size_t reply_limit(const clarity_redis_session_t *session);
static void answer(clarity_redis_session_t *session, const redisReply *reply);
static bool has_left(const clarity_redis_session_t *session,
    const clarity_redis_ring_t *ring, const redisReply *reply);
static uint64_t from_now(const clarity_redis_session_t *session, uint64_t ms);
static uint64_t end_of_output(const clarity_redis_session_t *session);
static void empty(clarity_buf_t *buf);


clarity_redis_session_t *
clarity_redis_create(const clarity_redis_conf_t *conf)
{
    clarity_redis_session_t *session;

    session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return NULL;
    }

    session->conf = *conf;
    session->state = CLARITY_REDIS_DOWN;

    return session;
}


void
clarity_redis_free(clarity_redis_session_t *session)
{
    if (session == NULL) {
        return;
    }

    clarity_redis_down(session);

    redisReaderFree(session->reader);
    clarity_buf_free(&session->output);
    clarity_buf_free(&session->held);
    free(session);
}


const clarity_redis_conf_t *
clarity_redis_conf(const clarity_redis_session_t *session)
{
    return &session->conf;
}


clarity_redis_state_t
clarity_redis_state(const clarity_redis_session_t *session)
{
    return session->state;
}


size_t
clarity_redis_pending(const clarity_redis_session_t *session)
{
    return session->commands.count;
}


clarity_redis_given_t
clarity_redis_command(clarity_redis_session_t *session, size_t argc,
    const clarity_str_t *argv, uint64_t timeout,
    clarity_redis_reply_pt callback, void *data)
{
    clarity_buf_t *buf;

    if (session->state == CLARITY_REDIS_DOWN) {
        return CLARITY_REDIS_GONE;
    }

    if (session->conf.max_pending != 0
        && session->commands.count >= session->conf.max_pending)
    {
        return CLARITY_REDIS_FULL;
    }

    buf = session->state == CLARITY_REDIS_READY ? &session->output
                                                : &session->held;

    return give(session, &session->commands, buf, argc, argv,
        timeout != 0 ? timeout : session->conf.timeout, callback, data);
}


void
clarity_redis_allow(clarity_redis_session_t *session, size_t max_reply)
{
    size_t last;

    last = session->commands.count - 1;
    clarity_redis_ring_at(&session->commands, last)->max_reply = max_reply;
}


clarity_redis_given_t
clarity_redis_setup(clarity_redis_session_t *session, size_t argc,
    const clarity_str_t *argv, clarity_redis_reply_pt callback, void *data)
{
    if (session->state != CLARITY_REDIS_SETUP) {
        return CLARITY_REDIS_GONE;
    }

    return give(session, &session->setup, &session->output, argc, argv,
        session->conf.timeout, callback, data);
}


void
clarity_redis_ready(clarity_redis_session_t *session)
{
    size_t i;
    uint64_t start;
    clarity_buf_t spare;
    clarity_redis_pending_t *pending;

    if (session->state != CLARITY_REDIS_SETUP
        || session->reason.text[0] != '\0') {
        return;
    }

    start = end_of_output(session);

    if (session->output.len == 0) {
        /* No copy, and no memory that could be missing. */
        spare = session->output;
        session->output = session->held;
        session->held = spare;

    } else {
        clarity_buf_add(&session->output, clarity_buf_str(&session->held));

        if (session->output.failed) {
            clarity_redis_refuse(session, "out of memory");
            return;
        }
    }

    empty(&session->held);

    for (i = 0; i < session->commands.count; i++) {
        pending = clarity_redis_ring_at(&session->commands, i);
        pending->start += start;
        pending->time = from_now(session, pending->time);
    }

    session->state = CLARITY_REDIS_READY;
}


void
clarity_redis_refuse(clarity_redis_session_t *session, const char *reason)
{
    if (session->state != CLARITY_REDIS_DOWN
        && session->reason.text[0] == '\0') {
        clarity_error(&session->reason, "%s", reason);
    }
}


void
clarity_redis_drop_held(clarity_redis_session_t *session)
{
    clarity_redis_ring_t commands;

    if (session->state == CLARITY_REDIS_READY) {
        return;
    }

    commands = session->commands;
    memset(&session->commands, 0, sizeof(session->commands));
    empty(&session->held);

    clarity_redis_ring_give_up(&commands, 0);
}


void
clarity_redis_connecting(clarity_redis_session_t *session)
{
    if (session->state == CLARITY_REDIS_DOWN) {
        session->state = CLARITY_REDIS_CONNECTING;
        session->reason.text[0] = '\0';
    }
}


bool
clarity_redis_up(clarity_redis_session_t *session)
{
    if (session->state != CLARITY_REDIS_CONNECTING) {
        return true;
    }

    session->state = CLARITY_REDIS_SETUP;
    session->served = false;
    session->grace = 0;

    session->reader = redisReaderCreate();

    if (session->reader == NULL || !clarity_redis_handshake(session)) {
        return clarity_error(&session->reason, "out of memory");
    }

    session->reader->maxbuf = CLARITY_REDIS_BUF_KEEP;

    clarity_redis_unfinished_init(&session->unfinished, session->reader);

    return true;
}


void
clarity_redis_down(clarity_redis_session_t *session)
{
    leave(session, CLARITY_REDIS_DOWN);
}


void
clarity_redis_reconnect(clarity_redis_session_t *session)
{
    if (session->state == CLARITY_REDIS_READY) {
        session->reason.text[0] = '\0';
        leave(session, CLARITY_REDIS_CONNECTING);
    }
}


clarity_str_t
clarity_redis_output(const clarity_redis_session_t *session)
{
    if (session->output.len == 0) {
        return (clarity_str_t){ "", 0 };
    }

    return (clarity_str_t){ session->output.data + session->written,
        session->output.len - session->written };
}


void
clarity_redis_sent(clarity_redis_session_t *session, size_t n)
{
    session->written += n;
    session->sent += n;

    if (session->written == session->output.len) {
        session->written = 0;
        empty(&session->output);

    } else if (session->written > session->output.len / 2) {
        /* Less moves than has left, so this is a copy a byte at most. */
        clarity_buf_drop(&session->output, session->written);
        session->written = 0;
    }
}


bool
clarity_redis_feed(
    clarity_redis_session_t *session, const char *data, size_t len)
{
    void *reply;

    if (session->state < CLARITY_REDIS_SETUP
        || session->reason.text[0] != '\0') {
        return false;
    }

    if (redisReaderFeed(session->reader, data, len) != REDIS_OK) {
        return clarity_error(&session->reason, "out of memory");
    }

    session->unfinished.bytes += len;

    for (;;) {
        session->unfinished.max = reply_limit(session);

        if (redisReaderGetReply(session->reader, &reply) != REDIS_OK) {
            if (session->unfinished.too_many) {
                return clarity_error(&session->reason,
                    "what answers sent a reply of more than %zu elements",
                    clarity_redis_unfinished_most(&session->unfinished));
            }

            if (session->reader->err == REDIS_ERR_OOM) {
                return clarity_error(&session->reason, "out of memory");
            }

            return clarity_error(&session->reason,
                "what answers does not speak Redis' protocol (%s)",
                session->reader->errstr);
        }

        if (reply == NULL) {
            return clarity_redis_may_go_on(
                &session->unfinished, session->reader, &session->reason);
        }

        clarity_redis_unfinished_next(&session->unfinished, session->reader);
        answer(session, reply);
        freeReplyObject(reply);

        if (session->reason.text[0] != '\0') {
            return false;
        }
    }
}


bool
clarity_redis_served(const clarity_redis_session_t *session)
{
    return session->served;
}


const char *
clarity_redis_reason(const clarity_redis_session_t *session)
{
    return session->reason.text;
}


bool
clarity_redis_deadline(
    const clarity_redis_session_t *session, uint64_t *deadline)
{
    const clarity_redis_ring_t *ring;

    ring = &session->setup;

    if (ring->count == 0 && session->state == CLARITY_REDIS_READY) {
        ring = &session->commands;
    }

    if (ring->count == 0) {
        return false;
    }

    *deadline = clarity_redis_ring_at(ring, 0)->time;

    if (*deadline < session->grace) {
        *deadline = session->grace;
    }

    return true;
}


bool
clarity_redis_timed_out(clarity_redis_session_t *session)
{
    uint64_t deadline, now;

    now = from_now(session, 0);

    if (!clarity_redis_deadline(session, &deadline) || now < deadline) {
        return false;
    }

    if (now - deadline < CLARITY_REDIS_LATE || session->grace != 0) {
        return true;
    }

    session->grace = from_now(session, session->conf.timeout);

    return false;
}


unsigned
clarity_redis_backoff(clarity_redis_session_t *session, uint32_t random)
{
    unsigned half;

    half = (CLARITY_REDIS_BACKOFF << session->doublings) / 2;

    if (session->doublings < CLARITY_REDIS_MAX_DOUBLINGS) {
        session->doublings++;
    }

    return half + random % (half + 1);
}


/* The transport is gone; callbacks shall find a session in the new state. */
static void
leave(clarity_redis_session_t *session, clarity_redis_state_t state)
{
    uint64_t sent;
    clarity_redis_ring_t setup, commands;

    /* Where held commands start says nothing: no byte of them left. */
    sent = session->state == CLARITY_REDIS_READY ? session->sent : 0;

    /* It may hold half a reply of any size; what callbacks give shall not lie
     * behind that in the heap, which would keep it. */
    redisReaderFree(session->reader);
    session->reader = NULL;

    setup = session->setup;
    commands = session->commands;

    memset(&session->setup, 0, sizeof(session->setup));
    memset(&session->commands, 0, sizeof(session->commands));
    session->state = state;
    session->written = 0;
    empty(&session->output);
    empty(&session->held);

    clarity_redis_ring_give_up(&setup, session->sent);
    clarity_redis_ring_give_up(&commands, sent);
}


static clarity_redis_given_t
give(clarity_redis_session_t *session, clarity_redis_ring_t *ring,
    clarity_buf_t *buf, size_t argc, const clarity_str_t *argv,
    uint64_t timeout, clarity_redis_reply_pt callback, void *data)
{
    clarity_redis_pending_t pending;

    pending.callback = callback;
    pending.data = data;
    pending.max_reply = session->conf.max_reply;

    if (buf == &session->output) {
        pending.start = end_of_output(session);
        pending.time = from_now(session, timeout);

    } else {
        pending.start = buf->len;
        pending.time = timeout;
    }

    /* Room in the ring first: alone it changes nothing. */
    if (!clarity_redis_ring_reserve(ring)
        || !clarity_redis_encode(buf, argc, argv))
    {
        return CLARITY_REDIS_NO_MEMORY;
    }

    clarity_redis_ring_push(ring, &pending);

    return CLARITY_REDIS_GIVEN;
}


/* Of the command whose reply is next; of what nobody asked for, as of any. */
static size_t
reply_limit(const clarity_redis_session_t *session)
{
    size_t max;

    max = session->conf.max_reply;

    if (session->setup.count != 0 || session->state != CLARITY_REDIS_READY) {
        return max != 0 && max < CLARITY_REDIS_SETUP_REPLY
                   ? max
                   : CLARITY_REDIS_SETUP_REPLY;
    }

    return session->commands.count != 0
               ? clarity_redis_ring_at(&session->commands, 0)->max_reply
               : max;
}


static void
answer(clarity_redis_session_t *session, const redisReply *reply)
{
    clarity_redis_ring_t *ring;
    clarity_redis_pending_t pending;

    ring = &session->setup;

    if (ring->count == 0 && session->state == CLARITY_REDIS_READY) {
        ring = &session->commands;
    }

    if (has_left(session, ring, reply)) {
        if (ring == &session->commands) {
            session->served = true;
            session->doublings = 0;
            session->grace = 0;
        }

        pending = clarity_redis_ring_pop(ring);
        pending.callback(pending.data, CLARITY_REDIS_REPLIED, reply);

    } else if (session->conf.push != NULL) {
        session->conf.push(session->conf.owner, reply);

    } else {
        clarity_redis_refuse(
            session, "Redis sent a reply that no command had asked for");
    }
}


/*
 * Can the reply be that of the oldest of them? Not before all bytes of it have
 * left, or what comes astray would be told as a job that is stored; only an
 * error may come so early, as of a string that Redis finds too long.
 */
static bool
has_left(const clarity_redis_session_t *session,
    const clarity_redis_ring_t *ring, const redisReply *reply)
{
    uint64_t end;

    if (ring->count == 0) {
        return false;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        return clarity_redis_ring_at(ring, 0)->start < session->sent;
    }

    if (ring->count > 1) {
        end = clarity_redis_ring_at(ring, 1)->start;

    } else if (ring == &session->setup && session->commands.count != 0
               && session->state == CLARITY_REDIS_READY)
    {
        end = clarity_redis_ring_at(&session->commands, 0)->start;

    } else {
        end = end_of_output(session);
    }

    return end <= session->sent;
}


static uint64_t
from_now(const clarity_redis_session_t *session, uint64_t ms)
{
    uint64_t now;

    now = session->conf.now(session->conf.owner);

    return ms > UINT64_MAX - now ? UINT64_MAX : now + ms;
}


/* Where the next byte will stand, as `sent` counts. */
static uint64_t
end_of_output(const clarity_redis_session_t *session)
{
    return session->sent + session->output.len - session->written;
}


/* What a burst left goes back. */
static void
empty(clarity_buf_t *buf)
{
    if (buf->cap > CLARITY_REDIS_BUF_KEEP) {
        clarity_buf_free(buf);
    } else {
        clarity_buf_reset(buf);
    }
}
