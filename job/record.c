#include "job/record.h"

#include <inttypes.h>

#include "json/number.h"
#include "json/text.h"

static void write_head(
    clarity_buf_t *buf, clarity_state_t state, unsigned attempt);
static void write_time(clarity_buf_t *buf, const char *name, uint64_t ms);
static void write_reason(clarity_buf_t *buf, clarity_str_t reason);
static void write_result(
    clarity_buf_t *buf, unsigned status, clarity_str_t body);
static bool add_json_body(clarity_buf_t *buf, clarity_str_t body);
static bool fits_record(void *data, const clarity_json_token_t *token);
static bool add_text_body(clarity_buf_t *buf, clarity_str_t body);
static clarity_json_doc_t *read_head(clarity_str_t text,
    clarity_state_t *state, unsigned *attempt, clarity_error_t *error);
static size_t get_number(
    const clarity_json_t *object, clarity_str_t name, size_t max);
static clarity_str_t get_text(
    const clarity_json_t *object, clarity_str_t name);


void
clarity_run_field(clarity_buf_t *buf, clarity_str_t workflow)
{
    clarity_buf_addz(buf, CLARITY_RUN_FIELD);
    clarity_buf_add(buf, workflow);
}


void
clarity_step_field(
    clarity_buf_t *buf, clarity_str_t workflow, clarity_str_t step)
{
    clarity_buf_addz(buf, CLARITY_STEP_FIELD);
    clarity_buf_add(buf, workflow);
    clarity_buf_addz(buf, ":");
    clarity_buf_add(buf, step);
}


bool
clarity_run_field_parse(clarity_str_t field, clarity_str_t *workflow)
{
    clarity_str_t prefix;

    prefix = clarity_lit(CLARITY_RUN_FIELD);

    if (field.len <= prefix.len
        || memcmp(field.data, prefix.data, prefix.len) != 0)
    {
        return false;
    }

    workflow->data = field.data + prefix.len;
    workflow->len = field.len - prefix.len;

    return true;
}


bool
clarity_step_field_parse(
    clarity_str_t field, clarity_str_t *workflow, clarity_str_t *step)
{
    const char *colon, *end;
    clarity_str_t prefix;

    prefix = clarity_lit(CLARITY_STEP_FIELD);

    if (field.len <= prefix.len
        || memcmp(field.data, prefix.data, prefix.len) != 0)
    {
        return false;
    }

    end = field.data + field.len;
    workflow->data = field.data + prefix.len;

    colon = memchr(workflow->data, ':', field.len - prefix.len);

    if (colon == NULL) {
        return false;
    }

    workflow->len = (size_t) (colon - workflow->data);
    step->data = colon + 1;
    step->len = (size_t) (end - step->data);

    return workflow->len > 0 && step->len > 0;
}


void
clarity_run_write(clarity_buf_t *buf, const clarity_run_record_t *run,
    const clarity_str_t *steps, size_t n)
{
    size_t i;

    write_head(buf, run->state, run->attempt);

    clarity_buf_addz(buf, ",\"digest\":");
    clarity_buf_add_json(buf, run->digest);
    clarity_buf_addz(buf, ",\"steps\":[");

    for (i = 0; i < n; i++) {
        clarity_buf_addz(buf, i > 0 ? "," : "");
        clarity_buf_add_json(buf, steps[i]);
    }

    clarity_buf_addz(buf, "]");

    write_time(buf, "next", run->next);
    write_reason(buf, run->reason);

    clarity_buf_addz(buf, "}");
}


void
clarity_step_write(
    clarity_buf_t *buf, const clarity_step_record_t *step, clarity_str_t body)
{
    write_head(buf, step->state, step->attempt);

    write_time(buf, "started", step->started);
    write_time(buf, "ended", step->ended);
    write_reason(buf, step->reason);

    if (step->status != 0 || body.len > 0) {
        write_result(buf, step->status, body);
    }

    clarity_buf_addz(buf, "}");
}


bool
clarity_run_read(
    clarity_str_t text, clarity_run_record_t *run, clarity_error_t *error)
{
    const clarity_json_t *root;

    memset(run, 0, sizeof(*run));

    run->doc = read_head(text, &run->state, &run->attempt, error);

    if (run->doc == NULL) {
        return false;
    }

    root = run->doc->root;

    run->digest = get_text(root, clarity_lit("digest"));
    run->reason = get_text(root, clarity_lit("reason"));
    run->next = get_number(root, clarity_lit("next"), SIZE_MAX);
    run->steps = clarity_json_get(root, clarity_lit("steps"));

    return true;
}


