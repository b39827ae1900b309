/*
 * What a request needs to know, one command after the other. A webhook by its
 * id is one field of a hash; only the list reads them all.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"
#include "job/report_script.h"


#define NGX_HTTP_CLARITY_WORKER_SILENT   30000 /* ms: it is gone */
#define NGX_HTTP_CLARITY_INSTANCE_SILENT 10000 /* it may serve old ones */


typedef void (*ngx_http_clarity_key_pt)(
    clarity_key_t *key, clarity_str_t prefix);


static void ngx_http_clarity_api_next(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static clarity_redis_given_t ngx_http_clarity_api_ask(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_http_clarity_key_pt key_of,
    ngx_http_clarity_call_pt handler);
static clarity_redis_given_t ngx_http_clarity_api_ask_webhook(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static ngx_int_t ngx_http_clarity_api_prepare(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api);
static void ngx_http_clarity_api_webhook_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_webhooks_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_add_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_str_t id, const redisReply *value);
static void ngx_http_clarity_api_workflows_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static void ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed);
static ngx_int_t ngx_http_clarity_api_add_instance(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *report);
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


void
ngx_http_clarity_api_load(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    if (ngx_http_clarity_api_prepare(r, api) != NGX_OK) {
        ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
        return;
    }

    ngx_http_clarity_api_next(r, api);
}


static ngx_int_t
ngx_http_clarity_api_prepare(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    if (ngx_array_init(&api->workflows, r->pool, 8,
            sizeof(ngx_http_clarity_workflow_t))
            != NGX_OK
        || ngx_array_init(&api->instances, r->pool, 4,
               sizeof(ngx_http_clarity_instance_t))
            != NGX_OK
        || ngx_array_init(&api->unreadable, r->pool, 1,
               sizeof(ngx_http_clarity_unreadable_t))
            != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (api->needs & NGX_HTTP_CLARITY_NEED_IF_NEW) {
        api->needs &= ~NGX_HTTP_CLARITY_NEED_IF_NEW;

        if (!ngx_http_clarity_registry_knows(api->cmcf, &api->id)) {
            api->needs |= NGX_HTTP_CLARITY_NEED_WEBHOOK;
        }
    }

    return NGX_OK;
}


/* The next that is needed; when there is all, acts. */

static void
ngx_http_clarity_api_next(ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_int_t             rc;
    ngx_uint_t            need;
    clarity_redis_given_t given;

    need = api->needs & -api->needs;
    api->needs &= ~need;

    switch (need) {

    case NGX_HTTP_CLARITY_NEED_WEBHOOK:
        given = ngx_http_clarity_api_ask_webhook(r, api);
        break;

    case NGX_HTTP_CLARITY_NEED_ALL:
        given = ngx_http_clarity_api_ask(r, api, clarity_key_webhooks,
            ngx_http_clarity_api_webhooks_handler);
        break;

    case NGX_HTTP_CLARITY_NEED_WORKFLOWS:
        given = ngx_http_clarity_api_ask(r, api, clarity_key_workflows,
            ngx_http_clarity_api_workflows_handler);
        break;

    case NGX_HTTP_CLARITY_NEED_INSTANCES:
        given = ngx_http_clarity_api_ask(r, api, clarity_key_nginx,
            ngx_http_clarity_api_instances_handler);
        break;

    default:
        rc = api->act(r, api);

        if (rc != NGX_DONE) {
            ngx_http_finalize_request(r, rc);
        }

        return;
    }

    if (given != CLARITY_REDIS_GIVEN) {
        ngx_http_finalize_request(r,
            ngx_http_clarity_api_not_given(r, given));
    }
}


static clarity_redis_given_t
ngx_http_clarity_api_ask(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    ngx_http_clarity_key_pt key_of, ngx_http_clarity_call_pt handler)
{
    clarity_key_t key;
    clarity_str_t argv[2];

    key_of(&key, ngx_http_clarity_api_prefix(api));

    argv[0] = clarity_lit("HGETALL");
    argv[1] = clarity_key_str(&key);

    return ngx_http_clarity_call(r, api->cmcf->registry, 2, argv, handler);
}


static clarity_redis_given_t
ngx_http_clarity_api_ask_webhook(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    u_char        field[3 + CLARITY_WEBHOOK_ID_LEN];
    clarity_key_t key;
    clarity_str_t argv[3];

    clarity_key_webhooks(&key, ngx_http_clarity_api_prefix(api));

    /* what is no id has no field */
    if (api->id.len > CLARITY_WEBHOOK_ID_LEN) {
        api->id.len = 0;
    }

    argv[0] = clarity_lit("HMGET");
    argv[1] = clarity_key_str(&key);
    argv[2].data = (char *) field;
    argv[2].len = ngx_sprintf(field, "id:%V", &api->id) - field;

    return ngx_http_clarity_call(r, api->cmcf->registry, 3, argv,
        ngx_http_clarity_api_webhook_handler);
}


ngx_int_t
ngx_http_clarity_api_not_given(
    ngx_http_request_t *r, clarity_redis_given_t given)
{
    clarity_outcome_t outcome;

    outcome = ngx_http_clarity_given_outcome(given);

    if (outcome == CLARITY_INTERNAL) {
        return ngx_http_clarity_api_internal(r);
    }

    return ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
        clarity_outcome_info(outcome)->code,
        "Redis is not available, so nothing was read or changed. Try again "
        "in a moment.");
}


