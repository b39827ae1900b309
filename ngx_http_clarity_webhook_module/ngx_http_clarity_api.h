/*
 * clarity_settings_api: JSON both ways, for the settings page and for scripts.
 *
 * A request first loads what it needs (webhooks, what the workers have loaded,
 * which nginx serves which revision), then acts on it; a change is one Lua
 * call that nobody else's change is lost by.
 *
 *   _api -> _api_route -> _api_load -+-> _api_triggers, _api_answer
 *                                    +-> _api_change, _api_token
 *                                    +-> _api_jobs, _api_retry
 */

#ifndef NGX_HTTP_CLARITY_API_H
#define NGX_HTTP_CLARITY_API_H

#include "ngx_http_clarity_activity.h"
#include "ngx_http_clarity_call.h"
#include "ngx_http_clarity_registry.h"

#include "job/audit.h"
#include "json/tree.h"
#include "webhook/record.h"

#define NGX_HTTP_CLARITY_API_BODY       65536 /* bytes of a request's body */
#define NGX_HTTP_CLARITY_API_UNREADABLE 32    /* that an answer tells of */
#define NGX_HTTP_CLARITY_API_ID         64    /* bytes of the id of one */

/* What a request needs to have loaded. */
#define NGX_HTTP_CLARITY_NEED_WEBHOOK   0x01 /* the one of the path */
#define NGX_HTTP_CLARITY_NEED_IF_NEW    0x02 /* the same, if it is not known
                                                in shared memory yet */
#define NGX_HTTP_CLARITY_NEED_ALL       0x04 /* webhooks */
#define NGX_HTTP_CLARITY_NEED_WORKFLOWS 0x08
#define NGX_HTTP_CLARITY_NEED_INSTANCES 0x10
#define NGX_HTTP_CLARITY_MAY_BE_EMPTY   0x20 /* the body of a POST */

/* What is attached to a trigger: an active workflow that a worker has. */
typedef struct {
    ngx_str_t  id;
    ngx_str_t  name;
    ngx_str_t  trigger;
    ngx_uint_t active;
    ngx_uint_t workers; /* that have loaded it */
} ngx_http_clarity_workflow_t;

/* A webhook that an nginx has, and cannot serve. */
typedef struct {
    ngx_str_t id;
    ngx_str_t why; /* ngx_http_clarity_unserved_t has the words */
} ngx_http_clarity_not_served_t;

/* An nginx that serves the webhooks. */
typedef struct {
    ngx_uint_t workers;
    uint64_t   revision;
    ngx_uint_t no_room; /* for a later one */
    uint64_t   silent;  /* ms since it was heard of, where that is long */
    ngx_array_t unserved; /* of ngx_http_clarity_not_served_t */
} ngx_http_clarity_instance_t;

/* A record in Redis that cannot be read. */
typedef struct {
    ngx_str_t       id;
    clarity_error_t why;
} ngx_http_clarity_unreadable_t;

/* What a change is made under. */
typedef enum {
    NGX_HTTP_CLARITY_NO_CONDITION,
    NGX_HTTP_CLARITY_ANY_REVISION, /* If-Match: * */
    NGX_HTTP_CLARITY_REVISION      /* that of api->webhook */
} ngx_http_clarity_condition_t;

struct ngx_http_clarity_api_s;

/* Answers, or gives another command; returns what a body handler finalizes
 * with: NGX_DONE for the latter. */
typedef ngx_int_t (*ngx_http_clarity_api_pt)(
    ngx_http_request_t *r, struct ngx_http_clarity_api_s *api);

/* One request to the API; lives in its pool. */
typedef struct ngx_http_clarity_api_s {
    ngx_http_clarity_api_pt       act;
    ngx_uint_t                    needs; /* NGX_HTTP_CLARITY_NEED_ bits */
    ngx_http_clarity_main_conf_t *cmcf;
    ngx_str_t                     id; /* of the webhook or job in the path */
    ngx_uint_t                    may_be_empty; /* the body */
    clarity_json_doc_t           *body; /* NULL: none */

    clarity_webhook_t *webhooks;
    size_t             nwebhooks;
    uint64_t           revision;
    ngx_array_t        unreadable; /* of ngx_http_clarity_unreadable_t */
    ngx_array_t        workflows;  /* of ngx_http_clarity_workflow_t */
    ngx_array_t        instances;  /* of ngx_http_clarity_instance_t */

    clarity_webhook_t           *webhook; /* of the path; NULL: none */
    ngx_http_clarity_loc_conf_t *conf;    /* of the path, in nginx.conf */
    ngx_http_clarity_condition_t condition;
    clarity_webhook_t  changed; /* what a change makes of it */
    char               token[CLARITY_MINTED_TOKEN_LEN + 1]; /* a new one */

    struct ngx_http_clarity_api_jobs_s *jobs; /* _api_jobs' own */
} ngx_http_clarity_api_t;

/* _api_route */

/*
 * NGX_OK: api->act, needs, id and conf are set. Else the status to refuse
 * with: 404, or 405 and *allow.
 */
ngx_int_t ngx_http_clarity_api_route(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api, ngx_str_t *allow);

/* _api_load */

