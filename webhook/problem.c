#include "webhook/checker.h"
#include "json/text.h"

#define SUMMARY_FAULTS 5   /* that the summary names */
#define ENUM_SHOWN     200 /* bytes, about, of `enum` in a detail */
#define NUMBER_SHOWN   64  /* bytes of a number of triggers.json */

static const char *code_in_words(clarity_context_code_t code);
static size_t kept(const clarity_context_checker_t *checker);
static void add_expected(
    clarity_buf_t *buf, const clarity_context_checker_t *checker);
static void add_received(
    clarity_buf_t *buf, const clarity_context_checker_t *checker);
static void add_error(clarity_buf_t *buf,
    const clarity_context_checker_t *checker, size_t index,
    clarity_buf_t *scratch);
static void add_pointer(clarity_buf_t *buf, clarity_str_t name);
static void add_detail(clarity_buf_t *buf,
    const clarity_context_checker_t *checker, size_t index);
static void add_name_detail(clarity_buf_t *buf,
    const clarity_context_checker_t *checker,
    const clarity_context_fault_t *fault);
static void add_order(clarity_buf_t *buf,
    const clarity_context_checker_t *checker, size_t index);
static void add_types(clarity_buf_t *buf, unsigned types, unsigned got);
static const char *format_expected(clarity_format_t format);
static void add_bound(
    clarity_buf_t *buf, const clarity_parameter_t *parameter, unsigned value);
static void add_enum(clarity_buf_t *buf, const clarity_parameter_t *parameter);
static void add_number(clarity_buf_t *buf, clarity_str_t number);
static const char *type_name(unsigned type);


void
clarity_context_problem(
    const clarity_context_checker_t *checker, clarity_buf_t *buf)
{
    size_t i;
    clarity_buf_t scratch = { 0 };

    add_expected(buf, checker);
    add_received(buf, checker);

    clarity_buf_addz(buf, ",\"errors\":[");

    for (i = 0; i < kept(checker); i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        add_error(buf, checker, i, &scratch);
    }

    clarity_buf_addz(buf, "]");
    clarity_buf_free(&scratch);

    if (checker->nfaults > kept(checker)) {
        clarity_buf_addf(
            buf, ",\"errors_omitted\":%zu", checker->nfaults - kept(checker));
    }

    if (checker->nreceived > CLARITY_CONTEXT_MAX_RECEIVED) {
        clarity_buf_addf(buf, ",\"received_omitted\":%zu",
            checker->nreceived - CLARITY_CONTEXT_MAX_RECEIVED);
    }
}


void
clarity_context_summary(
    const clarity_context_checker_t *checker, clarity_buf_t *buf)
{
    size_t i, n;
    const clarity_context_fault_t *fault;

    n = checker->nfaults < SUMMARY_FAULTS ? checker->nfaults : SUMMARY_FAULTS;

    clarity_buf_addf(buf, "%zu fault%s: ", checker->nfaults,
        checker->nfaults == 1 ? "" : "s");

    for (i = 0; i < n; i++) {
        fault = &checker->faults[i];
        clarity_buf_addz(buf, i == 0 ? "" : "; ");

        if (fault->of == FAULT_OF_ALL) {
            clarity_buf_addz(buf, "the context");
        } else if (fault->of == FAULT_OF_NAME) {
            clarity_buf_addz(
                buf, clarity_quote(clarity_context_name(checker, fault)).text);
        } else {
            clarity_buf_add(buf, clarity_context_name(checker, fault));
        }

        clarity_buf_addz(buf, code_in_words(fault->code));
    }

    if (checker->nfaults > n) {
        clarity_buf_addf(buf, "; and %zu more", checker->nfaults - n);
    }
}


