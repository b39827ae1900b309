/*
 * Triggers of every kind, and what is said of a context that does not fit.
 */

#ifndef CLARITY_T_CONTEXT_FIXTURE_H
#define CLARITY_T_CONTEXT_FIXTURE_H

#include "json/tree.h"
#include "t/unit/checker_fixture.h"

static const char triggers_json[] =
    "{\"triggers\":["
    "{\"name\":\"abc\",\"context\":[{\"name\":\"a\"},{\"name\":\"b\"},"
    "{\"name\":\"c\"}]},"

    "{\"name\":\"typed\",\"context\":["
    "{\"name\":\"id\",\"type\":[\"string\",\"integer\"],\"minLength\":2,"
    "\"maxLength\":4},"
    "{\"name\":\"day\",\"type\":[\"string\",\"null\"],"
    "\"format\":\"date-or-date-time\"},"
    "{\"name\":\"kind\",\"enum\":[\"role\",\"exception\",2.50,true,null]},"
    "{\"name\":\"n\",\"minimum\":-1.5,\"maximum\":10},"
    "{\"name\":\"meta\",\"type\":\"object\"}]},"

    "{\"name\":\"formats\",\"context\":["
    "{\"name\":\"date\",\"format\":\"date\"},"
    "{\"name\":\"time\",\"format\":\"date-time\"},"
    "{\"name\":\"uuid\",\"format\":\"uuid\"},"
    "{\"name\":\"email\",\"format\":\"email\"},"
    "{\"name\":\"types\",\"type\":[\"boolean\",\"number\",\"array\"]}]},"

    "{\"name\":\"nothing\",\"context\":[]}]}";


static int
set_up(void **state)
{
    (void) state;

    return set_up_checker(triggers_json);
}


static clarity_context_status_t
check(const char *trigger, clarity_context_rules_t rules, clarity_str_t text)
{
    clarity_json_fault_t fault;
    const clarity_trigger_t *found;

    found = clarity_triggers_find(triggers, clarity_str(trigger));
    assert_non_null(found);

    return clarity_context_check(checker, found, rules, text, &fault);
}


/* The answer's members as a tree; to be freed. */
static clarity_json_doc_t *
problem(void)
{
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_json_doc_t *doc;

    clarity_buf_addz(&buf, "{");
    clarity_context_problem(checker, &buf);
    clarity_buf_addz(&buf, "}");
    assert_false(buf.failed);

    doc = clarity_json_parse(
        clarity_buf_str(&buf), "answer", CLARITY_JSON_UNIQUE_NAMES, &error);
    if (doc == NULL) {
        fail_msg("%s: %.*s", error.text, clarity_fmt(clarity_buf_str(&buf)));
    }

    clarity_buf_free(&buf);
    return doc;
}

#endif
