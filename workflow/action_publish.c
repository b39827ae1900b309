#include <stdio.h>
#include <stdlib.h>

#include "json/number.h"
#include "workflow/parse.h"
#include "workflow/strings.h"

#define CLARITY_TARGET_MAX     512 /* bytes */
#define CLARITY_MAX_LENGTH_MAX 1000000000

enum { ID, TYPE, CHANNEL, MESSAGE, STREAM, FIELDS, MAX_LENGTH, N };

static bool parse_target(clarity_publish_action_t *publish,
    const clarity_json_t *value, const clarity_load_t *load);
static bool parse_messages(clarity_publish_action_t *publish,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_message(clarity_publish_action_t *publish,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_max_length(clarity_publish_action_t *publish,
    const clarity_json_t *value, const clarity_load_t *load);
static bool add_head(const clarity_publish_action_t *action,
    clarity_strings_t *strings, clarity_error_t *error);
static bool add_message(const clarity_message_t *message,
    const clarity_scope_t *scope, clarity_strings_t *strings,
    clarity_error_t *error);


bool
clarity_publish_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load)
{
    bool is_stream;
    clarity_publish_action_t *publish;
    const clarity_json_t *target, *messages;
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [TYPE] = { "type", CLARITY_STRING, true, NULL },
        [CHANNEL] = { "channel", CLARITY_STRING, false, NULL },
        [MESSAGE] = { "message", CLARITY_ANY_KIND, false, NULL },
        [STREAM] = { "stream", CLARITY_STRING, false, NULL },
        [FIELDS] = { "fields", CLARITY_OBJECT, false, NULL },
        [MAX_LENGTH] = { "max_length", CLARITY_NUMBER, false, NULL },
    };

    publish = &action->publish;

    if (!clarity_load_members(load, value, "a \"publish\"", members, N)
        || !clarity_id_parse(&action->id, members[ID].value, load))
    {
        return false;
    }

    is_stream = members[STREAM].value != NULL;
    target = members[is_stream ? STREAM : CHANNEL].value;
    messages = members[is_stream ? FIELDS : MESSAGE].value;

    if (target == NULL || messages == NULL
        || members[is_stream ? CHANNEL : STREAM].value != NULL
        || members[is_stream ? MESSAGE : FIELDS].value != NULL)
    {
        return clarity_load_error(load, value->line,
            "a \"publish\" expects \"channel\" and \"message\", or \"stream\" "
            "and \"fields\"");
    }

    if (!is_stream && members[MAX_LENGTH].value != NULL) {
        return clarity_load_error(load, members[MAX_LENGTH].value->name_line,
            "\"max_length\" is for a \"stream\", a channel has none");
    }

    publish->is_stream = is_stream;

    return parse_target(publish, target, load)
           && parse_messages(publish, messages, names, load)
           && parse_max_length(publish, members[MAX_LENGTH].value, load);
}


/* What the keys of Clarity begin with, so that no message becomes a job, or
 * breaks one. */
static bool
parse_target(clarity_publish_action_t *publish, const clarity_json_t *value,
    const clarity_load_t *load)
{
    if (value->text.len == 0 || value->text.len > CLARITY_TARGET_MAX
        || clarity_has_control(value->text)
        || clarity_has_placeholder(value->text))
    {
        return clarity_load_error(load, value->line,
            "\"%s\" is empty, long, or has a control byte or a placeholder, "
            "expected 1 to %d bytes",
            value->name.data, CLARITY_TARGET_MAX);
    }

    if (value->text.data[0] == '{') {
        return clarity_load_error(load, value->line,
            "\"%s\" begins with \"{\", as the keys of Clarity itself do, "
            "expected another name",
            value->name.data);
    }

    publish->target = value->text;

    return true;
}


