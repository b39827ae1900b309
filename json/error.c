#include "json/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


bool
clarity_error(clarity_error_t *error, const char *format, ...)
{
    int n;
    va_list args;

    va_start(args, format);
    n = vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);

    if (n < 0) {
        error->text[0] = '\0';

    } else if ((size_t) n >= sizeof(error->text)) {
        memcpy(error->text + sizeof(error->text) - sizeof("..."), "...",
            sizeof("..."));
    }

    return false;
}
