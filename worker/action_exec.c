#define _GNU_SOURCE /* memfd_create, pipe2 */

#include "worker/action_exec.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "worker/spawn.h"
#include "worker/timer.h"

#define PATH_VARIABLE                                                         \
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define GRACE 2000 /* ms from SIGTERM to SIGKILL */
#define READS 64   /* at once: more than a pipe holds */

typedef struct {
    int fd; /* -1: none, or closed */
    struct event *event;
    clarity_buf_t text;
    size_t most;
} clarity_output_t;

typedef struct clarity_process_s {
    clarity_work_t work; /* first */
    clarity_exec_t *exec;
    clarity_strings_t strings;
    char **environment;  /* owned, up to a NULL */
    clarity_str_t input; /* of the caller, until it runs */
    uint64_t timeout;

    pid_t pid; /* and its group's; 0: it was not started, or has ended */
    int error; /* errno: why it was not started */
    clarity_output_t output;
    clarity_output_t errors;
    struct event *timer;
    bool timed_out;

    void (*done)(void *data, const clarity_attempt_t *attempt); /* or NULL */
    void *data;
    LIST_ENTRY(clarity_process_s) list;
} clarity_process_t;

struct clarity_exec_s {
    struct event_base *base;
    clarity_hosts_t *hosts;
    struct event *child; /* SIGCHLD */
    LIST_HEAD(clarity_process_list, clarity_process_s) processes;
};

static bool set_up(
    clarity_process_t *process, const clarity_process_conf_t *conf);
static bool copy_environment(
    clarity_process_t *process, const clarity_process_conf_t *conf);
static int make_input(clarity_str_t text);
static void begin_process(clarity_turn_t *turn);
static int spawn(clarity_process_t *process);
static bool open_output(
    clarity_process_t *process, clarity_output_t *output, int *writer);
static char **make_argv(const clarity_process_t *process);
static void on_output(evutil_socket_t fd, short events, void *data);
static void read_output(clarity_output_t *output);
static void close_output(clarity_output_t *output);
static void on_timer(evutil_socket_t fd, short events, void *data);
static void on_child(evutil_socket_t fd, short events, void *data);
static bool end_one(clarity_exec_t *exec);
static void end_process(clarity_process_t *process, int status);
static void judge(
    const clarity_process_t *process, int status, clarity_attempt_t *attempt);
