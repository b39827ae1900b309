#include "worker/queue.h"

#include <event2/event.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "worker/depth.h"
#include "worker/intake.h"
#include "worker/link.h"
#include "worker/promote.h"
#include "worker/publish.h"
#include "worker/sweep.h"
#include "worker/timer.h"

#define TRIM_EVERY   1000 /* ms */
#define TRIM_AGAIN   20   /* ms, while there is more to drop */
#define AUDIT_EVERY  5000 /* ms */
#define CONSUMER_MAX 128

struct clarity_queue_s {
    clarity_queue_conf_t conf;
    clarity_key_t stream;
    clarity_key_t mark;
    char consumer[CONSUMER_MAX];

    clarity_link_t reader;
    clarity_link_t writer;
    clarity_calls_t *calls;
    clarity_leases_t *leases;
    clarity_intake_t *intake;
    clarity_promoter_t *promoter;
    clarity_publisher_t *publisher;
    clarity_depth_t *depth; /* NULL: nobody asks for metrics */

    struct event *trim;
    clarity_sweep_t sweep;
    uint64_t audit_at;            /* clarity_clock_ms() */
    clarity_worker_audit_t audit; /* of a Redis that is connected */
    bool finished;                /* with an entry, since the last trim */

    bool was_ready;
    bool stopping;
    bool stopped; /* the intake */
    bool was_idle;
};

static void name_consumer(char name[CONSUMER_MAX]);
static bool open_links(clarity_queue_t *queue);
static bool create_leases(clarity_queue_t *queue);
static bool create_intake(clarity_queue_t *queue);
static bool create_promoter(clarity_queue_t *queue);
static bool create_publisher(clarity_queue_t *queue);
static bool create_depth(clarity_queue_t *queue);
static void on_writer_ready(void *owner);
static void on_ready(void *owner);
static void on_refused(void *owner, const char *reason);
static void on_held(void *owner, clarity_lease_t *lease,
    const clarity_str_t *fields, size_t n);
static void on_recorded(void *owner, clarity_lease_t *lease, void *data);
static void on_cancelled(void *owner, clarity_lease_t *lease);
static void on_text(void *owner, clarity_lease_t *lease, clarity_str_t text);
static void on_woken(void *owner, clarity_lease_t *lease);
static void on_ended(
    void *owner, clarity_lease_t *lease, clarity_lease_end_t end);
