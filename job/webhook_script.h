/*
 * The Lua that changes webhooks made at run time: each one atomic call, so
 * that method and endpoint stay unique, nobody overwrites a change that they
 * have not seen, and every change is audited and announced.
 *
 * KEYS of all: {PREFIX}:webhooks, {PREFIX}:audit. The hash has the fields
 *
 *   revision                of the last change of any webhook
 *   id:<webhook id>         the record, see webhook/record.h
 *   at:<METHOD> <endpoint>  the id of the webhook that is there
 *
 * The caller hands over a record without its "revision", which is not known
 * before the change is made; the script adds it as the last member, so the
 * record itself holds all that there is to know of a webhook, and what a
 * reader compares with If-Match came in the same bytes. Where the webhook was
 * and is comes from the records, the stored and the new one.
 *
 * A change raises the revision, adds an entry to the audit stream (the fields
 * of job/audit.h, before them "revision") and publishes the new revision to
 * the channel that is named as the hash. An error reply means that nothing was
 * changed.
 */

#ifndef CLARITY_JOB_WEBHOOK_SCRIPT_H
#define CLARITY_JOB_WEBHOOK_SCRIPT_H

#include "job/script.h"

/*
 * ARGV: record, then the audit entry's field, value …
 * {"ok", revision}; {"taken", id of the webhook that is there}: its own id
 * where a call whose reply was lost is repeated.
 */
extern const clarity_script_t clarity_script_webhook_create;

/*
 * ARGV: record, revision that it was made from or "" for any, then field,
 * value … {"ok", revision}; {"gone"}; {"conflict", revision that is there};
 * {"taken", id of the webhook that is there}.
 */
extern const clarity_script_t clarity_script_webhook_update;

/*
 * ARGV: webhook id, revision that is to be deleted or "" for any, then field,
 * value … {"ok", revision}; {"gone"}; {"conflict", revision that is there}.
 */
extern const clarity_script_t clarity_script_webhook_delete;

#endif
