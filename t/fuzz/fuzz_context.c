/*
 * A context against a trigger, as a body and as a query. The first byte says
 * which, which trigger, and the rules.
 */

#include "json/tree.h"
#include "t/fuzz/fuzz.h"
#include "webhook/context.h"

#define AS_QUERY  0x80
#define ANY_ORDER 0x40
#define KINDS     0x20
#define UNKNOWN   0x03

static const char triggers_json[] =
    "{\"triggers\":[{\"name\":\"abc\",\"context\":[{\"name\":\"a\"},"
    "{\"name\":\"b\",\"type\":[\"string\",\"null\"]},{\"name\":\"c\",\"type\":"
    "[\"integer\",\"boolean\"]}]},"
    "{\"name\":\"kinds\",\"context\":["
    "{\"name\":\"s\",\"type\":\"string\",\"minLength\":2,\"maxLength\":4},"
    "{\"name\":\"i\",\"type\":\"integer\",\"minimum\":-10,\"maximum\":1e3},"
    "{\"name\":\"o\",\"type\":[\"object\",\"array\"]},"
    "{\"name\":\"e\",\"enum\":[\"x\",1.5,true,null]},"
    "{\"name\":\"d\",\"format\":\"date-or-date-time\"},"
    "{\"name\":\"u\",\"format\":\"uuid\"},"
    "{\"name\":\"m\",\"format\":\"email\"}]}]}";

static void check_problem(const clarity_context_checker_t *checker);
static void check_packed(const clarity_context_checker_t *checker);
static void check_text(clarity_context_checker_t *checker,
    const clarity_trigger_t *trigger, clarity_context_rules_t rules);
static bool is_object(clarity_str_t text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how;
    clarity_str_t text;
    clarity_error_t error;
    clarity_json_fault_t fault;
    clarity_context_rules_t rules;
    clarity_context_status_t status;
    const clarity_trigger_t *trigger;

    static clarity_triggers_t *triggers;
    static clarity_context_checker_t *checker;

    if (triggers == NULL) {
        triggers =
            clarity_triggers_parse(clarity_str(triggers_json), "f", &error);
        checker = clarity_context_checker_create();
        FUZZ_HOLDS(triggers != NULL && checker != NULL);
    }

    if (size == 0) {
        return 0;
    }

    how = data[0];
    text = (clarity_str_t){ (const char *) data + 1, size - 1 };

    trigger = &triggers->triggers[how & KINDS ? 1 : 0];
    rules.order = how & ANY_ORDER ? CLARITY_ORDER_ANY : CLARITY_ORDER_STRICT;
    rules.unknown = (clarity_unknown_t) ((how & UNKNOWN) % 3);

    memset(&fault, 0, sizeof(fault));

    status = how & AS_QUERY ? clarity_context_check_query(
                 checker, trigger, rules, text, &fault)
                            : clarity_context_check(
                                checker, trigger, rules, text, &fault);

    switch (status) {
    case CLARITY_CONTEXT_BAD_JSON:
        FUZZ_HOLDS(fault.reason != NULL && fault.offset <= text.len);
        FUZZ_HOLDS(fault.line >= 1 && fault.column >= 1);
        break;

    case CLARITY_CONTEXT_FAULTY: check_problem(checker); break;
    case CLARITY_CONTEXT_VALID: check_text(checker, trigger, rules); break;
    default: abort();
    }

    return 0;
}


/* It is JSON, bounded, and says at least one fault. */
static void
check_problem(const clarity_context_checker_t *checker)
{
    clarity_buf_t buf = { 0 };

    FUZZ_HOLDS(clarity_context_nfaults(checker) > 0);

    clarity_context_summary(checker, &buf);
    FUZZ_HOLDS(!buf.failed && buf.len > 0 && buf.len < 4096);

    clarity_buf_reset(&buf);
    clarity_buf_addz(&buf, "{");
    clarity_context_problem(checker, &buf);
    clarity_buf_addz(&buf, "}");
    FUZZ_HOLDS(!buf.failed && buf.len < 256 * 1024);
    FUZZ_HOLDS(is_object(clarity_buf_str(&buf)));

    clarity_buf_free(&buf);

    check_packed(checker);
}


/* What is packed comes out whole, and at least one fault does. */
static void
check_packed(const clarity_context_checker_t *checker)
{
    size_t at, n;
    clarity_str_t name;
    clarity_context_code_t code;
    clarity_context_packed_t packed;

    clarity_context_pack(checker, &packed);
    FUZZ_HOLDS(packed.nfaults == clarity_context_nfaults(checker));

    at = 0;

    for (n = 0; clarity_context_unpack(&packed, &at, &code, &name); n++) {
        FUZZ_HOLDS(clarity_context_code_name(code)[0] != '\0');
        FUZZ_HOLDS(name.len <= CLARITY_CONTEXT_MAX_SHOWN);
    }

    FUZZ_HOLDS(n > 0 && n <= packed.nfaults && at == packed.len);
}


/* What goes with the job would be accepted again. */
static void
check_text(clarity_context_checker_t *checker,
    const clarity_trigger_t *trigger, clarity_context_rules_t rules)
{
    clarity_str_t text;
    clarity_json_fault_t fault;
    clarity_buf_t buf = { 0 }, copy = { 0 };

    text = clarity_context_text(checker, &buf);
    clarity_buf_add(&copy, text);
    FUZZ_HOLDS(!copy.failed && is_object(clarity_buf_str(&copy)));

    if (rules.unknown == CLARITY_UNKNOWN_DROP) {
        rules.unknown = CLARITY_UNKNOWN_REJECT;
    }

    FUZZ_HOLDS(clarity_context_check(
                   checker, trigger, rules, clarity_buf_str(&copy), &fault)
               == CLARITY_CONTEXT_VALID);

    clarity_buf_free(&copy);
    clarity_buf_free(&buf);
}


static bool
is_object(clarity_str_t text)
{
    bool is;
    clarity_error_t error;
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(text, "text", 0, &error);
    is = doc != NULL && doc->root->kind == CLARITY_OBJECT;
    clarity_json_free(doc);

    return is;
}
