/*
 * Directives: setters and merging. Whatever is wrong is refused at load.
 */

#include "ngx_http_clarity_webhook_module.h"


static void ngx_http_clarity_free_sha256(void *data);
static void ngx_http_clarity_free_triggers(void *data);
static char *ngx_http_clarity_merge_redis(
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev);
static char *ngx_http_clarity_merge_request(
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev);
static void ngx_http_clarity_merge_noname(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev);
static char *ngx_http_clarity_merge_webhook(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);
static ngx_int_t ngx_http_clarity_find_trigger(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);
static ngx_int_t ngx_http_clarity_name_webhook(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);


typedef struct {
    ngx_str_t  name;
    ngx_uint_t method;
} ngx_http_clarity_method_t;


static ngx_http_clarity_method_t ngx_http_clarity_methods[] = {
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_null_string, 0 }
};


void *
ngx_http_clarity_create_main_conf(ngx_conf_t *cf)
{
    ngx_pool_cleanup_t           *cln;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_clarity_main_conf_t));
    if (cmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&cmcf->webhooks, cf->pool, 4, sizeof(void *))
            != NGX_OK
        || ngx_array_init(&cmcf->served, cf->pool, 1, sizeof(void *))
            != NGX_OK
        || ngx_array_init(&cmcf->jobs, cf->pool, 1, sizeof(ngx_str_t))
            != NGX_OK
        || ngx_array_init(&cmcf->jobs_uris, cf->pool, 1, sizeof(void *))
            != NGX_OK
        || ngx_array_init(&cmcf->token_lists, cf->pool, 4,
               sizeof(ngx_http_clarity_token_list_t))
            != NGX_OK
        || ngx_array_init(&cmcf->locations, cf->pool, 4, sizeof(void *))
            != NGX_OK
        || ngx_array_init(&cmcf->redis, cf->pool, 1, sizeof(void *))
            != NGX_OK)
    {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cmcf->sha256 = clarity_sha256_create();
    if (cmcf->sha256 == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_clarity_free_sha256;
    cln->data = cmcf->sha256;

    cmcf->zone_size = NGX_CONF_UNSET_SIZE;
    cmcf->registry = NGX_CONF_UNSET_UINT;

    return cmcf;
}


static void
ngx_http_clarity_free_sha256(void *data)
{
    clarity_sha256_free(data);
}


char *
ngx_http_clarity_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_clarity_main_conf_t *cmcf = conf;

    ngx_conf_init_size_value(cmcf->zone_size, 32 * 1024 * 1024);

    return NGX_CONF_OK;
}


void *
ngx_http_clarity_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_clarity_loc_conf_t *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->redis_url = { 0, NULL };
     *     conf->redis_password = { 0, NULL };
     *     conf->redis_prefix = { 0, NULL };
     *     conf->jobs_uri = { 0, NULL };
     *     conf->handler = NULL;
     *     conf->token_header = { 0, NULL };
     *     conf->webhook = { 0 };
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_clarity_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->redis_connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->redis_timeout = NGX_CONF_UNSET_MSEC;
    conf->redis_max_pending = NGX_CONF_UNSET_UINT;
    conf->queue_limit = NGX_CONF_UNSET_UINT;
    conf->tokens = NGX_CONF_UNSET_PTR;
    conf->status = NGX_CONF_UNSET_UINT;
    conf->context_order = NGX_CONF_UNSET_UINT;
    conf->context_unknown = NGX_CONF_UNSET_UINT;
    conf->idempotency = NGX_CONF_UNSET_MSEC;

    return conf;
}


char *
ngx_http_clarity_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_clarity_loc_conf_t *prev = parent;
    ngx_http_clarity_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t *clcf;

    if (ngx_http_clarity_merge_redis(conf, prev) != NGX_CONF_OK
        || ngx_http_clarity_merge_request(conf, prev) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->handler == ngx_http_clarity_problem_handler) {
        /* a body that was refused for its size is not to be refused again:
         * over HTTP/2 nginx would, on the way here, by a page of its own */
        clcf->client_max_body_size = 0;
    }

    if (clcf->noname && clcf->handler == NULL && prev->handler) {
        ngx_http_clarity_merge_noname(cf, conf, prev);
        return NGX_CONF_OK;
    }

    if (conf->jobs) {
        return ngx_http_clarity_use_any_redis(cf, conf, &conf->redis)
                == NGX_OK
            ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (conf->webhooks || conf->api) {
        return ngx_http_clarity_merge_webhooks(cf, conf);
    }

    if (conf->webhook.trigger_name.data == NULL) {

        if (conf->webhook.method) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"clarity_webhook_method\" without \"clarity_webhook\" in "
                "location \"%V\" in %V:%ui",
                &clcf->name, &conf->place.file, conf->place.line);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    return ngx_http_clarity_merge_webhook(cf, conf);
}


