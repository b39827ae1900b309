#include "worker/intake.h"

#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis/reply_error.h"
#include "worker/kill_point.h"
#include "worker/timer.h"

#define LOOK_EVERY  1000 /* ms between looks at what others left, at most */
#define PATIENCE    1500 /* ms, above what a reconnect waits */
#define READ_GRACE  5000 /* ms that a read may take beyond its BLOCK */
#define RETRY_EVERY 1000 /* ms until a turn that was refused is taken again */
#define SILENCE     8000 /* ms without a reply after which something is amiss */

#define CURSOR_START "0-0"

typedef enum { AT_REST, READING, LOOKING } clarity_turn_t;

struct clarity_intake_s {
    clarity_intake_conf_t conf;
    clarity_turn_t turn;
    struct event *timer;
    uint64_t look_at;                  /* clarity_clock_ms() */
    char cursor[CLARITY_ENTRY_ID_MAX]; /* of XAUTOCLAIM */
    bool refused;                      /* and has been logged */
    uint64_t heard_at;                 /* clarity_clock_ms(); or asked */
    bool stopping;
    bool stopped; /* and has been said */
};

static void on_timer(evutil_socket_t fd, short events, void *data);
static bool look(clarity_intake_t *intake, size_t slots);
static void on_look(
    void *subject, void *data, const redisReply *reply, bool repeated);
static uint64_t next_look(void);
static void log_deleted(clarity_intake_t *intake, const redisReply *ids);
static bool read_jobs(clarity_intake_t *intake, size_t slots, uint64_t block);
static void on_read(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_read_error(clarity_intake_t *intake, const redisReply *reply);
static void take_entries(
    clarity_intake_t *intake, const redisReply *entries, bool taken_over);
static void end_turn(clarity_intake_t *intake);
static void on_unblocked(
    void *subject, void *data, const redisReply *reply, bool repeated);


clarity_intake_t *
clarity_intake_create(const clarity_intake_conf_t *conf)
{
    clarity_intake_t *intake;

    intake = calloc(1, sizeof(clarity_intake_t));
    if (intake == NULL) {
        return NULL;
    }

    intake->conf = *conf;
    memcpy(intake->cursor, CURSOR_START, sizeof(CURSOR_START));

    intake->timer = evtimer_new(conf->base, on_timer, intake);
    if (intake->timer == NULL) {
        free(intake);
        return NULL;
    }

    return intake;
}


void
clarity_intake_free(clarity_intake_t *intake)
{
    if (intake == NULL) {
        return;
    }

    event_free(intake->timer);
    free(intake);
}


void
clarity_intake_turn(clarity_intake_t *intake)
{
    bool taken;
    size_t slots;
    uint64_t now;

    slots = clarity_leases_free_slots(intake->conf.leases);

    if (intake->turn != AT_REST || intake->stopping || slots == 0
        || !clarity_link_is_ready(intake->conf.reader)
        || !clarity_link_is_ready(intake->conf.writer))
    {
        return;
    }

    now = clarity_clock_ms();

    if (now >= intake->look_at) {
        taken = look(intake, slots);
    } else {
        taken = read_jobs(intake, slots, intake->look_at - now);
    }

    if (!taken) {
        clarity_timer_arm(intake->timer, RETRY_EVERY);
    }
}


void
clarity_intake_be_patient(clarity_intake_t *intake)
{
    intake->look_at = clarity_clock_ms() + PATIENCE;
}


const char *
clarity_intake_amiss(const clarity_intake_t *intake)
{
    if (!clarity_link_is_ready(intake->conf.reader)) {
        return "there is no connection to Redis that reads jobs";
    }

    if (intake->refused) {
        return "Redis refuses to read jobs, see the log";
    }

    if (intake->turn == AT_REST
        && clarity_leases_free_slots(intake->conf.leases) == 0)
    {
        return NULL;
    }

    return clarity_clock_ms() - intake->heard_at > SILENCE
               ? "Redis has not replied to the connection that reads jobs"
               : NULL;
}


void
clarity_intake_stop(clarity_intake_t *intake)
{
    clarity_str_t argv[3];
    clarity_call_conf_t conf = { 0 };

    intake->stopping = true;

    if (intake->turn == AT_REST) {
        end_turn(intake);
        return;
    }

    if (intake->turn != READING || intake->conf.reader->client[0] == '\0') {
        return;
    }

    argv[0] = clarity_lit("CLIENT");
    argv[1] = clarity_lit("UNBLOCK");
    argv[2] = clarity_str(intake->conf.reader->client);

    conf.argv = argv;
    conf.argc = 3;
    conf.once = true;
    conf.done = on_unblocked;

    /* Where it cannot be given the read ends by itself, a little later. */
    (void) clarity_call(intake->conf.calls, &conf);
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    clarity_intake_turn(data);
}


/*
 * The leases that this process was too slow to renew are renewed first, on the
 * same connection: else it would take over its own jobs.
 */
static bool
look(clarity_intake_t *intake, size_t slots)
{
    char idle[24], count[24];
    clarity_str_t argv[8];
    clarity_call_conf_t conf = { 0 };

    clarity_leases_renew(intake->conf.leases);

    snprintf(idle, sizeof(idle), "%" PRIu64, intake->conf.lease);
    snprintf(count, sizeof(count), "%zu", slots);

    argv[0] = clarity_lit("XAUTOCLAIM");
    argv[1] = intake->conf.stream;
    argv[2] = clarity_lit(CLARITY_GROUP);
    argv[3] = intake->conf.consumer;
    argv[4] = clarity_str(idle);
    argv[5] = clarity_str(intake->cursor);
    argv[6] = clarity_lit("COUNT");
    argv[7] = clarity_str(count);

    conf.argv = argv;
    conf.argc = 8;
    conf.once = true;
    conf.subject = intake;
    conf.done = on_look;

    if (!clarity_call(intake->conf.calls, &conf)) {
        return false;
    }

    intake->turn = LOOKING;
    intake->heard_at = clarity_clock_ms();

    return true;
}


/*
 * [cursor, [entry …], [id of a deleted entry …]]; 6.2 has no third. An error,
 * or no reply, is as if nothing were there: a read finds out what is wrong.
 */
static void
on_look(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_str_t cursor;
    clarity_intake_t *intake = subject;

    (void) data;
    (void) repeated;

    intake->look_at = next_look();

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && reply->elements >= 2) {
        cursor = clarity_reply_text(reply->element[0]);

        /* Short of the end of the list: the next read does not wait. */
        if (cursor.len > 0 && cursor.len < sizeof(intake->cursor)) {
            memcpy(intake->cursor, cursor.data, cursor.len + 1);

            if (!clarity_str_is(cursor, CURSOR_START)) {
                intake->look_at = clarity_clock_ms() + 1;
            }
        }

        if (reply->element[1]->elements > 0) {
            CLARITY_KILL_POINT("takeover");
        }

        take_entries(intake, reply->element[1], true);

        if (reply->elements > 2) {
            log_deleted(intake, reply->element[2]);
        }
    }

    end_turn(intake);
}


