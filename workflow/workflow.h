/*
 * A workflow: trigger + optional conditions + a chain of actions, read from
 * one JSON file.
 */

#ifndef CLARITY_WORKFLOW_WORKFLOW_H
#define CLARITY_WORKFLOW_WORKFLOW_H

#include <stdint.h>

#include "workflow/condition.h"
#include "workflow/template.h"
#include "workflow/when.h"

#define CLARITY_MAX_ACTIONS       64
#define CLARITY_MAX_RUNS          1000          /* of one job */
#define CLARITY_MAX_HEADERS       64            /* of one action */
#define CLARITY_MAX_ARGS          256           /* of one command */
#define CLARITY_MAX_FIELDS        64            /* of one stream's entry */
#define CLARITY_WORKFLOW_MAX      (1024 * 1024) /* bytes of a file */
#define CLARITY_WORKFLOW_ID_MAX   64            /* bytes; [a-zA-Z0-9_-] */
#define CLARITY_WORKFLOW_NAME_MAX 256           /* bytes */

/* Of an action that does not say otherwise; times in ms. */
#define CLARITY_DEFAULT_TIMEOUT   30000
#define CLARITY_DEFAULT_ATTEMPTS  3
#define CLARITY_DEFAULT_DELAY     1000
#define CLARITY_DEFAULT_MAX_DELAY 3600000

/* Bytes of a rendered call; its body has CLARITY_RENDER_MAX. */
#define CLARITY_HTTP_URL_MAX     65536
#define CLARITY_HTTP_HEADERS_MAX 65536 /* in all, without the credential */

/* Where a secret's value comes from. The loader (worker, cli) fills value. */
typedef struct {
    clarity_str_t name; /* {{secrets.NAME}}; for an action's own: its id */
    bool is_file;       /* else an environment variable */
    clarity_str_t source;
    unsigned line;
    char *value; /* malloc'd, NUL-terminated, owned; NULL: not loaded */
} clarity_secret_t;

typedef enum {
    CLARITY_AUTH_NONE,
    CLARITY_AUTH_BEARER, /* "secret" */
    CLARITY_AUTH_BASIC,
    CLARITY_AUTH_HEADER
} clarity_auth_t;

typedef struct {
    clarity_str_t name;
    clarity_template_t *value;
} clarity_header_t;

typedef struct {
    clarity_str_t method;
    clarity_template_t *url;
    clarity_header_t *headers;
    size_t nheaders;
    clarity_json_template_t *body; /* NULL: none */
    clarity_auth_t auth;
    clarity_str_t auth_name;      /* BASIC: user; HEADER: header name */
    clarity_secret_t *credential; /* NULL: no auth */
    uint64_t timeout;             /* ms, of one attempt */
} clarity_http_action_t;

typedef struct {
    unsigned attempts;  /* in all, the first included */
    uint64_t delay;     /* ms before the second attempt */
    uint64_t max_delay; /* ms */
    bool exact;         /* "jitter": "none": the whole of the time */
} clarity_retry_t;

/* A program, started without a shell. */
typedef struct {
    clarity_str_t command; /* an absolute path */
    unsigned command_line; /* of the file */
    clarity_template_t **args;
    size_t nargs;
    uint64_t timeout; /* ms, of one attempt */
} clarity_exec_action_t;

/* What is published: a text, or a value as JSON. One of them. */
typedef struct {
    clarity_str_t name; /* of a stream's field */
    clarity_template_t *text;
    clarity_json_template_t *json;
} clarity_message_t;

/* To a channel one message, to a stream one or more fields. */
typedef struct {
    bool is_stream;
    clarity_str_t target; /* the channel, or the stream's key */
    clarity_message_t *messages;
    size_t nmessages;
    size_t max_length; /* of a stream, in entries; 0: no bound */
} clarity_publish_action_t;

/* One of a program's own, made with the SDK. */
typedef struct {
    clarity_str_t type;
    clarity_json_template_t *input; /* NULL: the context */
    uint64_t timeout;               /* ms, of one attempt */
} clarity_custom_action_t;

typedef enum {
    CLARITY_ACTION_HTTP_REQUEST,
    CLARITY_ACTION_EXEC,
    CLARITY_ACTION_PUBLISH,
    CLARITY_ACTION_DELAY,
    CLARITY_ACTION_CUSTOM
} clarity_action_type_t;

/* The names of the custom types that there are; zeroed: none. */
typedef struct {
    const char *const *names;
    size_t n;
} clarity_types_t;

/* Of the one action that is made for each trigger with a handler. */
#define CLARITY_TYPE_ON "on"

/* NULL: it can be one. Else why not: what, what was expected. */
const char *clarity_type_refused(clarity_str_t name);

