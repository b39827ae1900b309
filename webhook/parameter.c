#include "webhook/loader.h"
#include "webhook/value.h"
#include "json/number.h"

#include <stdint.h>

static bool load_types(
    clarity_loader_t *loader, const clarity_json_t *json, unsigned *types);
static bool load_type(
    clarity_loader_t *loader, const clarity_json_t *json, unsigned *types);
static bool load_format(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_format_t *format);
static bool load_length(
    clarity_loader_t *loader, const clarity_json_t *json, size_t *length);
static bool load_number(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_str_t *number);
static bool load_enum(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_parameter_t *parameter);
static bool load_scalar(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_enum_t *value);
static bool check_bounds(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter);
static bool check_applies(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter);
static bool check_enum(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter);
static const char *keyword_of(unsigned faults);

static const char *const keywords[] = { "name", "type", "enum", "format",
    "minLength", "maxLength", "minimum", "maximum", NULL };

static const struct {
    const char *name;
    unsigned type;
} known_types[] = {
    { "null", CLARITY_TYPE_NULL },
    { "boolean", CLARITY_TYPE_BOOLEAN },
    { "number", CLARITY_TYPE_NUMBER },
    { "integer", CLARITY_TYPE_INTEGER },
    { "string", CLARITY_TYPE_STRING },
    { "array", CLARITY_TYPE_ARRAY },
    { "object", CLARITY_TYPE_OBJECT },
};

#define NTYPES (sizeof(known_types) / sizeof(known_types[0]))


bool
clarity_parameter_load(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_parameter_t *parameter)
{
    bool good;
    const clarity_json_t *member;

    parameter->max_length = SIZE_MAX;

    if (!clarity_loader_enter(
            loader, json, "parameter", keywords, &parameter->name))
    {
        return false;
    }

    for (member = json->first; member != NULL; member = member->next) {
        good = true;

        if (clarity_str_is(member->name, "type")) {
            good = load_types(loader, member, &parameter->types);

        } else if (clarity_str_is(member->name, "enum")) {
            good = load_enum(loader, member, parameter);

        } else if (clarity_str_is(member->name, "format")) {
            good = load_format(loader, member, &parameter->format);

        } else if (clarity_str_is(member->name, "minLength")) {
            good = load_length(loader, member, &parameter->min_length);

        } else if (clarity_str_is(member->name, "maxLength")) {
            good = load_length(loader, member, &parameter->max_length);

        } else if (clarity_str_is(member->name, "minimum")) {
            good = load_number(loader, member, &parameter->minimum);

        } else if (clarity_str_is(member->name, "maximum")) {
            good = load_number(loader, member, &parameter->maximum);
        }

        if (!good) {
            return false;
        }
    }

    return check_bounds(loader, json, parameter)
           && check_applies(loader, json, parameter)
           && check_enum(loader, json, parameter);
}


static bool
load_types(
    clarity_loader_t *loader, const clarity_json_t *json, unsigned *types)
{
    const clarity_json_t *type;

    if (json->kind == CLARITY_STRING) {
        return load_type(loader, json, types);
    }

    if (json->kind != CLARITY_ARRAY || json->count == 0) {
        return clarity_loader_refuse(loader, json->line,
            "\"type\" must be the name of a type or a list of some");
    }

    for (type = json->first; type != NULL; type = type->next) {
        if (!load_type(loader, type, types)) {
            return false;
        }
    }

    return true;
}


static bool
load_type(
    clarity_loader_t *loader, const clarity_json_t *json, unsigned *types)
{
    size_t i;

    for (i = 0; json->kind == CLARITY_STRING && i < NTYPES; i++) {
        if (!clarity_str_is(json->text, known_types[i].name)) {
            continue;
        }

        if (*types & known_types[i].type) {
            return clarity_loader_refuse(loader, json->line,
                "the type \"%s\" stands twice in \"type\"",
                known_types[i].name);
        }

        *types |= known_types[i].type;
        return true;
    }

    return clarity_loader_refuse(loader, json->line,
        "unknown type %s; known are null, boolean, number, integer, string, "
        "array, object",
        clarity_loader_shown(json).text);
}


static bool
load_format(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_format_t *format)
{
    clarity_format_t known;

    for (known = CLARITY_FORMAT_DATE; known <= CLARITY_FORMAT_EMAIL; known++) {
        if (json->kind == CLARITY_STRING
            && clarity_str_is(json->text, clarity_format_name(known)))
        {
            *format = known;
            return true;
        }
    }

    return clarity_loader_refuse(loader, json->line,
        "unknown format %s; known are date, date-time, date-or-date-time, "
        "uuid, email",
        clarity_loader_shown(json).text);
}


static bool
load_length(
    clarity_loader_t *loader, const clarity_json_t *json, size_t *length)
{
    /* SIZE_MAX means that there is no bound. */
    if (json->kind == CLARITY_NUMBER
        && clarity_number_to_size(json->text, SIZE_MAX - 1, length))
    {
        return true;
    }

    return clarity_loader_refuse(loader, json->line,
        "\"%s\" must be an integer from 0 on, a count of characters",
        json->name.data);
}


