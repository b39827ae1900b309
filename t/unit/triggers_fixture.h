/*
 * Triggers from a text that is right.
 */

#ifndef CLARITY_T_TRIGGERS_FIXTURE_H
#define CLARITY_T_TRIGGERS_FIXTURE_H

#include "webhook/trigger.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


static clarity_triggers_t *
parse(const char *text)
{
    clarity_error_t error;
    clarity_triggers_t *triggers;

    error.text[0] = '\0';

    triggers = clarity_triggers_parse(clarity_str(text), "t.json", &error);
    if (triggers == NULL) {
        fail_msg("%s", error.text);
    }

    return triggers;
}

#endif
