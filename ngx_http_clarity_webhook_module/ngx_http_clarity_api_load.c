/*
 * What there is, for one request to the API: three hashes, one after the
 * other.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"


#define NGX_HTTP_CLARITY_WORKER_SILENT   30000 /* ms: it is gone */
#define NGX_HTTP_CLARITY_INSTANCE_SILENT 10000


static ngx_int_t ngx_http_clarity_api_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api,
    void (*key)(clarity_key_t *key, clarity_str_t prefix),
    ngx_http_clarity_call_pt handler);
static void ngx_http_clarity_api_webhooks_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_workflows_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_http_clarity_api_t *ngx_http_clarity_api_loaded(
    ngx_http_request_t *r, clarity_redis_result_t result,
    const redisReply *reply);
static ngx_int_t ngx_http_clarity_api_add_worker(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *worker);
static ngx_http_clarity_workflow_t *ngx_http_clarity_api_workflow(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    const clarity_json_t *workflow);
static ngx_int_t ngx_http_clarity_api_string(
    ngx_http_request_t *r, const clarity_json_t *value, ngx_str_t *to);
static uint64_t ngx_http_clarity_api_number(
    const clarity_json_t *object, const char *name);
static ngx_uint_t ngx_http_clarity_api_is_recent(
    const clarity_json_t *object, uint64_t ms);
static void ngx_http_clarity_api_away(
    ngx_http_request_t *r, clarity_outcome_t outcome);


