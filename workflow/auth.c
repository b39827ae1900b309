#include <stdlib.h>
#include <strings.h>

#include "workflow/parse.h"

static bool parse_credential(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_json_t *value,
    const clarity_load_t *load);
static bool parse_basic(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_json_t *value,
    const clarity_load_t *load);
static bool parse_header(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_json_t *value,
    const clarity_load_t *load);
static bool check_alone(const clarity_http_action_t *http, clarity_str_t name,
    const clarity_json_t *value, const clarity_load_t *load);


bool
clarity_auth_parse(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_load_t *load)
{
    clarity_member_t members[] = {
        { "basic", CLARITY_OBJECT, false, NULL },
        { "header", CLARITY_OBJECT, false, NULL },
    };

    if (source->auth == NULL) {
        if (source->secret == NULL) {
            return true;
        }

        http->auth = CLARITY_AUTH_BEARER;

        return check_alone(
                   http, clarity_lit("Authorization"), source->secret, load)
               && parse_credential(http, source, source->secret, load);
    }

    if (source->secret != NULL) {
        return clarity_load_error(load, source->auth->name_line,
            "\"secret\" and \"auth\" in one action, expected one of them");
    }

    if (!clarity_load_members(load, source->auth, "\"auth\"", members, 2)) {
        return false;
    }

    if (source->auth->count != 1) {
        return clarity_load_error(load, source->auth->line,
            "\"auth\" has %zu keys, expected \"basic\" or \"header\"",
            source->auth->count);
    }

    if (members[0].value != NULL) {
        return parse_basic(http, source, members[0].value, load);
    }

    return parse_header(http, source, members[1].value, load);
}


static bool
parse_basic(clarity_http_action_t *http, const clarity_http_source_t *source,
    const clarity_json_t *value, const clarity_load_t *load)
{
    const clarity_json_t *user;
    clarity_member_t members[] = {
        { "user", CLARITY_STRING, true, NULL },
        { "password", CLARITY_OBJECT, true, NULL },
    };

    if (!clarity_load_members(load, value, "\"basic\"", members, 2)) {
        return false;
    }

    user = members[0].value;

    /* RFC 7617, section 2: the first colon ends the user's name */
    if (memchr(user->text.data, ':', user->text.len)
        || clarity_has_control(user->text)
        || clarity_has_placeholder(user->text))
    {
        return clarity_load_error(load, user->line,
            "\"user\" has a colon, a control byte or a placeholder, expected "
            "a user's name");
    }

    http->auth = CLARITY_AUTH_BASIC;
    http->auth_name = user->text;

    return check_alone(http, clarity_lit("Authorization"), value, load)
           && parse_credential(http, source, members[1].value, load);
}


static bool
parse_header(clarity_http_action_t *http, const clarity_http_source_t *source,
    const clarity_json_t *value, const clarity_load_t *load)
{
    const clarity_json_t *name;
    clarity_member_t members[] = {
        { "name", CLARITY_STRING, true, NULL },
        { "value", CLARITY_OBJECT, true, NULL },
    };

    if (!clarity_load_members(load, value, "\"header\"", members, 2)) {
        return false;
    }

    name = members[0].value;

    if (!clarity_header_name_check(name->text, name->line, load)) {
        return false;
    }

    http->auth = CLARITY_AUTH_HEADER;
    http->auth_name = name->text;

    return check_alone(http, name->text, name, load)
           && parse_credential(http, source, members[1].value, load);
}


/* Not a header of "headers" too, or it would be sent twice. */
static bool
check_alone(const clarity_http_action_t *http, clarity_str_t name,
    const clarity_json_t *value, const clarity_load_t *load)
{
    size_t i;

    for (i = 0; i < http->nheaders; i++) {
        if (clarity_header_name_is(http->headers[i].name, name)) {
            return clarity_load_error(load, value->line,
                "header %s is in \"headers\" and carries the credential, "
                "expected one of them",
                clarity_quote(name).text);
        }
    }

    return true;
}


static bool
parse_credential(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_json_t *value,
    const clarity_load_t *load)
{
    http->credential = calloc(1, sizeof(*http->credential));
    if (http->credential == NULL) {
        return clarity_load_no_memory(load);
    }

    http->credential->name = source->id;

    return clarity_secret_parse(
        http->credential, value, clarity_quote(value->name).text, load);
}


bool
clarity_header_name_check(
    clarity_str_t name, unsigned line, const clarity_load_t *load)
{
    size_t i;
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /* each is made by the worker or by the HTTP client */
    static const char *const ours[] = { "Connection", "Content-Length",
        "Expect", "Host", "Idempotency-Key", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "traceparent" };

    for (i = 0; i < name.len; i++) {
        if (memchr(token, name.data[i], sizeof(token) - 1) == NULL) {
            break;
        }
    }

    if (i < name.len || name.len == 0) {
        return clarity_load_error(load, line,
            "%s is no header's name, expected letters, digits and "
            "!#$%%&'*+-.^_`|~",
            clarity_quote(name).text);
    }

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (clarity_header_name_is(name, clarity_str(ours[i]))) {
            return clarity_load_error(load, line,
                "header \"%s\" is not for a workflow to set, the worker does",
                ours[i]);
        }
    }

    return true;
}


bool
clarity_header_name_is(clarity_str_t name, clarity_str_t other)
{
    return name.len == other.len
           && strncasecmp(name.data, other.data, name.len) == 0;
}
