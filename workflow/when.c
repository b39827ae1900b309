#include "workflow/when.h"

#include "json/duration.h"
#include "workflow/moment.h"

static clarity_template_t *compile(const clarity_json_t *value,
    const char *name, const clarity_names_t *names,
    const clarity_load_t *load);
static bool check_at(const clarity_json_t *value, const clarity_load_t *load);
static bool check_delay(
    const clarity_json_t *value, const clarity_load_t *load);
static bool read_at(clarity_str_t text, uint64_t *ms);
static bool read_delay(clarity_str_t text, uint64_t from, uint64_t *ms);


bool
clarity_when_parse(clarity_when_t *when, const clarity_json_t *at,
    const clarity_json_t *delay, const char *what, unsigned line,
    const clarity_names_t *names, const clarity_load_t *load)
{
    if ((at == NULL) == (delay == NULL)) {
        return clarity_load_error(load, line,
            "%s has %s \"at\" %s \"delay\", expected one of them", what,
            at == NULL ? "neither" : "both", at == NULL ? "nor" : "and");
    }

    if (at != NULL) {
        when->at = compile(at, "at", names, load);
        return when->at != NULL && check_at(at, load);
    }

    when->delay = compile(delay, "delay", names, load);

    return when->delay != NULL && check_delay(delay, load);
}


void
clarity_when_clear(clarity_when_t *when)
{
    clarity_template_free(when->at);
    clarity_template_free(when->delay);
    when->at = when->delay = NULL;
}


bool
clarity_when_is_set(const clarity_when_t *when)
{
    return when->at != NULL || when->delay != NULL;
}


clarity_when_result_t
clarity_when_find(const clarity_when_t *when, const clarity_scope_t *scope,
    uint64_t from, uint64_t *ms, clarity_error_t *error)
{
    bool good;
    clarity_buf_t text = { 0 };
    clarity_str_t found;
    clarity_when_result_t result;

    result = CLARITY_WHEN_FAULTY;

    if (!clarity_template_render(
            when->at != NULL ? when->at : when->delay, scope, &text, error))
    {
        goto done;
    }

    found = clarity_buf_str(&text);

    if (found.len == 0) {
        result = CLARITY_WHEN_NEVER;
        goto done;
    }

    good = when->at != NULL ? read_at(found, ms) : read_delay(found, from, ms);

    if (good) {
        result = CLARITY_WHEN_KNOWN;

    } else if (when->at != NULL) {
        clarity_error(error,
            "what \"at\" comes to is neither a date nor a date-time of RFC "
            "3339");

    } else {
        clarity_error(error,
            "what \"delay\" comes to is no duration such as \"10s\", \"1h\" "
            "or \"7d\", of up to " CLARITY_WHEN_MAX_TEXT);
    }

done:

    clarity_buf_free(&text);

    return result;
}


static clarity_template_t *
compile(const clarity_json_t *value, const char *name,
    const clarity_names_t *names, const clarity_load_t *load)
{
    clarity_error_t error;
    clarity_template_t *template;

    template = clarity_template_compile(
        value->text, CLARITY_ESCAPE_NONE, names, &error);

    if (template == NULL) {
        clarity_load_error(
            load, value->line, "\"%s\": %.300s", name, error.text);
    }

    return template;
}


static bool
check_at(const clarity_json_t *value, const clarity_load_t *load)
{
    clarity_moment_t moment;

    return clarity_has_placeholder(value->text)
           || clarity_moment_parse(&moment, value->text)
           || clarity_load_error(load, value->line,
               "\"at\" is %s, expected a date or date-time of RFC 3339, or a "
               "placeholder such as \"{{expiration}}\"",
               clarity_quote(value->text).text);
}


static bool
check_delay(const clarity_json_t *value, const clarity_load_t *load)
{
    uint64_t ms;

    return clarity_has_placeholder(value->text)
           || read_delay(value->text, 0, &ms)
           || clarity_load_error(load, value->line,
               "\"delay\" is %s, expected a duration such as \"10s\", \"1h\" "
               "or \"7d\", of up to " CLARITY_WHEN_MAX_TEXT
               ", or a placeholder",
               clarity_quote(value->text).text);
}


/* What was before 1970 is past, as 1970 is. */
static bool
read_at(clarity_str_t text, uint64_t *ms)
{
    size_t i;
    unsigned part;
    clarity_moment_t moment;

    if (!clarity_moment_parse(&moment, text)) {
        return false;
    }

    part = 0;

    for (i = 0; i < 3; i++) {
        part *= 10;

        if (i < moment.fraction.len) {
            part += (unsigned) (moment.fraction.data[i] - '0');
        }
    }

    *ms = moment.seconds < 0 ? 0 : (uint64_t) moment.seconds * 1000 + part;

    return true;
}


static bool
read_delay(clarity_str_t text, uint64_t from, uint64_t *ms)
{
    uint64_t delay;

    if (!clarity_duration_parse(text, &delay) || delay > CLARITY_WHEN_MAX) {
        return false;
    }

    *ms = from + delay;

    return true;
}
