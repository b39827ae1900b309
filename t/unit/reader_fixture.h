/*
 * A reader, for the tests of what it takes for JSON.
 */

#ifndef CLARITY_T_READER_FIXTURE_H
#define CLARITY_T_READER_FIXTURE_H

#include "json/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static clarity_json_reader_t *reader;


static int
create_reader(void **state)
{
    (void) state;

    reader = clarity_json_reader_create();
    return reader == NULL;
}


static int
free_reader(void **state)
{
    (void) state;

    clarity_json_reader_free(reader);
    return 0;
}


static bool
take_token(void *data, const clarity_json_token_t *token)
{
    (void) data;
    (void) token;

    return true;
}


static clarity_json_status_t
read_text(clarity_str_t text, clarity_json_fault_t *fault)
{
    return clarity_json_read(reader, text, take_token, NULL, fault);
}

#endif
