/*
 * Who is there: a hash with a field for each process, whose value is JSON and
 * begins with the time at which it was written:
 *
 *   {PREFIX}:workflows   {"at":ms,"workflows":[…]}, of each worker
 *   {PREFIX}:nginx       {"at":ms,"workers":N,"revision":R}, of each nginx
 *
 * Readers pass over what is old; what is much older is deleted by whoever
 * writes next, since who was killed cannot.
 */

#ifndef CLARITY_JOB_REPORT_SCRIPT_H
#define CLARITY_JOB_REPORT_SCRIPT_H

#include "job/script.h"

#define CLARITY_REPORT_FORGOTTEN 3600000 /* ms after which it is deleted */

/*
 * KEYS: the hash. ARGV: the process's own name, its value, and the time, in
 * ms since 1970, before which others are deleted. An integer reply: HSET's.
 */
extern const clarity_script_t clarity_script_report;

#endif