/*
 * At odd times: a job that one worker does not know and lets go of would else
 * be due just when the same one looks again, before all others.
 */
static uint64_t
next_look(void)
{
    uint32_t random;

    evutil_secure_rng_get_bytes(&random, sizeof(random));

    return clarity_clock_ms() + LOOK_EVERY / 2 + random % (LOOK_EVERY / 2 + 1);
}


/* None of us deletes what is pending. */
static void
log_deleted(clarity_intake_t *intake, const redisReply *ids)
{
    size_t i;

    if (ids->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i < ids->elements; i++) {
        clarity_log(intake->conf.log, CLARITY_LOG_ERROR, "entry_deleted",
            "entry=%s reason=%s", clarity_reply_text(ids->element[i]).data,
            "somebody deleted it from the stream before its job was done");
    }
}


static bool
read_jobs(clarity_intake_t *intake, size_t slots, uint64_t block)
{
    char count[24], ms[24];
    clarity_str_t argv[11];

    snprintf(count, sizeof(count), "%zu", slots);
    snprintf(ms, sizeof(ms), "%" PRIu64, block);

    argv[0] = clarity_lit("XREADGROUP");
    argv[1] = clarity_lit("GROUP");
    argv[2] = clarity_lit(CLARITY_GROUP);
    argv[3] = intake->conf.consumer;
    argv[4] = clarity_lit("COUNT");
    argv[5] = clarity_str(count);
    argv[6] = clarity_lit("BLOCK");
    argv[7] = clarity_str(ms);
    argv[8] = clarity_lit("STREAMS");
    argv[9] = intake->conf.stream;
    argv[10] = clarity_lit(">");

    if (clarity_redis_event_command(intake->conf.reader->redis, 11, argv,
            block + READ_GRACE, on_read, intake)
        != CLARITY_REDIS_GIVEN)
    {
        return false;
    }

    intake->turn = READING;
    intake->heard_at = clarity_clock_ms();

    return true;
}


/* [[stream, [entry …]]], or nil where none came in time. */
static void
on_read(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_intake_t *intake = data;

    if (result == CLARITY_REDIS_REPLIED) {
        if (reply->type == REDIS_REPLY_ERROR) {
            on_read_error(intake, reply);
            return;
        }

        intake->refused = false;
        intake->heard_at = clarity_clock_ms();

        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
            && reply->element[0]->type == REDIS_REPLY_ARRAY
            && reply->element[0]->elements == 2)
        {
            CLARITY_KILL_POINT("deliver");
            take_entries(intake, reply->element[0]->element[1], false);
        }
    }

    end_turn(intake);
}


static void
on_read_error(clarity_intake_t *intake, const redisReply *reply)
{
    char text[128];
    const clarity_redis_error_info_t *info;

    info = clarity_redis_error_info((clarity_str_t){ reply->str, reply->len });

    /* The next connection's setup makes the group anew. */
    if (info->code == CLARITY_REDIS_ERR_NOGROUP || info->reconnect) {
        clarity_link_renew(intake->conf.reader, info->meaning);

    } else if (!intake->refused) {
        intake->refused = true;
        snprintf(text, sizeof(text), "%s", reply->str);

        clarity_log(intake->conf.log, CLARITY_LOG_ERROR, "redis_refused",
            "command=%s reason=%s reply=%s", "XREADGROUP", info->meaning,
            info->code == CLARITY_REDIS_ERR_OTHER ? text : NULL);
    }

    if (intake->stopping) {
        end_turn(intake);
        return;
    }

    intake->turn = AT_REST;
    clarity_timer_arm(intake->timer, RETRY_EVERY);
}


static void
take_entries(
    clarity_intake_t *intake, const redisReply *entries, bool taken_over)
{
    size_t i;

    if (entries->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i < entries->elements; i++) {
        clarity_lease_take(
            intake->conf.leases, entries->element[i], taken_over);
    }
}


static void
end_turn(clarity_intake_t *intake)
{
    intake->turn = AT_REST;

    if (!intake->stopping) {
        clarity_intake_turn(intake);
        return;
    }

    if (!intake->stopped) {
        intake->stopped = true;
        intake->conf.stopped(intake->conf.owner);
    }
}


static void
on_unblocked(void *subject, void *data, const redisReply *reply, bool repeated)
{
    (void) subject;
    (void) data;
    (void) reply;
    (void) repeated;
}
