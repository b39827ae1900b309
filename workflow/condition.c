#include "workflow/condition.h"

#include <stdlib.h>

#include "workflow/condition_node.h"
#include "workflow/parse.h"

#define CLARITY_CONDITION_MAX_DEPTH 16 /* groups around a condition */

#define CLARITY_CONDITION_KEYS                                                \
    "\"parameter\" with an operator, or one of \"all\", \"any\", \"not\", "   \
    "\"time\""

typedef struct {
    clarity_load_t load;
    const clarity_trigger_t *trigger;
} compiler_t;

/* What may follow an operator. */
typedef enum {
    CLARITY_OPERAND_ANY,
    CLARITY_OPERAND_LIST,
    CLARITY_OPERAND_BOOLEAN,
    CLARITY_OPERAND_TEXT,
    CLARITY_OPERAND_REGEX,
    CLARITY_OPERAND_NUMBER,
    CLARITY_OPERAND_MOMENT
} operand_t;

typedef struct {
    const char *name;
    operand_t operand;
} operator_info_t;

static clarity_condition_t *read_condition(
    compiler_t *compiler, const clarity_json_t *value, unsigned depth);
static bool fill(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *value, unsigned depth);
static bool read_group(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *list, unsigned depth);
static bool read_parameter(compiler_t *compiler,
    clarity_condition_t *condition, const clarity_json_t *value);
static bool read_operator(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *member);
static void list_operators(clarity_list_t *list);
static bool check_operand(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *operand);
static bool check_text(const clarity_load_t *load, const char *name,
    const clarity_json_t *operand);
static bool compile_regex(const clarity_load_t *load,
    clarity_condition_t *condition, const clarity_json_t *operand);
static bool read_moment(const clarity_load_t *load,
    clarity_condition_t *condition, const clarity_json_t *operand);
static bool wrong_operand(const clarity_load_t *load, const char *name,
    const clarity_json_t *operand, const char *expected);
static const clarity_json_t *find_placeholder(const clarity_json_t *value);

static const operator_info_t operators[] = {
    [CLARITY_EQUALS] = { "equals", CLARITY_OPERAND_ANY },
    [CLARITY_NOT_EQUALS] = { "not_equals", CLARITY_OPERAND_ANY },
    [CLARITY_IN] = { "in", CLARITY_OPERAND_LIST },
    [CLARITY_NOT_IN] = { "not_in", CLARITY_OPERAND_LIST },
    [CLARITY_EXISTS] = { "exists", CLARITY_OPERAND_BOOLEAN },
    [CLARITY_MATCHES] = { "matches", CLARITY_OPERAND_REGEX },
    [CLARITY_CONTAINS] = { "contains", CLARITY_OPERAND_ANY },
    [CLARITY_STARTS_WITH] = { "starts_with", CLARITY_OPERAND_TEXT },
    [CLARITY_ENDS_WITH] = { "ends_with", CLARITY_OPERAND_TEXT },
    [CLARITY_GREATER] = { "greater", CLARITY_OPERAND_NUMBER },
    [CLARITY_LESS] = { "less", CLARITY_OPERAND_NUMBER },
    [CLARITY_BEFORE] = { "before", CLARITY_OPERAND_MOMENT },
    [CLARITY_AFTER] = { "after", CLARITY_OPERAND_MOMENT },
};

#define CLARITY_NOPERATORS (sizeof(operators) / sizeof(operators[0]))


clarity_condition_t *
clarity_condition_compile(const clarity_json_t *value, const char *file,
    const clarity_trigger_t *trigger, clarity_error_t *error)
{
    clarity_load_t load = { file, error, NULL };

    return clarity_condition_read(value, &load, trigger);
}


clarity_condition_t *
clarity_condition_read(const clarity_json_t *value, const clarity_load_t *load,
    const clarity_trigger_t *trigger)
{
    compiler_t compiler = { *load, trigger };

    return read_condition(&compiler, value, 0);
}


static clarity_condition_t *
read_condition(
    compiler_t *compiler, const clarity_json_t *value, unsigned depth)
{
    clarity_condition_t *condition;

    condition = calloc(1, sizeof(*condition));
    if (condition == NULL) {
        clarity_load_no_memory(&compiler->load);
        return NULL;
    }

    if (!fill(compiler, condition, value, depth)) {
        clarity_condition_free(condition);
        return NULL;
    }

    return condition;
}


