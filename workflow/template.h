/*
 * Text with {{placeholders}}: {{name}}, {{meta.ticket}}, {{items.0.id}},
 * {{steps.ID.body.x}}, {{steps.ID.status}}, {{job.id}} (also received,
 * trigger, webhook), {{secrets.NAME}}. Compiled at load, where a wrong name is
 * an error; what lies below a parameter or a step's body is known only when a
 * job comes, and counts as null where it is absent. Rendered per job, escaped
 * for where the text stands. Values are put in once and not read again: a
 * "{{" in one is text. "{{" itself cannot be written.
 */

#ifndef CLARITY_WORKFLOW_TEMPLATE_H
#define CLARITY_WORKFLOW_TEMPLATE_H

#include "json/buf.h"
#include "json/tree.h"
#include "webhook/trigger.h"

#define CLARITY_RENDER_MAX (64 * 1024 * 1024) /* bytes of one result */

/* What a finished step of this run left: {{steps.ID.…}}. */
typedef struct {
    clarity_str_t id;
    const clarity_json_t *result; /* an object: "status", "body" */
} clarity_step_result_t;

/* What placeholders are looked up in. Nothing is owned. */
typedef struct {
    const clarity_json_t *context; /* the job's */
    clarity_str_t job_id;
    clarity_str_t job_trigger;
    clarity_str_t job_webhook;
    clarity_str_t job_received; /* ms since 1970 */
    const clarity_step_result_t *steps;
    size_t nsteps;

    /* A secret's value by its name; false: it has none. NULL is a preview:
     * every secret shows as "***", the result of a step that is not known as
     * its placeholder. */
    bool (*secret)(void *data, clarity_str_t name, clarity_str_t *value);
    void *data;
} clarity_scope_t;

/*
 * URL: a whole url. Values are percent-encoded, all but unreserved characters.
 * In its path a value must be there and be neither "." nor "..", which would
 * make another path. Only secrets may stand in the host; they stand as they
 * are, a blank or control byte in one is a fault.
 */
typedef enum {
    CLARITY_ESCAPE_URL,
    CLARITY_ESCAPE_HEADER, /* a control byte but TAB is a fault */
    CLARITY_ESCAPE_JSON,   /* inside a JSON string */
    CLARITY_ESCAPE_NONE    /* an argument of exec: as it is */
} clarity_escape_t;

typedef struct clarity_template_s clarity_template_t;

/* What names may stand in a template: for the check at load. */
typedef struct {
    const clarity_trigger_t *trigger; /* NULL: any parameter name */
    const clarity_str_t *steps;       /* ids of the steps before this one */
    size_t nsteps;
    const clarity_str_t *secrets; /* names */
    size_t nsecrets;
    bool secrets_allowed; /* url and headers only */
} clarity_names_t;

/*
 * NULL and *error (what, without file and line): a wrong placeholder, a byte
 * that cannot stand there, a url that is none. The text is copied.
 */
clarity_template_t *clarity_template_compile(clarity_str_t text,
    clarity_escape_t escape, const clarity_names_t *names,
    clarity_error_t *error);
void clarity_template_free(clarity_template_t *template);

/* Of a url: may its host not be shown, as a secret is in it? */
bool clarity_template_hides_host(const clarity_template_t *template);

/*
 * Appends the text. A parameter that is null or absent renders as nothing; an
 * object or array as its JSON. false and *error (names, never a value): a
 * value that cannot stand here, a secret without a value.
 */
bool clarity_template_render(const clarity_template_t *template,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error);

/*
 * The value of a template that is one placeholder alone: NULL if it is more,
 * if the value is not there, or if it is of a job or a secret.
 */
const clarity_json_t *clarity_template_value(
    const clarity_template_t *template, const clarity_scope_t *scope);

/* A JSON value whose strings are templates; one that is a placeholder alone
 * takes the value with its type (null where it is absent). */
typedef struct clarity_json_template_s clarity_json_template_t;

/* NULL and *error ("FILE:LINE: what"). value must outlive the template. */
clarity_json_template_t *clarity_json_template_compile(
    const clarity_json_t *value, const char *file,
    const clarity_names_t *names, clarity_error_t *error);
void clarity_json_template_free(clarity_json_template_t *template);

bool clarity_json_template_render(const clarity_json_template_t *template,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error);

#endif