static void decide(clarity_attempt_t *attempt,
    clarity_attempt_verdict_t verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void cancel_process(clarity_work_t *work);
static void free_process(clarity_process_t *process);


clarity_exec_t *
clarity_exec_create(struct event_base *base, clarity_hosts_t *hosts)
{
    clarity_exec_t *exec;

    exec = calloc(1, sizeof(clarity_exec_t));
    if (exec == NULL) {
        return NULL;
    }

    exec->base = base;
    exec->hosts = hosts;
    LIST_INIT(&exec->processes);

    exec->child = evsignal_new(base, SIGCHLD, on_child, exec);

    if (exec->child == NULL || event_add(exec->child, NULL) != 0) {
        clarity_exec_free(exec);
        return NULL;
    }

    return exec;
}


/* Those that are left were given up, and killed. */
void
clarity_exec_free(clarity_exec_t *exec)
{
    clarity_process_t *process;

    if (exec == NULL) {
        return;
    }

    while ((process = LIST_FIRST(&exec->processes)) != NULL) {
        waitpid(process->pid, NULL, 0);
        free_process(process);
    }

    if (exec->child != NULL) {
        event_free(exec->child);
    }

    free(exec);
}


clarity_work_t *
clarity_exec_start(clarity_exec_t *exec, const clarity_process_conf_t *conf)
{
    clarity_process_t *process;

    process = calloc(1, sizeof(clarity_process_t));
    if (process == NULL) {
        return NULL;
    }

    process->work.turn.begin = begin_process;
    process->work.cancel = cancel_process;
    process->exec = exec;
    process->input = conf->input;
    process->output.fd = process->errors.fd = -1;
    process->output.most = CLARITY_OUTPUT_MAX;
    process->errors.most = CLARITY_ERROR_MAX;
    process->timeout = conf->timeout;
    process->done = conf->done;
    process->data = conf->data;

    LIST_INSERT_HEAD(&exec->processes, process, list);

    if (!set_up(process, conf)) {
        free_process(process);
        return NULL;
    }

    clarity_hosts_go(exec->hosts);

    return &process->work;
}


static bool
set_up(clarity_process_t *process, const clarity_process_conf_t *conf)
{
    process->strings = *conf->strings;
    *conf->strings = (clarity_strings_t){ 0 };

    process->timer = evtimer_new(process->exec->base, on_timer, process);

    /* A path, so it is no host's name. */
    return process->timer != NULL && copy_environment(process, conf)
           && clarity_hosts_join(process->exec->hosts,
               process->strings.list[0].data, &process->work.turn);
}


static bool
copy_environment(
    clarity_process_t *process, const clarity_process_conf_t *conf)
{
    size_t i;

    process->environment = calloc(conf->nenvironment + 2, sizeof(char *));
    if (process->environment == NULL) {
        return false;
    }

    process->environment[0] = strdup(PATH_VARIABLE);

    if (process->environment[0] == NULL) {
        return false;
    }

    for (i = 0; i < conf->nenvironment; i++) {
        process->environment[i + 1] = strdup(conf->environment[i]);

        if (process->environment[i + 1] == NULL) {
            return false;
        }
    }

    return true;
}


/* A file, so that nothing waits for the program to read it. */
static int
make_input(clarity_str_t text)
{
    int fd;
    ssize_t n;

    fd = memfd_create("clarity-input", MFD_CLOEXEC);

    while (fd != -1 && text.len > 0) {
        n = write(fd, text.data, text.len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            close(fd);
            return -1;
        }

        text.data += n;
        text.len -= (size_t) n;
    }

    if (fd != -1) {
        lseek(fd, 0, SEEK_SET);
    }

    return fd;
}


/* The time-out runs from here on. */
static void
begin_process(clarity_turn_t *turn)
{
    clarity_process_t *process = (clarity_process_t *) turn;

    process->error = spawn(process);

    if (process->error != 0) {
        process->pid = 0;
        event_active(process->timer, EV_TIMEOUT, 0);
        return;
    }

    clarity_timer_arm(process->timer, process->timeout);
}


/*
 * An errno, 0: it runs. One that is in line has nothing open: there may be
 * thousands.
 */
static int
spawn(clarity_process_t *process)
{
    int error;
    char **argv;
    size_t i;
    int files[3] = { -1, -1, -1 };

    errno = 0;
    argv = make_argv(process);
    files[0] = argv != NULL ? make_input(process->input) : -1;

    if (files[0] == -1 || !open_output(process, &process->output, &files[1])
        || !open_output(process, &process->errors, &files[2]))
    {
        error = errno != 0 ? errno : ENOMEM;

    } else {
        error =
            clarity_spawn(&process->pid, argv, process->environment, files);
    }

    for (i = 0; i < 3; i++) {
        if (files[i] != -1) {
            close(files[i]);
        }
    }

    free(argv);

    return error;
}


static bool
open_output(clarity_process_t *process, clarity_output_t *output, int *writer)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == -1) {
        return false;
    }

    output->fd = ends[0];
    *writer = ends[1];

    output->event = event_new(
        process->exec->base, ends[0], EV_READ | EV_PERSIST, on_output, output);

    return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && output->event != NULL
           && event_add(output->event, NULL) == 0;
}


static char **
make_argv(const clarity_process_t *process)
{
    size_t i;
    char **argv;

    argv = calloc(process->strings.count + 1, sizeof(char *));

    for (i = 0; argv != NULL && i < process->strings.count; i++) {
        argv[i] = (char *) process->strings.list[i].data;
    }

    return argv;
}


static void
on_output(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    read_output(data);
}


/*
 * What is beyond the bound is read and dropped, so that it does not block. One
 * that writes as fast as this reads must not keep the loop from all others.
 */
static void
read_output(clarity_output_t *output)
{
    ssize_t n;
    char bytes[16384];
    size_t i, room;

    for (i = 0; i < READS && output->fd != -1; i++) {
        n = read(output->fd, bytes, sizeof(bytes));

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0) {
            close_output(output);
            return;
        }

        room = output->most - output->text.len;

        clarity_buf_add(&output->text,
            (clarity_str_t){ bytes, (size_t) n < room ? (size_t) n : room });
    }
}


static void
close_output(clarity_output_t *output)
{
    if (output->event != NULL) {
        event_free(output->event);
        output->event = NULL;
    }

    if (output->fd != -1) {
        close(output->fd);
        output->fd = -1;
    }
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_process_t *process = data;

    (void) fd;
    (void) events;

    if (process->pid == 0) {
        end_process(process, 0);
        return;
    }

    kill(-process->pid, process->timed_out ? SIGKILL : SIGTERM);
    process->timed_out = true;

    clarity_timer_arm(process->timer, GRACE);
}


