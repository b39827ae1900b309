/*
 * The body of a request, or the query of a GET, against its trigger.
 */

#include "ngx_http_clarity_webhook_module.h"


/* bytes of a rewritten context whose memory is kept for the next one */
#define NGX_HTTP_CLARITY_KEPT 65536


static clarity_context_status_t ngx_http_clarity_check(
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t text,
    ngx_uint_t in_query, clarity_json_fault_t *fault);
static ngx_int_t ngx_http_clarity_join_body(
    ngx_http_request_t *r, clarity_str_t *text);
static ngx_int_t ngx_http_clarity_read_buf(
    ngx_http_request_t *r, ngx_buf_t *b, u_char *p);
static void ngx_http_clarity_json_refusal(
    ngx_http_request_t *r, ngx_uint_t in_query,
    const clarity_json_fault_t *fault, ngx_http_clarity_refusal_t *refusal);
static void ngx_http_clarity_context_refusal(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal);
static ngx_int_t ngx_http_clarity_keep(
    ngx_http_request_t *r, clarity_buf_t *buf, ngx_str_t *out);


/* One of each for the process: a check never waits. */
static clarity_context_checker_t *ngx_http_clarity_checker;
static clarity_buf_t              ngx_http_clarity_rewritten;


ngx_int_t
ngx_http_clarity_context_init(void)
{
    ngx_http_clarity_checker = clarity_context_checker_create();

    return ngx_http_clarity_checker ? NGX_OK : NGX_ERROR;
}


void
ngx_http_clarity_context_exit(void)
{
    clarity_context_checker_free(ngx_http_clarity_checker);
    clarity_buf_free(&ngx_http_clarity_rewritten);
}


void
ngx_http_clarity_context_done(void)
{
    if (ngx_http_clarity_rewritten.cap > NGX_HTTP_CLARITY_KEPT) {
        clarity_buf_free(&ngx_http_clarity_rewritten);
    }
}


