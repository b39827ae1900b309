/*
 * clarity_problem: nginx's own refusals in the shape of ours.
 *
 *     error_page 400 404 413 414 429 494 /problem;
 *     location = /problem { internal; clarity_problem; }
 *
 * Not a named location: nginx cannot send a request there whose first line it
 * could not read.
 */

#include "ngx_http_clarity_webhook_module.h"


typedef struct {
    ngx_uint_t        status;
    clarity_outcome_t outcome;
    ngx_str_t         detail; /* empty: the outcome's own */
} ngx_http_clarity_problem_t;


static ngx_uint_t ngx_http_clarity_problem_status(ngx_http_request_t *r);


static ngx_http_clarity_problem_t ngx_http_clarity_problems[] = {
    { NGX_HTTP_BAD_REQUEST, CLARITY_BAD_REQUEST, ngx_null_string },
    { NGX_HTTP_REQUEST_HEADER_TOO_LARGE, CLARITY_BAD_REQUEST,
      ngx_null_string },
    { NGX_HTTP_NOT_FOUND, CLARITY_WEBHOOK_NOT_FOUND, ngx_null_string },
    { NGX_HTTP_REQUEST_TIME_OUT, CLARITY_REQUEST_TIMEOUT, ngx_null_string },
    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, CLARITY_PAYLOAD_TOO_LARGE,
      ngx_null_string },
    { NGX_HTTP_TOO_MANY_REQUESTS, CLARITY_RATE_LIMITED, ngx_null_string },
    { NGX_HTTP_INTERNAL_SERVER_ERROR, CLARITY_INTERNAL, ngx_null_string },
    { NGX_HTTP_REQUEST_URI_TOO_LARGE, CLARITY_BAD_REQUEST,
      ngx_string("The address is longer than this server takes. Send the"
                 " context in the body.") },
    { NGX_HTTPS_CERT_ERROR, CLARITY_BAD_REQUEST,
      ngx_string("The client's certificate is not one that this server"
                 " takes.") },
    { NGX_HTTPS_NO_CERT, CLARITY_BAD_REQUEST,
      ngx_string("This server asks for a client's certificate, and none was"
                 " sent.") },
    { NGX_HTTP_TO_HTTPS, CLARITY_BAD_REQUEST,
      ngx_string("The request came as HTTP to where HTTPS is spoken. Send it"
                 " to https://.") },
    { 0, CLARITY_NOUTCOMES, ngx_null_string }
};


ngx_int_t
ngx_http_clarity_problem_handler(ngx_http_request_t *r)
{
    ngx_uint_t                  i, status;
    ngx_http_clarity_ctx_t     *ctx;
    ngx_http_clarity_problem_t *problem;
    ngx_http_clarity_refusal_t  refusal;

    status = ngx_http_clarity_problem_status(r);

    for (i = 0; ngx_http_clarity_problems[i].status != 0; i++) {
        problem = &ngx_http_clarity_problems[i];

        if (problem->status != status) {
            continue;
        }

        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_clarity_ctx_t));
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_set_ctx(r, ctx, ngx_http_clarity_webhook_module);

        ngx_memzero(&refusal, sizeof(ngx_http_clarity_refusal_t));
        refusal.outcome = problem->outcome;
        refusal.detail = problem->detail;

        return ngx_http_clarity_refuse_unread(r, &refusal);
    }

    /* one that has no code of ours: nginx's own page */
    return status;
}


/*
 * Without an error it is a location with nothing in it. With "=" error_page
 * has put another status in the place of the error's, or none; one that is no
 * error's has no answer here, and returned, would have none at all.
 */

static ngx_uint_t
ngx_http_clarity_problem_status(ngx_http_request_t *r)
{
    if (r->err_status == 0 && !r->error_page) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (r->err_status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return r->err_status;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
        "clarity_problem is not told which error it is to answer; leave out "
        "the \"=\" of the \"error_page\" that leads to it");

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


char *
ngx_http_clarity_set_problem(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_clarity_take_location(cf, cmd, conf,
        ngx_http_clarity_problem_handler);
}
