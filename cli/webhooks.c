#include "cli/command.h"

#include <stdlib.h>

#include "cli/show.h"
#include "job/member.h"
#include "webhook/record.h"

#define ID_FIELD    "id:" /* before a webhook's id */
#define COLUMN_MOST 48    /* bytes; a longer text is a row's own business */

typedef struct {
    clarity_webhook_t webhook;
    clarity_str_t id; /* of its field */
    bool unreadable;
    clarity_error_t error; /* why */
} entry_t;

static bool read_webhooks(
    const redisReply *reply, entry_t **entries, size_t *n);
static int compare(const void *a, const void *b);
static void show_json(const entry_t *entries, size_t n, clarity_buf_t *out);
static void show_webhook_json(
    const clarity_webhook_t *webhook, clarity_buf_t *out);
static void show_unreadable_json(const entry_t *entry, clarity_buf_t *out);
static void add_text(clarity_buf_t *out, const char *name, const char *text);
static void show(const entry_t *entries, size_t n, clarity_buf_t *out);
static int widen(int width, const char *text);
static bool all_readable(
    const entry_t *entries, size_t n, clarity_error_t *error);
static void show_entry(const entry_t *entry, int width_of_endpoint,
    int width_of_trigger, clarity_buf_t *out);

static const char *const orders[] = {
    [CLARITY_ORDER_STRICT] = "strict",
    [CLARITY_ORDER_ANY] = "any",
};

static const char *const unknowns[] = {
    [CLARITY_UNKNOWN_REJECT] = "reject",
    [CLARITY_UNKNOWN_DROP] = "drop",
    [CLARITY_UNKNOWN_KEEP] = "keep",
};

static const char note[] =
    "Those of nginx.conf are not in this list: they are not in Redis.\n";


int
clarity_command_webhooks(const clarity_command_t *command)
{
    int status;
    size_t n;
    entry_t *entries;
    redisReply *reply;
    clarity_key_t key;
    clarity_str_t argv[2];

    clarity_key_webhooks(&key, clarity_str(command->target->prefix));

    argv[0] = clarity_lit("HGETALL");
    argv[1] = clarity_key_str(&key);

    reply = clarity_ask(command->asker, 2, argv, command->error);
    if (reply == NULL) {
        return CLARITY_EXIT_NO;
    }

    status = CLARITY_EXIT_DONE;

    if (!read_webhooks(reply, &entries, &n)) {
        clarity_error(command->error, "out of memory");
        status = CLARITY_EXIT_NO;

    } else if (command->json) {
        show_json(entries, n, command->out);

    } else {
        show(entries, n, command->out);
    }

    if (status == CLARITY_EXIT_DONE
        && !all_readable(entries, n, command->error)) {
        status = CLARITY_EXIT_NO;
    }

    free(entries);
    freeReplyObject(reply);

    return status;
}


/* Sorted. One that cannot be read hides no other. */
static bool
read_webhooks(const redisReply *reply, entry_t **entries, size_t *n)
{
    size_t i;
    entry_t *entry;
    clarity_str_t field;
    const redisReply *value;

    *n = 0;
    *entries = calloc(reply->elements / 2 + 1, sizeof(entry_t));

    if (*entries == NULL) {
        return false;
    }

    for (i = 0; (value = clarity_reply_at(reply, i + 1)) != NULL; i += 2) {
        field = clarity_reply_str(clarity_reply_at(reply, i));

        if (field.len < sizeof(ID_FIELD) - 1
            || memcmp(field.data, ID_FIELD, sizeof(ID_FIELD) - 1) != 0)
        {
            continue;
        }

        entry = &(*entries)[(*n)++];
        entry->id.data = field.data + sizeof(ID_FIELD) - 1;
        entry->id.len = field.len - (sizeof(ID_FIELD) - 1);
        entry->unreadable = !clarity_webhook_read(
            clarity_reply_str(value), &entry->webhook, &entry->error);

        /* nginx passes it over too */
        if (!entry->unreadable
            && !clarity_str_is(entry->id, entry->webhook.id)) {
            clarity_error(&entry->error, "the record is of the id %s",
                entry->webhook.id);
            entry->unreadable = true;
        }
    }

    qsort(*entries, *n, sizeof(entry_t), compare);

    return true;
}


/* By endpoint, then method; those that cannot be read come last. */
static int
compare(const void *a, const void *b)
{
    int order;
    const entry_t *x = a;
    const entry_t *y = b;

    if (x->unreadable != y->unreadable) {
        return x->unreadable ? 1 : -1;
    }

    order = strcmp(x->webhook.endpoint, y->webhook.endpoint);

    return order != 0 ? order : strcmp(x->webhook.method, y->webhook.method);
}


