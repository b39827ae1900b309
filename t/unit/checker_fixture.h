/*
 * A checker and the triggers of a test, for those about contexts.
 */

#ifndef CLARITY_T_CHECKER_FIXTURE_H
#define CLARITY_T_CHECKER_FIXTURE_H

#include "webhook/context.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const clarity_context_rules_t strict = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_REJECT };
static const clarity_context_rules_t any_order = { CLARITY_ORDER_ANY,
    CLARITY_UNKNOWN_REJECT };
static const clarity_context_rules_t drop = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_DROP };
static const clarity_context_rules_t keep = { CLARITY_ORDER_STRICT,
    CLARITY_UNKNOWN_KEEP };

static clarity_triggers_t *triggers;
static clarity_context_checker_t *checker;


/* What cmocka's set-up returns: 0, or there is none. */
static int
set_up_checker(const char *triggers_json)
{
    clarity_error_t error;

    triggers = clarity_triggers_parse(
        clarity_str(triggers_json), "triggers.json", &error);
    checker = clarity_context_checker_create();

    return triggers == NULL || checker == NULL;
}


static int
tear_down(void **state)
{
    (void) state;

    clarity_context_checker_free(checker);
    clarity_triggers_free(triggers);
    return 0;
}

#endif
