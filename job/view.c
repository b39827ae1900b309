#include "job/view.h"

#include <stdlib.h>

#include "job/member.h"
#include "json/number.h"

/* The fields and values of a reply, without where the entry is. */
typedef struct {
    const clarity_str_t *list;
    size_t n;
} fields_t;

static bool get_state(
    const clarity_str_t *reply, size_t n, clarity_state_t *state);
static clarity_view_status_t read_runs(clarity_view_job_t *job, fields_t of);
static int by_workflow(const void *a, const void *b);
static clarity_view_status_t read_steps(clarity_view_run_t *run, fields_t of);
static void find_step(
    fields_t of, clarity_str_t workflow, clarity_view_step_t *step);
static uint64_t to_number(clarity_str_t digits);
static void write_run(clarity_buf_t *buf, const clarity_view_run_t *run);
static void write_step(clarity_buf_t *buf, const clarity_view_step_t *step);

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
clarity_view_read(clarity_view_job_t *job, const clarity_job_id_t *id,
    const clarity_str_t *reply, size_t n)
{
    fields_t fields;

    memset(job, 0, sizeof(*job));

    if (n == 0 || !get_state(reply, n, &job->state)) {
        return CLARITY_VIEW_NONE;
    }

    job->id = *id;
    job->trigger = clarity_view_field(reply, n, "trigger");
    job->webhook = clarity_view_field(reply, n, "webhook");
    job->reason = clarity_view_field(reply, n, "reason");
    job->received = to_number(clarity_view_field(reply, n, "received"));

    fields.list = reply + 1;
    fields.n = (n - 1) / 2 * 2;

    return read_runs(job, fields);
}


void
clarity_view_job_free(clarity_view_job_t *job)
{
    size_t i, j;
    clarity_view_run_t *run;

    for (i = 0; i < job->nruns; i++) {
        run = &job->runs[i];

        for (j = 0; j < run->nsteps; j++) {
            clarity_step_record_free(&run->steps[j].record);
        }

        clarity_run_record_free(&run->record);
        free(run->steps);
        free(run->step_ids);
    }

    free(job->runs);
    memset(job, 0, sizeof(*job));
}


clarity_view_status_t
clarity_view_write(clarity_buf_t *buf, const clarity_job_id_t *id,
    const clarity_str_t *reply, size_t n)
{
    clarity_view_job_t job;
    clarity_view_status_t status;

    status = clarity_view_read(&job, id, reply, n);

    if (status == CLARITY_VIEW_FOUND) {
        clarity_view_show(buf, &job);

    } else if (status == CLARITY_VIEW_NO_MEMORY) {
        buf->failed = true;
    }

    clarity_view_job_free(&job);

    return status;
}


void
clarity_view_show(clarity_buf_t *buf, const clarity_view_job_t *job)
{
    size_t i;

    clarity_member_job(buf, &job->id);
    clarity_member_text(buf, "trigger", job->trigger);
    clarity_member_text(buf, "webhook", job->webhook);
    clarity_member_text(
        buf, "state", clarity_str(clarity_state_name(job->state)));
    clarity_member_text(buf, "reason", job->reason);
    clarity_member_time(buf, "received_at", job->received);
    clarity_buf_addz(buf, ",\"runs\":[");

    for (i = 0; i < job->nruns; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        write_run(buf, &job->runs[i]);
    }

    clarity_buf_addz(buf, "]}\n");
}


/* The hash's, where it has one; else by where the entry is. */
static bool
get_state(const clarity_str_t *reply, size_t n, clarity_state_t *state)
{
    return clarity_state_parse(clarity_view_field(reply, n, "state"), state)
           || clarity_state_parse(reply[0], state);
}


