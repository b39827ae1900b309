/* triggers.json: whatever it holds, there is a result or a reason. */

#include "t/fuzz/fuzz.h"
#include "webhook/trigger.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t i;
    clarity_error_t error;
    clarity_triggers_t *triggers;
    const clarity_trigger_t *trigger;

    error.text[0] = '\0';

    triggers = clarity_triggers_parse(
        (clarity_str_t){ (const char *) data, size }, "f", &error);

    if (triggers == NULL) {
        FUZZ_HOLDS(error.text[0] != '\0');
        FUZZ_HOLDS(strncmp(error.text, "f:", 2) == 0);
        return 0;
    }

    FUZZ_HOLDS(triggers->count <= CLARITY_MAX_TRIGGERS);

    for (i = 0; i < triggers->count; i++) {
        trigger = &triggers->triggers[i];

        FUZZ_HOLDS(trigger->ncontext <= CLARITY_MAX_PARAMETERS);
        FUZZ_HOLDS(trigger->name.len <= CLARITY_MAX_NAME);
        FUZZ_HOLDS(clarity_triggers_find(triggers, trigger->name) == trigger);
    }

    clarity_triggers_free(triggers);

    return 0;
}
