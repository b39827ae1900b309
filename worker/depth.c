#include "worker/depth.h"

#include <event2/event.h>
#include <stdlib.h>

#include "job/key.h"
#include "worker/delivery.h"
#include "worker/timer.h"

#define EVERY 5000  /* ms */
#define STALE 15000 /* ms after which a reply says nothing of now */

struct clarity_depth_s {
    clarity_calls_t *calls;
    clarity_key_t stream;
    clarity_key_t delayed;
    clarity_key_t failed;
    struct event *timer;
    clarity_depth_values_t values;
    uint64_t heard_at; /* clarity_clock_ms() */
};

/*
 * KEYS: stream, delayed, failed. ARGV: group. {depth or -1, pending, delayed,
 * failed, the first entry that nobody has got, or ""}. Redis 6.2 has no lag:
 * there the depth is not known.
 */
static const clarity_script_t depth_script = {
    "depth",
    "local answer = { 0, 0, redis.call('ZCARD', KEYS[2]),\n"
    "  redis.call('XLEN', KEYS[3]), '' }\n"
    "local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])\n"
    "if groups.err then return answer end\n"
    "for _, group in ipairs(groups) do\n"
    "  local values = {}\n"
    "  for i = 1, #group, 2 do values[group[i]] = group[i + 1] end\n"
    "  if values.name == ARGV[1] then\n"
    "    answer[1] = values.lag or -1\n"
    "    answer[2] = values.pending\n"
    "    local first = redis.call('XRANGE', KEYS[1],\n"
    "      '(' .. values['last-delivered-id'], '+', 'COUNT', 1)\n"
    "    if first[1] then answer[5] = first[1][1] end\n"
    "  end\n"
    "end\n"
    "return answer\n",
};

static void on_timer(evutil_socket_t fd, short events, void *data);
static void on_reply(
    void *subject, void *data, const redisReply *reply, bool repeated);
static int64_t get_number(const redisReply *reply);
static void forget(clarity_depth_values_t *values);


clarity_depth_t *
clarity_depth_create(
    struct event_base *base, clarity_calls_t *calls, clarity_str_t prefix)
{
    clarity_depth_t *depth;

    depth = calloc(1, sizeof(clarity_depth_t));
    if (depth == NULL) {
        return NULL;
    }

    depth->calls = calls;
    clarity_key_jobs(&depth->stream, prefix, 0);
    clarity_key_delayed(&depth->delayed, prefix, 0);
    clarity_key_failed(&depth->failed, prefix, 0);
    forget(&depth->values);

    depth->timer = evtimer_new(base, on_timer, depth);

    if (depth->timer == NULL) {
        free(depth);
        return NULL;
    }

    clarity_timer_arm(depth->timer, 0);

    return depth;
}


void
clarity_depth_free(clarity_depth_t *depth)
{
    if (depth != NULL) {
        event_free(depth->timer);
        free(depth);
    }
}


clarity_depth_values_t
clarity_depth_values(const clarity_depth_t *depth)
{
    clarity_depth_values_t values;

    values = depth->values;

    if (clarity_clock_ms() - depth->heard_at > STALE) {
        forget(&values);
    }

    return values;
}


static void
on_timer(evutil_socket_t fd, short events, void *data)
{
    clarity_str_t argv[4];
    clarity_depth_t *depth = data;
    clarity_call_conf_t conf = { 0 };

    (void) fd;
    (void) events;

    argv[0] = clarity_key_str(&depth->stream);
    argv[1] = clarity_key_str(&depth->delayed);
    argv[2] = clarity_key_str(&depth->failed);
    argv[3] = clarity_lit(CLARITY_GROUP);

    conf.script = &depth_script;
    conf.argv = argv;
    conf.argc = 4;
    conf.nkeys = 3;
    conf.once = true;
    conf.subject = depth;
    conf.done = on_reply;

    (void) clarity_call(depth->calls, &conf);

    clarity_timer_arm(depth->timer, EVERY);
}


static void
on_reply(void *subject, void *data, const redisReply *reply, bool repeated)
{
    uint64_t at, now;
    clarity_str_t first;
    clarity_depth_t *depth = subject;

    (void) data;
    (void) repeated;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 5) {
        return;
    }

    depth->heard_at = clarity_clock_ms();
    depth->values.depth = get_number(reply->element[0]);
    depth->values.pending = get_number(reply->element[1]);
    depth->values.delayed = get_number(reply->element[2]);
    depth->values.failed = get_number(reply->element[3]);
    depth->values.oldest = 0;

    first = clarity_reply_text(reply->element[4]);

    if (first.len > 0) {
        now = clarity_time_ms();
        at = strtoull(first.data, NULL, 10);
        depth->values.oldest = now > at ? (int64_t) (now - at) : 0;
    }
}


static int64_t
get_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
}


static void
forget(clarity_depth_values_t *values)
{
    values->depth = values->pending = values->delayed = -1;
    values->failed = values->oldest = -1;
}
