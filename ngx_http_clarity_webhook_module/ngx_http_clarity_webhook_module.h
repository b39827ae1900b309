/*
 * The module's own types, shared by its files in the order in which a request
 * passes them: _handler -> _token -> _context -> _job -> _reply.
 */

#ifndef NGX_HTTP_CLARITY_WEBHOOK_MODULE_H
#define NGX_HTTP_CLARITY_WEBHOOK_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_clarity_redis.h"
#include "job/enqueue.h"
#include "job/key.h"
#include "webhook/context.h"
#include "webhook/idempotency.h"
#include "webhook/outcome.h"
#include "webhook/seal.h"
#include "webhook/token.h"
#include "webhook/trigger.h"

/* Where a directive stands: for errors found when all has been read. */
typedef struct {
    ngx_str_t  file;
    ngx_uint_t line;
} ngx_http_clarity_place_t;

#define NGX_HTTP_CLARITY_INSTANCE 16 /* bytes of an instance's id */

typedef struct ngx_http_clarity_metrics_s ngx_http_clarity_metrics_t;

/* In shared memory, and changed only with the pool's mutex held. */
typedef struct {
    u_char      instance[NGX_HTTP_CLARITY_INSTANCE]; /* random, hex */
    void       *snapshot; /* of the webhooks made at run time */
    void       *building; /* the next one, or the last one on its way out */
    size_t      size;     /* bytes of the snapshot */
    size_t      room;     /* bytes of its block */
    uint64_t    revision; /* of the snapshot, in Redis' counting */
    ngx_uint_t  generation; /* raised with each snapshot */
    ngx_uint_t  loaded;   /* there has been a first sync */
    ngx_pid_t   follower; /* the process that speaks for this nginx */
    ngx_uint_t  no_room;  /* not for what Redis has: snapshot is older */
    ngx_http_clarity_metrics_t *metrics; /* NULL: not asked for yet */
    ngx_queue_t histories; /* of webhooks, the liveliest first */
    ngx_rbtree_t      by_name;
    ngx_rbtree_node_t sentinel;
} ngx_http_clarity_shared_t;

typedef struct {
    clarity_triggers_t *triggers; /* NULL: no clarity_triggers */
    ngx_array_t         webhooks; /* of ngx_http_clarity_loc_conf_t * */
    ngx_array_t         redis;    /* of ngx_clarity_redis_conf_t * */
    ngx_array_t         jobs;     /* of ngx_str_t: where clarity_jobs is */
    ngx_array_t         token_lists; /* of ngx_http_clarity_token_list_t */
    ngx_array_t         jobs_uris; /* of ngx_http_clarity_loc_conf_t * */
    ngx_array_t         locations; /* the same: those with a handler of ours */
    ngx_int_t           request_id_index; /* of $request_id */
    clarity_sha256_t   *sha256;

    clarity_seal_keys_t *keys; /* of clarity_token_key_file; NULL: none */
    size_t               zone_size;
    ngx_shm_zone_t      *zone; /* NULL: nothing needs it */
    ngx_shm_zone_t            *old_zone; /* of another size; NULL: none */
    ngx_http_clarity_shared_t *shared; /* in the zone */

    /* Index into redis of what clarity_webhooks and the settings API use;
     * NGX_CONF_UNSET_UINT: there are none. */
    ngx_uint_t registry;
    struct ngx_http_clarity_loc_conf_s *registry_conf; /* of the first */

    /* The first location with clarity_webhooks; NULL: there is none. */
    struct ngx_http_clarity_loc_conf_s *webhooks_conf;
    ngx_array_t served; /* of ngx_http_clarity_loc_conf_t *: all of them */

    ngx_int_t webhook_index; /* of $clarity_webhook */

    ngx_uint_t location_hides; /* some location hides its queries */
    ngx_uint_t metrics;        /* there is a clarity_metrics */
} ngx_http_clarity_main_conf_t;

/*
 * A token of nginx.conf: its digest, or, where it holds variables, the value
 * to take the digest of at each request.
 */
