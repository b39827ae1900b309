#include <clarity/worker.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/version.h"
#include "conf/workflows.h"
#include "worker/master.h"

struct clarity_worker_s {
    char *file;
    clarity_handler_info_t *handlers; /* own their names */
    size_t n;
    int stop;            /* eventfd */
    clarity_buf_t error; /* NUL-terminated, or empty */
};

static int add(clarity_worker_t *worker, const char *type, const char *trigger,
    clarity_handler_t handler, void *data);
static bool is_same(const char *a, const char *b);
static int run(clarity_worker_t *worker, clarity_conf_t *conf, bool *forked);
static bool check_types(clarity_worker_t *worker, const clarity_conf_t *conf);
static bool add_types(clarity_worker_t *worker, clarity_conf_t *conf);
static int refuse(clarity_worker_t *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


clarity_worker_t *
clarity_worker_create(const char *file)
{
    clarity_worker_t *worker;

    clarity_conf_keep_standard_descriptors();

    worker = calloc(1, sizeof(clarity_worker_t));
    if (worker == NULL) {
        return NULL;
    }

    worker->file = strdup(file);
    worker->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (worker->file == NULL || worker->stop == -1) {
        clarity_worker_free(worker);
        return NULL;
    }

    return worker;
}


void
clarity_worker_free(clarity_worker_t *worker)
{
    size_t i;

    if (worker == NULL) {
        return;
    }

    for (i = 0; i < worker->n; i++) {
        free((void *) worker->handlers[i].type);
        free((void *) worker->handlers[i].trigger);
    }

    if (worker->stop != -1) {
        close(worker->stop);
    }

    free(worker->handlers);
    free(worker->file);
    clarity_buf_free(&worker->error);
    free(worker);
}


int
clarity_worker_on_action(clarity_worker_t *worker, const char *type,
    clarity_handler_t handler, void *data)
{
    const char *reason;

    reason = clarity_type_refused(clarity_str(type));

    if (reason != NULL) {
        return refuse(worker, "\"%.64s\" %s", type, reason);
    }

    return add(worker, type, NULL, handler, data);
}


int
clarity_worker_on_trigger(clarity_worker_t *worker, const char *trigger,
    clarity_handler_t handler, void *data)
{
    return add(worker, NULL, trigger, handler, data);
}


static int
add(clarity_worker_t *worker, const char *type, const char *trigger,
    clarity_handler_t handler, void *data)
{
    size_t i;
    char *name;
    clarity_handler_info_t *handlers;

    for (i = 0; i < worker->n; i++) {
        if (is_same(worker->handlers[i].type, type)
            || is_same(worker->handlers[i].trigger, trigger))
        {
            return refuse(worker, "\"%.64s\" has a handler already",
                type != NULL ? type : trigger);
        }
    }

    name = strdup(type != NULL ? type : trigger);
    handlers = realloc(worker->handlers, (worker->n + 1) * sizeof(*handlers));

    if (handlers != NULL) {
        worker->handlers = handlers;
    }

    if (name == NULL || handlers == NULL) {
        free(name);
        return refuse(worker, "out of memory");
    }

    handlers[worker->n++] =
        (clarity_handler_info_t){ type != NULL ? name : NULL,
            type != NULL ? NULL : name, handler, data };

    return 0;
}


static bool
is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}


int
clarity_worker_run(clarity_worker_t *worker)
{
    int status;
    bool forked;
    clarity_conf_t *conf;
    clarity_error_t error;

    clarity_buf_reset(&worker->error);
    conf = clarity_conf_read(worker->file, &error);

    if (conf == NULL) {
        (void) refuse(worker, "%s", error.text);
        return 1;
    }

    forked = false;
    status = check_types(worker, conf) && add_types(worker, conf)
                 ? run(worker, conf, &forked)
                 : 1;
    clarity_conf_free(conf);

    /* What the program does when it has run, it does once. */
    if (forked) {
        fflush(NULL);
        _exit(status);
    }

    return status;
}


static int
run(clarity_worker_t *worker, clarity_conf_t *conf, bool *forked)
{
    int status;
    size_t i, n;
    const char **handled;
    clarity_log_t log;
    clarity_error_t error;
    clarity_workflows_t *set;
    clarity_handlers_t handlers = { worker->handlers, worker->n };

    handled = calloc(worker->n + 1, sizeof(char *));

    if (handled == NULL) {
        (void) refuse(worker, "out of memory");
        return 1;
    }

    for (i = n = 0; i < worker->n; i++) {
        if (worker->handlers[i].trigger != NULL) {
            handled[n++] = worker->handlers[i].trigger;
        }
    }

    conf->handled = handled;
    conf->nhandled = n;

    status = 1;
    set = clarity_workflows_load(conf, true, &worker->error);

    if (set == NULL) {
        clarity_buf_add(&worker->error, (clarity_str_t){ "", 1 });

    } else if (!clarity_log_open(&log, conf->log, &error)) {
        clarity_workflows_drop(set);
        (void) refuse(worker, "%s", error.text);

    } else {
        status = clarity_master_work(
            conf, set, &log, &handlers, worker->stop, forked);
        clarity_log_close(&log);

        if (status != 0) {
            (void) refuse(worker, "%s",
                log.fault.text[0] != '\0' ? log.fault.text : "see the log");
        }
    }

    free(handled);

    return status;
}


/* Each type that workflows may have needs one who does it. */
static bool
check_types(clarity_worker_t *worker, const clarity_conf_t *conf)
{
    size_t i;
    clarity_handlers_t handlers = { worker->handlers, worker->n };

    for (i = 0; i < conf->ntypes; i++) {
        if (clarity_handlers_find(
                &handlers, clarity_str(conf->types[i]), clarity_lit(""))
            == NULL)
        {
            (void) refuse(worker,
                "%s: \"action_types\" has \"%.64s\", expected one that this "
                "program has a handler for",
                conf->file, conf->types[i]);
            return false;
        }
    }

    return true;
}


/* What has a handler needs no "action_types". */
static bool
add_types(clarity_worker_t *worker, clarity_conf_t *conf)
{
    size_t i;

    for (i = 0; i < worker->n; i++) {
        if (worker->handlers[i].type != NULL
            && !clarity_conf_add_type(conf, worker->handlers[i].type))
        {
            (void) refuse(worker, "out of memory");
            return false;
        }
    }

    return true;
}


/* A write of eight bytes: signal handlers may. */
void
clarity_worker_stop(clarity_worker_t *worker)
{
    uint64_t one = 1;

    if (write(worker->stop, &one, sizeof(one)) == -1) {
        /* void: it was told so often already */
    }
}


const char *
clarity_worker_error(const clarity_worker_t *worker)
{
    if (worker->error.failed) {
        return "out of memory";
    }

    return worker->error.len > 0 ? worker->error.data : "";
}


const char *
clarity_worker_version(void)
{
    return CLARITY_VERSION;
}


static int
refuse(clarity_worker_t *worker, const char *format, ...)
{
    va_list args;
    clarity_error_t error;

    va_start(args, format);
    vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);

    clarity_buf_reset(&worker->error);
    clarity_buf_addz(&worker->error, error.text);
    clarity_buf_add(&worker->error, (clarity_str_t){ "", 1 });

    return -1;
}
