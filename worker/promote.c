#include "worker/promote.h"

#include <event2/event.h>
#include <stdlib.h>

#include "worker/kill_point.h"
#include "worker/timer.h"

#define LOOK_EVERY 1000  /* ms: for jobs whose worker died meanwhile */
#define MOST       "100" /* jobs a call, which Redis does nothing beside */

struct clarity_promoter_s {
    clarity_calls_t *calls;
    clarity_log_t *log;
    clarity_key_t stream;
    clarity_key_t delayed;
    clarity_key_t hashes;
    struct event *timer;
    uint64_t at; /* clarity_clock_ms(), of the next look */
    bool looking;
    bool stopped;
};

static void on_timer(evutil_socket_t fd, short events, void *data);
static bool look(clarity_promoter_t *promoter);
static void on_promoted(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void log_lost(clarity_promoter_t *promoter, const redisReply *reply);


clarity_promoter_t *
clarity_promoter_create(struct event_base *base, clarity_calls_t *calls,
    clarity_log_t *log, clarity_str_t prefix, unsigned shard)
{
    clarity_promoter_t *promoter;

    promoter = calloc(1, sizeof(clarity_promoter_t));
    if (promoter == NULL) {
        return NULL;
    }

    promoter->calls = calls;
    promoter->log = log;
    promoter->at = UINT64_MAX;
    clarity_key_jobs(&promoter->stream, prefix, shard);
    clarity_key_delayed(&promoter->delayed, prefix, shard);
    clarity_key_job_prefix(&promoter->hashes, prefix, shard);

    promoter->timer = evtimer_new(base, on_timer, promoter);

    if (promoter->timer == NULL) {
        free(promoter);
        return NULL;
    }

    return promoter;
}


void
clarity_promoter_free(clarity_promoter_t *promoter)
{
    if (promoter == NULL) {
        return;
    }

    event_free(promoter->timer);
    free(promoter);
}


void
clarity_promoter_expect(clarity_promoter_t *promoter, uint64_t ms)
{
    uint64_t at;

    ms = ms < LOOK_EVERY ? ms : LOOK_EVERY;
    at = clarity_clock_ms() + ms;

    if (!promoter->stopped && at < promoter->at) {
        promoter->at = at;
        clarity_timer_arm(promoter->timer, ms);
    }
}


void
clarity_promoter_stop(clarity_promoter_t *promoter)
{
    promoter->stopped = true;
    evtimer_del(promoter->timer);
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_promoter_t *promoter = data;

    (void) fd;
    (void) events;

    promoter->at = UINT64_MAX;

    if (!promoter->looking) {
        promoter->looking = look(promoter);
    }

    clarity_promoter_expect(promoter, LOOK_EVERY);
}


static bool
look(clarity_promoter_t *promoter)
{
    clarity_str_t argv[4];
    clarity_call_conf_t conf = { 0 };

    argv[0] = clarity_key_str(&promoter->stream);
    argv[1] = clarity_key_str(&promoter->delayed);
    argv[2] = clarity_key_str(&promoter->hashes);
    argv[3] = clarity_lit(MOST);

    conf.script = &clarity_script_promote;
    conf.argv = argv;
    conf.argc = 4;
    conf.nkeys = 2;
    conf.once = true;
    conf.subject = promoter;
    conf.done = on_promoted;

    return clarity_call(promoter->calls, &conf);
}


/* [ms until the next or -1, how many, id of a lost one …] */
static void
on_promoted(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_promoter_t *promoter = subject;

    (void) data;
    (void) repeated;

    promoter->looking = false;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < 2) {
        return;
    }

    if (reply->element[1]->type == REDIS_REPLY_INTEGER
        && reply->element[1]->integer > 0)
    {
        CLARITY_KILL_POINT("promoted");
    }

    log_lost(promoter, reply);

    if (reply->element[0]->type == REDIS_REPLY_INTEGER
        && reply->element[0]->integer >= 0)
    {
        clarity_promoter_expect(
            promoter, (uint64_t) reply->element[0]->integer);
    }
}


/* None of us deletes the hash of a job that waits. */
static void
log_lost(clarity_promoter_t *promoter, const redisReply *reply)
{
    size_t i;

    for (i = 2; i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_STRING) {
            clarity_log(promoter->log, CLARITY_LOG_ERROR, "hash_deleted",
                "job=%s reason=%s", reply->element[i]->str,
                "it was due, but somebody deleted its hash: the job is lost");
        }
    }
}
