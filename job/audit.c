#include "job/audit.h"


size_t
clarity_audit_fields(
    const clarity_audit_t *audit, clarity_str_t argv[CLARITY_AUDIT_FIELDS])
{
    size_t n;

    n = 0;

    argv[n++] = clarity_lit("action");
    argv[n++] = audit->action;
    argv[n++] =
        audit->job.len != 0 ? clarity_lit("job") : clarity_lit("webhook");
    argv[n++] = audit->job.len != 0 ? audit->job : audit->webhook;
    argv[n++] = clarity_lit("user");
    argv[n++] = audit->user.len != 0 ? audit->user : clarity_lit("-");
    argv[n++] = clarity_lit("addr");
    argv[n++] = audit->addr;
    argv[n++] = clarity_lit("time");
    argv[n++] = audit->time;

    return n;
}


size_t
clarity_audit_xadd(const clarity_audit_t *audit, clarity_str_t key,
    clarity_str_t argv[CLARITY_AUDIT_MAX_ARGS])
{
    size_t argc;

    argc = 0;

    argv[argc++] = clarity_lit("XADD");
    argv[argc++] = key;
    argv[argc++] = clarity_lit("MAXLEN");
    argv[argc++] = clarity_lit("~");
    argv[argc++] = clarity_lit(CLARITY_AUDIT_LENGTH);
    argv[argc++] = clarity_lit("*");

    return argc + clarity_audit_fields(audit, argv + argc);
}
