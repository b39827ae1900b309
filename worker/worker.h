/*
 * A worker: one process, one loop.
 */

#ifndef CLARITY_WORKER_WORKER_H
#define CLARITY_WORKER_WORKER_H

#include "conf/conf.h"
#include "conf/workflows.h"
#include "worker/action_custom.h"
#include "worker/log.h"

/*
 * Works until it is told to stop: SIGTERM and SIGINT drain, a second one cuts
 * that short; SIGHUP reads triggers and workflows again; SIGUSR1 opens the
 * log again. What can be read from the descriptor `stop` (-1: none) is as
 * SIGTERM. Takes over one reference of set. The process' exit status.
 */
int clarity_worker_work(const clarity_conf_t *conf, clarity_workflows_t *set,
    clarity_log_t *log, const clarity_handlers_t *handlers, int stop);

#endif
