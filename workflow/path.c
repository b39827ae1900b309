#include "workflow/path.h"

#include "workflow/load.h"

static bool unknown_parameter(clarity_str_t name,
    const clarity_trigger_t *trigger, clarity_error_t *error);
static bool parse_index(clarity_str_t text, size_t *index);


bool
clarity_path_parse(clarity_path_t *path, clarity_str_t text,
    const clarity_trigger_t *trigger, clarity_error_t *error)
{
    size_t i;

    if (!clarity_path_check(text, error)) {
        return false;
    }

    path->parameter = clarity_path_first(text, &path->below);

    if (trigger == NULL) {
        return true;
    }

    for (i = 0; i < trigger->ncontext; i++) {
        if (clarity_str_eq(trigger->context[i].name, path->parameter)) {
            return true;
        }
    }

    return unknown_parameter(path->parameter, trigger, error);
}


bool
clarity_path_check(clarity_str_t text, clarity_error_t *error)
{
    clarity_str_t rest;

    if (text.len == 0) {
        return clarity_error(error, "an empty name, expected a parameter's");
    }

    if (text.len > CLARITY_PATH_MAX) {
        return clarity_error(
            error, "a name longer than %d bytes", CLARITY_PATH_MAX);
    }

    if (text.data[text.len - 1] == '.') {
        return clarity_error(error,
            "nothing after the last dot in %s, expected a name",
            clarity_quote(text).text);
    }

    for (rest = text; rest.len > 0;) {
        if (clarity_path_first(rest, &rest).len == 0) {
            return clarity_error(error,
                "nothing before a dot in %s, expected a name",
                clarity_quote(text).text);
        }
    }

    return true;
}


clarity_str_t
clarity_path_first(clarity_str_t text, clarity_str_t *rest)
{
    const char *dot;
    clarity_str_t first;

    dot = memchr(text.data, '.', text.len);
    if (dot == NULL) {
        *rest = (clarity_str_t){ text.data + text.len, 0 };
        return text;
    }

    first = (clarity_str_t){ text.data, dot - text.data };
    *rest = (clarity_str_t){ dot + 1, text.len - first.len - 1 };

    return first;
}


static bool
unknown_parameter(clarity_str_t name, const clarity_trigger_t *trigger,
    clarity_error_t *error)
{
    size_t i;
    clarity_list_t list = { 0 };

    for (i = 0; i < trigger->ncontext; i++) {
        clarity_list_add(&list, trigger->context[i].name);
    }

    return clarity_error(error, "unknown parameter %s, trigger %s has %s",
        clarity_quote(name).text, clarity_quote(trigger->name).text,
        list.len > 0 ? list.text : "none");
}


const clarity_json_t *
clarity_path_get(const clarity_path_t *path, const clarity_json_t *context)
{
    const clarity_json_t *value;

    value = clarity_json_get(context, path->parameter);

    return value != NULL ? clarity_path_below(value, path->below) : NULL;
}


const clarity_json_t *
clarity_path_below(const clarity_json_t *value, clarity_str_t below)
{
    size_t index;
    clarity_str_t name;

    while (below.len > 0 && value != NULL) {
        name = clarity_path_first(below, &below);

        if (value->kind == CLARITY_OBJECT) {
            value = clarity_json_get(value, name);

        } else if (value->kind == CLARITY_ARRAY && parse_index(name, &index)) {
            value = clarity_json_at(value, index);

        } else {
            return NULL;
        }
    }

    return value;
}


static bool
parse_index(clarity_str_t text, size_t *index)
{
    size_t i;

    /* nine digits are more elements than any context has, and do not
       overflow */
    if (text.len == 0 || text.len > 9 || (text.data[0] == '0' && text.len > 1))
    {
        return false;
    }

    *index = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }

        *index = *index * 10 + (text.data[i] - '0');
    }

    return true;
}
