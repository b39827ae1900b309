#include "redis/encode.h"

/* Redis' default proto-max-bulk-len, for all of a command. */
#define CLARITY_REDIS_MAX_COMMAND ((size_t) 512 * 1024 * 1024)

/* Bytes of "*N" or "$N" with its CR LF; N has up to 20 digits. */
#define CLARITY_REDIS_COUNT_MAX 23

static char *put_count(char *p, char type, size_t count);


bool
clarity_redis_encode(
    clarity_buf_t *buf, size_t argc, const clarity_str_t *argv)
{
    char *p;
    size_t i, size;

    /* Redis would not answer it. */
    if (argc == 0) {
        return false;
    }

    size = CLARITY_REDIS_COUNT_MAX;

    for (i = 0; i < argc; i++) {
        if (size > CLARITY_REDIS_MAX_COMMAND
            || argv[i].len > CLARITY_REDIS_MAX_COMMAND - size)
        {
            return false;
        }

        size += CLARITY_REDIS_COUNT_MAX + argv[i].len + 2;
    }

    p = clarity_buf_reserve(buf, size);
    if (p == NULL) {
        buf->failed = false; /* what it holds is whole */
        return false;
    }

    p = put_count(p, '*', argc);

    for (i = 0; i < argc; i++) {
        p = put_count(p, '$', argv[i].len);

        if (argv[i].len != 0) {
            memcpy(p, argv[i].data, argv[i].len);
            p += argv[i].len;
        }

        *p++ = '\r';
        *p++ = '\n';
    }

    buf->len = (size_t) (p - buf->data);

    return true;
}


/* In place, from the last digit on. */
static char *
put_count(char *p, char type, size_t count)
{
    size_t rest;
    char *end;

    *p++ = type;

    for (rest = count / 10; rest != 0; rest /= 10) {
        p++;
    }

    end = p + 1;

    do {
        *p-- = (char) ('0' + count % 10);
        count /= 10;
    } while (count != 0);

    *end++ = '\r';
    *end++ = '\n';

    return end;
}
