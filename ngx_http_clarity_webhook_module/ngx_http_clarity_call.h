/*
 * A Redis command on behalf of a request, and its reply as long as the request
 * is there.
 */

#ifndef NGX_HTTP_CLARITY_CALL_H
#define NGX_HTTP_CLARITY_CALL_H

#include "ngx_clarity_watch.h"
#include "ngx_http_clarity_webhook_module.h"

/*
 * Called with the reply, as clarity_redis_reply_pt. elapsed: ms since the
 * command. It finalizes the request, or gives another command, or both later.
 */
typedef void (*ngx_http_clarity_call_pt)(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);

/* The process's sessions, one for each element of the main conf's array. */
ngx_int_t ngx_http_clarity_call_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf);
void ngx_http_clarity_call_exit(void);

/*
 * Gives the command to the session of that index. A request has one call in
 * flight at most, and a context. Only on CLARITY_REDIS_GIVEN is the handler
 * called, unless the request ends before.
 */
clarity_redis_given_t ngx_http_clarity_call(ngx_http_request_t *r,
    ngx_uint_t redis, size_t argc, const clarity_str_t *argv,
    ngx_http_clarity_call_pt handler);

/*
 * From a call's handler, where durability is of replicas: another call, whose
 * reply is that of the WAIT after the first one's command. NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_clarity_call_wait(ngx_http_request_t *r,
    ngx_uint_t redis, ngx_http_clarity_call_pt handler);

/* From a call's handler: its reply is none that the command can have, see
 * ngx_clarity_redis_distrust(). */
void ngx_http_clarity_call_distrust(ngx_uint_t redis, const char *reason);

/* For the log: that Redis has as many jobs as that limit allows. */
void ngx_http_clarity_call_full(ngx_uint_t redis, ngx_uint_t limit);

/* What is known of the Redis of that index. */
const ngx_clarity_watch_t *ngx_http_clarity_watch(ngx_uint_t redis);

/* Of the process's session of that index: commands that wait for a reply, and
 * whether commands go out. */
void ngx_http_clarity_call_state(
    ngx_uint_t redis, ngx_uint_t *pending, ngx_uint_t *ready);

/* The refusal that goes with what a command could not be given for. */
clarity_outcome_t ngx_http_clarity_given_outcome(clarity_redis_given_t given);

#endif
