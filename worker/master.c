#define _GNU_SOURCE /* sched_getaffinity, pipe2 */

#include "worker/master_part.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/notify.h"
#include "worker/timer.h"

#define STEADY   10000 /* ms after which a death is no sign of the next one */
#define WAIT_MIN 100   /* ms until a process is started anew, if not at once */
#define WAIT_MAX 10000

static unsigned count_processes(const clarity_conf_t *conf);
static unsigned count_cores(void);
static int run(clarity_master_t *master, bool *forked);
static bool create(clarity_master_t *master);
static void destroy(clarity_master_t *master);
static bool start_due(clarity_master_t *master);
static bool start(clarity_master_t *master, unsigned i);
static void become(clarity_master_t *master, unsigned i, int commands);
static int work(clarity_master_t *master);
static void arm_next(clarity_master_t *master);
static void on_died(clarity_master_t *master, unsigned i, int status);
static void describe(char *text, size_t size, int status);
static void put_off(clarity_master_child_t *child);


int
clarity_master_work(const clarity_conf_t *conf, clarity_workflows_t *set,
    clarity_log_t *log, const clarity_handlers_t *handlers, int stop,
    bool *forked)
{
    int status;
    clarity_error_t error;
    clarity_master_t master = { 0 };

    *forked = false;
    master.n = count_processes(conf);

    /* A peer that closes is no reason to end, nor is one that read the log. */
    (void) signal(SIGPIPE, SIG_IGN);

    if (!clarity_conf_check_lease(conf, &error)) {
        clarity_log(
            log, CLARITY_LOG_WARN, "lease_too_short", "reason=%s", error.text);
    }

    clarity_conf_raise_descriptors();

    /* What exec starts runs as our user: without this it could read our
     * environment, with its secrets, in /proc. */
    if (conf->ncommands > 0) {
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }

    if (!clarity_conf_check_descriptors(conf, &error)) {
        clarity_log(log, CLARITY_LOG_WARN, "descriptors_too_few", "reason=%s",
            error.text);
    }

    if (master.n == 1) {
        return clarity_worker_work(conf, set, log, handlers, stop, NULL) != 0;
    }

    master.conf = conf;
    master.own = *conf;
    master.set = set;
    master.log = log;
    master.handlers = handlers;
    master.stop_fd = stop;
    master.changed = -1;

    clarity_log(log, CLARITY_LOG_INFO, "started",
        "version=%s pid=%u triggers=%u workflows=%u processes=%u",
        CLARITY_VERSION, (unsigned) getpid(), (unsigned) set->triggers->count,
        (unsigned) set->count, master.n);

    if (create(&master)) {
        status = run(&master, forked);

    } else {
        clarity_log_not_started(
            log, master.fault.text[0] != '\0'
                     ? master.fault.text
                     : "out of memory or file descriptors");
        status = 1;
    }

    destroy(&master);

    return status;
}


/* None is without a job that it may work on. */
static unsigned
count_processes(const clarity_conf_t *conf)
{
    unsigned n;

    n = conf->processes > 0 ? conf->processes : count_cores();
    n = n < CLARITY_MAX_PROCESSES ? n : CLARITY_MAX_PROCESSES;

    n = n < conf->concurrency ? n : conf->concurrency;

    return n > 0 ? n : 1;
}


/* Those that this process may run on. */
static unsigned
count_cores(void)
{
    int n;
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
        n = CPU_COUNT(&cores);

    } else {
        n = (int) sysconf(_SC_NPROCESSORS_ONLN); /* there are 1024 and more */
    }

    return n > 0 ? (unsigned) n : 1;
}


/* Processes are started here alone, so a new one has nothing to return to. */
static int
run(clarity_master_t *master, bool *forked)
{
    while (!master->stopping || clarity_master_alive(master) > 0) {
        if (start_due(master)) {
            *forked = true;
            return work(master);
        }

        arm_next(master);

        if (event_base_loop(master->base, EVLOOP_ONCE) == -1) {
            master->status = 1;
            clarity_master_stop(master);
        }
    }

    clarity_log(master->log, CLARITY_LOG_INFO, "stopped", "status=%u",
        (unsigned) master->status);

    return master->status;
}


