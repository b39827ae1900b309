/*
 * Regular expressions over values that a caller chose: PCRE2 with bounds on
 * time and memory.
 */

#ifndef CLARITY_WORKFLOW_REGEX_H
#define CLARITY_WORKFLOW_REGEX_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "json/error.h"
#include "json/str.h"

#define CLARITY_REGEX_MAX   4096  /* bytes of an expression */
#define CLARITY_SUBJECT_MAX 16384 /* bytes of a text it is tried on */

/*
 * NULL and *error: PCRE2's message with the offset, or out of memory.
 * pcre2_code_free() frees it.
 */
pcre2_code *clarity_regex_compile(clarity_str_t text, clarity_error_t *error);

/*
 * Is it found in the text? false and *error, without the text, if a bound was
 * hit or memory is out: then there is no answer. *steps are those of the
 * searches before it that share a bound, 0 at first; its own are added.
 */
bool clarity_regex_search(const pcre2_code *regex, clarity_str_t text,
    unsigned *steps, bool *found, clarity_error_t *error);

#endif