static void on_stopped(void *owner);
static void check_idle(clarity_queue_t *queue);
static void on_trim(evutil_socket_t fd, short events, void *data);
static void audit(clarity_queue_t *queue);
static void on_trimmed(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_left(
    void *subject, void *data, const redisReply *reply, bool repeated);

/*
 * KEYS: stream. ARGV: group, consumer. Deleting a consumer drops its pending
 * entries for good, so one that has any stays, for others to take over from.
 */
static const clarity_script_t leave_script = {
    "leave",
    "local pending = redis.pcall(\n"
    "  'XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])\n"
    "if pending.err then return pending end\n"
    "if #pending > 0 then return 0 end\n"
    "redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])\n"
    "return 1\n",
};


clarity_queue_t *
clarity_queue_create(const clarity_queue_conf_t *conf)
{
    clarity_queue_t *queue;

    queue = calloc(1, sizeof(clarity_queue_t));
    if (queue == NULL) {
        return NULL;
    }

    queue->conf = *conf;
    clarity_key_jobs(&queue->stream, clarity_str(conf->conf->prefix), 0);
    clarity_key_mark(&queue->mark, clarity_str(conf->conf->prefix), 0);
    name_consumer(queue->consumer);

    queue->trim = evtimer_new(conf->base, on_trim, queue);

    if (queue->trim == NULL || !open_links(queue) || !create_leases(queue)
        || !create_intake(queue) || !create_promoter(queue)
        || !create_publisher(queue) || !create_depth(queue))
    {
        clarity_queue_free(queue);
        return NULL;
    }

    clarity_sweep_init(&queue->sweep, queue->calls,
        clarity_str(conf->conf->prefix), conf->conf->lease);

    queue->audit.log = conf->log;
    queue->audit.told = &queue->reader.told;
    queue->audit_at = clarity_clock_ms() + AUDIT_EVERY;

    clarity_timer_arm(queue->trim, TRIM_EVERY);

    return queue;
}


void
clarity_queue_free(clarity_queue_t *queue)
{
    if (queue == NULL) {
        return;
    }

    /* The replies that the connections still owe are of no use now. */
    queue->stopped = queue->was_idle = true;

    clarity_link_close(&queue->reader);
    clarity_link_close(&queue->writer);

    clarity_depth_free(queue->depth);
    clarity_publisher_free(queue->publisher);
    clarity_promoter_free(queue->promoter);
    clarity_intake_free(queue->intake);
    clarity_leases_free(queue->leases);
    clarity_calls_free(queue->calls);

    if (queue->trim != NULL) {
        event_free(queue->trim);
    }

    free(queue);
}


const char *
clarity_queue_amiss(const clarity_queue_t *queue)
{
    if (!clarity_link_is_ready(&queue->writer)) {
        return "there is no connection to Redis that writes results";
    }

    return clarity_intake_amiss(queue->intake);
}


void
clarity_queue_gauges(const clarity_queue_t *queue, clarity_gauges_t *gauges)
{
    clarity_depth_values_t values;

    gauges->held = (int64_t) clarity_leases_count(queue->leases);
    gauges->free_slots = (int64_t) clarity_leases_free_slots(queue->leases);
    gauges->reading = clarity_queue_amiss(queue) == NULL;
    gauges->connected = clarity_link_is_ready(&queue->reader)
                        + clarity_link_is_ready(&queue->writer);

    if (queue->depth == NULL) {
        return;
    }

    values = clarity_depth_values(queue->depth);

    gauges->depth = values.depth;
    gauges->pending = values.pending;
    gauges->delayed = values.delayed;
    gauges->failed = values.failed;
    gauges->oldest = values.oldest;
}


void
clarity_queue_publish(clarity_queue_t *queue, clarity_workflows_t *set)
{
    clarity_publisher_use(queue->publisher, set);
}


void
clarity_queue_stop(clarity_queue_t *queue)
{
    queue->stopping = true;
    clarity_promoter_stop(queue->promoter);
    clarity_intake_stop(queue->intake);
}


void
clarity_queue_leave(clarity_queue_t *queue)
{
    clarity_str_t argv[3];
    clarity_call_conf_t conf = { 0 };

    clarity_publisher_withdraw(queue->publisher);

    argv[0] = clarity_key_str(&queue->stream);
    argv[1] = clarity_lit(CLARITY_GROUP);
    argv[2] = clarity_str(queue->consumer);

    conf.script = &leave_script;
    conf.argv = argv;
    conf.argc = 3;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = queue;
    conf.done = on_left;

    if (!clarity_call(queue->calls, &conf)) {
        queue->conf.left(queue->conf.owner);
    }
}


/*
 * host-pid-random: people see where it ran, and no two are the same, also
 * where hosts and pids are, as in containers.
 */
static void
name_consumer(char name[CONSUMER_MAX])
{
    char *p, host[65];
    uint32_t random;

    if (gethostname(host, sizeof(host)) != 0) {
        host[0] = '\0';
    }

    host[sizeof(host) - 1] = '\0';

    for (p = host; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            *p = '?';
        }
    }

    evutil_secure_rng_get_bytes(&random, sizeof(random));

    snprintf(name, CONSUMER_MAX, "%s-%ld-%08" PRIx32, host, (long) getpid(),
        random);
}


