/*
 * Directives of tokens, in nginx.conf and in files.
 */

#include "ngx_http_clarity_webhook_module.h"


static ngx_int_t ngx_http_clarity_check_variables(
    ngx_conf_t *cf, ngx_str_t *text);
static ngx_uint_t ngx_http_clarity_is_callers(ngx_str_t *name);
static char *ngx_http_clarity_add_token(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *clcf, clarity_str_t text, ngx_str_t *file,
    ngx_uint_t line);
static ngx_http_clarity_token_t *ngx_http_clarity_push_token(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf);


/*
 * What a caller sends, or chooses as its address is, is in these, and in those
 * that begin so. A named capture cannot be told from what "set" has set.
 */

static ngx_str_t ngx_http_clarity_callers_variables[] = {
    ngx_string("args"),
    ngx_string("binary_remote_addr"),
    ngx_string("content_length"),
    ngx_string("content_type"),
    ngx_string("document_uri"),
    ngx_string("host"),
    ngx_string("is_args"),
    ngx_string("proxy_add_x_forwarded_for"),
    ngx_string("query_string"),
    ngx_string("realip_remote_addr"),
    ngx_string("realip_remote_port"),
    ngx_string("remote_addr"),
    ngx_string("remote_port"),
    ngx_string("remote_user"),
    ngx_string("request"),
    ngx_string("request_body"),
    ngx_string("request_filename"),
    ngx_string("request_length"),
    ngx_string("request_method"),
    ngx_string("request_uri"),
    ngx_string("scheme"),
    ngx_string("server_protocol"),
    ngx_string("slice_range"),
    ngx_string("uri"),
    ngx_null_string
};


static ngx_str_t ngx_http_clarity_callers_prefixes[] = {
    ngx_string("arg_"),
    ngx_string("cookie_"),
    ngx_string("http_"),
    ngx_string("proxy_protocol_"),
    ngx_string("ssl_"),
    ngx_null_string
};


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

        return ngx_http_clarity_add_token(cf, clcf, text, NULL, 0);
    }

    if (ngx_http_clarity_check_variables(cf, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    token = ngx_http_clarity_push_token(cf, clcf);
    if (token == NULL) {
        return NGX_CONF_ERROR;
    }

    token->text = value[1];
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


/* A token that its caller can name opens the webhook to everybody. */

static ngx_int_t
ngx_http_clarity_check_variables(ngx_conf_t *cf, ngx_str_t *text)
{
    size_t    at;
    ngx_str_t name;

    at = 0;

    while (ngx_http_clarity_next_variable(text, &at, &name)) {

        if (ngx_http_clarity_is_callers(&name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                "the token holds \"$%V\", which is what the caller sends; "
                "expected a secret, or a variable that has one, as that of a "
                "\"map\"", &name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_clarity_next_variable(ngx_str_t *text, size_t *at, ngx_str_t *name)
{
    u_char *p, *last, *start;

    last = text->data + text->len;

    for (p = text->data + *at; p < last; p++) {

        if (*p != '$') {
            continue;
        }

        start = p + 1;

        if (start < last && *start == '{') {
            start++;
        }

        for (p = start; p < last; p++) {
            if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')
                  || (*p >= '0' && *p <= '9') || *p == '_'))
            {
                break;
            }
        }

        name->data = start;
        name->len = p - start;
        *at = p - text->data;

        return 1;
    }

    return 0;
}


/* Captures, "$1", are of the address. */

static ngx_uint_t
ngx_http_clarity_is_callers(ngx_str_t *name)
{
    ngx_str_t *known;

    if (name->len && name->data[0] >= '0' && name->data[0] <= '9') {
        return 1;
    }

    for (known = ngx_http_clarity_callers_variables; known->len; known++) {
        if (known->len == name->len
            && ngx_strncasecmp(known->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    for (known = ngx_http_clarity_callers_prefixes; known->len; known++) {
        if (known->len <= name->len
            && ngx_strncasecmp(known->data, name->data, known->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


char *
ngx_http_clarity_set_token_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    unsigned      line;
    ngx_str_t    *value, text;
    ngx_uint_t    n;
    clarity_str_t rest, token;

    value = cf->args->elts;

    if (ngx_http_clarity_read_file(cf, &value[1], 1, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rest.data = (char *) text.data;
    rest.len = text.len;
    line = 0;
    n = 0;

    while (clarity_token_next_line(&rest, &line, &token)) {

        if (ngx_http_clarity_add_token(cf, clcf, token, &value[1], line)
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


/* file: NULL, or that which it is a line of. */

static char *
ngx_http_clarity_add_token(ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf,
    clarity_str_t text, ngx_str_t *file, ngx_uint_t line)
{
    u_char                       *p;
    const char                   *why;
    ngx_http_clarity_token_t     *token;
    ngx_http_clarity_main_conf_t *cmcf;
    u_char                        where[NGX_MAX_PATH + NGX_INT_T_LEN];

    why = clarity_token_refused(text);

    if (why) {
        p = where;

        if (file) {
            p = ngx_slprintf(where, where + sizeof(where), " in %V:%ui", file,
                line);
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "the token%*s %s; expected 1 to %d printable characters of ASCII "
            "and no space", p - where, where, why, CLARITY_TOKEN_MAX);
        return NGX_CONF_ERROR;
    }

    token = ngx_http_clarity_push_token(cf, clcf);
    if (token == NULL) {
        return NGX_CONF_ERROR;
    }

    token->value = NULL;

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
    ngx_http_clarity_main_conf_t  *cmcf;
    ngx_http_clarity_token_list_t *list;

    if (clcf->tokens == NGX_CONF_UNSET_PTR) {
        cmcf = ngx_http_conf_get_module_main_conf(cf,
            ngx_http_clarity_webhook_module);

        list = ngx_array_push(&cmcf->token_lists);
        if (list == NULL) {
            return NULL;
        }

        clcf->tokens = ngx_array_create(cf->pool, 2,
            sizeof(ngx_http_clarity_token_t));
        if (clcf->tokens == NULL) {
            return NULL;
        }

        list->tokens = clcf->tokens;
        list->place = ngx_http_clarity_place(cf);
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

    if (ngx_http_clarity_header_name(cf, &value[1],
            NGX_HTTP_CLARITY_TOKEN_HEADER)
        != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    clcf->token_header = value[1];

    return NGX_CONF_OK;
}
