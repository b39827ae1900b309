#include "workflow/workflow.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "workflow/load.h"
#include "workflow/parse.h"

static bool render_url(const clarity_http_action_t *action,
    const clarity_scope_t *scope, clarity_http_call_t *call,
    clarity_error_t *error);
static bool render_headers(const clarity_http_action_t *action,
    const clarity_scope_t *scope, clarity_http_call_t *call,
    clarity_error_t *error);
static bool render_header(const clarity_header_t *header,
    const clarity_scope_t *scope, clarity_http_call_t *call,
    clarity_error_t *error);
static bool render_body(const clarity_http_action_t *action,
    const clarity_scope_t *scope, clarity_http_call_t *call,
    clarity_error_t *error);
static bool render_credential(const clarity_http_action_t *action, bool hide,
    clarity_http_call_t *call, clarity_error_t *error);
static bool get_secret(const clarity_secret_t *secret, clarity_str_t *value,
    clarity_error_t *error);
static void add_basic(
    clarity_buf_t *headers, clarity_str_t user, clarity_str_t password);
static void end_header(clarity_http_call_t *call);
static void wipe(clarity_buf_t *buf);


bool
clarity_http_call_render(const clarity_http_action_t *action,
    const clarity_scope_t *scope, bool hide, clarity_http_call_t *call,
    clarity_error_t *error)
{
    clarity_scope_t shown;

    shown = *scope;
    if (hide) {
        shown.secret = NULL;
    }

    return render_url(action, &shown, call, error)
           && render_headers(action, &shown, call, error)
           && render_body(action, &shown, call, error)
           && render_credential(action, hide, call, error)
           && (!call->headers.failed || clarity_error(error, "out of memory"));
}


static bool
render_url(const clarity_http_action_t *action, const clarity_scope_t *scope,
    clarity_http_call_t *call, clarity_error_t *error)
{
    clarity_error_t what;

    if (!clarity_template_render(action->url, scope, &call->url, &what)) {
        return clarity_error(error, "url: %s", what.text);
    }

    call->secret_host = clarity_template_hides_host(action->url);

    if (call->url.len > CLARITY_HTTP_URL_MAX) {
        return clarity_error(error, "the url has %zu bytes, %d at most",
            call->url.len, CLARITY_HTTP_URL_MAX);
    }

    return true;
}


static bool
render_headers(const clarity_http_action_t *action,
    const clarity_scope_t *scope, clarity_http_call_t *call,
    clarity_error_t *error)
{
    bool typed;
    size_t i, before;

    typed = false;

    for (i = 0; i < action->nheaders; i++) {
        before = call->nheaders;

        if (!render_header(&action->headers[i], scope, call, error)) {
            return false;
        }

        if (call->nheaders > before
            && clarity_header_name_is(
                action->headers[i].name, clarity_lit("Content-Type")))
        {
            typed = true;
        }
    }

    if (action->body != NULL && !typed) {
        clarity_buf_addz(&call->headers, "Content-Type: application/json");
        end_header(call);
    }

    if (call->headers.len > CLARITY_HTTP_HEADERS_MAX) {
        return clarity_error(error, "the headers have %zu bytes, %d at most",
            call->headers.len, CLARITY_HTTP_HEADERS_MAX);
    }

    return true;
}


/* One whose value comes to nothing is left out. */
static bool
render_header(const clarity_header_t *header, const clarity_scope_t *scope,
    clarity_http_call_t *call, clarity_error_t *error)
{
    size_t start, value;
    clarity_error_t what;
    clarity_buf_t *headers;

    headers = &call->headers;
    start = headers->len;

    clarity_buf_add(headers, header->name);
    clarity_buf_addz(headers, ": ");

    value = headers->len;

    if (!clarity_template_render(header->value, scope, headers, &what)) {
        return clarity_error(error, "header %s: %s",
            clarity_quote(header->name).text, what.text);
    }

    if (headers->len == value) {
        headers->len = start;
        return true;
    }

    end_header(call);

    return true;
}


