/*
 * Tokens: from nginx.conf and files at load, against the header of a request.
 */

#include "ngx_http_clarity_webhook_module.h"


/* valid tokens looked at in one go; enough for a rotation */
#define NGX_HTTP_CLARITY_TOKEN_BATCH 16


static char *ngx_http_clarity_add_token(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf, clarity_str_t token,
    ngx_http_clarity_place_t place);
static ngx_http_clarity_token_t *ngx_http_clarity_push_token(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf);


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


char *
ngx_http_clarity_set_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t                       *value;
    clarity_str_t                    text;
    ngx_http_clarity_token_t        *token;
    ngx_http_compile_complex_value_t ccv;

    value = cf->args->elts;

    if (ngx_http_script_variables_count(&value[1]) == 0) {
        text.data = (char *) value[1].data;
        text.len = value[1].len;

        return ngx_http_clarity_add_token(cf, clcf, text,
            ngx_http_clarity_place(cf));
    }

    token = ngx_http_clarity_push_token(cf, clcf);
    if (token == NULL) {
        return NGX_CONF_ERROR;
    }

    token->place = ngx_http_clarity_place(cf);

    token->value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (token->value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = token->value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_token_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    unsigned                 line;
    ngx_str_t               *value, text;
    ngx_uint_t               n;
    clarity_str_t            rest, token;
    ngx_http_clarity_place_t place;

    value = cf->args->elts;

    if (ngx_http_clarity_read_file(cf, &value[1], 1, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rest.data = (char *) text.data;
    rest.len = text.len;
    line = 0;
    n = 0;

    place.file = value[1];

    while (clarity_token_next_line(&rest, &line, &token)) {
        place.line = line;

        if (ngx_http_clarity_add_token(cf, clcf, token, place)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        n++;
    }

    ngx_explicit_memzero(text.data, text.len);

    if (n == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "no token in \"%V\"; expected one a line", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * Only letters, digits and '-': nginx drops request headers with others
 * unless it is told otherwise.
 */

ngx_int_t
ngx_http_clarity_header_name(ngx_conf_t *cf, ngx_str_t *name)
{
    u_char c;
    size_t i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i] = ngx_tolower(name->data[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
            break;
        }
    }

    if (i == 0 || i < name->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid header name \"%V\"; expected letters, digits and \"-\"",
            name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static char *
ngx_http_clarity_add_token(ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf,
    clarity_str_t text, ngx_http_clarity_place_t place)
{
    const char                   *why;
    ngx_http_clarity_token_t     *token;
    ngx_http_clarity_main_conf_t *cmcf;

    why = clarity_token_refused(text);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "the token in %V:%ui %s", &place.file, place.line, why);
        return NGX_CONF_ERROR;
    }

    token = ngx_http_clarity_push_token(cf, clcf);
    if (token == NULL) {
        return NGX_CONF_ERROR;
    }

    token->value = NULL;
    token->place = place;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (!clarity_token_digest(cmcf->sha256, text, &token->digest)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "SHA-256 failed");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_http_clarity_token_t *
ngx_http_clarity_push_token(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf)
{
    if (clcf->tokens == NGX_CONF_UNSET_PTR) {
        clcf->tokens = ngx_array_create(cf->pool, 2,
            sizeof(ngx_http_clarity_token_t));
        if (clcf->tokens == NULL) {
            return NULL;
        }
    }

    return ngx_array_push(clcf->tokens);
}


char *
ngx_http_clarity_set_token_header(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t *value;

    if (clcf->token_header.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_clarity_header_name(cf, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    clcf->token_header = value[1];

    return NGX_CONF_OK;
}