/* What a step is to do whose worker died in the middle of it. */
typedef enum {
    CLARITY_UNKNOWN_OUTCOME_RETRY,
    CLARITY_UNKNOWN_OUTCOME_SKIP,
    CLARITY_UNKNOWN_OUTCOME_FAIL
} clarity_unknown_outcome_t;

typedef struct {
    clarity_str_t id;
    clarity_action_type_t type;
    clarity_http_action_t http;           /* HTTP_REQUEST */
    clarity_exec_action_t exec;           /* EXEC */
    clarity_custom_action_t custom;       /* CUSTOM */
    clarity_retry_t retry;                /* of the three */
    clarity_unknown_outcome_t if_unknown; /* likewise */
    clarity_publish_action_t publish;     /* PUBLISH */
    clarity_when_t when;                  /* DELAY */
    unsigned line;
} clarity_action_t;

#define CLARITY_DIGEST_HEX 17 /* with the NUL */

typedef struct clarity_workflow_s {
    clarity_str_t id;
    clarity_str_t name;
    clarity_str_t trigger;
    bool active;
    clarity_condition_t *conditions; /* NULL: always */
    clarity_when_t start;            /* not set: at once */
    clarity_secret_t *secrets;       /* of "secrets" */
    size_t nsecrets;
    clarity_action_t *actions;
    size_t nactions;
    unsigned shared;                 /* how many have it beside its owner */
    clarity_buf_t text;              /* the file's bytes */
    char digest[CLARITY_DIGEST_HEX]; /* of the file's bytes, hex */
    char *file;
    clarity_json_doc_t *doc;
} clarity_workflow_t;

/*
 * NULL and *error ("FILE:LINE: what, what was expected"): not JSON, an unknown
 * key, a wrong value, an unknown trigger or parameter, a step used before it
 * has run, a duration that is none. Nothing is read but the text.
 */
clarity_workflow_t *clarity_workflow_parse(clarity_str_t text,
    const char *file, const clarity_triggers_t *triggers,
    clarity_error_t *error);

/* The same with custom types, and every error that can be told is added to errors, a line
 * each. */
clarity_workflow_t *clarity_workflow_parse_all(clarity_str_t text,
    const char *file, const clarity_triggers_t *triggers,
    const clarity_types_t *types, clarity_buf_t *errors);

/* Wipes the secrets' values. One that is shared goes with the last. */
void clarity_workflow_free(clarity_workflow_t *workflow);

/* Every secret of a workflow, its own and its actions', for the loader. */
typedef bool (*clarity_secret_pt)(
    void *data, clarity_secret_t *secret, clarity_error_t *error);
bool clarity_workflow_each_secret(clarity_workflow_t *workflow,
    clarity_secret_pt each, void *data, clarity_error_t *error);

/* Every time zone that its conditions name, for the loader. */
bool clarity_workflow_each_zone(clarity_workflow_t *workflow,
    clarity_zone_pt each, void *data, clarity_error_t *error);

/*
 * An http_request with its placeholders filled in. A header whose value comes
 * to nothing is left out; a body brings a Content-Type with it unless the
 * action has one.
 */
typedef struct {
    clarity_buf_t url;
    clarity_buf_t headers; /* "Name: value\0" each; the credential included */
    size_t nheaders;
    clarity_buf_t body;
    bool has_body;
    bool secret_host; /* its host is not to be named */
} clarity_http_call_t;

/*
 * Renders an action for a job; with hide, secrets show as "***". A zeroed
 * call is empty; free it whatever the result, which wipes it. false and
 * *error.
 */
bool clarity_http_call_render(const clarity_http_action_t *action,
    const clarity_scope_t *scope, bool hide, clarity_http_call_t *call,
    clarity_error_t *error);
void clarity_http_call_free(clarity_http_call_t *call);

/*
 * An exec or publish with its placeholders filled in: strings, each with a NUL
 * after it. Of exec the command and its arguments, of publish the Redis
 * command and all of its. A zeroed one is empty; free it whatever the result.
 */
typedef struct {
    clarity_buf_t text;
    size_t count;
    clarity_str_t *list; /* slices of text, and an empty one after the last */
} clarity_strings_t;

/* false and *error: a value that cannot stand there, out of memory. */
bool clarity_exec_render(const clarity_exec_action_t *action,
    const clarity_scope_t *scope, clarity_strings_t *strings,
    clarity_error_t *error);
bool clarity_publish_render(const clarity_publish_action_t *action,
    const clarity_scope_t *scope, clarity_strings_t *strings,
    clarity_error_t *error);
void clarity_strings_free(clarity_strings_t *strings);

#endif
