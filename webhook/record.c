#include "webhook/record.h"

#include <inttypes.h>

#include "json/number.h"
#include "webhook/loader.h"

/* The greatest integer that JavaScript and Lua hold exactly: 2^53 - 1. */
#define NUMBER_MAX 9007199254740991

#define SECOND 1000
#define DAY    (24 * 60 * 60 * (uint64_t) SECOND)

/* What a record has and a body of the API may set. */
typedef struct {
    const char *name;
    const char *expected;
    bool required; /* of a new webhook */
    bool (*set)(clarity_webhook_t *webhook, const clarity_json_t *value);
} setting_t;

static bool apply(clarity_webhook_t *webhook, const clarity_json_t *body,
    const clarity_triggers_t *triggers, bool is_new, clarity_faults_t *faults);
static void apply_setting(clarity_webhook_t *webhook, const setting_t *setting,
    const clarity_json_t *value, const clarity_triggers_t *triggers,
    clarity_faults_t *faults);
static bool set_method(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_endpoint(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_trigger(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_active(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_order(clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_unknown(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_idempotency(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool set_status(
    clarity_webhook_t *webhook, const clarity_json_t *value);
static bool read_record(const clarity_json_t *root, clarity_webhook_t *webhook,
    clarity_error_t *error);
static bool read_tokens(const clarity_json_t *root, clarity_webhook_t *webhook,
    clarity_error_t *error);
static bool read_token(const clarity_json_t *json,
    clarity_webhook_token_t *token, clarity_error_t *error);
static bool read_id(const clarity_json_t *object, char *out, size_t size,
    bool (*is_one)(clarity_str_t text), clarity_error_t *error);
static bool read_number(const clarity_json_t *object, const char *name,
    uint64_t *number, clarity_error_t *error);
static bool refuse(const clarity_json_t *object, const char *name,
    const char *expected, clarity_error_t *error);
static bool copy_text(const clarity_json_t *value, char *out, size_t size);
static bool find_name(const clarity_json_t *value, const char *const *names,
    size_t n, size_t *index);
static void write_text(clarity_buf_t *buf, const char *name, const char *text);

static const char *const methods[] = { "POST", "GET", "PUT", "PATCH",
    "DELETE" };

static const char *const orders[] = {
    [CLARITY_ORDER_STRICT] = "strict",
    [CLARITY_ORDER_ANY] = "any",
};

static const char *const unknowns[] = {
    [CLARITY_UNKNOWN_REJECT] = "reject",
    [CLARITY_UNKNOWN_DROP] = "drop",
    [CLARITY_UNKNOWN_KEEP] = "keep",
};

static const setting_t settings[] = {
    { "method", "\"POST\", \"GET\", \"PUT\", \"PATCH\" or \"DELETE\"", true,
        set_method },
    { "endpoint",
        "1 to 200 bytes: segments of letters, digits, . _ ~ and -, joined by "
        "\"/\"",
        true, set_endpoint },
    { "trigger", "the name of a trigger in triggers.json", true, set_trigger },
    { "active", "true or false", false, set_active },
    { "order", "\"strict\" or \"any\"", false, set_order },
    { "unknown", "\"reject\", \"drop\" or \"keep\"", false, set_unknown },
    { "idempotency",
        "null, \"off\" or a duration from \"1s\" to \"90d\" such as \"24h\"",
        false, set_idempotency },
    { "status", "200, 201 or 202", false, set_status },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What an object of the API holds that is not for its caller to say. */
static const char *const fixed[] = { "id", "url", "context", "source",
    "revision", "created_at", "updated_at", "workflows", "live",
    "last_accepted", "last_refused", "token", "tokens", NULL };


bool
clarity_webhook_create(clarity_webhook_t *webhook, const clarity_json_t *body,
    const clarity_triggers_t *triggers, clarity_faults_t *faults)
{
    return apply(webhook, body, triggers, true, faults);
}


bool
clarity_webhook_same(const clarity_webhook_t *a, const clarity_webhook_t *b)
{
    return strcmp(a->method, b->method) == 0
           && strcmp(a->endpoint, b->endpoint) == 0
           && strcmp(a->trigger, b->trigger) == 0 && a->active == b->active
           && a->rules.order == b->rules.order
           && a->rules.unknown == b->rules.unknown
           && strcmp(a->idempotency, b->idempotency) == 0
           && a->status == b->status;
}


bool
clarity_webhook_patch(clarity_webhook_t *webhook, const clarity_json_t *body,
    const clarity_triggers_t *triggers, clarity_faults_t *faults)
{
    return apply(webhook, body, triggers, false, faults);
}


static bool
apply(clarity_webhook_t *webhook, const clarity_json_t *body,
    const clarity_triggers_t *triggers, bool is_new, clarity_faults_t *faults)
{
    size_t i, nfaults;
    const char *known[COUNT(settings) + 1];
    clarity_webhook_t changed;
    const clarity_json_t *value;

    for (i = 0; i < COUNT(settings); i++) {
        known[i] = settings[i].name;
    }

    known[i] = NULL;
    nfaults = faults->n;

    clarity_faults_check_members(faults, body, known, fixed);

    if (body->kind != CLARITY_OBJECT) {
        return false;
    }

    if (is_new) {
        memset(&changed, 0, sizeof(changed)); /* strict order, no unknowns */
        changed.active = true;
        changed.status = 202;
    } else {
        changed = *webhook;
    }

    for (i = 0; i < COUNT(settings); i++) {
        value = clarity_json_get(body, clarity_str(settings[i].name));

        if (value != NULL) {
            apply_setting(&changed, &settings[i], value, triggers, faults);

        } else if (is_new && settings[i].required) {
            clarity_faults_add(faults, clarity_str(settings[i].name),
                "required, but not there; expected %s", settings[i].expected);
        }
    }

    if (faults->n != nfaults) {
        return false;
    }

    *webhook = changed;

    return true;
}


static void
apply_setting(clarity_webhook_t *webhook, const setting_t *setting,
    const clarity_json_t *value, const clarity_triggers_t *triggers,
    clarity_faults_t *faults)
{
    if (setting->set(webhook, value)
        && (setting->set != set_trigger
            || clarity_triggers_find(triggers, value->text) != NULL))
    {
        return;
    }

    if (setting->set == set_endpoint && value->kind == CLARITY_STRING) {
        clarity_faults_add(faults, value->name, "%s; expected %s",
            clarity_endpoint_refused(value->text), setting->expected);
        return;
    }

    clarity_faults_add(faults, value->name, "expected %s, got %s",
        setting->expected, clarity_loader_shown(value).text);
}


static bool
set_method(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    size_t i;

    return find_name(value, methods, COUNT(methods), &i)
           && copy_text(value, webhook->method, sizeof(webhook->method));
}


static bool
set_endpoint(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    return value->kind == CLARITY_STRING
           && clarity_endpoint_refused(value->text) == NULL
           && copy_text(value, webhook->endpoint, sizeof(webhook->endpoint));
}


static bool
set_trigger(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    return copy_text(value, webhook->trigger, sizeof(webhook->trigger));
}


static bool
set_active(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    webhook->active = value->boolean;

    return value->kind == CLARITY_BOOLEAN;
}


static bool
set_order(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    size_t i;

    if (!find_name(value, orders, COUNT(orders), &i)) {
        return false;
    }

    webhook->rules.order = (clarity_order_t) i;

    return true;
}


static bool
set_unknown(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    size_t i;

    if (!find_name(value, unknowns, COUNT(unknowns), &i)) {
        return false;
    }

    webhook->rules.unknown = (clarity_unknown_t) i;

    return true;
}


static bool
set_idempotency(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    uint64_t ms;

    if (value->kind == CLARITY_NULL) {
        webhook->idempotency[0] = '\0';
        return true;
    }

    if (!copy_text(value, webhook->idempotency, sizeof(webhook->idempotency)))
    {
        return false;
    }

    return clarity_str_is(value->text, "off")
           || (clarity_duration_parse(value->text, &ms) && ms >= SECOND
               && ms <= 90 * DAY);
}


static bool
set_status(clarity_webhook_t *webhook, const clarity_json_t *value)
{
    size_t status;

    if (value->kind != CLARITY_NUMBER
        || !clarity_number_to_size(value->text, 202, &status) || status < 200)
    {
        return false;
    }

    webhook->status = (unsigned) status;

    return true;
}


/* The record was read or checked, so a text is "off" or a duration. */
uint64_t
clarity_webhook_idempotency(
    const clarity_webhook_t *webhook, uint64_t inherited)
{
    uint64_t ms;

    if (webhook->idempotency[0] == '\0') {
        return inherited;
    }

    return clarity_duration_parse(clarity_str(webhook->idempotency), &ms) ? ms
                                                                          : 0;
}


bool
clarity_webhook_read(
    clarity_str_t text, clarity_webhook_t *webhook, clarity_error_t *error)
{
    bool ok;
    clarity_webhook_t read;
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(text, "record", CLARITY_JSON_UNIQUE_NAMES, error);
    if (doc == NULL) {
        return false;
    }

    memset(&read, 0, sizeof(read));
    ok = read_record(doc->root, &read, error);
    clarity_json_free(doc);

    if (ok) {
        *webhook = read;
    }

    return ok;
}


static bool
read_record(const clarity_json_t *root, clarity_webhook_t *webhook,
    clarity_error_t *error)
{
    size_t i;
    const clarity_json_t *value;

    if (root->kind != CLARITY_OBJECT) {
        return clarity_error(error, "record:%u: expected an object, got %s",
            root->line, clarity_json_kind_name(root->kind));
    }

    if (!read_id(root, webhook->id, sizeof(webhook->id),
            clarity_webhook_id_well_formed, error))
    {
        return false;
    }

    for (i = 0; i < COUNT(settings); i++) {
        value = clarity_json_get(root, clarity_str(settings[i].name));

        if (value == NULL || !settings[i].set(webhook, value)) {
            return refuse(root, settings[i].name, settings[i].expected, error);
        }
    }

    return read_number(root, "created_at", &webhook->created_at, error)
           && read_number(root, "updated_at", &webhook->updated_at, error)
           && read_number(root, "revision", &webhook->revision, error)
           && read_tokens(root, webhook, error);
}


static bool
read_tokens(const clarity_json_t *root, clarity_webhook_t *webhook,
    clarity_error_t *error)
{
    const clarity_json_t *list, *json;

    list = clarity_json_get(root, clarity_lit("tokens"));

    if (list == NULL || list->kind != CLARITY_ARRAY || list->count == 0
        || list->count > CLARITY_WEBHOOK_TOKENS)
    {
        return refuse(root, "tokens", "an array of 1 to 4", error);
    }

    for (json = list->first; json != NULL; json = json->next) {
        if (!read_token(json, &webhook->tokens[webhook->ntokens++], error)) {
            return false;
        }
    }

    return true;
}


static bool
read_token(const clarity_json_t *json, clarity_webhook_token_t *token,
    clarity_error_t *error)
{
    const clarity_json_t *value;

    if (json->kind != CLARITY_OBJECT) {
        return clarity_error(error,
            "record:%u: \"tokens\" holds %s, expected objects", json->line,
            clarity_json_kind_name(json->kind));
    }

    value = clarity_json_get(json, clarity_lit("sealed"));

    /* Whether it opens is seen when it is opened. */
    if (value == NULL
        || !copy_text(value, token->sealed, sizeof(token->sealed))) {
        return refuse(json, "sealed", "a sealed token", error);
    }

    if (!read_id(json, token->id, sizeof(token->id),
            clarity_token_id_well_formed, error)
        || !read_number(json, "created_at", &token->created_at, error))
    {
        return false;
    }

    value = clarity_json_get(json, clarity_lit("expires_at"));

    return (value != NULL && value->kind == CLARITY_NULL)
           || read_number(json, "expires_at", &token->expires_at, error);
}


static bool
read_id(const clarity_json_t *object, char *out, size_t size,
    bool (*is_one)(clarity_str_t text), clarity_error_t *error)
{
    const clarity_json_t *value;

    value = clarity_json_get(object, clarity_lit("id"));

    if (value == NULL || !copy_text(value, out, size) || !is_one(value->text))
    {
        return refuse(object, "id", "an id", error);
    }

    return true;
}


/* Never 0, which stands for none. */
static bool
read_number(const clarity_json_t *object, const char *name, uint64_t *number,
    clarity_error_t *error)
{
    size_t n;
    const clarity_json_t *value;

    value = clarity_json_get(object, clarity_str(name));

    if (value == NULL || value->kind != CLARITY_NUMBER
        || !clarity_number_to_size(value->text, NUMBER_MAX, &n) || n == 0)
    {
        return refuse(
            object, name, "an integer from 1 to 9007199254740991", error);
    }

    *number = n;

    return true;
}


/* The value is not shown: records are read to write a log. */
static bool
refuse(const clarity_json_t *object, const char *name, const char *expected,
    clarity_error_t *error)
{
    const clarity_json_t *value;

    value = clarity_json_get(object, clarity_str(name));

    if (value == NULL) {
        return clarity_error(error, "record:%u: no \"%s\" in it, expected %s",
            object->line, name, expected);
    }

    return clarity_error(error, "record:%u: wrong \"%s\", expected %s",
        value->line, name, expected);
}


/* false: no string, an empty one, too long for out, or with a NUL in it. */
static bool
copy_text(const clarity_json_t *value, char *out, size_t size)
{
    if (value->kind != CLARITY_STRING || value->text.len == 0
        || value->text.len >= size
        || memchr(value->text.data, '\0', value->text.len) != NULL)
    {
        return false;
    }

    memcpy(out, value->text.data, value->text.len);
    out[value->text.len] = '\0';

    return true;
}


static bool
find_name(const clarity_json_t *value, const char *const *names, size_t n,
    size_t *index)
{
    if (value->kind != CLARITY_STRING) {
        return false;
    }

    for (*index = 0; *index < n; (*index)++) {
        if (clarity_str_is(value->text, names[*index])) {
            return true;
        }
    }

    return false;
}


void
clarity_webhook_write(clarity_buf_t *buf, const clarity_webhook_t *webhook)
{
    size_t i;
    const clarity_webhook_token_t *token;

    write_text(buf, "{\"id\":", webhook->id);
    write_text(buf, ",\"method\":", webhook->method);
    write_text(buf, ",\"endpoint\":", webhook->endpoint);
    write_text(buf, ",\"trigger\":", webhook->trigger);

    clarity_buf_addf(buf,
        ",\"active\":%s,\"order\":\"%s\",\"unknown\":\"%s\",\"idempotency\":",
        webhook->active ? "true" : "false", orders[webhook->rules.order],
        unknowns[webhook->rules.unknown]);

    if (webhook->idempotency[0] == '\0') {
        clarity_buf_addz(buf, "null");
    } else {
        clarity_buf_add_json(buf, clarity_str(webhook->idempotency));
    }

    clarity_buf_addf(buf,
        ",\"status\":%u,\"created_at\":%" PRIu64 ",\"updated_at\":%" PRIu64
        ",\"tokens\":[",
        webhook->status, webhook->created_at, webhook->updated_at);

    for (i = 0; i < webhook->ntokens; i++) {
        token = &webhook->tokens[i];

        write_text(buf, i == 0 ? "{\"id\":" : ",{\"id\":", token->id);
        write_text(buf, ",\"sealed\":", token->sealed);
        clarity_buf_addf(buf,
            ",\"created_at\":%" PRIu64 ",\"expires_at\":", token->created_at);

        if (token->expires_at == 0) {
            clarity_buf_addz(buf, "null}");
        } else {
            clarity_buf_addf(buf, "%" PRIu64 "}", token->expires_at);
        }
    }

    clarity_buf_addz(buf, "]}");
}


static void
write_text(clarity_buf_t *buf, const char *name, const char *text)
{
    clarity_buf_addz(buf, name);
    clarity_buf_add_json(buf, clarity_str(text));
}
