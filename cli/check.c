#include <stdio.h>
#include <stdlib.h>

#include "cli/alone.h"
#include "cli/command.h"
#include "cli/show.h"
#include "job/member.h"
#include "conf/conf.h"
#include "conf/workflows.h"
#include "redis/audit.h"

typedef struct {
    clarity_buf_t faults; /* a line each */
    size_t ntriggers;
    size_t nworkflows;
    char version[32]; /* of Redis */
    char redis[256];  /* its URL */
} clarity_report_t;

static bool check_files(
    const clarity_alone_t *alone, clarity_report_t *report);
static void check_redis(
    const clarity_alone_t *alone, clarity_report_t *report);
static void audit(clarity_asker_t *asker, clarity_report_t *report);
static void add_fault(clarity_report_t *report, const char *text);
static size_t count_lines(const clarity_buf_t *buf);
static void show(const clarity_alone_t *alone, const clarity_report_t *report);
static void show_json(
    const clarity_alone_t *alone, const clarity_report_t *report);
static void add_number(
    clarity_buf_t *out, const char *name, clarity_str_t digits);
static void show_fault_json(clarity_buf_t *out, clarity_str_t line);
static size_t count_digits(clarity_str_t line, size_t i);
static bool next_line(clarity_str_t *rest, clarity_str_t *line);


int
clarity_command_check(const clarity_alone_t *alone)
{
    int status;
    clarity_report_t report = { 0 };

    if (alone->argc > 0) {
        clarity_error(
            alone->error, "%s: one argument too many", alone->argv[0]);
        return CLARITY_EXIT_USAGE;
    }

    /* Where worker.json cannot be read nobody knows which Redis. */
    if (alone->file == NULL || check_files(alone, &report)) {
        check_redis(alone, &report);
    }

    if (alone->json) {
        show_json(alone, &report);
    } else {
        show(alone, &report);
    }

    status = report.faults.len == 0 ? CLARITY_EXIT_DONE : CLARITY_EXIT_NO;

    if (report.faults.failed) {
        clarity_error(alone->error, "out of memory");
        status = CLARITY_EXIT_NO;
    }

    clarity_buf_free(&report.faults);

    return status;
}


/* false: worker.json itself cannot be read. */
static bool
check_files(const clarity_alone_t *alone, clarity_report_t *report)
{
    clarity_conf_t *conf;
    clarity_error_t error;
    clarity_workflows_t *set;

    conf = clarity_conf_read(alone->file, &error);

    if (conf == NULL) {
        add_fault(report, error.text);
        return false;
    }

    set = clarity_workflows_load(conf, true, &report->faults);

    if (set != NULL) {
        report->ntriggers = set->triggers->count;
        report->nworkflows = set->count;
        clarity_workflows_drop(set);
    }

    if (!clarity_conf_check_lease(conf, &error)) {
        add_fault(report, error.text);
    }

    if (!clarity_conf_check_descriptors(conf, &error)) {
        add_fault(report, error.text);
    }

    clarity_conf_free(conf);

    return true;
}


static void
check_redis(const clarity_alone_t *alone, clarity_report_t *report)
{
    clarity_asker_t *asker;
    clarity_error_t error;
    clarity_target_t target;

    if (!clarity_target_find(&target, alone->file, alone->prefix, &error)) {
        add_fault(report, error.text);
        return;
    }

    snprintf(report->redis, sizeof(report->redis), "%s", target.shown);
    asker = clarity_asker_connect(&target, &error);

    if (asker == NULL) {
        add_fault(report, error.text);

    } else {
        audit(asker, report);

        if (!clarity_asker_agrees(&target, asker, &error)) {
            add_fault(report, error.text);
        }

        clarity_asker_close(asker);
    }

    clarity_target_wipe(&target);
}


static void
audit(clarity_asker_t *asker, clarity_report_t *report)
{
    size_t i;
    unsigned command;
    redisReply *replies[CLARITY_REDIS_AUDIT_COMMANDS];
    clarity_str_t argv[CLARITY_REDIS_AUDIT_MAX_ARGS];
    clarity_error_t error;
    clarity_redis_audit_t found;

    for (command = 0; command < CLARITY_REDIS_AUDIT_COMMANDS; command++) {
        i = clarity_redis_audit_command(command, argv);
        replies[command] = clarity_ask_any(asker, i, argv, &error);
    }

    if (replies[0] == NULL) {
        add_fault(report, error.text);

    } else {
        clarity_redis_audit(&found, replies[0], replies[1]);
        snprintf(
            report->version, sizeof(report->version), "%s", found.version);

        for (i = 0; i < found.n; i++) {
            add_fault(report, found.findings[i].text);
        }
    }

    for (command = 0; command < CLARITY_REDIS_AUDIT_COMMANDS; command++) {
        freeReplyObject(replies[command]);
    }
}


static void
add_fault(clarity_report_t *report, const char *text)
{
    clarity_buf_addz(&report->faults, text);
    clarity_buf_addz(&report->faults, "\n");
}


