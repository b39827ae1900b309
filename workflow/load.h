/*
 * What every part that reads a workflow file needs: its errors and its
 * objects' members.
 */

#ifndef CLARITY_WORKFLOW_LOAD_H
#define CLARITY_WORKFLOW_LOAD_H

#include "json/buf.h"
#include "json/text.h"
#include "json/tree.h"

/* Names for a message: `"a", "b", "c"`; what does not fit becomes "…". */
typedef struct {
    char text[320]; /* NUL-terminated */
    size_t len;
    bool cut;
} clarity_list_t;

/* A zeroed list is empty. */
void clarity_list_add(clarity_list_t *list, clarity_str_t name);

/* Where errors go. */
typedef struct {
    const char *file;
    clarity_error_t *error;

    /* NULL: the first error is all that is asked for. Else each is added, a
     * line each, by who can go on after it. */
    clarity_buf_t *all;
} clarity_load_t;

/*
 * After an error: is there something that can be read on? true where all are
 * asked for: the error is among them now, and does not count any more.
 */
bool clarity_load_goes_on(const clarity_load_t *load);

/* A part of several was read, or not, which *good keeps: is the next one to
 * be read? */
bool clarity_load_took(const clarity_load_t *load, bool taken, bool *good);

/* "FILE:LINE: " and the message; always returns false. */
bool clarity_load_error(const clarity_load_t *load, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "FILE: out of memory"; always returns false. */
bool clarity_load_no_memory(const clarity_load_t *load);

#define CLARITY_ANY_KIND (CLARITY_OBJECT + 1)

typedef struct {
    const char *name;
    unsigned kind; /* a clarity_json_kind_t or CLARITY_ANY_KIND */
    bool required;
    const clarity_json_t *value; /* set by clarity_load_members() */
} clarity_member_t;

/*
 * Fills in the values, NULL where a member is absent. An error: `object` is
 * none, an unknown key, a wrong kind of value, a required member absent.
 * `what` names the object in the message: "an action".
 */
bool clarity_load_members(const clarity_load_t *load,
    const clarity_json_t *object, const char *what, clarity_member_t *members,
    size_t n);

/* Adds the names of all members to a list. */
void clarity_list_members(
    clarity_list_t *list, const clarity_member_t *members, size_t n);

/* Is there a "{{" in the text? */
bool clarity_has_placeholder(clarity_str_t text);

/* Is there a control byte other than a TAB, or DEL, in the text? */
bool clarity_has_control(clarity_str_t text);

#endif