static void
end_header(clarity_http_call_t *call)
{
    clarity_buf_add(&call->headers, (clarity_str_t){ "", 1 });
    call->nheaders++;
}


static bool
render_body(const clarity_http_action_t *action, const clarity_scope_t *scope,
    clarity_http_call_t *call, clarity_error_t *error)
{
    clarity_error_t what;

    if (action->body == NULL) {
        return true;
    }

    if (!clarity_json_template_render(action->body, scope, &call->body, &what))
    {
        return clarity_error(error, "body: %s", what.text);
    }

    call->has_body = true;

    return true;
}


static bool
render_credential(const clarity_http_action_t *action, bool hide,
    clarity_http_call_t *call, clarity_error_t *error)
{
    clarity_str_t value;
    clarity_buf_t *headers;

    if (action->auth == CLARITY_AUTH_NONE) {
        return true;
    }

    headers = &call->headers;
    value = clarity_lit("***");

    if (!hide && !get_secret(action->credential, &value, error)) {
        return false;
    }

    /* all at once: growing would leave a copy of the secret behind */
    clarity_buf_reserve(headers, 64 + 2 * (action->auth_name.len + value.len));

    if (action->auth == CLARITY_AUTH_HEADER) {
        clarity_buf_add(headers, action->auth_name);
        clarity_buf_addz(headers, ": ");
        clarity_buf_add(headers, value);

    } else if (action->auth == CLARITY_AUTH_BEARER) {
        clarity_buf_addz(headers, "Authorization: Bearer ");
        clarity_buf_add(headers, value);

    } else if (hide) {
        clarity_buf_addz(headers, "Authorization: Basic ");
        clarity_buf_add(headers, value);

    } else {
        clarity_buf_addz(headers, "Authorization: Basic ");
        add_basic(headers, action->auth_name, value);
    }

    end_header(call);

    return true;
}


static bool
get_secret(const clarity_secret_t *secret, clarity_str_t *value,
    clarity_error_t *error)
{
    if (secret->value == NULL || secret->value[0] == '\0') {
        return clarity_error(error, "the secret of action %s has no value",
            clarity_quote(secret->name).text);
    }

    *value = clarity_str(secret->value);

    if (clarity_has_control(*value)) {
        return clarity_error(error,
            "the secret of action %s holds a line break or another control "
            "byte",
            clarity_quote(secret->name).text);
    }

    if (value->len > CLARITY_HTTP_HEADERS_MAX) {
        return clarity_error(error,
            "the secret of action %s has %zu bytes, %d at most",
            clarity_quote(secret->name).text, value->len,
            CLARITY_HTTP_HEADERS_MAX);
    }

    return true;
}


/* RFC 7617: base64 of "user:password". */
static void
add_basic(clarity_buf_t *headers, clarity_str_t user, clarity_str_t password)
{
    char *p;
    clarity_buf_t plain = { 0 };

    clarity_buf_reserve(&plain, user.len + 1 + password.len);
    clarity_buf_add(&plain, user);
    clarity_buf_addz(&plain, ":");
    clarity_buf_add(&plain, password);

    /* four bytes for three or the rest of them, and EVP_EncodeBlock's NUL */
    p = clarity_buf_reserve(headers, (plain.len + 2) / 3 * 4 + 1);

    if (p != NULL && !plain.failed) {
        headers->len += EVP_EncodeBlock((unsigned char *) p,
            (const unsigned char *) plain.data, (int) plain.len);
    }

    headers->failed |= plain.failed;
    wipe(&plain);
}


void
clarity_http_call_free(clarity_http_call_t *call)
{
    wipe(&call->url);
    wipe(&call->headers);
    clarity_buf_free(&call->body);
    *call = (clarity_http_call_t){ 0 };
}


static void
wipe(clarity_buf_t *buf)
{
    if (buf->data != NULL) {
        OPENSSL_cleanse(buf->data, buf->cap);
    }

    clarity_buf_free(buf);
}
