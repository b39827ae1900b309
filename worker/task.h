/*
 * A job in hand, its runs and their steps; for the files that do it:
 *
 *   runner.c  all jobs in hand: what the queue tells of them, and their end
 *   task.c    one job: what it is to begin with, and begins it
 *   quarantine.c  one that perhaps crashes its worker: it runs alone
 *   restore.c  workflows of runs that began with another text than that of now
 *   plan.c    what runs it has, from the workflows or from what its hash says
 *   run.c     one run: its steps, one after the other, and their attempts
 *   step.c    what one attempt of a step does
 *   settle.c  what is written of it, and what it comes to in the end
 *   failed.c  the end of one that has failed, which workflows may be told of
 *
 * Functions that return bool do so because memory may be out; the task is
 * abandoned then, and will be taken over when its lease has run out.
 */

#ifndef CLARITY_WORKER_TASK_H
#define CLARITY_WORKER_TASK_H

#include "job/record.h"
#include "job/fields.h"
#include "worker/runner.h"

#define CLARITY_CANCELLED_REASON "cancelled by hand"

struct event;

typedef struct clarity_task_s clarity_task_t;
typedef struct clarity_restored_s clarity_restored_t;

typedef struct {
    clarity_task_t *task;
    char id[CLARITY_WORKFLOW_ID_MAX + 1];
    clarity_run_record_t record;
    char reason[CLARITY_REASON_MAX]; /* of record */
    bool settled;                    /* its final record is in Redis */

    /* NULL: it is final, and nothing but its record is known. */
    const clarity_workflow_t *workflow;
    clarity_workflows_t *set; /* a reference, where it was restored */

    clarity_str_t *step_ids;
    size_t nsteps;
    clarity_step_record_t *steps;   /* NULL without a workflow */
    clarity_step_result_t *results; /* of the steps that have ended well */
    size_t step; /* how many those are; the one at work is the next */

    /* At most one of the two is under way. */
    clarity_work_t *work;
    struct event *timer; /* of record.next */
    bool due;            /* that has come, but its job has no slot yet */
} clarity_run_t;

typedef enum {
    CLARITY_TASK_FREE,  /* among others */
    CLARITY_TASK_WAITS, /* to run alone */
    CLARITY_TASK_ALONE,
    CLARITY_TASK_PARKED /* until the one that runs alone has ended */
} clarity_task_place_t;

struct clarity_task_s {
    clarity_runner_t *runner;
    clarity_lease_t *lease;
    clarity_workflows_t *set; /* a reference */
    clarity_json_doc_t *context;
    clarity_run_t *runs;
    size_t nruns;
    size_t writes; /* records under way */

    char wanted[CLARITY_DIGEST_HEX]; /* the text that is being read */

    clarity_task_place_t place;
    bool counted;          /* a crash that it was taken over after */
    bool released;         /* by the worker that had it before */
    clarity_state_t state; /* as it was written last */
    char reason[2 * CLARITY_REASON_MAX];

    clarity_task_t *prev;
    clarity_task_t *next;
};

struct clarity_runner_s {
    clarity_runner_conf_t conf;
    clarity_workflows_t *set;
    clarity_task_t *tasks;
    clarity_restored_t *restored;
    bool stopping;
    bool sets_apart; /* some task waits to run alone, or does */
};

/*
 * quarantine.c: true: the task is not to be begun now, *good false is for
 * memory that is out. Its hash is read again when it may be.
 */
bool clarity_quarantine_takes(
    clarity_task_t *task, const clarity_str_t *fields, size_t n, bool *good);

/*
 * restore.c: true: the text of a workflow is read first, as above; `add` has
 * it then, and the hash may be read again.
 */
bool clarity_restore_takes(
    clarity_task_t *task, const clarity_str_t *fields, size_t n, bool *good);
bool clarity_restore_add(clarity_task_t *task, clarity_str_t value);

/* What a reload replaces is kept for the runs that began with it. */
void clarity_restore_keep(clarity_runner_t *runner, clarity_workflows_t *old,
    const clarity_workflows_t *new);

/* One of *set; NULL and *reason: there is none. */
const clarity_workflow_t *clarity_restore_find(const clarity_runner_t *runner,
    clarity_str_t digest, clarity_workflows_t **set, const char **reason);

/* Those of runs under way stay with them. */
void clarity_restore_forget(clarity_runner_t *runner);

/* Whoever takes it over now takes it to have been at a crash. */
bool clarity_quarantine_is_at_work(const clarity_task_t *task);

