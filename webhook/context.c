#include "webhook/context.h"
#include "webhook/checker.h"

#include <stdlib.h>

#define NO_PARAMETER SIZE_MAX

static void reset(clarity_context_checker_t *checker);
static bool take_token(void *data, const clarity_json_token_t *token);
static void take_name(
    clarity_context_checker_t *checker, const clarity_json_token_t *token);
static size_t find_parameter(
    const clarity_context_checker_t *checker, clarity_str_t name);
static void take_value(
    clarity_context_checker_t *checker, const clarity_json_token_t *token);
static unsigned type_of(clarity_json_token_type_t type);
static bool is_valid(const clarity_context_checker_t *checker);
static void find_faults(clarity_context_checker_t *checker);
static void find_parameter_faults(
    clarity_context_checker_t *checker, size_t index, size_t place);
static void find_unknown_faults(clarity_context_checker_t *checker);
static void add_fault(
    clarity_context_checker_t *checker, const clarity_context_fault_t *fault);


clarity_context_checker_t *
clarity_context_checker_create(void)
{
    clarity_context_checker_t *checker;

    checker = calloc(1, sizeof(*checker));
    if (checker == NULL) {
        return NULL;
    }

    checker->reader = clarity_json_reader_create();
    if (checker->reader == NULL) {
        free(checker);
        return NULL;
    }

    return checker;
}


void
clarity_context_checker_free(clarity_context_checker_t *checker)
{
    if (checker != NULL) {
        clarity_json_reader_free(checker->reader);
        clarity_buf_free(&checker->query);
        clarity_buf_free(&checker->piece);
        clarity_buf_free(&checker->late);
        free(checker);
    }
}


clarity_context_status_t
clarity_context_check(clarity_context_checker_t *checker,
    const clarity_trigger_t *trigger, clarity_context_rules_t rules,
    clarity_str_t text, clarity_json_fault_t *fault)
{
    checker->not_json = 0;

    return clarity_context_check_text(checker, trigger, rules, text, fault);
}


clarity_context_status_t
clarity_context_check_text(clarity_context_checker_t *checker,
    const clarity_trigger_t *trigger, clarity_context_rules_t rules,
    clarity_str_t text, clarity_json_fault_t *fault)
{
    checker->trigger = trigger;
    checker->rules = rules;
    checker->text = text;
    reset(checker);

    switch (
        clarity_json_read(checker->reader, text, take_token, checker, fault)) {
    case CLARITY_JSON_OK: break;
    case CLARITY_JSON_INVALID:
        clarity_context_forget_late(checker);
        return CLARITY_CONTEXT_BAD_JSON;
    default:
        clarity_context_forget_late(checker);
        return CLARITY_CONTEXT_NO_MEMORY;
    }

    if (!clarity_context_find_twice(checker)) {
        return CLARITY_CONTEXT_NO_MEMORY;
    }

    if (is_valid(checker)) {
        return CLARITY_CONTEXT_VALID;
    }

    find_faults(checker);
    return CLARITY_CONTEXT_FAULTY;
}


clarity_str_t
clarity_context_text(clarity_context_checker_t *checker, clarity_buf_t *buf)
{
    size_t i, index;
    const clarity_context_slot_t *slot;

    if (checker->rules.unknown != CLARITY_UNKNOWN_DROP
        || checker->nunknown == 0) {
        return checker->text;
    }

    clarity_buf_reset(buf);
    clarity_buf_addz(buf, "{");

    for (i = 0; i < checker->nsequence; i++) {
        index = checker->sequence[i];
        slot = &checker->slots[index];

        clarity_buf_addz(buf, i == 0 ? "" : ",");
        clarity_buf_add_json(buf, checker->trigger->context[index].name);
        clarity_buf_addz(buf, ":");
        clarity_buf_add(buf, (clarity_str_t){ checker->text.data + slot->start,
                                 slot->end - slot->start });
    }

    clarity_buf_addz(buf, "}");

    return buf->failed ? (clarity_str_t){ NULL, 0 } : clarity_buf_str(buf);
}


size_t
clarity_context_nfaults(const clarity_context_checker_t *checker)
{
    return checker->nfaults;
}


