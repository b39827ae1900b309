#include "job/fields.h"


void
clarity_fields_free(clarity_fields_t *fields)
{
    clarity_buf_free(&fields->text);
    clarity_buf_free(&fields->ends);
    clarity_buf_free(&fields->list);
}


void
clarity_fields_end(clarity_fields_t *fields)
{
    size_t end;

    end = fields->text.len;

    clarity_buf_add(
        &fields->ends, (clarity_str_t){ (const char *) &end, sizeof(end) });
}


void
clarity_fields_add(
    clarity_fields_t *fields, const char *field, clarity_str_t value)
{
    clarity_buf_addz(&fields->text, field);
    clarity_fields_end(fields);

    clarity_buf_add(&fields->text, value);
    clarity_fields_end(fields);
}


const clarity_str_t *
clarity_fields_list(clarity_fields_t *fields, size_t *n)
{
    size_t i, start, end;
    clarity_str_t *list;

    *n = fields->ends.len / sizeof(end);

    clarity_buf_reset(&fields->list);

    /* One more, so that there is an array where there are no fields. */
    list = (clarity_str_t *) (void *) clarity_buf_reserve(
        &fields->list, (*n + 1) * sizeof(clarity_str_t));

    if (list == NULL || fields->text.failed || fields->ends.failed) {
        return NULL;
    }

    start = 0;

    for (i = 0; i < *n; i++) {
        memcpy(&end, fields->ends.data + i * sizeof(end), sizeof(end));
        list[i] = (clarity_str_t){ fields->text.data + start, end - start };
        start = end;
    }

    return list;
}
