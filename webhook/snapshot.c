#include "webhook/snapshot.h"

#include <stdlib.h>

/*
 *   head | entries, by endpoint and method | the strings' bytes
 *
 * Strings are told by their offsets from the start of the block.
 */
typedef struct {
    uint32_t offset;
    uint32_t len;
} place_t;

typedef struct {
    clarity_token_digest_t digest;
    place_t id;
    uint64_t expires;
} token_t;

typedef struct {
    place_t id;
    place_t method;
    place_t endpoint;
    place_t trigger;
    clarity_context_rules_t rules;
    uint32_t status;
    uint32_t active;
    uint64_t idempotency;
    uint64_t revision;
    uint64_t ntokens;
    token_t tokens[CLARITY_SNAPSHOT_TOKENS];
} entry_t;

typedef struct {
    uint64_t count;
    entry_t entries[];
} head_t;

static int by_endpoint(const void *a, const void *b);
static int compare(clarity_str_t a, clarity_str_t b);
static void put_entry(
    clarity_buf_t *buf, size_t i, const clarity_snapshot_webhook_t *webhook);
static place_t put(clarity_buf_t *buf, clarity_str_t text);
static clarity_str_t text_at(const head_t *head, place_t place);
static int compare_at(const head_t *head, size_t i, clarity_str_t endpoint);


void
clarity_snapshot_build(
    clarity_snapshot_webhook_t *webhooks, size_t n, clarity_buf_t *buf)
{
    char *p;
    size_t i, size;

    if (n != 0) {
        qsort(webhooks, n, sizeof(*webhooks), by_endpoint);
    }

    size = sizeof(head_t) + n * sizeof(entry_t);

    p = clarity_buf_reserve(buf, size);
    if (p == NULL) {
        return;
    }

    memset(p, 0, size);
    ((head_t *) p)->count = n;
    buf->len += size;

    for (i = 0; i < n; i++) {
        put_entry(buf, i, &webhooks[i]);
    }

    if (buf->len > UINT32_MAX) {
        buf->failed = true;
    }
}


size_t
clarity_snapshot_count(const void *snapshot)
{
    return ((const head_t *) snapshot)->count;
}


void
clarity_snapshot_get(
    const void *snapshot, size_t i, clarity_snapshot_webhook_t *webhook)
{
    size_t k;
    const head_t *head = snapshot;
    const entry_t *entry = &head->entries[i];

    webhook->id = text_at(head, entry->id);
    webhook->method = text_at(head, entry->method);
    webhook->endpoint = text_at(head, entry->endpoint);
    webhook->trigger = text_at(head, entry->trigger);
    webhook->active = entry->active != 0;
    webhook->rules = entry->rules;
    webhook->status = entry->status;
    webhook->idempotency = entry->idempotency;
    webhook->revision = entry->revision;
    webhook->ntokens = entry->ntokens;

    for (k = 0; k < entry->ntokens; k++) {
        webhook->tokens[k].digest = entry->tokens[k].digest;
        webhook->tokens[k].id = text_at(head, entry->tokens[k].id);
        webhook->tokens[k].expires = entry->tokens[k].expires;
    }
}


size_t
clarity_snapshot_find(
    const void *snapshot, clarity_str_t endpoint, size_t *first)
{
    size_t low, high, middle, n;
    const head_t *head = snapshot;

    low = 0;
    high = head->count;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (compare_at(head, middle, endpoint) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }

    *first = low;

    for (n = 0; low + n < head->count; n++) {
        if (compare_at(head, low + n, endpoint) != 0) {
            break;
        }
    }

    return n;
}


static int
by_endpoint(const void *a, const void *b)
{
    int order;
    const clarity_snapshot_webhook_t *x = a;
    const clarity_snapshot_webhook_t *y = b;

    order = compare(x->endpoint, y->endpoint);

    return order != 0 ? order : compare(x->method, y->method);
}


static int
compare(clarity_str_t a, clarity_str_t b)
{
    int order;
    size_t n;

    n = a.len < b.len ? a.len : b.len;
    order = n == 0 ? 0 : memcmp(a.data, b.data, n);

    if (order != 0) {
        return order;
    }

    return (a.len > b.len) - (a.len < b.len);
}


/* The buffer may move with each string: the entry is written at the end. */
static void
put_entry(
    clarity_buf_t *buf, size_t i, const clarity_snapshot_webhook_t *webhook)
{
    size_t k;
    entry_t entry;

    memset(&entry, 0, sizeof(entry));

    entry.id = put(buf, webhook->id);
    entry.method = put(buf, webhook->method);
    entry.endpoint = put(buf, webhook->endpoint);
    entry.trigger = put(buf, webhook->trigger);
    entry.rules = webhook->rules;
    entry.status = webhook->status;
    entry.active = webhook->active;
    entry.idempotency = webhook->idempotency;
    entry.revision = webhook->revision;
    entry.ntokens = webhook->ntokens;

    for (k = 0; k < webhook->ntokens; k++) {
        entry.tokens[k].digest = webhook->tokens[k].digest;
        entry.tokens[k].id = put(buf, webhook->tokens[k].id);
        entry.tokens[k].expires = webhook->tokens[k].expires;
    }

    if (!buf->failed) {
        ((head_t *) buf->data)->entries[i] = entry;
    }
}


static place_t
put(clarity_buf_t *buf, clarity_str_t text)
{
    place_t place;

    place.offset = (uint32_t) buf->len;
    place.len = (uint32_t) text.len;
    clarity_buf_add(buf, text);

    return place;
}


static clarity_str_t
text_at(const head_t *head, place_t place)
{
    return (clarity_str_t){ (const char *) head + place.offset, place.len };
}


static int
compare_at(const head_t *head, size_t i, clarity_str_t endpoint)
{
    return compare(text_at(head, head->entries[i].endpoint), endpoint);
}
