/*
 * What a request needs to know, one command after the other. A webhook by its
 * id is one field of a hash; only the list reads them all.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"


typedef void (*ngx_http_clarity_key_pt)(
    clarity_key_t *key, clarity_str_t prefix);


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


void
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
ngx_http_clarity_api_give(ngx_http_request_t *r, ngx_http_clarity_api_t *api,
    size_t argc, const clarity_str_t *argv, ngx_http_clarity_call_pt handler)
{
    clarity_redis_given_t given;

    given = ngx_http_clarity_call(r, api->cmcf->registry, argc, argv,
        handler);

    return given == CLARITY_REDIS_GIVEN
        ? NGX_DONE
        : ngx_http_clarity_api_not_given(r, given);
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
    ngx_uint_t                     cut;
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

    cut = id.len > NGX_HTTP_CLARITY_API_ID;
    id.len = ngx_min(id.len, NGX_HTTP_CLARITY_API_ID);

    p = ngx_pnalloc(r->pool, id.len + 3);
    unreadable = ngx_array_push(&api->unreadable);

    if (p == NULL || unreadable == NULL) {
        return NGX_ERROR;
    }

    unreadable->id.data = p;
    unreadable->id.len = ngx_sprintf(p, "%*s%s", id.len, id.data,
        cut ? "..." : "") - p;
    unreadable->why = error;

    return NGX_OK;
}


ngx_http_clarity_api_t *
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
