/*
 * Tokens that are good one by one, and wrong together: told of at load, in few
 * lines whatever there is.
 */

#include "ngx_http_clarity_webhook_module.h"


#define NGX_HTTP_CLARITY_SHARED_LINES    16 /* of tokens with many webhooks */
#define NGX_HTTP_CLARITY_SHARED_WEBHOOKS 4  /* in each */


/* A token, and a webhook that it opens. */
typedef struct {
    const clarity_token_digest_t *digest;
    ngx_http_clarity_loc_conf_t  *conf;
    ngx_uint_t                    index; /* the webhook's, of all */
} ngx_http_clarity_opens_t;


static ngx_int_t ngx_http_clarity_check_shared(ngx_conf_t *cf);
static ngx_http_clarity_opens_t *ngx_http_clarity_all_tokens(
    ngx_conf_t *cf, ngx_uint_t *n);
static int ngx_libc_cdecl ngx_http_clarity_cmp_opens(
    const void *one, const void *two);
static ngx_uint_t ngx_http_clarity_group(
    ngx_http_clarity_opens_t *opens, ngx_uint_t n, ngx_uint_t *webhooks);
static void ngx_http_clarity_tell_shared(ngx_conf_t *cf,
    ngx_http_clarity_opens_t *opens, ngx_uint_t n, ngx_uint_t webhooks);
static void ngx_http_clarity_check_unused(
    ngx_conf_t *cf, ngx_http_clarity_token_list_t *list);
static void ngx_http_clarity_check_known(
    ngx_conf_t *cf, ngx_http_clarity_token_list_t *list);
static ngx_uint_t ngx_http_clarity_is_known_variable(
    ngx_conf_t *cf, ngx_str_t *name);


ngx_int_t
ngx_http_clarity_check_tokens(ngx_conf_t *cf)
{
    ngx_uint_t                     i;
    ngx_http_clarity_main_conf_t  *cmcf;
    ngx_http_clarity_token_list_t *list;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    list = cmcf->token_lists.elts;

    for (i = 0; i < cmcf->token_lists.nelts; i++) {
        ngx_http_clarity_check_unused(cf, &list[i]);
        ngx_http_clarity_check_known(cf, &list[i]);
    }

    return ngx_http_clarity_check_shared(cf);
}


static ngx_int_t
ngx_http_clarity_check_shared(ngx_conf_t *cf)
{
    ngx_uint_t                i, n, group, webhooks, shared;
    ngx_http_clarity_opens_t *opens;

    opens = ngx_http_clarity_all_tokens(cf, &n);
    if (opens == NULL) {
        return NGX_ERROR;
    }

    ngx_qsort(opens, n, sizeof(ngx_http_clarity_opens_t),
        ngx_http_clarity_cmp_opens);

    shared = 0;

    for (i = 0; i < n; i += group) {
        group = ngx_http_clarity_group(&opens[i], n - i, &webhooks);

        if (webhooks > 1 && ++shared <= NGX_HTTP_CLARITY_SHARED_LINES) {
            ngx_http_clarity_tell_shared(cf, &opens[i], group, webhooks);
        }
    }

    if (shared > NGX_HTTP_CLARITY_SHARED_LINES) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
            "%ui more tokens open more than one webhook each",
            shared - NGX_HTTP_CLARITY_SHARED_LINES);
    }

    return NGX_OK;
}


static ngx_http_clarity_opens_t *
ngx_http_clarity_all_tokens(ngx_conf_t *cf, ngx_uint_t *n)
{
    ngx_uint_t                    i, k;
    ngx_http_clarity_token_t     *token;
    ngx_http_clarity_opens_t     *opens;
    ngx_http_clarity_loc_conf_t **webhook;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    webhook = cmcf->webhooks.elts;
    *n = 0;

    for (i = 0; i < cmcf->webhooks.nelts; i++) {
        *n += webhook[i]->tokens->nelts;
    }

    opens = ngx_palloc(cf->temp_pool,
        (*n + 1) * sizeof(ngx_http_clarity_opens_t));
    if (opens == NULL) {
        return NULL;
    }

    *n = 0;

    for (i = 0; i < cmcf->webhooks.nelts; i++) {
        token = webhook[i]->tokens->elts;

        for (k = 0; k < webhook[i]->tokens->nelts; k++) {
            if (token[k].value == NULL) {
                opens[*n].digest = &token[k].digest;
                opens[*n].conf = webhook[i];
                opens[*n].index = i;
                (*n)++;
            }
        }
    }

    return opens;
}


