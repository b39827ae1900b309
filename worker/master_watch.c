#include "worker/master_part.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/notify.h"
#include "worker/reload.h"
#include "worker/timer.h"

#define STALE 3000 /* ms without a turn after which a process hangs */
#define STUCK                                                                 \
    5000 /* ms likewise, after which the watchdog ends it, at least */
#define GRACE 4000 /* ms beyond the drain that a process has to end */

static void on_stop(evutil_socket_t fd, short events, void *data);
static void on_deadline(evutil_socket_t fd, short events, void *data);
static void on_reload(evutil_socket_t fd, short events, void *data);
static void on_reopen(evutil_socket_t fd, short events, void *data);
static void on_child(evutil_socket_t fd, short events, void *data);
static void on_change(evutil_socket_t fd, short events, void *data);
static void on_watchdog(evutil_socket_t fd, short events, void *data);
static bool watch_signals(clarity_master_t *master);
static bool watch_descriptors(clarity_master_t *master);
static void command(clarity_master_t *master, clarity_command_t what);
static void check_ready(clarity_master_t *master);
static void check_reloaded(clarity_master_t *master);
static void get_gauges(void *owner, clarity_gauges_t *gauges);
static void add_gauges(clarity_gauges_t *sum, const clarity_gauges_t *one);
static void add(int64_t *sum, int64_t one);
static const char *get_health(void *owner);
static const char *get_readiness(void *owner);
static const char *find_amiss(clarity_master_t *master, bool readiness);
static const char *get_amiss(
    const clarity_master_t *master, unsigned i, bool readiness);
static uint64_t get_silence(const clarity_report_t *report);
static void free_event(struct event **event);


bool
clarity_master_watch(clarity_master_t *master)
{
    return watch_signals(master) && watch_descriptors(master)
           && clarity_notify_arm_watchdog(
               master->base, on_watchdog, master, &master->watchdog);
}


static bool
watch_signals(clarity_master_t *master)
{
    size_t i;
    static const struct {
        int number;
        event_callback_fn callback;
    } signals[CLARITY_MASTER_SIGNALS] = {
        { SIGTERM, on_stop },
        { SIGINT, on_stop },
        { SIGHUP, on_reload },
        { SIGUSR1, on_reopen },
        { SIGCHLD, on_child },
    };

    for (i = 0; i < CLARITY_MASTER_SIGNALS; i++) {
        master->signals_watched[i] = evsignal_new(
            master->base, signals[i].number, signals[i].callback, master);

        if (master->signals_watched[i] == NULL
            || event_add(master->signals_watched[i], NULL) != 0)
        {
            return false;
        }
    }

    return true;
}


static bool
watch_descriptors(clarity_master_t *master)
{
    master->deadline = evtimer_new(master->base, on_deadline, master);
    master->changes = event_new(master->base, master->changed,
        EV_READ | EV_PERSIST, on_change, master);

    if (master->deadline == NULL || master->changes == NULL
        || event_add(master->changes, NULL) != 0)
    {
        return false;
    }

    if (master->stop_fd == -1) {
        return true;
    }

    master->stop =
        event_new(master->base, master->stop_fd, EV_READ, on_stop, master);

    return master->stop != NULL && event_add(master->stop, NULL) == 0;
}


bool
clarity_master_listen(clarity_master_t *master)
{
    clarity_listener_conf_t conf = { 0 };

    if (master->conf->listen_host == NULL) {
        return true;
    }

    conf.base = master->base;
    conf.host = master->conf->listen_host;
    conf.port = master->conf->listen_port;
    conf.metrics = master->metrics;
    conf.nmetrics = master->n + 1;
    conf.owner = master;
    conf.gauges = get_gauges;
    conf.health = get_health;
    conf.readiness = get_readiness;

    master->listener = clarity_listener_create(&conf, &master->fault);

    return master->listener != NULL;
}


void
clarity_master_unwatch(clarity_master_t *master)
{
    size_t i;

    clarity_listener_free(master->listener);
    master->listener = NULL;

    for (i = 0; i < CLARITY_MASTER_SIGNALS; i++) {
        free_event(&master->signals_watched[i]);
    }

    free_event(&master->changes);
    free_event(&master->stop);
    free_event(&master->deadline);
    free_event(&master->watchdog);
}


