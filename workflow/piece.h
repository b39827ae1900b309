/*
 * What templates are made of: literal bytes and placeholders, each with the
 * place it stands in. Text and JSON templates are both a list of pieces, and
 * are rendered in one pass over it; a value that was put in is not looked at
 * again, so a "{{" in a value stays what it is.
 */

#ifndef CLARITY_WORKFLOW_PIECE_H
#define CLARITY_WORKFLOW_PIECE_H

#include "workflow/path.h"
#include "workflow/template.h"

typedef enum {
    CLARITY_PIECE_LITERAL,
    CLARITY_PIECE_PARAMETER,
    CLARITY_PIECE_STEP,
    CLARITY_PIECE_JOB,
    CLARITY_PIECE_SECRET
} clarity_piece_type_t;

typedef enum {
    CLARITY_PLACE_URL_PATH,
    CLARITY_PLACE_URL_QUERY,
    CLARITY_PLACE_HEADER,
    CLARITY_PLACE_JSON_STRING,
    CLARITY_PLACE_JSON_VALUE, /* a whole value, with its type */
    CLARITY_PLACE_PLAIN
} clarity_place_t;

typedef struct {
    clarity_piece_type_t type;
    clarity_place_t place;

    /* LITERAL: [start, end) of the literals, escaped already. */
    size_t start;
    size_t end;

    /* Placeholders: what stands between the braces, and its parts. */
    clarity_str_t text;
    clarity_path_t path; /* PARAMETER */
    clarity_str_t name;  /* STEP: its id; SECRET: its name */
    clarity_str_t below; /* STEP: what follows the id */
    size_t offset;       /* JOB: of the field in clarity_scope_t */
} clarity_piece_t;

typedef struct {
    clarity_piece_t *list;
    size_t count;
    size_t cap;
    clarity_buf_t literals;
    bool secret_host; /* of a url: a secret is, or is a part of, its host */
} clarity_pieces_t;

/* A zeroed clarity_pieces_t is empty. */
void clarity_pieces_free(clarity_pieces_t *pieces);

/* Adds bytes that stay as they are. false: out of memory. */
bool clarity_pieces_add_literal(clarity_pieces_t *pieces, clarity_str_t bytes);

/*
 * Takes text with placeholders apart. The placeholders are slices of it, so
 * it must outlive the pieces; literals are copied, escaped for a
 * CLARITY_PLACE_JSON_STRING. false and *error: a wrong placeholder.
 */
bool clarity_pieces_add_text(clarity_pieces_t *pieces, clarity_str_t text,
    clarity_place_t place, const clarity_names_t *names,
    clarity_error_t *error);

/* Is the text one placeholder and nothing else? */
bool clarity_pieces_is_alone(clarity_str_t text);

/* As clarity_template_render(). */
bool clarity_pieces_render(const clarity_pieces_t *pieces,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error);

/* NULL: absent, or the placeholder is of a job or a secret. */
const clarity_json_t *clarity_piece_value(
    const clarity_piece_t *piece, const clarity_scope_t *scope);

/* Checks a placeholder's name, and sets all but its place. */
bool clarity_placeholder_parse(clarity_piece_t *piece, clarity_str_t text,
    const clarity_names_t *names, clarity_error_t *error);

/*
 * Checks the pieces of a url and tells its path from its query. false and
 * *error: not http(s), a byte that cannot stand in a url, a placeholder that
 * would choose the host.
 */
bool clarity_url_check(clarity_pieces_t *pieces, clarity_error_t *error);

#endif