const char *
clarity_context_code_name(clarity_context_code_t code)
{
    switch (code) {
    case CLARITY_CONTEXT_MISSING: return "missing";
    case CLARITY_CONTEXT_OUT_OF_ORDER: return "out_of_order";
    case CLARITY_CONTEXT_UNKNOWN: return "unknown";
    case CLARITY_CONTEXT_DUPLICATE: return "duplicate";
    case CLARITY_CONTEXT_WRONG_TYPE: return "wrong_type";
    case CLARITY_CONTEXT_WRONG_FORMAT: return "wrong_format";
    case CLARITY_CONTEXT_NOT_ALLOWED: return "not_allowed";
    }

    return "";
}


static const char *
code_in_words(clarity_context_code_t code)
{
    switch (code) {
    case CLARITY_CONTEXT_MISSING: return " is missing";
    case CLARITY_CONTEXT_OUT_OF_ORDER: return " is out of order";
    case CLARITY_CONTEXT_UNKNOWN: return " is unknown";
    case CLARITY_CONTEXT_DUPLICATE: return " comes more than once";
    case CLARITY_CONTEXT_WRONG_TYPE: return " has a wrong type";
    case CLARITY_CONTEXT_WRONG_FORMAT: return " has a wrong format";
    case CLARITY_CONTEXT_NOT_ALLOWED:
        return " has a value that is not allowed";
    }

    return "";
}


static size_t
kept(const clarity_context_checker_t *checker)
{
    return checker->nfaults < CLARITY_CONTEXT_MAX_FAULTS
               ? checker->nfaults
               : CLARITY_CONTEXT_MAX_FAULTS;
}


static void
add_expected(clarity_buf_t *buf, const clarity_context_checker_t *checker)
{
    size_t i;

    clarity_buf_addz(buf, "\"expected\":[");

    for (i = 0; i < checker->trigger->ncontext; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        clarity_buf_add_json(buf, checker->trigger->context[i].name);
    }

    clarity_buf_addz(buf, "]");
}


static void
add_received(clarity_buf_t *buf, const clarity_context_checker_t *checker)
{
    int index;
    size_t i;
    const clarity_context_name_t *unknown;

    clarity_buf_addz(buf, ",\"received\":[");

    for (i = 0; i < checker->nreceived && i < CLARITY_CONTEXT_MAX_RECEIVED;
         i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        index = checker->received[i];

        if (index >= 0) {
            clarity_buf_add_json(buf, checker->trigger->context[index].name);
        } else {
            unknown = &checker->unknown[~index];
            clarity_buf_add_json(
                buf, (clarity_str_t){ unknown->shown, unknown->shown_len });
        }
    }

    clarity_buf_addz(buf, "]");
}


/* {"code":…,"parameter":…,"pointer":…,"detail":…} */
static void
add_error(clarity_buf_t *buf, const clarity_context_checker_t *checker,
    size_t index, clarity_buf_t *scratch)
{
    const clarity_context_fault_t *fault;

    fault = &checker->faults[index];

    clarity_buf_addf(buf, "{\"code\":\"%s\",\"parameter\":",
        clarity_context_code_name(fault->code));

    if (fault->of == FAULT_OF_ALL) {
        clarity_buf_addz(buf, "null,\"pointer\":\"\"");

    } else {
        clarity_buf_add_json(buf, clarity_context_name(checker, fault));
        clarity_buf_addz(buf, ",\"pointer\":");
        clarity_buf_reset(scratch);
        add_pointer(scratch, clarity_context_name(checker, fault));
        clarity_buf_add_json(buf, clarity_buf_str(scratch));
    }

    clarity_buf_addz(buf, ",\"detail\":");
    buf->failed |= scratch->failed;

    clarity_buf_reset(scratch);
    add_detail(scratch, checker, index);
    clarity_buf_add_json(buf, clarity_buf_str(scratch));
    buf->failed |= scratch->failed;

    clarity_buf_addz(buf, "}");
}


clarity_str_t
clarity_context_name(const clarity_context_checker_t *checker,
    const clarity_context_fault_t *fault)
{
    const clarity_context_name_t *unknown;

    if (fault->of == FAULT_OF_ALL) {
        return clarity_lit("");
    }

    if (fault->of == FAULT_OF_NAME) {
        unknown = &checker->unknown[fault->index];
        return (clarity_str_t){ unknown->shown, unknown->shown_len };
    }

    return checker->trigger->context[fault->index].name;
}


