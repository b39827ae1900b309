/*
 * Answers: 202 for a job, problem+json (RFC 9457) for a refusal. They are
 * sent from here and so are not subject to error_page.
 */

#include "ngx_http_clarity_metrics.h"

#include "json/buf.h"


static void ngx_http_clarity_set_reason(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_add_location(
    ngx_http_request_t *r, ngx_str_t *job_id);
static ngx_int_t ngx_http_clarity_discard(ngx_http_request_t *r);
static ngx_int_t ngx_http_clarity_refusal_headers(
    ngx_http_request_t *r, clarity_outcome_t outcome);
static ngx_buf_t *ngx_http_clarity_problem_body(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal);


static ngx_str_t ngx_http_clarity_json_type = ngx_string("application/json");
static ngx_str_t ngx_http_clarity_problem_type
    = ngx_string("application/problem+json");


ngx_int_t
ngx_http_clarity_accept(ngx_http_request_t *r, clarity_outcome_t outcome)
{
    size_t                  len;
    ngx_buf_t              *b;
    ngx_str_t               trigger;
    const char             *durability, *duplicate;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ctx->outcome = outcome;

    durability = clarity_durability_name(ctx->durability);
    duplicate = (outcome == CLARITY_DUPLICATE) ? "true" : "false";

    /* a trigger's name needs no escaping: letters, digits, '_' and '-' */
    trigger.data = (u_char *) ctx->webhook->trigger->name.data;
    trigger.len = ctx->webhook->trigger->name.len;

    len = sizeof("{\"job_id\":\"\",\"trigger\":\"\",\"status\":\"accepted\","
                 "\"durability\":\"replicas\",\"duplicate\":false}\n")
        - 1 + ctx->job_id.len + trigger.len;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last,
        "{\"job_id\":\"%V\",\"trigger\":\"%V\",\"status\":\"accepted\","
        "\"durability\":\"%s\",\"duplicate\":%s}\n",
        &ctx->job_id, &trigger, durability, duplicate);

    if (ngx_http_clarity_add_location(r, &ctx->job_id) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_clarity_send(r, ctx->webhook->status,
        &ngx_http_clarity_json_type, b);
}


/*
 * Where the job can be looked at. nginx makes r->headers_out.location
 * absolute, with a host and a port that may be none of the caller's.
 */

static ngx_int_t
ngx_http_clarity_add_location(ngx_http_request_t *r, ngx_str_t *job_id)
{
    u_char                      *p;
    ngx_str_t                    value;
    ngx_http_clarity_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    if (clcf->jobs_uri.len == 0) {
        return NGX_OK;
    }

    value.len = clcf->jobs_uri.len + job_id->len;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(value.data, clcf->jobs_uri.data, clcf->jobs_uri.len);
    ngx_memcpy(p, job_id->data, job_id->len);

    return ngx_http_clarity_add_header(r, "Location", &value);
}


ngx_int_t
ngx_http_clarity_valid(ngx_http_request_t *r)
{
    ngx_buf_t              *b;
    ngx_str_t               trigger;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    ctx->outcome = CLARITY_VALID;

    trigger.data = (u_char *) ctx->webhook->trigger->name.data;
    trigger.len = ctx->webhook->trigger->name.len;

    b = ngx_create_temp_buf(r->pool,
        sizeof("{\"status\":\"valid\",\"trigger\":\"\"}\n") - 1
            + trigger.len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last,
        "{\"status\":\"valid\",\"trigger\":\"%V\"}\n", &trigger);

    return ngx_http_clarity_send(r, NGX_HTTP_OK,
        &ngx_http_clarity_json_type, b);
}


ngx_int_t
ngx_http_clarity_refuse(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal)
{
    ngx_buf_t              *b;
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    ctx->outcome = refusal->outcome;
    ctx->detail = refusal->detail;
    ctx->faults = refusal->faults;

    if (ngx_http_clarity_discard(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_clarity_refusal_headers(r, refusal->outcome) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ngx_http_clarity_problem_body(r, refusal);
    if (b == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_clarity_send(r,
        clarity_outcome_info(refusal->outcome)->status,
        &ngx_http_clarity_problem_type, b);
}


ngx_int_t
ngx_http_clarity_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_buf_t *b)
{
    ngx_int_t   rc;
    ngx_str_t   no_store = ngx_string("no-store");
    ngx_chain_t out;

    ngx_http_clarity_metrics_count(r);

    /* set where an error_page led here: it would replace the status */
    r->err_status = 0;

    /* If-Match and its like are not about this answer (RFC 9110, 13.1): nginx
     * would make a 412 or a 304 of the 200 for what has been done */
    r->disable_not_modified = 1;

    r->headers_out.status = status;

    ngx_http_clarity_set_reason(r);

    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_clarity_add_header(r, "Cache-Control", &no_store) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* nginx has no reason phrase for these (RFC 9110, 15.5.21; RFC 6585, 3). */

static void
ngx_http_clarity_set_reason(ngx_http_request_t *r)
{
    switch (r->headers_out.status) {

    case 422:
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
        break;

    case 428:
        ngx_str_set(&r->headers_out.status_line, "428 Precondition Required");
        break;

    default:
        break;
    }
}


/*
 * A refused body is thrown away as it comes, neither in memory nor in a file.
 * A client that asked with Expect whether to send one gets its answer without
 * "100 Continue"; whether the body comes all the same cannot be known, so the
 * connection ends here.
 */

static ngx_int_t
ngx_http_clarity_discard(ngx_http_request_t *r)
{
    ngx_int_t rc;

    if (r->request_body) {
        return NGX_OK;
    }

    if (r->headers_in.expect) {
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_ERROR || rc == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        /* a malformed chunk: the refusal stands, the connection does not */
        r->keepalive = 0;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_refusal_headers(
    ngx_http_request_t *r, clarity_outcome_t outcome)
{
    u_char                      *p;
    unsigned                     seconds;
    ngx_str_t                    value;
    ngx_http_clarity_ctx_t      *ctx;
    ngx_http_clarity_loc_conf_t *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_clarity_webhook_module);

    seconds = clarity_outcome_info(outcome)->retry_after;

    if (seconds) {
        p = ngx_pnalloc(r->pool, NGX_INT32_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%ud", seconds) - p;

        return ngx_http_clarity_add_header(r, "Retry-After", &value);
    }

    switch (outcome) {

    case CLARITY_TOKEN_MISSING:
    case CLARITY_TOKEN_INVALID:
        /* RFC 9110, 11.6.1: a 401 names a scheme */
        p = ngx_pnalloc(r->pool,
            sizeof("Webhook-Token header=\"\"") + clcf->token_header.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "Webhook-Token header=\"%V\"",
                        &clcf->token_header)
            - p;

        return ngx_http_clarity_add_header(r, "WWW-Authenticate", &value);

    case CLARITY_METHOD_NOT_ALLOWED:
        ngx_str_set(&value, "GET"); /* of a job */

        if (ctx->webhook) {
            value = ctx->webhook->method_name;
        }

        return ngx_http_clarity_add_header(r, "Allow", &value);

    case CLARITY_MEDIA_TYPE_UNSUPPORTED:
        return ngx_http_clarity_add_header(r, "Accept",
            &ngx_http_clarity_json_type);

    default:
        return NGX_OK;
    }
}


ngx_int_t
ngx_http_clarity_add_header(
    ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_table_elt_t *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


static ngx_buf_t *
ngx_http_clarity_problem_body(
    ngx_http_request_t *r, const ngx_http_clarity_refusal_t *refusal)
{
    ngx_buf_t                    *b;
    clarity_buf_t                 buf;
    clarity_str_t                 detail;
    const clarity_outcome_info_t *info;

    info = clarity_outcome_info(refusal->outcome);

    detail = clarity_str(info->detail);

    if (refusal->detail.len) {
        detail.data = (char *) refusal->detail.data;
        detail.len = refusal->detail.len;
    }

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_buf_addf(&buf,
        "{\"type\":\"urn:problem-type:clarity:%s\",\"title\":\"%s\","
        "\"status\":%u,\"code\":\"%s\",\"detail\":",
        info->code, info->title, info->status, info->code);
    clarity_buf_add_json(&buf, detail);

    if (refusal->members.len) {
        clarity_buf_addz(&buf, ",");
        clarity_buf_add(&buf,
            (clarity_str_t){ (char *) refusal->members.data,
                refusal->members.len });
    }

    clarity_buf_addz(&buf, "}\n");

    b = buf.failed ? NULL : ngx_create_temp_buf(r->pool, buf.len);

    if (b) {
        b->last = ngx_cpymem(b->last, buf.data, buf.len);
    }

    clarity_buf_free(&buf);

    return b;
}
