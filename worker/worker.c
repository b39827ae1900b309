#include "worker/worker_part.h"

#include <string.h>
#include <unistd.h>

#include "conf/version.h"
#include "worker/notify.h"
#include "worker/timer.h"

static bool create(clarity_loop_t *worker, clarity_workflows_t *set);
static bool create_actions(clarity_loop_t *worker);
static bool create_queue(clarity_loop_t *worker);
static bool create_listener(clarity_loop_t *worker);
static void on_watchdog(evutil_socket_t fd, short events, void *data);
static void destroy(clarity_loop_t *worker);
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
static void on_idle(void *owner);
static void on_left(void *owner);


int
clarity_worker_work(const clarity_conf_t *conf, clarity_workflows_t *set,
    clarity_log_t *log, const clarity_handlers_t *handlers, int stop,
    const clarity_process_t *process)
{
    clarity_loop_t worker = { 0 };

    worker.conf = conf;
    worker.log = log;
    worker.handlers = handlers;
    worker.stop_fd = stop;
    worker.process = process;

    clarity_log(log, CLARITY_LOG_INFO,
        clarity_loop_event(&worker, "process_started"),
        "version=%s pid=%u triggers=%u workflows=%u", CLARITY_VERSION,
        (unsigned) getpid(), (unsigned) set->triggers->count,
        (unsigned) set->count);

    if (create(&worker, set)) {
        event_base_dispatch(worker.base);

        clarity_log(log, CLARITY_LOG_INFO,
            clarity_loop_event(&worker, "process_stopped"), "status=%u",
            (unsigned) worker.status);

    } else {
        clarity_log_not_started(
            log, worker.fault.text[0] != '\0'
                     ? worker.fault.text
                     : "out of memory or file descriptors");
        worker.status = CLARITY_WORKER_NOT_STARTED;
    }

    destroy(&worker);

    return worker.status;
}


static bool
create(clarity_loop_t *worker, clarity_workflows_t *set)
{
    clarity_runner_conf_t runner = { 0 };

    worker->base = event_base_new();

    if (worker->base == NULL) {
        clarity_workflows_drop(set);
        return false;
    }

    if (!create_actions(worker)) {
        clarity_workflows_drop(set);
        return false;
    }

    runner.base = worker->base;
    runner.log = worker->log;
    runner.conf = worker->conf;
    runner.http = worker->http;
    runner.exec = worker->exec;
    runner.custom = worker->custom;
    runner.handlers = worker->handlers;
    runner.metrics = worker->metrics;

    worker->runner = clarity_runner_create(&runner, set);

    if (worker->runner == NULL) {
        clarity_workflows_drop(set);
        return false;
    }

    if (!create_queue(worker)) {
        return false;
    }

    worker->ntriggers = set->triggers->count;
    worker->nworkflows = set->count;
    clarity_queue_publish(worker->queue, set);

    if (worker->process != NULL) {
        return clarity_loop_watch(worker) && clarity_loop_report(worker);
    }

    return clarity_loop_watch(worker) && create_listener(worker)
           && clarity_notify_arm_watchdog(
               worker->base, on_watchdog, worker, &worker->watchdog);
}


/* Those of one of several have the "process_" before them. */
const char *
clarity_loop_event(const clarity_loop_t *worker, const char *name)
{
    return worker->process == NULL ? name + strlen("process_") : name;
}


static bool
create_actions(clarity_loop_t *worker)
{
    clarity_http_conf_t http = { 0 };

    worker->metrics = worker->process != NULL ? worker->process->metrics
                                              : clarity_metrics_create(1);
    worker->log->seen = worker->metrics != NULL ? clarity_metrics_event : NULL;
    worker->log->owner = worker->metrics;
    worker->hosts = clarity_hosts_create(worker->conf->concurrency);

    http.base = worker->base;
    http.hosts = worker->hosts;
    http.allowed = worker->conf->allowed;
    http.nallowed = worker->conf->nallowed;
    http.most = worker->conf->concurrency;
    http.ca_file = worker->conf->ca_file;

    worker->http = clarity_http_create(&http);

    worker->exec = clarity_exec_create(worker->base, worker->hosts);
    worker->custom = clarity_custom_create(
        worker->base, worker->hosts, worker->log, worker->conf->concurrency);

    return worker->metrics != NULL && worker->hosts != NULL
           && worker->http != NULL && worker->exec != NULL
           && worker->custom != NULL;
}


static bool
create_queue(clarity_loop_t *worker)
{
    clarity_queue_conf_t queue = { 0 };

    queue.base = worker->base;
    queue.log = worker->log;
    queue.conf = worker->conf;
    queue.owner = worker;
    queue.held = on_held;
    queue.recorded = on_recorded;
    queue.cancelled = on_cancelled;
    queue.text = on_text;
    queue.woken = on_woken;
    queue.ended = on_ended;
    queue.ready = on_ready;
    queue.refused = on_refused;
    queue.idle = on_idle;
    queue.left = on_left;

    worker->queue = clarity_queue_create(&queue);

    return worker->queue != NULL;
}


