#include "workflow/regex.h"

/*
 * PCRE2 counts its match limit anew at each place of the text where a match
 * may begin, so the time grows with the text's length times the limit. A
 * callout before each item of the expression counts over the whole search;
 * together with the bound of the text this keeps the worst case seen below
 * half a second, where the match limit alone let ten seconds pass. Searches that
 * share a bound take three times that at most, all of them.
 */
#define CLARITY_REGEX_STEPS 200000
#define CLARITY_REGEX_ALL   600000
#define CLARITY_REGEX_MATCH 200000
#define CLARITY_REGEX_DEPTH 50000
#define CLARITY_REGEX_HEAP  8192 /* KiB */

static int match_text(
    const pcre2_code *regex, clarity_str_t text, unsigned *steps);
static int count_step(pcre2_callout_block *block, void *data);


pcre2_code *
clarity_regex_compile(clarity_str_t text, clarity_error_t *error)
{
    int code;
    size_t offset;
    pcre2_code *regex;
    PCRE2_UCHAR message[128];

    if (text.len > CLARITY_REGEX_MAX) {
        clarity_error(error, "a regular expression longer than %d bytes",
            CLARITY_REGEX_MAX);
        return NULL;
    }

    /* "$" is the end: by default it is before a line feed there as well. */
    regex = pcre2_compile((PCRE2_SPTR) text.data, text.len,
        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_AUTO_CALLOUT
            | PCRE2_NEVER_BACKSLASH_C,
        &code, &offset, NULL);

    if (regex == NULL) {
        pcre2_get_error_message(code, message, sizeof(message));
        clarity_error(error, "bad regular expression: %s at offset %zu",
            (const char *) message, offset);
    }

    return regex;
}


bool
clarity_regex_search(const pcre2_code *regex, clarity_str_t text,
    unsigned *steps, bool *found, clarity_error_t *error)
{
    int rc;
    PCRE2_UCHAR message[128];

    *found = false;

    if (text.len > CLARITY_SUBJECT_MAX) {
        return clarity_error(error,
            "a text longer than %d bytes, too long for a regular expression",
            CLARITY_SUBJECT_MAX);
    }

    rc = match_text(regex, text, steps);

    switch (rc) {
    case PCRE2_ERROR_NOMATCH: return true;

    case PCRE2_ERROR_CALLOUT:
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
        return clarity_error(error,
            "the regular expression takes too long, its limit is reached");

    case PCRE2_ERROR_NOMEMORY: return clarity_error(error, "out of memory");
    }

    if (rc < 0) {
        pcre2_get_error_message(rc, message, sizeof(message));
        return clarity_error(error, "the regular expression failed: %s",
            (const char *) message);
    }

    *found = true;

    return true;
}


/* A result of pcre2_match(). */
static int
match_text(const pcre2_code *regex, clarity_str_t text, unsigned *steps)
{
    int rc;
    unsigned left, most;
    pcre2_match_data *match;
    pcre2_match_context *context;

    most = CLARITY_REGEX_ALL - *steps;
    most = most < CLARITY_REGEX_STEPS ? most : CLARITY_REGEX_STEPS;
    left = most;
    rc = PCRE2_ERROR_NOMEMORY;

    match = pcre2_match_data_create(1, NULL);
    context = pcre2_match_context_create(NULL);

    if (match != NULL && context != NULL) {
        pcre2_set_match_limit(context, CLARITY_REGEX_MATCH);
        pcre2_set_depth_limit(context, CLARITY_REGEX_DEPTH);
        pcre2_set_heap_limit(context, CLARITY_REGEX_HEAP);
        pcre2_set_callout(context, count_step, &left);

        rc = pcre2_match(
            regex, (PCRE2_SPTR) text.data, text.len, 0, 0, match, context);
    }

    *steps += most - left;

    pcre2_match_context_free(context);
    pcre2_match_data_free(match);

    return rc;
}


static int
count_step(pcre2_callout_block *block, void *data)
{
    unsigned *left = data;

    (void) block;

    if (*left == 0) {
        return PCRE2_ERROR_CALLOUT;
    }

    --*left;

    return 0;
}
