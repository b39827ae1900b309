/*
 * A parameter in JSON again, for whoever shows it. Types stand in an order of
 * our own: what examples are made of comes first.
 */

#include "webhook/trigger.h"

#include <stdint.h>

static void add_types(unsigned types, clarity_buf_t *buf);
static void add_values(
    const clarity_enum_t *values, size_t n, clarity_buf_t *buf);
static void add_value(const clarity_enum_t *value, clarity_buf_t *buf);

static const struct {
    const char *name;
    unsigned type;
} ordered_types[] = {
    { "string", CLARITY_TYPE_STRING },
    { "integer", CLARITY_TYPE_INTEGER },
    { "number", CLARITY_TYPE_NUMBER },
    { "boolean", CLARITY_TYPE_BOOLEAN },
    { "array", CLARITY_TYPE_ARRAY },
    { "object", CLARITY_TYPE_OBJECT },
    { "null", CLARITY_TYPE_NULL },
};

#define NTYPES (sizeof(ordered_types) / sizeof(ordered_types[0]))


void
clarity_parameter_describe(
    const clarity_parameter_t *parameter, clarity_buf_t *buf)
{
    clarity_buf_addz(buf, "{\"name\":");
    clarity_buf_add_json(buf, parameter->name);

    if (parameter->types != 0) {
        clarity_buf_addz(buf, ",\"type\":");
        add_types(parameter->types, buf);
    }

    if (parameter->values != NULL) {
        clarity_buf_addz(buf, ",\"enum\":");
        add_values(parameter->values, parameter->nvalues, buf);
    }

    if (parameter->format != CLARITY_FORMAT_NONE) {
        clarity_buf_addf(
            buf, ",\"format\":\"%s\"", clarity_format_name(parameter->format));
    }

    if (parameter->min_length > 0) {
        clarity_buf_addf(buf, ",\"minLength\":%zu", parameter->min_length);
    }

    if (parameter->max_length < SIZE_MAX) {
        clarity_buf_addf(buf, ",\"maxLength\":%zu", parameter->max_length);
    }

    if (parameter->minimum.len > 0) {
        clarity_buf_addz(buf, ",\"minimum\":");
        clarity_buf_add(buf, parameter->minimum);
    }

    if (parameter->maximum.len > 0) {
        clarity_buf_addz(buf, ",\"maximum\":");
        clarity_buf_add(buf, parameter->maximum);
    }

    clarity_buf_addz(buf, "}");
}


static void
add_types(unsigned types, clarity_buf_t *buf)
{
    size_t i;
    const char *between;

    between = "[";

    for (i = 0; i < NTYPES; i++) {
        if (types & ordered_types[i].type) {
            clarity_buf_addf(buf, "%s\"%s\"", between, ordered_types[i].name);
            between = ",";
        }
    }

    clarity_buf_addz(buf, "]");
}


static void
add_values(const clarity_enum_t *values, size_t n, clarity_buf_t *buf)
{
    size_t i;

    for (i = 0; i < n; i++) {
        clarity_buf_addz(buf, i == 0 ? "[" : ",");
        add_value(&values[i], buf);
    }

    clarity_buf_addz(buf, "]");
}


static void
add_value(const clarity_enum_t *value, clarity_buf_t *buf)
{
    switch (value->type) {
    case CLARITY_TYPE_STRING: clarity_buf_add_json(buf, value->text); break;
    case CLARITY_TYPE_NUMBER: clarity_buf_add(buf, value->text); break;
    case CLARITY_TYPE_BOOLEAN:
        clarity_buf_addz(buf, value->boolean ? "true" : "false");
        break;
    default: clarity_buf_addz(buf, "null"); break;
    }
}