static void
on_child(evutil_socket_t fd, short events, void *data)
{
    clarity_exec_t *exec = data;

    (void) fd;
    (void) events;

    while (end_one(exec)) {
        /* void */
    }
}


/* After one the list is another: its end may have given up others. */
static bool
end_one(clarity_exec_t *exec)
{
    int status;
    clarity_process_t *process;

    for (process = LIST_FIRST(&exec->processes); process != NULL;
         process = LIST_NEXT(process, list))
    {
        if (process->pid > 0
            && waitpid(process->pid, &status, WNOHANG) == process->pid)
        {
            end_process(process, status);
            return true;
        }
    }

    return false;
}


/*
 * What it left in the pipes is read; what others of its group may still write
 * is not waited for. After a time-out they are killed.
 */
static void
end_process(clarity_process_t *process, int status)
{
    clarity_exec_t *exec;
    clarity_attempt_t attempt = { 0 };

    exec = process->exec;

    if (process->pid > 0) {
        if (process->timed_out || process->done == NULL) {
            kill(-process->pid, SIGKILL);
        }

        read_output(&process->output);
        read_output(&process->errors);
    }

    judge(process, status, &attempt);
    process->pid = 0;

    attempt.body = clarity_buf_str(attempt.verdict == CLARITY_ATTEMPT_SUCCEEDED
                                       ? &process->output.text
                                       : &process->errors.text);

    if (process->done != NULL) {
        process->done(process->data, &attempt);
    }

    free_process(process);
    clarity_hosts_go(exec->hosts);
}


/* EX_TEMPFAIL of sysexits.h: "the user is invited to retry". */
static void
judge(const clarity_process_t *process, int status, clarity_attempt_t *attempt)
{
    bool passes;

    if (process->pid == 0) {
        passes = process->error == EAGAIN || process->error == ENOMEM
                 || process->error == EMFILE || process->error == ENFILE;

        decide(attempt,
            passes ? CLARITY_ATTEMPT_RETRY : CLARITY_ATTEMPT_FAILED,
            "%.160s cannot be started: %s", process->strings.list[0].data,
            strerror(process->error));

    } else if (process->timed_out) {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "timed out after %" PRIu64 "%s",
            process->timeout % 1000 == 0 ? process->timeout / 1000
                                         : process->timeout,
            process->timeout % 1000 == 0 ? "s" : "ms");

    } else if (WIFSIGNALED(status)) {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "ended by signal %d (%s)",
            WTERMSIG(status), strsignal(WTERMSIG(status)));

    } else if (process->output.text.failed) {
        decide(attempt, CLARITY_ATTEMPT_RETRY, "out of memory");

    } else if (WEXITSTATUS(status) == 0) {
        attempt->verdict = CLARITY_ATTEMPT_SUCCEEDED;

    } else {
        attempt->status = (unsigned) WEXITSTATUS(status);
        decide(attempt,
            attempt->status == EX_TEMPFAIL ? CLARITY_ATTEMPT_RETRY
                                           : CLARITY_ATTEMPT_FAILED,
            "exited with %u", attempt->status);
    }
}


static void
decide(clarity_attempt_t *attempt, clarity_attempt_verdict_t verdict,
    const char *format, ...)
{
    va_list args;

    attempt->verdict = verdict;

    va_start(args, format);
    vsnprintf(attempt->reason, sizeof(attempt->reason), format, args);
    va_end(args);
}


/* One that runs is killed, and stays until SIGCHLD tells that it has ended. */
static void
cancel_process(clarity_work_t *work)
{
    clarity_exec_t *exec;
    clarity_process_t *process = (clarity_process_t *) work;

    exec = process->exec;
    process->done = NULL;

    if (process->pid > 0) {
        kill(-process->pid, SIGKILL);
        return;
    }

    free_process(process);
    clarity_hosts_go(exec->hosts);
}


static void
free_process(clarity_process_t *process)
{
    size_t i;

    LIST_REMOVE(process, list);
    clarity_hosts_leave(process->exec->hosts, &process->work.turn);

    close_output(&process->output);
    close_output(&process->errors);
    clarity_buf_free(&process->output.text);
    clarity_buf_free(&process->errors.text);

    if (process->timer != NULL) {
        event_free(process->timer);
    }

    for (i = 0; process->environment != NULL && process->environment[i]; i++) {
        free(process->environment[i]);
    }

    free(process->environment);
    clarity_strings_free(&process->strings);
    free(process);
}
