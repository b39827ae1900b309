/*
 * What stands against a change: no such webhook, somebody else's change,
 * another webhook's address, a body that is wrong.
 */

#include "ngx_http_clarity_api.h"

#include "job/key.h"
#include "redis/reply_error.h"


#define NGX_HTTP_CLARITY_WORDS 200 /* bytes of an error reply in the log */


static ngx_uint_t ngx_http_clarity_api_names(
    ngx_str_t *if_match, uint64_t revision);


ngx_int_t
ngx_http_clarity_api_no_webhook(ngx_http_request_t *r)
{
    u_char                         detail[1024];
    clarity_key_t                  key;
    ngx_http_clarity_api_t        *api;
    ngx_http_clarity_ctx_t        *ctx;
    ngx_http_clarity_unreadable_t *unreadable;

    ctx = ngx_http_get_module_ctx(r, ngx_http_clarity_webhook_module);
    api = ctx->api;

    if (api->conf) {
        *ngx_snprintf(detail, sizeof(detail) - 1,
            "This webhook is written in nginx.conf: change it there, in "
            "%V:%ui, and reload nginx.",
            &api->conf->place.file, api->conf->place.line)
            = '\0';

        return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT, "read_only",
            (char *) detail);
    }

    if (api->unreadable.nelts) {
        unreadable = api->unreadable.elts;
        clarity_key_webhooks(&key, ngx_http_clarity_api_prefix(api));

        *ngx_snprintf(detail, sizeof(detail) - 1,
            "Redis has a record of this webhook, but it cannot be read (%s). "
            "DELETE without If-Match removes it, as does HDEL \"%*s\" "
            "\"id:%V\" in redis-cli.",
            unreadable->why.text, key.len, key.data, &unreadable->id)
            = '\0';

        return ngx_http_clarity_api_problem(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
            "record_unreadable", (char *) detail);
    }

    return ngx_http_clarity_api_problem(r, NGX_HTTP_NOT_FOUND,
        "webhook_not_found", "There is no webhook of that id.");
}


ngx_uint_t
ngx_http_clarity_api_may_change(ngx_http_request_t *r,
    ngx_http_clarity_api_t *api, ngx_int_t *rc)
{
    ngx_int_t found;
    ngx_str_t value;

    static ngx_str_t if_match = ngx_string("if-match");

    if (api->webhook == NULL) {
        *rc = ngx_http_clarity_api_no_webhook(r);
        return 0;
    }

    found = ngx_http_clarity_header(r, &if_match, &value);

    if (found == NGX_DECLINED) {
        api->condition = NGX_HTTP_CLARITY_NO_CONDITION;
        return 1;
    }

    if (found == NGX_OK && value.len == 1 && value.data[0] == '*') {
        api->condition = NGX_HTTP_CLARITY_ANY_REVISION;
        return 1;
    }

    if (found == NGX_OK
        && ngx_http_clarity_api_names(&value, api->webhook->revision))
    {
        api->condition = NGX_HTTP_CLARITY_REVISION;
        return 1;
    }

    *rc = ngx_http_clarity_api_stale(r, api->webhook->revision);

    return 0;
}


ngx_int_t
ngx_http_clarity_api_stale(ngx_http_request_t *r, uint64_t revision)
{
    if (ngx_http_clarity_api_add_etag(r, revision) != NGX_OK) {
        return ngx_http_clarity_api_internal(r);
    }

    return ngx_http_clarity_api_problem(r, NGX_HTTP_PRECONDITION_FAILED,
        "precondition_failed",
        "Somebody else has changed the webhook meanwhile: look at it again.");
}


ngx_uint_t
ngx_http_clarity_api_is_damaged(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    ngx_str_t value;

    static ngx_str_t if_match = ngx_string("if-match");

    return api->webhook == NULL && api->conf == NULL && api->unreadable.nelts
        && ngx_http_clarity_header(r, &if_match, &value) == NGX_DECLINED;
}


