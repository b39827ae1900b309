/*
 * All webhooks that were made at run time, as the request path looks them up:
 * one block of memory without pointers, so that it can lie in memory that
 * processes share. Built anew at each change, then only read; but for the
 * times at which its tokens were used, which the caller guards.
 */

#ifndef CLARITY_WEBHOOK_SNAPSHOT_H
#define CLARITY_WEBHOOK_SNAPSHOT_H

#include <stdint.h>

#include "json/buf.h"
#include "webhook/context.h"
#include "webhook/token.h"

#define CLARITY_SNAPSHOT_TOKENS 4 /* of one webhook */

/* Of idempotency: as the location has it. */
#define CLARITY_SNAPSHOT_INHERIT UINT64_MAX

typedef struct {
    clarity_token_digest_t digest;
    clarity_str_t id;
    uint64_t expires; /* ms since 1970; 0: never */
    uint64_t used;    /* ms since 1970, the last time; 0: not yet */
} clarity_snapshot_token_t;

/* A webhook that goes in or comes out; its strings are somebody else's. */
typedef struct {
    clarity_str_t id;
    clarity_str_t method;
    clarity_str_t endpoint;
    clarity_str_t trigger;
    bool active;
    clarity_context_rules_t rules;
    unsigned status;      /* of an accepted request: 200, 201, 202 */
    uint64_t idempotency; /* ms; 0: off; CLARITY_SNAPSHOT_INHERIT */
    uint64_t revision;
    clarity_snapshot_token_t tokens[CLARITY_SNAPSHOT_TOKENS];
    size_t ntokens;

    /* Until when a token is good that is none of those, as there is no key to
     * open it: ms since 1970; UINT64_MAX: for ever; 0: there is none. */
    uint64_t unopened;
} clarity_snapshot_webhook_t;

/*
 * Appends the block to an empty *buf. The array is sorted in place. On failure
 * buf->failed is set.
 */
void clarity_snapshot_build(
    clarity_snapshot_webhook_t *webhooks, size_t n, clarity_buf_t *buf);

size_t clarity_snapshot_count(const void *snapshot);

/*
 * The i-th, in the order of endpoint and then method. The strings lie in the
 * snapshot.
 */
void clarity_snapshot_get(
    const void *snapshot, size_t i, clarity_snapshot_webhook_t *webhook);

/*
 * The webhooks of an endpoint, one a method: *first and the number of them; 0:
 * there is none. By bisection.
 */
size_t clarity_snapshot_find(
    const void *snapshot, clarity_str_t endpoint, size_t *first);

/* The webhook of that id, by bisection too. false: there is none. */
bool clarity_snapshot_find_id(
    const void *snapshot, clarity_str_t id, size_t *i);

/* A token of the i-th was used at that time, in ms since 1970. */
void clarity_snapshot_use(
    void *snapshot, size_t i, size_t token, uint64_t time);

/*
 * Takes over from the snapshot before it when the tokens were used. In linear
 * time, and without memory of its own.
 */
void clarity_snapshot_carry(void *snapshot, const void *old);

/*
 * Appends to an empty *buf what of the old one holds by the new one too, where
 * that has no room: webhooks with the same address and trigger, as they are in
 * the new one, with the tokens that both have. It is no longer than the old
 * one. On failure buf->failed is set.
 */
void clarity_snapshot_rest(
    const void *old, const void *snapshot, clarity_buf_t *buf);

#endif
