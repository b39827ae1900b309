/*
 * The action exec: programs, started without a shell, in a process group of
 * their own, with next to no environment.
 */

#ifndef CLARITY_WORKER_ACTION_EXEC_H
#define CLARITY_WORKER_ACTION_EXEC_H

#include "worker/action.h"
#include "workflow/workflow.h"

struct event_base;

typedef struct clarity_exec_s clarity_exec_t;

#define CLARITY_OUTPUT_MAX ((size_t) 1 << 20) /* bytes; the rest is dropped */
#define CLARITY_ERROR_MAX  4096               /* bytes of standard error */

/* hosts must outlive it. Watches SIGCHLD. NULL: out of memory. */
clarity_exec_t *clarity_exec_create(
    struct event_base *base, clarity_hosts_t *hosts);

/* No work may be left. NULL is fine. */
void clarity_exec_free(clarity_exec_t *exec);

typedef struct {
    clarity_strings_t *strings; /* of the call; taken over: emptied */
    clarity_str_t input; /* on its standard input; must outlive the work */
    uint64_t timeout;    /* ms, from when it begins */

    /* Its environment, but for PATH: "NAME=value"; copied. */
    const char *const *environment;
    size_t nenvironment;

    void (*done)(void *data, const clarity_attempt_t *attempt);
    void *data;
} clarity_process_conf_t;

/*
 * Starts it, or puts it in line behind others of the same program; done()
 * comes once, not before this has returned, and ends the work. What it wrote
 * to its standard output is the attempt's body, or to standard error where it
 * did not succeed. NULL: out of memory, and nothing was started.
 */
clarity_work_t *clarity_exec_start(
    clarity_exec_t *exec, const clarity_process_conf_t *conf);

#endif
