#include "json/number.h"
#include "workflow/parse.h"

#define CLARITY_MAX_ATTEMPTS 100

#define CLARITY_HOUR ((uint64_t) 3600 * 1000) /* ms */
#define CLARITY_WEEK (7 * 24 * CLARITY_HOUR)

static bool parse_type(clarity_action_type_t *type,
    const clarity_json_t *value, const clarity_load_t *load);
static bool parse_delay(clarity_action_t *action, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load);
static bool parse_http_request(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_retry(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load);
static bool parse_jitter(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load);
static bool parse_attempts(unsigned *attempts, const clarity_json_t *value,
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
        [CLARITY_ACTION_DELAY] = "delay",
    };
    static const char *const later[] = { "exec", "publish" };

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

    for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (clarity_str_is(name->text, later[i])) {
            return clarity_load_error(load, name->line,
                "action type \"%s\" is not supported by this version",
                later[i]);
        }
    }

    return clarity_load_error(load, name->line,
        "unknown action type %s, expected \"http_request\" or \"delay\"",
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
    };
    clarity_http_source_t source;

    if (!clarity_load_members(load, value, "an action", members, N)
        || !clarity_id_parse(&action->id, members[ID].value, load))
    {
        return false;
    }

    action->http.timeout = CLARITY_DEFAULT_TIMEOUT;

    if (!clarity_duration_member(
            &action->http.timeout, &members[TIMEOUT], CLARITY_HOUR, "1h", load)
        || !parse_retry(&action->retry, members[RETRY].value, load))
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


static bool
parse_retry(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load)
{
    clarity_member_t members[] = {
        { "attempts", CLARITY_NUMBER, false, NULL },
        { "delay", CLARITY_STRING, false, NULL },
        { "max_delay", CLARITY_STRING, false, NULL },
        { "jitter", CLARITY_STRING, false, NULL },
    };

    retry->attempts = CLARITY_DEFAULT_ATTEMPTS;
    retry->delay = CLARITY_DEFAULT_DELAY;
    retry->max_delay = CLARITY_DEFAULT_MAX_DELAY;

    if (value == NULL) {
        return true;
    }

    if (!clarity_load_members(load, value, "\"retry\"", members, 4)
        || !parse_attempts(&retry->attempts, members[0].value, load)
        || !clarity_duration_member(
            &retry->delay, &members[1], CLARITY_WEEK, "7d", load)
        || !clarity_duration_member(
            &retry->max_delay, &members[2], CLARITY_WEEK, "7d", load)
        || !parse_jitter(retry, members[3].value, load))
    {
        return false;
    }

    if (retry->max_delay < retry->delay) {
        if (members[2].value != NULL) {
            return clarity_load_error(load, members[2].value->line,
                "\"max_delay\" is below \"delay\", expected at least that");
        }

        retry->max_delay = retry->delay;
    }

    return true;
}


static bool
parse_jitter(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load)
{
    if (value == NULL || clarity_str_is(value->text, "full")) {
        return true;
    }

    retry->exact = true;

    return clarity_str_is(value->text, "none")
           || clarity_load_error(load, value->line,
               "\"jitter\" is %s, expected \"full\" or \"none\"",
               clarity_quote(value->text).text);
}


static bool
parse_attempts(unsigned *attempts, const clarity_json_t *value,
    const clarity_load_t *load)
{
    size_t n;

    if (value == NULL) {
        return true;
    }

    if (!clarity_number_to_size(value->text, CLARITY_MAX_ATTEMPTS, &n)
        || n == 0) {
        return clarity_load_error(load, value->line,
            "\"attempts\" is out of range, expected a whole number from 1 to "
            "%d",
            CLARITY_MAX_ATTEMPTS);
    }

    *attempts = n;

    return true;
}


void
clarity_action_clear(clarity_action_t *action)
{
    clarity_http_action_clear(&action->http);
    clarity_when_clear(&action->when);
}
