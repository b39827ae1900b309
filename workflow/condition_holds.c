#define _GNU_SOURCE /* memmem */

#include "json/number.h"
#include "workflow/condition_node.h"

typedef struct {
    const clarity_json_t *context;
    time_t now;
    unsigned steps; /* of regular expressions, all together */
    clarity_error_t *error;
} clarity_evaluation_t;

static clarity_condition_result_t holds(
    const clarity_condition_t *condition, clarity_evaluation_t *evaluation);
static clarity_condition_result_t group_holds(
    const clarity_condition_t *group, clarity_evaluation_t *evaluation);
static clarity_condition_result_t parameter_matches(
    const clarity_condition_t *condition, const clarity_json_t *value,
    clarity_evaluation_t *evaluation);
static bool parameter_holds(const clarity_condition_t *condition,
    const clarity_json_t *value, time_t now);
static bool value_in(const clarity_json_t *value, const clarity_json_t *list);
static bool value_contains(
    const clarity_json_t *value, const clarity_json_t *part);
static bool value_begins(const clarity_json_t *value, clarity_str_t part);
static bool value_ends(const clarity_json_t *value, clarity_str_t part);
static bool value_compares(
    const clarity_condition_t *condition, const clarity_json_t *value);
static bool value_is_before_or_after(const clarity_condition_t *condition,
    const clarity_json_t *value, time_t now);
static bool value_equals(
    const clarity_json_t *value, const clarity_json_t *wanted);
static bool members_equal(
    const clarity_json_t *value, const clarity_json_t *wanted);


clarity_condition_result_t
clarity_condition_holds(const clarity_condition_t *condition,
    const clarity_json_t *context, time_t now, clarity_error_t *error)
{
    clarity_evaluation_t evaluation = { context, now, 0, error };

    return holds(condition, &evaluation);
}


static clarity_condition_result_t
holds(const clarity_condition_t *condition, clarity_evaluation_t *evaluation)
{
    bool good;
    const clarity_json_t *value;

    if (condition->type == CLARITY_CONDITION_TIME) {
        if (condition->window.zone.name.len > 0
            && condition->window.zone.zone == NULL) {
            clarity_error(evaluation->error, "the time zone %s is not loaded",
                clarity_quote(condition->window.zone.name).text);
            return CLARITY_CONDITION_ERROR;
        }

        good = clarity_window_holds(&condition->window, evaluation->now);

    } else if (condition->type != CLARITY_CONDITION_PARAMETER) {
        return group_holds(condition, evaluation);

    } else {
        value = clarity_path_get(&condition->path, evaluation->context);

        if (condition->op == CLARITY_MATCHES) {
            return parameter_matches(condition, value, evaluation);
        }

        good = parameter_holds(condition, value, evaluation->now);
    }

    return good ? CLARITY_CONDITION_YES : CLARITY_CONDITION_NO;
}


/*
 * In the order of the file, up to the first condition that settles it: what
 * stands after it is not looked at, so it cannot fail either.
 */
static clarity_condition_result_t
group_holds(const clarity_condition_t *group, clarity_evaluation_t *evaluation)
{
    const clarity_condition_t *condition;
    clarity_condition_result_t result, goes_on;

    goes_on = (group->type == CLARITY_CONDITION_ALL) ? CLARITY_CONDITION_YES
                                                     : CLARITY_CONDITION_NO;

    for (condition = group->first; condition != NULL;
         condition = condition->next) {
        result = holds(condition, evaluation);

        if (group->type == CLARITY_CONDITION_NOT
            && result != CLARITY_CONDITION_ERROR) {
            return result == CLARITY_CONDITION_YES ? CLARITY_CONDITION_NO
                                                   : CLARITY_CONDITION_YES;
        }

        if (result != goes_on) {
            return result;
        }
    }

    return goes_on;
}


static clarity_condition_result_t
parameter_matches(const clarity_condition_t *condition,
    const clarity_json_t *value, clarity_evaluation_t *evaluation)
{
    bool found;
    clarity_error_t what;

    if (value == NULL || value->kind != CLARITY_STRING) {
        return CLARITY_CONDITION_NO;
    }

    if (!clarity_regex_search(
            condition->regex, value->text, &evaluation->steps, &found, &what))
    {
        clarity_error(evaluation->error, "parameter %s: %s",
            clarity_quote(condition->parameter).text, what.text);
        return CLARITY_CONDITION_ERROR;
    }

    return found ? CLARITY_CONDITION_YES : CLARITY_CONDITION_NO;
}


/*
 * A value of another type than the operator's does not hold, and neither does
 * an absent one; but not_equals and not_in are the exact contrary of equals
 * and in, so these do. null is a value: it exists.
 */
