#include "job/view.h"

#include <stdlib.h>
#include <time.h>

#include "job/record.h"
#include "json/number.h"

/* The fields and values of a reply, without where the entry is. */
typedef struct {
    const clarity_str_t *list;
    size_t n;
} fields_t;

typedef struct {
    clarity_str_t workflow;
    clarity_str_t value;
} run_t;

static bool get_state(
    const clarity_str_t *reply, size_t n, clarity_state_t *state);
static bool write_runs(clarity_buf_t *buf, fields_t fields);
static size_t find_runs(fields_t fields, run_t *runs);
static int by_workflow(const void *a, const void *b);
static bool write_run(clarity_buf_t *buf, fields_t fields, const run_t *run);
static void write_step(clarity_buf_t *buf, fields_t fields,
    clarity_str_t workflow, clarity_str_t id, bool run_ended);
static void find_step(fields_t fields, clarity_str_t workflow,
    clarity_str_t id, clarity_step_record_t *step);
static uint64_t to_number(clarity_str_t digits);
static void add_text(clarity_buf_t *buf, const char *name, clarity_str_t text);
static void add_time(clarity_buf_t *buf, const char *name, uint64_t ms);

/*
 * A record's result, with its body, stands at the end of it, and there is no
 * bare quote in a string: the text that is looked for stands where it seems to.
 */
const clarity_script_t clarity_script_view = {
    "view",
    "local out, seen = { 'gone' }, {}\n"
    "local function add(field, value)\n"
    "  if field == 'context' or seen[field] then return end\n"
    "  if string.sub(field, 1, 5) == 'step:' then\n"
    "    local at = string.find(value, ',\"body\":', 1, true)\n"
    "    if at then value = string.sub(value, 1, at - 1) .. '}}' end\n"
    "  end\n"
    "  seen[field] = true\n"
    "  out[#out + 1] = field\n"
    "  out[#out + 1] = value\n"
    "end\n"
    "local hash = redis.call('HGETALL', KEYS[2])\n"
    "for i = 1, #hash, 2 do add(hash[i], hash[i + 1]) end\n"
    "local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]\n"
    "if not entry then return out end\n"
    "for i = 1, #entry[2], 2 do add(entry[2][i], entry[2][i + 1]) end\n"
    "local function order(id)\n"
    "  local ms, seq = string.match(id, '^(%d+)-(%d+)$')\n"
    "  return tonumber(ms), tonumber(seq)\n"
    "end\n"
    "local ms, seq = order(ARGV[2])\n"
    "out[1] = 'queued'\n"
    "for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "  local of = {}\n"
    "  for i = 1, #group, 2 do of[group[i]] = group[i + 1] end\n"
    "  if of['name'] == ARGV[1] then\n"
    "    local last, nth = order(of['last-delivered-id'])\n"
    "    if last > ms or (last == ms and nth >= seq) then\n"
    "      out[1] = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2],\n"
    "        ARGV[2], 1)[1] and 'running' or 'gone'\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return out\n",
};


void
clarity_view_call(clarity_view_call_t *call, clarity_str_t prefix,
    const clarity_job_id_t *id)
{
    clarity_key_jobs(&call->stream, prefix, id->shard);
    clarity_key_job(&call->hash, prefix, id);
    clarity_job_id_entry(id, call->entry);

    call->argv[0] = clarity_lit("EVAL");
    call->argv[1] = clarity_str(clarity_script_view.lua);
    call->argv[2] = clarity_lit("2");
    call->argv[3] = clarity_key_str(&call->stream);
    call->argv[4] = clarity_key_str(&call->hash);
    call->argv[5] = clarity_lit(CLARITY_GROUP);
    call->argv[6] = clarity_str(call->entry);
}


clarity_str_t
clarity_view_field(const clarity_str_t *reply, size_t n, const char *name)
{
    size_t i;

    for (i = 1; i + 1 < n; i += 2) {
        if (clarity_str_is(reply[i], name)) {
            return reply[i + 1];
        }
    }

    return clarity_lit("");
}


clarity_view_status_t
clarity_view_write(clarity_buf_t *buf, const clarity_job_id_t *id,
    const clarity_str_t *reply, size_t n)
{
    fields_t fields;
    clarity_state_t state;
    char text[CLARITY_JOB_ID_MAX];

    if (n == 0 || !get_state(reply, n, &state)) {
        return CLARITY_VIEW_NONE;
    }

    fields.list = reply + 1;
    fields.n = (n - 1) / 2 * 2;

    clarity_job_id_format(id, text);

    clarity_buf_addf(buf, "{\"job_id\":\"%s\"", text);
    add_text(buf, "trigger", clarity_view_field(reply, n, "trigger"));
    add_text(buf, "webhook", clarity_view_field(reply, n, "webhook"));
    add_text(buf, "state", clarity_str(clarity_state_name(state)));
    add_text(buf, "reason", clarity_view_field(reply, n, "reason"));
    add_time(buf, "received_at",
        to_number(clarity_view_field(reply, n, "received")));

    if (!write_runs(buf, fields)) {
        return CLARITY_VIEW_UNREADABLE;
    }

    clarity_buf_addz(buf, "}\n");

    return CLARITY_VIEW_FOUND;
}


/* The hash's, where it has one; else by where the entry is. */
static bool
get_state(const clarity_str_t *reply, size_t n, clarity_state_t *state)
{
    return clarity_state_parse(clarity_view_field(reply, n, "state"), state)
           || clarity_state_parse(reply[0], state);
}


