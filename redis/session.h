/*
 * One connection to one Redis server, without the I/O: commands in, bytes
 * out; bytes in, replies out. A driver (nginx's loop, libevent's) moves the
 * bytes and runs the timers.
 *
 *                  connecting()        up()         all setup replies good
 *     DOWN ------------------> CONNECTING ----> SETUP ----------------> READY
 *       ^                       |      ^          |                     |   |
 *       +-------- down() -------+------|----------+---------------------+   |
 *                                      +------------ reconnect() -----------+
 *
 * Commands given while CONNECTING or SETUP are held and leave at READY. Each
 * accepted command gets exactly one callback, whatever happens. Replies match
 * commands by order, so a command that runs out of time costs the connection.
 */

#ifndef CLARITY_REDIS_SESSION_H
#define CLARITY_REDIS_SESSION_H

#include <stdint.h>

#include <hiredis/hiredis.h>

#include "json/error.h"
#include "json/str.h"

typedef struct clarity_redis_session_s clarity_redis_session_t;

typedef enum {
    CLARITY_REDIS_DOWN,
    CLARITY_REDIS_CONNECTING,
    CLARITY_REDIS_SETUP,
    CLARITY_REDIS_READY
} clarity_redis_state_t;

typedef enum {
    CLARITY_REDIS_REPLIED,  /* reply is set; it may be an error reply */
    CLARITY_REDIS_NOT_SENT, /* no byte of it left: it was not executed */
    CLARITY_REDIS_UNKNOWN   /* bytes may have left and no reply came */
} clarity_redis_result_t;

/*
 * reply is NULL unless CLARITY_REDIS_REPLIED, and valid during the call only.
 * The callback may give commands; it must not free the session nor call what
 * is for the driver.
 */
typedef void (*clarity_redis_reply_pt)(
    void *data, clarity_redis_result_t result, const redisReply *reply);

typedef struct {
    const char *user;     /* "": AUTH with the password alone */
    const char *password; /* "": no AUTH */
    unsigned db;          /* 0: no SELECT */
    const char *name;     /* CLIENT SETNAME; no spaces */
    bool primary;         /* a server that says by ROLE that it is a replica
                             is refused */
    size_t max_pending;   /* commands held and in flight; 0: no limit */
    size_t max_reply;     /* bytes of memory that one reply may take, about;
                             0: no limit but that of a million elements */
    uint64_t timeout;     /* ms from leaving READY's gate to the reply */

    void *owner;

    /* A clock in ms that never goes back. */
    uint64_t (*now)(void *owner);

    /*
     * Optional. Called in SETUP when AUTH and SELECT went well: gives the
     * owner's own commands by clarity_redis_setup(), and at last (from a
     * callback) says clarity_redis_ready() or clarity_redis_refuse(). Without
     * it the session gets READY by itself.
     */
    void (*setup)(void *owner, clarity_redis_session_t *session);

    /*
     * Optional: a message that answers no command (publish/subscribe). One
     * that comes while a command that has left waits is taken for its reply,
     * so a session that subscribes gives none but PING from then on.
     */
    void (*push)(void *owner, const redisReply *message);
} clarity_redis_conf_t;

/* The strings of conf must outlive the session. NULL: out of memory. */
clarity_redis_session_t *clarity_redis_create(
    const clarity_redis_conf_t *conf);

/* As down(), then frees. Not from a callback. NULL is fine. */
void clarity_redis_free(clarity_redis_session_t *session);

/* What it was created with. */
const clarity_redis_conf_t *clarity_redis_conf(
    const clarity_redis_session_t *session);

clarity_redis_state_t clarity_redis_state(
    const clarity_redis_session_t *session);

/* Commands held and in flight, without those of the setup. */
size_t clarity_redis_pending(const clarity_redis_session_t *session);

typedef enum {
    CLARITY_REDIS_GIVEN,
    CLARITY_REDIS_GONE, /* DOWN: nothing was kept, no callback comes */
    CLARITY_REDIS_FULL, /* max_pending: likewise */
    CLARITY_REDIS_NO_MEMORY,
    CLARITY_REDIS_TOO_LARGE /* of drivers that know Redis' limits */
} clarity_redis_given_t;