static void
ngx_http_clarity_api_webhook_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    api->webhooks = ngx_palloc(r->pool, sizeof(clarity_webhook_t));

    if (api->webhooks == NULL
        || (reply->elements == 1
            && reply->element[0]->type == REDIS_REPLY_STRING
            && ngx_http_clarity_api_add_webhook(r, api,
                   (clarity_str_t){ (char *) api->id.data, api->id.len },
                   reply->element[0])
                != NGX_OK))
    {
        ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
        return;
    }

    if (api->nwebhooks) {
        api->webhook = api->webhooks;
    }

    ngx_http_clarity_api_next(r, api);
}


static void
ngx_http_clarity_api_webhooks_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    size_t                  i;
    ngx_int_t               revision;
    const redisReply       *field, *value;
    ngx_http_clarity_api_t *api;

    api = ngx_http_clarity_api_loaded(r, result, reply);
    if (api == NULL) {
        return;
    }

    api->webhooks = ngx_palloc(r->pool,
        (reply->elements / 2 + 1) * sizeof(clarity_webhook_t));
    if (api->webhooks == NULL) {
        ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
        return;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        field = reply->element[i];
        value = reply->element[i + 1];

        if (ngx_strcmp(field->str, "revision") == 0) {
            revision = ngx_atoi((u_char *) value->str, value->len);
            api->revision = (revision == NGX_ERROR) ? 0 : revision;
            continue;
        }

        if (ngx_strncmp(field->str, "id:", 3) == 0
            && ngx_http_clarity_api_add_webhook(r, api,
                   (clarity_str_t){ field->str + 3, field->len - 3 }, value)
                != NGX_OK)
        {
            ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
            return;
        }
    }

    ngx_http_clarity_api_next(r, api);
}


/* Where it can be read; else it is noted why not. */

