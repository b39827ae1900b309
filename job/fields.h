/*
 * Fields and values of a hash, put together in one buffer.
 */

#ifndef CLARITY_JOB_FIELDS_H
#define CLARITY_JOB_FIELDS_H

#include "json/buf.h"

typedef struct {
    clarity_buf_t text; /* all strings, end to end */
    clarity_buf_t ends; /* size_t: where each ends in text */
    clarity_buf_t list; /* clarity_str_t: made by clarity_fields_list() */
} clarity_fields_t;

/* A zeroed clarity_fields_t has none. */
void clarity_fields_free(clarity_fields_t *fields);

/* What was appended to fields->text since the last end is a string. */
void clarity_fields_end(clarity_fields_t *fields);

void clarity_fields_add(
    clarity_fields_t *fields, const char *field, clarity_str_t value);

/*
 * Field, value, field, value …: *n strings, valid until the fields change.
 * NULL: out of memory, now or before.
 */
const clarity_str_t *clarity_fields_list(clarity_fields_t *fields, size_t *n);

#endif
