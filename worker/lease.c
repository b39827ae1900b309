#include "worker/lease_part.h"

#include <event2/event.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/timer.h"

#define BEATS      4   /* in the time of a lease */
#define BEAT_BATCH 256 /* leases a call, which Redis does nothing beside */

static void on_loaded(
    void *subject, void *data, const redisReply *reply, bool repeated);
static void on_timer(evutil_socket_t fd, short events, void *data);
static void beat(clarity_leases_t *leases);
static bool beat_some(
    clarity_leases_t *leases, clarity_lease_t **next, uint64_t *began);
static void on_beat(
    void *subject, void *data, const redisReply *reply, bool repeated);
static clarity_lease_t *find_lease(
    const clarity_leases_t *leases, clarity_str_t entry);
static int by_entry(const void *a, const void *b);
static void wake_next(clarity_leases_t *leases);
static void free_lease(clarity_lease_t *lease);


clarity_leases_t *
clarity_leases_create(const clarity_leases_conf_t *conf)
{
    clarity_leases_t *leases;

    leases = calloc(1, sizeof(clarity_leases_t));
    if (leases == NULL) {
        return NULL;
    }

    leases->conf = *conf;
    leases->sure_at = clarity_clock_ms();
    clarity_key_jobs(&leases->stream, conf->prefix, conf->shard);
    clarity_key_delayed(&leases->delayed, conf->prefix, conf->shard);
    clarity_key_failed(&leases->failed, conf->prefix, conf->shard);
    clarity_slots_init(&leases->slots, conf->slots);

    leases->timer = evtimer_new(conf->base, on_timer, leases);
    if (leases->timer == NULL) {
        free(leases);
        return NULL;
    }

    clarity_timer_arm(leases->timer, leases->conf.ms / BEATS);

    return leases;
}


void
clarity_leases_free(clarity_leases_t *leases)
{
    clarity_lease_t *lease, *next;

    if (leases == NULL) {
        return;
    }

    for (lease = leases->first; lease != NULL; lease = next) {
        next = lease->next;
        tdelete(lease, &leases->by_entry, by_entry);
        free_lease(lease);
    }

    event_free(leases->timer);
    free(leases);
}


size_t
clarity_leases_count(const clarity_leases_t *leases)
{
    return leases->slots.held;
}


size_t
clarity_leases_free_slots(const clarity_leases_t *leases)
{
    return leases->hold ? 0 : clarity_slots_free(&leases->slots);
}


void
clarity_leases_hold(clarity_leases_t *leases, bool hold)
{
    leases->hold = hold;
}


void
clarity_lease_take(
    clarity_leases_t *leases, const redisReply *entry, bool taken_over)
{
    clarity_lease_t *lease, *old;

    lease = calloc(1, sizeof(clarity_lease_t));

    if (lease == NULL
        || !clarity_delivery_read(
            &lease->delivery, entry, leases->conf.prefix, leases->conf.shard))
    {
        free(lease);
        return; /* it stays pending, to be taken over */
    }

    old = find_lease(leases, clarity_str(lease->delivery.entry));

    if (old != NULL) {
        clarity_lease_end(old, CLARITY_LEASE_LOST);
    }

    if (tsearch(lease, &leases->by_entry, by_entry) == NULL) {
        free_lease(lease);
        return; /* likewise */
    }

    clarity_slot_take(&leases->slots, &lease->slot, lease);

    lease->leases = leases;
    lease->state = CLARITY_LEASE_LOADING;
    lease->taken_over = taken_over;
    lease->next = leases->first;

    if (leases->first != NULL) {
        leases->first->prev = lease;
    }

    leases->first = lease;

    if (!clarity_lease_load(lease)) {
        clarity_lease_forget(lease);
    }
}


void
clarity_lease_rest(clarity_lease_t *lease)
{
    clarity_slot_rest(&lease->leases->slots, &lease->slot);
    wake_next(lease->leases);
}


