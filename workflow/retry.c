#include "json/number.h"
#include "workflow/parse.h"

#define CLARITY_MAX_ATTEMPTS 100

#define CLARITY_WEEK ((uint64_t) 7 * 24 * 3600 * 1000) /* ms */

static bool parse_jitter(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load);
static bool parse_attempts(unsigned *attempts, const clarity_json_t *value,
    const clarity_load_t *load);


bool
clarity_retry_parse(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load)
{
    clarity_member_t members[] = {
        { "attempts", CLARITY_NUMBER, false, NULL },
        { "delay", CLARITY_STRING, false, NULL },
        { "max_delay", CLARITY_STRING, false, NULL },
        { "jitter", CLARITY_STRING, false, NULL },
    };

    retry->attempts = CLARITY_DEFAULT_ATTEMPTS;
    retry->delay = CLARITY_DEFAULT_DELAY;
    retry->max_delay = CLARITY_DEFAULT_MAX_DELAY;

    if (value == NULL) {
        return true;
    }

    if (!clarity_load_members(load, value, "\"retry\"", members, 4)
        || !parse_attempts(&retry->attempts, members[0].value, load)
        || !clarity_duration_member(
            &retry->delay, &members[1], CLARITY_WEEK, "7d", load)
        || !clarity_duration_member(
            &retry->max_delay, &members[2], CLARITY_WEEK, "7d", load)
        || !parse_jitter(retry, members[3].value, load))
    {
        return false;
    }

    if (retry->max_delay < retry->delay) {
        if (members[2].value != NULL) {
            return clarity_load_error(load, members[2].value->line,
                "\"max_delay\" is below \"delay\", expected at least that");
        }

        retry->max_delay = retry->delay;
    }

    return true;
}


static bool
parse_jitter(clarity_retry_t *retry, const clarity_json_t *value,
    const clarity_load_t *load)
{
    if (value == NULL || clarity_str_is(value->text, "full")) {
        return true;
    }

    retry->exact = true;

    return clarity_str_is(value->text, "none")
           || clarity_load_error(load, value->line,
               "\"jitter\" is %s, expected \"full\" or \"none\"",
               clarity_quote(value->text).text);
}


static bool
parse_attempts(unsigned *attempts, const clarity_json_t *value,
    const clarity_load_t *load)
{
    size_t n;

    if (value == NULL) {
        return true;
    }

    if (!clarity_number_to_size(value->text, CLARITY_MAX_ATTEMPTS, &n)
        || n == 0) {
        return clarity_load_error(load, value->line,
            "\"attempts\" is out of range, expected a whole number from 1 to "
            "%d",
            CLARITY_MAX_ATTEMPTS);
    }

    *attempts = n;

    return true;
}


bool
clarity_unknown_parse(clarity_unknown_outcome_t *outcome,
    const clarity_json_t *value, const clarity_load_t *load)
{
    size_t i;
    static const char *const names[] = {
        [CLARITY_UNKNOWN_OUTCOME_RETRY] = "retry",
        [CLARITY_UNKNOWN_OUTCOME_SKIP] = "skip",
        [CLARITY_UNKNOWN_OUTCOME_FAIL] = "fail",
    };

    if (value == NULL) {
        return true;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (clarity_str_is(value->text, names[i])) {
            *outcome = (clarity_unknown_outcome_t) i;
            return true;
        }
    }

    return clarity_load_error(load, value->line,
        "\"if_unknown\" is %s, expected \"retry\", \"skip\" or \"fail\"",
        clarity_quote(value->text).text);
}
