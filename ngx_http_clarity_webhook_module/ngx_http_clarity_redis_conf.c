/*
 * clarity_redis and what goes with it: from directives to the settings of a
 * session, one for all locations that say the same.
 */

#include "ngx_http_clarity_webhook_module.h"


#define NGX_HTTP_CLARITY_MAX_REPLICAS 100
#define NGX_HTTP_CLARITY_WAIT         1000 /* ms for replicas, by default */


static char *ngx_http_clarity_set_replicas(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf, ngx_str_t *value);
static ngx_int_t ngx_http_clarity_find_redis(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf,
    const clarity_durability_wanted_t *durability, ngx_uint_t *index);
static ngx_uint_t ngx_http_clarity_is_known(
    ngx_http_clarity_main_conf_t *cmcf, ngx_clarity_redis_conf_t *redis);
static ngx_int_t ngx_http_clarity_label(ngx_conf_t *cf,
    ngx_clarity_redis_conf_t *redis, ngx_uint_t durability,
    ngx_uint_t prefix);
static u_char *ngx_http_clarity_show_durability(
    u_char *p, const ngx_clarity_redis_conf_t *redis);
static ngx_int_t ngx_http_clarity_make_redis(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf, ngx_clarity_redis_conf_t *redis);
static ngx_int_t ngx_http_clarity_resolve(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf, ngx_clarity_redis_conf_t *redis);
static ngx_uint_t ngx_http_clarity_same_redis(
    ngx_clarity_redis_conf_t *a, ngx_clarity_redis_conf_t *b);
static ngx_uint_t ngx_http_clarity_same_durability(
    const ngx_clarity_redis_conf_t *a, const ngx_clarity_redis_conf_t *b);
static ngx_uint_t ngx_http_clarity_same(
    const ngx_str_t *a, const ngx_str_t *b);


