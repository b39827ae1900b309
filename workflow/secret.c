#include <stdlib.h>

#include <openssl/crypto.h>

#include "workflow/parse.h"

static bool is_variable(clarity_str_t name);


/* The value itself is never in a workflow file, so no message quotes one. */
bool
clarity_secret_parse(clarity_secret_t *secret, const clarity_json_t *value,
    const char *what, const clarity_load_t *load)
{
    const clarity_json_t *source;
    clarity_member_t members[] = {
        { "env", CLARITY_STRING, false, NULL },
        { "file", CLARITY_STRING, false, NULL },
    };

    if (value->kind != CLARITY_OBJECT || value->count != 1) {
        return clarity_load_error(load, value->line,
            "%s is no source of a secret, expected {\"env\": NAME} or "
            "{\"file\": PATH}",
            what);
    }

    if (!clarity_load_members(load, value, what, members, 2)) {
        return false;
    }

    secret->line = value->line;
    secret->is_file = (members[1].value != NULL);

    source = secret->is_file ? members[1].value : members[0].value;
    secret->source = source->text;

    if (secret->is_file) {
        if (source->text.len == 0 || clarity_has_control(source->text)) {
            return clarity_load_error(load, source->line,
                "\"file\" of %s is no path, expected one such as "
                "\"/etc/clarity/secrets/hook\"",
                what);
        }

    } else if (!is_variable(source->text)) {
        return clarity_load_error(load, source->line,
            "\"env\" of %s is no name of an environment variable, expected "
            "A-Z, a-z, 0-9 and _",
            what);
    }

    return true;
}


/* POSIX.1-2017, section 8.1, and lower case. */
static bool
is_variable(clarity_str_t name)
{
    size_t i;

    for (i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_'
            && (i == 0 || c < '0' || c > '9'))
        {
            return false;
        }
    }

    return name.len > 0;
}


void
clarity_secret_clear(clarity_secret_t *secret)
{
    if (secret->value != NULL) {
        OPENSSL_cleanse(secret->value, strlen(secret->value));
        free(secret->value);
        secret->value = NULL;
    }
}
