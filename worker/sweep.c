#include "worker/sweep.h"

#include <inttypes.h>
#include <stdio.h>

#include "worker/timer.h"

#define LEASES       10
#define FAILED_EVERY 5000  /* ms: as often as they are counted */
#define FAILED_MOST  "100" /* entries a call */

static void sweep_consumers(clarity_sweep_t *sweep);
static void sweep_failed(clarity_sweep_t *sweep);
static void on_failed(
    void *subject, void *data, const redisReply *reply, bool repeated);


void
clarity_sweep_init(clarity_sweep_t *sweep, clarity_calls_t *calls,
    clarity_str_t prefix, uint64_t lease)
{
    sweep->calls = calls;
    sweep->lease = lease;
    sweep->consumers_at = sweep->failed_at = 0;

    clarity_key_jobs(&sweep->stream, prefix, 0);
    clarity_key_failed(&sweep->failed, prefix, 0);
    clarity_key_job_prefix(&sweep->hashes, prefix, 0);
}


void
clarity_sweep(clarity_sweep_t *sweep)
{
    uint64_t now;

    now = clarity_clock_ms();

    if (now >= sweep->consumers_at) {
        sweep->consumers_at = now + LEASES * sweep->lease;
        sweep_consumers(sweep);
    }

    if (now >= sweep->failed_at) {
        sweep->failed_at = now + FAILED_EVERY;
        sweep_failed(sweep);
    }
}


static void
sweep_consumers(clarity_sweep_t *sweep)
{
    char ms[24];
    clarity_str_t argv[3];
    clarity_call_conf_t conf = { 0 };

    snprintf(ms, sizeof(ms), "%" PRIu64, LEASES * sweep->lease);

    argv[0] = clarity_key_str(&sweep->stream);
    argv[1] = clarity_lit(CLARITY_GROUP);
    argv[2] = clarity_str(ms);

    conf.script = &clarity_script_sweep;
    conf.argv = argv;
    conf.argc = 3;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = sweep;

    (void) clarity_call(sweep->calls, &conf);
}


static void
sweep_failed(clarity_sweep_t *sweep)
{
    clarity_str_t argv[3];
    clarity_call_conf_t conf = { 0 };

    argv[0] = clarity_key_str(&sweep->failed);
    argv[1] = clarity_key_str(&sweep->hashes);
    argv[2] = clarity_lit(FAILED_MOST);

    conf.script = &clarity_script_forget;
    conf.argv = argv;
    conf.argc = 3;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = sweep;
    conf.done = on_failed;

    (void) clarity_call(sweep->calls, &conf);
}


/* As many as a call may drop: there may be more. */
static void
on_failed(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_sweep_t *sweep = subject;

    (void) data;
    (void) repeated;

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER
        && reply->integer > 0) {
        sweep->failed_at = 0;
    }
}