/*
 * Gives a command; its bytes are copied. `timeout` 0: the one of conf, else ms
 * for this command (a blocking one, which wants a session of its own: what is
 * given after it waits for it, and its time runs). Only on CLARITY_REDIS_GIVEN
 * is the callback called, never before this returns. NO_MEMORY changes
 * nothing; a command above Redis' 512 MB gets it too.
 */
clarity_redis_given_t clarity_redis_command(clarity_redis_session_t *session,
    size_t argc, const clarity_str_t *argv, uint64_t timeout,
    clarity_redis_reply_pt callback, void *data);

/* The command that was just GIVEN may have a reply of so many bytes, instead of
 * conf.max_reply. */
void clarity_redis_allow(clarity_redis_session_t *session, size_t max_reply);

/* As clarity_redis_command(), in SETUP, else GONE: ahead of what is held. */
clarity_redis_given_t clarity_redis_setup(clarity_redis_session_t *session,
    size_t argc, const clarity_str_t *argv, clarity_redis_reply_pt callback,
    void *data);

/*
 * The end of the owner's setup: READY, or the connection is to be dropped,
 * which a reply in READY may be the reason for too (see reply_error.h). Both
 * are for callbacks and conf.setup: the driver learns of it from feed().
 */
void clarity_redis_ready(clarity_redis_session_t *session);
void clarity_redis_refuse(
    clarity_redis_session_t *session, const char *reason);

/*
 * Before READY, from conf.setup or a callback of it: the commands that are
 * held shall not leave. Calls their callbacks, NOT_SENT, in order; what those
 * give is held anew.
 */
void clarity_redis_drop_held(clarity_redis_session_t *session);

/* For the driver. */

/* DOWN -> CONNECTING: an attempt has begun. */
void clarity_redis_connecting(clarity_redis_session_t *session);

/*
 * CONNECTING -> SETUP: the transport is up; there is output now. false: out of
 * memory, as for feed().
 */
bool clarity_redis_up(clarity_redis_session_t *session);

/*
 * Any state -> DOWN: the transport is gone or given up. Calls every callback
 * that is owed (NOT_SENT or UNKNOWN), in order.
 */
void clarity_redis_down(clarity_redis_session_t *session);

/*
 * READY -> CONNECTING: both of these in one, for a driver that tries again at
 * once: what the callbacks give is held for the new attempt.
 */
void clarity_redis_reconnect(clarity_redis_session_t *session);

/* Bytes to write; empty: nothing. Valid until the next call. */
clarity_str_t clarity_redis_output(const clarity_redis_session_t *session);

/* n of them are in the kernel's hands. */
void clarity_redis_sent(clarity_redis_session_t *session, size_t n);

/*
 * Bytes read. Calls the callbacks of the replies they complete. false: the
 * connection is of no use any more (no protocol, a refused setup, out of
 * memory); clarity_redis_reason() says why, and the driver calls down().
 */
bool clarity_redis_feed(
    clarity_redis_session_t *session, const char *data, size_t len);

/*
 * Has this connection, or the last one, answered a command that was not of the
 * setup? One that gets READY and no further is no good either.
 */
bool clarity_redis_served(const clarity_redis_session_t *session);

/* Why the session is of no use; "" if it is. Never holds a secret. */
const char *clarity_redis_reason(const clarity_redis_session_t *session);

/*
 * When the oldest command in flight runs out of time, on conf.now's clock.
 * false: none is in flight. The driver asks then whether it has timed_out(),
 * and if so calls down().
 */
bool clarity_redis_deadline(
    const clarity_redis_session_t *session, uint64_t *deadline);

/*
 * Has it? A driver that asks long after the deadline had no time itself: its
 * process was stopped, or busy. So the command may have left just now, and has
 * conf.timeout once more; once, until the next reply.
 */
bool clarity_redis_timed_out(clarity_redis_session_t *session);

/*
 * ms to wait before the next attempt: doubles from 50 to 400 with each failed
 * one, half of it jitter (`random` is any 32 bits); anew once one has served.
 */
unsigned clarity_redis_backoff(
    clarity_redis_session_t *session, uint32_t random);

#endif
