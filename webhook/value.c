#include "webhook/value.h"
#include "json/number.h"
#include "json/text.h"

#include <stdint.h>

static bool type_fits(unsigned types, const clarity_enum_t *value);
static bool is_listed(
    const clarity_parameter_t *parameter, const clarity_enum_t *value);
static unsigned string_faults(
    const clarity_parameter_t *parameter, clarity_str_t text);
static unsigned number_faults(
    const clarity_parameter_t *parameter, clarity_str_t number);


unsigned
clarity_value_faults(
    const clarity_parameter_t *parameter, const clarity_enum_t *value)
{
    unsigned faults;

    if (parameter->types != 0 && !type_fits(parameter->types, value)) {
        return CLARITY_VALUE_TYPE;
    }

    faults = 0;

    if (parameter->nvalues != 0 && !is_listed(parameter, value)) {
        faults |= CLARITY_VALUE_ENUM;
    }

    if (value->type == CLARITY_TYPE_STRING) {
        faults |= string_faults(parameter, value->text);

    } else if (value->type == CLARITY_TYPE_NUMBER) {
        faults |= number_faults(parameter, value->text);
    }

    return faults;
}


static bool
type_fits(unsigned types, const clarity_enum_t *value)
{
    if (types & value->type) {
        return true;
    }

    return value->type == CLARITY_TYPE_NUMBER && (types & CLARITY_TYPE_INTEGER)
           && clarity_number_is_integer(value->text);
}


static bool
is_listed(const clarity_parameter_t *parameter, const clarity_enum_t *value)
{
    size_t i;
    const clarity_enum_t *listed;

    for (i = 0; i < parameter->nvalues; i++) {
        listed = &parameter->values[i];

        if (listed->type != value->type) {
            continue;
        }

        switch (value->type) {

        case CLARITY_TYPE_STRING:
            if (clarity_str_eq(listed->text, value->text)) {
                return true;
            }
            break;

        case CLARITY_TYPE_NUMBER:
            if (clarity_number_compare(listed->text, value->text) == 0) {
                return true;
            }
            break;

        case CLARITY_TYPE_BOOLEAN:
            if (listed->boolean == value->boolean) {
                return true;
            }
            break;

        default: /* null */ return true;
        }
    }

    return false;
}


static unsigned
string_faults(const clarity_parameter_t *parameter, clarity_str_t text)
{
    size_t length;
    unsigned faults;

    faults = 0;

    if (!clarity_format_matches(parameter->format, text)) {
        faults |= CLARITY_VALUE_FORMAT;
    }

    if (parameter->min_length != 0 || parameter->max_length != SIZE_MAX) {
        length = clarity_utf8_length(text);

        if (length < parameter->min_length) {
            faults |= CLARITY_VALUE_MIN_LENGTH;
        }

        if (length > parameter->max_length) {
            faults |= CLARITY_VALUE_MAX_LENGTH;
        }
    }

    return faults;
}


static unsigned
number_faults(const clarity_parameter_t *parameter, clarity_str_t number)
{
    unsigned faults;

    faults = 0;

    if (parameter->minimum.len != 0
        && clarity_number_compare(number, parameter->minimum) < 0)
    {
        faults |= CLARITY_VALUE_MINIMUM;
    }

    if (parameter->maximum.len != 0
        && clarity_number_compare(number, parameter->maximum) > 0)
    {
        faults |= CLARITY_VALUE_MAXIMUM;
    }

    return faults;
}
