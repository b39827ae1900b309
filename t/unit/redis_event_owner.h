/*
 * The owner of a session on libevent's loop, which writes down what it sees,
 * and the Redis that it talks to.
 */

#ifndef CLARITY_T_REDIS_EVENT_OWNER_H
#define CLARITY_T_REDIS_EVENT_OWNER_H

#include <time.h>

#include <event2/event.h>

#include "redis/redis_event.h"
#include "t/unit/redis_server.h"

#define MAX_RESULTS 4096

static redis_server_t server;
static struct event_base *base;

/* What one connection's owner has seen. */
typedef struct {
    clarity_redis_event_t *redis;
    unsigned ready;
    unsigned lost;
    unsigned pushed;
    char reason[512]; /* of the last loss */
    unsigned results; /* callbacks of commands */
    clarity_redis_result_t result[MAX_RESULTS];
    char text[256];  /* of the last reply */
    bool gives_more; /* each callback gives a command */
    clarity_redis_given_t given;
} owner_t;


static inline uint64_t
clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static inline void
on_ready(void *data)
{
    owner_t *owner = data;

    owner->ready++;
}


static inline void
on_lost(void *data, const char *reason)
{
    owner_t *owner = data;

    owner->lost++;
    snprintf(owner->reason, sizeof(owner->reason), "%s", reason);
}


static inline void
on_push(void *data, const redisReply *message)
{
    owner_t *owner = data;

    assert_int_equal(message->type, REDIS_REPLY_ARRAY);
    owner->pushed++;
}


static inline clarity_redis_given_t give(
    owner_t *owner, uint64_t timeout, const char *words);


static inline void
on_reply(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    owner_t *owner = data;

    assert_true(owner->results < MAX_RESULTS);
    owner->result[owner->results++] = result;

    if (result == CLARITY_REDIS_REPLIED) {
        assert_non_null(reply);
        snprintf(owner->text, sizeof(owner->text), "%s",
            reply->str != NULL ? reply->str : "");
    } else {
        assert_null(reply);
    }

    if (owner->gives_more) {
        owner->gives_more = false;
        owner->given = give(owner, 0, "PING again");
    }
}


/* The words are separated by single spaces. */
static inline clarity_redis_given_t
give(owner_t *owner, uint64_t timeout, const char *words)
{
    size_t argc;
    const char *space;
    clarity_str_t argv[16];

    for (argc = 0; argc < 16; argc++) {
        space = strchr(words, ' ');

        if (space == NULL) {
            argv[argc++] = clarity_str(words);
            break;
        }

        argv[argc].data = words;
        argv[argc].len = (size_t) (space - words);
        words = space + 1;
    }

    return clarity_redis_event_command(
        owner->redis, argc, argv, timeout, on_reply, owner);
}


static inline void
open_owner(owner_t *owner, const clarity_redis_event_conf_t *conf)
{
    clarity_redis_event_conf_t c = *conf;

    memset(owner, 0, sizeof(*owner));

    c.owner = owner;
    c.ready = on_ready;
    c.lost = on_lost;

    owner->redis = clarity_redis_event_create(base, &c);
    assert_non_null(owner->redis);
}


static inline clarity_redis_event_conf_t
conf_of_socket(void)
{
    clarity_redis_event_conf_t conf;

    memset(&conf, 0, sizeof(conf));
    conf.url.scheme = CLARITY_REDIS_UNIX;
    snprintf(conf.url.path, sizeof(conf.url.path), "%s", server.socket);
    conf.name = "test";
    conf.connect_timeout = 1000;
    conf.timeout = 1000;
    conf.reconnect = true;

    return conf;
}


static inline clarity_redis_event_conf_t
conf_of_host(const char *host)
{
    clarity_redis_event_conf_t conf;

    conf = conf_of_socket();
    conf.url.scheme = CLARITY_REDIS_TCP;
    snprintf(conf.url.host, sizeof(conf.url.host), "%s", host);
    conf.url.port = server.port;

    return conf;
}


/*
 * Runs the loop until *counter gets there. What an idle machine has done within
 * ms is a failure after ten times that: a busy one may need it.
 */
static inline void
run_until(const unsigned *counter, unsigned value, unsigned ms)
{
    uint64_t end;
    struct timeval tick = { 0, 1000 };

    ms *= 10;
    end = clock_ms() + ms;

    while (*counter < value) {
        if (clock_ms() > end) {
            fail_msg("%u instead of %u after %u ms", *counter, value, ms);
        }

        event_base_loopexit(base, &tick);
        event_base_dispatch(base);
    }
}


static inline void
run_for(unsigned ms)
{
    struct timeval tv;

    tv.tv_sec = ms / 1000;
    tv.tv_usec = ms % 1000 * 1000;
    event_base_loopexit(base, &tv);
    event_base_dispatch(base);
}


static inline int
start_base(void **state)
{
    (void) state;
    base = event_base_new();
    return base != NULL ? 0 : -1;
}


static inline int
stop_base(void **state)
{
    (void) state;
    event_base_free(base);
    return 0;
}


static inline int
start_redis(void **state)
{
    (void) state;
    signal(SIGPIPE, SIG_IGN);

    return redis_server_init(&server, true)
                   && redis_server_start(&server, NULL)
               ? 0
               : -1;
}


static inline int
stop_redis(void **state)
{
    (void) state;
    redis_server_free(&server);
    return 0;
}


#define REDIS_EVENT_TEST(name)                                                \
    cmocka_unit_test_setup_teardown(name, start_base, stop_base)

#endif
