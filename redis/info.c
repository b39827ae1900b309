#include "redis/info.h"


bool
clarity_redis_info_get(
    clarity_str_t info, const char *name, clarity_str_t *value)
{
    size_t len, n;
    const char *line, *end, *lf;

    len = strlen(name);
    line = info.data;
    end = info.data + info.len;

    while (line < end) {
        lf = memchr(line, '\n', (size_t) (end - line));
        n = (size_t) ((lf == NULL ? end : lf) - line);

        if (n > len && line[len] == ':' && memcmp(line, name, len) == 0) {
            value->data = line + len + 1;
            value->len = n - len - 1;

            if (value->len != 0 && value->data[value->len - 1] == '\r') {
                value->len--;
            }

            return true;
        }

        line += n + 1;
    }

    return false;
}


bool
clarity_redis_info_number(
    clarity_str_t info, const char *name, uint64_t *number)
{
    size_t i;
    uint64_t n, digit;
    clarity_str_t value;

    if (!clarity_redis_info_get(info, name, &value) || value.len == 0) {
        return false;
    }

    n = 0;

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }

        digit = (uint64_t) (value.data[i] - '0');

        if (n > (UINT64_MAX - digit) / 10) {
            return false;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return true;
}
