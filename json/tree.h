/*
 * A JSON text as a tree, for configuration files (whose errors need lines),
 * for a job's context and for the answers of endpoints. Not for the request
 * path, which builds none.
 */

#ifndef CLARITY_JSON_TREE_H
#define CLARITY_JSON_TREE_H

#include "json/error.h"
#include "json/reader.h"
#include "json/str.h"

typedef enum {
    CLARITY_NULL,
    CLARITY_BOOLEAN,
    CLARITY_NUMBER,
    CLARITY_STRING,
    CLARITY_ARRAY,
    CLARITY_OBJECT
} clarity_json_kind_t;

typedef struct clarity_json_s clarity_json_t;

struct clarity_json_s {
    clarity_json_kind_t kind;
    bool boolean;          /* CLARITY_BOOLEAN */
    unsigned line;         /* 1-based, where the value starts */
    unsigned name_line;    /* where its name starts; 0 without a name */
    size_t count;          /* children of an array or object */
    clarity_str_t text;    /* string: decoded, a NUL after it; number: as
                              written */
    clarity_str_t raw;     /* the value as written */
    clarity_str_t name;    /* in an object: decoded, a NUL after it */
    clarity_json_t *first; /* children in their order */
    clarity_json_t *next;
};

typedef struct clarity_json_doc_s {
    clarity_json_t *root;
    struct clarity_json_block_s *blocks; /* all memory of the tree */
} clarity_json_doc_t;

/* A member name that stands twice in one object is a fault. */
#define CLARITY_JSON_UNIQUE_NAMES 0x1

/*
 * NULL and *error ("FILE:LINE:COLUMN: why") if the text is not JSON or memory
 * is out. The tree owns a copy of the text. `file` names it in errors.
 */
clarity_json_doc_t *clarity_json_parse(clarity_str_t text, const char *file,
    unsigned flags, clarity_error_t *error);

/*
 * The same, and the place of what is wrong in *fault, of a name that stands
 * twice too; its reason is NULL where memory is out.
 */
clarity_json_doc_t *clarity_json_parse_at(clarity_str_t text, const char *file,
    unsigned flags, clarity_error_t *error, clarity_json_fault_t *fault);
void clarity_json_free(clarity_json_doc_t *doc);

/* size zeroed bytes that live as long as the tree. NULL: out of memory. */
void *clarity_json_alloc(clarity_json_doc_t *doc, size_t size);

/* A member by name, or NULL: not an object, or no such member. */
const clarity_json_t *clarity_json_get(
    const clarity_json_t *object, clarity_str_t name);

/* An array's element by index, or NULL. */
const clarity_json_t *clarity_json_at(
    const clarity_json_t *array, size_t index);

/* "an object", "a string", …: for messages. */
const char *clarity_json_kind_name(clarity_json_kind_t kind);

#endif
