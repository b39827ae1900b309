#include "workflow/strings.h"

#include <stdlib.h>


bool
clarity_strings_start(
    clarity_strings_t *strings, size_t most, clarity_error_t *error)
{
    strings->list = calloc(most + 1, sizeof(*strings->list));

    return strings->list != NULL || clarity_error(error, "out of memory");
}


/* Until the text is whole, a slice's length is where it ends in it. */
bool
clarity_strings_end(clarity_strings_t *strings, clarity_error_t *error)
{
    strings->list[strings->count++].len = strings->text.len;
    clarity_buf_add(&strings->text, (clarity_str_t){ "", 1 });

    if (strings->text.failed) {
        return clarity_error(error, "out of memory");
    }

    if (strings->text.len > CLARITY_RENDER_MAX) {
        return clarity_error(
            error, "the result is larger than %d bytes", CLARITY_RENDER_MAX);
    }

    return true;
}


bool
clarity_strings_add(
    clarity_strings_t *strings, clarity_str_t text, clarity_error_t *error)
{
    clarity_buf_add(&strings->text, text);

    return clarity_strings_end(strings, error);
}


void
clarity_strings_settle(clarity_strings_t *strings)
{
    size_t i, start, end;

    start = 0;

    for (i = 0; i < strings->count; i++) {
        end = strings->list[i].len;
        strings->list[i].data = strings->text.data + start;
        strings->list[i].len = end - start;
        start = end + 1;
    }
}


void
clarity_strings_free(clarity_strings_t *strings)
{
    clarity_buf_free(&strings->text);
    free(strings->list);
    *strings = (clarity_strings_t){ 0 };
}