static void
free_event(struct event **event)
{
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}


void
clarity_master_turn(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;
    (void) data;
}


static void
on_stop(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    clarity_master_stop(data);
}


void
clarity_master_stop(clarity_master_t *master)
{
    if (!master->stopping) {
        master->stopping = true;

        clarity_notify("STOPPING=1\nSTATUS=Finishes the jobs in hand.\n");
        clarity_log(master->log, CLARITY_LOG_INFO, "stopping", "drain_ms=%llu",
            (unsigned long long) master->conf->drain);

        clarity_timer_arm(master->deadline, master->conf->drain + GRACE);
    }

    command(master, CLARITY_COMMAND_STOP);
}


/* They were to end by themselves: one that does not is stopped, or stuck. */
static void
on_deadline(evutil_socket_t fd, short events, void *data)
{
    unsigned i;
    clarity_master_t *master = data;

    (void) fd;
    (void) events;

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid != 0) {
            clarity_log(master->log, CLARITY_LOG_ERROR, "process_not_ending",
                "number=%u pid=%u reason=%s", i + 1,
                (unsigned) master->children[i].pid,
                "it has not ended within its drain, and is killed");
            (void) kill(master->children[i].pid, SIGKILL);
        }
    }
}


/*
 * What is wrong is told once, here, and to no process. What is good each of
 * them reads for itself; one that is started later has it from here.
 */
static void
on_reload(evutil_socket_t fd, short events, void *data)
{
    unsigned i;
    clarity_master_t *master = data;
    clarity_workflows_t *set;

    (void) fd;
    (void) events;

    clarity_log_reopen(master->log);

    /* Who has not been READY yet does not become it by a reload. */
    if (master->is_ready) {
        clarity_notify_reloading();
        master->reloading = true;
    }

    set = clarity_reload(master->conf, master->log);

    if (set == NULL) {
        command(master, CLARITY_COMMAND_REOPEN);

    } else {
        clarity_workflows_drop(master->set);
        master->set = set;
        clarity_reload_log(master->log, set);

        for (i = 0; i < master->n; i++) {
            master->children[i].reloads++;
        }

        command(master, CLARITY_COMMAND_RELOAD);
    }

    check_reloaded(master);
}


static void
on_reopen(evutil_socket_t fd, short events, void *data)
{
    clarity_master_t *master = data;

    (void) fd;
    (void) events;

    clarity_log_reopen(master->log);
    command(master, CLARITY_COMMAND_REOPEN);
}


static void
on_child(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    clarity_master_reap(data);
    check_reloaded(data);
}


static void
on_change(evutil_socket_t fd, short events, void *data)
{
    uint64_t count;

    (void) events;

    if (read(fd, &count, sizeof(count)) == sizeof(count)) {
        check_ready(data);
        check_reloaded(data);
    }
}


/* A byte; a process that is so far behind that its pipe is full is stuck. */
static void
command(clarity_master_t *master, clarity_command_t what)
{
    char byte;
    unsigned i;

    byte = (char) what;

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid != 0
            && write(master->children[i].commands, &byte, 1) == -1)
        {
            clarity_log(master->log, CLARITY_LOG_ERROR, "process_not_told",
                "number=%u pid=%u", i + 1, (unsigned) master->children[i].pid);
        }
    }
}


static void
check_ready(clarity_master_t *master)
{
    unsigned i;

    if (master->is_ready || master->stopping
        || clarity_master_alive(master) < master->n)
    {
        return;
    }

    for (i = 0; i < master->n; i++) {
        if (!clarity_report_get(&master->reports[i].ready)) {
            return;
        }
    }

    master->is_ready = true;

    clarity_log(master->log, CLARITY_LOG_INFO, "ready",
        "concurrency=%u processes=%u", master->conf->concurrency, master->n);
    clarity_notify("READY=1\nSTATUS=Takes jobs.\n");
}


