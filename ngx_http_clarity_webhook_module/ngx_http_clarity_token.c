/*
 * Tokens: the header of a request against those that are valid.
 */

#include "ngx_http_clarity_webhook_module.h"


/* valid tokens looked at in one go; enough for a rotation */
#define NGX_HTTP_CLARITY_TOKEN_BATCH 16


ngx_int_t
ngx_http_clarity_given_token(ngx_http_request_t *r,
    ngx_http_clarity_loc_conf_t *clcf, clarity_token_digest_t *given,
    ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t                     rc;
    ngx_str_t                     value;
    ngx_http_clarity_main_conf_t *cmcf;

    rc = ngx_http_clarity_header(r, &clcf->token_header, &value);

    if (rc == NGX_DECLINED || (rc == NGX_OK && value.len == 0)) {
        refusal->outcome = CLARITY_TOKEN_MISSING;
        return NGX_DECLINED;
    }

    refusal->outcome = CLARITY_TOKEN_INVALID;

    if (rc == NGX_ABORT) {
        return NGX_DECLINED;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    if (!clarity_token_digest(cmcf->sha256,
            (clarity_str_t){ (char *) value.data, value.len }, given))
    {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: SHA-256 of a token failed");
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_clarity_check_token(ngx_http_request_t *r,
    ngx_http_clarity_loc_conf_t *clcf, ngx_http_clarity_refusal_t *refusal)
{
    ngx_int_t              rc;
    clarity_token_digest_t given;

    if (ngx_http_clarity_given_token(r, clcf, &given, refusal) != NGX_OK) {
        return NGX_DECLINED;
    }

    refusal->outcome = CLARITY_TOKEN_INVALID;

    rc = ngx_http_clarity_match_token(r, clcf->tokens, &given);

    if (rc == NGX_ERROR) {
        refusal->outcome = CLARITY_INTERNAL;
        return NGX_DECLINED;
    }

    return rc;
}


ngx_int_t
ngx_http_clarity_match_token(ngx_http_request_t *r, ngx_array_t *tokens,
    const clarity_token_digest_t *given)
{
    ngx_str_t                     value;
    ngx_uint_t                    i, n, matches;
    clarity_token_digest_t        valid[NGX_HTTP_CLARITY_TOKEN_BATCH];
    ngx_http_clarity_token_t     *token;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);
    token = tokens->elts;
    matches = 0;
    n = 0;

    for (i = 0; i < tokens->nelts; i++) {

        if (token[i].value == NULL) {
            valid[n++] = token[i].digest;

        } else {
            if (ngx_http_complex_value(r, token[i].value, &value) != NGX_OK) {
                return NGX_ERROR;
            }

            /* an empty one matches nothing: it is left out */

            if (value.len != 0) {
                if (!clarity_token_digest(cmcf->sha256, (clarity_str_t){
                        (char *) value.data, value.len }, &valid[n]))
                {
                    return NGX_ERROR;
                }

                n++;
            }
        }

        if (n == NGX_HTTP_CLARITY_TOKEN_BATCH || i + 1 == tokens->nelts) {
            matches |= clarity_token_matches(given, valid, n);
            n = 0;
        }
    }

    return matches ? NGX_OK : NGX_DECLINED;
}