static int ngx_libc_cdecl
ngx_http_clarity_cmp_opens(const void *one, const void *two)
{
    int                             rc;
    const ngx_http_clarity_opens_t *a = one;
    const ngx_http_clarity_opens_t *b = two;

    rc = ngx_memcmp(a->digest, b->digest, sizeof(clarity_token_digest_t));

    if (rc == 0) {
        rc = (a->index > b->index) - (a->index < b->index);
    }

    return rc;
}


/* How many have the token of the first, and how many webhooks that is. */

static ngx_uint_t
ngx_http_clarity_group(
    ngx_http_clarity_opens_t *opens, ngx_uint_t n, ngx_uint_t *webhooks)
{
    ngx_uint_t i;

    *webhooks = 1;

    for (i = 1; i < n; i++) {

        if (ngx_memcmp(opens[i].digest, opens[0].digest,
                sizeof(clarity_token_digest_t))
            != 0)
        {
            break;
        }

        *webhooks += opens[i].conf != opens[i - 1].conf;
    }

    return i;
}


static void
ngx_http_clarity_tell_shared(ngx_conf_t *cf, ngx_http_clarity_opens_t *opens,
    ngx_uint_t n, ngx_uint_t webhooks)
{
    u_char                      *p, *last;
    ngx_uint_t                   i, told;
    ngx_http_clarity_loc_conf_t *conf;
    u_char                       list[NGX_MAX_ERROR_STR / 2];

    p = list;
    last = list + sizeof(list);
    told = 0;

    for (i = 0; i < n && told < NGX_HTTP_CLARITY_SHARED_WEBHOOKS; i++) {
        conf = opens[i].conf;

        if (i && conf == opens[i - 1].conf) {
            continue;
        }

        p = ngx_slprintf(p, last, "%s\"%V\" in %V:%ui", told ? ", " : "",
            &conf->webhook.name, &conf->place.file, conf->place.line);
        told++;
    }

    if (webhooks > told) {
        p = ngx_slprintf(p, last, " and %ui more", webhooks - told);
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
        "one token opens %ui webhooks, %*s; give each a token of its own",
        webhooks, p - list, list);
}


/* As when "clarity_webhook" was forgotten, or stands in another location. */

static void
ngx_http_clarity_check_unused(
    ngx_conf_t *cf, ngx_http_clarity_token_list_t *list)
{
    ngx_uint_t                    i;
    ngx_http_clarity_loc_conf_t **webhook;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    webhook = cmcf->webhooks.elts;

    for (i = 0; i < cmcf->webhooks.nelts; i++) {
        if (webhook[i]->tokens == list->tokens) {
            return;
        }
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
        "the token in %V:%ui opens no webhook; add \"clarity_webhook\" to its "
        "location, or leave it out", &list->place.file, list->place.line);
}


/*
 * nginx, which refuses an unknown variable, does not say where it stands. It
 * has the last word: a module may add its variables after this.
 */

static void
ngx_http_clarity_check_known(
    ngx_conf_t *cf, ngx_http_clarity_token_list_t *list)
{
    size_t                    at;
    ngx_str_t                 name;
    ngx_uint_t                i;
    ngx_http_clarity_token_t *token;

    token = list->tokens->elts;

    for (i = 0; i < list->tokens->nelts; i++) {

        if (token[i].value == NULL) {
            continue;
        }

        at = 0;

        while (ngx_http_clarity_next_variable(&token[i].text, &at, &name)) {

            if (!ngx_http_clarity_is_known_variable(cf, &name)) {
                ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                    "the token in %V:%ui holds \"$%V\", which nothing sets",
                    &token[i].place.file, token[i].place.line, &name);
            }
        }
    }
}


/* As nginx looks for it: ngx_http_variables_init_vars(). */

static ngx_uint_t
ngx_http_clarity_is_known_variable(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_hash_key_t            *key;
    ngx_http_variable_t       *prefix;
    ngx_http_core_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncasecmp(key[i].key.data, name->data, name->len) == 0
            && ((ngx_http_variable_t *) key[i].value)->get_handler)
        {
            return 1;
        }
    }

    prefix = cmcf->prefix_variables.elts;

    for (i = 0; i < cmcf->prefix_variables.nelts; i++) {
        if (prefix[i].name.len <= name->len
            && ngx_strncasecmp(prefix[i].name.data, name->data,
                   prefix[i].name.len)
                == 0)
        {
            return 1;
        }
    }

    return 0;
}
