#include <string.h>

#include "cli/alone.h"
#include "conf/file.h"

#define TEXT_MAX ((size_t) 64 << 20)


bool
clarity_alone_text(
    const char *argument, clarity_buf_t *text, clarity_error_t *error)
{
    if (strcmp(argument, "-") == 0) {
        return clarity_file_read_waiting("/dev/stdin", TEXT_MAX, text, error);
    }

    if (argument[0] == '@') {
        return clarity_file_read_waiting(argument + 1, TEXT_MAX, text, error);
    }

    clarity_buf_addz(text, argument);

    return !text->failed || clarity_error(error, "out of memory");
}
