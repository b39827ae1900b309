#include "workflow/template.h"

#include <stdlib.h>

#include "workflow/load.h"
#include "workflow/piece.h"

struct clarity_template_s {
    clarity_pieces_t pieces;
    char text[]; /* the placeholders are slices of it */
};

static bool check(clarity_template_t *template, clarity_str_t text,
    clarity_escape_t escape, clarity_error_t *error);


clarity_template_t *
clarity_template_compile(clarity_str_t text, clarity_escape_t escape,
    const clarity_names_t *names, clarity_error_t *error)
{
    clarity_template_t *template;
    static const clarity_place_t places[] = {
        [CLARITY_ESCAPE_URL] = CLARITY_PLACE_URL_PATH,
        [CLARITY_ESCAPE_HEADER] = CLARITY_PLACE_HEADER,
        [CLARITY_ESCAPE_JSON] = CLARITY_PLACE_JSON_STRING,
        [CLARITY_ESCAPE_NONE] = CLARITY_PLACE_PLAIN,
    };

    template = calloc(1, sizeof(*template) + text.len);
    if (template == NULL) {
        clarity_error(error, "out of memory");
        return NULL;
    }

    if (text.len > 0) {
        memcpy(template->text, text.data, text.len);
        text.data = template->text;
    }

    if (!clarity_pieces_add_text(
            &template->pieces, text, places[escape], names, error)
        || !check(template, text, escape, error))
    {
        clarity_template_free(template);
        return NULL;
    }

    return template;
}


static bool
check(clarity_template_t *template, clarity_str_t text,
    clarity_escape_t escape, clarity_error_t *error)
{
    if (escape == CLARITY_ESCAPE_URL) {
        return clarity_url_check(&template->pieces, error);
    }

    if (escape == CLARITY_ESCAPE_HEADER && clarity_has_control(text)) {
        return clarity_error(error, "a line break or another control byte, "
                                    "which cannot stand in a header");
    }

    return true;
}


void
clarity_template_free(clarity_template_t *template)
{
    if (template != NULL) {
        clarity_pieces_free(&template->pieces);
        free(template);
    }
}


bool
clarity_template_hides_host(const clarity_template_t *template)
{
    return template->pieces.secret_host;
}


bool
clarity_template_render(const clarity_template_t *template,
    const clarity_scope_t *scope, clarity_buf_t *buf, clarity_error_t *error)
{
    return clarity_pieces_render(&template->pieces, scope, buf, error);
}


const clarity_json_t *
clarity_template_value(
    const clarity_template_t *template, const clarity_scope_t *scope)
{
    if (template->pieces.count != 1) {
        return NULL;
    }

    return clarity_piece_value(&template->pieces.list[0], scope);
}
