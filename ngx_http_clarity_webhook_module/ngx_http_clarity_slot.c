/*
 * Setters of a single value. nginx's own say "invalid value" or "invalid
 * number": neither which one, nor what would be good.
 */

#include "ngx_http_clarity_webhook_module.h"

#include "json/text.h"


static char *ngx_http_clarity_refuse_value(ngx_conf_t *cf, ngx_command_t *cmd,
    const u_char *expected, size_t len);


char *
ngx_http_clarity_set_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char          *p, *last;
    ngx_str_t       *value;
    ngx_uint_t      *set;
    ngx_conf_enum_t *word;
    u_char           words[128];

    set = (ngx_uint_t *) ((char *) conf + cmd->offset);

    if (*set != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    p = words;
    last = words + sizeof(words);

    for (word = cmd->post; word->name.len; word++) {

        if (word->name.len == value[1].len
            && ngx_memcmp(word->name.data, value[1].data, value[1].len) == 0)
        {
            *set = word->value;
            return NGX_CONF_OK;
        }

        p = ngx_slprintf(p, last, "%s\"%V\"",
            p == words ? "" : word[1].name.len ? ", " : " or ", &word->name);
    }

    return ngx_http_clarity_refuse_value(cf, cmd, words, p - words);
}


char *
ngx_http_clarity_set_msec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t   ms;
    ngx_str_t  *value;
    ngx_msec_t *set;

    static const u_char expected[]
        = "a time that is longer than 0, as \"1s\" or \"500ms\"";

    set = (ngx_msec_t *) ((char *) conf + cmd->offset);

    if (*set != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;
    ms = ngx_parse_time(&value[1], 0);

    if (ms == NGX_ERROR || ms == 0) {
        return ngx_http_clarity_refuse_value(cf, cmd, expected,
            sizeof(expected) - 1);
    }

    *set = ms;

    return NGX_CONF_OK;
}


char *
ngx_http_clarity_set_number(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                *p;
    ngx_int_t              n;
    ngx_str_t             *value;
    ngx_uint_t            *set;
    ngx_conf_num_bounds_t *bounds;
    u_char                 expected[sizeof("a whole number from  on")
                                    + NGX_INT_T_LEN];

    set = (ngx_uint_t *) ((char *) conf + cmd->offset);

    if (*set != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    bounds = cmd->post;
    n = ngx_atoi(value[1].data, value[1].len);

    if (n == NGX_ERROR || n < bounds->low) {
        p = ngx_sprintf(expected, "a whole number from %i on", bounds->low);

        return ngx_http_clarity_refuse_value(cf, cmd, expected, p - expected);
    }

    *set = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_clarity_refuse_value(ngx_conf_t *cf, ngx_command_t *cmd,
    const u_char *expected, size_t len)
{
    ngx_str_t *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
        "invalid value %s of \"%V\"; expected %*s",
        clarity_quote((clarity_str_t){
            (char *) value[1].data, value[1].len }).text,
        &cmd->name, len, expected);

    return NGX_CONF_ERROR;
}