/* RFC 6901, section 3 */
static void
add_pointer(clarity_buf_t *buf, clarity_str_t name)
{
    size_t i;

    clarity_buf_addz(buf, "/");

    for (i = 0; i < name.len; i++) {
        switch (name.data[i]) {
        case '~': clarity_buf_addz(buf, "~0"); break;
        case '/': clarity_buf_addz(buf, "~1"); break;
        default: clarity_buf_add(buf, (clarity_str_t){ name.data + i, 1 });
        }
    }
}


static void
add_detail(
    clarity_buf_t *buf, const clarity_context_checker_t *checker, size_t index)
{
    const clarity_parameter_t *parameter;
    const clarity_context_slot_t *slot;
    const clarity_context_fault_t *fault;

    fault = &checker->faults[index];

    if (fault->of == FAULT_OF_ALL) {
        clarity_buf_addf(buf,
            "expected an object with the trigger's parameters, got %s",
            type_name(checker->type));
        return;
    }

    if (fault->of == FAULT_OF_NAME) {
        add_name_detail(buf, checker, fault);
        return;
    }

    slot = &checker->slots[fault->index];
    parameter = &checker->trigger->context[fault->index];

    switch (fault->code) {

    case CLARITY_CONTEXT_MISSING:
        clarity_buf_addz(buf, "required, but not there");
        if (parameter->types & CLARITY_TYPE_NULL) {
            clarity_buf_addz(buf, "; send null if it has no value");
        }
        break;

    case CLARITY_CONTEXT_OUT_OF_ORDER: add_order(buf, checker, index); break;

    case CLARITY_CONTEXT_DUPLICATE:
        clarity_buf_addf(buf, "came %zu times, expected once", slot->times);
        break;

    case CLARITY_CONTEXT_WRONG_TYPE:
        add_types(buf, parameter->types, slot->type);
        if (checker->not_json >> fault->index & 1) {
            clarity_buf_addz(buf, ", as what the query has here is no JSON");
        }
        break;

    case CLARITY_CONTEXT_WRONG_FORMAT:
        clarity_buf_addf(buf, "expected format %s: %s",
            clarity_format_name(parameter->format),
            format_expected(parameter->format));
        break;

    default: add_bound(buf, parameter, fault->value);
    }
}


static void
add_name_detail(clarity_buf_t *buf, const clarity_context_checker_t *checker,
    const clarity_context_fault_t *fault)
{
    if (fault->code == CLARITY_CONTEXT_DUPLICATE) {
        clarity_buf_addf(buf, "came %zu times, expected once",
            checker->unknown[fault->index].times);
        return;
    }

    clarity_buf_addz(buf, "not a parameter of the trigger ");
    clarity_buf_add(buf, checker->trigger->name);
    clarity_buf_addz(buf, "; leave it out");
}


static void
add_order(
    clarity_buf_t *buf, const clarity_context_checker_t *checker, size_t index)
{
    size_t i;
    const clarity_context_fault_t *fault;

    fault = &checker->faults[index];

    clarity_buf_addf(buf,
        "stands at place %zu of the trigger's parameters, expected at place "
        "%zu",
        checker->slots[fault->index].place + 1, fault->place + 1);

    for (i = fault->index; i != 0; i--) {
        if (checker->slots[i - 1].times != 0) {
            clarity_buf_addz(buf, ", after ");
            clarity_buf_add(buf, checker->trigger->context[i - 1].name);
            break;
        }
    }

    for (i = 0; checker->faults[i].code != CLARITY_CONTEXT_OUT_OF_ORDER; i++) {
        /* the first of them */
    }

    if (i == index) {
        clarity_buf_addz(buf,
            "; the usual cause is a map that sorts its keys or keeps no "
            "order: write the parameters in the displayed order");
    }
}