static size_t
count_lines(const clarity_buf_t *buf)
{
    size_t n;
    clarity_str_t rest, line;

    rest = clarity_buf_str(buf);

    for (n = 0; next_line(&rest, &line); n++) {
        /* void */
    }

    return n;
}


static void
show(const clarity_alone_t *alone, const clarity_report_t *report)
{
    size_t n;
    clarity_str_t rest, line;

    rest = clarity_buf_str(&report->faults);

    while (next_line(&rest, &line)) {
        clarity_show_text(alone->out, line);
        clarity_buf_addz(alone->out, "\n");
    }

    n = count_lines(&report->faults);

    if (n > 0) {
        clarity_buf_addf(alone->out, "%zu fault%s\n", n, n == 1 ? "" : "s");
        return;
    }

    if (alone->file != NULL) {
        clarity_buf_addf(alone->out,
            "%s is good: %zu trigger%s, %zu workflow%s\n", alone->file,
            report->ntriggers, report->ntriggers == 1 ? "" : "s",
            report->nworkflows, report->nworkflows == 1 ? "" : "s");
    }

    clarity_buf_addf(alone->out, "Redis %s at %s is good\n", report->version,
        report->redis);
}


static void
show_json(const clarity_alone_t *alone, const clarity_report_t *report)
{
    bool first;
    clarity_buf_t *out;
    clarity_str_t rest, line;

    out = alone->out;
    first = true;
    rest = clarity_buf_str(&report->faults);

    clarity_buf_addf(
        out, "{\"ok\":%s", report->faults.len == 0 ? "true" : "false");
    clarity_member_text(out, "redis", clarity_str(report->redis));
    clarity_member_text(out, "redis_version", clarity_str(report->version));
    clarity_buf_addf(out, ",\"triggers\":%zu,\"workflows\":%zu,\"faults\":[",
        report->ntriggers, report->nworkflows);

    while (next_line(&rest, &line)) {
        clarity_buf_addz(out, first ? "" : ",");
        show_fault_json(out, line);
        first = false;
    }

    clarity_buf_addz(out, "]}\n");
}


/*
 * "FILE:LINE: what", "FILE:LINE:COLUMN: what", "/FILE: what" of a file as a
 * whole, or what alone: a path holds no ":" that a number and another follow.
 */
static void
show_fault_json(clarity_buf_t *out, clarity_str_t line)
{
    size_t i, end;
    clarity_str_t file, what, number[2]; /* line, column */

    file = clarity_lit("");
    number[0] = number[1] = clarity_lit("");
    what = line;

    for (i = 0; i < line.len && file.len == 0; i++) {
        number[0].len = count_digits(line, i);

        if (number[0].len > 0) {
            file = (clarity_str_t){ line.data, i };
            number[0].data = line.data + i + 1;
            end = i + number[0].len + 1;
            number[1].len = count_digits(line, end);
            number[1].data = line.data + end + 1;
            end += number[1].len > 0 ? number[1].len + 1 : 0;
            what = (clarity_str_t){ line.data + end + 2, line.len - end - 2 };
        }
    }

    for (i = 1; line.data[0] == '/' && i + 2 < line.len && file.len == 0; i++)
    {
        if (line.data[i] == ':' && line.data[i + 1] == ' ') {
            file = (clarity_str_t){ line.data, i };
            what = (clarity_str_t){ line.data + i + 2, line.len - i - 2 };
        }
    }

    clarity_buf_addz(out, "{\"file\":");

    if (file.len > 0) {
        clarity_buf_add_json(out, file);
    } else {
        clarity_buf_addz(out, "null");
    }

    add_number(out, "line", number[0]);
    add_number(out, "column", number[1]);
    clarity_member_text(out, "fault", what);
    clarity_buf_addz(out, "}");
}


static void
add_number(clarity_buf_t *out, const char *name, clarity_str_t digits)
{
    clarity_buf_addf(out, ",\"%s\":%.*s", name,
        clarity_fmt(digits.len > 0 ? digits : clarity_lit("null")));
}


/* Those of ":N:" at i, with something after it; else 0. */
static size_t
count_digits(clarity_str_t line, size_t i)
{
    size_t n;

    if (i >= line.len || line.data[i] != ':') {
        return 0;
    }

    for (n = 0; i + n + 2 < line.len && line.data[i + n + 1] >= '0'
                && line.data[i + n + 1] <= '9';
         n++)
    {
        /* void */
    }

    return line.data[i + n + 1] == ':' ? n : 0;
}


static bool
next_line(clarity_str_t *rest, clarity_str_t *line)
{
    const char *end;

    if (rest->len == 0) {
        return false;
    }

    end = memchr(rest->data, '\n', rest->len);
    line->data = rest->data;
    line->len = end != NULL ? (size_t) (end - rest->data) : rest->len;

    rest->data += line->len + (end != NULL);
    rest->len -= line->len + (end != NULL);

    return true;
}
