/*
 * What the error log is told of a Redis.
 */

#include "ngx_clarity_report.h"


/* ms without a refusal after which the log is told that they have ended: at
 * its maxmemory Redis refuses one job and takes the next */
#define NGX_CLARITY_REPORT_CALM 5000

/* ms that a connection has to last to be back, if the one before did not */
#define NGX_CLARITY_REPORT_LASTS 3000


static ngx_uint_t ngx_clarity_report_is_of_command(
    const clarity_redis_error_info_t *info);
static ngx_uint_t ngx_clarity_report_was_told(
    ngx_clarity_report_told_t *told, uint32_t hash);


static const char *ngx_clarity_report_uses[] = { "jobs", "settings" };


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
    ngx_uint_t i;

    for (i = 0; i < NGX_CLARITY_REDIS_USES; i++) {
        report->uses[i].anew = 1;
    }

    if (report->is_served) {
        /* it may have lasted without a further reply */
        ngx_clarity_report_served(report);

        report->is_served = 0;
        report->losses++;
    }

    if (report->lost.n == 0) {
        report->unsteady = report->was_back
            && ngx_current_msec - report->back < NGX_CLARITY_REPORT_LASTS;
    }

    if (ngx_exiting
        || ngx_clarity_report_was_told(&report->lost,
            ngx_crc32_short((u_char *) reason, ngx_strlen(reason)) + err))
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, report->log, err,
        "Redis %V is not available: %s", &report->conf->label, reason);
}


void
ngx_clarity_report_served(ngx_clarity_report_t *report)
{
    if (!report->is_served) {
        report->is_served = 1;
        report->served = ngx_current_msec;
    }

    if (report->lost.n == 0
        || (report->unsteady
            && ngx_current_msec - report->served < NGX_CLARITY_REPORT_LASTS))
    {
        return;
    }

    report->lost.n = 0;
    report->was_back = 1;
    report->back = ngx_current_msec;

    if (report->losses > 1) {
        ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
            "connected to Redis %V again, after the connection was lost %ui "
            "times", &report->conf->label, report->losses);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
            "connected to Redis %V again", &report->conf->label);
    }

    report->losses = 0;
}


void
ngx_clarity_report_full(
    ngx_clarity_report_t *report, uint64_t limit, uint64_t depth)
{
    ngx_uint_t i;

    for (i = 0; i < report->nfull; i++) {
        if (report->full[i] == limit) {
            return;
        }
    }

    if (report->nfull == NGX_CLARITY_REPORT_REASONS) {
        return;
    }

    report->full[report->nfull++] = limit;

    ngx_log_error(NGX_LOG_ERR, report->log, 0,
        "Redis %V has %uL jobs that are not finished: "
        "\"clarity_queue_limit\" %uL is reached, and requests are refused; "
        "let the workers catch up", &report->conf->label, depth, limit);
}


void
ngx_clarity_report_crowded(ngx_clarity_report_t *report)
{
    report->crowded = ngx_current_msec;

    if (report->is_crowded) {
        return;
    }

    report->is_crowded = 1;

    ngx_log_error(NGX_LOG_ERR, report->log, 0,
        "%ui requests wait for Redis %V: \"clarity_redis_max_pending\" is "
        "reached, and further ones are refused", report->conf->max_pending,
        &report->conf->label);
}


void
ngx_clarity_report_too_large(
    ngx_clarity_report_t *report, const char *setting, uint64_t limit)
{
    if (report->too_large == limit) {
        return;
    }

    report->too_large = limit;

    ngx_log_error(NGX_LOG_ERR, report->log, 0,
        "Redis %V takes no value of more than %uL bytes, and requests with "
        "larger ones are refused: raise its \"%s\", or set "
        "\"client_max_body_size\" to less", &report->conf->label, limit,
        setting);
}


void
ngx_clarity_report_tick(ngx_clarity_report_t *report, uint64_t depth)
{
    uint64_t   limit;
    ngx_uint_t i;

    if (report->is_served) {
        ngx_clarity_report_served(report);
    }

    for (i = 0; i < report->nfull; /* void */) {
        limit = report->full[i];

        if (depth >= limit || depth > limit - limit / 10) {
            i++;
            continue;
        }

        report->full[i] = report->full[--report->nfull];

        ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
            "Redis %V has %uL jobs that are not finished, below "
            "\"clarity_queue_limit\" %uL again", &report->conf->label, depth,
            limit);
    }

    if (report->is_crowded
        && ngx_current_msec - report->crowded >= NGX_CLARITY_REPORT_CALM)
    {
        report->is_crowded = 0;

        ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
            "fewer requests than \"clarity_redis_max_pending\" %ui wait for "
            "Redis %V again", report->conf->max_pending,
            &report->conf->label);
    }
}


const clarity_redis_error_info_t *
ngx_clarity_report_reply(ngx_clarity_report_t *report,
    ngx_clarity_redis_use_t use, const redisReply *reply)
{
    char                              where[CLARITY_REDIS_WHERE_MAX];
    uint32_t                          hash;
    clarity_str_t                     message;
    ngx_clarity_report_use_t         *told;
    const clarity_redis_error_info_t *info;

    told = &report->uses[use];

    if (reply->type != REDIS_REPLY_ERROR) {

        if (told->refused.n
            && ngx_current_msec - told->last >= NGX_CLARITY_REPORT_CALM)
        {
            told->refused.n = 0;
            ngx_log_error(NGX_LOG_NOTICE, report->log, 0,
                "Redis %V takes %s again", &report->conf->label,
                ngx_clarity_report_uses[use]);
        }

        return NULL;
    }

    message = (clarity_str_t){ reply->str, reply->len };
    info = clarity_redis_error_info(message);

    if (info->code == CLARITY_REDIS_ERR_NOSCRIPT) {
        /* nothing is amiss: the script's text goes out next */
        return info;
    }

    /* what drops the connection would be told at each attempt */

    if (told->anew && !info->reconnect) {
        told->anew = 0;
        told->refused.n = 0;
    }

    where[0] = '\0';
    told->last = ngx_current_msec;

    if (ngx_clarity_report_is_of_command(info)) {
        clarity_redis_error_where(message, where);
    }

    hash = ngx_crc32_short((u_char *) where, ngx_strlen(where)) + info->code;

    if (!ngx_clarity_report_was_told(&told->refused, hash)) {
        ngx_log_error(NGX_LOG_ERR, report->log, 0,
            "Redis %V refuses %s (%s): %s%s%s", &report->conf->label,
            ngx_clarity_report_uses[use], info->prefix, info->meaning,
            where[0] ? "; refused was " : "", where);
    }

    return info;
}


/* Is one command refused, where others may not be? Then it is named. */

static ngx_uint_t
ngx_clarity_report_is_of_command(const clarity_redis_error_info_t *info)
{
    return info->code == CLARITY_REDIS_ERR_NOPERM
        || info->code == CLARITY_REDIS_ERR_WRONGTYPE
        || info->code == CLARITY_REDIS_ERR_HALFSTORED
        || info->code == CLARITY_REDIS_ERR_OTHER;
}


/*
 * Notes it, unless it was. Two may come in turn, as of two addresses, or of
 * two commands; more than there is room for are not told.
 */

static ngx_uint_t
ngx_clarity_report_was_told(ngx_clarity_report_told_t *told, uint32_t hash)
{
    ngx_uint_t i;

    for (i = 0; i < told->n; i++) {
        if (told->hashes[i] == hash) {
            return 1;
        }
    }

    if (told->n == NGX_CLARITY_REPORT_REASONS) {
        return 1;
    }

    told->hashes[told->n++] = hash;

    return 0;
}
