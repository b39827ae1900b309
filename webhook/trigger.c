#include "webhook/trigger.h"
#include "webhook/loader.h"

#include <stdarg.h>
#include <stdio.h>

static bool load_file(clarity_loader_t *loader, clarity_triggers_t *triggers);
static bool load_trigger(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_trigger_t *trigger);
static bool load_context(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_trigger_t *trigger);
static bool load_text(clarity_loader_t *loader, const clarity_json_t *json,
    const char *key, clarity_str_t *text);
static bool load_list(clarity_loader_t *loader, const clarity_json_t *json,
    const char *key, size_t max, const clarity_json_t **list);
static bool refuse_twice(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_json_t *first);
static bool check_keywords(clarity_loader_t *loader,
    const clarity_json_t *json, const char *const *keywords);
static const clarity_json_t *name_of(const clarity_json_t *json);
static bool is_name(const clarity_json_t *value);

static const char *const file_keys[] = { "triggers", "description", NULL };

static const char *const trigger_keys[] = { "name", "title", "description",
    "context", NULL };


clarity_triggers_t *
clarity_triggers_parse(
    clarity_str_t text, const char *file, clarity_error_t *error)
{
    clarity_loader_t loader;
    clarity_triggers_t *triggers;

    loader.doc =
        clarity_json_parse(text, file, CLARITY_JSON_UNIQUE_NAMES, error);
    if (loader.doc == NULL) {
        return NULL;
    }

    loader.file = file;
    loader.error = error;
    loader.where[0] = '\0';

    triggers = clarity_json_alloc(loader.doc, sizeof(*triggers));

    if (triggers == NULL) {
        clarity_loader_out_of_memory(&loader);

    } else if (load_file(&loader, triggers)) {
        triggers->doc = loader.doc;
        return triggers;
    }

    clarity_json_free(loader.doc);
    return NULL;
}


void
clarity_triggers_free(clarity_triggers_t *triggers)
{
    /* The document's memory holds the triggers too. */
    if (triggers != NULL) {
        clarity_json_free(triggers->doc);
    }
}


const clarity_trigger_t *
clarity_triggers_find(const clarity_triggers_t *triggers, clarity_str_t name)
{
    size_t i;

    for (i = 0; i < triggers->count; i++) {
        if (clarity_str_eq(triggers->triggers[i].name, name)) {
            return &triggers->triggers[i];
        }
    }

    return NULL;
}


static bool
load_file(clarity_loader_t *loader, clarity_triggers_t *triggers)
{
    size_t i, j;
    clarity_str_t description;
    clarity_trigger_t *trigger;
    const clarity_json_t *root, *list, *json;

    root = loader->doc->root;

    if (!clarity_loader_enter(loader, root, "the file", file_keys, NULL)
        || !load_text(loader, root, "description", &description)
        || !load_list(loader, root, "triggers", CLARITY_MAX_TRIGGERS, &list))
    {
        return false;
    }

    trigger = clarity_json_alloc(loader->doc, list->count * sizeof(*trigger));
    if (trigger == NULL) {
        return clarity_loader_out_of_memory(loader);
    }

    triggers->triggers = trigger;

    i = 0;
    for (json = list->first; json != NULL; json = json->next) {
        loader->where[0] = '\0';

        if (!load_trigger(loader, json, &trigger[i])) {
            return false;
        }

        for (j = 0; j < i; j++) {
            if (clarity_str_eq(trigger[j].name, trigger[i].name)) {
                return refuse_twice(loader, json, clarity_json_at(list, j));
            }
        }

        triggers->count = ++i;
    }

    return true;
}


static bool
load_trigger(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_trigger_t *trigger)
{
    trigger->line = json->line;

    if (!clarity_loader_enter(
            loader, json, "trigger", trigger_keys, &trigger->name))
    {
        return false;
    }

    if (clarity_str_is(trigger->name, CLARITY_TRIGGER_JOB_FAILED)) {
        return clarity_loader_refuse(loader, name_of(json)->line,
            "this name is that of a trigger of Clarity's own, which the "
            "worker knows; expected another");
    }

    return load_text(loader, json, "title", &trigger->title)
           && load_text(loader, json, "description", &trigger->description)
           && load_context(loader, json, trigger);
}


static bool
load_context(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_trigger_t *trigger)
{
    size_t i, j, len;
    clarity_parameter_t *parameter;
    const clarity_json_t *list, *item;

    if (!load_list(loader, json, "context", CLARITY_MAX_PARAMETERS, &list)) {
        return false;
    }

    parameter =
        clarity_json_alloc(loader->doc, list->count * sizeof(*parameter));
    if (parameter == NULL) {
        return clarity_loader_out_of_memory(loader);
    }

    trigger->context = parameter;
    len = strlen(loader->where);

    i = 0;
    for (item = list->first; item != NULL; item = item->next) {
        loader->where[len] = '\0';

        if (!clarity_parameter_load(loader, item, &parameter[i])) {
            return false;
        }

        for (j = 0; j < i; j++) {
            if (clarity_str_eq(parameter[j].name, parameter[i].name)) {
                return refuse_twice(loader, item, clarity_json_at(list, j));
            }
        }

        trigger->ncontext = ++i;
    }

    loader->where[len] = '\0';
    return true;
}