static void
reset(clarity_context_checker_t *checker)
{
    checker->type = 0;
    checker->next = 0;
    checker->current = NO_PARAMETER;
    checker->out_of_order = false;
    checker->faulty = false;
    checker->nsequence = 0;
    checker->nreceived = 0;
    checker->nunknown = 0;
    checker->nunlisted = 0;
    checker->ntwice = 0;
    checker->nfaults = 0;

    memset(checker->slots, 0,
        checker->trigger->ncontext * sizeof(checker->slots[0]));
}


static bool
take_token(void *data, const clarity_json_token_t *token)
{
    clarity_context_checker_t *checker = data;

    if (token->depth > 1) {
        return true;
    }

    if (token->depth == 0) {
        if (checker->type == 0) {
            checker->type = type_of(token->type);
        }
        return true;
    }

    switch (token->type) {

    case CLARITY_JSON_KEY: take_name(checker, token); break;

    case CLARITY_JSON_OBJECT_END:
    case CLARITY_JSON_ARRAY_END:
        if (checker->current != NO_PARAMETER) {
            checker->slots[checker->current].end = token->end;
        }
        break;

    default:
        if (checker->current != NO_PARAMETER) {
            take_value(checker, token);
        }
    }

    return true;
}


static void
take_name(
    clarity_context_checker_t *checker, const clarity_json_token_t *token)
{
    int entry;
    size_t index;
    clarity_context_slot_t *slot;

    index = find_parameter(checker, token->text);
    checker->current = NO_PARAMETER;

    if (index == NO_PARAMETER) {
        entry = clarity_context_take_unknown(checker, token);

    } else {
        entry = (int) index;
        slot = &checker->slots[index];

        if (slot->times++ == 0) {
            slot->place = checker->nsequence;
            checker->sequence[checker->nsequence++] = index;

            if (index < checker->next) {
                checker->out_of_order = true;
            }

            checker->next = index + 1;
            checker->current = index;

        } else {
            checker->faulty = true;
        }
    }

    if (checker->nreceived < CLARITY_CONTEXT_MAX_RECEIVED) {
        checker->received[checker->nreceived] = entry;
    }

    checker->nreceived++;
}


/* The one that is due first: mostly it is that one. */
static size_t
find_parameter(const clarity_context_checker_t *checker, clarity_str_t name)
{
    char last;
    size_t i;
    clarity_str_t known;
    const clarity_trigger_t *trigger = checker->trigger;

    i = checker->next;

    if (i < trigger->ncontext
        && clarity_str_eq(trigger->context[i].name, name)) {
        return i;
    }

    if (name.len == 0) {
        return NO_PARAMETER;
    }

    /* Names often share how they start; their ends tell them apart. */
    last = name.data[name.len - 1];

    for (i = 0; i < trigger->ncontext; i++) {
        known = trigger->context[i].name;

        if (known.len == name.len && known.data[known.len - 1] == last
            && memcmp(known.data, name.data, name.len) == 0)
        {
            return i;
        }
    }

    return NO_PARAMETER;
}


static void
take_value(
    clarity_context_checker_t *checker, const clarity_json_token_t *token)
{
    clarity_enum_t value;
    clarity_context_slot_t *slot;

    slot = &checker->slots[checker->current];
    slot->start = token->start;
    slot->end = token->end; /* of a bracket: set again by its closing one */
    slot->type = type_of(token->type);

    value.type = slot->type;
    value.text = token->text;
    value.boolean = token->type == CLARITY_JSON_TRUE;

    slot->faults = clarity_value_faults(
        &checker->trigger->context[checker->current], &value);

    if (slot->faults != 0) {
        checker->faulty = true;
    }
}


static unsigned
type_of(clarity_json_token_type_t type)
{
    switch (type) {
    case CLARITY_JSON_OBJECT_START: return CLARITY_TYPE_OBJECT;
    case CLARITY_JSON_ARRAY_START: return CLARITY_TYPE_ARRAY;
    case CLARITY_JSON_STRING: return CLARITY_TYPE_STRING;
    case CLARITY_JSON_NUMBER: return CLARITY_TYPE_NUMBER;
    case CLARITY_JSON_TRUE:
    case CLARITY_JSON_FALSE: return CLARITY_TYPE_BOOLEAN;
    default: return CLARITY_TYPE_NULL;
    }
}


