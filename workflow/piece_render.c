#include "workflow/load.h"
#include "workflow/piece.h"

static bool render_piece(const clarity_piece_t *piece,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error);
static bool render_unknown(const clarity_piece_t *piece, clarity_buf_t *buf);
static bool render_secret(const clarity_piece_t *piece,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error);
static bool render_json(const clarity_piece_t *piece,
    const clarity_json_t *value, clarity_buf_t *buf, clarity_error_t *error);
static bool render_compact(const clarity_piece_t *piece, clarity_str_t json,
    clarity_buf_t *buf, clarity_error_t *error);
static size_t find_space(clarity_str_t json, size_t i);
static bool render_text(const clarity_piece_t *piece, clarity_str_t text,
    clarity_buf_t *buf, clarity_error_t *error);
static void add_json_inner(clarity_buf_t *buf, clarity_str_t text);
static void add_percent(clarity_buf_t *buf, clarity_str_t text);


bool
clarity_pieces_render(const clarity_pieces_t *pieces,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error)
{
    size_t i, start;
    clarity_piece_t *piece;

    start = buf->len;

    for (i = 0; i < pieces->count; i++) {
        piece = &pieces->list[i];

        if (piece->type == CLARITY_PIECE_LITERAL) {
            clarity_buf_add(
                buf, (clarity_str_t){ pieces->literals.data + piece->start,
                         piece->end - piece->start });

        } else if (!render_piece(piece, scope, buf, error)) {
            return false;
        }

        if (buf->failed) {
            return clarity_error(error, "out of memory");
        }

        /* a placeholder repeated often would multiply a large value */
        if (buf->len - start > CLARITY_RENDER_MAX) {
            return clarity_error(error, "the result is larger than %d bytes",
                CLARITY_RENDER_MAX);
        }
    }

    return true;
}


static bool
render_piece(const clarity_piece_t *piece, const clarity_scope_t *scope,
    clarity_buf_t *buf, clarity_error_t *error)
{
    const void *field;
    const clarity_json_t *value;

    if (piece->type == CLARITY_PIECE_SECRET) {
        return render_secret(piece, scope, buf, error);
    }

    if (piece->type == CLARITY_PIECE_JOB) {
        field = (const char *) scope + piece->offset;
        return render_text(piece, *(const clarity_str_t *) field, buf, error);
    }

    value = clarity_piece_value(piece, scope);

    if (value == NULL && piece->type == CLARITY_PIECE_STEP
        && scope->secret == NULL)
    {
        return render_unknown(piece, buf);
    }

    if (piece->place == CLARITY_PLACE_JSON_VALUE) {
        clarity_buf_add(buf, value ? value->raw : clarity_lit("null"));
        return true;
    }

    return render_json(piece, value, buf, error);
}


/* In a preview the step has not been done: the placeholder stands for it. */
static bool
render_unknown(const clarity_piece_t *piece, clarity_buf_t *buf)
{
    clarity_buf_t text = { 0 };

    clarity_buf_addf(&text, "{{%.*s}}", clarity_fmt(piece->text));

    if (piece->place == CLARITY_PLACE_JSON_VALUE) {
        clarity_buf_add_json(buf, clarity_buf_str(&text));

    } else if (piece->place == CLARITY_PLACE_JSON_STRING) {
        add_json_inner(buf, clarity_buf_str(&text));

    } else {
        clarity_buf_add(buf, clarity_buf_str(&text));
    }

    buf->failed |= text.failed;
    clarity_buf_free(&text);

    return true;
}


const clarity_json_t *
clarity_piece_value(const clarity_piece_t *piece, const clarity_scope_t *scope)
{
    size_t i;

    if (piece->type == CLARITY_PIECE_PARAMETER) {
        return clarity_path_get(&piece->path, scope->context);
    }

    if (piece->type != CLARITY_PIECE_STEP) {
        return NULL;
    }

    for (i = 0; i < scope->nsteps; i++) {
        if (clarity_str_eq(scope->steps[i].id, piece->name)) {
            return clarity_path_below(scope->steps[i].result, piece->below);
        }
    }

    return NULL;
}


/*
 * In a url a secret stands as it is: it may be a path of its own
 * ("services/T0/B0/xyz"). What would end the request line is refused.
 */
