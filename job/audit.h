/*
 * The audit stream: who did what with the webhooks made at run time, and with
 * jobs. Never holds a token.
 */

#ifndef CLARITY_JOB_AUDIT_H
#define CLARITY_JOB_AUDIT_H

#include "json/str.h"

#define CLARITY_AUDIT_LENGTH "10000" /* entries that are kept, about */

typedef struct {
    clarity_str_t action;  /* "create", "update", "delete", "token", … */
    clarity_str_t webhook; /* its id */
    clarity_str_t job;     /* its id, in the place of a webhook's */
    clarity_str_t user;    /* who is logged in; empty: "-" */
    clarity_str_t addr;    /* the client's address */
    clarity_str_t time;    /* ms since 1970, nginx's clock */
} clarity_audit_t;

#define CLARITY_AUDIT_FIELDS   (2 * 5)
#define CLARITY_AUDIT_MAX_ARGS (6 + CLARITY_AUDIT_FIELDS)

/*
 * Fields and values in turn, the last arguments of the scripts that change
 * webhooks. argv points into the entry and static text. Returns their number.
 */
size_t clarity_audit_fields(
    const clarity_audit_t *audit, clarity_str_t argv[CLARITY_AUDIT_FIELDS]);

/* The same for what changes nothing: XADD KEY MAXLEN ~ …. Returns argc. */
size_t clarity_audit_xadd(const clarity_audit_t *audit, clarity_str_t key,
    clarity_str_t argv[CLARITY_AUDIT_MAX_ARGS]);

#endif