static void
check_reloaded(clarity_master_t *master)
{
    unsigned i;

    if (!master->reloading) {
        return;
    }

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid != 0
            && clarity_report_get(&master->reports[i].reloads)
                   < master->children[i].reloads)
        {
            return;
        }
    }

    master->reloading = false;
    clarity_notify("READY=1\n");
}


/* One that is stuck is ended, rather than all of them by the manager. */
static void
on_watchdog(evutil_socket_t fd, short events, void *data)
{
    unsigned i;
    uint64_t most;
    clarity_master_t *master = data;

    (void) fd;
    (void) events;

    most = 2 * clarity_notify_watchdog();
    most = most > STUCK ? most : STUCK;

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid != 0
            && get_silence(&master->reports[i]) > most) {
            clarity_log(master->log, CLARITY_LOG_ERROR, "process_stuck",
                "number=%u pid=%u silent_ms=%llu reason=%s", i + 1,
                (unsigned) master->children[i].pid,
                (unsigned long long) get_silence(&master->reports[i]),
                "its loop does not turn; it is killed");
            (void) kill(master->children[i].pid, SIGKILL);
        }
    }

    clarity_notify("WATCHDOG=1\n");
}


static uint64_t
get_silence(const clarity_report_t *report)
{
    uint64_t now, then;

    then = clarity_report_get(&report->turned_at);
    now = clarity_clock_ms();

    return now > then ? now - then : 0;
}


/* What is in Redis is the same for all: it is said by the first who knows. */
static void
get_gauges(void *owner, clarity_gauges_t *gauges)
{
    unsigned i;
    clarity_gauges_t one;
    clarity_master_t *master = owner;

    memset(gauges, 0xff, sizeof(*gauges)); /* -1: not known */

    gauges->processes = 0;
    gauges->reading = 1;
    gauges->workflows = (int64_t) master->set->count;
    gauges->triggers = (int64_t) master->set->triggers->count;

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid == 0
            || get_silence(&master->reports[i]) > STALE) {
            gauges->reading = 0;
            continue;
        }

        clarity_report_gauges(&master->reports[i], &one);
        add_gauges(gauges, &one);
    }
}


static void
add_gauges(clarity_gauges_t *sum, const clarity_gauges_t *one)
{
    sum->processes++;
    sum->reading = sum->reading == 1 && one->reading == 1;

    add(&sum->held, one->held);
    add(&sum->free_slots, one->free_slots);
    add(&sum->calls, one->calls);
    add(&sum->calls_waiting, one->calls_waiting);
    add(&sum->connected, one->connected);

    if (sum->failed < 0) {
        sum->depth = one->depth;
        sum->pending = one->pending;
        sum->delayed = one->delayed;
        sum->failed = one->failed;
        sum->oldest = one->oldest;
    }
}


static void
add(int64_t *sum, int64_t one)
{
    if (one >= 0) {
        *sum = (*sum >= 0 ? *sum : 0) + one;
    }
}


static const char *
get_health(void *owner)
{
    clarity_master_t *master = owner;

    return master->stopping ? NULL : find_amiss(master, false);
}


static const char *
get_readiness(void *owner)
{
    clarity_master_t *master = owner;

    return master->stopping ? "it stops" : find_amiss(master, true);
}


/* All is well where it is so in every process. */
static const char *
find_amiss(clarity_master_t *master, bool readiness)
{
    unsigned i;
    const char *amiss;

    for (i = 0; i < master->n; i++) {
        amiss = get_amiss(master, i, readiness);

        if (amiss != NULL) {
            snprintf(master->reason, sizeof(master->reason),
                "process %u of %u: %s", i + 1, master->n, amiss);
            return master->reason;
        }
    }

    return NULL;
}


static const char *
get_amiss(const clarity_master_t *master, unsigned i, bool readiness)
{
    const clarity_report_t *report;

    report = &master->reports[i];

    if (master->children[i].pid == 0) {
        return "it has died, and is started anew";
    }

    if (get_silence(report) > STALE) {
        return "its loop does not turn";
    }

    return readiness ? clarity_report_get(&report->readiness)
                     : clarity_report_get(&report->health);
}
