/*
 * Triggers and workflows read again, by a worker or by the master of several.
 */

#ifndef CLARITY_WORKER_RELOAD_H
#define CLARITY_WORKER_RELOAD_H

#include "conf/workflows.h"
#include "worker/log.h"

/* NULL: the log has every error; what was there stays in service. */
clarity_workflows_t *clarity_reload(
    const clarity_conf_t *conf, clarity_log_t *log);

void clarity_reload_log(clarity_log_t *log, const clarity_workflows_t *set);

#endif
