/*
 * clarity_settings_api: JSON both ways, for the settings page and for scripts.
 *
 * Each request first loads what there is (webhooks, what the workers have
 * loaded, which nginx serves which revision), then acts on it; a change is one
 * Lua call that nobody else's change is lost by.
 */

#ifndef NGX_HTTP_CLARITY_API_H
#define NGX_HTTP_CLARITY_API_H

#include "ngx_http_clarity_activity.h"
#include "ngx_http_clarity_call.h"

#include "job/audit.h"
#include "json/tree.h"
#include "webhook/record.h"

#define NGX_HTTP_CLARITY_API_BODY 65536 /* bytes of a request's body */

/* What is attached to a trigger: an active workflow that a worker has. */
typedef struct {
    ngx_str_t  id;
    ngx_str_t  name;
    ngx_str_t  trigger;
    ngx_uint_t active;
    ngx_uint_t workers; /* that have loaded it */
} ngx_http_clarity_workflow_t;

typedef struct {
    ngx_uint_t workers;
    uint64_t   revision;
} ngx_http_clarity_instance_t;

struct ngx_http_clarity_api_s;

/* Answers, or gives another command; returns what a body handler finalizes
 * with: NGX_DONE for the latter. */
typedef ngx_int_t (*ngx_http_clarity_api_pt)(
    ngx_http_request_t *r, struct ngx_http_clarity_api_s *api);

/* One request to the API; lives in its pool. */
typedef struct ngx_http_clarity_api_s {
    ngx_http_clarity_api_pt       act;
    ngx_http_clarity_main_conf_t *cmcf;
    ngx_str_t                     id; /* of the webhook in the path */
    clarity_json_doc_t           *body; /* NULL: none */

    clarity_webhook_t *webhooks;
    size_t             nwebhooks;
    uint64_t           revision;
    ngx_array_t        workflows; /* of ngx_http_clarity_workflow_t */
    ngx_array_t        instances; /* of ngx_http_clarity_instance_t */

    clarity_webhook_t *webhook; /* the one of the path; NULL: none */
    clarity_webhook_t  changed; /* what a change makes of it */
    char               token[CLARITY_MINTED_TOKEN_LEN + 1]; /* a new one */
} ngx_http_clarity_api_t;

/* _api_load */

/* Loads what there is, then calls api->act. As a body handler would. */
void ngx_http_clarity_api_load(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* _api_triggers */

ngx_int_t ngx_http_clarity_api_triggers(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_workflows(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* How many active workflows it starts. */
ngx_uint_t ngx_http_clarity_api_attached(
    ngx_http_clarity_api_t *api, clarity_str_t trigger);

/* Each appends a JSON value: the names of a trigger's parameters (NULL: an
 * empty list), a text. */
void ngx_http_clarity_api_add_names(
    clarity_buf_t *buf, const clarity_trigger_t *trigger);
void ngx_http_clarity_api_add_text(clarity_buf_t *buf, ngx_str_t *text);

/* _api_show: the other answers */

/* The one of nginx.conf that the path names, by "conf:NAME"; NULL: none. */
ngx_http_clarity_loc_conf_t *ngx_http_clarity_api_conf_webhook(
    ngx_http_clarity_api_t *api);

/* Appends a JSON text: the whole address, as seen from this request. */
void ngx_http_clarity_api_add_url(
    ngx_http_request_t *r, clarity_buf_t *buf, ngx_str_t *uri);

ngx_int_t ngx_http_clarity_api_list(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_get(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_activity(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* The webhook, with its token where that is not empty. */
ngx_int_t ngx_http_clarity_api_send_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook,
    ngx_uint_t status);

/* {"token":…,"id":…,"created_at":…,"previous_expires_at":…} */
ngx_int_t ngx_http_clarity_api_send_token(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook);

/* _api_change */

/* 404, or 409 where it is one of nginx.conf. */
ngx_int_t ngx_http_clarity_api_no_webhook(ngx_http_request_t *r);

/* api->changed in the place of api->webhook. */
ngx_int_t ngx_http_clarity_api_update(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action,
    ngx_http_clarity_call_pt handler);

ngx_int_t ngx_http_clarity_api_create(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_patch(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_delete(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_token(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_rotate(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_revoke(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* 0: it has been answered, and *rc is what the answer returned. */
ngx_uint_t ngx_http_clarity_api_may_change(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_uint_t required, ngx_int_t *rc);

/* A new token in front of the others of api->changed, sealed; api->token. */
ngx_int_t ngx_http_clarity_api_mint(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/*
 * After a script's reply. 1: the change is made, and changed.revision is its
 * own. 0: it has been answered why not, and *rc is what that returned.
 */
ngx_uint_t ngx_http_clarity_api_made(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_redis_result_t result,
    const redisReply *reply, ngx_int_t *rc);

/* After an update: answers with the webhook as it is now. */
void ngx_http_clarity_api_changed(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);

/* Who does it, for the audit stream; time is room for its digits. */
void ngx_http_clarity_api_audit(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const char *action, clarity_audit_t *audit,
    u_char *time);

/* The keys' prefix; ms since 1970. */
clarity_str_t ngx_http_clarity_api_prefix(ngx_http_clarity_api_t *api);
uint64_t ngx_http_clarity_api_now(void);

/* _api */

/* The content handler of a location with clarity_settings_api. */
ngx_int_t ngx_http_clarity_api_handler(ngx_http_request_t *r);

/* Sends the buffer's JSON and frees it; a failed buffer is a 500. */
ngx_int_t ngx_http_clarity_api_send(
    ngx_http_request_t *r, ngx_uint_t status, clarity_buf_t *buf);

/* problem+json. members: `"name":value,…`, or empty. */
ngx_int_t ngx_http_clarity_api_problem(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *detail,
    clarity_str_t members);

#endif
