/*
 * What the error log is told of a Redis: each change of its state once, with
 * the server, what is refused and why; never once per request or attempt.
 */

#ifndef NGX_CLARITY_REPORT_H
#define NGX_CLARITY_REPORT_H

#include "ngx_clarity_redis.h"

#include "redis/reply_error.h"

/* Different reasons that are told of one absence, or of refusals. */
#define NGX_CLARITY_REPORT_REASONS 8

/* Hashes of what the log has been told; none: all is well. */
typedef struct {
    uint32_t   hashes[NGX_CLARITY_REPORT_REASONS];
    ngx_uint_t n;
} ngx_clarity_report_told_t;

/* Of the commands of a use. */
typedef struct {
    ngx_clarity_report_told_t refused; /* told, and not that it ended */
    ngx_msec_t                last;    /* refusal */
    unsigned                  anew : 1; /* none since a connection was lost */
} ngx_clarity_report_use_t;

typedef struct {
    const ngx_clarity_redis_conf_t *conf;
    ngx_log_t                      *log;
    ngx_clarity_report_told_t       lost;
    ngx_msec_t                      back;   /* when that was told last */
    ngx_msec_t                      served; /* the connection's first reply */
    ngx_uint_t                      losses; /* of such that had served, since
                                               all was told to be well */
    unsigned                        was_back : 1;
    unsigned                        is_served : 1;
    unsigned                        unsteady : 1; /* lost soon after that */
    ngx_clarity_report_use_t        uses[NGX_CLARITY_REDIS_USES];

    uint64_t   full[NGX_CLARITY_REPORT_REASONS]; /* limits that are reached */
    ngx_uint_t nfull;
    ngx_msec_t crowded;        /* when the last one was refused for that */
    unsigned   is_crowded : 1; /* max_pending was reached */

    uint64_t   too_large; /* the limit that was told last; 0: none */
} ngx_clarity_report_t;

/* *report is zeroed. */
void ngx_clarity_report_init(ngx_clarity_report_t *report,
    const ngx_clarity_redis_conf_t *conf, ngx_log_t *log);

/* The connection, or an attempt, has ended. err 0: the reason says all. */
void ngx_clarity_report_lost(
    ngx_clarity_report_t *report, ngx_err_t err, const char *reason);

/*
 * It has answered a command: one that cannot more than connect is not back. Nor
 * is one that was, a moment ago, and was lost again: it has to last first, so a
 * connection that is lost after each reply is two lines every few seconds.
 */
void ngx_clarity_report_served(ngx_clarity_report_t *report);

/*
 * A request meets a limit of clarity_queue_limit that `depth` unfinished jobs
 * have reached, or clarity_redis_max_pending. The end of the first is told
 * when a tenth is free, of the second after seconds without one.
 */
void ngx_clarity_report_full(
    ngx_clarity_report_t *report, uint64_t limit, uint64_t depth);
void ngx_clarity_report_crowded(ngx_clarity_report_t *report);

/* A value is larger than that setting of Redis, `limit` bytes, allows: told
 * once for each limit. */
void ngx_clarity_report_too_large(
    ngx_clarity_report_t *report, const char *setting, uint64_t limit);

/* Each second, with how many jobs are not finished. */
void ngx_clarity_report_tick(ngx_clarity_report_t *report, uint64_t depth);

/* A reply; NULL: it is no error, else which. */
const clarity_redis_error_info_t *ngx_clarity_report_reply(
    ngx_clarity_report_t *report, ngx_clarity_redis_use_t use,
    const redisReply *reply);

#endif
