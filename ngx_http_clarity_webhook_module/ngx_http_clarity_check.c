/*
 * What can be checked only when all of the configuration has been read.
 */

#include "ngx_http_clarity_metrics.h"

#include "json/text.h"


static ngx_int_t ngx_http_clarity_check_name(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf);
static const char *ngx_http_clarity_name_refused(ngx_str_t *name);
static ngx_int_t ngx_http_clarity_check_names(
    ngx_conf_t *cf, ngx_array_t *webhooks);
static int ngx_libc_cdecl ngx_http_clarity_cmp_names(
    const void *one, const void *two);


/* Postconfiguration: webhooks against each other. */

ngx_int_t
ngx_http_clarity_check_conf(ngx_conf_t *cf)
{
    ngx_str_t                     name = ngx_string("request_id");
    ngx_str_t                     webhook_name
        = ngx_string("clarity_webhook");
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **webhook;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    if (cmcf->redis.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_clarity_label_redis(cf) != NGX_OK) {
        return NGX_ERROR;
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

    for (i = 0; i < cmcf->webhooks.nelts; i++) {

        if (ngx_http_clarity_check_name(cf, webhook[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_clarity_check_names(cf, &cmcf->webhooks);
}


/*
 * A name is a label in the metrics and a field of jobs, which people look for
 * by it: what cannot be shown as it is would be another one there.
 */

static ngx_int_t
ngx_http_clarity_check_name(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    ngx_str_t  *name;
    const char *why;

    name = &conf->webhook.name;
    why = ngx_http_clarity_name_refused(name);

    if (why == NULL) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
        "the name %s of the webhook in %V:%ui %s%s; give it one with "
        "\"name=NAME\": 1 to %d bytes of UTF-8 without control characters",
        clarity_quote(
            (clarity_str_t){ (char *) name->data, name->len }).text,
        &conf->place.file, conf->place.line,
        conf->webhook.named ? "" : "is made of its location, and ", why,
        NGX_HTTP_CLARITY_METRICS_NAME);

    return NGX_ERROR;
}


static const char *
ngx_http_clarity_name_refused(ngx_str_t *name)
{
    size_t  n;
    u_char *p, *last;

    if (name->len > NGX_HTTP_CLARITY_METRICS_NAME) {
        return "is too long";
    }

    if (name->len == 5 && ngx_strncmp(name->data, "_none", 5) == 0) {
        return "is that of requests without a webhook in clarity_metrics";
    }

    if (name->len == 6 && ngx_strncmp(name->data, "_other", 6) == 0) {
        return "is that of all webhooks without a series of their own in "
               "clarity_metrics";
    }

    if (name->len >= 3 && ngx_strncmp(name->data, "wh_", 3) == 0) {
        return "begins as the ids of webhooks that are made at run time";
    }

    last = name->data + name->len;

    for (p = name->data; p < last; p += n) {
        n = clarity_utf8_char((char *) p, (char *) last);

        if (n == 0) {
            return "is not UTF-8";
        }

        if (*p < 0x20 || *p == 0x7f) {
            return "holds a control character";
        }
    }

    return NULL;
}


/* No two: jobs and metrics know a webhook by its name alone. */

static ngx_int_t
ngx_http_clarity_check_names(ngx_conf_t *cf, ngx_array_t *webhooks)
{
    ngx_str_t                    *name;
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **sorted;

    sorted = ngx_palloc(cf->temp_pool, webhooks->nelts * sizeof(void *));
    if (sorted == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(sorted, webhooks->elts, webhooks->nelts * sizeof(void *));
    ngx_qsort(sorted, webhooks->nelts, sizeof(void *),
        ngx_http_clarity_cmp_names);

    for (i = 1; i < webhooks->nelts; i++) {

        if (ngx_http_clarity_cmp_names(&sorted[i - 1], &sorted[i]) != 0) {
            continue;
        }

        name = &sorted[i]->webhook.name;

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "two webhooks are named \"%V\", in %V:%ui and in %V:%ui; give "
            "one another name with \"name=\"", name,
            &sorted[i - 1]->place.file, sorted[i - 1]->place.line,
            &sorted[i]->place.file, sorted[i]->place.line);

        return NGX_ERROR;
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_clarity_cmp_names(const void *one, const void *two)
{
    ngx_http_clarity_loc_conf_t *const *a = one;
    ngx_http_clarity_loc_conf_t *const *b = two;

    return (int) ngx_memn2cmp((*a)->webhook.name.data,
        (*b)->webhook.name.data, (*a)->webhook.name.len,
        (*b)->webhook.name.len);
}
