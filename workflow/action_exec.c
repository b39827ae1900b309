#include <stdlib.h>

#include "workflow/parse.h"
#include "workflow/strings.h"

static bool parse_command(clarity_exec_action_t *exec,
    const clarity_json_t *value, const clarity_load_t *load);
static bool parse_args(clarity_exec_action_t *exec,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_arg(clarity_exec_action_t *exec, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load);


bool
clarity_exec_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load)
{
    enum { ID, TYPE, COMMAND, ARGS, TIMEOUT, RETRY, IF_UNKNOWN, N };
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [TYPE] = { "type", CLARITY_STRING, true, NULL },
        [COMMAND] = { "command", CLARITY_STRING, true, NULL },
        [ARGS] = { "args", CLARITY_ARRAY, false, NULL },
        [TIMEOUT] = { "timeout", CLARITY_STRING, false, NULL },
        [RETRY] = { "retry", CLARITY_OBJECT, false, NULL },
        [IF_UNKNOWN] = { "if_unknown", CLARITY_STRING, false, NULL },
    };

    action->exec.timeout = CLARITY_DEFAULT_TIMEOUT;

    return clarity_load_members(load, value, "an \"exec\"", members, N)
           && clarity_id_parse(&action->id, members[ID].value, load)
           && parse_command(&action->exec, members[COMMAND].value, load)
           && parse_args(&action->exec, members[ARGS].value, names, load)
           && clarity_duration_member(&action->exec.timeout, &members[TIMEOUT],
               CLARITY_TIMEOUT_MAX, CLARITY_TIMEOUT_MAX_TEXT, load)
           && clarity_retry_parse(&action->retry, members[RETRY].value, load)
           && clarity_unknown_parse(
               &action->if_unknown, members[IF_UNKNOWN].value, load);
}


/* Never chosen by a value: what may be started is the operator's to say. */
static bool
parse_command(clarity_exec_action_t *exec, const clarity_json_t *value,
    const clarity_load_t *load)
{
    if (value->text.len < 2 || value->text.data[0] != '/'
        || value->text.data[value->text.len - 1] == '/'
        || clarity_has_control(value->text)
        || clarity_has_placeholder(value->text))
    {
        return clarity_load_error(load, value->line,
            "\"command\" is %s, expected the absolute path of a program, such "
            "as \"/usr/local/bin/revoke\"",
            clarity_quote(value->text).text);
    }

    exec->command = value->text;
    exec->command_line = value->line;

    return true;
}


static bool
parse_args(clarity_exec_action_t *exec, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    bool good;
    const clarity_json_t *child;

    if (value == NULL || value->count == 0) {
        return true;
    }

    if (value->count > CLARITY_MAX_ARGS) {
        return clarity_load_error(load, value->line,
            "\"args\" has %zu, expected %d at most", value->count,
            CLARITY_MAX_ARGS);
    }

    exec->args = calloc(value->count, sizeof(*exec->args));
    if (exec->args == NULL) {
        return clarity_load_no_memory(load);
    }

    good = true;

    for (child = value->first; child != NULL; child = child->next) {
        if (!clarity_load_took(
                load, parse_arg(exec, child, names, load), &good)) {
            return false;
        }
    }

    return good;
}


static bool
parse_arg(clarity_exec_action_t *exec, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    clarity_error_t error;
    clarity_template_t *template;

    if (value->kind != CLARITY_STRING) {
        return clarity_load_error(load, value->line,
            "\"args\" holds %s, expected strings",
            clarity_json_kind_name(value->kind));
    }

    if (memchr(value->text.data, '\0', value->text.len)) {
        return clarity_load_error(load, value->line,
            "\"args\" holds a NUL byte, which cannot stand in an argument");
    }

    template = clarity_template_compile(
        value->text, CLARITY_ESCAPE_NONE, names, &error);

    if (template == NULL) {
        return clarity_load_error(
            load, value->line, "\"args\": %.300s", error.text);
    }

    exec->args[exec->nargs++] = template;

    return true;
}


void
clarity_exec_action_clear(clarity_exec_action_t *exec)
{
    size_t i;

    for (i = 0; i < exec->nargs; i++) {
        clarity_template_free(exec->args[i]);
    }

    free(exec->args);
}


/*
 * Each argument stays one whatever its value holds: there is no shell that
 * would take it apart. A NUL would cut it short.
 */
bool
clarity_exec_render(const clarity_exec_action_t *action,
    const clarity_scope_t *scope, clarity_strings_t *strings,
    clarity_error_t *error)
{
    size_t i, start;
    clarity_buf_t *text;
    clarity_error_t what;

    text = &strings->text;

    if (!clarity_strings_start(strings, 1 + action->nargs, error)
        || !clarity_strings_add(strings, action->command, error))
    {
        return false;
    }

    for (i = 0; i < action->nargs; i++) {
        start = text->len;

        if (!clarity_template_render(action->args[i], scope, text, &what)) {
            return clarity_error(
                error, "argument %zu: %.300s", i + 1, what.text);
        }

        if (text->len > start
            && memchr(text->data + start, '\0', text->len - start)) {
            return clarity_error(error,
                "argument %zu holds a NUL byte, which cannot stand in one",
                i + 1);
        }

        if (!clarity_strings_end(strings, error)) {
            return false;
        }
    }

    clarity_strings_settle(strings);

    return true;
}