/*
 * RFC 9110, 13.1.1: a list of which one is to be the same, by the strong
 * comparison: W/"1" is not.
 */

static ngx_uint_t
ngx_http_clarity_api_names(ngx_str_t *if_match, uint64_t revision)
{
    size_t  len;
    u_char  etag[NGX_INT64_LEN + 2];
    u_char *p, *last, *end;

    p = if_match->data;
    last = p + if_match->len;

    len = ngx_sprintf(etag, "\"%uL\"", revision) - etag;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        for (end = p; end < last && *end != ','; end++) {
            /* void: none of ours holds a comma */
        }

        while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }

        if ((size_t) (end - p) == len && ngx_memcmp(p, etag, len) == 0) {
            return 1;
        }

        p = end + 1;
    }

    return 0;
}


ngx_int_t
ngx_http_clarity_api_shadowed(
    ngx_http_request_t *r, ngx_http_clarity_api_t *api)
{
    u_char                       detail[1024];
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_clarity_loc_conf_t *conf;

    clcf = ngx_http_clarity_shadow(api->cmcf,
        clarity_str(api->changed.endpoint));

    if (clcf == NULL) {
        return NGX_DECLINED;
    }

    conf = clcf->loc_conf
        ? clcf->loc_conf[ngx_http_clarity_webhook_module.ctx_index]
        : NULL;

    if (conf && conf->webhook.trigger) {
        *ngx_snprintf(detail, sizeof(detail) - 1,
            "That address is the location \"%V\" of nginx.conf, %V:%ui, "
            "where another webhook is written.",
            &conf->location, &conf->place.file, conf->place.line)
            = '\0';

    } else {
        *ngx_snprintf(detail, sizeof(detail) - 1,
            "nginx.conf leads that address to the location \"%V\", where "
            "webhooks made at run time are not served. Use another endpoint.",
            &clcf->name)
            = '\0';
    }

    return ngx_http_clarity_api_problem(r, NGX_HTTP_CONFLICT,
        "endpoint_taken", (char *) detail);
}


ngx_int_t
ngx_http_clarity_api_faults(
    ngx_http_request_t *r, clarity_faults_t *faults, const char *detail)
{
    ngx_int_t     rc;
    clarity_buf_t members;

    ngx_memzero(&members, sizeof(clarity_buf_t));

    clarity_faults_write(faults, &members);
    clarity_faults_free(faults);

    rc = members.failed
        ? ngx_http_clarity_api_internal(r)
        : ngx_http_clarity_api_problem_with(r, 422, "invalid", detail,
              clarity_buf_str(&members));

    clarity_buf_free(&members);

    return rc;
}


/* What Redis itself says, where no more is known of it. */

ngx_int_t
ngx_http_clarity_api_refused(
    ngx_http_request_t *r, const char *what, const redisReply *reply)
{
    size_t                            i, len;
    u_char                            detail[512];
    u_char                            words[NGX_HTTP_CLARITY_WORDS];
    const char                       *why;
    const clarity_redis_error_info_t *info;

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });
    why = (info->code == CLARITY_REDIS_ERR_OTHER) ? reply->str
                                                  : info->meaning;

    *ngx_snprintf(detail, sizeof(detail) - 1, "%s: %s.%s", what, why,
        info->code == CLARITY_REDIS_ERR_OTHER ? ""
            : " The error log of nginx has what Redis said.")
        = '\0';

    /* of Redis' words, not of what it was sent; nginx escapes none */
    len = ngx_min(reply->len, NGX_HTTP_CLARITY_WORDS);

    for (i = 0; i < len; i++) {
        words[i] = (reply->str[i] >= ' ' && reply->str[i] <= '~')
            ? reply->str[i] : '?';
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "%s: \"%*s\"", what,
        len, words);

    return ngx_http_clarity_api_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
        clarity_outcome_info(CLARITY_QUEUE_UNAVAILABLE)->code,
        (char *) detail);
}
