/*
 * clarity_jobs: what became of a job, for whoever holds a token of its
 * webhook. To all others there is no such job.
 */

#include "ngx_http_clarity_call.h"
#include "ngx_http_clarity_registry.h"

#include "job/view.h"
#include "json/text.h"


/* A request's own, from its arrival until Redis' reply. */
typedef struct {
    clarity_job_id_t       id;
    clarity_token_digest_t token;
} ngx_http_clarity_look_t;


static ngx_int_t ngx_http_clarity_jobs_check(ngx_http_request_t *r,
    clarity_token_digest_t *token, ngx_http_clarity_refusal_t *refusal);
static void ngx_http_clarity_jobs_id(
    ngx_http_request_t *r, clarity_job_id_t *id);
static clarity_redis_given_t ngx_http_clarity_jobs_ask(
    ngx_http_request_t *r, const clarity_job_id_t *id);
static void ngx_http_clarity_jobs_reply_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_jobs_answer(
    ngx_http_request_t *r, const redisReply *reply, clarity_buf_t *buf);
static ngx_uint_t ngx_http_clarity_jobs_may(ngx_http_request_t *r,
    clarity_str_t webhook, const clarity_token_digest_t *token);
static ngx_int_t ngx_http_clarity_jobs_refuse(
    ngx_http_request_t *r, clarity_outcome_t outcome);


ngx_int_t
ngx_http_clarity_jobs_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    clarity_redis_given_t       given;
    ngx_http_clarity_ctx_t     *ctx;
    ngx_http_clarity_look_t    *look;
    ngx_http_clarity_refusal_t  refusal;

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
    look = ngx_palloc(r->pool, sizeof(ngx_http_clarity_look_t));

    if (ctx == NULL || look == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->outcome = CLARITY_NOUTCOMES;
    ctx->look = look;
    ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    if (ngx_http_clarity_jobs_check(r, &look->token, &refusal) != NGX_OK) {
        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_clarity_jobs_id(r, &look->id);

    given = ngx_http_clarity_jobs_ask(r, &look->id);

    if (given != CLARITY_REDIS_GIVEN) {
        return ngx_http_clarity_jobs_refuse(r,
            ngx_http_clarity_given_outcome(given));
    }

    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_clarity_jobs_check(ngx_http_request_t *r,
    clarity_token_digest_t *token, ngx_http_clarity_refusal_t *refusal)
{
    ngx_http_clarity_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (ngx_http_clarity_given_token(r, clcf, token, refusal) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (r->method != NGX_HTTP_GET) {
        refusal->outcome = CLARITY_METHOD_NOT_ALLOWED;
        ngx_str_set(&refusal->detail, "A job is only looked at, with GET.");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/*
 * What is no id is looked for as one that no job has, so that the answer
 * comes no sooner.
 */

static void
ngx_http_clarity_jobs_id(ngx_http_request_t *r, clarity_job_id_t *id)
{
    clarity_str_t             text;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    text.data = (char *) r->uri.data + clcf->name.len;
    text.len = r->uri.len - clcf->name.len;

    if (r->quoted_uri || r->complex_uri || !clarity_job_id_parse(text, id)
        || id->shard != 0)
    {
        ngx_memzero(id, sizeof(clarity_job_id_t));
    }
}


static clarity_redis_given_t
ngx_http_clarity_jobs_ask(ngx_http_request_t *r, const clarity_job_id_t *id)
{
    clarity_str_t                prefix;
    clarity_view_call_t          call;
    ngx_http_clarity_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    prefix.data = (char *) clcf->redis_prefix.data;
    prefix.len = clcf->redis_prefix.len;

    clarity_view_call(&call, prefix, id);

    return ngx_http_clarity_call(r, clcf->redis, CLARITY_VIEW_ARGS, call.argv,
        ngx_http_clarity_jobs_reply_handler);
}


static void
ngx_http_clarity_jobs_reply_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_int_t     rc;
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    if (result == CLARITY_REDIS_NOT_SENT) {
        rc = ngx_http_clarity_jobs_refuse(r, CLARITY_QUEUE_UNAVAILABLE);

    } else if (result == CLARITY_REDIS_UNKNOWN) {
        rc = ngx_http_clarity_jobs_refuse(r, CLARITY_QUEUE_TIMEOUT);

    } else if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
            "clarity: Redis cannot tell of a job: %*s",
            reply->str ? ngx_min(reply->len, 200) : 0, reply->str);
        rc = ngx_http_clarity_jobs_refuse(r, CLARITY_QUEUE_UNAVAILABLE);

    } else {
        rc = ngx_http_clarity_jobs_answer(r, reply, &buf);
    }

    clarity_buf_free(&buf);
    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_clarity_jobs_answer(
    ngx_http_request_t *r, const redisReply *reply, clarity_buf_t *buf)
{
    size_t                   i;
    ngx_buf_t               *b;
    clarity_str_t           *fields;
    clarity_view_status_t    status;
    ngx_http_clarity_ctx_t  *ctx;
    ngx_http_clarity_look_t *look;

    static ngx_str_t type = ngx_string("application/json");

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    look = ctx->look;

    fields = ngx_palloc(r->pool, reply->elements * sizeof(clarity_str_t));
    if (fields == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (i = 0; i < reply->elements; i++) {
        fields[i].data = reply->element[i]->str;
        fields[i].len = reply->element[i]->str ? reply->element[i]->len : 0;
    }

    if (!ngx_http_clarity_jobs_may(r, clarity_view_field(fields,
            reply->elements, "webhook"), &look->token))
    {
        return ngx_http_clarity_jobs_refuse(r, CLARITY_JOB_NOT_FOUND);
    }

    status = clarity_view_write(buf, &look->id, fields, reply->elements);

    if (status == CLARITY_VIEW_NONE) {
        return ngx_http_clarity_jobs_refuse(r, CLARITY_JOB_NOT_FOUND);
    }

    if (status != CLARITY_VIEW_FOUND || buf->failed) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: %s", buf->failed ? "out of memory"
                                       : "a job's record cannot be read");
        return ngx_http_clarity_jobs_refuse(r, CLARITY_INTERNAL);
    }

    b = ngx_create_temp_buf(r->pool, buf->len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, buf->data, buf->len);

    return ngx_http_clarity_send(r, NGX_HTTP_OK, &type, b);
}


/* Is the token one of that webhook, be it of nginx.conf or made at run time? */

static ngx_uint_t
ngx_http_clarity_jobs_may(ngx_http_request_t *r, clarity_str_t name,
    const clarity_token_digest_t *token)
{
    ngx_uint_t                     i;
    ngx_http_clarity_webhook_t    *webhook;
    ngx_http_clarity_loc_conf_t  **known;
    ngx_http_clarity_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);
    known = cmcf->webhooks.elts;

    for (i = 0; i < cmcf->webhooks.nelts; i++) {
        webhook = &known[i]->webhook;

        if (webhook->name.len == name.len
            && ngx_memcmp(webhook->name.data, name.data, name.len) == 0)
        {
            return ngx_http_clarity_match_token(r, known[i]->tokens, token)
                == NGX_OK;
        }
    }

    return cmcf->zone && ngx_http_clarity_registry_may(cmcf, name, token);
}


/* What is said of a job that was not stored does not fit here. */

static ngx_int_t
ngx_http_clarity_jobs_refuse(
    ngx_http_request_t *r, clarity_outcome_t outcome)
{
    ngx_http_clarity_refusal_t refusal;

    ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));

    refusal.outcome = outcome;

    if (outcome == CLARITY_QUEUE_UNAVAILABLE || outcome == CLARITY_QUEUE_FULL
        || outcome == CLARITY_QUEUE_TIMEOUT)
    {
        ngx_str_set(&refusal.detail,
            "The job cannot be looked up now. Repeat the request after the"
            " time in Retry-After.");
    }

    return ngx_http_clarity_refuse(r, &refusal);
}


