/*
 * Directives of webhooks that are made at run time.
 */

#include "ngx_http_clarity_api.h"


static void ngx_http_clarity_free_keys(void *data);
static ngx_int_t ngx_http_clarity_add_served(ngx_conf_t *cf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_loc_conf_t *conf);


char *
ngx_http_clarity_set_webhooks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    clcf->webhooks = 1;

    return ngx_http_clarity_take_prefix(cf, cmd, clcf,
        ngx_http_clarity_webhooks_handler);
}


char *
ngx_http_clarity_set_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    clcf->api = 1;

    return ngx_http_clarity_take_prefix(cf, cmd, clcf,
        ngx_http_clarity_api_handler);
}


char *
ngx_http_clarity_set_key_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_main_conf_t *cmcf = conf;

    u_char              file[NGX_MAX_PATH];
    ngx_str_t          *value, text;
    clarity_error_t     error;
    ngx_pool_cleanup_t *cln;

    if (cmcf->keys) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_clarity_read_file(cf, &value[1], 1, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_cpystrn(file, value[1].data, ngx_min(value[1].len + 1, NGX_MAX_PATH));

    cmcf->keys = clarity_seal_keys_parse(
        (clarity_str_t){ (char *) text.data, text.len }, (char *) file,
        &error);

    ngx_explicit_memzero(text.data, text.len);

    if (cmcf->keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", error.text);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_clarity_free_keys;
    cln->data = cmcf->keys;

    return NGX_CONF_OK;
}


static void
ngx_http_clarity_free_keys(void *data)
{
    clarity_seal_keys_free(data);
}


/*
 * One nginx has one registry: all clarity_webhooks look at the same Redis. It
 * is what the zone is for.
 */

char *
ngx_http_clarity_merge_webhooks(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_uint_t                    registry;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (cmcf->triggers == NULL || cmcf->keys == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "\"%V\" in %V:%ui needs \"%s\" at http level",
            &conf->directive, &conf->place.file, conf->place.line,
            cmcf->triggers ? "clarity_token_key_file" : "clarity_triggers");
        return NGX_CONF_ERROR;
    }

    if ((conf->webhooks
            && ngx_http_clarity_add_served(cf, cmcf, conf) != NGX_OK)
        || ngx_http_clarity_use_any_redis(cf, conf, &registry) != NGX_OK
        || ngx_http_clarity_use_zone(cf, cmcf) != NGX_OK
        || ngx_http_clarity_use_jobs_uri(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_clarity_hide_query(cf, conf);

    if (cmcf->registry == NGX_CONF_UNSET_UINT) {
        cmcf->registry = registry;
        cmcf->registry_conf = conf;
    }

    if (cmcf->registry != registry) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "\"%V\" in %V:%ui and \"%V\" in %V:%ui look at two Redis; "
            "give them the same \"clarity_redis\" settings",
            &cmcf->registry_conf->directive,
            &cmcf->registry_conf->place.file,
            cmcf->registry_conf->place.line, &conf->directive,
            &conf->place.file, conf->place.line);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* A location with clarity_webhooks, rather than with the API. */

static ngx_int_t
ngx_http_clarity_add_served(ngx_conf_t *cf,
    ngx_http_clarity_main_conf_t *cmcf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_http_clarity_loc_conf_t **served;

    if (ngx_http_clarity_check_headers(cf, conf) != NGX_OK
        || ngx_http_clarity_use_redis(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    served = ngx_array_push(&cmcf->served);
    if (served == NULL) {
        return NGX_ERROR;
    }

    *served = conf;

    conf->location = conf->core->name;
    conf->server = ngx_http_conf_get_module_srv_conf(cf,
        ngx_http_core_module);

    if (cmcf->webhooks_conf == NULL) {
        cmcf->webhooks_conf = conf;
    }

    return NGX_OK;
}
