/*
 * What a request is called, in its job and in the activity.
 */

#include "ngx_http_clarity_webhook_module.h"

#include <openssl/rand.h>


#define NGX_HTTP_CLARITY_ID_BYTES 16 /* random, as nginx's $request_id has */
#define NGX_HTTP_CLARITY_ID_BATCH 256
#define NGX_HTTP_CLARITY_ID_MAX   128 /* bytes of a caller's own */


static ngx_uint_t ngx_http_clarity_own_request_id(
    ngx_http_request_t *r, clarity_str_t *id);
static ngx_int_t ngx_http_clarity_make_request_id(
    ngx_http_request_t *r, ngx_http_variable_value_t *vv);
static u_char *ngx_http_clarity_random_id(void);


ngx_int_t
ngx_http_clarity_request_id(ngx_http_request_t *r, clarity_str_t *id)
{
    ngx_http_variable_value_t    *vv;
    ngx_http_clarity_main_conf_t *cmcf;

    if (ngx_http_clarity_own_request_id(r, id)) {
        return NGX_OK;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_clarity_webhook_module);

    vv = &r->variables[cmcf->request_id_index];

    if (!vv->valid && ngx_http_clarity_make_request_id(r, vv) != NGX_OK) {
        return NGX_ERROR;
    }

    *id = (clarity_str_t){ (char *) vv->data, vv->len };

    return NGX_OK;
}


/* Its x-request-id, if it is one that a log can hold. */

static ngx_uint_t
ngx_http_clarity_own_request_id(ngx_http_request_t *r, clarity_str_t *id)
{
    size_t    i;
    ngx_str_t value;

    static ngx_str_t name = ngx_string("x-request-id");

    if (ngx_http_clarity_header(r, &name, &value) != NGX_OK || value.len == 0
        || value.len > NGX_HTTP_CLARITY_ID_MAX)
    {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] <= ' ' || value.data[i] > '~') {
            return 0;
        }
    }

    *id = (clarity_str_t){ (char *) value.data, value.len };

    return 1;
}


/*
 * Becomes the value of $request_id, so that every log calls the request the
 * same. nginx's own way to it asks for 16 random bytes at a time, which takes
 * a tenth of all that an accepted request costs.
 */

static ngx_int_t
ngx_http_clarity_make_request_id(
    ngx_http_request_t *r, ngx_http_variable_value_t *vv)
{
    u_char *hex, *random;

    hex = ngx_pnalloc(r->pool, 2 * NGX_HTTP_CLARITY_ID_BYTES);
    if (hex == NULL) {
        return NGX_ERROR;
    }

    random = ngx_http_clarity_random_id();
    if (random == NULL) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
            "clarity: RAND_bytes() failed");
        return NGX_ERROR;
    }

    ngx_hex_dump(hex, random, NGX_HTTP_CLARITY_ID_BYTES);

    vv->data = hex;
    vv->len = 2 * NGX_HTTP_CLARITY_ID_BYTES;
    vv->valid = 1;
    vv->no_cacheable = 0;
    vv->not_found = 0;

    return NGX_OK;
}


/* Of a batch that a worker process keeps; NULL: there is no randomness. */

static u_char *
ngx_http_clarity_random_id(void)
{
    static u_char batch[NGX_HTTP_CLARITY_ID_BATCH * NGX_HTTP_CLARITY_ID_BYTES];
    static size_t left;

    if (left == 0) {
        if (RAND_bytes(batch, sizeof(batch)) != 1) {
            return NULL;
        }

        left = sizeof(batch);
    }

    left -= NGX_HTTP_CLARITY_ID_BYTES;

    return batch + left;
}