/* In the order of the workflows' ids: a hash has none. */
static clarity_view_status_t
read_runs(clarity_view_job_t *job, fields_t of)
{
    size_t i;
    clarity_error_t error;
    clarity_view_run_t *run;
    clarity_view_status_t status;

    job->runs = calloc(of.n / 2 + 1, sizeof(*job->runs));
    if (job->runs == NULL) {
        return CLARITY_VIEW_NO_MEMORY;
    }

    for (i = 0; i < of.n; i += 2) {
        run = &job->runs[job->nruns];

        if (!clarity_run_field_parse(of.list[i], &run->workflow)) {
            continue;
        }

        job->nruns++;

        if (!clarity_run_read(of.list[i + 1], &run->record, &error)) {
            job->unreadable = run->workflow;
            return CLARITY_VIEW_UNREADABLE;
        }

        status = read_steps(run, of);

        if (status != CLARITY_VIEW_FOUND) {
            return status;
        }
    }

    qsort(job->runs, job->nruns, sizeof(*job->runs), by_workflow);

    return CLARITY_VIEW_FOUND;
}


static int
by_workflow(const void *a, const void *b)
{
    return clarity_str_cmp(((const clarity_view_run_t *) a)->workflow,
        ((const clarity_view_run_t *) b)->workflow);
}


static clarity_view_status_t
read_steps(clarity_view_run_t *run, fields_t of)
{
    const clarity_json_t *id;
    clarity_view_step_t *step;

    if (run->record.steps == NULL) {
        return CLARITY_VIEW_FOUND;
    }

    run->steps = calloc(run->record.steps->count + 1, sizeof(*run->steps));
    run->step_ids =
        calloc(run->record.steps->count + 1, sizeof(*run->step_ids));

    if (run->steps == NULL || run->step_ids == NULL) {
        return CLARITY_VIEW_NO_MEMORY;
    }

    for (id = run->record.steps->first; id != NULL; id = id->next) {
        run->step_ids[run->nsteps] = id->text;
        step = &run->steps[run->nsteps++];
        step->id = id->text;

        find_step(of, run->workflow, step);

        /* In a run that has ended none will be begun, nor go on. */
        if (clarity_state_is_final(run->record.state)
            && !clarity_state_is_final(step->record.state))
        {
            step->record.state = CLARITY_SKIPPED;
        }
    }

    return CLARITY_VIEW_FOUND;
}


/* One that has no field, or none that can be read, was not begun. */
static void
find_step(fields_t of, clarity_str_t workflow, clarity_view_step_t *step)
{
    size_t i;
    clarity_error_t error;
    clarity_str_t whose, name;

    for (i = 0; i < of.n; i += 2) {
        if (!clarity_step_field_parse(of.list[i], &whose, &name)
            || !clarity_str_eq(whose, workflow)
            || !clarity_str_eq(name, step->id))
        {
            continue;
        }

        if (clarity_step_read(of.list[i + 1], &step->record, &error)) {
            return;
        }

        clarity_step_record_free(&step->record);
    }

    memset(&step->record, 0, sizeof(step->record));
    step->record.state = CLARITY_PENDING;
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


static void
write_run(clarity_buf_t *buf, const clarity_view_run_t *run)
{
    size_t i;

    clarity_buf_addz(buf, "{\"workflow\":");
    clarity_buf_add_json(buf, run->workflow);
    clarity_buf_addf(buf, ",\"state\":\"%s\",\"attempt\":%u",
        clarity_state_name(run->record.state), run->record.attempt);
    clarity_member_text(buf, "reason", run->record.reason);

    if (run->record.next != 0) {
        clarity_member_time(buf, "next_at", run->record.next);
    }

    clarity_buf_addz(buf, ",\"steps\":[");

    for (i = 0; i < run->nsteps; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        write_step(buf, &run->steps[i]);
    }

    clarity_buf_addz(buf, "]}");
}


static void
write_step(clarity_buf_t *buf, const clarity_view_step_t *step)
{
    const clarity_step_record_t *record;

    record = &step->record;

    clarity_buf_addz(buf, "{\"id\":");
    clarity_buf_add_json(buf, step->id);
    clarity_buf_addf(buf, ",\"state\":\"%s\",\"attempt\":%u",
        clarity_state_name(record->state), record->attempt);

    if (record->status != 0) {
        clarity_buf_addf(buf, ",\"status\":%u", record->status);
    }

    clarity_member_text(buf, "reason", record->reason);
    clarity_member_time(buf, "started_at", record->started);
    clarity_member_time(buf, "ended_at", record->ended);
    clarity_buf_addz(buf, "}");
}
