#include "webhook/checker.h"
#include "json/text.h"

#include <stdint.h>

/* A parameter as it stands in the query, escapes and all. */
typedef struct {
    clarity_str_t name;
    clarity_str_t value;
} pair_t;

static clarity_context_status_t write_query(clarity_context_checker_t *checker,
    clarity_str_t query, clarity_json_fault_t *fault);
static bool next_pair(clarity_str_t *rest, pair_t *pair);
static clarity_str_t cut(clarity_str_t *rest, char separator);
static size_t find(const clarity_trigger_t *trigger, clarity_str_t name);
static clarity_context_status_t write_value(
    clarity_context_checker_t *checker, size_t index, clarity_str_t text);
static bool fits_context(void *data, const clarity_json_token_t *token);
static bool decode(clarity_context_checker_t *checker, clarity_str_t query,
    clarity_str_t part, clarity_json_fault_t *fault);
static const char *decode_part(
    clarity_buf_t *buf, clarity_str_t part, size_t *wrong);
static const char *check_text(clarity_str_t text, size_t *wrong);
static size_t encoded_length(clarity_str_t part, size_t n);
static int hex_digit(char c);


clarity_context_status_t
clarity_context_check_query(clarity_context_checker_t *checker,
    const clarity_trigger_t *trigger, clarity_context_rules_t rules,
    clarity_str_t query, clarity_json_fault_t *fault)
{
    clarity_context_status_t status;

    checker->trigger = trigger;
    checker->not_json = 0;

    status = write_query(checker, query, fault);

    if (status != CLARITY_CONTEXT_VALID) {
        return status;
    }

    return clarity_context_check_text(
        checker, trigger, rules, clarity_buf_str(&checker->query), fault);
}


/* checker->query: the object that a body would have been. */
static clarity_context_status_t
write_query(clarity_context_checker_t *checker, clarity_str_t query,
    clarity_json_fault_t *fault)
{
    size_t index;
    pair_t pair;
    clarity_str_t rest;
    clarity_buf_t *out = &checker->query;
    clarity_context_status_t status;

    rest = query;
    clarity_buf_reset(out);
    clarity_buf_addz(out, "{");

    while (next_pair(&rest, &pair)) {
        if (!decode(checker, query, pair.name, fault)) {
            return CLARITY_CONTEXT_BAD_JSON;
        }

        index = find(checker->trigger, clarity_buf_str(&checker->piece));

        clarity_buf_addz(out, out->len == 1 ? "" : ",");
        clarity_buf_add_json(out, clarity_buf_str(&checker->piece));
        clarity_buf_addz(out, ":");

        if (!decode(checker, query, pair.value, fault)) {
            return CLARITY_CONTEXT_BAD_JSON;
        }

        status = write_value(checker, index, clarity_buf_str(&checker->piece));

        if (status != CLARITY_CONTEXT_VALID) {
            return status;
        }
    }

    clarity_buf_addz(out, "}");

    /* A piece that could not be kept went into it as less than it was. */
    return out->failed ? CLARITY_CONTEXT_NO_MEMORY : CLARITY_CONTEXT_VALID;
}


/* As of a form: nothing between two '&' is nothing, no '=' is no value. */
static bool
next_pair(clarity_str_t *rest, pair_t *pair)
{
    while (rest->len != 0) {
        pair->value = cut(rest, '&');

        if (pair->value.len != 0) {
            pair->name = cut(&pair->value, '=');
            return true;
        }
    }

    return false;
}


/* What stands before the separator, which *rest then starts behind. */
static clarity_str_t
cut(clarity_str_t *rest, char separator)
{
    size_t n;
    const char *p;
    clarity_str_t head;

    p = memchr(rest->data, separator, rest->len);
    n = p == NULL ? rest->len : (size_t) (p - rest->data);

    head.data = rest->data;
    head.len = n;

    if (p != NULL) {
        n++;
    }

    rest->data += n;
    rest->len -= n;

    return head;
}


/* SIZE_MAX: none of the trigger's. */
static size_t
find(const clarity_trigger_t *trigger, clarity_str_t name)
{
    size_t i;

    for (i = 0; i < trigger->ncontext; i++) {
        if (clarity_str_eq(trigger->context[i].name, name)) {
            return i;
        }
    }

    return SIZE_MAX;
}


