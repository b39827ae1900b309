/*
 * Triggers: named events, each with the ordered list of parameters that a
 * request must carry (its context). Read from triggers.json, whose parameters
 * are described with JSON Schema's own keywords.
 */

#ifndef CLARITY_WEBHOOK_TRIGGER_H
#define CLARITY_WEBHOOK_TRIGGER_H

#include "json/buf.h"
#include "json/error.h"
#include "json/str.h"

/* What a value may be; a set. No bit: any. */
#define CLARITY_TYPE_NULL    0x01u
#define CLARITY_TYPE_BOOLEAN 0x02u
#define CLARITY_TYPE_NUMBER  0x04u
#define CLARITY_TYPE_INTEGER 0x08u
#define CLARITY_TYPE_STRING  0x10u
#define CLARITY_TYPE_ARRAY   0x20u
#define CLARITY_TYPE_OBJECT  0x40u

typedef enum {
    CLARITY_FORMAT_NONE,
    CLARITY_FORMAT_DATE,              /* RFC 3339 full-date */
    CLARITY_FORMAT_DATE_TIME,         /* RFC 3339 date-time */
    CLARITY_FORMAT_DATE_OR_DATE_TIME, /* ours: either of the two */
    CLARITY_FORMAT_UUID,              /* RFC 4122, in either case */
    CLARITY_FORMAT_EMAIL              /* RFC 5321 Mailbox: dot-string@domain,
                                         no quoting, no address literal */
} clarity_format_t;

/* One value of `enum`: a scalar. */
typedef struct {
    unsigned type;      /* one CLARITY_TYPE_ bit */
    clarity_str_t text; /* string: decoded; number: as written */
    bool boolean;
} clarity_enum_t;

/* The bounds apply to values of their own type only, as in JSON Schema. */
typedef struct {
    clarity_str_t name;
    unsigned types; /* set of CLARITY_TYPE_ */
    clarity_format_t format;
    size_t min_length;     /* Unicode characters; 0: none */
    size_t max_length;     /* SIZE_MAX: none */
    clarity_str_t minimum; /* as written; empty: none */
    clarity_str_t maximum;
    const clarity_enum_t *values; /* NULL: no enum */
    size_t nvalues;
} clarity_parameter_t;

typedef struct {
    clarity_str_t name;
    clarity_str_t title;
    clarity_str_t description;
    const clarity_parameter_t *context; /* in the displayed order */
    size_t ncontext;
    unsigned line; /* in triggers.json */
} clarity_trigger_t;

/* Bounds of one file, so that a request's work is bounded too. */
#define CLARITY_MAX_TRIGGERS   1024
#define CLARITY_MAX_PARAMETERS 64
#define CLARITY_MAX_ENUM       1024
#define CLARITY_MAX_NAME       64 /* bytes, of triggers and parameters */

/* Jobs of it are the worker's own, of jobs that have failed: no file has it. */
#define CLARITY_TRIGGER_JOB_FAILED "job_failed"

typedef struct clarity_triggers_s {
    const clarity_trigger_t *triggers;
    size_t count;
    struct clarity_json_doc_s *doc; /* owns every string above */
} clarity_triggers_t;

/*
 * NULL and *error ("FILE:LINE: what, what was expected"): not JSON, an unknown
 * key or keyword, a wrong value, a name twice or that of a trigger of Clarity's own,
 * keywords that no value can satisfy together. Names are of [A-Za-z0-9_-] and do not start with a digit
 * or a hyphen (templates reach into values by dots). `file` is for the
 * messages. All memory belongs to the result.
 */
clarity_triggers_t *clarity_triggers_parse(
    clarity_str_t text, const char *file, clarity_error_t *error);
void clarity_triggers_free(clarity_triggers_t *triggers);

/* NULL: no such trigger. */
const clarity_trigger_t *clarity_triggers_find(
    const clarity_triggers_t *triggers, clarity_str_t name);

/*
 * Is the decoded text of a string of that format? Days are real ones; "T" and
 * "Z" may be lower case (RFC 3339, section 5.6); a second may be 60 only at
 * 23:59:60 UTC.
 */
bool clarity_format_matches(clarity_format_t format, clarity_str_t text);

/* "date", "date-time", …; "" for none. */
const char *clarity_format_name(clarity_format_t format);

/*
 * Appends the parameter as triggers.json has it: {"name":"…","type":["…"],…}.
 * Types are always a list, null last.
 */
void clarity_parameter_describe(
    const clarity_parameter_t *parameter, clarity_buf_t *buf);

#endif
