/* The parts of a workflow file's reading: for workflow.c and action*.c. */

#ifndef CLARITY_WORKFLOW_PARSE_H
#define CLARITY_WORKFLOW_PARSE_H

#include "workflow/load.h"
#include "workflow/workflow.h"

/* 1 to CLARITY_WORKFLOW_ID_MAX of [A-Za-z0-9_-]. */
bool clarity_id_parse(clarity_str_t *id, const clarity_json_t *value,
    const clarity_load_t *load);

/* From 1 ms to max, which stands as max_text in the message. An absent member
 * leaves *ms as it is. */
bool clarity_duration_member(uint64_t *ms, const clarity_member_t *member,
    uint64_t max, const char *max_text, const clarity_load_t *load);

/* {"env": NAME} or {"file": PATH}; what: "\"secret\"". */
bool clarity_secret_parse(clarity_secret_t *secret,
    const clarity_json_t *value, const char *what, const clarity_load_t *load);

/* Wipes the value; a zeroed secret has none. */
void clarity_secret_clear(clarity_secret_t *secret);

/* As clarity_condition_compile(). */
clarity_condition_t *clarity_condition_read(const clarity_json_t *value,
    const clarity_load_t *load, const clarity_trigger_t *trigger);

/* A zeroed action is empty; clear it whatever the result. */
bool clarity_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_types_t *types, const clarity_load_t *load);
void clarity_action_clear(clarity_action_t *action);

/* The same for what is http_request's own. id: the action's. */
typedef struct {
    clarity_str_t id;
    const clarity_json_t *method;
    const clarity_json_t *url;
    const clarity_json_t *headers; /* NULL: none; and so on below */
    const clarity_json_t *body;
    const clarity_json_t *secret;
    const clarity_json_t *auth;
} clarity_http_source_t;

bool clarity_http_action_parse(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_names_t *names,
    const clarity_load_t *load);
void clarity_http_action_clear(clarity_http_action_t *http);

/* NULL: the defaults. */
bool clarity_retry_parse(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load);

/* "if_unknown"; NULL leaves it as it is. */
bool clarity_unknown_parse(clarity_unknown_outcome_t *outcome,
    const clarity_json_t *value, const clarity_load_t *load);

#define CLARITY_TIMEOUT_MAX      ((uint64_t) 3600 * 1000) /* ms */
#define CLARITY_TIMEOUT_MAX_TEXT "1h"

bool clarity_exec_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
void clarity_exec_action_clear(clarity_exec_action_t *exec);

bool clarity_custom_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
void clarity_custom_action_clear(clarity_custom_action_t *custom);

bool clarity_publish_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load);
void clarity_publish_action_clear(clarity_publish_action_t *publish);

/* "secret" and "auth": the credential. */
bool clarity_auth_parse(clarity_http_action_t *http,
    const clarity_http_source_t *source, const clarity_load_t *load);

/* A token (RFC 9110, section 5.6.2) and not one that is ours to send. */
bool clarity_header_name_check(
    clarity_str_t name, unsigned line, const clarity_load_t *load);

/* A header's name, without regard to case. */
bool clarity_header_name_is(clarity_str_t name, clarity_str_t other);

#endif