/*
 * A string where the type allows one, but for the bare word null where null
 * is allowed; else it is read as JSON. What is not JSON then becomes a string
 * all the same, which its type refuses: a fault beside the others.
 */
static clarity_context_status_t
write_value(
    clarity_context_checker_t *checker, size_t index, clarity_str_t text)
{
    unsigned types;
    clarity_buf_t *out = &checker->query;
    clarity_json_fault_t fault;

    types = index == SIZE_MAX ? 0 : checker->trigger->context[index].types;

    if ((types == 0 || (types & CLARITY_TYPE_NULL))
        && clarity_str_is(text, "null"))
    {
        clarity_buf_add(out, text);
        return CLARITY_CONTEXT_VALID;
    }

    if (types == 0 || (types & CLARITY_TYPE_STRING)) {
        clarity_buf_add_json(out, text);
        return CLARITY_CONTEXT_VALID;
    }

    switch (
        clarity_json_read(checker->reader, text, fits_context, NULL, &fault)) {

    case CLARITY_JSON_OK: clarity_buf_add(out, text); break;

    case CLARITY_JSON_NO_MEMORY: return CLARITY_CONTEXT_NO_MEMORY;

    default:
        checker->not_json |= UINT64_C(1) << index;
        clarity_buf_add_json(out, text);
    }

    return CLARITY_CONTEXT_VALID;
}


/* In the context it stands a level deeper. */
static bool
fits_context(void *data, const clarity_json_token_t *token)
{
    (void) data;

    return token->depth < CLARITY_JSON_MAX_DEPTH - 1
           || (token->type != CLARITY_JSON_OBJECT_START
               && token->type != CLARITY_JSON_ARRAY_START);
}


/* checker->piece: the part's text. false and *fault, in the query: it has
 * none. */
static bool
decode(clarity_context_checker_t *checker, clarity_str_t query,
    clarity_str_t part, clarity_json_fault_t *fault)
{
    size_t wrong;
    const char *reason;
    clarity_buf_t *piece = &checker->piece;

    clarity_buf_reset(piece);

    if (clarity_buf_reserve(piece, part.len) == NULL && part.len != 0) {
        checker->query.failed = true;
        return true;
    }

    reason = decode_part(piece, part, &wrong);

    if (reason == NULL) {
        reason = check_text(clarity_buf_str(piece), &wrong);

        if (reason == NULL) {
            return true;
        }

        wrong = encoded_length(part, wrong);
    }

    fault->reason = reason;
    fault->offset = (size_t) (part.data - query.data) + wrong;
    fault->line = 1;
    fault->column = fault->offset + 1;
    fault->inside = 0;

    return false;
}


/* There is room for it. Why not, and which byte is wrong. */
static const char *
decode_part(clarity_buf_t *buf, clarity_str_t part, size_t *wrong)
{
    size_t i;
    int high, low;

    for (i = 0; i < part.len; i++) {
        if (part.data[i] == '+') {
            buf->data[buf->len++] = ' ';
            continue;
        }

        if (part.data[i] != '%') {
            buf->data[buf->len++] = part.data[i];
            continue;
        }

        high = part.len - i > 2 ? hex_digit(part.data[i + 1]) : -1;
        low = part.len - i > 2 ? hex_digit(part.data[i + 2]) : -1;

        if (high < 0 || low < 0) {
            *wrong = i;
            return "a '%' without two hex digits; '%' itself is written %25";
        }

        buf->data[buf->len++] = (char) (high << 4 | low);
        i += 2;
    }

    return NULL;
}


static const char *
check_text(clarity_str_t text, size_t *wrong)
{
    size_t i, n;

    for (i = 0; i < text.len; i += n) {
        *wrong = i;

        if (text.data[i] == '\0') {
            return "a NUL byte";
        }

        n = clarity_utf8_char(text.data + i, text.data + text.len);

        if (n == 0) {
            return "not UTF-8";
        }
    }

    return NULL;
}


/* Bytes of the part that the first n of its text come from. */
static size_t
encoded_length(clarity_str_t part, size_t n)
{
    size_t i;

    for (i = 0; n != 0; n--) {
        i += part.data[i] == '%' ? 3 : 1;
    }

    return i;
}


static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