static bool
create_listener(clarity_loop_t *worker)
{
    clarity_listener_conf_t conf = { 0 };

    if (worker->conf->listen_host == NULL) {
        return true;
    }

    conf.base = worker->base;
    conf.host = worker->conf->listen_host;
    conf.port = worker->conf->listen_port;
    conf.metrics = worker->metrics;
    conf.nmetrics = 1;
    conf.owner = worker;
    conf.gauges = clarity_loop_gauges;
    conf.health = clarity_loop_health;
    conf.readiness = clarity_loop_readiness;

    worker->listener = clarity_listener_create(&conf, &worker->fault);

    return worker->listener != NULL;
}


void
clarity_loop_gauges(void *owner, clarity_gauges_t *gauges)
{
    clarity_loop_t *worker = owner;

    memset(gauges, 0xff, sizeof(*gauges)); /* -1: not known */

    gauges->processes = 1;
    gauges->calls = (int64_t) clarity_hosts_active(worker->hosts);
    gauges->calls_waiting = (int64_t) clarity_hosts_waiting(worker->hosts);
    gauges->workflows = (int64_t) worker->nworkflows;
    gauges->triggers = (int64_t) worker->ntriggers;

    clarity_queue_gauges(worker->queue, gauges);
}


/* In a drain nothing is read any more: that is no reason to kill it. */
const char *
clarity_loop_health(void *owner)
{
    clarity_loop_t *worker = owner;

    return worker->stopping ? NULL : clarity_queue_amiss(worker->queue);
}


const char *
clarity_loop_readiness(void *owner)
{
    clarity_loop_t *worker = owner;

    if (worker->stopping) {
        return "it stops";
    }

    return worker->is_ready ? clarity_queue_amiss(worker->queue)
                            : "it has not reached Redis yet";
}


/* That the loop turns is all that a restart could mend. */
static void
on_watchdog(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;
    (void) data;

    clarity_notify("WATCHDOG=1\n");
}


static void
destroy(clarity_loop_t *worker)
{
    size_t i;

    /* Each needs those below it. */
    clarity_listener_free(worker->listener);
    clarity_reporter_free(worker->reporter);
    clarity_runner_free(worker->runner);
    clarity_queue_free(worker->queue);
    clarity_http_free(worker->http);
    clarity_exec_free(worker->exec);
    clarity_custom_free(worker->custom);
    clarity_hosts_free(worker->hosts);
    worker->log->seen = NULL;

    if (worker->process == NULL) {
        clarity_metrics_free(worker->metrics, 1);
    }

    if (worker->watchdog != NULL) {
        event_free(worker->watchdog);
    }

    if (worker->stop != NULL) {
        event_free(worker->stop);
    }

    for (i = 0; i < CLARITY_LOOP_SIGNALS; i++) {
        if (worker->signals[i] != NULL) {
            event_free(worker->signals[i]);
        }
    }

    if (worker->timer != NULL) {
        event_free(worker->timer);
    }

    if (worker->base != NULL) {
        event_base_free(worker->base);
    }

    libevent_global_shutdown();
}


static void
on_ready(void *owner)
{
    clarity_loop_t *worker = owner;

    worker->is_ready = true;

    clarity_log(worker->log, CLARITY_LOG_INFO,
        clarity_loop_event(worker, "process_ready"), "concurrency=%u",
        worker->conf->concurrency);

    if (worker->process != NULL) {
        clarity_reporter_ready(worker->reporter);
    } else {
        clarity_notify("READY=1\nSTATUS=Takes jobs.\n");
    }
}


static void
on_refused(void *owner, const char *reason)
{
    clarity_loop_t *worker = owner;

    clarity_log(worker->log, CLARITY_LOG_ERROR, "redis_disagrees", "reason=%s",
        reason);

    worker->status = CLARITY_WORKER_REFUSED;
    event_base_loopbreak(worker->base);
}


static void
on_held(
    void *owner, clarity_lease_t *lease, const clarity_str_t *fields, size_t n)
{
    clarity_loop_t *worker = owner;

    clarity_runner_held(worker->runner, lease, fields, n);
}


static void
on_recorded(void *owner, clarity_lease_t *lease, void *data)
{
    clarity_loop_t *worker = owner;

    clarity_runner_recorded(worker->runner, lease, data);
}


static void
on_cancelled(void *owner, clarity_lease_t *lease)
{
    clarity_loop_t *worker = owner;

    clarity_runner_cancelled(worker->runner, lease);
}


static void
on_text(void *owner, clarity_lease_t *lease, clarity_str_t text)
{
    clarity_loop_t *worker = owner;

    clarity_runner_text(worker->runner, lease, text);
}


static void
on_woken(void *owner, clarity_lease_t *lease)
{
    clarity_loop_t *worker = owner;

    clarity_runner_woken(worker->runner, lease);
}


static void
on_ended(void *owner, clarity_lease_t *lease, clarity_lease_end_t end)
{
    clarity_loop_t *worker = owner;

    clarity_runner_ended(worker->runner, lease, end);
}


static void
on_idle(void *owner)
{
    clarity_loop_t *worker = owner;

    worker->hurrying = true;

    clarity_timer_arm(worker->timer, CLARITY_LEAVE_TIME);
    clarity_queue_leave(worker->queue);
}


static void
on_left(void *owner)
{
    clarity_loop_t *worker = owner;

    event_base_loopbreak(worker->base);
}