bool
clarity_lease_is_resting(const clarity_lease_t *lease)
{
    return lease->slot.resting;
}


bool
clarity_lease_wake(clarity_lease_t *lease)
{
    return clarity_slot_wake(&lease->leases->slots, &lease->slot);
}


void
clarity_lease_forget(clarity_lease_t *lease)
{
    clarity_lease_end(lease, CLARITY_LEASE_FORGOTTEN);
}


bool
clarity_lease_is_sure(const clarity_lease_t *lease)
{
    return clarity_clock_ms() - lease->leases->sure_at
           < lease->leases->conf.ms;
}


void
clarity_leases_back(clarity_leases_t *leases)
{
    leases->back_at = clarity_clock_ms();
    beat(leases);
}


bool
clarity_lease_was_cut_off(const clarity_lease_t *lease)
{
    return lease->leases->sure_at < lease->leases->back_at;
}


/* Once: told twice it would hide a crash. What is lost is counted as before. */
void
clarity_lease_spare(clarity_lease_t *lease)
{
    clarity_str_t argv[1];
    clarity_call_conf_t conf = { 0 };

    argv[0] = clarity_key_str(&lease->delivery.key);

    conf.script = &clarity_script_spare;
    conf.argv = argv;
    conf.argc = 1;
    conf.nkeys = 1;
    conf.once = true;

    (void) clarity_call(lease->leases->conf.calls, &conf);
}


void
clarity_leases_renew(clarity_leases_t *leases)
{
    if (clarity_clock_ms() - leases->beaten_at >= leases->conf.ms / BEATS) {
        beat(leases);
    }
}


void
clarity_leases_keep(clarity_leases_t *leases)
{
    if (clarity_clock_ms() - leases->beaten_at >= leases->conf.ms / BEATS) {
        beat(leases);
        clarity_calls_push(leases->conf.calls);
    }
}


/*
 * Not only after a take-over: a group that was made anew gives out entries
 * that have been worked on before, and nothing but their hashes tells.
 */
bool
clarity_lease_load(clarity_lease_t *lease)
{
    clarity_str_t argv[2];
    clarity_call_conf_t conf = { 0 };

    lease->state = CLARITY_LEASE_LOADING;

    argv[0] = clarity_lit("HGETALL");
    argv[1] = clarity_key_str(&lease->delivery.key);

    conf.argv = argv;
    conf.argc = 2;
    conf.subject = lease;
    conf.done = on_loaded;

    return clarity_call(lease->leases->conf.calls, &conf);
}


static void
on_loaded(void *subject, void *data, const redisReply *reply, bool repeated)
{
    size_t i, n;
    clarity_str_t *fields;
    clarity_lease_t *lease = subject;
    const clarity_leases_conf_t *conf;

    (void) data;
    (void) repeated;

    conf = &lease->leases->conf;
    n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

    fields = malloc((n + 1) * sizeof(clarity_str_t));
    if (fields == NULL) {
        clarity_lease_forget(lease);
        return;
    }

    for (i = 0; i < n; i++) {
        fields[i] = clarity_reply_text(reply->element[i]);
    }

    clarity_leases_keep(lease->leases);

    lease->state = CLARITY_LEASE_HELD;
    conf->held(conf->owner, lease, fields, n);

    free(fields);
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_leases_t *leases = data;

    (void) fd;
    (void) events;

    beat(leases);
    clarity_timer_arm(leases->timer, leases->conf.ms / BEATS);
}


static void
beat(clarity_leases_t *leases)
{
    bool given;
    uint64_t now, *began;
    clarity_lease_t *next;

    now = clarity_clock_ms();
    next = leases->first;
    given = true;

    if (next == NULL) {
        leases->sure_at = now;
    }

    began = NULL;

    /* Those that have not been answered keep their place. */
    if (leases->unanswered < CLARITY_BEATS_MAX) {
        began = &leases->began[leases->beats % CLARITY_BEATS_MAX];
        *began = now;
    }

    while (next != NULL) {
        given = beat_some(leases, &next, began) && given;
    }

    if (given) {
        leases->beaten_at = now;
    }
}


