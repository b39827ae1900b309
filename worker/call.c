#include "worker/call.h"

#include <event2/event.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis/reply_error.h"
#include "worker/kill_point.h"
#include "worker/timer.h"

#define SHA1_HEX    41   /* with the NUL */
#define SCRIPT_HEAD 3    /* EVALSHA, digest, number of keys */
#define PAUSE       1000 /* ms until a refused call is repeated */
#define SUBJECTS    1024 /* a power of two: lists of calls by their subject */

typedef struct clarity_call_s clarity_call_t;

struct clarity_call_s {
    clarity_calls_t *calls;
    clarity_call_t *prev;
    clarity_call_t *next;
    clarity_call_t **subject_prev; /* what points to it there */
    clarity_call_t *subject_next;

    const clarity_script_t *script;
    char nkeys[12];

    bool once;
    bool sent;
    bool repeated;

    clarity_call_pt done; /* NULL: cancelled */
    void *subject;
    void *data;

    size_t argc;
    clarity_str_t argv[]; /* their bytes stand behind them */
};

/* Of a script that was called before. */
typedef struct clarity_digest_s {
    struct clarity_digest_s *next;
    const clarity_script_t *script;
    char hex[SHA1_HEX];
} clarity_digest_t;

struct clarity_calls_s {
    clarity_redis_event_t *redis;
    clarity_log_t *log;
    struct event *pause;
    bool refused; /* and has been logged */

    /* In the order they were given in. */
    clarity_call_t *first;
    clarity_call_t *last;

    /* A job that ends cancels its calls, and there may be those of thousands of
     * others. */
    clarity_call_t *subjects[SUBJECTS];

    clarity_digest_t *digests;
};

static clarity_call_t *create_call(
    clarity_calls_t *calls, const clarity_call_conf_t *conf);
static void use_text(clarity_call_t *call);
static const char *digest_of(
    clarity_calls_t *calls, const clarity_script_t *script);
static bool digest_script(const clarity_script_t *script, char *hex);
static clarity_call_t **calls_of(clarity_calls_t *calls, const void *subject);
static void link_call(clarity_call_t *call);
static void free_call(clarity_call_t *call);
static bool is_ready(const clarity_calls_t *calls);
static bool send_call(clarity_call_t *call);
static void on_reply(
    void *data, clarity_redis_result_t result, const redisReply *reply);
static void on_no_reply(clarity_call_t *call, clarity_redis_result_t result);
static void end_call(clarity_call_t *call, const redisReply *reply);
static bool on_error(clarity_call_t *call, const redisReply *reply);
static void log_refusal(clarity_call_t *call, const redisReply *reply,
    const clarity_redis_error_info_t *info);
static void on_pause(evutil_socket_t fd, short events, void *data);


clarity_calls_t *
clarity_calls_create(
    struct event_base *base, clarity_redis_event_t *redis, clarity_log_t *log)
{
    clarity_calls_t *calls;

    calls = calloc(1, sizeof(clarity_calls_t));
    if (calls == NULL) {
        return NULL;
    }

    calls->redis = redis;
    calls->log = log;
    calls->pause = evtimer_new(base, on_pause, calls);

    if (calls->pause == NULL) {
        free(calls);
        return NULL;
    }

    return calls;
}


void
clarity_calls_free(clarity_calls_t *calls)
{
    clarity_digest_t *digest;

    if (calls == NULL) {
        return;
    }

    while (calls->first != NULL) {
        free_call(calls->first);
    }

    while ((digest = calls->digests) != NULL) {
        calls->digests = digest->next;
        free(digest);
    }

    event_free(calls->pause);
    free(calls);
}


bool
clarity_call(clarity_calls_t *calls, const clarity_call_conf_t *conf)
{
    clarity_call_t *call;

    if (conf->once && !is_ready(calls)) {
        return false;
    }

    call = create_call(calls, conf);
    if (call == NULL) {
        return false;
    }

    link_call(call);

    if (is_ready(calls) && !send_call(call)) {
        free_call(call);
        return false;
    }

    return true;
}


