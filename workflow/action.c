#include "workflow/parse.h"

static bool parse_type(clarity_action_t *action, const clarity_json_t *value,
    const clarity_types_t *types, const clarity_load_t *load);
static bool is_type(const clarity_json_t *name, const char *type);
static bool parse_delay(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load);
static bool parse_http_request(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);

static const char *const builtin[] = {
    [CLARITY_ACTION_HTTP_REQUEST] = "http_request",
    [CLARITY_ACTION_EXEC] = "exec",
    [CLARITY_ACTION_PUBLISH] = "publish",
    [CLARITY_ACTION_DELAY] = "delay",
};

#define NBUILTIN (sizeof(builtin) / sizeof(builtin[0]))


bool
clarity_action_parse(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_types_t *types,
    const clarity_load_t *load)
{
    action->line = value->line;

    /* first, as the other members depend on it */
    if (!parse_type(action, value, types, load)) {
        return false;
    }

    switch (action->type) {

    case CLARITY_ACTION_EXEC:
        return clarity_exec_action_parse(action, value, names, load);

    case CLARITY_ACTION_PUBLISH:
        return clarity_publish_action_parse(action, value, names, load);

    case CLARITY_ACTION_DELAY: return parse_delay(action, value, names, load);

    case CLARITY_ACTION_CUSTOM:
        return clarity_custom_action_parse(action, value, names, load);

    default: return parse_http_request(action, value, names, load);
    }
}


static bool
parse_type(clarity_action_t *action, const clarity_json_t *value,
    const clarity_types_t *types, const clarity_load_t *load)
{
    size_t i;
    const clarity_json_t *name;
    clarity_list_t list = { 0 };

    name = clarity_json_get(value, clarity_lit("type"));

    /* what reads the members says so */
    if (value->kind != CLARITY_OBJECT) {
        action->type = CLARITY_ACTION_HTTP_REQUEST;
        return true;
    }

    for (i = 0; i < NBUILTIN; i++) {
        if (is_type(name, builtin[i])) {
            action->type = (clarity_action_type_t) i;
            return true;
        }

        clarity_list_add(&list, clarity_str(builtin[i]));
    }

    for (i = 0; i < types->n; i++) {
        if (is_type(name, types->names[i])) {
            action->type = CLARITY_ACTION_CUSTOM;
            action->custom.type = name->text;
            return true;
        }

        clarity_list_add(&list, clarity_str(types->names[i]));
    }

    if (name == NULL) {
        return clarity_load_error(load, value->line,
            "\"type\" is missing in an action, expected one of %s", list.text);
    }

    if (name->kind != CLARITY_STRING) {
        return clarity_load_error(load, name->line,
            "\"type\" is %s, expected one of %s",
            clarity_json_kind_name(name->kind), list.text);
    }

    return clarity_load_error(load, name->line,
        "unknown action type %s, expected one of %s",
        clarity_quote(name->text).text, list.text);
}


/* Not, where it is missing or no string. */
static bool
is_type(const clarity_json_t *name, const char *type)
{
    return name != NULL && name->kind == CLARITY_STRING
           && clarity_str_is(name->text, type);
}


/* A name of [a-z0-9_] that is none of ours. */
const char *
clarity_type_refused(clarity_str_t name)
{
    size_t i;

    for (i = 0; i < name.len; i++) {
        if ((name.data[i] < 'a' || name.data[i] > 'z')
            && (name.data[i] < '0' || name.data[i] > '9')
            && name.data[i] != '_')
        {
            break;
        }
    }

    if (i < name.len || name.len == 0 || name.len > CLARITY_WORKFLOW_ID_MAX) {
        return "is no name of an action type, expected 1 to 64 of a-z, 0-9 "
               "and \"_\"";
    }

    for (i = 0; i < NBUILTIN; i++) {
        if (clarity_str_is(name, builtin[i])
            || clarity_str_is(name, CLARITY_TYPE_ON)) {
            return "is an action type of the worker itself, expected another "
                   "name";
        }
    }

    return NULL;
}


static bool
parse_delay(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    enum { ID, TYPE, AT, DELAY, N };
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [TYPE] = { "type", CLARITY_STRING, true, NULL },
        [AT] = { "at", CLARITY_STRING, false, NULL },
        [DELAY] = { "delay", CLARITY_STRING, false, NULL },
    };

    return clarity_load_members(load, value, "a \"delay\"", members, N)
           && clarity_id_parse(&action->id, members[ID].value, load)
           && clarity_when_parse(&action->when, members[AT].value,
               members[DELAY].value, "a \"delay\"", value->line, names, load);
}


static bool
parse_http_request(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    enum {
        ID,
        TYPE,
        METHOD,
        URL,
        HEADERS,
        BODY,
        SECRET,
        AUTH,
        TIMEOUT,
        RETRY,
        IF_UNKNOWN,
        N
    };
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [TYPE] = { "type", CLARITY_STRING, true, NULL },
        [METHOD] = { "method", CLARITY_STRING, true, NULL },
        [URL] = { "url", CLARITY_STRING, true, NULL },
        [HEADERS] = { "headers", CLARITY_OBJECT, false, NULL },
        [BODY] = { "body", CLARITY_ANY_KIND, false, NULL },
        [SECRET] = { "secret", CLARITY_OBJECT, false, NULL },
        [AUTH] = { "auth", CLARITY_OBJECT, false, NULL },
        [TIMEOUT] = { "timeout", CLARITY_STRING, false, NULL },
        [RETRY] = { "retry", CLARITY_OBJECT, false, NULL },
        [IF_UNKNOWN] = { "if_unknown", CLARITY_STRING, false, NULL },
    };
    clarity_http_source_t source;

    if (!clarity_load_members(load, value, "an action", members, N)
        || !clarity_id_parse(&action->id, members[ID].value, load))
    {
        return false;
    }

    action->http.timeout = CLARITY_DEFAULT_TIMEOUT;

    if (!clarity_duration_member(&action->http.timeout, &members[TIMEOUT],
            CLARITY_TIMEOUT_MAX, CLARITY_TIMEOUT_MAX_TEXT, load)
        || !clarity_retry_parse(&action->retry, members[RETRY].value, load)
        || !clarity_unknown_parse(
            &action->if_unknown, members[IF_UNKNOWN].value, load))
    {
        return false;
    }

    source = (clarity_http_source_t){
        .id = action->id,
        .method = members[METHOD].value,
        .url = members[URL].value,
        .headers = members[HEADERS].value,
        .body = members[BODY].value,
        .secret = members[SECRET].value,
        .auth = members[AUTH].value,
    };

    return clarity_http_action_parse(&action->http, &source, names, load);
}


void
clarity_action_clear(clarity_action_t *action)
{
    clarity_http_action_clear(&action->http);
    clarity_exec_action_clear(&action->exec);
    clarity_publish_action_clear(&action->publish);
    clarity_custom_action_clear(&action->custom);
    clarity_when_clear(&action->when);
}