bool
clarity_step_read(
    clarity_str_t text, clarity_step_record_t *step, clarity_error_t *error)
{
    const clarity_json_t *root;

    memset(step, 0, sizeof(*step));

    step->doc = read_head(text, &step->state, &step->attempt, error);

    if (step->doc == NULL) {
        return false;
    }

    root = step->doc->root;

    step->started = get_number(root, clarity_lit("started"), SIZE_MAX);
    step->ended = get_number(root, clarity_lit("ended"), SIZE_MAX);
    step->reason = get_text(root, clarity_lit("reason"));
    step->result = clarity_json_get(root, clarity_lit("result"));

    if (step->result != NULL) {
        step->status = (unsigned) get_number(
            step->result, clarity_lit("status"), UINT32_MAX);
    }

    return true;
}


void
clarity_run_record_free(clarity_run_record_t *run)
{
    clarity_json_free(run->doc);
    memset(run, 0, sizeof(*run));
}


void
clarity_step_record_free(clarity_step_record_t *step)
{
    clarity_json_free(step->doc);
    memset(step, 0, sizeof(*step));
}


static void
write_head(clarity_buf_t *buf, clarity_state_t state, unsigned attempt)
{
    clarity_buf_addf(buf, "{\"state\":\"%s\",\"attempt\":%u",
        clarity_state_name(state), attempt);
}


static void
write_time(clarity_buf_t *buf, const char *name, uint64_t ms)
{
    if (ms != 0) {
        clarity_buf_addf(buf, ",\"%s\":%" PRIu64, name, ms);
    }
}


static void
write_reason(clarity_buf_t *buf, clarity_str_t reason)
{
    if (reason.len > 0) {
        clarity_buf_addz(buf, ",\"reason\":");
        clarity_buf_add_json(buf, reason);
    }
}


static void
write_result(clarity_buf_t *buf, unsigned status, clarity_str_t body)
{
    clarity_buf_addf(buf, ",\"result\":{\"status\":%u,\"body\":", status);

    if (body.len == 0) {
        clarity_buf_addz(buf, "null");

    } else if (body.len > CLARITY_BODY_KEPT
               || (!add_json_body(buf, body) && !add_text_body(buf, body)))
    {
        clarity_buf_addf(buf, "null,\"body_dropped\":%zu", body.len);
    }

    clarity_buf_addz(buf, "}");
}


static bool
add_json_body(clarity_buf_t *buf, clarity_str_t body)
{
    clarity_json_fault_t fault;
    clarity_json_reader_t *reader;
    clarity_json_status_t status;

    reader = clarity_json_reader_create();

    if (reader == NULL) {
        buf->failed = true;
        return true;
    }

    status = clarity_json_read(reader, body, fits_record, NULL, &fault);

    clarity_json_reader_free(reader);

    if (status == CLARITY_JSON_OK) {
        clarity_buf_add(buf, body);
        return true;
    }

    return false;
}


/* Within the record, two levels deeper, it must be readable too. */

static bool
fits_record(void *data, const clarity_json_token_t *token)
{
    (void) data;

    return token->depth < CLARITY_JSON_MAX_DEPTH - 2;
}


static bool
add_text_body(clarity_buf_t *buf, clarity_str_t body)
{
    const char *p, *end;
    size_t n;

    end = body.data + body.len;

    for (p = body.data; p < end; p += n) {
        n = clarity_utf8_char(p, end);

        if (n == 0) {
            return false;
        }
    }

    clarity_buf_add_json(buf, body);

    return true;
}


static clarity_json_doc_t *
read_head(clarity_str_t text, clarity_state_t *state, unsigned *attempt,
    clarity_error_t *error)
{
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(text, "record", 0, error);

    if (doc == NULL) {
        return NULL;
    }

    if (!clarity_state_parse(get_text(doc->root, clarity_lit("state")), state))
    {
        clarity_error(error, "record:1: has no \"state\" that is one");
        clarity_json_free(doc);
        return NULL;
    }

    *attempt =
        (unsigned) get_number(doc->root, clarity_lit("attempt"), UINT32_MAX);

    return doc;
}


static size_t
get_number(const clarity_json_t *object, clarity_str_t name, size_t max)
{
    size_t n;
    const clarity_json_t *value;

    value = clarity_json_get(object, name);

    if (value == NULL || value->kind != CLARITY_NUMBER
        || !clarity_number_to_size(value->text, max, &n))
    {
        return 0;
    }

    return n;
}


static clarity_str_t
get_text(const clarity_json_t *object, clarity_str_t name)
{
    const clarity_json_t *value;

    value = clarity_json_get(object, name);

    if (value == NULL || value->kind != CLARITY_STRING) {
        return clarity_lit("");
    }

    return value->text;
}