typedef struct {
    clarity_token_digest_t    digest;
    ngx_http_complex_value_t *value; /* NULL: digest is set */
    ngx_str_t                 text;  /* that value's, as it was written */
    ngx_http_clarity_place_t  place; /* of such a token's directive */
} ngx_http_clarity_token_t;

/* The tokens of a location, and where the first of them is. */
typedef struct {
    ngx_array_t             *tokens; /* of ngx_http_clarity_token_t */
    ngx_http_clarity_place_t place;
} ngx_http_clarity_token_list_t;

/* A webhook as a request meets it. */
typedef struct {
    ngx_str_t                name;    /* in jobs and logs */
    ngx_uint_t               named;   /* by "name=": not by its location */
    const clarity_trigger_t *trigger; /* NULL: not looked for yet */
    ngx_str_t                trigger_name; /* data NULL: no webhook */
    ngx_uint_t               method;  /* NGX_HTTP_POST, … */
    ngx_str_t                method_name;
    clarity_context_rules_t  rules;
    ngx_uint_t               status; /* of an accepted request */
    ngx_msec_t               idempotency; /* a key's window; 0: off */
} ngx_http_clarity_webhook_t;

typedef struct ngx_http_clarity_loc_conf_s {
    /* clarity_redis and what goes with it; inherited */
    ngx_str_t  redis_url;
    ngx_str_t  redis_password; /* of the file; data NULL: not said */
    unsigned   redis_url_password : 1; /* redis_url has one */
    unsigned   redis_shards : 1; /* said here */

    /* of clarity_redis; its file is empty where there is none */
    ngx_http_clarity_place_t redis_place;

    ngx_str_t  redis_prefix;
    ngx_msec_t redis_connect_timeout;
    ngx_msec_t redis_timeout;
    ngx_uint_t redis_max_pending;

    ngx_uint_t queue_limit; /* jobs not finished; 0: none */

    clarity_durability_wanted_t durability; /* class UNKNOWN: not said */
    ngx_msec_t                  durability_timeout; /* of its replicas */

    ngx_str_t token_header; /* lower case; inherited */

    ngx_array_t *tokens; /* of ngx_http_clarity_token_t; inherited */

    ngx_uint_t status;          /* inherited, as are these two */
    ngx_uint_t context_order;   /* clarity_order_t */
    ngx_uint_t context_unknown; /* clarity_unknown_t */

    ngx_msec_t idempotency;        /* inherited, with the header */
    ngx_str_t  idempotency_header; /* lower case; empty: none more */

    /* of clarity_webhook, clarity_webhooks, …; NULL: none is here */
    ngx_http_handler_pt       handler;
    ngx_str_t                 directive; /* which; its place is below */
    ngx_http_core_loc_conf_t *core;

    ngx_uint_t webhooks; /* clarity_webhooks stands here */
    ngx_uint_t api;      /* clarity_settings_api does */
    ngx_uint_t jobs;     /* clarity_jobs does */

    /* of clarity_webhook and clarity_webhooks: where they stand */
    ngx_str_t                 location;
    ngx_uint_t                exact;  /* no other address is meant */
    ngx_http_core_srv_conf_t *server;
    in_port_t                 port; /* that it listens at; 0: at none */
    ngx_uint_t                ssl;  /* with TLS */

    ngx_str_t                jobs_uri; /* inherited, with its place */
    ngx_http_clarity_place_t jobs_uri_place;

    /* clarity_webhook: not inherited, but by an "if" in its location */
    ngx_http_clarity_webhook_t webhook;
    ngx_http_clarity_place_t   place;

    ngx_uint_t redis; /* index into the main conf's array */

    ngx_uint_t hides_query;    /* there are GET webhooks here */
    ngx_uint_t location_hides; /* of a server: in one of its locations */
} ngx_http_clarity_loc_conf_t;

/* A command in flight; it outlives a request that is closed before. */
typedef struct ngx_http_clarity_call_s ngx_http_clarity_call_t;

