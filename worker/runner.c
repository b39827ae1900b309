#include "worker/runner.h"

#include <stdlib.h>

#include "worker/task.h"
#include "worker/timer.h"

static void log_end(const clarity_task_t *task);


clarity_runner_t *
clarity_runner_create(
    const clarity_runner_conf_t *conf, clarity_workflows_t *set)
{
    clarity_runner_t *runner;

    runner = calloc(1, sizeof(clarity_runner_t));
    if (runner == NULL) {
        return NULL;
    }

    runner->conf = *conf;
    runner->set = set;

    return runner;
}


void
clarity_runner_free(clarity_runner_t *runner)
{
    if (runner == NULL) {
        return;
    }

    while (runner->tasks != NULL) {
        clarity_task_free(runner->tasks);
    }

    clarity_restore_forget(runner);
    clarity_workflows_drop(runner->set);
    free(runner);
}


void
clarity_runner_use(clarity_runner_t *runner, clarity_workflows_t *set)
{
    clarity_restore_keep(runner, runner->set, set);
    clarity_workflows_drop(runner->set);
    runner->set = set;
}


void
clarity_runner_held(
    void *owner, clarity_lease_t *lease, const clarity_str_t *fields, size_t n)
{
    clarity_task_t *task = lease->task;

    /* One whose hash was read again has it already. */
    if (task == NULL) {
        task = clarity_task_create(owner, lease);
    }

    if (task == NULL || !clarity_task_start(task, fields, n)) {
        clarity_lease_forget(lease);
    }
}


void
clarity_runner_recorded(void *owner, clarity_lease_t *lease, void *data)
{
    bool good;
    clarity_run_t *run = data;
    clarity_task_t *task = lease->task;

    (void) owner;

    task->writes--;

    if (data == task) {
        good = clarity_lease_load(lease);

    } else if (run == NULL) {
        good = clarity_task_go_on(task);

    } else {
        good = clarity_task_go_on_with(task, run);
    }

    if (!good || !clarity_task_rest_if_waiting(task)) {
        clarity_lease_forget(task->lease);
    }
}


void
clarity_runner_cancelled(void *owner, clarity_lease_t *lease)
{
    clarity_task_t *task = lease->task;

    (void) owner;

    if (!clarity_task_cancel(task)) {
        clarity_lease_forget(lease);
    }
}


void
clarity_runner_text(void *owner, clarity_lease_t *lease, clarity_str_t text)
{
    (void) owner;

    if (!clarity_restore_add(lease->task, text) || !clarity_lease_load(lease))
    {
        clarity_lease_forget(lease);
    }
}


void
clarity_runner_woken(void *owner, clarity_lease_t *lease)
{
    size_t i;
    clarity_task_t *task = lease->task;

    (void) owner;

    for (i = 0; i < task->nruns; i++) {
        if (!clarity_run_wake(&task->runs[i])) {
            clarity_lease_forget(task->lease);
            return;
        }
    }
}


void
clarity_runner_ended(
    void *owner, clarity_lease_t *lease, clarity_lease_end_t end)
{
    clarity_runner_t *runner = owner;
    clarity_task_t *task = lease->task;
    const char *id = lease->delivery.id;
    clarity_log_t *log = runner->conf.log;

    switch (end) {

    case CLARITY_LEASE_FINISHED:
        if (task != NULL) {
            log_end(task);
        }

        break;

    case CLARITY_LEASE_DELAYED:
        clarity_log(log, CLARITY_LOG_INFO, "job_delayed", "job=%s ms=%llu", id,
            (unsigned long long) lease->delay);
        break;

    case CLARITY_LEASE_DROPPED: break;

    case CLARITY_LEASE_LOST:
        clarity_log(log, CLARITY_LOG_WARN, "lost_lease", "job=%s reason=%s",
            id, "another worker has it, or its entry is gone");

        if (clarity_lease_was_cut_off(lease)
            && (task == NULL || clarity_quarantine_is_at_work(task)))
        {
            clarity_lease_spare(lease);
        }

        break;

    case CLARITY_LEASE_FORGOTTEN:
        clarity_log(log, CLARITY_LOG_ERROR, "job_left", "job=%s reason=%s", id,
            "out of memory; it will be taken over");
        break;

    case CLARITY_LEASE_RELEASED:
        clarity_log(log, CLARITY_LOG_INFO, "job_released", "job=%s", id);
    }

    if (task != NULL) {
        clarity_task_free(task);
    }

    /* Where memory is out the next one that ends brings it. */
    (void) clarity_quarantine_next(runner, lease->leases);
}


void
clarity_runner_stop(clarity_runner_t *runner)
{
    clarity_task_t *task, *next;

    runner->stopping = true;

    for (task = runner->tasks; task != NULL; task = next) {
        next = task->next;

        if (task->place == CLARITY_TASK_WAITS
                    || task->place == CLARITY_TASK_PARKED
                ? !clarity_task_let_go(task)
                : !clarity_task_rest_if_waiting(task))
        {
            clarity_lease_forget(task->lease);
            next = runner->tasks; /* its slot may have moved another */
        }
    }
}


void
clarity_runner_release(clarity_runner_t *runner)
{
    clarity_task_t *task, *next;

    for (task = runner->tasks; task != NULL; task = next) {
        next = task->next;

        /* What is being acknowledged is left to it. */
        if (task->lease->state == CLARITY_LEASE_HELD
            && !clarity_task_let_go(task)) {
            clarity_lease_forget(task->lease);
            next = runner->tasks; /* likewise */
        }
    }
}


static void
log_end(const clarity_task_t *task)
{
    uint64_t now, received;
    const clarity_delivery_t *delivery;

    delivery = &task->lease->delivery;

    now = clarity_time_ms();
    received = strtoull(delivery->job.received.data, NULL, 10);

    clarity_log(task->runner->conf.log,
        task->state == CLARITY_FAILED ? CLARITY_LOG_ERROR : CLARITY_LOG_INFO,
        task->state == CLARITY_FAILED      ? "job_failed"
        : task->state == CLARITY_CANCELLED ? "job_cancelled"
                                           : "job_succeeded",
        "job=%s trigger=%s webhook=%s reason=%s ms=%llu", delivery->id,
        delivery->job.trigger.data, delivery->job.webhook.data, task->reason,
        (unsigned long long) (received > 0 && received < now ? now - received
                                                             : 0));

    if (task->state == CLARITY_SUCCEEDED && task->nruns == 0) {
        clarity_metrics_event(
            task->runner->conf.metrics, CLARITY_NO_ACTIVE_WORKFLOW);
    }
}
