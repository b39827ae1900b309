/*
 * A request's context against its trigger: every required parameter, in the
 * displayed order, once, of its type, and no other. One pass, no tree; every
 * fault is reported, not just the first.
 */

#ifndef CLARITY_WEBHOOK_CONTEXT_H
#define CLARITY_WEBHOOK_CONTEXT_H

#include "json/buf.h"
#include "json/reader.h"
#include "webhook/trigger.h"

/* In the contract's words: clarity_context_code_name(). */
typedef enum {
    CLARITY_CONTEXT_MISSING,
    CLARITY_CONTEXT_OUT_OF_ORDER,
    CLARITY_CONTEXT_UNKNOWN,
    CLARITY_CONTEXT_DUPLICATE,
    CLARITY_CONTEXT_WRONG_TYPE,
    CLARITY_CONTEXT_WRONG_FORMAT,
    CLARITY_CONTEXT_NOT_ALLOWED /* enum, length, minimum, maximum */
} clarity_context_code_t;

typedef enum { CLARITY_ORDER_STRICT, CLARITY_ORDER_ANY } clarity_order_t;

typedef enum {
    CLARITY_UNKNOWN_REJECT,
    CLARITY_UNKNOWN_DROP, /* leave them out of the job's context */
    CLARITY_UNKNOWN_KEEP
} clarity_unknown_t;

typedef struct {
    clarity_order_t order;
    clarity_unknown_t unknown;
} clarity_context_rules_t;

#define CLARITY_CONTEXT_MAX_FAULTS   128 /* errors in one answer */
#define CLARITY_CONTEXT_MAX_RECEIVED 128 /* names repeated in one answer */
#define CLARITY_CONTEXT_MAX_SHOWN    64  /* bytes of a name of the caller's */

typedef enum {
    CLARITY_CONTEXT_VALID,
    CLARITY_CONTEXT_BAD_JSON, /* fault says where */
    CLARITY_CONTEXT_FAULTY,   /* clarity_context_problem() says it all */
    CLARITY_CONTEXT_NO_MEMORY
} clarity_context_status_t;

/*
 * The checker keeps its memory and the last result; one per process. It is
 * not re-entrant.
 */
typedef struct clarity_context_checker_s clarity_context_checker_t;

/* NULL: out of memory. */
clarity_context_checker_t *clarity_context_checker_create(void);
void clarity_context_checker_free(clarity_context_checker_t *checker);

/*
 * Checks a JSON text. On CLARITY_CONTEXT_BAD_JSON *fault is set. The result
 * stays in the checker until its next check; text must live as long.
 */
clarity_context_status_t clarity_context_check(
    clarity_context_checker_t *checker, const clarity_trigger_t *trigger,
    clarity_context_rules_t rules, clarity_str_t text,
    clarity_json_fault_t *fault);

/*
 * Checks the query of a GET request, without its '?': name=value pairs between
 * '&', a '+' is a space, %XX a byte. A value is a string where its parameter
 * may be one, or null if it is the bare word null and the parameter may be
 * that; else it is read as JSON, and one that is no JSON is of a wrong type.
 * CLARITY_CONTEXT_BAD_JSON: a '%' without two hex digits, or text that is not
 * UTF-8 or holds a NUL; *fault is the place in the query.
 */
clarity_context_status_t clarity_context_check_query(
    clarity_context_checker_t *checker, const clarity_trigger_t *trigger,
    clarity_context_rules_t rules, clarity_str_t query,
    clarity_json_fault_t *fault);

/*
 * After CLARITY_CONTEXT_VALID: the context that goes with the job. The text
 * as it came (of a query: the object that it means, valid until the next
 * check), or, where unknown parameters are dropped and there were some,
 * rewritten into *buf with the values' bytes untouched. An empty slice: out
 * of memory.
 */
clarity_str_t clarity_context_text(
    clarity_context_checker_t *checker, clarity_buf_t *buf);

/*
 * After CLARITY_CONTEXT_FAULTY: appends the members `"expected":[…],
 * "received":[…],"errors":[…]` of the answer, without braces. Bounded
 * whatever was sent; holds names, never a value. More faults than
 * CLARITY_CONTEXT_MAX_FAULTS add `"errors_omitted":N`, and likewise
 * `"received_omitted":N`. The errors stand in the displayed order of their
 * parameters, then come the unknown names, each once, and where it came more
 * than once a second time for that, unless unknown ones are dropped. Of a name
 * that came more than once only the first value was looked at. A name of the caller's
 * that is longer than CLARITY_CONTEXT_MAX_SHOWN ends in "…", also in its
 * pointer.
 */
void clarity_context_problem(
    const clarity_context_checker_t *checker, clarity_buf_t *buf);

/* One line for `detail`: "2 faults: identity_id missing; …", bounded. */
void clarity_context_summary(
    const clarity_context_checker_t *checker, clarity_buf_t *buf);

#define CLARITY_CONTEXT_PACKED 176 /* bytes */

/* The faults of a check in little room, to be kept: codes and names. */
typedef struct {
    size_t nfaults; /* found; packed are the first ones, as many as fit */
    size_t len;
    char data[CLARITY_CONTEXT_PACKED];
} clarity_context_packed_t;

/* After CLARITY_CONTEXT_FAULTY. Names of any parameter are cut as above. */
void clarity_context_pack(const clarity_context_checker_t *checker,
    clarity_context_packed_t *packed);

/*
 * The next fault that is packed, from *at, which is 0 for the first; false:
 * there are no more. parameter->data NULL: it is the whole context's.
 */
bool clarity_context_unpack(const clarity_context_packed_t *packed, size_t *at,
    clarity_context_code_t *code, clarity_str_t *parameter);

/* Faults found, those that the answer leaves out included. */
size_t clarity_context_nfaults(const clarity_context_checker_t *checker);

const char *clarity_context_code_name(clarity_context_code_t code);

#endif