static bool
open_links(clarity_queue_t *queue)
{
    clarity_link_conf_t conf = { 0 };

    conf.base = queue->conf.base;
    conf.log = queue->conf.log;
    conf.conf = queue->conf.conf;
    conf.owner = queue;
    conf.refused = on_refused;

    conf.name = "clarity-worker";
    conf.ready = on_writer_ready;

    if (!clarity_link_open(&queue->writer, &conf)) {
        return false;
    }

    conf.name = "clarity-worker-reader";
    conf.makes_group = true;
    conf.ready = on_ready;

    if (!clarity_link_open(&queue->reader, &conf)) {
        return false;
    }

    queue->calls = clarity_calls_create(
        queue->conf.base, queue->writer.redis, queue->conf.log);

    return queue->calls != NULL;
}


static bool
create_leases(clarity_queue_t *queue)
{
    clarity_leases_conf_t conf = { 0 };

    conf.base = queue->conf.base;
    conf.calls = queue->calls;
    conf.prefix = clarity_str(queue->conf.conf->prefix);
    conf.consumer = clarity_str(queue->consumer);
    conf.slots = queue->conf.conf->concurrency;
    conf.ms = queue->conf.conf->lease;
    conf.owner = queue;
    conf.held = on_held;
    conf.recorded = on_recorded;
    conf.cancelled = on_cancelled;
    conf.text = on_text;
    conf.woken = on_woken;
    conf.ended = on_ended;

    queue->leases = clarity_leases_create(&conf);

    return queue->leases != NULL;
}


static bool
create_intake(clarity_queue_t *queue)
{
    clarity_intake_conf_t conf = { 0 };

    conf.base = queue->conf.base;
    conf.log = queue->conf.log;
    conf.reader = &queue->reader;
    conf.writer = &queue->writer;
    conf.calls = queue->calls;
    conf.leases = queue->leases;
    conf.stream = clarity_key_str(&queue->stream);
    conf.consumer = clarity_str(queue->consumer);
    conf.lease = queue->conf.conf->lease;
    conf.owner = queue;
    conf.stopped = on_stopped;

    queue->intake = clarity_intake_create(&conf);

    return queue->intake != NULL;
}


static bool
create_promoter(clarity_queue_t *queue)
{
    queue->promoter = clarity_promoter_create(queue->conf.base, queue->calls,
        queue->conf.log, clarity_str(queue->conf.conf->prefix), 0);

    return queue->promoter != NULL;
}


static bool
create_depth(clarity_queue_t *queue)
{
    if (queue->conf.conf->listen_host == NULL) {
        return true;
    }

    queue->depth = clarity_depth_create(
        queue->conf.base, queue->calls, clarity_str(queue->conf.conf->prefix));

    return queue->depth != NULL;
}


static bool
create_publisher(clarity_queue_t *queue)
{
    queue->publisher = clarity_publisher_create(queue->conf.base, queue->calls,
        queue->conf.conf, clarity_str(queue->consumer));

    return queue->publisher != NULL;
}


static void
on_writer_ready(void *owner)
{
    clarity_queue_t *queue = owner;

    clarity_calls_resume(queue->calls);
    clarity_leases_back(queue->leases);
    clarity_promoter_expect(queue->promoter, 0);
    on_ready(queue);
}


static void
on_ready(void *owner)
{
    clarity_queue_t *queue = owner;

    if (!clarity_link_is_ready(&queue->reader)
        || !clarity_link_is_ready(&queue->writer))
    {
        return;
    }

    if (queue->was_ready) {
        clarity_intake_be_patient(queue->intake);

    } else {
        queue->was_ready = true;
        queue->conf.ready(queue->conf.owner);
    }

    clarity_publisher_write(queue->publisher);
    clarity_publisher_write_texts(queue->publisher);
    clarity_intake_turn(queue->intake);
}


static void
on_refused(void *owner, const char *reason)
{
    clarity_queue_t *queue = owner;

    queue->conf.refused(queue->conf.owner, reason);
}


