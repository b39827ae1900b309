#include "worker/action_custom_part.h"

#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "worker/timer.h"
#include "workflow/workflow.h"

struct clarity_custom_s {
    struct event_base *base;
    clarity_hosts_t *hosts;
    struct event *event; /* of fd */
    int fd;              /* eventfd: calls have ended */
    clarity_log_t *log;
    size_t most; /* stuck calls of one handler */
    LIST_HEAD(clarity_running, clarity_call_s) calls; /* those that run */

    pthread_mutex_t lock;
    STAILQ_HEAD(clarity_ended, clarity_call_s) ended;
    size_t running; /* how many of them have not been seen to end */
    bool is_left;   /* the loop has gone */
};

static bool set_up(clarity_call_t *call, const clarity_custom_conf_t *conf);
static const char *copy(char **p, clarity_str_t text);
static void begin_call(clarity_turn_t *turn);
static size_t count_stuck(const clarity_call_t *call);
static void refuse(clarity_call_t *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int start_thread(clarity_call_t *call);
static void *run_thread(void *data);
static void on_timer(evutil_socket_t fd, short events, void *data);
static void give_up(clarity_call_t *call);
static void log_stuck(
    const clarity_call_t *call, clarity_log_level_t level, const char *event);
static void on_ended(evutil_socket_t fd, short events, void *data);
static void end_call(clarity_call_t *call);
static void judge(const clarity_call_t *call, clarity_attempt_t *attempt);
static void cancel_call(clarity_work_t *work);
static void free_call(clarity_call_t *call);
static void free_custom(clarity_custom_t *custom);


const clarity_handler_info_t *
clarity_handlers_find(const clarity_handlers_t *handlers, clarity_str_t type,
    clarity_str_t trigger)
{
    size_t i;
    const clarity_handler_info_t *info;

    for (i = 0; i < handlers->n; i++) {
        info = &handlers->list[i];

        if (info->type != NULL ? clarity_str_is(type, info->type)
                               : clarity_str_is(type, CLARITY_TYPE_ON)
                                     && clarity_str_is(trigger, info->trigger))
        {
            return info;
        }
    }

    return NULL;
}


clarity_custom_t *
clarity_custom_create(struct event_base *base, clarity_hosts_t *hosts,
    clarity_log_t *log, size_t most)
{
    clarity_custom_t *custom;

    custom = calloc(1, sizeof(clarity_custom_t));
    if (custom == NULL) {
        return NULL;
    }

    custom->base = base;
    custom->hosts = hosts;
    custom->log = log;
    custom->most = most;
    LIST_INIT(&custom->calls);
    pthread_mutex_init(&custom->lock, NULL);
    STAILQ_INIT(&custom->ended);

    custom->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (custom->fd != -1) {
        custom->event = event_new(
            base, custom->fd, EV_READ | EV_PERSIST, on_ended, custom);
    }

    if (custom->event == NULL || event_add(custom->event, NULL) != 0) {
        free_custom(custom);
        return NULL;
    }

    return custom;
}


void
clarity_custom_free(clarity_custom_t *custom)
{
    bool runs;
    clarity_call_t *call;

    if (custom == NULL) {
        return;
    }

    event_free(custom->event);
    custom->event = NULL;

    pthread_mutex_lock(&custom->lock);

    while ((call = STAILQ_FIRST(&custom->ended)) != NULL) {
        STAILQ_REMOVE_HEAD(&custom->ended, ended);
        custom->running--;
        free_call(call);
    }

    /* Of the rest the loop has no more than the timers. */
    LIST_FOREACH(call, &custom->calls, running)
    {
        event_free(call->timer);
        call->timer = NULL;
    }

    custom->is_left = true;
    runs = custom->running > 0;

    pthread_mutex_unlock(&custom->lock);

    if (!runs) {
        free_custom(custom);
    }
}


static void
free_custom(clarity_custom_t *custom)
{
    if (custom->event != NULL) {
        event_free(custom->event);
    }

    if (custom->fd != -1) {
        close(custom->fd);
    }

    pthread_mutex_destroy(&custom->lock);
    free(custom);
}


clarity_work_t *
clarity_custom_start(
    clarity_custom_t *custom, const clarity_custom_conf_t *conf)
{
    clarity_call_t *call;

    call = calloc(1, sizeof(clarity_call_t));
    if (call == NULL) {
        return NULL;
    }

    call->work.turn.begin = begin_call;
    call->work.cancel = cancel_call;
    call->custom = custom;
    call->info = conf->info;
    call->attempt = conf->attempt;
    call->timeout = conf->timeout;
    call->done = conf->done;
    call->data = conf->data;

    if (!set_up(call, conf)) {
        free_call(call);
        return NULL;
    }

    clarity_hosts_go(custom->hosts);

    return &call->work;
}


static bool
set_up(clarity_call_t *call, const clarity_custom_conf_t *conf)
{
    char *p;
    size_t i, len;
    const char *name = "";
    clarity_str_t texts[] = { clarity_str(conf->job),
        clarity_str(conf->trigger), clarity_str(conf->webhook),
        clarity_str(conf->workflow), conf->step,
        clarity_str(conf->idempotency_key), conf->context, conf->input,
        clarity_str(conf->traceparent != NULL ? conf->traceparent : ""),
        conf->name };
    const char **copies[] = { &call->job, &call->trigger, &call->webhook,
        &call->workflow, &call->step, &call->idempotency_key, &call->context,
        &call->input, &call->traceparent, &name };

    len = 0;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        len += texts[i].len + 1;
    }

    call->text = p = malloc(len);
    call->timer = evtimer_new(call->custom->base, on_timer, call);

    if (call->text == NULL || call->timer == NULL) {
        return false;
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *copies[i] = copy(&p, texts[i]);
    }

    if (conf->traceparent == NULL) {
        call->traceparent = NULL;
    }

    return clarity_hosts_join(call->custom->hosts, name, &call->work.turn);
}