/* Loads what the request needs, then calls api->act. As a body handler. */
void ngx_http_clarity_api_load(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* The next that is needed; when there is all, acts. */
void ngx_http_clarity_api_next(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* NULL: the reply is not what it should be, and has been answered. */
ngx_http_clarity_api_t *ngx_http_clarity_api_loaded(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply);

/* Gives a command. NGX_DONE: the handler will be called; else what an answer
 * returned. */
ngx_int_t ngx_http_clarity_api_give(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, size_t argc, const clarity_str_t *argv,
    ngx_http_clarity_call_pt handler);

/* The answer where a command could not be given. */
ngx_int_t ngx_http_clarity_api_not_given(
    ngx_http_request_t *r, clarity_redis_given_t given);

/* _api_reports: each takes the reply to HGETALL */

void ngx_http_clarity_api_workflows_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
void ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);

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

/* _api_answer: webhooks, and what else changes nothing */

/* An argument of the query, decoded. NGX_OK, NGX_ERROR; NGX_DECLINED: it is
 * not there. */
ngx_int_t ngx_http_clarity_api_arg(
    ngx_http_request_t *r, ngx_str_t name, ngx_str_t *value);

ngx_int_t ngx_http_clarity_api_list(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_get(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_activity(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* The webhook, with its ETag, and its token where api has one. */
ngx_int_t ngx_http_clarity_api_send_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook,
    ngx_uint_t status);

/* {"token":…,"id":…,"created_at":…,"previous_expires_at":…} */
ngx_int_t ngx_http_clarity_api_send_token(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_webhook_t *webhook);

/* The ETag of that revision, for the answer. */
ngx_int_t ngx_http_clarity_api_add_etag(
    ngx_http_request_t *r, uint64_t revision);

/* _api_show: JSON of what there is; a failure is the buffer's */

/* Without the closing brace. details: its tokens too. */
void ngx_http_clarity_show_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    const clarity_webhook_t *webhook, ngx_uint_t details);
void ngx_http_clarity_show_conf_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf);
void ngx_http_clarity_show_event(
    clarity_buf_t *buf, const ngx_http_clarity_event_t *event);

/* _api_live */

/*
 * The member "live": on how many worker processes, of all that there are, this
 * revision is. id empty: of one that is written in nginx.conf.
 */
void ngx_http_clarity_show_live(ngx_http_clarity_api_t *api,
    clarity_buf_t *buf, clarity_str_t id, uint64_t revision);

/* _address */

/*
 * The whole address of an endpoint ("": none) below the location, as it is for
 * the one who sent this request; null where conf is NULL.
 */
void ngx_http_clarity_api_add_url(ngx_http_request_t *r, clarity_buf_t *buf,
    ngx_http_clarity_loc_conf_t *conf, const char *endpoint);

/* _api_check: each answers what stands against a change */

/* Why there is no api->webhook: 404, 409 where it is one of nginx.conf, 500
 * where it cannot be read. */
ngx_int_t ngx_http_clarity_api_no_webhook(ngx_http_request_t *r);

/*
 * Is there a webhook, and does If-Match, where there is one, name it as it
 * is? 1: api->condition is set; 0: it has been answered, and *rc is what the
 * answer returned.
 */
ngx_uint_t ngx_http_clarity_api_may_change(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_int_t *rc);

/* Is there a record that cannot be read, and no If-Match that it would have to
 * agree with? Then it can be deleted all the same. */
ngx_uint_t ngx_http_clarity_api_is_damaged(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* 412; the revision is that of now, 0: not known. */
ngx_int_t ngx_http_clarity_api_stale(ngx_http_request_t *r, uint64_t revision);

/*
 * Does nginx lead the address of api->changed to another location than that of
 * clarity_webhooks, so that it would never be called? NGX_DECLINED: no; else what the answer returned.
 */
ngx_int_t ngx_http_clarity_api_shadowed(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* 503 for an error reply: "what: why". */
ngx_int_t ngx_http_clarity_api_refused(
    ngx_http_request_t *r, const char *what, const redisReply *reply);

/* 422 with every fault; they are freed. */
ngx_int_t ngx_http_clarity_api_faults(ngx_http_request_t *r,
    clarity_faults_t *faults, const char *detail);

/* _api_change */

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

/* The keys' prefix. */
clarity_str_t ngx_http_clarity_api_prefix(ngx_http_clarity_api_t *api);

/* _api_token */

ngx_int_t ngx_http_clarity_api_token(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_rotate(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_revoke(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* A new token in front of the others of api->changed, sealed; api->token. */
ngx_int_t ngx_http_clarity_api_mint(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* _api_jobs, _api_retry: which jobs there are, one of them, and its retry */

ngx_int_t ngx_http_clarity_api_jobs(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_job(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
ngx_int_t ngx_http_clarity_api_retry(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);

/* _api */

/* Sends the buffer's JSON and frees it; a failed buffer is a 500. */
ngx_int_t ngx_http_clarity_api_send(
    ngx_http_request_t *r, ngx_uint_t status, clarity_buf_t *buf);

/* problem+json. */
ngx_int_t ngx_http_clarity_api_problem(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *detail);

/* The same, with more members: `"name":value,…`. */
ngx_int_t ngx_http_clarity_api_problem_with(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *detail,
    clarity_str_t members);

/* A fault of ours; the log has been told. */
ngx_int_t ngx_http_clarity_api_internal(ngx_http_request_t *r);

#endif
