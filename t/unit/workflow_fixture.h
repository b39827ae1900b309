/*
 * What the tests of workflow/ share: triggers, and JSON written with ' for "
 * so that it can be read.
 */

#ifndef CLARITY_T_WORKFLOW_FIXTURE_H
#define CLARITY_T_WORKFLOW_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "json/tree.h"
#include "webhook/trigger.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const clarity_parameter_t fixture_parameters[] = {
    { .name = { "app_identifier", 14 } },
    { .name = { "identity_id", 11 } },
    { .name = { "entitlement_id", 14 } },
    { .name = { "expiration", 10 } },
    { .name = { "grant_type", 10 } },
    { .name = { "meta", 4 } },
    { .name = { "creator_id", 10 } },
};

static const clarity_trigger_t fixture_trigger_list[] = {
    {
        .name = { "provision_entitlement", 21 },
        .context = fixture_parameters,
        .ncontext = COUNT(fixture_parameters),
    },
    {
        .name = { "identity_modified", 17 },
        .context = fixture_parameters,
        .ncontext = 2,
    },
};

static const clarity_triggers_t fixture_triggers = {
    .triggers = fixture_trigger_list,
    .count = COUNT(fixture_trigger_list),
};


/* A copy with every ' made a ", to be freed. */
static inline char *
fixture_quotes(const char *text)
{
    char *copy, *p;

    copy = malloc(strlen(text) + 1);
    assert_non_null(copy);
    strcpy(copy, text);

    for (p = copy; *p != '\0'; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }

    return copy;
}


/* The document must be JSON. */
static inline clarity_json_doc_t *
fixture_json(const char *text)
{
    char *copy;
    clarity_error_t error;
    clarity_json_doc_t *doc;

    copy = fixture_quotes(text);
    doc = clarity_json_parse(clarity_str(copy), "test.json", 0, &error);

    if (doc == NULL) {
        fail_msg("%s in %s", error.text, copy);
    }

    free(copy);

    return doc;
}

#endif