typedef struct {
    const ngx_http_clarity_webhook_t *webhook; /* NULL: none was found */

    ngx_http_clarity_call_t *call;    /* NULL: none in flight */
    clarity_outcome_t        outcome; /* CLARITY_NOUTCOMES: none yet */
    ngx_msec_t               enqueue_time; /* from command to reply */
    unsigned                 enqueued : 1; /* enqueue_time is set */
    unsigned                 cleanup : 1;  /* a call's has been added */
    unsigned                 dry_run : 1;  /* checked, and no more */
    unsigned                 whole : 1;    /* Redis wants the script's text */
    unsigned                 regiven : 1;  /* once: it had not left */
    ngx_str_t                job_id;       /* empty: no job */
    clarity_outcome_t        stored;  /* what it will be, if replicas have it */
    clarity_durability_class_t durability; /* of the job */
    ngx_str_t                key;          /* idempotency; empty: none */
    clarity_str_t            body;         /* data NULL: not looked at yet */
    ngx_str_t                token_id;     /* of one made at run time */
    ngx_str_t                detail;       /* why it was refused */
    const clarity_context_packed_t *faults; /* of its context; NULL: none */
    ngx_event_t            *early; /* waits for webhooks; NULL: has not */
    ngx_http_handler_pt     again; /* and goes on with this then */
    struct ngx_http_clarity_api_s *api;    /* of a request to the API */
    void                    *look;    /* of one to clarity_jobs */

    /* Of a request that is refused once its body has come. */
    struct ngx_http_clarity_refusal_s *refusal;
} ngx_http_clarity_ctx_t;

/*
 * Why a request is refused. A check fills it in and returns NGX_DECLINED; the
 * handler sends it with ngx_http_clarity_refuse().
 */
typedef struct ngx_http_clarity_refusal_s {
    clarity_outcome_t outcome;
    ngx_str_t         detail;  /* empty: the outcome's own */
    ngx_str_t         members; /* more of the problem: "name":value,… */
    const clarity_context_packed_t *faults; /* of a context; NULL: none */
} ngx_http_clarity_refusal_t;

extern ngx_module_t ngx_http_clarity_webhook_module;

/* ms since 1970, of this turn of the loop. */