static bool
render_secret(const clarity_piece_t *piece, const clarity_scope_t *scope,
    clarity_buf_t *buf, clarity_error_t *error)
{
    clarity_str_t value;

    if (scope->secret == NULL) {
        clarity_buf_addz(buf, "***");
        return true;
    }

    if (!scope->secret(scope->data, piece->name, &value) || value.len == 0) {
        return clarity_error(
            error, "secret %s has no value", clarity_quote(piece->name).text);
    }

    if (clarity_has_control(value)) {
        return clarity_error(error,
            "secret %s holds a line break or another control byte",
            clarity_quote(piece->name).text);
    }

    if (piece->place != CLARITY_PLACE_URL_PATH
        && piece->place != CLARITY_PLACE_URL_QUERY)
    {
        return render_text(piece, value, buf, error);
    }

    if (memchr(value.data, ' ', value.len)
        || memchr(value.data, '\t', value.len)) {
        return clarity_error(error,
            "secret %s holds a blank, which cannot stand in a url",
            clarity_quote(piece->name).text);
    }

    clarity_buf_add(buf, value);

    return true;
}


static bool
render_json(const clarity_piece_t *piece, const clarity_json_t *value,
    clarity_buf_t *buf, clarity_error_t *error)
{
    if (value == NULL || value->kind == CLARITY_NULL) {
        return render_text(piece, clarity_lit(""), buf, error);
    }

    switch (value->kind) {
    case CLARITY_STRING: return render_text(piece, value->text, buf, error);

    case CLARITY_ARRAY:
    case CLARITY_OBJECT: return render_compact(piece, value->raw, buf, error);

    default: /* a number, true, false */
        return render_text(piece, value->raw, buf, error);
    }
}


/*
 * Without the white space between tokens, as a header cannot hold line
 * breaks; within strings JSON has none.
 */
static bool
render_compact(const clarity_piece_t *piece, clarity_str_t json,
    clarity_buf_t *buf, clarity_error_t *error)
{
    size_t start, end;
    clarity_str_t run;

    for (start = 0; start < json.len; start = end + 1) {
        end = find_space(json, start);
        run = (clarity_str_t){ json.data + start, end - start };

        if (run.len > 0 && !render_text(piece, run, buf, error)) {
            return false;
        }
    }

    return true;
}


/* The next white space outside of strings, or the end. */
static size_t
find_space(clarity_str_t json, size_t i)
{
    bool quoted;

    for (quoted = false; i < json.len; i++) {
        switch (json.data[i]) {
        case '"': quoted = !quoted; break;

        case '\\': i++; break; /* in strings only */

        case ' ':
        case '\t':
        case '\r':
        case '\n':
            if (!quoted) {
                return i;
            }
        }
    }

    return json.len;
}


static bool
render_text(const clarity_piece_t *piece, clarity_str_t text,
    clarity_buf_t *buf, clarity_error_t *error)
{
    switch (piece->place) {
    case CLARITY_PLACE_URL_PATH:
        /* it would make another path: "/users/" of "/users/{{id}}" */
        if (text.len == 0 || clarity_str_is(text, ".")
            || clarity_str_is(text, "..")) {
            return clarity_error(error,
                "placeholder %s is %s, which cannot stand in a url's path",
                clarity_quote(piece->text).text,
                text.len == 0 ? "absent, null or empty" : "\".\" or \"..\"");
        }

        /* fall through */

    case CLARITY_PLACE_URL_QUERY: add_percent(buf, text); break;

    case CLARITY_PLACE_HEADER:
        if (clarity_has_control(text)) {
            return clarity_error(error,
                "placeholder %s holds a line break or another control byte, "
                "which cannot stand in a header",
                clarity_quote(piece->text).text);
        }

        clarity_buf_add(buf, text);
        break;

    case CLARITY_PLACE_JSON_STRING: add_json_inner(buf, text); break;

    case CLARITY_PLACE_JSON_VALUE: clarity_buf_add_json(buf, text); break;

    case CLARITY_PLACE_PLAIN: clarity_buf_add(buf, text); break;
    }

    return true;
}


/* Without the quotes: more of the string stands around it. */
static void
add_json_inner(clarity_buf_t *buf, clarity_str_t text)
{
    size_t start;

    start = buf->len;
    clarity_buf_add_json(buf, text);

    if (!buf->failed) {
        buf->len -= 2;
        memmove(buf->data + start, buf->data + start + 1, buf->len - start);
    }
}


/* All but the unreserved characters of RFC 3986, section 2.3. */
static void
add_percent(clarity_buf_t *buf, clarity_str_t text)
{
    char *p;
    size_t i;
    static const char hex[] = "0123456789ABCDEF";

    p = clarity_buf_reserve(buf, text.len * 3);
    if (p == NULL) {
        return;
    }

    for (i = 0; i < text.len; i++) {
        unsigned char c = text.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
            || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'
            || c == '~')
        {
            *p++ = (char) c;

        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 0xf];
        }
    }

    buf->len = p - buf->data;
}