static const char *
copy(char **p, clarity_str_t text)
{
    char *start;

    start = *p;

    if (text.len > 0) {
        memcpy(start, text.data, text.len);
    }

    start[text.len] = '\0';
    *p += text.len + 1;

    return start;
}


/* Its time runs from here on. */
static void
begin_call(clarity_turn_t *turn)
{
    int error;
    size_t stuck;
    clarity_custom_t *custom;
    clarity_call_t *call = (clarity_call_t *) turn;

    custom = call->custom;
    stuck = count_stuck(call);

    call->runs = true;
    LIST_INSERT_HEAD(&custom->calls, call, running);

    pthread_mutex_lock(&custom->lock);
    custom->running++;
    pthread_mutex_unlock(&custom->lock);

    if (stuck >= custom->most) {
        refuse(call,
            "%zu calls of its handler have not returned: no more are made "
            "until some have, or the worker is restarted",
            stuck);
        return;
    }

    error = start_thread(call);

    if (error == 0) {
        clarity_timer_arm(call->timer, call->timeout);
    } else {
        refuse(call, "no thread for it: %s", strerror(error));
    }
}


/* Of the same handler. */
static size_t
count_stuck(const clarity_call_t *call)
{
    size_t n;
    const clarity_call_t *other;

    n = 0;

    for (other = LIST_FIRST(&call->custom->calls); other != NULL;
         other = LIST_NEXT(other, running))
    {
        n += other->stuck && other->info == call->info;
    }

    return n;
}


/* It ends without a thread, but not within clarity_custom_start(). */
static void
refuse(clarity_call_t *call, const char *format, ...)
{
    va_list args;
    clarity_custom_t *custom;

    custom = call->custom;
    call->result = CLARITY_RETRY;

    va_start(args, format);
    vsnprintf(call->reason, sizeof(call->reason), format, args);
    va_end(args);

    pthread_mutex_lock(&custom->lock);
    call->has_ended = true;
    STAILQ_INSERT_TAIL(&custom->ended, call, ended);
    pthread_mutex_unlock(&custom->lock);

    event_active(custom->event, EV_READ, 0);
}


/* All signals are the loop's. */
static int
start_thread(clarity_call_t *call)
{
    int error;
    sigset_t all, before;
    pthread_t thread;
    pthread_attr_t attributes;

    error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, run_thread, call);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);

    return error;
}


static void *
run_thread(void *data)
{
    bool is_left, is_last;
    uint64_t one;
    clarity_custom_t *custom;
    clarity_call_t *call = data;

    call->result = call->info->handler(call, call->info->data);

    one = 1;
    custom = call->custom;

    pthread_mutex_lock(&custom->lock);

    is_left = custom->is_left;
    is_last = false;

    if (is_left) {
        is_last = --custom->running == 0;

    } else {
        call->has_ended = true;
        STAILQ_INSERT_TAIL(&custom->ended, call, ended);

        /* Full it cannot be: the loop reads it before it counts so far. */
        if (write(custom->fd, &one, sizeof(one)) == -1) {
            /* void */
        }
    }

    pthread_mutex_unlock(&custom->lock);

    if (is_left) {
        call->custom = NULL;
        free_call(call);

        if (is_last) {
            free_custom(custom);
        }
    }

    return NULL;
}


/* A thread cannot be ended from outside; it can look, and has some time to. */
static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_call_t *call = data;

    (void) fd;
    (void) events;

    if (atomic_exchange(&call->is_over, true)) {
        give_up(call);
    } else {
        clarity_timer_arm(call->timer, CLARITY_HANDLER_GRACE);
    }
}


