/*
 * What can be checked only when all of the configuration has been read.
 */

#include "ngx_http_clarity_webhook_module.h"


static ngx_int_t ngx_http_clarity_check_pair(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *a, ngx_http_clarity_loc_conf_t *b);


/* Postconfiguration: webhooks against each other. */

ngx_int_t
ngx_http_clarity_check_conf(ngx_conf_t *cf)
{
    ngx_str_t                     name = ngx_string("request_id");
    ngx_str_t                     webhook_name
        = ngx_string("clarity_webhook");
    ngx_uint_t                    i, k;
    ngx_http_clarity_loc_conf_t **webhook;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (cmcf->redis.nelts == 0) {
        return NGX_OK;
    }

    ngx_http_clarity_check_jobs_uris(cf);

    cmcf->request_id_index = ngx_http_get_variable_index(cf, &name);
    cmcf->webhook_index = ngx_http_get_variable_index(cf, &webhook_name);

    if (cmcf->request_id_index == NGX_ERROR
        || cmcf->webhook_index == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    webhook = cmcf->webhooks.elts;

    for (i = 1; i < cmcf->webhooks.nelts; i++) {
        for (k = 0; k < i; k++) {
            if (ngx_http_clarity_check_pair(cf, webhook[k], webhook[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_check_pair(ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *a,
    ngx_http_clarity_loc_conf_t *b)
{
    ngx_str_t                *an, *bn;
    ngx_uint_t                i, k;
    ngx_http_clarity_token_t *at, *bt;

    an = &a->webhook.name;
    bn = &b->webhook.name;

    if (an->len == bn->len && ngx_memcmp(an->data, bn->data, an->len) == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "two webhooks are named \"%V\", in %V:%ui and in %V:%ui; give "
            "one another name with \"name=\"",
            an, &a->place.file, a->place.line, &b->place.file,
            b->place.line);
        return NGX_ERROR;
    }

    at = a->tokens->elts;
    bt = b->tokens->elts;

    for (i = 0; i < a->tokens->nelts; i++) {
        for (k = 0; k < b->tokens->nelts; k++) {

            if (at[i].value || bt[k].value
                || ngx_memcmp(&at[i].digest, &bt[k].digest,
                       sizeof(clarity_token_digest_t))
                    != 0)
            {
                continue;
            }

            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                "one token opens two webhooks, \"%V\" and \"%V\", in "
                "%V:%ui and in %V:%ui",
                an, bn, &a->place.file, a->place.line, &b->place.file,
                b->place.line);

            return NGX_OK;
        }
    }

    return NGX_OK;
}
