/*
 * The webhooks that were made at run time, in shared memory: one process of an
 * nginx keeps them as they are in Redis, all answer from them.
 */

#ifndef NGX_HTTP_CLARITY_REGISTRY_H
#define NGX_HTTP_CLARITY_REGISTRY_H

#include "ngx_http_clarity_webhook_module.h"

#include "webhook/snapshot.h"

/* Starts to follow Redis, in one of the worker processes. */
ngx_int_t ngx_http_clarity_registry_init(
    ngx_cycle_t *cycle, ngx_http_clarity_main_conf_t *cmcf);
void ngx_http_clarity_registry_exit(void);

/*
 * The webhook of that endpoint for this request. NGX_OK: the token is good and
 * *webhook is the request's own copy. NGX_DECLINED and *refusal: not loaded,
 * no such endpoint, no or a bad token, disabled, another method.
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

#endif
