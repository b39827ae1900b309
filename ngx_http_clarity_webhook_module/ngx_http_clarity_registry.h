/*
 * The webhooks that were made at run time, in shared memory: one process of an
 * nginx keeps them as they are in Redis, all answer from them.
 */

#ifndef NGX_HTTP_CLARITY_REGISTRY_H
#define NGX_HTTP_CLARITY_REGISTRY_H

#include "ngx_http_clarity_webhook_module.h"

#include "webhook/record.h"
#include "webhook/snapshot.h"

/* _follow */

/* Starts to follow Redis, in one of the worker processes. */
ngx_int_t ngx_http_clarity_registry_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf);
void ngx_http_clarity_registry_exit(void);

/* _early */

/* Once for the process. */
void ngx_http_clarity_early_init(void);

/*
 * The webhooks are not loaded yet. NGX_DONE: `again` is called soon, in the
 * place of the content handler; NGX_DECLINED: the process has been waited for
 * long enough, clarity_redis_connect_timeout.
 */
ngx_int_t ngx_http_clarity_early_wait(
    ngx_http_request_t *r, ngx_http_handler_pt again);

/* _registry */

/* The request's endpoint, by the location's prefix. NGX_DECLINED: its address
 * can be none. */
ngx_int_t ngx_http_clarity_registry_endpoint(
    ngx_http_request_t *r, ngx_str_t *endpoint);

/*
 * The webhook of that endpoint for this request. NGX_OK: the token is good and
 * *webhook is the request's own copy. NGX_DECLINED and *refusal: not loaded,
 * no such endpoint, no or a bad token, disabled, another method; *webhook is
 * then the one that the request was meant for, or NULL. With it, "not loaded"
 * is said of a token that may be the one that there is no key for.
 */
ngx_int_t ngx_http_clarity_registry_find(ngx_http_request_t *r,
    ngx_str_t *endpoint, ngx_http_clarity_webhook_t **webhook,
    ngx_http_clarity_refusal_t *refusal);

/*
 * Is it one of the tokens of the webhook with that id, whose overlap has not
 * ended? There is a zone.
 */
ngx_uint_t ngx_http_clarity_registry_may(ngx_http_clarity_main_conf_t *cmcf,
    clarity_str_t id, const clarity_token_digest_t *digest);

/*
 * The id and the trigger of the webhook that the request is meant for, whatever
 * its token: before the handler has run. NGX_DECLINED: there is none.
 */
ngx_int_t ngx_http_clarity_registry_name(
    ngx_http_request_t *r, ngx_str_t *id, ngx_str_t *trigger);

/* Is there a webhook of that id? 0 may also mean: not yet. */
ngx_uint_t ngx_http_clarity_registry_knows(
    ngx_http_clarity_main_conf_t *cmcf, ngx_str_t *id);

/*
 * When each of the webhook's tokens was last used, in ms since 1970, as far
 * as this nginx knows; 0: not since it was started.
 */
void ngx_http_clarity_registry_used(ngx_http_clarity_main_conf_t *cmcf,
    const clarity_webhook_t *webhook, uint64_t used[CLARITY_WEBHOOK_TOKENS]);

/* _sync: what a follower reads becomes the snapshot */

#define NGX_HTTP_CLARITY_TOLD 32 /* bad records that are told one by one */

#define NGX_HTTP_CLARITY_UNSERVED 64 /* webhooks that are told by name */

/* Room for the report with all of those. */
#define NGX_HTTP_CLARITY_REPORT_LEN                                           \
    (256 + NGX_HTTP_CLARITY_UNSERVED * (CLARITY_WEBHOOK_ID_LEN + 32))

/* A webhook that this nginx has, and cannot serve. */
typedef struct {
    char        id[CLARITY_WEBHOOK_ID_LEN + 1];
    const char *why; /* "token", "trigger" or "location"; "some_tokens": it is
                        served, but not with all of its tokens */
} ngx_http_clarity_unserved_t;

typedef struct {
    ngx_http_clarity_main_conf_t *cmcf;
    ngx_log_t                    *log;
    ngx_uint_t generation; /* of the snapshot when it was asked for */
    size_t     no_room;    /* bytes that the zone had no room for; 0: it has */
    uint64_t   refused;    /* the revision of those */

    /* What was told of bad records the last time, so that it is told once. */
    uint64_t   told[NGX_HTTP_CLARITY_TOLD];
    ngx_uint_t ntold;
    ngx_uint_t nbad;

    ngx_http_clarity_unserved_t unserved[NGX_HTTP_CLARITY_UNSERVED];
    ngx_uint_t                  nunserved; /* may be more */
} ngx_http_clarity_sync_t;

/*
 * From HGETALL's reply to shared memory. NGX_OK; NGX_AGAIN: another process
 * was faster, look again; NGX_ERROR: they are not all served, and the log
 * says why.
 */
ngx_int_t ngx_http_clarity_sync(
    ngx_http_clarity_sync_t *sync, const redisReply *reply);

/* _lead */

/* Bytes of the longest address that is looked at. */
#define NGX_HTTP_CLARITY_URI 1024

/*
 * Of the locations with clarity_webhooks one may not get the requests to an
 * endpoint below it: the location that nginx leads them to instead. NULL: each
 * gets them, or there is none here.
 */
ngx_http_core_loc_conf_t *ngx_http_clarity_shadow(
    ngx_http_clarity_main_conf_t *cmcf, clarity_str_t endpoint);

/* _publish */

/*
 * Makes it what requests are answered from, and frees nothing of it. Returns
 * as ngx_http_clarity_sync() does; where there is no room, what was deleted,
 * switched off or revoked is so nevertheless.
 */
ngx_int_t ngx_http_clarity_publish(ngx_http_clarity_sync_t *sync,
    clarity_buf_t *snapshot, uint64_t revision);

#endif
