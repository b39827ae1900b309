/*
 * A worker: one process, one loop.
 */

#ifndef CLARITY_WORKER_WORKER_H
#define CLARITY_WORKER_WORKER_H

#include "conf/conf.h"
#include "conf/workflows.h"
#include "worker/action_custom.h"
#include "worker/log.h"
#include "worker/process.h"

/*
 * Works until it is told to stop: SIGTERM and SIGINT drain, a second one cuts
 * that short; SIGHUP reads triggers and workflows again; SIGUSR1 opens the
 * log again. What can be read from the descriptor `stop` (-1: none) is as
 * SIGTERM. Takes over one reference of set. The process' exit status:
 * CLARITY_WORKER_REFUSED where this Redis must not be worked with.
 *
 * process: it is one of several; NULL: it is alone. One of several obeys its
 * master: signals that reach it too, as those of a terminal do, drain at most.
 */
#define CLARITY_WORKER_REFUSED     1
#define CLARITY_WORKER_NOT_STARTED 2

int clarity_worker_work(const clarity_conf_t *conf, clarity_workflows_t *set,
    clarity_log_t *log, const clarity_handlers_t *handlers, int stop,
    const clarity_process_t *process);

#endif
