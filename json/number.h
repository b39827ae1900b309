/*
 * JSON numbers by their text: exact at any size, untouched by the locale.
 */

#ifndef CLARITY_JSON_NUMBER_H
#define CLARITY_JSON_NUMBER_H

#include "json/str.h"

/* Without a fraction in value, however written: 1, 1.0, 10e-1, 1e3. */
bool clarity_number_is_integer(clarity_str_t number);

/* < 0, 0, > 0 as strcmp; both are JSON numbers as written. */
int clarity_number_compare(clarity_str_t a, clarity_str_t b);

/* false: not an integer from 0 to max. */
bool clarity_number_to_size(clarity_str_t number, size_t max, size_t *value);

#endif
