/*
 * Where and why a text is not JSON, found from the last good token. Private
 * to the reader.
 */

#ifndef CLARITY_JSON_FAULT_H
#define CLARITY_JSON_FAULT_H

#include "json/reader.h"

/* The last good token and what is open after it. */
typedef struct {
    size_t end; /* of the token; 0: none yet */
    clarity_json_token_type_t last;
    unsigned depth; /* containers open */
    bool in_object; /* the innermost is an object */
} clarity_json_place_t;

/*
 * For a text that fails somewhere after that token. The scan stopped at
 * `limit` because of `refused`, or limit is the text's length.
 */
void clarity_json_locate(clarity_str_t text, size_t limit, const char *refused,
    clarity_json_place_t place, clarity_json_fault_t *fault);

/* The first byte from `at` on that is not white space, or the text's end. */
size_t clarity_json_skip_space(clarity_str_t text, size_t at);

void clarity_json_fault_set(clarity_str_t text, size_t offset,
    const char *reason, clarity_json_fault_t *fault);

#endif
