/*
 * The shared memory: what all worker processes of an nginx know together, kept
 * over reloads.
 */

#include "ngx_http_clarity_metrics.h"

#include "json/text.h"

#include <openssl/rand.h>


static ngx_shm_zone_t *ngx_http_clarity_find_old_zone(ngx_conf_t *cf);
static ngx_int_t ngx_http_clarity_zone_init(
    ngx_shm_zone_t *zone, void *data);
static void ngx_http_clarity_take_over(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, ngx_shm_zone_t *old_zone);


static ngx_str_t ngx_http_clarity_zone_name = ngx_string("clarity");


char *
ngx_http_clarity_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_main_conf_t *cmcf = conf;

    ssize_t    size;
    ngx_str_t *value;

    if (cmcf->zone_size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR || size < (ssize_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid size %s of \"clarity_zone\"; expected at least %uz "
            "bytes, as \"32m\"",
            clarity_quote((clarity_str_t){
                (char *) value[1].data, value[1].len }).text,
            8 * ngx_pagesize);
        return NGX_CONF_ERROR;
    }

    cmcf->zone_size = size;

    return NGX_CONF_OK;
}


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
    cmcf->old_zone = ngx_http_clarity_find_old_zone(cf);

    return NGX_OK;
}


/* The zone of the configuration that runs, if there is one. */

static ngx_shm_zone_t *
ngx_http_clarity_find_old_zone(ngx_conf_t *cf)
{
    ngx_uint_t       i;
    ngx_list_part_t *part;
    ngx_shm_zone_t  *zone;

    if (cf->cycle->old_cycle == NULL) {
        return NULL;
    }

    for (part = &cf->cycle->old_cycle->shared_memory.part; part;
         part = part->next)
    {
        zone = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (zone[i].tag == &ngx_http_clarity_webhook_module
                && zone[i].shm.addr)
            {
                return &zone[i];
            }
        }
    }

    return NULL;
}


/*
 * `data` is the last configuration's, whose memory this one takes over: it was
 * laid out by this code. nginx hands on no zone but of the same tag, which is
 * an address of ours; a module from another file has another one, and a new
 * binary has no memory of the old one's. NULL where the size is another one, or
 * the file: then nginx has made a new zone.
 */

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

    if (cmcf->old_zone) {
        ngx_http_clarity_take_over(shared, pool, cmcf->old_zone);
    }

    pool->data = shared;
    cmcf->shared = shared;

    return ngx_http_clarity_metrics_create(cmcf, pool);
}


/*
 * A reload never starts from nothing, also where the zone's size is another
 * one: the webhooks are copied. What was noted of requests is not.
 */

static void
ngx_http_clarity_take_over(ngx_http_clarity_shared_t *shared,
    ngx_slab_pool_t *pool, ngx_shm_zone_t *old_zone)
{
    ngx_slab_pool_t           *old_pool;
    ngx_http_clarity_shared_t *old;

    old_pool = (ngx_slab_pool_t *) old_zone->shm.addr;
    old = old_pool->data;

    if (old == NULL) {
        return;
    }

    ngx_shmtx_lock(&old_pool->mutex);

    ngx_memcpy(shared->instance, old->instance, NGX_HTTP_CLARITY_INSTANCE);

    if (old->loaded) {
        shared->room = ngx_align(old->size, ngx_pagesize);
        shared->snapshot = ngx_slab_alloc(pool, shared->room);
    }

    if (shared->snapshot) {
        ngx_memcpy(shared->snapshot, old->snapshot, old->size);
        shared->size = old->size;
        shared->revision = old->revision;
        shared->loaded = 1;

    } else {
        shared->room = 0;
    }

    ngx_shmtx_unlock(&old_pool->mutex);
}
