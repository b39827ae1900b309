#include "workflow/parse.h"


bool
clarity_custom_action_parse(clarity_action_t *action,
    const clarity_json_t *value, const clarity_names_t *names,
    const clarity_load_t *load)
{
    enum { ID, TYPE, INPUT, TIMEOUT, RETRY, IF_UNKNOWN, N };
    clarity_member_t members[N] = {
        [ID] = { "id", CLARITY_STRING, true, NULL },
        [TYPE] = { "type", CLARITY_STRING, true, NULL },
        [INPUT] = { "input", CLARITY_ANY_KIND, false, NULL },
        [TIMEOUT] = { "timeout", CLARITY_STRING, false, NULL },
        [RETRY] = { "retry", CLARITY_OBJECT, false, NULL },
        [IF_UNKNOWN] = { "if_unknown", CLARITY_STRING, false, NULL },
    };

    action->custom.timeout = CLARITY_DEFAULT_TIMEOUT;

    if (!clarity_load_members(load, value, "an action", members, N)
        || !clarity_id_parse(&action->id, members[ID].value, load)
        || !clarity_duration_member(&action->custom.timeout, &members[TIMEOUT],
            CLARITY_TIMEOUT_MAX, CLARITY_TIMEOUT_MAX_TEXT, load)
        || !clarity_retry_parse(&action->retry, members[RETRY].value, load)
        || !clarity_unknown_parse(
            &action->if_unknown, members[IF_UNKNOWN].value, load))
    {
        return false;
    }

    if (members[INPUT].value == NULL) {
        return true;
    }

    action->custom.input = clarity_json_template_compile(
        members[INPUT].value, load->file, names, load->error);

    return action->custom.input != NULL;
}


void
clarity_custom_action_clear(clarity_custom_action_t *custom)
{
    clarity_json_template_free(custom->input);
}
