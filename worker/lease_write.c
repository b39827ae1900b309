#include "worker/lease_part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "job/state.h"

/*
 * A fenced script's arguments: its keys after the stream, then those after
 * group, consumer and entry, then fields and values.
 */
typedef struct {
    const clarity_script_t *script;
    const clarity_str_t *keys;
    size_t nkeys;
    const clarity_str_t *args;
    size_t nargs;
    const clarity_str_t *fields;
    size_t nfields;
    clarity_call_pt done;
    void *data;
} clarity_write_t;

static bool give(clarity_lease_t *lease, const clarity_write_t *write);
static size_t add(
    clarity_str_t *argv, size_t argc, const clarity_str_t *list, size_t n);
static void on_recorded(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_finished(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_state(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_text(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_delayed(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_dropped(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_released(
    void *subject, void *data, const redisReply *reply, bool repeated);
static bool is_one(const redisReply *reply);
static bool is_cancelled(const redisReply *reply);


bool
clarity_lease_record(
    clarity_lease_t *lease, const clarity_str_t *fields, size_t n, void *data)
{
    clarity_str_t keys[1];
    clarity_write_t write = { 0 };

    keys[0] = clarity_key_str(&lease->delivery.key);

    write.script = &clarity_script_record;
    write.keys = keys;
    write.nkeys = 1;
    write.fields = fields;
    write.nfields = n;
    write.done = on_recorded;
    write.data = data;

    return give(lease, &write);
}


bool
clarity_lease_finish(clarity_lease_t *lease, uint64_t keep,
    const clarity_str_t *fields, size_t n)
{
    char ms[24];
    clarity_str_t keys[1], args[1];
    clarity_write_t write = { 0 };

    lease->state = CLARITY_LEASE_FINISHING;

    snprintf(ms, sizeof(ms), "%" PRIu64, keep);

    keys[0] = clarity_key_str(&lease->delivery.key);
    args[0] = clarity_str(ms);

    write.script = &clarity_script_finish;
    write.keys = keys;
    write.nkeys = 1;
    write.args = args;
    write.nargs = 1;
    write.fields = fields;
    write.nfields = n;
    write.done = on_finished;

    return give(lease, &write);
}


bool
clarity_lease_fail(clarity_lease_t *lease, uint64_t keep,
    const clarity_job_t *told, const clarity_str_t *fields, size_t n)
{
    char ms[24], count[24];
    size_t ntold;
    clarity_str_t keys[2], args[3 + CLARITY_JOB_MAX_FIELDS];
    clarity_write_t write = { 0 };

    lease->state = CLARITY_LEASE_FINISHING;

    ntold = told != NULL ? clarity_job_fields(told, args + 3) : 0;

    snprintf(ms, sizeof(ms), "%" PRIu64, keep);
    snprintf(count, sizeof(count), "%zu", ntold);

    keys[0] = clarity_key_str(&lease->delivery.key);
    keys[1] = clarity_key_str(&lease->leases->failed);
    args[0] = clarity_str(ms);
    args[1] = clarity_str(lease->delivery.id);
    args[2] = clarity_str(count);

    write.script = &clarity_script_fail;
    write.keys = keys;
    write.nkeys = 2;
    write.args = args;
    write.nargs = 3 + ntold;
    write.fields = fields;
    write.nfields = n;
    write.done = on_finished;

    return give(lease, &write);
}


bool
clarity_lease_delay(clarity_lease_t *lease, uint64_t delay,
    const clarity_str_t *digests, size_t ndigests, const clarity_str_t *fields,
    size_t n)
{
    char ms[24];
    size_t i;
    clarity_key_t texts[CLARITY_LEASE_TEXTS];
    clarity_str_t keys[2 + CLARITY_LEASE_TEXTS], args[2];
    clarity_write_t write = { 0 };

    lease->state = CLARITY_LEASE_DELAYING;
    lease->delay = delay;

    clarity_slot_leave_line(&lease->leases->slots, &lease->slot);

    snprintf(ms, sizeof(ms), "%" PRIu64, delay);

    keys[0] = clarity_key_str(&lease->delivery.key);
    keys[1] = clarity_key_str(&lease->leases->delayed);
    args[0] = clarity_str(lease->delivery.id);
    args[1] = clarity_str(ms);

    write.script = &clarity_script_delay;
    write.keys = keys;
    write.nkeys = 2;

    for (i = 0; i < ndigests && i < CLARITY_LEASE_TEXTS; i++) {
        clarity_key_workflow(&texts[i], lease->leases->conf.prefix,
            lease->leases->conf.shard, digests[i]);
        keys[write.nkeys++] = clarity_key_str(&texts[i]);
    }

    write.args = args;
    write.nargs = 2;
    write.fields = fields;
    write.nfields = n;
    write.done = on_delayed;

    return give(lease, &write);
}


bool
clarity_lease_drop(clarity_lease_t *lease)
{
    clarity_write_t write = { 0 };

    lease->state = CLARITY_LEASE_DROPPING;

    write.script = &clarity_script_drop;
    write.done = on_dropped;

    return give(lease, &write);
}


bool
clarity_lease_read_text(clarity_lease_t *lease, clarity_str_t digest)
{
    clarity_key_t key;
    clarity_str_t argv[2];
    clarity_leases_t *leases;
    clarity_call_conf_t conf = { 0 };

    leases = lease->leases;
    clarity_key_workflow(
        &key, leases->conf.prefix, leases->conf.shard, digest);

    argv[0] = clarity_lit("GET");
    argv[1] = clarity_key_str(&key);

    conf.argv = argv;
    conf.argc = 2;
    conf.subject = lease;
    conf.done = on_text;

    return clarity_call(leases->conf.calls, &conf);
}


bool
clarity_lease_release(clarity_lease_t *lease, uint64_t idle,
    const clarity_str_t *fields, size_t n)
{
    char ms[24];
    clarity_str_t keys[1], args[1];
    clarity_leases_t *leases;
    clarity_write_t write = { 0 };

    leases = lease->leases;
    lease->state = CLARITY_LEASE_RELEASING;

    clarity_slot_leave_line(&leases->slots, &lease->slot);

    /* What was still to be written would come too late. */
    clarity_calls_cancel(leases->conf.calls, lease);

    snprintf(ms, sizeof(ms), "%" PRIu64, idle);

    keys[0] = clarity_key_str(&lease->delivery.key);
    args[0] = clarity_str(ms);

    write.script = &clarity_script_release;
    write.keys = keys;
    write.nkeys = 1;
    write.args = args;
    write.nargs = 1;
    write.fields = fields;
    write.nfields = n;
    write.done = on_released;

    return give(lease, &write);
}


static bool
give(clarity_lease_t *lease, const clarity_write_t *write)
{
    bool given;
    size_t argc;
    clarity_str_t *argv;
    clarity_leases_t *leases;
    clarity_call_conf_t conf = { 0 };

    leases = lease->leases;

    argv = malloc((4 + write->nkeys + write->nargs + write->nfields)
                  * sizeof(clarity_str_t));
    if (argv == NULL) {
        return false;
    }

    argc = 0;
    argv[argc++] = clarity_key_str(&leases->stream);
    argc = add(argv, argc, write->keys, write->nkeys);
    argv[argc++] = clarity_lit(CLARITY_GROUP);
    argv[argc++] = leases->conf.consumer;
    argv[argc++] = clarity_str(lease->delivery.entry);
    argc = add(argv, argc, write->args, write->nargs);
    argc = add(argv, argc, write->fields, write->nfields);

    conf.script = write->script;
    conf.argv = argv;
    conf.argc = argc;
    conf.nkeys = 1 + write->nkeys;
    conf.subject = lease;
    conf.done = write->done;
    conf.data = write->data;

    given = clarity_call(leases->conf.calls, &conf);

    free(argv);
    clarity_leases_keep(leases);

    return given;
}


static size_t
add(clarity_str_t *argv, size_t argc, const clarity_str_t *list, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        argv[argc++] = list[i];
    }

    return argc;
}


static void
on_recorded(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_lease_t *lease = subject;
    const clarity_leases_conf_t *conf;

    (void) repeated;

    conf = &lease->leases->conf;

    if (is_cancelled(reply)) {
        lease->cancelled = true;

    } else if (!is_one(reply)) {
        clarity_lease_end(lease, CLARITY_LEASE_LOST);
        return;
    }

    clarity_leases_keep(lease->leases);
    conf->recorded(conf->owner, lease, data);
}


static void
on_finished(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_str_t argv[3];
    clarity_lease_t *lease = subject;
    clarity_call_conf_t conf = { 0 };

    (void) data;

    if (is_one(reply)) {
        clarity_lease_end(lease, CLARITY_LEASE_FINISHED);
        return;
    }

    if (!repeated) {
        clarity_lease_end(lease, CLARITY_LEASE_LOST);
        return;
    }

    /* The time before, whose reply was lost, may have been the one. */

    argv[0] = clarity_lit("HGET");
    argv[1] = clarity_key_str(&lease->delivery.key);
    argv[2] = clarity_lit("state");

    conf.argv = argv;
    conf.argc = 3;
    conf.subject = lease;
    conf.done = on_state;

    if (!clarity_call(lease->leases->conf.calls, &conf)) {
        clarity_lease_forget(lease);
    }
}


static void
on_state(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_state_t state;
    clarity_lease_t *lease = subject;

    (void) data;
    (void) repeated;

    clarity_lease_end(
        lease, clarity_state_parse(clarity_reply_text(reply), &state)
                       && clarity_state_is_final(state)
                   ? CLARITY_LEASE_FINISHED
                   : CLARITY_LEASE_LOST);
}


static void
on_text(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_lease_t *lease = subject;
    const clarity_leases_conf_t *conf;

    (void) data;
    (void) repeated;

    conf = &lease->leases->conf;
    conf->text(conf->owner, lease, clarity_reply_text(reply));
}


/*
 * Of one that was given before, 0 says that the time before was the one, or
 * that another worker has it: whichever, there is nothing more to do here.
 */
static void
on_delayed(void *subject, void *data, const redisReply *reply, bool repeated)
{
    (void) data;

    clarity_lease_end(subject, repeated || is_one(reply)
                                   ? CLARITY_LEASE_DELAYED
                                   : CLARITY_LEASE_LOST);
}


/* Whose it was makes no difference. */
static void
on_dropped(void *subject, void *data, const redisReply *reply, bool repeated)
{
    (void) data;
    (void) reply;
    (void) repeated;

    clarity_lease_end(subject, CLARITY_LEASE_DROPPED);
}


/* Whether it was still ours makes no difference now. */
static void
on_released(void *subject, void *data, const redisReply *reply, bool repeated)
{
    (void) data;
    (void) reply;
    (void) repeated;

    clarity_lease_end(subject, CLARITY_LEASE_RELEASED);
}


static bool
is_one(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
}


static bool
is_cancelled(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER && reply->integer == 2;
}