static bool
parameter_holds(const clarity_condition_t *condition,
    const clarity_json_t *value, time_t now)
{
    const clarity_json_t *operand;

    operand = condition->value;

    switch (condition->op) {
    case CLARITY_EXISTS: return (value != NULL) == operand->boolean;
    case CLARITY_NOT_EQUALS:
        return value == NULL || !value_equals(value, operand);
    case CLARITY_NOT_IN: return value == NULL || !value_in(value, operand);
    default: break;
    }

    if (value == NULL) {
        return false;
    }

    switch (condition->op) {
    case CLARITY_EQUALS: return value_equals(value, operand);
    case CLARITY_IN: return value_in(value, operand);
    case CLARITY_CONTAINS: return value_contains(value, operand);
    case CLARITY_STARTS_WITH: return value_begins(value, operand->text);
    case CLARITY_ENDS_WITH: return value_ends(value, operand->text);
    case CLARITY_GREATER:
    case CLARITY_LESS: return value_compares(condition, value);
    default: return value_is_before_or_after(condition, value, now);
    }
}


static bool
value_in(const clarity_json_t *value, const clarity_json_t *list)
{
    const clarity_json_t *wanted;

    for (wanted = list->first; wanted != NULL; wanted = wanted->next) {
        if (value_equals(value, wanted)) {
            return true;
        }
    }

    return false;
}


/* A string within a string, or an element of an array. */
static bool
value_contains(const clarity_json_t *value, const clarity_json_t *part)
{
    const clarity_json_t *element;

    if (value->kind == CLARITY_STRING && part->kind == CLARITY_STRING) {
        return memmem(value->text.data, value->text.len, part->text.data,
                   part->text.len)
               != NULL;
    }

    if (value->kind != CLARITY_ARRAY) {
        return false;
    }

    for (element = value->first; element != NULL; element = element->next) {
        if (value_equals(element, part)) {
            return true;
        }
    }

    return false;
}


static bool
value_begins(const clarity_json_t *value, clarity_str_t part)
{
    return value->kind == CLARITY_STRING && value->text.len >= part.len
           && memcmp(value->text.data, part.data, part.len) == 0;
}


static bool
value_ends(const clarity_json_t *value, clarity_str_t part)
{
    const char *end;

    if (value->kind != CLARITY_STRING || value->text.len < part.len) {
        return false;
    }

    end = value->text.data + value->text.len;

    return memcmp(end - part.len, part.data, part.len) == 0;
}


static bool
value_compares(
    const clarity_condition_t *condition, const clarity_json_t *value)
{
    int rc;

    if (value->kind != CLARITY_NUMBER) {
        return false;
    }

    rc = clarity_number_compare(value->text, condition->value->text);

    return condition->op == CLARITY_GREATER ? rc > 0 : rc < 0;
}


static bool
value_is_before_or_after(const clarity_condition_t *condition,
    const clarity_json_t *value, time_t now)
{
    int rc;
    clarity_moment_t moment, limit;

    if (value->kind != CLARITY_STRING
        || !clarity_moment_parse(&moment, value->text))
    {
        return false;
    }

    limit = condition->moment;
    if (condition->moment_is_now) {
        limit = (clarity_moment_t){ now, clarity_lit("") };
    }

    rc = clarity_moment_compare(&moment, &limit);

    return condition->op == CLARITY_AFTER ? rc > 0 : rc < 0;
}


/* As deep as `wanted`, which the reader of the workflow has bounded. */
static bool
value_equals(const clarity_json_t *value, const clarity_json_t *wanted)
{
    if (value->kind != wanted->kind) {
        return false;
    }

    switch (wanted->kind) {
    case CLARITY_NULL: return true;
    case CLARITY_BOOLEAN: return value->boolean == wanted->boolean;
    case CLARITY_NUMBER:
        return clarity_number_compare(value->text, wanted->text) == 0;
    case CLARITY_STRING: return clarity_str_eq(value->text, wanted->text);
    default: return members_equal(value, wanted);
    }
}


/*
 * An object's members in any order. Names of `wanted` are unique, so with as
 * many members, and each of them found, the value has no name twice either.
 */
static bool
members_equal(const clarity_json_t *value, const clarity_json_t *wanted)
{
    const clarity_json_t *a, *b;

    if (value->count != wanted->count) {
        return false;
    }

    a = value->first;

    for (b = wanted->first; b != NULL; b = b->next) {
        if (wanted->kind == CLARITY_OBJECT) {
            a = clarity_json_get(value, b->name);
        }

        if (a == NULL || !value_equals(a, b)) {
            return false;
        }

        a = a->next;
    }

    return true;
}