/* What is asked of a request, and told it. */

static char *
ngx_http_clarity_merge_request(
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev)
{
    ngx_conf_merge_str_value(conf->token_header, prev->token_header,
        "x-clarity-webhook-token");
    ngx_conf_merge_ptr_value(conf->tokens, prev->tokens, NULL);
    ngx_conf_merge_uint_value(conf->status, prev->status, NGX_HTTP_ACCEPTED);
    ngx_conf_merge_uint_value(conf->context_order, prev->context_order,
        CLARITY_ORDER_STRICT);
    ngx_conf_merge_uint_value(conf->context_unknown, prev->context_unknown,
        CLARITY_UNKNOWN_REJECT);

    if (conf->idempotency == NGX_CONF_UNSET_MSEC) {
        conf->idempotency_header = prev->idempotency_header;
    }

    ngx_conf_merge_msec_value(conf->idempotency, prev->idempotency,
        24 * 60 * 60 * 1000);

    if (conf->jobs_uri.data == NULL) {
        conf->jobs_uri = prev->jobs_uri;
        conf->jobs_uri_place = prev->jobs_uri_place;
    }

    return NGX_CONF_OK;
}


/*
 * An "if" or "limit_except" in a location of ours is a location without a
 * name, which nginx gives no handler.
 */

static void
ngx_http_clarity_merge_noname(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev)
{
    ngx_http_core_loc_conf_t *clcf;

    conf->handler = prev->handler;
    conf->webhook = prev->webhook;
    conf->webhooks = prev->webhooks;
    conf->place = prev->place;
    conf->redis = prev->redis;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = conf->handler;

    ngx_http_clarity_hide_query(cf, conf);
}


