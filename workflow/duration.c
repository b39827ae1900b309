#include "json/duration.h"
#include "workflow/parse.h"


bool
clarity_duration_member(uint64_t *ms, const clarity_member_t *member,
    uint64_t max, const char *max_text, const clarity_load_t *load)
{
    const clarity_json_t *value;

    value = member->value;

    if (value == NULL) {
        return true;
    }

    if (!clarity_duration_parse(value->text, ms)) {
        return clarity_load_error(load, value->line,
            "\"%s\" is %s, expected a duration such as \"250ms\", \"10s\", "
            "\"5m\", \"1h\" or \"7d\"",
            member->name, clarity_quote(value->text).text);
    }

    if (*ms == 0 || *ms > max) {
        return clarity_load_error(load, value->line,
            "\"%s\" is %s, expected \"1ms\" to \"%s\"", member->name,
            clarity_quote(value->text).text, max_text);
    }

    return true;
}
