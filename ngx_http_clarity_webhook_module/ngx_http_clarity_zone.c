/*
 * The shared memory: what all worker processes of an nginx know together, kept
 * over reloads.
 */

#include "ngx_http_clarity_metrics.h"

#include <openssl/rand.h>


static ngx_int_t ngx_http_clarity_zone_init(
    ngx_shm_zone_t *zone, void *data);


static ngx_str_t ngx_http_clarity_zone_name = ngx_string("clarity");


/* Declares the zone, once; at its size of now. */

ngx_int_t
ngx_http_clarity_use_zone(ngx_conf_t *cf, ngx_http_clarity_main_conf_t *cmcf)
{
    if (cmcf->zone) {
        return NGX_OK;
    }

    cmcf->zone = ngx_shared_memory_add(cf, &ngx_http_clarity_zone_name,
        cmcf->zone_size, &ngx_http_clarity_webhook_module);
    if (cmcf->zone == NULL) {
        return NGX_ERROR;
    }

    cmcf->zone->init = ngx_http_clarity_zone_init;
    cmcf->zone->data = cmcf;

    return NGX_OK;
}


/* `data` is the last configuration's, whose memory this one takes over. */

static ngx_int_t
ngx_http_clarity_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_http_clarity_main_conf_t *cmcf = zone->data;

    u_char                     random[NGX_HTTP_CLARITY_INSTANCE / 2];
    ngx_slab_pool_t           *pool;
    ngx_http_clarity_shared_t *shared;

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data || zone->shm.exists) {
        cmcf->shared = pool->data;
        return ngx_http_clarity_metrics_create(cmcf, pool);
    }

    shared = ngx_slab_calloc(pool, sizeof(ngx_http_clarity_shared_t));
    if (shared == NULL) {
        return NGX_ERROR;
    }

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    ngx_hex_dump(shared->instance, random, sizeof(random));

    ngx_queue_init(&shared->histories);
    ngx_rbtree_init(&shared->by_name, &shared->sentinel,
        ngx_str_rbtree_insert_value);

    /* ours says more than "could not allocate", and says it once */
    pool->log_nomem = 0;
    pool->data = shared;
    cmcf->shared = shared;

    return ngx_http_clarity_metrics_create(cmcf, pool);
}
