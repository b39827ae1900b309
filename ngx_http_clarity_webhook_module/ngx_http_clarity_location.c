/*
 * A location has one content handler. nginx lets the last directive have it,
 * without a word; a webhook that is written down, and is none, is refused.
 */

#include "ngx_http_clarity_webhook_module.h"


char *
ngx_http_clarity_take_location(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t     *core;
    ngx_http_clarity_loc_conf_t **taken;
    ngx_http_clarity_main_conf_t *cmcf;

    if (conf->handler == handler) {
        return "is duplicate";
    }

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->handler && core->handler == conf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "\"%V\" and \"%V\" cannot stand in one location; give each a "
            "location of its own", &conf->directive, &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (core->handler) {
        return "cannot stand in a location that another directive answers, "
               "as \"proxy_pass\" does; give each a location of its own";
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    taken = ngx_array_push(&cmcf->locations);
    if (taken == NULL) {
        return NGX_CONF_ERROR;
    }

    *taken = conf;

    conf->directive = cmd->name;
    conf->place = ngx_http_clarity_place(cf);
    conf->core = core;
    conf->handler = handler;
    core->handler = handler;

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_take_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_http_clarity_loc_conf_t *conf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t *core;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->regex || core->exact_match || core->named || core->noname
        || core->name.len == 0 || core->name.data[core->name.len - 1] != '/')
    {
        return "needs a location that is a prefix and ends with \"/\"";
    }

    return ngx_http_clarity_take_location(cf, cmd, conf, handler);
}


ngx_int_t
ngx_http_clarity_check_locations(ngx_conf_t *cf)
{
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **taken;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    taken = cmcf->locations.elts;

    for (i = 0; i < cmcf->locations.nelts; i++) {

        if (taken[i]->core->handler != taken[i]->handler) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"%V\" in %V:%ui does not answer its location: a directive "
                "after it does, as \"proxy_pass\" would; give each a "
                "location of its own", &taken[i]->directive,
                &taken[i]->place.file, taken[i]->place.line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