ngx_int_t
ngx_http_clarity_check_context(ngx_http_request_t *r,
    const ngx_http_clarity_webhook_t *webhook, clarity_str_t *context,
    ngx_http_clarity_refusal_t *refusal)
{
    ngx_uint_t           in_query;
    clarity_str_t        text;
    clarity_json_fault_t fault;

    refusal->outcome = CLARITY_INTERNAL;

    if (ngx_http_clarity_body(r, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    in_query = r->method == NGX_HTTP_GET && (r->args.len || text.len == 0);

    if (in_query) {

        if (text.len) {
            refusal->outcome = CLARITY_CONTEXT_TWICE;
            return NGX_DECLINED;
        }

        text.data = (char *) r->args.data;
        text.len = r->args.len;
    }

    switch (ngx_http_clarity_check(webhook, text, in_query, &fault)) {

    case CLARITY_CONTEXT_VALID:
        clarity_buf_reset(&ngx_http_clarity_rewritten);
        *context = clarity_context_text(ngx_http_clarity_checker,
            &ngx_http_clarity_rewritten);

        return context->len ? NGX_OK : NGX_DECLINED;

    case CLARITY_CONTEXT_BAD_JSON:
        ngx_http_clarity_json_refusal(r, in_query, &fault, refusal);
        return NGX_DECLINED;

    case CLARITY_CONTEXT_FAULTY:
        ngx_http_clarity_context_refusal(r, refusal);
        return NGX_DECLINED;

    default: /* CLARITY_CONTEXT_NO_MEMORY */
        return NGX_DECLINED;
    }
}


static clarity_context_status_t
ngx_http_clarity_check(const ngx_http_clarity_webhook_t *webhook,
    clarity_str_t text, ngx_uint_t in_query, clarity_json_fault_t *fault)
{
    if (in_query) {
        return clarity_context_check_query(ngx_http_clarity_checker,
            webhook->trigger, webhook->rules, text, fault);
    }

    return clarity_context_check(ngx_http_clarity_checker,
        webhook->trigger, webhook->rules, text, fault);
}


/*
 * The whole body in one piece: where it lies, if nginx has it in one buffer,
 * else copied from its buffers and its temporary file. Where error_page led
 * here while it came, nginx reads no more of it.
 */

ngx_int_t
ngx_http_clarity_body(ngx_http_request_t *r, clarity_str_t *text)
{
    ngx_http_clarity_ctx_t *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);

    if (ctx->body.data == NULL
        && ngx_http_clarity_join_body(r, &ctx->body) != NGX_OK)
    {
        ctx->body.data = NULL;
        return NGX_ERROR;
    }

    *text = ctx->body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_join_body(ngx_http_request_t *r, clarity_str_t *text)
{
    off_t        size;
    u_char      *p;
    ngx_buf_t   *b;
    ngx_chain_t *cl, *bufs;

    text->data = "";
    text->len = 0;

    if (r->request_body && r->request_body->rest > 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
            "clarity: the request was led here before its body had come; no "
            "\"error_page\" for 400 or 413 and no \"proxy_request_buffering "
            "off\" may lead to a webhook");
        return NGX_ERROR;
    }

    bufs = r->request_body ? r->request_body->bufs : NULL;

    if (bufs == NULL) {
        return NGX_OK;
    }

    b = bufs->buf;

    if (bufs->next == NULL && !b->in_file) {
        text->data = (char *) b->pos;
        text->len = b->last - b->pos;
        return NGX_OK;
    }

    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = (char *) p;
    text->len = size;

    for (cl = bufs; cl; cl = cl->next) {
        if (ngx_http_clarity_read_buf(r, cl->buf, p) != NGX_OK) {
            return NGX_ERROR;
        }

        p += ngx_buf_size(cl->buf);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_clarity_read_buf(ngx_http_request_t *r, ngx_buf_t *b, u_char *p)
{
    off_t   pos;
    ssize_t n;

    if (ngx_buf_in_memory(b)) {
        ngx_memcpy(p, b->pos, b->last - b->pos);
        return NGX_OK;
    }

    for (pos = b->file_pos; pos < b->file_last; pos += n) {
        n = ngx_read_file(b->file, p + (pos - b->file_pos),
            b->file_last - pos, pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == 0) {
            ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                "clarity: the body's file \"%V\" ends at %O of %O",
                &b->file->name, pos, b->file_last);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_clarity_json_refusal(
    ngx_http_request_t *r, ngx_uint_t in_query,
    const clarity_json_fault_t *fault, ngx_http_clarity_refusal_t *refusal)
{
    ngx_str_t     detail, members;
    clarity_buf_t buf;

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    if (in_query) {
        clarity_buf_addf(&buf, "The query is wrong at byte %zu of it: %s.",
            fault->column, fault->reason);

    } else {
        clarity_buf_addf(&buf, "Not JSON at line %zu, column %zu",
            fault->line, fault->column);

        if (fault->inside) {
            clarity_buf_addf(&buf, ", byte %zu of the string",
                fault->inside + 1);
        }

        clarity_buf_addf(&buf, ": %s.", fault->reason);
    }

    if (ngx_http_clarity_keep(r, &buf, &detail) != NGX_OK) {
        return;
    }

    clarity_buf_addf(&buf, "\"line\":%zu,\"column\":%zu,\"offset\":%zu",
        fault->line, fault->column, fault->offset);

    if (ngx_http_clarity_keep(r, &buf, &members) != NGX_OK) {
        return;
    }

    clarity_buf_free(&buf);

    refusal->outcome = CLARITY_JSON_INVALID_BODY;
    refusal->detail = detail;
    refusal->members = members;
}


static void
ngx_http_clarity_context_refusal(
    ngx_http_request_t *r, ngx_http_clarity_refusal_t *refusal)
{
    ngx_str_t                 detail, members;
    clarity_buf_t             buf;
    clarity_context_packed_t *faults;

    faults = ngx_palloc(r->pool, sizeof(clarity_context_packed_t));
    if (faults == NULL) {
        return;
    }

    clarity_context_pack(ngx_http_clarity_checker, faults);

    ngx_memzero(&buf, sizeof(clarity_buf_t));

    clarity_context_summary(ngx_http_clarity_checker, &buf);

    if (ngx_http_clarity_keep(r, &buf, &detail) != NGX_OK) {
        return;
    }

    clarity_context_problem(ngx_http_clarity_checker, &buf);

    if (ngx_http_clarity_keep(r, &buf, &members) != NGX_OK) {
        return;
    }

    clarity_buf_free(&buf);

    refusal->outcome = CLARITY_CONTEXT_INVALID;
    refusal->detail = detail;
    refusal->members = members;
    refusal->faults = faults;
}


/* Moves the text into the request's pool; the buffer is empty then. */

static ngx_int_t
ngx_http_clarity_keep(
    ngx_http_request_t *r, clarity_buf_t *buf, ngx_str_t *out)
{
    if (!buf->failed) {
        out->len = buf->len;
        out->data = ngx_pnalloc(r->pool, buf->len);

        if (out->data) {
            ngx_memcpy(out->data, buf->data, buf->len);
            clarity_buf_reset(buf);
            return NGX_OK;
        }
    }

    clarity_buf_free(buf);

    return NGX_ERROR;
}