static bool
fill(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *value, unsigned depth)
{
    unsigned type;
    const clarity_load_t *load;
    const clarity_json_t *member;
    static const char *const groups[] = {
        [CLARITY_CONDITION_ALL] = "all",
        [CLARITY_CONDITION_ANY] = "any",
        [CLARITY_CONDITION_NOT] = "not",
        [CLARITY_CONDITION_TIME] = "time",
    };

    load = &compiler->load;

    if (value->kind != CLARITY_OBJECT || value->count == 0) {
        return clarity_load_error(load, value->line,
            "a condition is %s, expected an object with %s",
            value->kind == CLARITY_OBJECT
                ? "empty"
                : clarity_json_kind_name(value->kind),
            CLARITY_CONDITION_KEYS);
    }

    for (member = value->first; member != NULL; member = member->next) {
        for (type = 0; type < CLARITY_CONDITION_PARAMETER; type++) {
            if (clarity_str_is(member->name, groups[type])) {
                break;
            }
        }

        if (type == CLARITY_CONDITION_PARAMETER) {
            continue;
        }

        if (value->count > 1) {
            return clarity_load_error(load, member->name_line,
                "\"%s\" and another key in one condition, expected \"%s\" "
                "alone",
                groups[type], groups[type]);
        }

        condition->type = type;

        if (type == CLARITY_CONDITION_TIME) {
            return clarity_window_parse(&condition->window, member, load);
        }

        return read_group(compiler, condition, member, depth);
    }

    condition->type = CLARITY_CONDITION_PARAMETER;

    return read_parameter(compiler, condition, value);
}


static bool
read_group(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *list, unsigned depth)
{
    bool good;
    clarity_condition_t **last;
    const clarity_json_t *value;

    if (depth == CLARITY_CONDITION_MAX_DEPTH) {
        return clarity_load_error(&compiler->load, list->name_line,
            "conditions nested deeper than %d groups, expected that at most",
            CLARITY_CONDITION_MAX_DEPTH);
    }

    if (condition->type == CLARITY_CONDITION_NOT) {
        condition->first = read_condition(compiler, list, depth + 1);
        return condition->first != NULL;
    }

    if (list->kind != CLARITY_ARRAY || list->count == 0) {
        return clarity_load_error(&compiler->load, list->line,
            "\"%s\" is %s, expected a list of conditions", list->name.data,
            list->kind == CLARITY_ARRAY ? "empty"
                                        : clarity_json_kind_name(list->kind));
    }

    last = &condition->first;

    good = true;

    for (value = list->first; value != NULL; value = value->next) {
        *last = read_condition(compiler, value, depth + 1);

        if (*last != NULL) {
            last = &(*last)->next;
            continue;
        }

        good = false;

        if (!clarity_load_goes_on(&compiler->load)) {
            return false;
        }
    }

    return good;
}


static bool
read_parameter(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *value)
{
    const clarity_load_t *load;
    const clarity_json_t *member, *parameter;
    clarity_error_t what;
    clarity_list_t list = { 0 };

    load = &compiler->load;
    parameter = clarity_json_get(value, clarity_lit("parameter"));

    for (member = value->first; member != NULL; member = member->next) {
        if (member != parameter && !read_operator(compiler, condition, member))
        {
            return false;
        }
    }

    if (parameter == NULL || parameter->kind != CLARITY_STRING) {
        return clarity_load_error(load,
            parameter == NULL ? value->line : parameter->line,
            "\"parameter\" is %s in a condition, expected a string",
            parameter == NULL ? "missing"
                              : clarity_json_kind_name(parameter->kind));
    }

    if (condition->value == NULL) {
        list_operators(&list);

        return clarity_load_error(load, value->line,
            "a condition without an operator, expected one of %s", list.text);
    }

    if (!clarity_path_parse(
            &condition->path, parameter->text, compiler->trigger, &what))
    {
        return clarity_load_error(load, parameter->line, "%s", what.text);
    }

    condition->parameter = parameter->text;

    return check_operand(compiler, condition, condition->value);
}


static bool
read_operator(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *member)
{
    size_t i;
    clarity_list_t list = { 0 };

    for (i = 0; i < CLARITY_NOPERATORS; i++) {
        if (!clarity_str_is(member->name, operators[i].name)) {
            continue;
        }

        if (condition->value != NULL) {
            return clarity_load_error(&compiler->load, member->name_line,
                "\"%s\" and \"%s\" in one condition, expected one operator: "
                "\"all\" takes several conditions",
                operators[condition->op].name, operators[i].name);
        }

        condition->op = i;
        condition->value = member;
        return true;
    }

    list_operators(&list);

    return clarity_load_error(&compiler->load, member->name_line,
        "unknown key %s in a condition, expected %s; operators are %s",
        clarity_quote(member->name).text, CLARITY_CONDITION_KEYS, list.text);
}


static void
list_operators(clarity_list_t *list)
{
    size_t i;

    for (i = 0; i < CLARITY_NOPERATORS; i++) {
        clarity_list_add(list, clarity_str(operators[i].name));
    }
}


