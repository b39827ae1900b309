/*
 * WAIT, in batches.
 */

#include "ngx_clarity_replicas.h"


static void ngx_clarity_replicas_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply);


void
ngx_clarity_replicas_init(ngx_clarity_replicas_t *replicas,
    const ngx_clarity_redis_conf_t *conf, clarity_redis_session_t *session)
{
    replicas->conf = conf;
    replicas->session = session;
}


void
ngx_clarity_replicas_wrote(ngx_clarity_replicas_t *replicas)
{
    replicas->unwaited++;
}


void
ngx_clarity_replicas_flush(ngx_clarity_replicas_t *replicas)
{
    u_char       *p;
    clarity_str_t argv[3];

    if (replicas->unwaited == 0 || replicas->waiting) {
        return;
    }

    argv[0] = clarity_lit("WAIT");

    p = ngx_sprintf((u_char *) replicas->number, "%ud",
        replicas->conf->durability.replicas);
    argv[1].data = replicas->number;
    argv[1].len = p - (u_char *) replicas->number;

    p = ngx_sprintf((u_char *) replicas->timeout, "%M",
        replicas->conf->wait_timeout);
    argv[2].data = replicas->timeout;
    argv[2].len = p - (u_char *) replicas->timeout;

    /* without memory it is tried again with the next write or tick */

    if (clarity_redis_command(replicas->session, 3, argv, 0,
            ngx_clarity_replicas_handler, replicas)
        == CLARITY_REDIS_GIVEN)
    {
        replicas->waiting = 1;
        replicas->unwaited = 0;
    }
}


ngx_int_t
ngx_clarity_replicas_wait(ngx_clarity_replicas_t *replicas,
    clarity_redis_reply_pt callback, void *data)
{
    clarity_redis_pending_t pending;

    if (!clarity_redis_ring_reserve(&replicas->written)) {
        return NGX_ERROR;
    }

    ngx_memzero(&pending, sizeof(clarity_redis_pending_t));

    pending.callback = callback;
    pending.data = data;

    clarity_redis_ring_push(&replicas->written, &pending);

    return NGX_OK;
}


static void
ngx_clarity_replicas_handler(
    void *data, clarity_redis_result_t result, const redisReply *reply)
{
    ngx_clarity_replicas_t *replicas = data;

    size_t                  n;
    clarity_redis_pending_t pending;

    replicas->waiting = 0;

    if (result != CLARITY_REDIS_REPLIED) {
        /* ngx_clarity_replicas_lost() follows */
        return;
    }

    /* not more than these: callbacks give commands, and their writes wait */

    for (n = replicas->written.count; n; n--) {
        pending = clarity_redis_ring_pop(&replicas->written);
        pending.callback(pending.data, CLARITY_REDIS_REPLIED, reply);
    }
}


void
ngx_clarity_replicas_lost(ngx_clarity_replicas_t *replicas)
{
    clarity_redis_ring_t written;

    written = replicas->written;

    ngx_memzero(&replicas->written, sizeof(clarity_redis_ring_t));
    replicas->unwaited = 0;
    replicas->waiting = 0;

    /* their writes were answered: they did leave */
    clarity_redis_ring_give_up(&written, UINT64_MAX);
}