static ngx_inline uint64_t
ngx_http_clarity_now(void)
{
    ngx_time_t *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


/* _handler */

/* The content handlers of locations with clarity_webhook and with
 * clarity_webhooks. */
ngx_int_t ngx_http_clarity_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_clarity_webhooks_handler(ngx_http_request_t *r);

/*
 * Refuses a request whose body has not been asked for, once a context of ours
 * is set. Returns what a content handler does.
 */
ngx_int_t ngx_http_clarity_refuse_unread(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal);

/*
 * The request's header of that name (lower case). NGX_OK and *value,
 * NGX_DECLINED: it has none, NGX_ABORT: it has more than one.
 */
ngx_int_t ngx_http_clarity_header(
    ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *value);

/* _token */

/*
 * The digest of the request's token. NGX_OK, or NGX_DECLINED: there is none,
 * or more than one.
 */
ngx_int_t ngx_http_clarity_given_token(ngx_http_request_t *r,
    ngx_http_clarity_loc_conf_t *clcf, clarity_token_digest_t *given,
    ngx_http_clarity_refusal_t *refusal);

/*
 * Is it one of these tokens of nginx.conf? NGX_OK, NGX_DECLINED, or NGX_ERROR:
 * one with variables has no value. It looks at all, whichever matches.
 */
ngx_int_t ngx_http_clarity_match_token(ngx_http_request_t *r,
    ngx_array_t *tokens, const clarity_token_digest_t *given);

/* The same for a webhook of nginx.conf: NGX_OK or NGX_DECLINED. */
ngx_int_t ngx_http_clarity_check_token(ngx_http_request_t *r,
    ngx_http_clarity_loc_conf_t *clcf, ngx_http_clarity_refusal_t *refusal);

/* _token_conf */

/* The next "$name" or "${name}" from *at on, which moves behind it; 0: none. */
ngx_uint_t ngx_http_clarity_next_variable(
    ngx_str_t *text, size_t *at, ngx_str_t *name);

char *ngx_http_clarity_set_token(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_token_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_token_header(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _header */

#define NGX_HTTP_CLARITY_TOKEN_HEADER 1
#define NGX_HTTP_CLARITY_KEY_HEADER   2

/*
 * A header's name in a directive, made lower case, and what it is for.
 * NGX_OK, or NGX_ERROR and a message at emerg.
 */
ngx_int_t ngx_http_clarity_header_name(
    ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t use);

/* Of a location that has been merged: are its two headers two? The same. */
ngx_int_t ngx_http_clarity_check_headers(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);

/* _context */

/*
 * Checks the query of a GET request or the body, which has been read. NGX_OK
 * and *context, valid until ngx_http_clarity_context_done() or the next check;
 * or NGX_DECLINED.
 */
ngx_int_t ngx_http_clarity_check_context(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t *context,
    ngx_http_clarity_refusal_t *refusal);

/* The context of the last check is needed no more: gives back its memory. */
void ngx_http_clarity_context_done(void);

/*
 * The whole body, which has been read, in one piece; the request's as long as
 * it is there. NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_clarity_body(ngx_http_request_t *r, clarity_str_t *text);

/* The checker, which a worker process keeps. */
ngx_int_t ngx_http_clarity_context_init(void);
void ngx_http_clarity_context_exit(void);

/* _job */

/*
 * Gives the job to Redis. NGX_AGAIN: its reply will answer the request;
 * NGX_DECLINED: nothing was sent.
 */
ngx_int_t ngx_http_clarity_enqueue(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t context,
    ngx_http_clarity_refusal_t *refusal);

/* _request_id */

/*
 * The caller's own x-request-id, if it is one that a log can hold, else
 * nginx's $request_id. NGX_OK or NGX_ERROR. The bytes are the request's.
 */
ngx_int_t ngx_http_clarity_request_id(
    ngx_http_request_t *r, clarity_str_t *id);

/* _idempotency */

/* What an idempotent request's command is made of. */
typedef struct {
    clarity_enqueue_t enqueue; /* points into the rest */
    clarity_key_t     key;
    u_char            window[NGX_INT64_LEN];
    char              body[CLARITY_IDEMPOTENCY_BODY];
} ngx_http_clarity_idempotency_t;

/* Once for the process. */
void ngx_http_clarity_idempotency_init(void);

/*
 * Looks for the request's key, if its webhook has any use for one, and keeps
 * it in the request's state. NGX_DECLINED and *refusal: it cannot be one.
 */
ngx_int_t ngx_http_clarity_check_key(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_refusal_t *refusal);

/* Of a request that has a key and its body: all but the stream. NGX_OK or
 * NGX_ERROR. */
ngx_int_t ngx_http_clarity_idempotency(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook,
    ngx_http_clarity_idempotency_t *idem);

char *ngx_http_clarity_set_idempotency(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _reply: each sends an answer and returns what the filters said */

/* Sends the headers and b, which is all of the body. */
ngx_int_t ngx_http_clarity_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_buf_t *b);

/* name is static text; value's bytes live as long as the request. */
ngx_int_t ngx_http_clarity_add_header(
    ngx_http_request_t *r, const char *name, ngx_str_t *value);

/* 202 for the job that the request's state names: CLARITY_ACCEPTED or
 * CLARITY_DUPLICATE. */
ngx_int_t ngx_http_clarity_accept(
    ngx_http_request_t *r, clarity_outcome_t outcome);

/* 200 for a request that would have been accepted. */
ngx_int_t ngx_http_clarity_valid(ngx_http_request_t *r);

/* application/problem+json (RFC 9457); discards a body not yet read. */
ngx_int_t ngx_http_clarity_refuse(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal);

/* _jobs */

/* The content handler of a location with clarity_jobs. */
ngx_int_t ngx_http_clarity_jobs_handler(ngx_http_request_t *r);

char *ngx_http_clarity_set_jobs(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_jobs_uri(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* While locations are merged: one whose answers have a Location. */
ngx_int_t ngx_http_clarity_use_jobs_uri(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);

/* When all has been read: do they lead to a clarity_jobs? Else a warning. */
void ngx_http_clarity_check_jobs_uris(ngx_conf_t *cf);
/* _api */

/* The content handler of a location with clarity_settings_api. */
ngx_int_t ngx_http_clarity_api_handler(ngx_http_request_t *r);

/* _problem */

/* The content handler of a location with clarity_problem. */
ngx_int_t ngx_http_clarity_problem_handler(ngx_http_request_t *r);

char *ngx_http_clarity_set_problem(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _variables */

ngx_int_t ngx_http_clarity_add_variables(ngx_conf_t *cf);

/* _hide */

void ngx_http_clarity_hide_query(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);
ngx_int_t ngx_http_clarity_replace_request(ngx_conf_t *cf);
ngx_int_t ngx_http_clarity_hide_init(ngx_conf_t *cf);
void ngx_http_clarity_hide_listen(ngx_cycle_t *cycle);

/* _conf */

void *ngx_http_clarity_create_main_conf(ngx_conf_t *cf);
char *ngx_http_clarity_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_clarity_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_clarity_merge_loc_conf(
    ngx_conf_t *cf, void *parent, void *child);

char *ngx_http_clarity_set_triggers(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_webhook(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_method(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _slot */

/* One of the words of an ngx_conf_enum_t, which is the command's post. */
char *ngx_http_clarity_set_enum(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* A time, which cannot be 0. */
char *ngx_http_clarity_set_msec(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* A whole number; post: an ngx_conf_num_bounds_t, of which only low counts. */
char *ngx_http_clarity_set_number(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _location */

/* For the setter of a directive that answers a location: what that returns. */
char *ngx_http_clarity_take_location(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_handler_pt handler);

/* The same of one whose addresses begin with the location's. */
char *ngx_http_clarity_take_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_handler_pt handler);

/* Postconfiguration: does each still answer? */
ngx_int_t ngx_http_clarity_check_locations(ngx_conf_t *cf);

/* _check */

ngx_int_t ngx_http_clarity_check_conf(ngx_conf_t *cf);

/* _token_check: warnings, when all has been read. NGX_OK or NGX_ERROR. */

ngx_int_t ngx_http_clarity_check_tokens(ngx_conf_t *cf);

/* _address */

/* Sets port and ssl of each that has a server. */
void ngx_http_clarity_find_addresses(
    ngx_conf_t *cf, ngx_http_clarity_main_conf_t *cmcf);

/* _settings_conf */

char *ngx_http_clarity_set_webhooks(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_api(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_key_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_merge_webhooks(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);

/* _redis_conf */

char *ngx_http_clarity_set_redis(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_shards(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_password_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_clarity_set_prefix(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

char *ngx_http_clarity_set_durability(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * conf has been merged. Sets conf->redis, for jobs of its durability: to that
 * of another location with the same settings, or to a new element of the main
 * conf's array.
 */
ngx_int_t ngx_http_clarity_use_redis(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);

/* The same in *index for what is no job: whatever durability. */
ngx_int_t ngx_http_clarity_use_any_redis(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf, ngx_uint_t *index);

/* What the log calls each of them, once all are known. */
ngx_int_t ngx_http_clarity_label_redis(ngx_conf_t *cf);

/* _zone */

char *ngx_http_clarity_set_zone(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_int_t ngx_http_clarity_use_zone(
    ngx_conf_t *cf, ngx_http_clarity_main_conf_t *cmcf);

/* _loaded */

/*
 * Before the http block is read. A warning where a reload runs this code though
 * its file is another one by now.
 */
void ngx_http_clarity_check_loaded(ngx_conf_t *cf);

/* _file */

/* Where the directive that is being read stands. */
ngx_http_clarity_place_t ngx_http_clarity_place(ngx_conf_t *cf);

/*
 * A small file of the configuration, read whole into the pool: NGX_ERROR and
 * a message at emerg. `secret`: that others may read it is a warning.
 */
ngx_int_t ngx_http_clarity_read_file(
    ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t secret, ngx_str_t *text);

#endif