static bool
check_operand(compiler_t *compiler, clarity_condition_t *condition,
    const clarity_json_t *operand)
{
    const char *name;
    const clarity_load_t *load;
    const clarity_json_t *found;

    load = &compiler->load;
    name = operators[condition->op].name;

    found = find_placeholder(operand);
    if (found != NULL) {
        return clarity_load_error(load, found->line,
            "a placeholder in \"%s\", expected a value as it is", name);
    }

    switch (operators[condition->op].operand) {
    case CLARITY_OPERAND_LIST:
        if (operand->kind == CLARITY_ARRAY && operand->count > 0) {
            return true;
        }

        return wrong_operand(load, name, operand, "a list of values");

    case CLARITY_OPERAND_BOOLEAN:
        if (operand->kind == CLARITY_BOOLEAN) {
            return true;
        }

        return wrong_operand(load, name, operand, "true or false");

    case CLARITY_OPERAND_NUMBER:
        if (operand->kind == CLARITY_NUMBER) {
            return true;
        }

        return wrong_operand(load, name, operand,
            "a number (\"before\" and \"after\" compare dates)");

    case CLARITY_OPERAND_TEXT: return check_text(load, name, operand);

    case CLARITY_OPERAND_REGEX: return compile_regex(load, condition, operand);

    case CLARITY_OPERAND_MOMENT: return read_moment(load, condition, operand);

    default: return true;
    }
}


static bool
check_text(const clarity_load_t *load, const char *name,
    const clarity_json_t *operand)
{
    if (operand->kind == CLARITY_STRING && operand->text.len > 0) {
        return true;
    }

    return wrong_operand(
        load, name, operand, "a string of at least one character");
}


static bool
compile_regex(const clarity_load_t *load, clarity_condition_t *condition,
    const clarity_json_t *operand)
{
    clarity_error_t what;

    if (operand->kind != CLARITY_STRING) {
        return wrong_operand(
            load, "matches", operand, "a regular expression in a string");
    }

    condition->regex = clarity_regex_compile(operand->text, &what);
    if (condition->regex == NULL) {
        return clarity_load_error(
            load, operand->line, "\"matches\" has %s", what.text);
    }

    return true;
}


static bool
read_moment(const clarity_load_t *load, clarity_condition_t *condition,
    const clarity_json_t *operand)
{
    if (operand->kind == CLARITY_STRING) {
        if (clarity_str_is(operand->text, "now")) {
            condition->moment_is_now = true;
            return true;
        }

        if (clarity_moment_parse(&condition->moment, operand->text)) {
            return true;
        }
    }

    return clarity_load_error(load, operand->line,
        "\"%s\" has no RFC 3339 date, expected one such as \"2025-01-31\" or "
        "\"2025-01-31T08:00:00Z\", or \"now\"",
        operators[condition->op].name);
}


static bool
wrong_operand(const clarity_load_t *load, const char *name,
    const clarity_json_t *operand, const char *expected)
{
    bool empty;

    empty = (operand->kind == CLARITY_STRING && operand->text.len == 0)
            || (operand->kind == CLARITY_ARRAY && operand->count == 0);

    return clarity_load_error(load, operand->line, "\"%s\" is %s, expected %s",
        name, empty ? "empty" : clarity_json_kind_name(operand->kind),
        expected);
}


/* As deep as the value, which the reader has bounded. */
static const clarity_json_t *
find_placeholder(const clarity_json_t *value)
{
    const clarity_json_t *child, *found;

    if (value->kind == CLARITY_STRING) {
        return clarity_has_placeholder(value->text) ? value : NULL;
    }

    for (child = value->first; child != NULL; child = child->next) {
        found = find_placeholder(child);
        if (found != NULL) {
            return found;
        }
    }

    return NULL;
}


void
clarity_condition_free(clarity_condition_t *condition)
{
    clarity_condition_t *next;

    while (condition != NULL) {
        next = condition->next;

        clarity_condition_free(condition->first);
        pcre2_code_free(condition->regex);
        clarity_zone_free(condition->window.zone.zone);
        free(condition);

        condition = next;
    }
}


/* As deep as the groups are, which is bounded. */
bool
clarity_condition_each_zone(clarity_condition_t *condition,
    clarity_zone_pt each, void *data, clarity_error_t *error)
{
    for (; condition != NULL; condition = condition->next) {
        if (condition->window.zone.name.len > 0
            && !each(data, &condition->window.zone, error))
        {
            return false;
        }

        if (!clarity_condition_each_zone(condition->first, each, data, error))
        {
            return false;
        }
    }

    return true;
}
