#include "webhook/snapshot.h"

#include <stdlib.h>

/*
 *   head | entries, by endpoint and method | their indices, by id | strings
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
    uint64_t used;
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
    uint64_t unopened;
    uint64_t ntokens;
    token_t tokens[CLARITY_SNAPSHOT_TOKENS];
} entry_t;

typedef struct {
    uint64_t count;
    entry_t entries[];
} head_t;

/* To sort by. */
typedef struct {
    clarity_str_t id;
    uint32_t i;
} by_id_t;

static bool put_indices(
    clarity_buf_t *buf, const clarity_snapshot_webhook_t *webhooks, size_t n);
static int by_id(const void *a, const void *b);
static const uint32_t *indices(const head_t *head);
static int by_endpoint(const void *a, const void *b);
static void put_entry(
    clarity_buf_t *buf, size_t i, const clarity_snapshot_webhook_t *webhook);
static place_t put(clarity_buf_t *buf, clarity_str_t text);
static clarity_str_t text_at(const head_t *head, place_t place);
static int compare_at(const head_t *head, size_t i, clarity_str_t endpoint);
static clarity_str_t id_at(const head_t *head, size_t k);
static bool keep(const void *snapshot, clarity_snapshot_webhook_t *webhook);
static void carry(const head_t *head, entry_t *entry, const head_t *old_head,
    const entry_t *old);


void
clarity_snapshot_build(
    clarity_snapshot_webhook_t *webhooks, size_t n, clarity_buf_t *buf)
{
    char *p;
    size_t i, size;

    if (n != 0) {
        qsort(webhooks, n, sizeof(*webhooks), by_endpoint);
    }

    size = sizeof(head_t) + n * sizeof(entry_t) + n * sizeof(uint32_t);

    p = clarity_buf_reserve(buf, size);
    if (p == NULL) {
        return;
    }

    memset(p, 0, size);
    ((head_t *) p)->count = n;
    buf->len += size;

    if (!put_indices(buf, webhooks, n)) {
        buf->failed = true;
        return;
    }

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
    webhook->unopened = entry->unopened;
    webhook->ntokens = entry->ntokens;

    for (k = 0; k < entry->ntokens; k++) {
        webhook->tokens[k].digest = entry->tokens[k].digest;
        webhook->tokens[k].id = text_at(head, entry->tokens[k].id);
        webhook->tokens[k].expires = entry->tokens[k].expires;
        webhook->tokens[k].used = entry->tokens[k].used;
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


bool
clarity_snapshot_find_id(const void *snapshot, clarity_str_t id, size_t *i)
{
    int order;
    size_t low, high, middle;
    const head_t *head = snapshot;

    low = 0;
    high = head->count;

    while (low < high) {
        middle = low + (high - low) / 2;
        order = clarity_str_cmp(id_at(head, middle), id);

        if (order == 0) {
            *i = indices(head)[middle];
            return true;
        }

        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }

    return false;
}


void
clarity_snapshot_use(void *snapshot, size_t i, size_t token, uint64_t time)
{
    ((head_t *) snapshot)->entries[i].tokens[token].used = time;
}


/* Both are walked in the order of their ids. */
void
clarity_snapshot_carry(void *snapshot, const void *old)
{
    int order;
    size_t k, o;
    head_t *head = snapshot;
    const head_t *old_head = old;

    k = 0;
    o = 0;

    while (k < head->count && o < old_head->count) {
        order = clarity_str_cmp(id_at(head, k), id_at(old_head, o));

        if (order == 0) {
            carry(head, &head->entries[indices(head)[k]], old_head,
                &old_head->entries[indices(old_head)[o]]);
        }

        k += order <= 0;
        o += order >= 0;
    }
}


static void
carry(const head_t *head, entry_t *entry, const head_t *old_head,
    const entry_t *old)
{
    size_t k, o;

    for (k = 0; k < entry->ntokens; k++) {
        for (o = 0; o < old->ntokens; o++) {

            if (clarity_str_eq(text_at(head, entry->tokens[k].id),
                    text_at(old_head, old->tokens[o].id)))
            {
                entry->tokens[k].used = old->tokens[o].used;
            }
        }
    }
}


void
clarity_snapshot_rest(
    const void *old, const void *snapshot, clarity_buf_t *buf)
{
    size_t i, n, count;
    clarity_snapshot_webhook_t *webhooks;

    count = clarity_snapshot_count(old);
    n = 0;

    webhooks = calloc(count + 1, sizeof(*webhooks));
    if (webhooks == NULL) {
        buf->failed = true;
        return;
    }

    for (i = 0; i < count; i++) {
        clarity_snapshot_get(old, i, &webhooks[n]);
        n += keep(snapshot, &webhooks[n]);
    }

    clarity_snapshot_build(webhooks, n, buf);

    if (!buf->failed) {
        clarity_snapshot_carry(buf->data, old);
    }

    free(webhooks);
}


/* As it is in the snapshot; what takes room stays, or leaves. */
static bool
keep(const void *snapshot, clarity_snapshot_webhook_t *webhook)
{
    size_t i, k, o;
    clarity_snapshot_webhook_t now, before;

    if (!clarity_snapshot_find_id(snapshot, webhook->id, &i)) {
        return false;
    }

    clarity_snapshot_get(snapshot, i, &now);

    if (!clarity_str_eq(now.endpoint, webhook->endpoint)
        || !clarity_str_eq(now.method, webhook->method)
        || !clarity_str_eq(now.trigger, webhook->trigger))
    {
        return false;
    }

    before = *webhook;
    *webhook = now;
    webhook->ntokens = 0;

    for (k = 0; k < now.ntokens; k++) {
        for (o = 0; o < before.ntokens; o++) {

            if (clarity_str_eq(now.tokens[k].id, before.tokens[o].id)) {
                webhook->tokens[webhook->ntokens++] = now.tokens[k];
                break;
            }
        }
    }

    return true;
}


/* false: out of memory. */
static bool
put_indices(
    clarity_buf_t *buf, const clarity_snapshot_webhook_t *webhooks, size_t n)
{
    size_t i;
    by_id_t *sorted;
    uint32_t *index;

    if (n == 0) {
        return true;
    }

    sorted = calloc(n, sizeof(*sorted));
    if (sorted == NULL) {
        return false;
    }

    for (i = 0; i < n; i++) {
        sorted[i].id = webhooks[i].id;
        sorted[i].i = (uint32_t) i;
    }

    qsort(sorted, n, sizeof(*sorted), by_id);

    index = (uint32_t *) &((head_t *) buf->data)->entries[n];

    for (i = 0; i < n; i++) {
        index[i] = sorted[i].i;
    }

    free(sorted);

    return true;
}


static int
by_id(const void *a, const void *b)
{
    const by_id_t *x = a;
    const by_id_t *y = b;

    return clarity_str_cmp(x->id, y->id);
}


static const uint32_t *
indices(const head_t *head)
{
    return (const uint32_t *) &head->entries[head->count];
}


static int
by_endpoint(const void *a, const void *b)
{
    int order;
    const clarity_snapshot_webhook_t *x = a;
    const clarity_snapshot_webhook_t *y = b;

    order = clarity_str_cmp(x->endpoint, y->endpoint);

    return order != 0 ? order : clarity_str_cmp(x->method, y->method);
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
    entry.unopened = webhook->unopened;
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
    return clarity_str_cmp(text_at(head, head->entries[i].endpoint), endpoint);
}


/* The k-th id, in the order of ids. */
static clarity_str_t
id_at(const head_t *head, size_t k)
{
    return text_at(head, head->entries[indices(head)[k]].id);
}
