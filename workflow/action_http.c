#include <stdlib.h>

#include "workflow/parse.h"

static bool parse_method(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_load_t *load);
static clarity_template_t *compile_template(const clarity_json_t *value,
    clarity_escape_t escape, const char *what, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_headers(clarity_http_action_t *http,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_header(clarity_http_action_t *http,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
static bool parse_body(clarity_http_action_t *http,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);


bool
clarity_http_action_parse(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_names_t *names,
    const clarity_load_t *load)
{
    bool good;
    clarity_names_t with_secrets;

    with_secrets = *names;
    with_secrets.secrets_allowed = true;

    good = true;

    if (!clarity_load_took(load, parse_method(http, source, load), &good)) {
        return false;
    }

    http->url = compile_template(
        source->url, CLARITY_ESCAPE_URL, "\"url\"", &with_secrets, load);

    if (!clarity_load_took(load, http->url != NULL, &good)) {
        return false;
    }

    if (!clarity_load_took(load,
            parse_headers(http, source->headers, &with_secrets, load), &good))
    {
        return false;
    }

    if (!clarity_load_took(
            load, parse_body(http, source->body, names, load), &good))
    {
        return false;
    }

    return clarity_auth_parse(http, source, load) && good;
}


static bool
parse_method(clarity_http_action_t *http, const clarity_http_source_t *source,
    const clarity_load_t *load)
{
    size_t i;
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT",
        "PATCH", "DELETE" };

    http->method = source->method->text;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (clarity_str_is(http->method, methods[i])) {
            break;
        }
    }

    if (i == sizeof(methods) / sizeof(methods[0])) {
        return clarity_load_error(load, source->method->line,
            "unknown method %s, expected GET, HEAD, POST, PUT, PATCH or "
            "DELETE",
            clarity_quote(http->method).text);
    }

    if (source->body != NULL && clarity_str_is(http->method, "HEAD")) {
        return clarity_load_error(load, source->body->name_line,
            "\"body\" with method HEAD, expected none");
    }

    return true;
}


static clarity_template_t *
compile_template(const clarity_json_t *value, clarity_escape_t escape,
    const char *what, const clarity_names_t *names, const clarity_load_t *load)
{
    clarity_error_t error;
    clarity_template_t *template;

    template = clarity_template_compile(value->text, escape, names, &error);
    if (template == NULL) {
        clarity_load_error(load, value->line, "%s: %s", what, error.text);
    }

    return template;
}


static bool
parse_headers(clarity_http_action_t *http, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    bool good;
    const clarity_json_t *child;

    if (value == NULL || value->count == 0) {
        return true;
    }

    if (value->count > CLARITY_MAX_HEADERS) {
        return clarity_load_error(load, value->line,
            "\"headers\" has %zu, expected %d at most", value->count,
            CLARITY_MAX_HEADERS);
    }

    http->headers = calloc(value->count, sizeof(*http->headers));
    if (http->headers == NULL) {
        return clarity_load_no_memory(load);
    }

    good = true;

    for (child = value->first; child != NULL; child = child->next) {
        if (!clarity_load_took(
                load, parse_header(http, child, names, load), &good)) {
            return false;
        }
    }

    return good;
}


static bool
parse_header(clarity_http_action_t *http, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    size_t i;
    clarity_header_t *header;

    if (!clarity_header_name_check(value->name, value->name_line, load)) {
        return false;
    }

    for (i = 0; i < http->nheaders; i++) {
        if (clarity_header_name_is(http->headers[i].name, value->name)) {
            return clarity_load_error(load, value->name_line,
                "header %s is set twice, expected once",
                clarity_quote(value->name).text);
        }
    }

    if (value->kind != CLARITY_STRING) {
        return clarity_load_error(load, value->line,
            "header %s is %s, expected a string",
            clarity_quote(value->name).text,
            clarity_json_kind_name(value->kind));
    }

    header = &http->headers[http->nheaders++];
    header->name = value->name;
    header->value = compile_template(value, CLARITY_ESCAPE_HEADER,
        clarity_quote(value->name).text, names, load);

    return header->value != NULL;
}


static bool
parse_body(clarity_http_action_t *http, const clarity_json_t *value,
    const clarity_names_t *names, const clarity_load_t *load)
{
    if (value == NULL) {
        return true;
    }

    if (value->kind == CLARITY_NULL) {
        return clarity_load_error(load, value->line,
            "\"body\" is null, expected a value, or no \"body\" where none "
            "is to be sent");
    }

    http->body =
        clarity_json_template_compile(value, load->file, names, load->error);

    return http->body != NULL;
}


void
clarity_http_action_clear(clarity_http_action_t *http)
{
    size_t i;

    for (i = 0; i < http->nheaders; i++) {
        clarity_template_free(http->headers[i].value);
    }

    free(http->headers);
    clarity_template_free(http->url);
    clarity_json_template_free(http->body);

    if (http->credential != NULL) {
        clarity_secret_clear(http->credential);
        free(http->credential);
    }
}