static void
add_types(clarity_buf_t *buf, unsigned types, unsigned got)
{
    bool more;
    unsigned type;

    clarity_buf_addz(buf, "expected ");
    more = false;

    for (type = CLARITY_TYPE_NULL; type <= CLARITY_TYPE_OBJECT; type <<= 1) {
        if (types & type) {
            clarity_buf_addz(buf, more ? " or " : "");
            clarity_buf_addz(buf, type_name(type));
            more = true;
        }
    }

    clarity_buf_addf(buf, ", got %s%s", type_name(got),
        got == CLARITY_TYPE_NUMBER && (types & CLARITY_TYPE_INTEGER)
            ? " with a fraction"
            : "");
}


static const char *
format_expected(clarity_format_t format)
{
    switch (format) {
    case CLARITY_FORMAT_NONE: break;
    case CLARITY_FORMAT_DATE: return "a day by RFC 3339, as 2026-08-02";
    case CLARITY_FORMAT_DATE_TIME:
        return "a time by RFC 3339, as 2026-08-02T09:30:00Z";
    case CLARITY_FORMAT_DATE_OR_DATE_TIME:
        return "a day or a time by RFC 3339, as 2026-08-02 or "
               "2026-08-02T09:30:00Z";
    case CLARITY_FORMAT_UUID:
        return "a UUID by RFC 4122, as f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    case CLARITY_FORMAT_EMAIL: return "an address, as name@example.com";
    }

    return "";
}


static void
add_bound(
    clarity_buf_t *buf, const clarity_parameter_t *parameter, unsigned value)
{
    switch (value) {
    case CLARITY_VALUE_MIN_LENGTH:
        clarity_buf_addf(buf, "shorter than minLength, which is %zu",
            parameter->min_length);
        break;

    case CLARITY_VALUE_MAX_LENGTH:
        clarity_buf_addf(
            buf, "longer than maxLength, which is %zu", parameter->max_length);
        break;

    case CLARITY_VALUE_MINIMUM:
        clarity_buf_addz(buf, "less than minimum, ");
        add_number(buf, parameter->minimum);
        break;

    case CLARITY_VALUE_MAXIMUM:
        clarity_buf_addz(buf, "greater than maximum, ");
        add_number(buf, parameter->maximum);
        break;

    default: add_enum(buf, parameter);
    }
}


static void
add_enum(clarity_buf_t *buf, const clarity_parameter_t *parameter)
{
    size_t i, start;
    const clarity_enum_t *value;

    clarity_buf_addz(buf, "not in enum, which allows ");
    start = buf->len;

    for (i = 0; i < parameter->nvalues; i++) {
        value = &parameter->values[i];
        clarity_buf_addz(buf, i == 0 ? "" : ", ");

        if (buf->len - start > ENUM_SHOWN) {
            clarity_buf_addz(buf, "\xe2\x80\xa6");
            return;
        }

        switch (value->type) {
        case CLARITY_TYPE_STRING:
            clarity_buf_addz(buf, clarity_quote(value->text).text);
            break;
        case CLARITY_TYPE_NUMBER: add_number(buf, value->text); break;
        case CLARITY_TYPE_BOOLEAN:
            clarity_buf_addz(buf, value->boolean ? "true" : "false");
            break;
        default: clarity_buf_addz(buf, "null");
        }
    }
}


/* As written in triggers.json, which sets no limit. */
static void
add_number(clarity_buf_t *buf, clarity_str_t number)
{
    if (number.len <= NUMBER_SHOWN) {
        clarity_buf_add(buf, number);
        return;
    }

    clarity_buf_add(buf, (clarity_str_t){ number.data, NUMBER_SHOWN });
    clarity_buf_addz(buf, "\xe2\x80\xa6");
}


static const char *
type_name(unsigned type)
{
    switch (type) {
    case CLARITY_TYPE_NULL: return "null";
    case CLARITY_TYPE_BOOLEAN: return "a boolean";
    case CLARITY_TYPE_NUMBER: return "a number";
    case CLARITY_TYPE_INTEGER: return "an integer";
    case CLARITY_TYPE_STRING: return "a string";
    case CLARITY_TYPE_ARRAY: return "an array";
    default: return "an object";
    }
}