bool
clarity_loader_enter(clarity_loader_t *loader, const clarity_json_t *json,
    const char *what, const char *const *keywords, clarity_str_t *name)
{
    bool named;
    char *where;
    size_t room;
    const clarity_json_t *value;

    value = name == NULL ? NULL : name_of(json);
    named = value != NULL && is_name(value);

    where = loader->where + strlen(loader->where);
    room = sizeof(loader->where) - strlen(loader->where);

    if (named) {
        snprintf(where, room, "%s \"%s\": ", what, value->text.data);
    } else {
        snprintf(where, room, "%s: ", what);
    }

    if (json->kind != CLARITY_OBJECT) {
        return clarity_loader_refuse(loader, json->line,
            "expected an object, got %s", clarity_json_kind_name(json->kind));
    }

    if (!check_keywords(loader, json, keywords)) {
        return false;
    }

    if (name == NULL) {
        return true;
    }

    if (value == NULL) {
        return clarity_loader_refuse(loader, json->line, "no \"name\" in it");
    }

    if (!named) {
        return clarity_loader_refuse(loader, value->line,
            "\"name\" must be a string of 1 to %d letters, digits, _ and -, "
            "the first a letter or _; got %s",
            CLARITY_MAX_NAME, clarity_loader_shown(value).text);
    }

    *name = value->text;
    return true;
}


bool
clarity_loader_refuse(
    clarity_loader_t *loader, unsigned line, const char *format, ...)
{
    va_list args;
    char why[sizeof(loader->error->text)];

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);

    return clarity_error(
        loader->error, "%s:%u: %s%s", loader->file, line, loader->where, why);
}


bool
clarity_loader_out_of_memory(clarity_loader_t *loader)
{
    return clarity_error(loader->error, "%s: out of memory", loader->file);
}


clarity_quote_t
clarity_loader_shown(const clarity_json_t *json)
{
    clarity_quote_t shown;

    if (json->kind == CLARITY_STRING) {
        return clarity_quote(json->text);
    }

    if (json->kind == CLARITY_ARRAY || json->kind == CLARITY_OBJECT) {
        snprintf(shown.text, sizeof(shown.text), "%s",
            clarity_json_kind_name(json->kind));
    } else {
        snprintf(shown.text, sizeof(shown.text), "%.*s",
            (int) (json->raw.len < sizeof(shown.text) ? json->raw.len
                                                      : sizeof(shown.text)),
            json->raw.data);
    }

    return shown;
}


static bool
load_text(clarity_loader_t *loader, const clarity_json_t *json,
    const char *key, clarity_str_t *text)
{
    const clarity_json_t *value;

    value = clarity_json_get(json, clarity_str(key));

    if (value == NULL) {
        *text = clarity_lit("");
        return true;
    }

    if (value->kind != CLARITY_STRING) {
        return clarity_loader_refuse(loader, value->line,
            "\"%s\" must be a string, not %s", key,
            clarity_json_kind_name(value->kind));
    }

    *text = value->text;
    return true;
}


static bool
load_list(clarity_loader_t *loader, const clarity_json_t *json,
    const char *key, size_t max, const clarity_json_t **list)
{
    const clarity_json_t *value;

    value = clarity_json_get(json, clarity_str(key));

    if (value == NULL) {
        return clarity_loader_refuse(
            loader, json->line, "no \"%s\" in it; expected an array", key);
    }

    if (value->kind != CLARITY_ARRAY) {
        return clarity_loader_refuse(loader, value->line,
            "\"%s\" must be an array, not %s", key,
            clarity_json_kind_name(value->kind));
    }

    if (value->count > max) {
        return clarity_loader_refuse(loader, value->line,
            "\"%s\" holds %zu elements; at most %zu are taken", key,
            value->count, max);
    }

    *list = value;
    return true;
}


static bool
refuse_twice(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_json_t *first)
{
    return clarity_loader_refuse(loader, name_of(json)->line,
        "the same name stands in line %u", name_of(first)->line);
}


static bool
check_keywords(clarity_loader_t *loader, const clarity_json_t *json,
    const char *const *keywords)
{
    size_t i;
    char known[128];
    const clarity_json_t *member;

    for (member = json->first; member != NULL; member = member->next) {

        for (i = 0; keywords[i] != NULL; i++) {
            if (clarity_str_is(member->name, keywords[i])) {
                break;
            }
        }

        if (keywords[i] != NULL) {
            continue;
        }

        known[0] = '\0';
        for (i = 0; keywords[i] != NULL; i++) {
            snprintf(known + strlen(known), sizeof(known) - strlen(known),
                "%s%s", i == 0 ? "" : ", ", keywords[i]);
        }

        return clarity_loader_refuse(loader, member->name_line,
            "unknown keyword %s; known are %s",
            clarity_quote(member->name).text, known);
    }

    return true;
}


static const clarity_json_t *
name_of(const clarity_json_t *json)
{
    return clarity_json_get(json, clarity_lit("name"));
}


static bool
is_name(const clarity_json_t *value)
{
    char c;
    size_t i;

    if (value->kind != CLARITY_STRING || value->text.len == 0
        || value->text.len > CLARITY_MAX_NAME)
    {
        return false;
    }

    for (i = 0; i < value->text.len; i++) {
        c = value->text.data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_') {
            continue;
        }

        if (i == 0 || !((c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }

    return true;
}