static ngx_int_t
ngx_http_clarity_api_add_webhook(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, clarity_str_t id, const redisReply *value)
{
    u_char                        *p;
    clarity_error_t                error;
    clarity_webhook_t             *webhook;
    ngx_http_clarity_unreadable_t *unreadable;

    webhook = &api->webhooks[api->nwebhooks];

    if (clarity_webhook_read((clarity_str_t){ value->str, value->len },
            webhook, &error))
    {
        if (clarity_str_is(id, webhook->id)) {
            api->nwebhooks++;
            return NGX_OK;
        }

        clarity_error(&error, "the record is of the id %s", webhook->id);
    }

    if (api->unreadable.nelts == NGX_HTTP_CLARITY_API_UNREADABLE) {
        return NGX_OK;
    }

    id.len = ngx_min(id.len, CLARITY_WEBHOOK_ID_LEN);

    p = ngx_pnalloc(r->pool, id.len + 1);
    unreadable = ngx_array_push(&api->unreadable);

    if (p == NULL || unreadable == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, id.data, id.len);

    unreadable->id.data = p;
    unreadable->id.len = id.len;
    unreadable->why = error;

    return NGX_OK;
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
            ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
            return;
        }
    }

    ngx_http_clarity_api_next(r, api);
}


static void
ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
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
            "nginx", 0, &error);

        if (doc == NULL) {
            continue;
        }

        rc = ngx_http_clarity_api_add_instance(r, api, doc->root);
        clarity_json_free(doc);

        if (rc != NGX_OK) {
            ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
            return;
        }
    }

    ngx_http_clarity_api_next(r, api);
}


/*
 * One that has not said goodbye still counts: cut off from Redis, it serves
 * what it knew then.
 */

static ngx_int_t
ngx_http_clarity_api_add_instance(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *report)
{
    const clarity_json_t          *no_room, *list, *item;
    ngx_http_clarity_instance_t   *instance;
    ngx_http_clarity_not_served_t *unserved;

    if (!ngx_http_clarity_api_is_recent(report, CLARITY_REPORT_FORGOTTEN)) {
        return NGX_OK;
    }

    instance = ngx_array_push(&api->instances);

    if (instance == NULL
        || ngx_array_init(&instance->unserved, r->pool, 1,
               sizeof(ngx_http_clarity_not_served_t))
            != NGX_OK)
    {
        return NGX_ERROR;
    }

    instance->workers = ngx_http_clarity_api_number(report, "workers");
    instance->revision = ngx_http_clarity_api_number(report, "revision");
    instance->silent = 0;

    if (!ngx_http_clarity_api_is_recent(report,
            NGX_HTTP_CLARITY_INSTANCE_SILENT))
    {
        instance->silent = ngx_http_clarity_now()
            - ngx_http_clarity_api_number(report, "at");
    }

    no_room = clarity_json_get(report, clarity_lit("no_room"));
    instance->no_room = no_room && no_room->boolean;

    list = clarity_json_get(report, clarity_lit("unserved"));

    if (list == NULL || list->kind != CLARITY_ARRAY) {
        return NGX_OK;
    }

    for (item = list->first; item; item = item->next) {
        unserved = ngx_array_push(&instance->unserved);

        if (unserved == NULL
            || ngx_http_clarity_api_string(r,
                   clarity_json_get(item, clarity_lit("id")), &unserved->id)
                != NGX_OK
            || ngx_http_clarity_api_string(r,
                   clarity_json_get(item, clarity_lit("why")), &unserved->why)
                != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* NULL: it is not what it should be, and has been answered. */

static ngx_http_clarity_api_t *
ngx_http_clarity_api_loaded(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply)
{
    ngx_int_t               rc;
    ngx_http_clarity_ctx_t *ctx;

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ARRAY) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

        return ctx->api;
    }

    if (result == CLARITY_REDIS_REPLIED && reply->type == REDIS_REPLY_ERROR) {
        rc = ngx_http_clarity_api_refused(r, "Redis cannot be read", reply);

    } else {
        rc = ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
            clarity_outcome_info(CLARITY_QUEUE_UNAVAILABLE)->code,
            "Redis did not answer, so nothing was read or changed. Try again "
            "in a moment.");
    }

    ngx_http_finalize_request(r, rc);

    return NULL;
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
    /* clocks of several machines differ both ways */
    return ngx_http_clarity_api_number(object, "at") + ms
        > ngx_http_clarity_now();
}
