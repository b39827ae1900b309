/*
 * What workers tell of the workflows that they have, and every nginx of the
 * webhooks that it serves: a JSON text of each, in a hash.
 */

#include "ngx_http_clarity_api.h"

#include "job/report_script.h"


#define NGX_HTTP_CLARITY_WORKER_SILENT   30000 /* ms: it is gone */
#define NGX_HTTP_CLARITY_INSTANCE_SILENT 10000 /* it may serve old ones */


typedef ngx_int_t (*ngx_http_clarity_report_pt)(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *report);


static void ngx_http_clarity_api_read_reports(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_http_clarity_report_pt read);
static ngx_int_t ngx_http_clarity_api_add_worker(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *worker);
static ngx_http_clarity_workflow_t *ngx_http_clarity_api_workflow(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    const clarity_json_t *item);
static ngx_int_t ngx_http_clarity_api_add_instance(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *report);
static ngx_int_t ngx_http_clarity_api_add_unserved(ngx_http_request_t *r,
    ngx_http_clarity_instance_t *instance, const clarity_json_t *list);
static ngx_int_t ngx_http_clarity_api_string(
    ngx_http_request_t *r, const clarity_json_t *value, ngx_str_t *to);
static uint64_t ngx_http_clarity_api_number(
    const clarity_json_t *object, const char *name);
static ngx_uint_t ngx_http_clarity_api_is_recent(
    const clarity_json_t *object, uint64_t ms);


void
ngx_http_clarity_api_workflows_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_http_clarity_api_read_reports(r, result, reply,
        ngx_http_clarity_api_add_worker);
}


void
ngx_http_clarity_api_instances_handler(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_msec_t elapsed)
{
    ngx_http_clarity_api_read_reports(r, result, reply,
        ngx_http_clarity_api_add_instance);
}


/* The values of a hash; one that is no JSON is nobody's. */

static void
ngx_http_clarity_api_read_reports(ngx_http_request_t *r,
    clarity_redis_result_t result, const redisReply *reply,
    ngx_http_clarity_report_pt read)
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
            "report", 0, &error);

        if (doc == NULL) {
            continue;
        }

        rc = read(r, api, doc->root);
        clarity_json_free(doc);

        if (rc != NGX_OK) {
            ngx_http_finalize_request(r, ngx_http_clarity_api_internal(r));
            return;
        }
    }

    ngx_http_clarity_api_next(r, api);
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


/*
 * One that has not said goodbye still counts: cut off from Redis, it serves
 * what it knew then.
 */

static ngx_int_t
ngx_http_clarity_api_add_instance(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, const clarity_json_t *report)
{
    const clarity_json_t        *no_room, *list;
    ngx_http_clarity_instance_t *instance;

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

    return ngx_http_clarity_api_add_unserved(r, instance, list);
}


static ngx_int_t
ngx_http_clarity_api_add_unserved(ngx_http_request_t *r,
    ngx_http_clarity_instance_t *instance, const clarity_json_t *list)
{
    const clarity_json_t          *item;
    ngx_http_clarity_not_served_t *unserved;

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
