/*
 * Clarity webhooks for nginx: an HTTP request with a good token and a complete
 * context becomes a job in Redis.
 */

#include "ngx_http_clarity_activity.h"
#include "ngx_http_clarity_call.h"
#include "ngx_http_clarity_metrics.h"
#include "ngx_http_clarity_registry.h"


static ngx_int_t ngx_http_clarity_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_clarity_init_process(ngx_cycle_t *cycle);
static void ngx_http_clarity_exit_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_clarity_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_clarity_postconfiguration(ngx_conf_t *cf);


#define NGX_HTTP_ALL_CONF                                                    \
    (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)


static ngx_conf_enum_t ngx_http_clarity_statuses[] = {
    { ngx_string("200"), NGX_HTTP_OK },
    { ngx_string("201"), NGX_HTTP_CREATED },
    { ngx_string("202"), NGX_HTTP_ACCEPTED },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t ngx_http_clarity_orders[] = {
    { ngx_string("strict"), CLARITY_ORDER_STRICT },
    { ngx_string("any"), CLARITY_ORDER_ANY },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t ngx_http_clarity_unknowns[] = {
    { ngx_string("reject"), CLARITY_UNKNOWN_REJECT },
    { ngx_string("drop"), CLARITY_UNKNOWN_DROP },
    { ngx_string("keep"), CLARITY_UNKNOWN_KEEP },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t ngx_http_clarity_from_0 = { NULL, 0, -1 };
static ngx_conf_num_bounds_t ngx_http_clarity_from_1 = { NULL, 1, -1 };


static ngx_command_t ngx_http_clarity_commands[] = {

    { ngx_string("clarity_triggers"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_triggers,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_redis"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_redis,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_redis_password_file"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_password_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_redis_prefix"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_prefix,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_redis_shards"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_shards,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_redis_connect_timeout"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, redis_connect_timeout),
      NULL },

    { ngx_string("clarity_redis_timeout"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_msec,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, redis_timeout),
      NULL },

    { ngx_string("clarity_redis_max_pending"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_number,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, redis_max_pending),
      &ngx_http_clarity_from_1 },

    { ngx_string("clarity_queue_limit"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_number,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, queue_limit),
      &ngx_http_clarity_from_0 },

    { ngx_string("clarity_durability"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE123,
      ngx_http_clarity_set_durability,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook"),
      NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12,
      ngx_http_clarity_set_webhook,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook_method"),
      NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_method,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook_token"),
      NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_token,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook_token_file"),
      NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_token_file,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook_token_header"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_token_header,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhook_status"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, status),
      &ngx_http_clarity_statuses },

    { ngx_string("clarity_context_order"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, context_order),
      &ngx_http_clarity_orders },

    { ngx_string("clarity_context_unknown"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_clarity_loc_conf_t, context_unknown),
      &ngx_http_clarity_unknowns },

    { ngx_string("clarity_idempotency"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE12,
      ngx_http_clarity_set_idempotency,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_webhooks"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      ngx_http_clarity_set_webhooks,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_settings_api"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      ngx_http_clarity_set_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_jobs"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      ngx_http_clarity_set_jobs,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_jobs_uri"),
      NGX_HTTP_ALL_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_jobs_uri,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_token_key_file"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_key_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_zone"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_http_clarity_set_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_metrics"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      ngx_http_clarity_set_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("clarity_problem"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      ngx_http_clarity_set_problem,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t ngx_http_clarity_module_ctx = {
    ngx_http_clarity_preconfiguration, /* preconfiguration */
    ngx_http_clarity_postconfiguration, /* postconfiguration */

    ngx_http_clarity_create_main_conf, /* create main configuration */
    ngx_http_clarity_init_main_conf,  /* init main configuration */

    NULL,                             /* create server configuration */
    NULL,                             /* merge server configuration */

    ngx_http_clarity_create_loc_conf, /* create location configuration */
    ngx_http_clarity_merge_loc_conf   /* merge location configuration */
};


ngx_module_t ngx_http_clarity_webhook_module = {
    NGX_MODULE_V1,
    &ngx_http_clarity_module_ctx,     /* module context */
    ngx_http_clarity_commands,        /* module directives */
    NGX_HTTP_MODULE,                  /* module type */
    NULL,                             /* init master */
    ngx_http_clarity_init_module,     /* init module */
    ngx_http_clarity_init_process,    /* init process */
    NULL,                             /* init thread */
    NULL,                             /* exit thread */
    ngx_http_clarity_exit_process,    /* exit process */
    NULL,                             /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_clarity_preconfiguration(ngx_conf_t *cf)
{
    /* before a directive can be one that only the new file knows */
    ngx_http_clarity_check_loaded(cf);

    return ngx_http_clarity_add_variables(cf);
}


static ngx_int_t
ngx_http_clarity_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *handler;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_clarity_main_conf_t *clarity;

    clarity = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    /* all that counts is counted in the zone */

    if (clarity->metrics && ngx_http_clarity_use_zone(cf, clarity) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_clarity_check_locations(cf) != NGX_OK
        || ngx_http_clarity_check_conf(cf) != NGX_OK
        || ngx_http_clarity_check_tokens(cf) != NGX_OK
        || ngx_http_clarity_hide_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_clarity_find_addresses(cf, clarity);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_clarity_activity_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_init_module(ngx_cycle_t *cycle)
{
    ngx_http_clarity_hide_listen(cycle);

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_init_process(ngx_cycle_t *cycle)
{
    ngx_http_clarity_main_conf_t *cmcf;

    /* the cache manager and loader take no requests */
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    cmcf = ngx_http_cycle_get_module_main_conf(cycle,
        ngx_http_clarity_webhook_module);

    if (cmcf == NULL || cmcf->redis.nelts == 0) {
        return NGX_OK;
    }

    ngx_http_clarity_early_init();
    ngx_http_clarity_idempotency_init();

    if (ngx_http_clarity_context_init() != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_clarity_call_init(cycle, cmcf) != NGX_OK
        || ngx_http_clarity_metrics_init(cycle, cmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_clarity_registry_init(cycle, cmcf);
}


static void
ngx_http_clarity_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_clarity_metrics_exit();
    ngx_http_clarity_registry_exit();
    ngx_http_clarity_call_exit();
    ngx_http_clarity_context_exit();
}
