#include "job/meta.h"

#include <stdio.h>

#define QUOTE_(x) #x
#define QUOTE(x)  QUOTE_(x)

static bool agrees(clarity_str_t value, unsigned own, const char *field,
    const char *advice, clarity_error_t *error);
static bool is_short_number(clarity_str_t text);


size_t
clarity_meta_command(unsigned i, clarity_str_t key, unsigned shards,
    char number[12], clarity_str_t argv[CLARITY_META_MAX_ARGS])
{
    argv[1] = key;

    if (i < CLARITY_META_COMMANDS - 1) {
        argv[0] = clarity_lit("HSETNX");

        if (i == 0) {
            argv[2] = clarity_lit("format");
            argv[3] = clarity_lit(QUOTE(CLARITY_FORMAT));

        } else {
            argv[2] = clarity_lit("shards");
            argv[3].data = number;
            argv[3].len = (size_t) snprintf(number, 12, "%u", shards);
        }

    } else {
        argv[0] = clarity_lit("HMGET");
        argv[2] = clarity_lit("format");
        argv[3] = clarity_lit("shards");
    }

    return 4;
}


bool
clarity_meta_agrees(clarity_str_t format, clarity_str_t shards,
    unsigned own_shards, clarity_error_t *error)
{
    return agrees(format, CLARITY_FORMAT, "format",
               "use the version that wrote it, or another prefix", error)
           && agrees(shards, own_shards, "shards",
               "set the same number of shards everywhere, or another prefix",
               error);
}


static bool
agrees(clarity_str_t value, unsigned own, const char *field,
    const char *advice, clarity_error_t *error)
{
    char text[12];

    snprintf(text, sizeof(text), "%u", own);

    if (clarity_str_is(value, text)) {
        return true;
    }

    if (value.len == 0) {
        return clarity_error(error,
            "the meta hash in Redis has no \"%s\", expected %s: may this user"
            " write it?",
            field, text);
    }

    /* Whoever may write there must not write our log. */
    if (!is_short_number(value)) {
        return clarity_error(error,
            "\"%s\" in the meta hash in Redis is not a number, expected %s:"
            " %s",
            field, text, advice);
    }

    return clarity_error(error,
        "\"%s\" in the meta hash in Redis is %.*s, here it is %s: %s", field,
        clarity_fmt(value), text, advice);
}


static bool
is_short_number(clarity_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }

    return text.len <= 20;
}