char *
ngx_http_clarity_set_jobs(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t                    *name;
    ngx_http_core_loc_conf_t     *core;
    ngx_http_clarity_main_conf_t *cmcf;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    name = ngx_array_push(&cmcf->jobs);
    if (name == NULL) {
        return NGX_CONF_ERROR;
    }

    *name = core->name;

    clcf->jobs = 1;

    return ngx_http_clarity_take_prefix(cf, cmd, clcf,
        ngx_http_clarity_jobs_handler);
}


char *
ngx_http_clarity_set_jobs_uri(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    u_char     c;
    size_t     i;
    ngx_str_t *value;

    if (clcf->jobs_uri.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        c = value[1].data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>') {
            break;
        }
    }

    if (i < value[1].len
        || (ngx_strncmp(value[1].data, "/", 1) != 0
            && ngx_strncmp(value[1].data, "http://", 7) != 0
            && ngx_strncmp(value[1].data, "https://", 8) != 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid address %s; expected what stands before a job's id,"
            " as \"/jobs/\" or \"https://example.com/jobs/\"",
            clarity_quote((clarity_str_t){
                (char *) value[1].data, value[1].len }).text);
        return NGX_CONF_ERROR;
    }

    clcf->jobs_uri = value[1];
    clcf->jobs_uri_place = ngx_http_clarity_place(cf);

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_clarity_use_jobs_uri(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_uint_t                     i;
    ngx_http_clarity_loc_conf_t  **known;
    ngx_http_clarity_main_conf_t  *cmcf;

    /* none, or one of another server */
    if (conf->jobs_uri.len == 0 || conf->jobs_uri.data[0] != '/') {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    known = cmcf->jobs_uris.elts;

    for (i = 0; i < cmcf->jobs_uris.nelts; i++) {
        if (known[i]->jobs_uri.data == conf->jobs_uri.data) {
            return NGX_OK;
        }
    }

    known = ngx_array_push(&cmcf->jobs_uris);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = conf;

    return NGX_OK;
}


/* One whose answers lead nowhere is a mistake, but no reason to stop. */

void
ngx_http_clarity_check_jobs_uris(ngx_conf_t *cf)
{
    ngx_str_t                     *name, *uri;
    ngx_uint_t                     i, k;
    ngx_http_clarity_loc_conf_t  **conf;
    ngx_http_clarity_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    conf = cmcf->jobs_uris.elts;
    name = cmcf->jobs.elts;

    for (i = 0; i < cmcf->jobs_uris.nelts; i++) {
        uri = &conf[i]->jobs_uri;

        for (k = 0; k < cmcf->jobs.nelts; k++) {
            if (name[k].len == uri->len
                && ngx_strncmp(name[k].data, uri->data, uri->len) == 0)
            {
                break;
            }
        }

        if (k == cmcf->jobs.nelts) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                "\"clarity_jobs_uri %V\" in %V:%ui leads to no "
                "\"clarity_jobs\"; add \"location %V { clarity_jobs; }\"",
                uri, &conf[i]->jobs_uri_place.file,
                conf[i]->jobs_uri_place.line, uri);
        }
    }
}
