/*
 * A webhook's record, for the tests that read and change one.
 */

#ifndef CLARITY_T_WEBHOOK_FIXTURE_H
#define CLARITY_T_WEBHOOK_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "webhook/record.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SEALED                                                                \
    "v1.k1."                                                                  \
    "oKGio6SlpqeoqaqrhXQdXyy_e-AVDdjjNkjz6kWabiir9gAv2EtgwTfiP0qeOwmw_3MBbgv" \
    "JUp9RI9mYJXgiLQS3KQ14LzsoKe485SVWe_GNODXNyrPLzg"

#define TOKEN_1                                                               \
    "{\"id\":\"tk_0123456789ab\",\"sealed\":\"" SEALED "\","                  \
    "\"created_at\":1732000000000,\"expires_at\":null}"
#define TOKEN_2                                                               \
    "{\"id\":\"tk_ba9876543210\",\"sealed\":\"v1.k0.x\","                     \
    "\"created_at\":1731000000000,\"expires_at\":1732000003600}"

/* A record but for its end: what is written, and what the script adds. */
#define RECORD                                                                \
    "{\"id\":\"wh_0123456789ABCDEFGHIJ\",\"method\":\"POST\","                \
    "\"endpoint\":\"custom-provision-entitlement\","                          \
    "\"trigger\":\"provision_entitlement\",\"active\":true,"                  \
    "\"order\":\"strict\",\"unknown\":\"reject\",\"idempotency\":null,"       \
    "\"status\":202,\"created_at\":1732000000000,"                            \
    "\"updated_at\":1732000000001,\"tokens\":[" TOKEN_1 "," TOKEN_2 "]"
#define REVISION ",\"revision\":7}"


static void
read_good(const char *text, clarity_webhook_t *webhook)
{
    clarity_error_t error;

    if (!clarity_webhook_read(clarity_str(text), webhook, &error)) {
        fail_msg("%s: %s", text, error.text);
    }
}


/* text with the first `from` in it replaced; to be freed. */
static char *
edited(const char *text, const char *from, const char *to)
{
    char *p;
    size_t before;
    const char *at;

    at = strstr(text, from);
    if (at == NULL) {
        fail_msg("no %s in the text", from);
    }

    before = (size_t) (at - text);
    p = malloc(strlen(text) + strlen(to) + 1);
    assert_non_null(p);

    sprintf(p, "%.*s%s%s", (int) before, text, to, at + strlen(from));

    return p;
}

#endif