static void
show_json(const entry_t *entries, size_t n, clarity_buf_t *out)
{
    size_t i;

    clarity_buf_addz(out, "{\"webhooks\":[");

    for (i = 0; i < n && !entries[i].unreadable; i++) {
        clarity_buf_addz(out, i == 0 ? "" : ",");
        show_webhook_json(&entries[i].webhook, out);
    }

    clarity_buf_addz(out, "]");

    if (i < n) {
        clarity_buf_addz(out, ",\"unreadable\":[");
        show_unreadable_json(&entries[i], out);

        while (++i < n) {
            clarity_buf_addz(out, ",");
            show_unreadable_json(&entries[i], out);
        }

        clarity_buf_addz(out, "]");
    }

    clarity_buf_addz(out, "}\n");
}


/* Without what is sealed: a list may be sent to anybody. */
static void
show_webhook_json(const clarity_webhook_t *webhook, clarity_buf_t *out)
{
    size_t i;
    const clarity_webhook_token_t *token;

    clarity_buf_addf(out, "{\"id\":\"%s\"", webhook->id);
    add_text(out, "method", webhook->method);
    add_text(out, "endpoint", webhook->endpoint);
    add_text(out, "trigger", webhook->trigger);
    clarity_buf_addf(out, ",\"active\":%s,\"status\":%u",
        webhook->active ? "true" : "false", webhook->status);
    add_text(out, "order", orders[webhook->rules.order]);
    add_text(out, "unknown", unknowns[webhook->rules.unknown]);
    clarity_member_time(out, "created_at", webhook->created_at);
    clarity_member_time(out, "updated_at", webhook->updated_at);
    clarity_buf_addz(out, ",\"tokens\":[");

    for (i = 0; i < webhook->ntokens; i++) {
        token = &webhook->tokens[i];

        clarity_buf_addf(
            out, "%s{\"id\":\"%s\"", i == 0 ? "" : ",", token->id);
        clarity_member_time(out, "created_at", token->created_at);
        clarity_member_time(out, "expires_at", token->expires_at);
        clarity_buf_addz(out, "}");
    }

    clarity_buf_addz(out, "]}");
}


static void
show_unreadable_json(const entry_t *entry, clarity_buf_t *out)
{
    clarity_buf_addz(out, "{\"id\":");
    clarity_buf_add_json(out, entry->id);
    add_text(out, "reason", entry->error.text);
    clarity_buf_addz(out, "}");
}


static void
add_text(clarity_buf_t *out, const char *name, const char *text)
{
    clarity_buf_addf(out, ",\"%s\":", name);
    clarity_buf_add_json(out, clarity_str(text));
}


static void
show(const entry_t *entries, size_t n, clarity_buf_t *out)
{
    int width_of_endpoint, width_of_trigger;
    size_t i;

    width_of_endpoint = width_of_trigger = 0;

    for (i = 0; i < n; i++) {
        width_of_endpoint =
            widen(width_of_endpoint, entries[i].webhook.endpoint);
        width_of_trigger = widen(width_of_trigger, entries[i].webhook.trigger);
    }

    if (n == 0) {
        clarity_buf_addz(out, "No webhook has been made at run time.\n");
    }

    for (i = 0; i < n; i++) {
        show_entry(&entries[i], width_of_endpoint, width_of_trigger, out);
    }

    clarity_buf_addz(out, note);
}


static int
widen(int width, const char *text)
{
    size_t len;

    len = strlen(text);

    return len > COLUMN_MOST || (int) len < width ? width : (int) len;
}


static bool
all_readable(const entry_t *entries, size_t n, clarity_error_t *error)
{
    size_t unreadable;

    /* they come last */
    for (unreadable = 0; unreadable < n; unreadable++) {
        if (!entries[n - 1 - unreadable].unreadable) {
            break;
        }
    }

    if (unreadable == 0) {
        return true;
    }

    clarity_error(error,
        "%zu of %zu webhooks cannot be read, and are not "
        "served: see the list",
        unreadable, n);

    return false;
}


static void
show_entry(const entry_t *entry, int width_of_endpoint, int width_of_trigger,
    clarity_buf_t *out)
{
    int gap;
    const clarity_webhook_t *webhook;

    if (entry->unreadable) {
        clarity_show_text(out, entry->id);
        clarity_buf_addz(out, "  cannot be read: ");
        clarity_show_text(out, clarity_str(entry->error.text));
        clarity_buf_addz(out, "\n");
        return;
    }

    webhook = &entry->webhook;
    gap = width_of_trigger - (int) strlen(webhook->trigger);

    clarity_buf_addf(out, "%-*s  %-*s  ", CLARITY_METHOD_MAX, webhook->method,
        width_of_endpoint, webhook->endpoint);
    clarity_show_text(out, clarity_str(webhook->trigger));
    clarity_buf_addf(out, "%*s  %-3s  %zu token%s  %s  updated ",
        gap > 0 ? gap : 0, "", webhook->active ? "on" : "off",
        webhook->ntokens, webhook->ntokens == 1 ? " " : "s", webhook->id);
    clarity_member_moment(out, webhook->updated_at);
    clarity_buf_addz(out, "\n");
}