/*
 * Nobody waits for it any longer: what it comes to is told to none, and the
 * call, which its thread goes on to use, is freed when it has returned.
 */
static void
give_up(clarity_call_t *call)
{
    bool has_ended;
    clarity_hosts_t *hosts;
    clarity_attempt_t attempt = { 0 };
    void (*done)(void *data, const clarity_attempt_t *attempt);

    pthread_mutex_lock(&call->custom->lock);
    has_ended = call->has_ended;
    pthread_mutex_unlock(&call->custom->lock);

    /* Just now: on_ended() is next. */
    if (has_ended) {
        return;
    }

    call->stuck = true;
    log_stuck(call, CLARITY_LOG_ERROR, "handler_stuck");

    hosts = call->custom->hosts;
    clarity_hosts_leave(hosts, &call->work.turn);

    done = call->done;
    call->done = NULL;

    /* NULL: its job had gone before. */
    if (done != NULL) {
        attempt.verdict = CLARITY_ATTEMPT_RETRY;
        snprintf(attempt.reason, sizeof(attempt.reason),
            "timed out after %" PRIu64 "%s, and its handler has not returned",
            call->timeout % 1000 == 0 ? call->timeout / 1000 : call->timeout,
            call->timeout % 1000 == 0 ? "s" : "ms");
        done(call->data, &attempt);
    }

    clarity_hosts_go(hosts);
}


/* The thread has changed none of what is shown. */
static void
log_stuck(
    const clarity_call_t *call, clarity_log_level_t level, const char *event)
{
    clarity_log(call->custom->log, level, event,
        "job=%s workflow=%s step=%s attempt=%u type=%s trigger=%s", call->job,
        call->workflow, call->step, call->attempt, call->info->type,
        call->trigger);
}


static void
on_ended(evutil_socket_t fd, short events, void *data)
{
    uint64_t count;
    clarity_call_t *call;
    clarity_custom_t *custom = data;

    (void) events;

    if (read(fd, &count, sizeof(count)) == -1) {
        /* void: it is for the list below that this was called */
    }

    for (;;) {
        pthread_mutex_lock(&custom->lock);

        call = STAILQ_FIRST(&custom->ended);

        if (call != NULL) {
            STAILQ_REMOVE_HEAD(&custom->ended, ended);
            custom->running--;
        }

        pthread_mutex_unlock(&custom->lock);

        if (call == NULL) {
            break;
        }

        end_call(call);
    }

    clarity_hosts_go(custom->hosts);
}


static void
end_call(clarity_call_t *call)
{
    clarity_attempt_t attempt = { 0 };

    if (call->stuck) {
        log_stuck(call, CLARITY_LOG_INFO, "handler_returned");
    }

    if (call->done != NULL) {
        judge(call, &attempt);
        call->done(call->data, &attempt);
    }

    free_call(call);
}


static void
judge(const clarity_call_t *call, clarity_attempt_t *attempt)
{
    size_t i;

    attempt->body = clarity_buf_str(&call->body);

    switch (call->result) {

    case CLARITY_SUCCEED: attempt->verdict = CLARITY_ATTEMPT_SUCCEEDED; return;

    case CLARITY_RETRY:
        attempt->verdict = CLARITY_ATTEMPT_RETRY;
        attempt->retry_after = call->retry_after;
        break;

    default: attempt->verdict = CLARITY_ATTEMPT_FAILED;
    }

    snprintf(attempt->reason, sizeof(attempt->reason), "%s",
        call->reason[0] != '\0' ? call->reason : "its handler says so");

    for (i = 0; attempt->reason[i] != '\0'; i++) {
        if ((unsigned char) attempt->reason[i] < ' ') {
            attempt->reason[i] = ' ';
        }
    }
}


static void
cancel_call(clarity_work_t *work)
{
    clarity_hosts_t *hosts;
    clarity_call_t *call = (clarity_call_t *) work;

    hosts = call->custom->hosts;
    call->done = NULL;
    atomic_store(&call->is_over, true);

    /* A thread goes on, and what it comes to is nobody's. */
    if (call->runs) {
        clarity_timer_arm(call->timer, CLARITY_HANDLER_GRACE);
        clarity_hosts_leave(hosts, &call->work.turn);

    } else {
        free_call(call);
    }

    clarity_hosts_go(hosts);
}


/* custom is NULL where the loop has gone, and with it hosts and timers. */
static void
free_call(clarity_call_t *call)
{
    if (call->custom != NULL) {
        if (call->runs) {
            LIST_REMOVE(call, running);
        }

        clarity_hosts_leave(call->custom->hosts, &call->work.turn);
    }

    if (call->timer != NULL) {
        event_free(call->timer);
    }

    clarity_buf_free(&call->body);
    free(call->text);
    free(call);
}
