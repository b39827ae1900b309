#include <stdlib.h>

#include "job/publish_script.h"
#include "worker/lease_part.h"

#define HEAD 8 /* three keys, group, consumer, entry, field, value */

static void on_reply(
    void *subject, void *data, const redisReply *reply, bool repeated);


bool
clarity_lease_publish(clarity_lease_t *lease, const clarity_str_t *key,
    const clarity_str_t *argv, size_t argc, const clarity_str_t field[2],
    clarity_published_pt published, void *data)
{
    bool given;
    size_t n;
    clarity_str_t *all;
    clarity_leases_t *leases;
    clarity_call_conf_t conf = { 0 };

    leases = lease->leases;

    all = malloc((HEAD + argc) * sizeof(clarity_str_t));
    if (all == NULL) {
        return false;
    }

    n = 0;
    all[n++] = clarity_key_str(&leases->stream);
    all[n++] = clarity_key_str(&lease->delivery.key);

    if (key != NULL) {
        all[n++] = *key;
    }

    conf.nkeys = n;

    all[n++] = clarity_lit(CLARITY_GROUP);
    all[n++] = leases->conf.consumer;
    all[n++] = clarity_str(lease->delivery.entry);
    all[n++] = field[0];
    all[n++] = field[1];
    memcpy(all + n, argv, argc * sizeof(clarity_str_t));

    lease->published = published;

    conf.script = &clarity_script_publish;
    conf.argv = all;
    conf.argc = n + argc;
    conf.subject = lease;
    conf.done = on_reply;
    conf.data = data;

    given = clarity_call(leases->conf.calls, &conf);

    free(all);

    return given;
}


static void
on_reply(void *subject, void *data, const redisReply *reply, bool repeated)
{
    clarity_lease_t *lease = subject;

    (void) repeated;

    if (reply->type != REDIS_REPLY_INTEGER
        || reply->integer == CLARITY_PUBLISH_NOT_OWNER)
    {
        clarity_lease_end(lease, CLARITY_LEASE_LOST);
        return;
    }

    lease->published(data, (int) reply->integer);
}
