/*
 * Members of the JSON objects in which jobs are shown.
 */

#ifndef CLARITY_JOB_MEMBER_H
#define CLARITY_JOB_MEMBER_H

#include "job/id.h"
#include "json/buf.h"

/* {"job_id":"…" — the brace is open, and members follow. */
void clarity_member_job(clarity_buf_t *buf, const clarity_job_id_t *id);

/* ,"name":"text"; null where it is empty. */
void clarity_member_text(
    clarity_buf_t *buf, const char *name, clarity_str_t text);

/* ,"name":"2024-11-19T07:06:40.123Z" of ms since 1970; null for 0. */
void clarity_member_time(clarity_buf_t *buf, const char *name, uint64_t ms);

/* 2024-11-19T07:06:40.123Z (RFC 3339, UTC); nothing where no year has it. */
void clarity_member_moment(clarity_buf_t *buf, uint64_t ms);

#endif