static bool
create(clarity_master_t *master)
{
    unsigned i, total;

    total = master->conf->concurrency;

    master->base = event_base_new();
    master->timer = master->base != NULL
                        ? evtimer_new(master->base, clarity_master_turn, NULL)
                        : NULL;
    master->children = calloc(master->n, sizeof(*master->children));
    master->metrics = clarity_metrics_create(master->n + 1);
    master->reports = clarity_reports_create(master->n);
    master->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (master->timer == NULL || master->children == NULL
        || master->metrics == NULL || master->reports == NULL
        || master->changed == -1)
    {
        return false;
    }

    for (i = 0; i < master->n; i++) {
        master->children[i].commands = -1;
        master->children[i].concurrency =
            total / master->n + (i < total % master->n);
    }

    /* Its own are the last ones. */
    master->log->seen = clarity_metrics_event;
    master->log->owner = clarity_metrics_of(master->metrics, master->n);

    return clarity_master_watch(master) && clarity_master_listen(master);
}


static void
destroy(clarity_master_t *master)
{
    unsigned i;

    for (i = 0; master->children != NULL && i < master->n; i++) {
        if (master->children[i].commands != -1) {
            close(master->children[i].commands);
        }
    }

    clarity_master_unwatch(master);

    if (master->timer != NULL) {
        event_free(master->timer);
    }

    if (master->base != NULL) {
        event_base_free(master->base);
        libevent_global_shutdown();
    }

    if (master->changed != -1) {
        close(master->changed);
    }

    master->log->seen = NULL;
    clarity_metrics_free(master->metrics, master->n + 1);
    clarity_reports_free(master->reports, master->n);
    clarity_workflows_drop(master->set);
    free(master->children);
}


/* true: this is a new process. */
static bool
start_due(clarity_master_t *master)
{
    unsigned i;
    clarity_master_child_t *child;

    for (i = 0; i < master->n && !master->stopping; i++) {
        child = &master->children[i];

        if (child->pid == 0 && clarity_clock_ms() >= child->due
            && start(master, i)) {
            return true;
        }
    }

    return false;
}


/*
 * Signals are blocked until the new process has handlers of its own: those of
 * the master would tell the master.
 */
static bool
start(clarity_master_t *master, unsigned i)
{
    int fds[2];
    sigset_t all;
    clarity_master_child_t *child;

    child = &master->children[i];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1) {
        fds[0] = fds[1] = -1;
        goto failed;
    }

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &master->signals);
    fflush(NULL);
    clarity_report_reset(&master->reports[i]);

    child->started = clarity_clock_ms();
    child->pid = fork();

    if (child->pid == 0) {
        close(fds[1]);
        become(master, i, fds[0]);
        return true;
    }

    sigprocmask(SIG_SETMASK, &master->signals, NULL);

    if (child->pid == -1) {
        child->pid = 0;
        goto failed;
    }

    close(fds[0]);
    child->commands = fds[1];
    child->reloads = 0;

    return false;

failed:

    put_off(child);

    clarity_log(master->log, CLARITY_LOG_ERROR, "process_not_started",
        "number=%u reason=%s restart_ms=%llu", i + 1, strerror(errno),
        (unsigned long long) child->wait);

    if (fds[0] != -1) {
        close(fds[0]);
        close(fds[1]);
    }

    return false;
}