void
clarity_calls_cancel(clarity_calls_t *calls, const void *subject)
{
    clarity_call_t *call, *next;

    for (call = *calls_of(calls, subject); call != NULL; call = next) {
        next = call->subject_next;

        if (call->subject != subject) {
            continue;
        }

        call->done = NULL;

        if (!call->sent) {
            free_call(call);
        }
    }
}


void
clarity_calls_push(clarity_calls_t *calls)
{
    clarity_redis_event_push(calls->redis);
}


void
clarity_calls_resume(clarity_calls_t *calls)
{
    clarity_call_t *call;

    for (call = calls->first; call != NULL; call = call->next) {
        if (!is_ready(calls)) {
            return; /* and will be called when it is */
        }

        if (!call->sent && !send_call(call)) {
            clarity_timer_arm(calls->pause, PAUSE);
            return;
        }
    }
}


static clarity_call_t *
create_call(clarity_calls_t *calls, const clarity_call_conf_t *conf)
{
    char *p;
    size_t i, head, size;
    const char *digest;
    clarity_call_t *call;

    digest = NULL;

    if (conf->script != NULL) {
        digest = digest_of(calls, conf->script);

        if (digest == NULL) {
            return NULL;
        }
    }

    head = conf->script != NULL ? SCRIPT_HEAD : 0;
    size = sizeof(*call) + (head + conf->argc) * sizeof(clarity_str_t);

    for (i = 0; i < conf->argc; i++) {
        size += conf->argv[i].len;
    }

    call = calloc(1, size);
    if (call == NULL) {
        return NULL;
    }

    call->calls = calls;
    call->script = conf->script;
    call->once = conf->once;
    call->subject = conf->subject;
    call->done = conf->done;
    call->data = conf->data;
    call->argc = head + conf->argc;

    if (conf->script != NULL) {
        snprintf(call->nkeys, sizeof(call->nkeys), "%zu", conf->nkeys);

        call->argv[0] = clarity_lit("EVALSHA");
        call->argv[1] = clarity_str(digest);
        call->argv[2] = clarity_str(call->nkeys);

        if (conf->whole) {
            use_text(call);
        }
    }

    p = (char *) &call->argv[call->argc];

    for (i = 0; i < conf->argc; i++) {
        if (conf->argv[i].len > 0) {
            memcpy(p, conf->argv[i].data, conf->argv[i].len);
        }

        call->argv[head + i] = (clarity_str_t){ p, conf->argv[i].len };
        p += conf->argv[i].len;
    }

    return call;
}


static void
use_text(clarity_call_t *call)
{
    call->argv[0] = clarity_lit("EVAL");
    call->argv[1] = clarity_str(call->script->lua);
}


/* NULL: out of memory. */
static const char *
digest_of(clarity_calls_t *calls, const clarity_script_t *script)
{
    clarity_digest_t *digest;

    for (digest = calls->digests; digest != NULL; digest = digest->next) {
        if (digest->script == script) {
            return digest->hex;
        }
    }

    digest = malloc(sizeof(clarity_digest_t));

    if (digest == NULL || !digest_script(script, digest->hex)) {
        free(digest);
        return NULL;
    }

    digest->script = script;
    digest->next = calls->digests;
    calls->digests = digest;

    return digest->hex;
}


static bool
digest_script(const clarity_script_t *script, char *hex)
{
    unsigned i, len;
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(
            script->lua, strlen(script->lua), digest, &len, EVP_sha1(), NULL)
        != 1)
    {
        return false;
    }

    for (i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    return true;
}


static void
link_call(clarity_call_t *call)
{
    clarity_calls_t *calls;
    clarity_call_t **list;

    calls = call->calls;
    call->prev = calls->last;

    if (calls->last != NULL) {
        calls->last->next = call;
    } else {
        calls->first = call;
    }

    calls->last = call;

    list = calls_of(calls, call->subject);
    call->subject_prev = list;
    call->subject_next = *list;

    if (*list != NULL) {
        (*list)->subject_prev = &call->subject_next;
    }

    *list = call;
}


/* Where those of a subject are, and perhaps others. */
static clarity_call_t **
calls_of(clarity_calls_t *calls, const void *subject)
{
    uintptr_t n;

    /* The lowest bits of what malloc() gives are always the same. */
    n = (uintptr_t) subject / 16;

    return &calls->subjects[(n ^ n / SUBJECTS) % SUBJECTS];
}