static bool
parse_messages(clarity_publish_action_t *publish, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    bool good;
    size_t n;
    const clarity_json_t *child;

    n = publish->is_stream ? value->count : 1;

    if (n == 0 || n > CLARITY_MAX_FIELDS) {
        return clarity_load_error(load, value->line,
            "\"fields\" has %zu, expected 1 to %d", n, CLARITY_MAX_FIELDS);
    }

    publish->messages = calloc(n, sizeof(*publish->messages));
    if (publish->messages == NULL) {
        return clarity_load_no_memory(load);
    }

    if (!publish->is_stream) {
        return parse_message(publish, value, names, load);
    }

    good = true;

    for (child = value->first; child != NULL; child = child->next) {
        if (!clarity_load_took(
                load, parse_message(publish, child, names, load), &good))
        {
            return false;
        }
    }

    return good;
}


static bool
parse_message(clarity_publish_action_t *publish, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    clarity_error_t error;
    clarity_message_t *message;

    message = &publish->messages[publish->nmessages++];
    message->name = value->name;

    if (value->kind != CLARITY_STRING) {
        message->json = clarity_json_template_compile(
            value, load->file, names, load->error);
        return message->json != NULL;
    }

    message->text = clarity_template_compile(
        value->text, CLARITY_ESCAPE_NONE, names, &error);

    return message->text != NULL
           || clarity_load_error(load, value->line, "%s: %.300s",
               clarity_quote(value->name).text, error.text);
}


static bool
parse_max_length(clarity_publish_action_t *publish,
    const clarity_json_t *value, const clarity_load_t *load)
{
    return value == NULL
           || (clarity_number_to_size(
                   value->text, CLARITY_MAX_LENGTH_MAX, &publish->max_length)
               && publish->max_length > 0)
           || clarity_load_error(load, value->line,
               "\"max_length\" is out of range, expected a whole number from "
               "1 to %d",
               CLARITY_MAX_LENGTH_MAX);
}


void
clarity_publish_action_clear(clarity_publish_action_t *publish)
{
    size_t i;

    for (i = 0; i < publish->nmessages; i++) {
        clarity_template_free(publish->messages[i].text);
        clarity_json_template_free(publish->messages[i].json);
    }

    free(publish->messages);
}


bool
clarity_publish_render(const clarity_publish_action_t *action,
    const clarity_scope_t *scope, clarity_strings_t *strings,
    clarity_error_t *error)
{
    size_t i;
    const clarity_message_t *message;

    if (!clarity_strings_start(strings, 6 + 2 * action->nmessages, error)
        || !add_head(action, strings, error))
    {
        return false;
    }

    for (i = 0; i < action->nmessages; i++) {
        message = &action->messages[i];

        if (action->is_stream
            && !clarity_strings_add(strings, message->name, error)) {
            return false;
        }

        if (!add_message(message, scope, strings, error)) {
            return false;
        }
    }

    clarity_strings_settle(strings);

    return true;
}


/* PUBLISH channel, XADD key MAXLEN ~ n *, XADD key * */
static bool
add_head(const clarity_publish_action_t *action, clarity_strings_t *strings,
    clarity_error_t *error)
{
    char length[24];

    if (!clarity_strings_add(strings,
            action->is_stream ? clarity_lit("XADD") : clarity_lit("PUBLISH"),
            error)
        || !clarity_strings_add(strings, action->target, error))
    {
        return false;
    }

    if (!action->is_stream) {
        return true;
    }

    snprintf(length, sizeof(length), "%zu", action->max_length);

    return (action->max_length == 0
               || (clarity_strings_add(strings, clarity_lit("MAXLEN"), error)
                   && clarity_strings_add(strings, clarity_lit("~"), error)
                   && clarity_strings_add(
                       strings, clarity_str(length), error)))
           && clarity_strings_add(strings, clarity_lit("*"), error);
}


static bool
add_message(const clarity_message_t *message, const clarity_scope_t *scope,
    clarity_strings_t *strings, clarity_error_t *error)
{
    bool rendered;
    clarity_error_t what;

    rendered = message->text != NULL
                   ? clarity_template_render(
                       message->text, scope, &strings->text, &what)
                   : clarity_json_template_render(
                       message->json, scope, &strings->text, &what);

    if (!rendered) {
        return clarity_error(
            error, "%s: %.300s", clarity_quote(message->name).text, what.text);
    }

    return clarity_strings_end(strings, error);
}