/* In the order of the workflows' ids: a hash has none. */
static bool
write_runs(clarity_buf_t *buf, fields_t fields)
{
    bool ok;
    run_t *runs;
    size_t i, n;

    runs = malloc((fields.n / 2 + 1) * sizeof(*runs));
    if (runs == NULL) {
        buf->failed = true;
        return true;
    }

    n = find_runs(fields, runs);

    clarity_buf_addz(buf, ",\"runs\":[");
    ok = true;

    for (i = 0; i < n && ok; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        ok = write_run(buf, fields, &runs[i]);
    }

    clarity_buf_addz(buf, "]");
    free(runs);

    return ok;
}


static size_t
find_runs(fields_t fields, run_t *runs)
{
    size_t i, n;

    n = 0;

    for (i = 0; i < fields.n; i += 2) {
        if (clarity_run_field_parse(fields.list[i], &runs[n].workflow)) {
            runs[n++].value = fields.list[i + 1];
        }
    }

    qsort(runs, n, sizeof(*runs), by_workflow);

    return n;
}


static int
by_workflow(const void *a, const void *b)
{
    int order;
    size_t n;
    clarity_str_t x = ((const run_t *) a)->workflow;
    clarity_str_t y = ((const run_t *) b)->workflow;

    n = x.len < y.len ? x.len : y.len;
    order = memcmp(x.data, y.data, n);

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}


static bool
write_run(clarity_buf_t *buf, fields_t fields, const run_t *run)
{
    bool ended;
    clarity_error_t error;
    const clarity_json_t *id;
    clarity_run_record_t record;

    if (!clarity_run_read(run->value, &record, &error)) {
        clarity_run_record_free(&record);
        return false;
    }

    clarity_buf_addz(buf, "{\"workflow\":");
    clarity_buf_add_json(buf, run->workflow);
    clarity_buf_addf(buf, ",\"state\":\"%s\",\"attempt\":%u",
        clarity_state_name(record.state), record.attempt);
    add_text(buf, "reason", record.reason);

    if (record.next != 0) {
        add_time(buf, "next_at", record.next);
    }

    clarity_buf_addz(buf, ",\"steps\":[");
    ended = clarity_state_is_final(record.state);
    id = record.steps == NULL ? NULL : record.steps->first;

    for (; id != NULL; id = id->next) {
        write_step(buf, fields, run->workflow, id->text, ended);
        clarity_buf_addz(buf, id->next == NULL ? "" : ",");
    }

    clarity_buf_addz(buf, "]}");
    clarity_run_record_free(&record);

    return true;
}


static void
write_step(clarity_buf_t *buf, fields_t fields, clarity_str_t workflow,
    clarity_str_t id, bool run_ended)
{
    clarity_step_record_t step;

    find_step(fields, workflow, id, &step);

    /* In a run that has ended none will be begun, nor go on. */
    if (run_ended && !clarity_state_is_final(step.state)) {
        step.state = CLARITY_SKIPPED;
    }

    clarity_buf_addz(buf, "{\"id\":");
    clarity_buf_add_json(buf, id);
    clarity_buf_addf(buf, ",\"state\":\"%s\",\"attempt\":%u",
        clarity_state_name(step.state), step.attempt);

    if (step.status != 0) {
        clarity_buf_addf(buf, ",\"status\":%u", step.status);
    }

    add_text(buf, "reason", step.reason);
    add_time(buf, "started_at", step.started);
    add_time(buf, "ended_at", step.ended);
    clarity_buf_addz(buf, "}");

    clarity_step_record_free(&step);
}


/* One that has no field, or none that can be read, was not begun. */
static void
find_step(fields_t fields, clarity_str_t workflow, clarity_str_t id,
    clarity_step_record_t *step)
{
    size_t i;
    clarity_error_t error;
    clarity_str_t of, name;

    for (i = 0; i < fields.n; i += 2) {
        if (clarity_step_field_parse(fields.list[i], &of, &name)
            && clarity_str_eq(of, workflow) && clarity_str_eq(name, id)
            && clarity_step_read(fields.list[i + 1], step, &error))
        {
            return;
        }
    }

    memset(step, 0, sizeof(*step));
    step->state = CLARITY_PENDING;
}


/* 0 if it is none. */
static uint64_t
to_number(clarity_str_t digits)
{
    size_t i, n;

    for (i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return 0;
        }
    }

    return i != 0 && clarity_number_to_size(digits, SIZE_MAX, &n) ? n : 0;
}


/* null where it is empty. */
static void
add_text(clarity_buf_t *buf, const char *name, clarity_str_t text)
{
    clarity_buf_addf(buf, ",\"%s\":", name);

    if (text.len == 0) {
        clarity_buf_addz(buf, "null");
    } else {
        clarity_buf_add_json(buf, text);
    }
}


/* RFC 3339 in UTC; null for 0. */
static void
add_time(clarity_buf_t *buf, const char *name, uint64_t ms)
{
    struct tm tm;
    time_t seconds;
    char text[sizeof("292277026596-11-19T07:06:40")];

    seconds = (time_t) (ms / 1000);

    if (ms == 0 || gmtime_r(&seconds, &tm) == NULL
        || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
    {
        clarity_buf_addf(buf, ",\"%s\":null", name);
        return;
    }

    clarity_buf_addf(
        buf, ",\"%s\":\"%s.%03uZ\"", name, text, (unsigned) (ms % 1000));
}
