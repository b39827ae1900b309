#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/alone.h"
#include "cli/command.h"
#include "cli/show.h"
#include "conf/file.h"
#include "conf/version.h"
#include "json/tree.h"

#define TOKEN_HEADER   "x-clarity-webhook-token"
#define TOKEN_VARIABLE "CLARITY_WEBHOOK_TOKEN"
#define ANSWER_MAX     ((size_t) 1 << 20)
#define TIMEOUT        30000L /* ms */

typedef struct {
    const clarity_alone_t *alone;
    CURL *easy;
    struct curl_slist *headers;
    clarity_buf_t url; /* with the query of a GET, and a NUL */
    clarity_buf_t body;
    clarity_buf_t answer;
    char error[CURL_ERROR_SIZE];
} clarity_send_t;

static const char *misuse(const clarity_alone_t *alone);
static bool is_get(const clarity_send_t *send);
static bool make_url(clarity_send_t *send);
static void add_escaped(clarity_buf_t *url, clarity_str_t text);
static bool add_token(clarity_send_t *send);
static bool add_header(
    clarity_send_t *send, const char *name, const char *value);
static int perform(clarity_send_t *send);
static bool set_method(const clarity_send_t *send);
static size_t on_body(char *bytes, size_t size, size_t n, void *data);
static int show(clarity_send_t *send);
static void free_send(clarity_send_t *send);


int
clarity_command_send(const clarity_alone_t *alone)
{
    int status;
    const char *reason;
    clarity_send_t send = { .alone = alone };

    reason = misuse(alone);

    if (reason != NULL) {
        clarity_error(alone->error, "%s", reason);
        return CLARITY_EXIT_USAGE;
    }

    status = CLARITY_EXIT_NO;

    if (clarity_alone_text(alone->argv[1], &send.body, alone->error)
        && make_url(&send) && add_token(&send)
        && (is_get(&send)
            || add_header(&send, "Content-Type", "application/json"))
        && (alone->idempotency_key == NULL
            || add_header(&send, "Idempotency-Key", alone->idempotency_key))
        && (!alone->dry_run || add_header(&send, "x-clarity-dry-run", "1")))
    {
        status = perform(&send);
    }

    free_send(&send);

    return status;
}


static const char *
misuse(const clarity_alone_t *alone)
{
    size_t i;
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE",
        "GET" };

    if (alone->argc != 2) {
        return "expected a URL and a context";
    }

    if (strncmp(alone->argv[0], "http://", 7) != 0
        && strncmp(alone->argv[0], "https://", 8) != 0)
    {
        return "expected a URL that begins with http:// or https://";
    }

    for (i = 0;
         alone->method != NULL && strcmp(alone->method, methods[i]) != 0; i++)
    {
        if (i == sizeof(methods) / sizeof(methods[0]) - 1) {
            return "--method is none of POST, PUT, PATCH, DELETE and GET";
        }
    }

    return NULL;
}


static bool
is_get(const clarity_send_t *send)
{
    return send->alone->method != NULL
           && strcmp(send->alone->method, "GET") == 0;
}


/*
 * The context of a GET is its query, in the order in which it stands: strings
 * as they are, all else as JSON. What that means to the webhook depends on the
 * types of its parameters.
 */
static bool
make_url(clarity_send_t *send)
{
    clarity_str_t url;
    clarity_buf_t *out;
    clarity_json_doc_t *doc;
    const clarity_json_t *value;

    out = &send->url;
    url = clarity_str(send->alone->argv[0]);
    url.len = strcspn(url.data, "#");
    clarity_buf_add(out, url);

    if (is_get(send)) {
        doc = clarity_json_parse(
            clarity_buf_str(&send->body), "context", 0, send->alone->error);

        if (doc == NULL) {
            return false;
        }

        if (doc->root->kind != CLARITY_OBJECT) {
            clarity_json_free(doc);
            return clarity_error(
                send->alone->error, "the context is no JSON object");
        }

        for (value = doc->root->first; value != NULL; value = value->next) {
            clarity_buf_addz(
                out, memchr(out->data, '?', out->len) == NULL ? "?" : "&");
            add_escaped(out, value->name);
            clarity_buf_addz(out, "=");
            add_escaped(
                out, value->kind == CLARITY_STRING ? value->text : value->raw);
        }

        clarity_json_free(doc);
    }

    clarity_buf_add(out, (clarity_str_t){ "", 1 });

    return !out->failed || clarity_error(send->alone->error, "out of memory");
}


/* All but what RFC 3986, 2.3 calls unreserved. */
static void
add_escaped(clarity_buf_t *url, clarity_str_t text)
{
    size_t i;
    char c;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || (c != '\0' && strchr("-._~", c) != NULL))
        {
            clarity_buf_add(url, (clarity_str_t){ text.data + i, 1 });

        } else {
            clarity_buf_addf(url, "%%%02X", (unsigned) (unsigned char) c);
        }
    }
}