/* In the new process: nothing of the master's goes on here. */
static void
become(clarity_master_t *master, unsigned i, int commands)
{
    unsigned n;

    /* Else what is freed here would be taken out of the master's epoll. */
    (void) event_reinit(master->base);

    clarity_master_unwatch(master);
    event_free(master->timer);
    event_base_free(master->base);
    master->timer = NULL;
    master->base = NULL;
    master->log->seen = NULL;

    for (n = 0; n < master->n; n++) {
        if (master->children[n].commands != -1) {
            close(master->children[n].commands);
            master->children[n].commands = -1;
        }
    }

    /* They are told by the master alone. */
    (void) unsetenv("NOTIFY_SOCKET");

    master->log->process = i + 1;
    master->own.concurrency = master->children[i].concurrency;

    master->process.number = i + 1;
    master->process.metrics = clarity_metrics_of(master->metrics, i);
    master->process.report = &master->reports[i];
    master->process.commands = commands;
    master->process.changed = master->changed;
    master->process.signals = master->signals;
}


static int
work(clarity_master_t *master)
{
    int status;

    status =
        clarity_worker_work(&master->own, clarity_workflows_use(master->set),
            master->log, master->handlers, -1, &master->process);

    close(master->process.commands);

    return status;
}


unsigned
clarity_master_alive(const clarity_master_t *master)
{
    unsigned i, n;

    n = 0;

    for (i = 0; i < master->n; i++) {
        n += master->children[i].pid != 0;
    }

    return n;
}


static void
arm_next(clarity_master_t *master)
{
    unsigned i;
    uint64_t now, due, next;

    now = clarity_clock_ms();
    next = UINT64_MAX;

    for (i = 0; i < master->n && !master->stopping; i++) {
        if (master->children[i].pid == 0) {
            due = master->children[i].due;
            next = due < next ? due : next;
        }
    }

    if (next != UINT64_MAX) {
        clarity_timer_arm(master->timer, next > now ? next - now : 0);
    }
}


/* Each by its own id: a program of the SDK may have other children. */
void
clarity_master_reap(clarity_master_t *master)
{
    int status;
    unsigned i;

    for (i = 0; i < master->n; i++) {
        if (master->children[i].pid != 0
            && waitpid(master->children[i].pid, &status, WNOHANG)
                   == master->children[i].pid)
        {
            on_died(master, i, status);
        }
    }
}


static void
on_died(clarity_master_t *master, unsigned i, int status)
{
    pid_t pid;
    char reason[64];
    clarity_master_child_t *child;

    child = &master->children[i];
    pid = child->pid;

    close(child->commands);
    child->commands = -1;
    child->pid = 0;

    if (WIFEXITED(status) && WEXITSTATUS(status) == CLARITY_WORKER_REFUSED) {
        master->status = 1;
        clarity_master_stop(master);
        return;
    }

    if (master->stopping && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return;
    }

    describe(reason, sizeof(reason), status);

    if (master->stopping) {
        clarity_log(master->log, CLARITY_LOG_ERROR, "process_died",
            "number=%u pid=%u reason=%s", i + 1, (unsigned) pid, reason);
        return;
    }

    put_off(child);

    clarity_log(master->log, CLARITY_LOG_ERROR, "process_died",
        "number=%u pid=%u reason=%s restart_ms=%llu", i + 1, (unsigned) pid,
        reason, (unsigned long long) child->wait);
}


static void
describe(char *text, size_t size, int status)
{
    if (WIFSIGNALED(status)) {
        snprintf(text, size, "killed by signal %d (%s)%s", WTERMSIG(status),
            strsignal(WTERMSIG(status)),
            WCOREDUMP(status) ? ", core dumped" : "");
    } else {
        snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
    }
}


/* At once where it worked for a while; else later and later. */
static void
put_off(clarity_master_child_t *child)
{
    uint64_t now;

    now = clarity_clock_ms();

    if (child->started != 0 && now - child->started >= STEADY) {
        child->wait = 0;

    } else if (child->wait == 0) {
        child->wait = WAIT_MIN;

    } else {
        child->wait = child->wait * 2 < WAIT_MAX ? child->wait * 2 : WAIT_MAX;
    }

    child->due = now + child->wait;
}
