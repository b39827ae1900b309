/*
 * On how many worker processes a webhook is live, and why not on all.
 */

#include "ngx_http_clarity_api.h"


/* What keeps a webhook from being live everywhere. */
typedef struct {
    ngx_uint_t workers; /* where it is live */
    ngx_uint_t of;
    ngx_uint_t no_room; /* in some nginx's zone */
    ngx_str_t *unserved; /* why some nginx cannot; NULL: none says so */
    ngx_uint_t tokens; /* some nginx cannot open all of them */
    ngx_uint_t silent; /* instances that have not been heard of */
    uint64_t   ms; /* for which the longest silent one has not */
} ngx_http_clarity_live_t;


static void ngx_http_clarity_count_live(ngx_http_clarity_api_t *api,
    clarity_str_t id, uint64_t revision, ngx_http_clarity_live_t *live);
static void ngx_http_clarity_show_reason(
    clarity_buf_t *buf, const ngx_http_clarity_live_t *live);
static const char *ngx_http_clarity_say_unserved(const ngx_str_t *why);
static ngx_uint_t ngx_http_clarity_is_word(
    const ngx_str_t *why, const char *word);
static ngx_str_t *ngx_http_clarity_why_unserved(
    ngx_http_clarity_instance_t *instance, clarity_str_t id);


void
ngx_http_clarity_show_live(ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    clarity_str_t id, uint64_t revision)
{
    ngx_http_clarity_live_t live;

    ngx_http_clarity_count_live(api, id, revision, &live);

    clarity_buf_addf(buf, ",\"live\":{\"workers\":%u,\"of\":%u,\"reason\":",
        (unsigned) live.workers, (unsigned) live.of);
    ngx_http_clarity_show_reason(buf, &live);
    clarity_buf_addz(buf, "}");
}


static void
ngx_http_clarity_count_live(ngx_http_clarity_api_t *api, clarity_str_t id,
    uint64_t revision, ngx_http_clarity_live_t *live)
{
    ngx_str_t                   *why;
    ngx_uint_t                   i;
    ngx_http_clarity_instance_t *instance;

    ngx_memzero(live, sizeof(ngx_http_clarity_live_t));

    instance = api->instances.elts;

    for (i = 0; i < api->instances.nelts; i++) {
        live->of += instance[i].workers;
        why = ngx_http_clarity_why_unserved(&instance[i], id);

        if (instance[i].silent) {
            live->silent++;
            live->ms = ngx_max(live->ms, instance[i].silent);

        } else if (why && !ngx_http_clarity_is_word(why, "some_tokens")) {
            live->unserved = why;

        } else if (instance[i].revision >= revision) {
            live->workers += instance[i].workers;
            live->tokens |= why != NULL;

        } else {
            live->no_room |= instance[i].no_room;
        }
    }
}


static void
ngx_http_clarity_show_reason(
    clarity_buf_t *buf, const ngx_http_clarity_live_t *live)
{
    if (live->no_room) {
        clarity_buf_addz(buf,
            "\"The webhooks do not fit into an nginx's clarity_zone: make it "
            "larger.\"");

    } else if (live->unserved) {
        clarity_buf_addf(buf, "\"%s\"",
            ngx_http_clarity_say_unserved(live->unserved));

    } else if (live->tokens) {
        clarity_buf_addz(buf,
            "\"An nginx cannot open one of this webhook's tokens and answers "
            "503 to it: put the key back into its clarity_token_key_file, or revoke "
            "that token.\"");

    } else if (live->silent) {
        clarity_buf_addf(buf,
            "\"%u nginx %s not been heard of for %llu s: where it is only cut "
            "off from Redis, it serves what it knew then.\"",
            (unsigned) live->silent, live->silent == 1 ? "has" : "have",
            (unsigned long long) (live->ms / 1000));

    } else {
        clarity_buf_addz(buf, "null");
    }
}


static const char *
ngx_http_clarity_say_unserved(const ngx_str_t *why)
{
    if (ngx_http_clarity_is_word(why, "location")) {
        return "The nginx.conf of an nginx leads this address to another "
               "location.";
    }

    if (ngx_http_clarity_is_word(why, "token")) {
        return "An nginx cannot open a token of this webhook: its "
               "clarity_token_key_file lacks the key.";
    }

    if (ngx_http_clarity_is_word(why, "trigger")) {
        return "The file of clarity_triggers of an nginx lacks this webhook's "
               "trigger.";
    }

    return "An nginx does not serve this webhook: see its error log.";
}


static ngx_uint_t
ngx_http_clarity_is_word(const ngx_str_t *why, const char *word)
{
    return clarity_str_is((clarity_str_t){ (char *) why->data, why->len },
        word);
}


/* NULL: it is served there. */

static ngx_str_t *
ngx_http_clarity_why_unserved(
    ngx_http_clarity_instance_t *instance, clarity_str_t id)
{
    ngx_uint_t                     i;
    ngx_http_clarity_not_served_t *unserved;

    unserved = instance->unserved.elts;

    for (i = 0; i < instance->unserved.nelts; i++) {
        if (unserved[i].id.len == id.len
            && ngx_memcmp(unserved[i].id.data, id.data, id.len) == 0)
        {
            return &unserved[i].why;
        }
    }

    return NULL;
}
