/*
 * Why a load failed: one line for a person, "FILE:LINE: what, what was
 * expected", cut to fit. Never holds a secret or a context value.
 */

#ifndef CLARITY_JSON_ERROR_H
#define CLARITY_JSON_ERROR_H

#include <stdbool.h>

typedef struct {
    char text[512]; /* NUL-terminated */
} clarity_error_t;

/* printf into the error; always false, for `return clarity_error(…);`. */
bool clarity_error(clarity_error_t *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