static bool
is_valid(const clarity_context_checker_t *checker)
{
    return checker->type == CLARITY_TYPE_OBJECT && !checker->faulty
           && checker->nsequence == checker->trigger->ncontext
           && (!checker->out_of_order
               || checker->rules.order == CLARITY_ORDER_ANY)
           && (checker->nunknown == 0
               || checker->rules.unknown != CLARITY_UNKNOWN_REJECT);
}


static void
find_faults(clarity_context_checker_t *checker)
{
    size_t i, place;
    clarity_context_fault_t fault;

    memset(&fault, 0, sizeof(fault));

    if (checker->type != CLARITY_TYPE_OBJECT) {
        fault.code = CLARITY_CONTEXT_WRONG_TYPE;
        fault.of = FAULT_OF_ALL;
        add_fault(checker, &fault);
        return;
    }

    place = 0;

    for (i = 0; i < checker->trigger->ncontext; i++) {
        find_parameter_faults(checker, i, place);
        place += checker->slots[i].times != 0;
    }

    find_unknown_faults(checker);
}


/* place: where it belongs among those of the trigger's that came, from 0. */
static void
find_parameter_faults(
    clarity_context_checker_t *checker, size_t index, size_t place)
{
    unsigned bit;
    clarity_context_fault_t fault;
    const clarity_context_slot_t *slot;

    slot = &checker->slots[index];

    memset(&fault, 0, sizeof(fault));
    fault.of = FAULT_OF_PARAMETER;
    fault.index = index;
    fault.place = place;

    if (slot->times == 0) {
        fault.code = CLARITY_CONTEXT_MISSING;
        add_fault(checker, &fault);
        return;
    }

    if (slot->place != place && checker->rules.order == CLARITY_ORDER_STRICT) {
        fault.code = CLARITY_CONTEXT_OUT_OF_ORDER;
        add_fault(checker, &fault);
    }

    if (slot->times > 1) {
        fault.code = CLARITY_CONTEXT_DUPLICATE;
        add_fault(checker, &fault);
    }

    for (bit = CLARITY_VALUE_TYPE; bit <= CLARITY_VALUE_MAXIMUM; bit <<= 1) {
        if ((slot->faults & bit) == 0) {
            continue;
        }

        fault.code = CLARITY_CONTEXT_NOT_ALLOWED;
        fault.value = bit;

        if (bit == CLARITY_VALUE_TYPE) {
            fault.code = CLARITY_CONTEXT_WRONG_TYPE;

        } else if (bit == CLARITY_VALUE_FORMAT) {
            fault.code = CLARITY_CONTEXT_WRONG_FORMAT;
        }

        add_fault(checker, &fault);
    }
}


/* Dropped ones may be whatever they are. */
static void
find_unknown_faults(clarity_context_checker_t *checker)
{
    size_t i;
    clarity_context_fault_t fault;

    if (checker->rules.unknown == CLARITY_UNKNOWN_DROP) {
        return;
    }

    memset(&fault, 0, sizeof(fault));
    fault.of = FAULT_OF_NAME;

    for (i = 0; i < checker->nunknown; i++) {
        fault.index = i;

        if (checker->rules.unknown == CLARITY_UNKNOWN_REJECT) {
            fault.code = CLARITY_CONTEXT_UNKNOWN;
            add_fault(checker, &fault);
        }

        if (checker->unknown[i].times > 1) {
            fault.code = CLARITY_CONTEXT_DUPLICATE;
            add_fault(checker, &fault);
        }
    }

    if (checker->rules.unknown == CLARITY_UNKNOWN_REJECT) {
        checker->nfaults += checker->nunlisted;
    }

    fault.code = CLARITY_CONTEXT_DUPLICATE;

    for (i = 0; i < checker->ntwice; i++) {
        fault.index = CLARITY_CONTEXT_MAX_FAULTS + i;
        add_fault(checker, &fault);
    }
}


static void
add_fault(
    clarity_context_checker_t *checker, const clarity_context_fault_t *fault)
{
    if (checker->nfaults < CLARITY_CONTEXT_MAX_FAULTS) {
        checker->faults[checker->nfaults] = *fault;
    }

    checker->nfaults++;
}