static bool
beat_some(clarity_leases_t *leases, clarity_lease_t **next, uint64_t *began)
{
    bool given;
    size_t n;
    clarity_str_t argv[3 + BEAT_BATCH];
    clarity_lease_t *lease;
    clarity_call_conf_t conf = { 0 };

    n = 0;
    argv[n++] = clarity_key_str(&leases->stream);
    argv[n++] = clarity_lit(CLARITY_GROUP);
    argv[n++] = leases->conf.consumer;

    for (lease = *next; lease != NULL && n < 3 + BEAT_BATCH;
         lease = lease->next) {
        if (lease->state != CLARITY_LEASE_RELEASING) {
            argv[n++] = clarity_str(lease->delivery.entry);
        }
    }

    *next = lease;

    if (n == 3) {
        return true;
    }

    conf.script = &clarity_script_beat;
    conf.whole = true;
    conf.argv = argv;
    conf.argc = n;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = leases;
    conf.done = on_beat;

    /* The last one is answered when all are. */
    conf.data = *next == NULL ? began : NULL;

    given = clarity_call(leases->conf.calls, &conf);

    if (given && conf.data != NULL) {
        leases->beats++;
        leases->unanswered++;
    }

    return given;
}


static void
on_beat(void *subject, void *data, const redisReply *reply, bool repeated)
{
    size_t i;
    uint64_t began;
    clarity_lease_t *lease;
    clarity_leases_t *leases = subject;

    (void) repeated;

    began = 0;

    if (data != NULL) {
        began = *(const uint64_t *) data;
        leases->unanswered--;
    }

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        leases->beaten_at = 0; /* it may not have been */
        return;
    }

    for (i = 0; i < reply->elements; i++) {
        lease = find_lease(leases, clarity_reply_text(reply->element[i]));

        /* Of a last write that is repeated, its own reply decides. */
        if (lease != NULL && lease->state <= CLARITY_LEASE_HELD) {
            clarity_lease_end(lease, CLARITY_LEASE_LOST);
        }
    }

    /* Not before it is known why those were lost. */
    if (data != NULL) {
        leases->sure_at = began;
    }
}


static clarity_lease_t *
find_lease(const clarity_leases_t *leases, clarity_str_t entry)
{
    clarity_lease_t key, **found;

    snprintf(key.delivery.entry, sizeof(key.delivery.entry), "%.*s",
        clarity_fmt(entry));

    found = tfind(&key, &leases->by_entry, by_entry);

    return found != NULL ? *found : NULL;
}


static int
by_entry(const void *a, const void *b)
{
    const clarity_lease_t *left = a, *right = b;

    return strcmp(left->delivery.entry, right->delivery.entry);
}


void
clarity_lease_end(clarity_lease_t *lease, clarity_lease_end_t end)
{
    clarity_leases_t *leases;

    leases = lease->leases;

    clarity_calls_cancel(leases->conf.calls, lease);

    if (lease->prev != NULL) {
        lease->prev->next = lease->next;
    } else {
        leases->first = lease->next;
    }

    if (lease->next != NULL) {
        lease->next->prev = lease->prev;
    }

    tdelete(lease, &leases->by_entry, by_entry);
    clarity_slot_leave(&leases->slots, &lease->slot);

    /* Before its owner takes new jobs for the slot. */
    wake_next(leases);

    leases->conf.ended(leases->conf.owner, lease, end);

    free_lease(lease);
}


static void
wake_next(clarity_leases_t *leases)
{
    clarity_slot_t *slot;

    while ((slot = clarity_slots_next(&leases->slots)) != NULL) {
        leases->conf.woken(leases->conf.owner, slot->owner);
    }
}


static void
free_lease(clarity_lease_t *lease)
{
    clarity_delivery_free(&lease->delivery);
    free(lease);
}
