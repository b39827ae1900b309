#include "workflow/parse.h"

static bool parse_type(clarity_action_type_t *type,
    const clarity_json_t *value, const clarity_load_t *load);
static bool parse_delay(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load);
static bool parse_http_request(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);


bool
clarity_action_parse(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    action->line = value->line;

    /* first, as the other members depend on it */
    if (!parse_type(&action->type, value, load)) {
        return false;
    }

    switch (action->type) {

    case CLARITY_ACTION_EXEC:
        return clarity_exec_action_parse(action, value, names, load);

    case CLARITY_ACTION_PUBLISH:
        return clarity_publish_action_parse(action, value, names, load);

    case CLARITY_ACTION_DELAY: return parse_delay(action, value, names, load);

    default: return parse_http_request(action, value, names, load);
    }
}


static bool
parse_type(clarity_action_type_t *type, const clarity_json_t *value,
    const clarity_load_t *load)
{
    size_t i;
    const clarity_json_t *name;
    static const char *const types[] = {
        [CLARITY_ACTION_HTTP_REQUEST] = "http_request",
        [CLARITY_ACTION_EXEC] = "exec",
        [CLARITY_ACTION_PUBLISH] = "publish",
        [CLARITY_ACTION_DELAY] = "delay",
    };

    name = clarity_json_get(value, clarity_lit("type"));

    /* what reads the members says so */
    if (name == NULL || name->kind != CLARITY_STRING) {
        *type = CLARITY_ACTION_HTTP_REQUEST;
        return true;
    }

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (clarity_str_is(name->text, types[i])) {
            *type = (clarity_action_type_t) i;
            return true;
        }
    }

    return clarity_load_error(load, name->line,
        "unknown action type %s, expected \"http_request\", \"exec\", "
        "\"publish\" or \"delay\"",
        clarity_quote(name->text).text);
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
    clarity_when_clear(&action->when);
}