char *
ngx_http_clarity_set_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t          *value;
    clarity_error_t     error;
    clarity_redis_url_t url;

    if (clcf->redis_url.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!clarity_redis_url_parse(
            (clarity_str_t){ (char *) value[1].data, value[1].len }, &url,
            &error))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "clarity_redis: %s",
            error.text);
        return NGX_CONF_ERROR;
    }

    clcf->redis_url_password = url.password[0] != '\0';

    ngx_explicit_memzero(&url, sizeof(clarity_redis_url_t));

    clcf->redis_url = value[1];
    clcf->redis_place = ngx_http_clarity_place(cf);

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_password_file(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    size_t        max;
    unsigned      line;
    ngx_str_t    *value, text;
    clarity_str_t rest, password;

    if (clcf->redis_password.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_clarity_read_file(cf, &value[1], 1, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rest.data = (char *) text.data;
    rest.len = text.len;
    line = 0;
    max = sizeof(((clarity_redis_url_t *) NULL)->password) - 1;

    if (!clarity_token_next_line(&rest, &line, &password)
        || password.len > max)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "\"%V\" holds no password; expected one line of up to %uz bytes",
            &value[1], max);
        return NGX_CONF_ERROR;
    }

    clcf->redis_password.data = (u_char *) password.data;
    clcf->redis_password.len = password.len;

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_prefix(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t  *value;
    const char *why;

    if (clcf->redis_prefix.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    why = clarity_prefix_refused(
        (clarity_str_t){ (char *) value[1].data, value[1].len });

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "the prefix \"%V\" %s", &value[1], why);
        return NGX_CONF_ERROR;
    }

    clcf->redis_prefix = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_shards(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_str_t *value;

    if (clcf->redis_shards) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len != 1 || value[1].data[0] != '1') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid number of shards \"%V\"; expected 1: this version keeps "
            "all jobs in one", &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf->redis_shards = 1;

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_durability(
    ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_clarity_loc_conf_t *clcf = conf;

    ngx_int_t   ms;
    ngx_str_t  *value, time;
    ngx_uint_t  i;

    if (clcf->durability.class != CLARITY_DURABILITY_UNKNOWN) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "memory") == 0) {
        clcf->durability.class = CLARITY_DURABILITY_MEMORY;

    } else if (ngx_strcmp(value[1].data, "everysec") == 0) {
        clcf->durability.class = CLARITY_DURABILITY_EVERYSEC;

    } else if (ngx_strcmp(value[1].data, "fsync") == 0) {
        clcf->durability.class = CLARITY_DURABILITY_FSYNC;

    } else if (ngx_http_clarity_set_replicas(cf, clcf, &value[1])
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "trust") == 0) {
            clcf->durability.trust = 1;
            continue;
        }

        if (ngx_strncmp(value[i].data, "timeout=", 8) == 0
            && clcf->durability.class == CLARITY_DURABILITY_REPLICAS)
        {
            time.data = value[i].data + 8;
            time.len = value[i].len - 8;
            ms = ngx_parse_time(&time, 0);

            if (ms != NGX_ERROR && ms != 0) {
                clcf->durability_timeout = ms;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
            "invalid parameter \"%V\"; expected \"trust\", or with "
            "\"replicas=N\" also \"timeout=TIME\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_clarity_set_replicas(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *clcf, ngx_str_t *value)
{
    ngx_int_t n;

    if (ngx_strncmp(value->data, "replicas=", 9) == 0) {
        n = ngx_atoi(value->data + 9, value->len - 9);

        if (n > 0 && n <= NGX_HTTP_CLARITY_MAX_REPLICAS) {
            clcf->durability.class = CLARITY_DURABILITY_REPLICAS;
            clcf->durability.replicas = n;
            clcf->durability_timeout = NGX_HTTP_CLARITY_WAIT;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
        "invalid durability \"%V\"; expected \"memory\", \"everysec\", "
        "\"fsync\" or \"replicas=N\", N from 1 to %d", value,
        NGX_HTTP_CLARITY_MAX_REPLICAS);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_clarity_use_redis(ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf)
{
    return ngx_http_clarity_find_redis(cf, conf, &conf->durability,
        &conf->redis);
}


ngx_int_t
ngx_http_clarity_use_any_redis(
    ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf, ngx_uint_t *index)
{
    clarity_durability_wanted_t any;

    ngx_memzero(&any, sizeof(clarity_durability_wanted_t));
    any.class = CLARITY_DURABILITY_MEMORY;

    return ngx_http_clarity_find_redis(cf, conf, &any, index);
}


/*
 * Locations with the same settings share a connection per process; jobs of
 * another durability have another, since held requests are refused together
 * and WAIT stalls all that come after it.
 */

static ngx_int_t
ngx_http_clarity_find_redis(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf,
    const clarity_durability_wanted_t *durability, ngx_uint_t *index)
{
    ngx_uint_t                    i;
    ngx_clarity_redis_conf_t     *redis, **known;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    redis = ngx_pcalloc(cf->pool, sizeof(ngx_clarity_redis_conf_t));
    if (redis == NULL) {
        return NGX_ERROR;
    }

    redis->durability = *durability;
    redis->watched = 1;

    if (durability->class == CLARITY_DURABILITY_REPLICAS) {
        redis->wait_timeout = conf->durability_timeout;
    }

    if (ngx_http_clarity_make_redis(cf, conf, redis) != NGX_OK) {
        return NGX_ERROR;
    }

    known = cmcf->redis.elts;

    for (i = 0; i < cmcf->redis.nelts; i++) {
        if (ngx_http_clarity_same_redis(known[i], redis)) {
            ngx_explicit_memzero(redis->url.password,
                sizeof(redis->url.password));
            *index = i;
            return NGX_OK;
        }
    }

    if (ngx_http_clarity_resolve(cf, conf, redis) != NGX_OK) {
        return NGX_ERROR;
    }

    redis->audited = !ngx_http_clarity_is_known(cmcf, redis);

    known = ngx_array_push(&cmcf->redis);
    if (known == NULL) {
        return NGX_ERROR;
    }

    *known = redis;
    *index = cmcf->redis.nelts - 1;

    return NGX_OK;
}


/* Is there a connection to that server? One of them audits it. */

static ngx_uint_t
ngx_http_clarity_is_known(
    ngx_http_clarity_main_conf_t *cmcf, ngx_clarity_redis_conf_t *redis)
{
    ngx_uint_t                 i;
    ngx_clarity_redis_conf_t **known;

    known = cmcf->redis.elts;

    for (i = 0; i < cmcf->redis.nelts; i++) {
        if (ngx_http_clarity_same(&known[i]->name, &redis->name)) {
            return 1;
        }
    }

    return 0;
}


/* Postconfiguration: all are known that may have the same name. */

ngx_int_t
ngx_http_clarity_label_redis(ngx_conf_t *cf)
{
    ngx_uint_t                    i, k, durability, prefix;
    ngx_clarity_redis_conf_t    **known;
    ngx_http_clarity_main_conf_t *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf,
        ngx_http_clarity_webhook_module);

    known = cmcf->redis.elts;

    for (i = 0; i < cmcf->redis.nelts; i++) {
        durability = 0;
        prefix = 0;

        for (k = 0; k < cmcf->redis.nelts; k++) {

            if (!ngx_http_clarity_same(&known[i]->name, &known[k]->name)) {
                continue;
            }

            durability |= !ngx_http_clarity_same_durability(known[i],
                known[k]);
            prefix |= !ngx_http_clarity_same(&known[i]->prefix,
                &known[k]->prefix);
        }

        if (ngx_http_clarity_label(cf, known[i], durability, prefix)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* "127.0.0.1:6379/0 (durability fsync, prefix acme)" */

static ngx_int_t
ngx_http_clarity_label(ngx_conf_t *cf, ngx_clarity_redis_conf_t *redis,
    ngx_uint_t durability, ngx_uint_t prefix)
{
    u_char *p;

    if (!durability && !prefix) {
        redis->label = redis->name;
        return NGX_OK;
    }

    p = ngx_pnalloc(cf->pool, redis->name.len + redis->prefix.len
            + sizeof(" (durability everysec trust, prefix )")
            + sizeof(" timeout=ms") + 2 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    redis->label.data = p;
    p = ngx_sprintf(p, "%V (", &redis->name);

    if (durability) {
        p = ngx_http_clarity_show_durability(p, redis);
    }

    if (prefix) {
        p = ngx_sprintf(p, "%sprefix %V", durability ? ", " : "",
            &redis->prefix);
    }

    *p++ = ')';
    redis->label.len = p - redis->label.data;

    return NGX_OK;
}


static u_char *
ngx_http_clarity_show_durability(
    u_char *p, const ngx_clarity_redis_conf_t *redis)
{
    p = ngx_sprintf(p, "durability %s",
        clarity_durability_name(redis->durability.class));

    if (redis->durability.class == CLARITY_DURABILITY_REPLICAS) {
        p = ngx_sprintf(p, "=%ud timeout=%Mms", redis->durability.replicas,
            redis->wait_timeout);
    }

    return redis->durability.trust ? ngx_cpymem(p, " trust", 6) : p;
}


static ngx_int_t
ngx_http_clarity_make_redis(ngx_conf_t *cf,
    ngx_http_clarity_loc_conf_t *conf, ngx_clarity_redis_conf_t *redis)
{
    size_t                    len;
    clarity_error_t           error;
    ngx_http_core_loc_conf_t *clcf;
    char                      shown[sizeof(redis->url.host) + 32];

    /* the setter has parsed it before; the default is ours */
    if (!clarity_redis_url_parse(
            (clarity_str_t){
                (char *) conf->redis_url.data, conf->redis_url.len },
            &redis->url, &error))
    {
        return NGX_ERROR;
    }

    if (conf->redis_password.len) {
        ngx_memzero(redis->url.password, sizeof(redis->url.password));
        ngx_memcpy(redis->url.password, conf->redis_password.data,
            conf->redis_password.len);
    }

    clarity_redis_url_show(&redis->url, shown, sizeof(shown));

    len = ngx_strlen(shown);

    redis->name.len = len;
    redis->name.data = ngx_pnalloc(cf->pool, len);
    if (redis->name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(redis->name.data, shown, len);

    /* merged before ours; one without servers is a placeholder */
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        redis->resolver = clcf->resolver;
        redis->resolver_timeout = clcf->resolver_timeout;
    }

    redis->prefix = conf->redis_prefix;
    redis->shards = 1;
    redis->connect_timeout = conf->redis_connect_timeout;
    redis->timeout = conf->redis_timeout;
    redis->max_pending = conf->redis_max_pending;

    return NGX_OK;
}


/*
 * Names are resolved here; all their addresses are tried in turn. Where nginx
 * has a resolver they are asked for again at each reconnect.
 */

static ngx_int_t
ngx_http_clarity_resolve(ngx_conf_t *cf, ngx_http_clarity_loc_conf_t *conf,
    ngx_clarity_redis_conf_t *redis)
{
    u_char    *p;
    ngx_url_t  u;
    ngx_addr_t addr;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.data = ngx_pnalloc(cf->pool, sizeof(redis->url.host) + 16);
    if (u.url.data == NULL) {
        return NGX_ERROR;
    }

    if (redis->url.scheme == CLARITY_REDIS_UNIX) {
        p = ngx_sprintf(u.url.data, "unix:%s", redis->url.path);

    } else if (ngx_strchr(redis->url.host, ':')) {
        p = ngx_sprintf(u.url.data, "[%s]:%ud", redis->url.host,
            redis->url.port);

    } else {
        p = ngx_sprintf(u.url.data, "%s:%ud", redis->url.host,
            redis->url.port);
    }

    u.url.len = p - u.url.data;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
            "%s in the \"clarity_redis\" address \"%V\" in %V:%ui",
            u.err ? u.err : "no address", &u.url, &conf->redis_place.file,
            conf->redis_place.line);
        return NGX_ERROR;
    }

    redis->addrs = u.addrs;
    redis->naddrs = u.naddrs;

    if (redis->resolver && redis->url.scheme == CLARITY_REDIS_TCP
        && ngx_parse_addr(cf->pool, &addr, (u_char *) redis->url.host,
               ngx_strlen(redis->url.host))
            == NGX_DECLINED)
    {
        redis->host.data = (u_char *) redis->url.host;
        redis->host.len = ngx_strlen(redis->url.host);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_clarity_same_redis(
    ngx_clarity_redis_conf_t *a, ngx_clarity_redis_conf_t *b)
{
    return a->url.scheme == b->url.scheme
        && ngx_strcmp(a->url.host, b->url.host) == 0
        && a->url.port == b->url.port
        && ngx_strcmp(a->url.path, b->url.path) == 0
        && ngx_strcmp(a->url.user, b->url.user) == 0
        && ngx_strcmp(a->url.password, b->url.password) == 0
        && a->url.db == b->url.db
        && ngx_http_clarity_same(&a->prefix, &b->prefix)
        && a->connect_timeout == b->connect_timeout
        && a->timeout == b->timeout
        && a->max_pending == b->max_pending
        && a->resolver == b->resolver
        && a->resolver_timeout == b->resolver_timeout
        && ngx_http_clarity_same_durability(a, b);
}


static ngx_uint_t
ngx_http_clarity_same_durability(
    const ngx_clarity_redis_conf_t *a, const ngx_clarity_redis_conf_t *b)
{
    return a->durability.class == b->durability.class
        && a->durability.replicas == b->durability.replicas
        && a->durability.trust == b->durability.trust
        && a->wait_timeout == b->wait_timeout;
}


static ngx_uint_t
ngx_http_clarity_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}
