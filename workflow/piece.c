#define _GNU_SOURCE /* memmem */

#include "workflow/piece.h"

#include <stdlib.h>

static bool add_part(clarity_pieces_t *pieces, clarity_str_t part,
    clarity_place_t place, clarity_error_t *error);
static clarity_piece_t *push(clarity_pieces_t *pieces);
static clarity_str_t trim(clarity_str_t text);


bool
clarity_pieces_add_text(clarity_pieces_t *pieces, clarity_str_t text,
    clarity_place_t place, const clarity_names_t *names,
    clarity_error_t *error)
{
    const char *open, *close;
    clarity_str_t part;
    clarity_piece_t *piece;

    for (part = text; part.len > 0;) {
        open = memmem(part.data, part.len, "{{", 2);
        if (open == NULL) {
            return add_part(pieces, part, place, error);
        }

        text = (clarity_str_t){ part.data, open - part.data };
        if (!add_part(pieces, text, place, error)) {
            return false;
        }

        part.len -= open + 2 - part.data;
        part.data = open + 2;

        close = memmem(part.data, part.len, "}}", 2);
        if (close == NULL) {
            return clarity_error(error, "\"{{\" without a \"}}\" after it");
        }

        piece = push(pieces);
        if (piece == NULL) {
            return clarity_error(error, "out of memory");
        }

        piece->place = place;

        text = (clarity_str_t){ part.data, close - part.data };
        text = trim(text);

        if (!clarity_placeholder_parse(piece, text, names, error)) {
            return false;
        }

        part.len -= close + 2 - part.data;
        part.data = close + 2;
    }

    return true;
}


static bool
add_part(clarity_pieces_t *pieces, clarity_str_t part, clarity_place_t place,
    clarity_error_t *error)
{
    bool added;
    clarity_buf_t escaped = { 0 };

    if (place != CLARITY_PLACE_JSON_STRING || part.len == 0) {
        added = clarity_pieces_add_literal(pieces, part);

    } else {
        clarity_buf_add_json(&escaped, part);

        /* without the quotes: more of the string may follow */
        added = !escaped.failed
                && clarity_pieces_add_literal(pieces,
                    (clarity_str_t){ escaped.data + 1, escaped.len - 2 });

        clarity_buf_free(&escaped);
    }

    return added || clarity_error(error, "out of memory");
}


bool
clarity_pieces_add_literal(clarity_pieces_t *pieces, clarity_str_t bytes)
{
    clarity_piece_t *piece;

    if (bytes.len == 0) {
        return true;
    }

    if (pieces->count == 0
        || pieces->list[pieces->count - 1].type != CLARITY_PIECE_LITERAL)
    {
        piece = push(pieces);
        if (piece == NULL) {
            return false;
        }

        piece->type = CLARITY_PIECE_LITERAL;
        piece->start = pieces->literals.len;
    }

    piece = &pieces->list[pieces->count - 1];

    clarity_buf_add(&pieces->literals, bytes);
    piece->end = pieces->literals.len;

    return !pieces->literals.failed;
}


static clarity_piece_t *
push(clarity_pieces_t *pieces)
{
    size_t cap;
    clarity_piece_t *list;

    if (pieces->count == pieces->cap) {
        cap = pieces->cap > 0 ? pieces->cap * 2 : 4;

        list = realloc(pieces->list, cap * sizeof(*list));
        if (list == NULL) {
            return NULL;
        }

        pieces->list = list;
        pieces->cap = cap;
    }

    list = &pieces->list[pieces->count++];
    *list = (clarity_piece_t){ 0 };

    return list;
}


static clarity_str_t
trim(clarity_str_t text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }

    while (
        text.len > 0
        && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
    {
        text.len--;
    }

    return text;
}


bool
clarity_pieces_is_alone(clarity_str_t text)
{
    return text.len >= 4 && memcmp(text.data, "{{", 2) == 0
           && (const char *) memmem(text.data, text.len, "}}", 2)
                  == text.data + text.len - 2;
}


void
clarity_pieces_free(clarity_pieces_t *pieces)
{
    free(pieces->list);
    clarity_buf_free(&pieces->literals);
    *pieces = (clarity_pieces_t){ 0 };
}