static bool
load_number(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_str_t *number)
{
    if (json->kind != CLARITY_NUMBER) {
        return clarity_loader_refuse(loader, json->line,
            "\"%s\" must be a number, not %s", json->name.data,
            clarity_json_kind_name(json->kind));
    }

    *number = json->text;
    return true;
}


static bool
load_enum(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_parameter_t *parameter)
{
    clarity_enum_t *values;
    const clarity_json_t *item;

    if (json->kind != CLARITY_ARRAY || json->count == 0) {
        return clarity_loader_refuse(loader, json->line,
            "\"enum\" must be a list of one value or more");
    }

    if (json->count > CLARITY_MAX_ENUM) {
        return clarity_loader_refuse(loader, json->line,
            "\"enum\" holds %zu values; at most %d are taken", json->count,
            CLARITY_MAX_ENUM);
    }

    values = clarity_json_alloc(loader->doc, json->count * sizeof(*values));
    if (values == NULL) {
        return clarity_loader_out_of_memory(loader);
    }

    parameter->values = values;

    for (item = json->first; item != NULL; item = item->next) {
        if (!load_scalar(loader, item, &values[parameter->nvalues++])) {
            return false;
        }
    }

    return true;
}


static bool
load_scalar(clarity_loader_t *loader, const clarity_json_t *json,
    clarity_enum_t *value)
{
    value->text = json->text;
    value->boolean = json->boolean;

    switch (json->kind) {
    case CLARITY_NULL: value->type = CLARITY_TYPE_NULL; return true;
    case CLARITY_BOOLEAN: value->type = CLARITY_TYPE_BOOLEAN; return true;
    case CLARITY_NUMBER: value->type = CLARITY_TYPE_NUMBER; return true;
    case CLARITY_STRING: value->type = CLARITY_TYPE_STRING; return true;
    default: break;
    }

    return clarity_loader_refuse(loader, json->line,
        "\"enum\" takes strings, numbers, true, false and null, not %s",
        clarity_json_kind_name(json->kind));
}


static bool
check_bounds(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter)
{
    const clarity_json_t *upper;

    if (parameter->min_length > parameter->max_length) {
        upper = clarity_json_get(json, clarity_lit("maxLength"));
        return clarity_loader_refuse(loader, upper->line,
            "\"maxLength\" is less than \"minLength\": nothing fits");
    }

    if (parameter->minimum.len != 0 && parameter->maximum.len != 0
        && clarity_number_compare(parameter->minimum, parameter->maximum) > 0)
    {
        upper = clarity_json_get(json, clarity_lit("maximum"));
        return clarity_loader_refuse(loader, upper->line,
            "\"maximum\" is less than \"minimum\": nothing fits");
    }

    return true;
}


/* A keyword that no value of the types would ever meet is a mistake. */
static bool
check_applies(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter)
{
    size_t i;
    const clarity_json_t *member;
    static const struct {
        const char *keyword;
        unsigned types;
        const char *what;
    } applies[] = {
        { "format", CLARITY_TYPE_STRING, "strings" },
        { "minLength", CLARITY_TYPE_STRING, "strings" },
        { "maxLength", CLARITY_TYPE_STRING, "strings" },
        { "minimum", CLARITY_TYPE_NUMBER | CLARITY_TYPE_INTEGER, "numbers" },
        { "maximum", CLARITY_TYPE_NUMBER | CLARITY_TYPE_INTEGER, "numbers" },
    };

    for (i = 0; i < sizeof(applies) / sizeof(applies[0]); i++) {
        member = clarity_json_get(json, clarity_str(applies[i].keyword));

        if (member != NULL && parameter->types != 0
            && (parameter->types & applies[i].types) == 0)
        {
            return clarity_loader_refuse(loader, member->name_line,
                "\"%s\" is for %s, which \"type\" shuts out",
                applies[i].keyword, applies[i].what);
        }
    }

    return true;
}


static bool
check_enum(clarity_loader_t *loader, const clarity_json_t *json,
    const clarity_parameter_t *parameter)
{
    size_t i;
    unsigned faults;
    const clarity_json_t *list, *item;

    list = clarity_json_get(json, clarity_lit("enum"));

    for (i = 0; i < parameter->nvalues; i++) {
        faults = clarity_value_faults(parameter, &parameter->values[i]);

        if (faults != 0) {
            item = clarity_json_at(list, i);
            return clarity_loader_refuse(loader, item->line,
                "\"enum\" holds %s, which \"%s\" shuts out",
                clarity_loader_shown(item).text, keyword_of(faults));
        }
    }

    return true;
}


static const char *
keyword_of(unsigned faults)
{
    size_t i;
    static const struct {
        unsigned fault;
        const char *keyword;
    } known[] = {
        { CLARITY_VALUE_TYPE, "type" },
        { CLARITY_VALUE_FORMAT, "format" },
        { CLARITY_VALUE_MIN_LENGTH, "minLength" },
        { CLARITY_VALUE_MAX_LENGTH, "maxLength" },
        { CLARITY_VALUE_MINIMUM, "minimum" },
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (faults & known[i].fault) {
            return known[i].keyword;
        }
    }

    return "maximum";
}
