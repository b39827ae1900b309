/*
 * A worker of several processes: each is a loop of its own, with its own
 * connections and consumer's name, and takes its share of "concurrency". The
 * master takes no jobs. It starts the processes, starts one that died anew,
 * hands on what signals ask for, and answers at "listen" for all.
 */

#ifndef CLARITY_WORKER_MASTER_H
#define CLARITY_WORKER_MASTER_H

#include "worker/worker.h"

/*
 * Works as clarity_worker_work() does, in as many processes as conf says; in
 * this one alone where that is one. It forks, so the caller should have no
 * threads, and returns in each process: *forked is true in those that are not
 * the caller's, which should end then, with the status that is returned.
 */
int clarity_master_work(const clarity_conf_t *conf, clarity_workflows_t *set,
    clarity_log_t *log, const clarity_handlers_t *handlers, int stop,
    bool *forked);

#endif