void
ngx_http_clarity_api_load(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    if (ngx_array_init(&api->workflows, r->pool, 8,
            sizeof(ngx_http_clarity_workflow_t))
            != NGX_OK
        || ngx_array_init(&api->instances, r->pool, 4,
               sizeof(ngx_http_clarity_instance_t))
            != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    (void) ngx_http_clarity_api_ask(r, api, clarity_key_webhooks,
        ngx_http_clarity_api_webhooks_handler);
}


/* NGX_ERROR: it has been answered. */

static ngx_int_t
ngx_http_clarity_api_ask(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    void (*key_of)(clarity_key_t *key, clarity_str_t prefix),
    ngx_http_clarity_call_pt handler)
{
    clarity_key_t              key;
    clarity_str_t              argv[2], prefix;
    clarity_redis_given_t      given;
    ngx_clarity_redis_conf_t **conf;

    conf = api->cmcf->redis.elts;

    prefix.data = (char *) conf[api->cmcf->registry]->prefix.data;
    prefix.len = conf[api->cmcf->registry]->prefix.len;

    key_of(&key, prefix);

    argv[0] = clarity_lit("HGETALL");
    argv[1] = clarity_key_str(&key);

    given = ngx_http_clarity_call(r, api->cmcf->registry, 2, argv, handler);

    if (given != CLARITY_REDIS_GIVEN) {
        ngx_http_clarity_api_away(r, ngx_http_clarity_given_outcome(given));
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_clarity_api_webhooks_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  i;
    ngx_int_t               rc;
    clarity_error_t         error;
    const redisReply       *field, *value;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    api->webhooks = ngx_palloc(r->pool,
        (reply->elements / 2 + 1) * sizeof(clarity_webhook_t));
    if (api->webhooks == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        field = reply->element[i];
        value = reply->element[i + 1];

        if (ngx_strcmp(field->str, "revision") == 0) {
            rc = ngx_atoi((u_char *) value->str, value->len);
            api->revision = (rc == NGX_ERROR) ? 0 : rc;
            continue;
        }

        if (ngx_strncmp(field->str, "id:", 3) == 0
            && clarity_webhook_read((clarity_str_t){ value->str, value->len },
                   &api->webhooks[api->nwebhooks], &error))
        {
            api->nwebhooks++;
        }
    }

    for (i = 0; i < api->nwebhooks; i++) {
        if (clarity_str_eq(clarity_str(api->webhooks[i].id),
                (clarity_str_t){ (char *) api->id.data, api->id.len }))
        {
            api->webhook = &api->webhooks[i];
        }
    }

    (void) ngx_http_clarity_api_ask(r, api, clarity_key_workflows,
        ngx_http_clarity_api_workflows_handler);
}


static void
ngx_http_clarity_api_workflows_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  i;
    ngx_int_t               rc;
    clarity_error_t         error;
    const redisReply       *value;
    clarity_json_doc_t     *doc;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    for (i = 1; i < reply->elements; i += 2) {
        value = reply->element[i];

        doc = clarity_json_parse((clarity_str_t){ value->str, value->len },
            "workflows", 0, &error);

        if (doc == NULL) {
            continue;
        }

        rc = ngx_http_clarity_api_add_worker(r, api, doc->root);
        clarity_json_free(doc);

        if (rc != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }
    }

    (void) ngx_http_clarity_api_ask(r, api, clarity_key_nginx,
        ngx_http_clarity_api_instances_handler);
}


static void
ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                       i;
    ngx_int_t                    rc;
    clarity_error_t              error;
    const redisReply            *value;
    clarity_json_doc_t          *doc;
    ngx_http_clarity_api_t      *api;
    ngx_http_clarity_instance_t *instance;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    for (i = 1; i < reply->elements; i += 2) {
        value = reply->element[i];

        doc = clarity_json_parse((clarity_str_t){ value->str, value->len },
            "nginx", 0, &error);

        if (doc && ngx_http_clarity_api_is_recent(doc->root,
                NGX_HTTP_CLARITY_INSTANCE_SILENT))
        {
            instance = ngx_array_push(&api->instances);

            if (instance) {
                instance->workers = ngx_http_clarity_api_number(doc->root,
                    "workers");
                instance->revision = ngx_http_clarity_api_number(doc->root,
                    "revision");
            }
        }

        clarity_json_free(doc);
    }

    rc = api->act(r, api);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* NULL: it is not what it should be, and has been answered. */

static ngx_http_clarity_api_t *
ngx_http_clarity_api_loaded(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply)
{
    ngx_http_clarity_ctx_t *ctx;

    if (result != CLARITY_REDIS_REPLIED || reply->type != REDIS_REPLY_ARRAY) {
        ngx_http_clarity_api_away(r, CLARITY_QUEUE_UNAVAILABLE);
        return NULL;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    return ctx->api;
}


static ngx_int_t
ngx_http_clarity_api_add_worker(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *worker)
{
    const clarity_json_t        *list, *item;
    ngx_http_clarity_workflow_t *workflow;

    if (!ngx_http_clarity_api_is_recent(worker,
            NGX_HTTP_CLARITY_WORKER_SILENT))
    {
        return NGX_OK;
    }

    list = clarity_json_get(worker, clarity_lit("workflows"));

    if (list == NULL || list->kind != CLARITY_ARRAY) {
        return NGX_OK;
    }

    for (item = list->first; item; item = item->next) {
        workflow = ngx_http_clarity_api_workflow(r, api, item);

        if (workflow == NULL) {
            return NGX_ERROR;
        }

        workflow->workers++;
    }

    return NGX_OK;
}


/* The one of that id, which other workers may have loaded too. */

static ngx_http_clarity_workflow_t *
ngx_http_clarity_api_workflow(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *item)
{
    ngx_str_t                    id;
    ngx_uint_t                   i;
    const clarity_json_t        *active;
    ngx_http_clarity_workflow_t *workflow;

    if (ngx_http_clarity_api_string(r,
            clarity_json_get(item, clarity_lit("id")), &id)
        != NGX_OK)
    {
        return NULL;
    }

    workflow = api->workflows.elts;

    for (i = 0; i < api->workflows.nelts; i++) {
        if (workflow[i].id.len == id.len
            && ngx_memcmp(workflow[i].id.data, id.data, id.len) == 0)
        {
            return &workflow[i];
        }
    }

    workflow = ngx_array_push(&api->workflows);

    if (workflow == NULL
        || ngx_http_clarity_api_string(r,
               clarity_json_get(item, clarity_lit("name")), &workflow->name)
            != NGX_OK
        || ngx_http_clarity_api_string(r,
               clarity_json_get(item, clarity_lit("trigger")),
               &workflow->trigger)
            != NGX_OK)
    {
        return NULL;
    }

    active = clarity_json_get(item, clarity_lit("active"));

    workflow->id = id;
    workflow->active = active && active->boolean;
    workflow->workers = 0;

    return workflow;
}


/* A copy in the request's pool; empty where it is no string. */

static ngx_int_t
ngx_http_clarity_api_string(
    ngx_http_request_t *r, const clarity_json_t *value, ngx_str_t *to)
{
    ngx_str_null(to);

    if (value == NULL || value->kind != CLARITY_STRING) {
        return NGX_OK;
    }

    to->len = value->text.len;
    to->data = ngx_pnalloc(r->pool, to->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, value->text.data, to->len);

    return NGX_OK;
}


static uint64_t
ngx_http_clarity_api_number(const clarity_json_t *object, const char *name)
{
    ngx_int_t             number;
    const clarity_json_t *value;

    value = clarity_json_get(object, clarity_str(name));

    if (value == NULL || value->kind != CLARITY_NUMBER) {
        return 0;
    }

    number = ngx_atoi((u_char *) value->text.data, value->text.len);

    return number == NGX_ERROR ? 0 : (uint64_t) number;
}


static ngx_uint_t
ngx_http_clarity_api_is_recent(const clarity_json_t *object, uint64_t ms)
{
    uint64_t    at, now;
    ngx_time_t *tp;

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;
    at = ngx_http_clarity_api_number(object, "at");

    /* clocks of several machines differ both ways */
    return at + ms > now;
}


static void
ngx_http_clarity_api_away(ngx_http_request_t *r, clarity_outcome_t outcome)
{
    clarity_str_t none = { NULL, 0 };

    ngx_http_finalize_request(r,
        ngx_http_clarity_api_problem(r,
            clarity_outcome_info(outcome)->status,
            clarity_outcome_info(outcome)->code,
            "Redis is not available; try again in a moment.", none));
}
