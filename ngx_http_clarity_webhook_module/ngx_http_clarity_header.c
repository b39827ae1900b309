/*
 * Names of request headers that directives give: one that already means
 * something would be read as both.
 */

#include "ngx_http_clarity_webhook_module.h"


typedef struct {
    ngx_str_t   name;
    ngx_uint_t  used_for; /* what it cannot be, NGX_HTTP_CLARITY_TOKEN, … */
    const char *why;
} ngx_http_clarity_taken_header_t;


#define NGX_HTTP_CLARITY_TOKEN NGX_HTTP_CLARITY_TOKEN_HEADER
#define NGX_HTTP_CLARITY_KEY   NGX_HTTP_CLARITY_KEY_HEADER
#define NGX_HTTP_CLARITY_BOTH  (NGX_HTTP_CLARITY_TOKEN | NGX_HTTP_CLARITY_KEY)

#define NGX_HTTP_CLARITY_FRAMES "it says how the request is sent"
#define NGX_HTTP_CLARITY_BODY   "it says what the body is"
#define NGX_HTTP_CLARITY_OF_KEY "it holds the idempotency key"
#define NGX_HTTP_CLARITY_OF_LOG "logs show it"


static ngx_http_clarity_taken_header_t ngx_http_clarity_taken_headers[] = {

    { ngx_string("host"), NGX_HTTP_CLARITY_BOTH, "the server is found by it" },

    { ngx_string("connection"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("keep-alive"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("content-length"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("transfer-encoding"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("te"), NGX_HTTP_CLARITY_BOTH, NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("trailer"), NGX_HTTP_CLARITY_BOTH, NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("upgrade"), NGX_HTTP_CLARITY_BOTH, NGX_HTTP_CLARITY_FRAMES },
    { ngx_string("expect"), NGX_HTTP_CLARITY_BOTH, NGX_HTTP_CLARITY_FRAMES },

    { ngx_string("content-type"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_BODY },
    { ngx_string("content-encoding"), NGX_HTTP_CLARITY_BOTH,
      NGX_HTTP_CLARITY_BODY },

    { ngx_string("cookie"), NGX_HTTP_CLARITY_BOTH,
      "browsers send it, whoever's page asks them to" },
    { ngx_string("traceparent"), NGX_HTTP_CLARITY_BOTH,
      "it names the trace, and goes into the job" },
    { ngx_string("x-clarity-dry-run"), NGX_HTTP_CLARITY_BOTH,
      "it says whether the request is a dry run" },

    { ngx_string("x-request-id"), NGX_HTTP_CLARITY_TOKEN,
      "it names the request, and goes into the job and into logs" },
    { ngx_string("idempotency-key"), NGX_HTTP_CLARITY_TOKEN,
      NGX_HTTP_CLARITY_OF_KEY },
    { ngx_string("webhook-id"), NGX_HTTP_CLARITY_TOKEN,
      NGX_HTTP_CLARITY_OF_KEY },
    { ngx_string("referer"), NGX_HTTP_CLARITY_TOKEN, NGX_HTTP_CLARITY_OF_LOG },
    { ngx_string("user-agent"), NGX_HTTP_CLARITY_TOKEN,
      NGX_HTTP_CLARITY_OF_LOG },
    { ngx_string("x-forwarded-for"), NGX_HTTP_CLARITY_TOKEN,
      NGX_HTTP_CLARITY_OF_LOG },

    { ngx_string("authorization"), NGX_HTTP_CLARITY_KEY,
      "it holds a credential" },

    { ngx_null_string, 0, NULL }
};


/*
 * Only letters, digits and '-': nginx drops request headers with others
 * unless it is told otherwise.
 */

ngx_int_t
ngx_http_clarity_header_name(
    ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t use)
{
    u_char                           c;
    size_t                           i;
    ngx_http_clarity_taken_header_t *taken;

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

    for (taken = ngx_http_clarity_taken_headers; taken->used_for; taken++) {

        if ((taken->used_for & use) && taken->name.len == name->len
            && ngx_memcmp(taken->name.data, name->data, name->len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                "the header \"%V\" cannot hold %s, as %s; expected %s", name,
                use == NGX_HTTP_CLARITY_TOKEN ? "a token"
                    : "an idempotency key", taken->why,
                use == NGX_HTTP_CLARITY_TOKEN
                    ? "one of its own, as \"x-clarity-webhook-token\""
                    : "one that is another for each new request, as "
                      "\"idempotency-key\"");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_clarity_check_headers(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_str_t *token, *key;

    token = &conf->token_header;
    key = &conf->idempotency_header;

    if (token->len != key->len
        || ngx_memcmp(token->data, key->data, key->len) != 0)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
        "\"%V\" in %V:%ui has its token and its idempotency key in one "
        "header, \"%V\"; give \"clarity_webhook_token_header\" or \"header=\" "
        "of \"clarity_idempotency\" another", &conf->directive,
        &conf->place.file, conf->place.line, token);

    return NGX_ERROR;
}
