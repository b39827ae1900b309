/*
 * RFC 8259, strictly, token by token.
 *
 * yajl checks the grammar. It also accepts what RFC 8259 and RFC 3629 forbid
 * (overlong and surrogate UTF-8, lone surrogate escapes, VT and FF as white
 * space, any depth) and its error positions cannot be relied on, so a scan of
 * our own runs first, depth is counted here, and the place of a fault is
 * found from the last good token.
 */

#ifndef CLARITY_JSON_READER_H
#define CLARITY_JSON_READER_H

#include "json/str.h"

#define CLARITY_JSON_MAX_DEPTH 128 /* containers open at once */

typedef enum {
    CLARITY_JSON_OBJECT_START,
    CLARITY_JSON_OBJECT_END,
    CLARITY_JSON_ARRAY_START,
    CLARITY_JSON_ARRAY_END,
    CLARITY_JSON_KEY,
    CLARITY_JSON_STRING,
    CLARITY_JSON_NUMBER,
    CLARITY_JSON_TRUE,
    CLARITY_JSON_FALSE,
    CLARITY_JSON_NULL
} clarity_json_token_type_t;

typedef struct {
    clarity_json_token_type_t type;

    /*
     * KEY, STRING: decoded, valid only during the call (it may lie in yajl's
     * buffer). NUMBER: as written, in the source. Others: empty.
     */
    clarity_str_t text;

    /* The token's bytes in the source: [start, end), quotes included. */
    size_t start;
    size_t end;

    /* Containers open around the token; the outermost bracket has 0. */
    unsigned depth;
} clarity_json_token_t;

/*
 * The place is the wrong token's first byte. So a string without its closing
 * quote, a broken number and a word that is no literal are shown where they
 * start, also where the text ends in them; if it ends where a token should
 * start, the place is the text's length. Where a string holds a wrong escape,
 * or a byte that may not stand there, the place is the string's quote, and
 * `inside` leads to the backslash or the byte. Of too many brackets it is the
 * first too many.
 */
typedef struct {
    const char *reason; /* static text: what was expected; never the input */
    size_t offset;      /* 0-based */
    size_t line;        /* 1-based; LF ends a line */
    size_t column;      /* 1-based, bytes */
    size_t inside;      /* bytes from there to what is wrong; 0: it is there */
} clarity_json_fault_t;

typedef enum {
    CLARITY_JSON_OK,
    CLARITY_JSON_INVALID, /* *fault is set */
    CLARITY_JSON_STOPPED, /* the handler returned false */
    CLARITY_JSON_NO_MEMORY
} clarity_json_status_t;

/* Called for each token in order; false stops the read. */
typedef bool (*clarity_json_token_pt)(
    void *data, const clarity_json_token_t *token);

/* Memory kept from one read to the next; one per thread or process. */
typedef struct clarity_json_reader_s clarity_json_reader_t;

/* NULL: out of memory. */
clarity_json_reader_t *clarity_json_reader_create(void);
void clarity_json_reader_free(clarity_json_reader_t *reader);

/*
 * Reads one whole JSON text. Tokens before a fault have been handed out when
 * CLARITY_JSON_INVALID is returned. Not re-entrant for the same reader.
 */
clarity_json_status_t clarity_json_read(clarity_json_reader_t *reader,
    clarity_str_t text, clarity_json_token_pt handler, void *data,
    clarity_json_fault_t *fault);

#endif