static void
free_call(clarity_call_t *call)
{
    clarity_calls_t *calls;

    calls = call->calls;

    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        calls->first = call->next;
    }

    if (call->next != NULL) {
        call->next->prev = call->prev;
    } else {
        calls->last = call->prev;
    }

    *call->subject_prev = call->subject_next;

    if (call->subject_next != NULL) {
        call->subject_next->subject_prev = call->subject_prev;
    }

    free(call);
}


/*
 * Calls wait here and not in the session, which would put those that it holds
 * before those that are to be repeated.
 */
static bool
is_ready(const clarity_calls_t *calls)
{
    return clarity_redis_state(clarity_redis_event_session(calls->redis))
           == CLARITY_REDIS_READY;
}


static bool
send_call(clarity_call_t *call)
{
    call->sent = clarity_redis_event_command(call->calls->redis, call->argc,
                     call->argv, 0, on_reply, call)
                 == CLARITY_REDIS_GIVEN;

    return call->sent;
}


static void
on_reply(void *data, clarity_redis_result_t result, const redisReply *reply)
{
    clarity_call_t *call = data;

    call->sent = false;

    if (result != CLARITY_REDIS_REPLIED) {
        on_no_reply(call, result);
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR && !on_error(call, reply)) {
        return;
    }

    call->calls->refused = false;

    if (call->script != NULL) {
        CLARITY_KILL_POINT(call->script->name);
    }

    end_call(call, reply);
}


static void
on_no_reply(clarity_call_t *call, clarity_redis_result_t result)
{
    if (call->once || call->done == NULL) {
        end_call(call, NULL);
        return;
    }

    call->repeated = call->repeated || result == CLARITY_REDIS_UNKNOWN;
}


static void
end_call(clarity_call_t *call, const redisReply *reply)
{
    void *subject, *data;
    bool repeated;
    clarity_call_pt done;

    done = call->done;
    subject = call->subject;
    data = call->data;
    repeated = call->repeated;

    free_call(call);

    if (done != NULL) {
        done(subject, data, reply, repeated);
    }
}


/* true: it is an answer. */
static bool
on_error(clarity_call_t *call, const redisReply *reply)
{
    clarity_calls_t *calls;
    const clarity_redis_error_info_t *info;

    calls = call->calls;
    info = clarity_redis_error_info((clarity_str_t){ reply->str, reply->len });

    if (info->code == CLARITY_REDIS_ERR_NOGROUP) {
        return true;
    }

    /* Redis keeps a script until it restarts or is told to forget it. */
    if (info->code == CLARITY_REDIS_ERR_NOSCRIPT && call->script != NULL) {
        use_text(call);

        if (send_call(call)) {
            return false;
        }
    } else {
        log_refusal(call, reply, info);
    }

    if (info->reconnect) {
        clarity_redis_refuse(
            clarity_redis_event_session(calls->redis), info->meaning);
    }

    if (call->once || call->done == NULL) {
        end_call(call, NULL);
        return false;
    }

    clarity_timer_arm(calls->pause, PAUSE);

    return false;
}


/* Once, until a call is answered again: it would be a line a second. */
static void
log_refusal(clarity_call_t *call, const redisReply *reply,
    const clarity_redis_error_info_t *info)
{
    char name[32], text[128], where[CLARITY_REDIS_WHERE_MAX];
    clarity_calls_t *calls;

    calls = call->calls;

    if (calls->refused) {
        return;
    }

    calls->refused = true;

    snprintf(name, sizeof(name), "%.*s", clarity_fmt(call->argv[0]));
    snprintf(text, sizeof(text), "%s", reply->str);

    clarity_redis_error_where(
        (clarity_str_t){ reply->str, reply->len }, where);

    clarity_log(calls->log, CLARITY_LOG_ERROR, "redis_refused",
        "command=%s refused=%s reason=%s reply=%s",
        call->script != NULL ? call->script->name : name,
        where[0] != '\0' ? where : NULL, info->meaning,
        info->code == CLARITY_REDIS_ERR_OTHER ? text : NULL);
}


static void
on_pause(evutil_socket_t fd, short events, void *data)
{
    (void) fd;
    (void) events;

    clarity_calls_resume(data);
}