/* Not an argument: those can be seen by everybody on the machine. */
static bool
add_token(clarity_send_t *send)
{
    bool added;
    char *token;
    const char *value;

    if (send->alone->token_file != NULL) {
        token =
            clarity_file_secret(send->alone->token_file, send->alone->error);

        added = token != NULL && add_header(send, TOKEN_HEADER, token);
        clarity_secret_wipe(token);

        return added;
    }

    value = getenv(TOKEN_VARIABLE);

    return value == NULL ? clarity_error(send->alone->error,
               "no token, expected one in " TOKEN_VARIABLE
               " or by --token-file FILE")
                         : add_header(send, TOKEN_HEADER, value);
}


static bool
add_header(clarity_send_t *send, const char *name, const char *value)
{
    size_t len;
    char *line;
    struct curl_slist *headers;

    if (strpbrk(value, "\r\n") != NULL) {
        return clarity_error(send->alone->error, "%s holds a line end", name);
    }

    len = strlen(name) + strlen(value) + sizeof(": ");
    line = malloc(len);
    headers = NULL;

    if (line != NULL) {
        snprintf(line, len, "%s: %s", name, value);
        headers = curl_slist_append(send->headers, line);
        clarity_secret_wipe(line);
    }

    if (headers == NULL) {
        return clarity_error(send->alone->error, "out of memory");
    }

    send->headers = headers;

    return true;
}


static int
perform(clarity_send_t *send)
{
    CURL *easy;
    CURLcode code;
    const clarity_alone_t *alone;

    alone = send->alone;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = send->easy = curl_easy_init();

    if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, send->url.data)
        || curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        || !set_method(send)
        || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, send->headers)
        || curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT)
        || curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L)
        || curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, send->error)
        || curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body)
        || curl_easy_setopt(easy, CURLOPT_WRITEDATA, send)
        || curl_easy_setopt(
            easy, CURLOPT_USERAGENT, "clarityctl/" CLARITY_VERSION))
    {
        clarity_error(alone->error, "out of memory");
        return CLARITY_EXIT_NO;
    }

    code = curl_easy_perform(easy);

    if (code != CURLE_OK) {
        clarity_error(alone->error, "no answer of %.200s: %.200s",
            alone->argv[0],
            send->error[0] != '\0' ? send->error : curl_easy_strerror(code));
        return CLARITY_EXIT_NO;
    }

    return show(send);
}


static bool
set_method(const clarity_send_t *send)
{
    CURL *easy;
    const char *method;

    easy = send->easy;
    method = send->alone->method;

    if (is_get(send)) {
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == 0;
    }

    return curl_easy_setopt(
               easy, CURLOPT_CUSTOMREQUEST, method != NULL ? method : "POST")
               == 0
           && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                  (curl_off_t) send->body.len)
                  == 0
           && curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                  send->body.data != NULL ? send->body.data : "")
                  == 0;
}


static size_t
on_body(char *bytes, size_t size, size_t n, void *data)
{
    clarity_send_t *send = data;

    n *= size;

    if (n > ANSWER_MAX - send->answer.len) {
        return 0;
    }

    clarity_buf_add(&send->answer, (clarity_str_t){ bytes, n });

    return send->answer.failed ? 0 : n;
}


/* The body as it came; as JSON beside the status where that is asked for. */
static int
show(clarity_send_t *send)
{
    long status;
    clarity_buf_t *out;
    clarity_str_t body;
    clarity_error_t why;
    clarity_json_doc_t *doc;
    const clarity_alone_t *alone;

    alone = send->alone;
    out = alone->out;
    body = clarity_buf_str(&send->answer);

    curl_easy_getinfo(send->easy, CURLINFO_RESPONSE_CODE, &status);

    if (alone->json) {
        doc = clarity_json_parse(body, "answer", 0, &why);

        clarity_buf_addf(out, "{\"status\":%ld,\"body\":", status);

        if (doc != NULL) {
            clarity_buf_add(out, doc->root->raw);
        } else {
            clarity_buf_add_json(out, body);
        }

        clarity_buf_addz(out, "}\n");
        clarity_json_free(doc);

    } else {
        while (body.len > 0 && strchr("\r\n", body.data[body.len - 1])) {
            body.len--;
        }

        clarity_buf_addf(out, "%ld\n", status);
        clarity_show_text(out, body);
        clarity_buf_addz(out, "\n");
    }

    if (status >= 200 && status < 300) {
        return CLARITY_EXIT_DONE;
    }

    if (!alone->json) {
        clarity_error(alone->error, "the webhook answered %ld", status);
    }

    return CLARITY_EXIT_NO;
}


static void
free_send(clarity_send_t *send)
{
    struct curl_slist *header;

    for (header = send->headers; header != NULL; header = header->next) {
        explicit_bzero(header->data, strlen(header->data));
    }

    curl_easy_cleanup(send->easy);
    curl_slist_free_all(send->headers);
    clarity_buf_free(&send->url);
    clarity_buf_free(&send->body);
    clarity_buf_free(&send->answer);
}
