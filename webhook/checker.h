/*
 * The inside of a context checker: context.c fills it, query.c too where the
 * context stands in a query, problem.c tells what is in it.
 */

#ifndef CLARITY_WEBHOOK_CHECKER_H
#define CLARITY_WEBHOOK_CHECKER_H

#include "webhook/context.h"
#include "webhook/value.h"

#include <stdint.h>

/* A parameter of the trigger in this request. */
typedef struct {
    size_t times; /* that its name came */
    size_t place; /* of the first, from 0, among the trigger's parameters */
    size_t start; /* its first value's bytes in the text */
    size_t end;
    unsigned type;   /* CLARITY_TYPE_ of that value */
    unsigned faults; /* CLARITY_VALUE_ of that value */
} clarity_context_slot_t;

/* A name that is none of the trigger's parameters. */
typedef struct {
    uint64_t hash; /* of all of it; with its length as good as the name */
    size_t len;
    size_t start; /* of its first token in the text */
    size_t times; /* that it came */
    size_t shown_len;
    char shown[CLARITY_CONTEXT_MAX_SHOWN];
} clarity_context_name_t;

typedef struct {
    clarity_context_code_t code;
    enum { FAULT_OF_PARAMETER, FAULT_OF_NAME, FAULT_OF_ALL } of;
    size_t index;   /* of the parameter or of the unknown name */
    size_t place;   /* OUT_OF_ORDER: expected, from 0 */
    unsigned value; /* NOT_ALLOWED: one CLARITY_VALUE_ bit */
} clarity_context_fault_t;

struct clarity_context_checker_s {
    clarity_json_reader_t *reader;

    const clarity_trigger_t *trigger;
    clarity_context_rules_t rules;
    clarity_str_t text;

    unsigned type;  /* CLARITY_TYPE_ of the whole */
    size_t next;    /* parameter that strict order lets come next */
    size_t current; /* parameter whose value comes next, or NO_PARAMETER */
    bool out_of_order;
    bool faulty; /* a value, or a name twice */

    clarity_context_slot_t slots[CLARITY_MAX_PARAMETERS];

    /* The trigger's parameters as they came first. */
    size_t sequence[CLARITY_MAX_PARAMETERS];
    size_t nsequence;

    /* All names as they came: >= 0 parameters, < 0 unknown ones (~index). */
    int received[CLARITY_CONTEXT_MAX_RECEIVED];
    size_t nreceived;

    /*
     * Each once. Behind a full list they are counted, as they come. Where they
     * are kept they are noted in `late` as well, and of those that came twice
     * the first ones are in the list's second half.
     */
    clarity_context_name_t unknown[2 * CLARITY_CONTEXT_MAX_FAULTS];
    size_t nunknown;
    size_t nunlisted;
    clarity_buf_t late;
    size_t ntwice; /* found there; at [CLARITY_CONTEXT_MAX_FAULTS] and on */

    clarity_context_fault_t faults[CLARITY_CONTEXT_MAX_FAULTS];
    size_t nfaults; /* found; kept are the first ones */

    clarity_buf_t query; /* a query as a JSON object */
    clarity_buf_t piece; /* a name or a value of it, decoded */
    uint64_t not_json;   /* bit i: parameter i was to be JSON, and is none */
};

/* A name that is no parameter's: what stands for it in `received`. */
int clarity_context_take_unknown(
    clarity_context_checker_t *checker, const clarity_json_token_t *token);

/*
 * When all have come: those that came twice, where so many are kept that they
 * were not looked for before. false: out of memory.
 */
bool clarity_context_find_twice(clarity_context_checker_t *checker);

/* After each check: the notes for that, and their memory if it is much. */
void clarity_context_forget_late(clarity_context_checker_t *checker);

/* clarity_context_check() but for not_json, which the caller has set. */
clarity_context_status_t clarity_context_check_text(
    clarity_context_checker_t *checker, const clarity_trigger_t *trigger,
    clarity_context_rules_t rules, clarity_str_t text,
    clarity_json_fault_t *fault);

/* The name that the fault is of, for a reader; empty: it is of the whole. */
clarity_str_t clarity_context_name(const clarity_context_checker_t *checker,
    const clarity_context_fault_t *fault);

/* The name, cut where it is too long to be shown; returns its length. */
size_t clarity_context_show(
    char shown[CLARITY_CONTEXT_MAX_SHOWN], clarity_str_t name);

#endif
