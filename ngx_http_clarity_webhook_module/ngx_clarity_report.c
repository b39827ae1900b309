/*
 * What the error log is told of a Redis.
 */

#include "ngx_clarity_report.h"


/* ms without a refusal after which the log is told that they have ended: at
 * its maxmemory Redis refuses one job and takes the next */
#define NGX_CLARITY_REPORT_CALM 5000


void
ngx_clarity_report_init(ngx_clarity_report_t *report,
    const ngx_clarity_redis_conf_t *conf, ngx_log_t *log)
{
    report->conf = conf;
    report->log = log;
}


void
ngx_clarity_report_lost(
    ngx_clarity_report_t *report, ngx_err_t err, const char *reason)
{
    uint32_t   hash;
    ngx_uint_t i;

    if (ngx_exiting) {
        return;
    }

    hash = ngx_crc32_short((u_char *) reason, ngx_strlen(reason)) + err;

    /* two addresses may fail in two ways, in turn */

    for (i = 0; i < report->nlost; i++) {
        if (report->lost[i] == hash) {
            return;
        }
    }

    if (report->nlost == NGX_CLARITY_REPORT_REASONS) {
        return;
    }

    report->lost[report->nlost++] = hash;

    ngx_log_error(NGX_LOG_ERR, report->log, err,
        "Redis %V is not available: %s", &report->conf->name, reason);
}


void
ngx_clarity_report_served(ngx_clarity_report_t *report)
{
    if (report->nlost) {
        report->nlost = 0;
        ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
            "connected to Redis %V again", &report->conf->name);
    }
}


const clarity_redis_error_info_t *
ngx_clarity_report_reply(ngx_clarity_report_t *report,
    ngx_clarity_redis_use_t use, const redisReply *reply)
{
    ngx_clarity_report_use_t         *told;
    const clarity_redis_error_info_t *info;

    static const char *names[] = { "jobs", "settings" };

    told = &report->uses[use];

    if (reply->type != REDIS_REPLY_ERROR) {

        if (told->refused
            && ngx_current_msec - told->last >= NGX_CLARITY_REPORT_CALM)
        {
            told->refused = 0;
            ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
                "Redis %V takes %s again", &report->conf->name, names[use]);
        }

        return NULL;
    }

    info = clarity_redis_error_info(
        (clarity_str_t){ reply->str, reply->len });

    if (info->code == CLARITY_REDIS_ERR_NOSCRIPT) {
        /* nothing is amiss: the script's text goes out next */
        return info;
    }

    if (!told->refused || told->code != info->code) {
        ngx_log_error(NGX_LOG_ERR, report->log, 0,
            "Redis %V refuses %s (%s): %s", &report->conf->name, names[use],
            info->prefix, info->meaning);
    }

    told->refused = 1;
    told->code = info->code;
    told->last = ngx_current_msec;

    return info;
}
