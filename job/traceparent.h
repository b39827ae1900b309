/*
 * The header traceparent: W3C Trace Context, 3.2.
 */

#ifndef CLARITY_JOB_TRACEPARENT_H
#define CLARITY_JOB_TRACEPARENT_H

#include "json/str.h"

#define CLARITY_TRACEPARENT 55 /* bytes, of version 00 */

/*
 * What may be passed on for that value: the value itself where it is one of
 * version 00; of a later version, what 00 knows of it, made in `made`; empty
 * where it is none, which is to be as if it had not been sent. None are those
 * of version ff and those with a trace or a parent of zeros.
 */
clarity_str_t clarity_traceparent(
    clarity_str_t value, char made[CLARITY_TRACEPARENT]);

#endif
