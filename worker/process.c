#include "worker/process.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/timer.h"

#define EVERY 250 /* ms between two reports */

#define set(member, value) __atomic_store_n(member, value, __ATOMIC_RELAXED)

struct clarity_reporter_s {
    clarity_reporter_conf_t conf;
    struct event *timer;
    struct event *commands;
    bool ready; /* this and the next: to be told with the next report */
    uint64_t reloads;
};

static void on_timer(evutil_socket_t fd, short events, void *data);
static void on_commands(evutil_socket_t fd, short events, void *data);
static void report(clarity_reporter_t *reporter);
static void copy_gauges(clarity_gauges_t *to, const clarity_gauges_t *from);
static void tell(clarity_reporter_t *reporter);


clarity_report_t *
clarity_reports_create(size_t n)
{
    void *reports;

    reports = mmap(NULL, n * sizeof(clarity_report_t), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return reports != MAP_FAILED ? reports : NULL;
}


void
clarity_reports_free(clarity_report_t *reports, size_t n)
{
    if (reports != NULL) {
        (void) munmap(reports, n * sizeof(clarity_report_t));
    }
}


void
clarity_report_reset(clarity_report_t *report)
{
    clarity_gauges_t unknown;

    memset(&unknown, 0xff, sizeof(unknown));
    copy_gauges(&report->gauges, &unknown);

    set(&report->ready, 0);
    set(&report->reloads, 0);
    set(&report->health, "it has not reached Redis yet");
    set(&report->readiness, "it has not reached Redis yet");
    set(&report->turned_at, clarity_clock_ms());
}


void
clarity_report_gauges(const clarity_report_t *report, clarity_gauges_t *gauges)
{
    copy_gauges(gauges, &report->gauges);
}


clarity_reporter_t *
clarity_reporter_create(const clarity_reporter_conf_t *conf)
{
    clarity_reporter_t *reporter;

    reporter = calloc(1, sizeof(clarity_reporter_t));
    if (reporter == NULL) {
        return NULL;
    }

    reporter->conf = *conf;
    reporter->timer = evtimer_new(conf->base, on_timer, reporter);
    reporter->commands = event_new(conf->base, conf->process->commands,
        EV_READ | EV_PERSIST, on_commands, reporter);

    if (reporter->timer == NULL || reporter->commands == NULL
        || event_add(reporter->commands, NULL) != 0)
    {
        clarity_reporter_free(reporter);
        return NULL;
    }

    clarity_timer_arm(reporter->timer, EVERY);

    return reporter;
}


void
clarity_reporter_free(clarity_reporter_t *reporter)
{
    if (reporter == NULL) {
        return;
    }

    if (reporter->timer != NULL) {
        event_free(reporter->timer);
    }

    if (reporter->commands != NULL) {
        event_free(reporter->commands);
    }

    free(reporter);
}


void
clarity_reporter_ready(clarity_reporter_t *reporter)
{
    reporter->ready = true;
    clarity_timer_arm(reporter->timer, 0);
}


void
clarity_reporter_reloaded(clarity_reporter_t *reporter)
{
    reporter->reloads++;
    clarity_timer_arm(reporter->timer, 0);
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_reporter_t *reporter = data;

    (void) fd;
    (void) events;

    report(reporter);
    tell(reporter);
    clarity_timer_arm(reporter->timer, EVERY);
}


static void
on_commands(evutil_socket_t fd, short events, void *data)
{
    char text[64];
    ssize_t i, n;
    clarity_reporter_t *reporter = data;

    (void) events;

    n = read(fd, text, sizeof(text));

    if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN)) {
        (void) event_del(reporter->commands);
        reporter->conf.orphaned(reporter->conf.owner);
        return;
    }

    for (i = 0; i < n; i++) {
        reporter->conf.command(
            reporter->conf.owner, (clarity_command_t) text[i]);
    }
}


static void
report(clarity_reporter_t *reporter)
{
    clarity_report_t now = { 0 }, *shared;

    reporter->conf.report(reporter->conf.owner, &now);
    shared = reporter->conf.process->report;

    copy_gauges(&shared->gauges, &now.gauges);
    set(&shared->health, now.health);
    set(&shared->readiness, now.readiness);
    set(&shared->turned_at, clarity_clock_ms());
}


/* They are numbers of 64 bits, all of them. */
static void
copy_gauges(clarity_gauges_t *to, const clarity_gauges_t *from)
{
    size_t i;
    int64_t *into = (int64_t *) to;
    const int64_t *outof = (const int64_t *) from;

    for (i = 0; i < sizeof(*to) / sizeof(int64_t); i++) {
        set(&into[i], clarity_report_get(&outof[i]));
    }
}


/* What the master waits for. */
static void
tell(clarity_reporter_t *reporter)
{
    uint64_t one = 1;
    clarity_report_t *shared;

    shared = reporter->conf.process->report;

    if (reporter->ready == shared->ready
        && reporter->reloads == shared->reloads) {
        return;
    }

    set(&shared->ready, reporter->ready);
    set(&shared->reloads, reporter->reloads);

    if (write(reporter->conf.process->changed, &one, sizeof(one)) == -1) {
        /* void: it was told so often already */
    }
}