/* Another runs alone: this one has to wait. */
bool clarity_quarantine_parks(const clarity_task_t *task);

/* Something has ended. */
bool clarity_quarantine_next(
    clarity_runner_t *runner, clarity_leases_t *leases);

/*
 * plan.c: makes task->runs. fields are those of the hash; where it knows runs
 * already those are the job's, for the set of them is fixed when it begins.
 */
bool clarity_task_plan(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);

/* The same where the hash knows them all. */
bool clarity_task_plan_again(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);

/* The value of a field; empty: not there, which its data NULL tells. */
clarity_str_t clarity_field(
    const clarity_str_t *fields, size_t n, const char *name);

/* task.c: NULL: out of memory. The lease has it from then on. */
clarity_task_t *clarity_task_create(
    clarity_runner_t *runner, clarity_lease_t *lease);
void clarity_task_free(clarity_task_t *task);

/* With the fields of its hash. */
bool clarity_task_start(
    clarity_task_t *task, const clarity_str_t *fields, size_t n);

/* What was written at the start is there; or that of one run is. */
bool clarity_task_go_on(clarity_task_t *task);
bool clarity_task_go_on_with(clarity_task_t *task, clarity_run_t *run);

/* Ends its runs that nothing is under way of, as somebody wanted. */
bool clarity_task_cancel(clarity_task_t *task);

/* Another may take it over at once. */
bool clarity_task_let_go(clarity_task_t *task);

/*
 * settle.c: writes the run's record (run NULL: that of all of them), the job's
 * state and the fields given. The last one of all runs finishes the job; where
 * all that are left wait, it leaves the stream until the first is due.
 */
bool clarity_task_write(
    clarity_task_t *task, clarity_run_t *run, clarity_fields_t *fields);

/* The fields given and the job's state; data comes back with `recorded`. */
bool clarity_task_record(
    clarity_task_t *task, clarity_fields_t *fields, void *data);

/* Ends the job as its runs have ended, once all of them have. */
bool clarity_task_finish_if_done(clarity_task_t *task);

/* Ends it whatever its runs are. */
bool clarity_task_finish_as(
    clarity_task_t *task, clarity_state_t state, clarity_str_t reason);

/* failed.c: the last write of one that has failed, with those fields. */
bool clarity_task_fail(clarity_task_t *task, uint64_t keep,
    const clarity_str_t *fields, size_t n);

/*
 * A job needs a slot as long as something of it is under way. One that waits
 * rests, or leaves the stream.
 */
bool clarity_task_rest_if_waiting(clarity_task_t *task);

/* Takes it out of the stream for so many ms. */
bool clarity_task_delay(
    clarity_task_t *task, clarity_fields_t *fields, uint64_t delay);

/* run.c: a run that begins puts its intent into the fields that its task
 * writes first; once they are written it goes on. */
void clarity_run_begin(clarity_run_t *run, clarity_fields_t *fields);
bool clarity_run_go_on(clarity_run_t *run);

/* Its job has a slot again: where it waited for that it begins. */
bool clarity_run_wake(clarity_run_t *run);

/* Its attempt has ended, and what that means is to be written. */
bool clarity_run_end_attempt(
    clarity_run_t *run, const clarity_attempt_t *attempt);

/* The action of the step at work. */
const clarity_action_t *clarity_run_action(const clarity_run_t *run);

/* step.c: the intent is written, the effect may follow. */
bool clarity_run_call(clarity_run_t *run);

/* What its placeholders are looked up in. */
void clarity_run_scope(const clarity_run_t *run, clarity_scope_t *scope);

/*
 * The intent of its step is written, but there will be no call: one that was
 * not begun before was not begun.
 */
void clarity_run_take_back(clarity_run_t *run);

/* The next worker is to know it where no call of its step was made. */
void clarity_run_let_go(clarity_run_t *run, clarity_fields_t *fields);

/* It ends here, with a step that had its intent written and nothing more. */
void clarity_run_cancel(clarity_run_t *run, clarity_fields_t *fields);

/* Its step was under way when its worker crashed, which is why it fails. */
void clarity_run_end_crashed(
    clarity_run_t *run, clarity_fields_t *fields, const char *reason);

/* Its next attempt is not made here any more. */
void clarity_run_hold(clarity_run_t *run);

void clarity_run_fail(clarity_run_t *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Gives up what is under way, and frees. */
void clarity_run_free(clarity_run_t *run);

#endif
