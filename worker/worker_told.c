#include "worker/worker_part.h"

#include <signal.h>

#include "worker/notify.h"
#include "worker/reload.h"
#include "worker/timer.h"

static void on_stop(evutil_socket_t fd, short events, void *data);
static void on_command(void *owner, clarity_command_t command);
static void on_orphaned(void *owner);
static void get_report(void *owner, clarity_report_t *report);
static void drain(clarity_loop_t *worker, const char *reason);
static void on_timer(evutil_socket_t fd, short events, void *data);
static void hurry(clarity_loop_t *worker);
static void on_hangup(evutil_socket_t fd, short events, void *data);
static void reload(clarity_loop_t *worker);
static void on_reopen(evutil_socket_t fd, short events, void *data);


bool
clarity_loop_watch(clarity_loop_t *worker)
{
    size_t i;
    static const struct {
        int number;
        event_callback_fn callback;
    } signals[CLARITY_LOOP_SIGNALS] = {
        { SIGTERM, on_stop },
        { SIGINT, on_stop },
        { SIGHUP, on_hangup },
        { SIGUSR1, on_reopen },
    };

    worker->timer = evtimer_new(worker->base, on_timer, worker);
    if (worker->timer == NULL) {
        return false;
    }

    for (i = 0; i < CLARITY_LOOP_SIGNALS; i++) {
        worker->signals[i] = evsignal_new(
            worker->base, signals[i].number, signals[i].callback, worker);

        if (worker->signals[i] == NULL
            || event_add(worker->signals[i], NULL) != 0) {
            return false;
        }
    }

    if (worker->stop_fd != -1) {
        worker->stop =
            event_new(worker->base, worker->stop_fd, EV_READ, on_stop, worker);

        if (worker->stop == NULL || event_add(worker->stop, NULL) != 0) {
            return false;
        }
    }

    return true;
}


bool
clarity_loop_report(clarity_loop_t *worker)
{
    clarity_reporter_conf_t conf = { 0 };

    conf.base = worker->base;
    conf.process = worker->process;
    conf.owner = worker;
    conf.command = on_command;
    conf.orphaned = on_orphaned;
    conf.report = get_report;

    worker->reporter = clarity_reporter_create(&conf);

    /* Those that came before there was a handler for them come now. */
    return worker->reporter != NULL
           && sigprocmask(SIG_SETMASK, &worker->process->signals, NULL) == 0;
}


static void
get_report(void *owner, clarity_report_t *report)
{
    clarity_loop_gauges(owner, &report->gauges);
    report->health = clarity_loop_health(owner);
    report->readiness = clarity_loop_readiness(owner);
}


static void
on_stop(evutil_socket_t fd, short events, void *data)
{
    clarity_loop_t *worker = data;

    (void) fd;
    (void) events;

    if (!worker->stopping) {
        drain(worker, NULL);

    } else if (worker->process == NULL || worker->orphaned) {
        hurry(worker);
    }
}


static void
on_command(void *owner, clarity_command_t command)
{
    clarity_loop_t *worker = owner;

    switch (command) {

    case CLARITY_COMMAND_STOP:
        if (worker->stops++ > 0) {
            hurry(worker);

        } else if (!worker->stopping) {
            drain(worker, NULL);
        }

        break;

    case CLARITY_COMMAND_RELOAD:
        reload(worker);
        clarity_reporter_reloaded(worker->reporter);
        break;

    case CLARITY_COMMAND_REOPEN: clarity_log_reopen(worker->log); break;
    }
}


static void
on_orphaned(void *owner)
{
    clarity_loop_t *worker = owner;

    worker->orphaned = true;

    if (!worker->stopping) {
        drain(worker, "the master process is no more");
    }
}


static void
drain(clarity_loop_t *worker, const char *reason)
{
    worker->stopping = true;

    if (worker->process == NULL) {
        clarity_notify("STOPPING=1\nSTATUS=Finishes the jobs in hand.\n");
    }

    clarity_log(worker->log,
        reason == NULL ? CLARITY_LOG_INFO : CLARITY_LOG_ERROR,
        clarity_loop_event(worker, "process_stopping"),
        "drain_ms=%llu reason=%s", (unsigned long long) worker->conf->drain,
        reason);

    clarity_timer_arm(worker->timer, worker->conf->drain);
    clarity_queue_stop(worker->queue);
    clarity_runner_stop(worker->runner);
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_loop_t *worker = data;

    (void) fd;
    (void) events;

    hurry(worker);
}


/* What is not done is let go of; if Redis is away its leases will run out. */
static void
hurry(clarity_loop_t *worker)
{
    if (worker->hurrying) {
        event_base_loopbreak(worker->base);
        return;
    }

    worker->hurrying = true;

    /* What one call that is given up makes room for is given up next. */
    clarity_hosts_close(worker->hosts);

    clarity_timer_arm(worker->timer, CLARITY_LEAVE_TIME);
    clarity_runner_release(worker->runner);
}


static void
on_hangup(evutil_socket_t fd, short events, void *data)
{
    clarity_loop_t *worker = data;

    (void) fd;
    (void) events;

    if (worker->process == NULL) {
        if (!worker->is_ready) {
            reload(worker);
            return;
        }

        clarity_notify_reloading();
        reload(worker);
        clarity_notify("READY=1\n");
    }
}


static void
reload(clarity_loop_t *worker)
{
    clarity_workflows_t *set;

    clarity_log_reopen(worker->log);

    set = clarity_reload(worker->conf, worker->log);

    if (set == NULL) {
        return;
    }

    /* The master has said so, for all. */
    if (worker->process == NULL) {
        clarity_reload_log(worker->log, set);
    }

    worker->ntriggers = set->triggers->count;
    worker->nworkflows = set->count;
    clarity_runner_use(worker->runner, set);
    clarity_queue_publish(worker->queue, set);
}


static void
on_reopen(evutil_socket_t fd, short events, void *data)
{
    clarity_loop_t *worker = data;

    (void) fd;
    (void) events;

    clarity_log_reopen(worker->log);
}
