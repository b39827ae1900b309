#include "workflow/load.h"
#include "workflow/piece.h"

#include <stdlib.h>

struct clarity_json_template_s {
    clarity_pieces_t pieces;
};

typedef struct {
    clarity_load_t load;
    const clarity_names_t *names;
    clarity_pieces_t *pieces;
} compiler_t;

static bool compile(compiler_t *compiler, const clarity_json_t *value);
static bool compile_members(compiler_t *compiler, const clarity_json_t *value);
static bool compile_name(compiler_t *compiler, const clarity_json_t *value);
static bool compile_string(compiler_t *compiler, const clarity_json_t *value);
static bool add_literal(compiler_t *compiler, clarity_str_t text);


clarity_json_template_t *
clarity_json_template_compile(const clarity_json_t *value, const char *file,
    const clarity_names_t *names, clarity_error_t *error)
{
    clarity_json_template_t *template;
    compiler_t compiler = { { file, error, NULL }, names, NULL };

    template = calloc(1, sizeof(*template));
    if (template == NULL) {
        clarity_load_no_memory(&compiler.load);
        return NULL;
    }

    compiler.pieces = &template->pieces;

    if (!compile(&compiler, value)) {
        clarity_json_template_free(template);
        return NULL;
    }

    return template;
}


/* As deep as the value, which the reader has bounded. */
static bool
compile(compiler_t *compiler, const clarity_json_t *value)
{
    switch (value->kind) {
    case CLARITY_OBJECT:
    case CLARITY_ARRAY: return compile_members(compiler, value);

    case CLARITY_STRING:
        if (clarity_has_placeholder(value->text)) {
            return compile_string(compiler, value);
        }

        /* fall through */

    default: return add_literal(compiler, value->raw);
    }
}


static bool
compile_members(compiler_t *compiler, const clarity_json_t *value)
{
    bool object;
    const clarity_json_t *child;

    object = (value->kind == CLARITY_OBJECT);

    if (!add_literal(compiler, object ? clarity_lit("{") : clarity_lit("["))) {
        return false;
    }

    for (child = value->first; child != NULL; child = child->next) {
        if (child != value->first && !add_literal(compiler, clarity_lit(",")))
        {
            return false;
        }

        if (object && !compile_name(compiler, child)) {
            return false;
        }

        if (!compile(compiler, child)) {
            return false;
        }
    }

    return add_literal(compiler, object ? clarity_lit("}") : clarity_lit("]"));
}


static bool
compile_name(compiler_t *compiler, const clarity_json_t *value)
{
    bool added;
    clarity_buf_t name = { 0 };

    if (clarity_has_placeholder(value->name)) {
        return clarity_load_error(&compiler->load, value->name_line,
            "a placeholder in the name %s, expected in values only",
            clarity_quote(value->name).text);
    }

    clarity_buf_add_json(&name, value->name);
    clarity_buf_addz(&name, ":");

    added = !name.failed
            && clarity_pieces_add_literal(
                compiler->pieces, clarity_buf_str(&name));

    clarity_buf_free(&name);

    return added || clarity_load_no_memory(&compiler->load);
}


static bool
compile_string(compiler_t *compiler, const clarity_json_t *value)
{
    bool alone;
    clarity_place_t place;
    clarity_error_t what;

    alone = clarity_pieces_is_alone(value->text);
    place = alone ? CLARITY_PLACE_JSON_VALUE : CLARITY_PLACE_JSON_STRING;

    if (!alone && !add_literal(compiler, clarity_lit("\""))) {
        return false;
    }

    if (!clarity_pieces_add_text(
            compiler->pieces, value->text, place, compiler->names, &what))
    {
        return clarity_load_error(
            &compiler->load, value->line, "%s", what.text);
    }

    return alone || add_literal(compiler, clarity_lit("\""));
}


static bool
add_literal(compiler_t *compiler, clarity_str_t text)
{
    return clarity_pieces_add_literal(compiler->pieces, text)
           || clarity_load_no_memory(&compiler->load);
}


void
clarity_json_template_free(clarity_json_template_t *template)
{
    if (template != NULL) {
        clarity_pieces_free(&template->pieces);
        free(template);
    }
}


bool
clarity_json_template_render(const clarity_json_template_t *template,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error)
{
    return clarity_pieces_render(&template->pieces, scope, buf, error);
}