static char *
ngx_http_clarity_merge_redis(
    ngx_http_clarity_loc_conf_t *conf, ngx_http_clarity_loc_conf_t *prev)
{
    if (conf->redis_url.data == NULL) {
        conf->redis_place = prev->redis_place;
    }

    ngx_conf_merge_str_value(conf->redis_url, prev->redis_url,
        "redis://127.0.0.1:6379/0");

    if (conf->redis_url_password && conf->redis_password.data == NULL) {
        /* a file of an outer level is another Redis' */
        ngx_str_set(&conf->redis_password, "");
    }

    ngx_conf_merge_str_value(conf->redis_password, prev->redis_password, "");
    ngx_conf_merge_str_value(conf->redis_prefix, prev->redis_prefix,
        "clarity");
    ngx_conf_merge_msec_value(conf->redis_connect_timeout,
        prev->redis_connect_timeout, 1000);
    ngx_conf_merge_msec_value(conf->redis_timeout, prev->redis_timeout, 1000);
    ngx_conf_merge_uint_value(conf->redis_max_pending,
        prev->redis_max_pending, 65536);
    ngx_conf_merge_uint_value(conf->queue_limit, prev->queue_limit, 1000000);

    if (prev->durability.class == CLARITY_DURABILITY_UNKNOWN) {
        prev->durability.class = CLARITY_DURABILITY_MEMORY;
    }

    if (conf->durability.class == CLARITY_DURABILITY_UNKNOWN) {
        conf->durability = prev->durability;
        conf->durability_timeout = prev->durability_timeout;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_clarity_merge_webhook(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_http_clarity_webhook_t   *webhook;
    ngx_http_clarity_loc_conf_t **known;
    ngx_http_clarity_main_conf_t *cmcf;

    webhook = &conf->webhook;
    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    webhook->status = conf->status;
    webhook->idempotency = conf->idempotency;
    webhook->rules.order = conf->context_order;
    webhook->rules.unknown = conf->context_unknown;

    if (webhook->method == 0) {
        webhook->method = ngx_http_clarity_methods[0].method;
        webhook->method_name = ngx_http_clarity_methods[0].name;
    }

    ngx_http_clarity_hide_query(cf, conf);

    if (ngx_http_clarity_find_trigger(cf, conf) != NGX_OK
        || ngx_http_clarity_name_webhook(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->tokens == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "webhook \"%V\" has no token in %V:%ui; add "
            "\"clarity_webhook_token\" or \"clarity_webhook_token_file\"",
            &webhook->name, &conf->place.file, conf->place.line);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_clarity_check_headers(cf, conf) != NGX_OK
        || ngx_http_clarity_use_redis(cf, conf) != NGX_OK
        || ngx_http_clarity_use_jobs_uri(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    known = ngx_array_push(&cmcf->webhooks);
    if (known == NULL) {
        return NGX_CONF_ERROR;
    }

    *known = conf;

    return NGX_CONF_OK;
}


/* Not before all has been read: "clarity_triggers" may stand anywhere. */

static ngx_int_t
ngx_http_clarity_find_trigger(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_str_t                    *name;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (cmcf->triggers == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "\"clarity_webhook\" in %V:%ui needs \"clarity_triggers\" at "
            "http level", &conf->place.file, conf->place.line);
        return NGX_ERROR;
    }

    name = &conf->webhook.trigger_name;

    conf->webhook.trigger = clarity_triggers_find(cmcf->triggers,
        (clarity_str_t){ (char *) name->data, name->len });

    if (conf->webhook.trigger == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "no trigger \"%V\" in the file of \"clarity_triggers\" for "
            "\"clarity_webhook\" in %V:%ui",
            name, &conf->place.file, conf->place.line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* "METHOD path", if it has not been given a name. */

static ngx_int_t
ngx_http_clarity_name_webhook(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    u_char                   *p;
    ngx_str_t                *name, *method;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    conf->location = clcf->name;
    conf->exact = clcf->exact_match;
    conf->server = ngx_http_conf_get_module_srv_conf(cf,
        ngx_http_core_module);

    name = &conf->webhook.name;
    method = &conf->webhook.method_name;

    if (name->len) {
        return NGX_OK;
    }

    name->len = method->len + 1 + clcf->name.len;
    name->data = ngx_pnalloc(cf->pool, name->len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(name->data, method->data, method->len);
    *p++ = ' ';
    ngx_memcpy(p, clcf->name.data, clcf->name.len);

    return NGX_OK;
}


char *
ngx_http_clarity_set_triggers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_main_conf_t *cmcf = conf;

    u_char              file[NGX_MAX_PATH];
    ngx_str_t          *value, text;
    clarity_error_t     error;
    ngx_pool_cleanup_t *cln;

    if (cmcf->triggers) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_clarity_read_file(cf, &value[1], 0, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_cpystrn(file, value[1].data, ngx_min(value[1].len + 1, NGX_MAX_PATH));

    cmcf->triggers = clarity_triggers_parse(
        (clarity_str_t){ (char *) text.data, text.len }, (char *) file,
        &error);

    if (cmcf->triggers == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", error.text);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_clarity_free_triggers;
    cln->data = cmcf->triggers;

    return NGX_CONF_OK;
}


static void
ngx_http_clarity_free_triggers(void *data)
{
    clarity_triggers_free(data);
}


char *
ngx_http_clarity_set_webhook(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t *value;

    if (clcf->webhook.trigger_name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    clcf->webhook.trigger_name = value[1];

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "name=", 5) != 0
            || value[2].len == 5)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                "invalid parameter \"%V\"; expected \"name=NAME\"",
                &value[2]);
            return NGX_CONF_ERROR;
        }

        clcf->webhook.name.data = value[2].data + 5;
        clcf->webhook.name.len = value[2].len - 5;
        clcf->webhook.named = 1;
    }

    return ngx_http_clarity_take_location(cf, cmd, clcf,
        ngx_http_clarity_handler);
}


char *
ngx_http_clarity_set_method(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t                 *value;
    ngx_http_clarity_method_t *method;

    if (clcf->webhook.method) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (method = ngx_http_clarity_methods; method->method; method++) {

        if (method->name.len == value[1].len
            && ngx_memcmp(method->name.data, value[1].data, value[1].len)
                == 0)
        {
            clcf->webhook.method = method->method;
            clcf->webhook.method_name = method->name;

            if (clcf->webhook.trigger_name.data == NULL) {
                clcf->place = ngx_http_clarity_place(cf);
            }

            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
        "invalid method \"%V\"; expected POST, GET, PUT, PATCH or "
        "DELETE",
        &value[1]);

    return NGX_CONF_ERROR;
}