static void
on_held(
    void *owner, clarity_lease_t *lease, const clarity_str_t *fields, size_t n)
{
    clarity_queue_t *queue = owner;

    if (!queue->stopping) {
        queue->conf.held(queue->conf.owner, lease, fields, n);
        return;
    }

    /* It was on its way when we were told to stop. */
    if (!clarity_lease_release(lease, queue->conf.conf->lease, NULL, 0)) {
        clarity_lease_forget(lease);
    }
}


static void
on_recorded(void *owner, clarity_lease_t *lease, void *data)
{
    clarity_queue_t *queue = owner;

    queue->conf.recorded(queue->conf.owner, lease, data);

    /* It may rest now. */
    clarity_intake_turn(queue->intake);
}


static void
on_cancelled(void *owner, clarity_lease_t *lease)
{
    clarity_queue_t *queue = owner;

    queue->conf.cancelled(queue->conf.owner, lease);
}


static void
on_text(void *owner, clarity_lease_t *lease, clarity_str_t text)
{
    clarity_queue_t *queue = owner;

    queue->conf.text(queue->conf.owner, lease, text);
}


static void
on_woken(void *owner, clarity_lease_t *lease)
{
    clarity_queue_t *queue = owner;

    queue->conf.woken(queue->conf.owner, lease);
}


static void
on_ended(void *owner, clarity_lease_t *lease, clarity_lease_end_t end)
{
    clarity_queue_t *queue = owner;

    if (end == CLARITY_LEASE_DELAYED) {
        clarity_promoter_expect(queue->promoter, lease->delay);
    }

    queue->finished = queue->finished || end <= CLARITY_LEASE_DROPPED;

    queue->conf.ended(queue->conf.owner, lease, end);

    check_idle(queue);
    clarity_intake_turn(queue->intake);
}


static void
on_stopped(void *owner)
{
    clarity_queue_t *queue = owner;

    queue->stopped = true;
    check_idle(queue);
}


static void
check_idle(clarity_queue_t *queue)
{
    if (queue->stopped && !queue->was_idle
        && clarity_leases_count(queue->leases) == 0)
    {
        queue->was_idle = true;
        queue->conf.idle(queue->conf.owner);
    }
}


static void
on_trim(evutil_socket_t fd, short events, void *data)
{
    clarity_str_t argv[3];
    clarity_queue_t *queue = data;
    clarity_call_conf_t conf = { 0 };

    (void) fd;
    (void) events;

    clarity_timer_arm(queue->trim, TRIM_EVERY);
    clarity_sweep(&queue->sweep);
    audit(queue);

    if (!queue->finished) {
        return;
    }

    argv[0] = clarity_key_str(&queue->stream);
    argv[1] = clarity_key_str(&queue->mark);
    argv[2] = clarity_lit(CLARITY_GROUP);

    conf.script = &clarity_script_trim;
    conf.argv = argv;
    conf.argc = 3;
    conf.nkeys = 2;
    conf.once = true;
    conf.subject = queue;
    conf.done = on_trimmed;

    queue->finished = !clarity_call(queue->calls, &conf);
}


/* Somebody may have changed its settings since the connection was made. */
static void
audit(clarity_queue_t *queue)
{
    if (clarity_clock_ms() >= queue->audit_at
        && clarity_link_is_ready(&queue->writer))
    {
        queue->audit_at = clarity_clock_ms() + AUDIT_EVERY;
        clarity_worker_audit_again(&queue->audit, queue->writer.redis);
    }
}


/*
 * One call drops a bounded number, so there may be more. Where it failed the
 * next job that ends brings another.
 */
static void
on_trimmed(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_queue_t *queue = subject;

    (void) data;
    (void) repeated;

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER
        && reply->integer > 0) {
        queue->finished = true;
        clarity_timer_arm(queue->trim, TRIM_AGAIN);
    }
}


static void
on_left(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_queue_t *queue = subject;

    (void) data;
    (void) reply;
    (void) repeated;

    queue->conf.left(queue->conf.owner);
}
