#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/alone.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/target.h"
#include "conf/conf.h"
#include "conf/version.h"
#include "job/state.h"
#include "json/number.h"

#define DEFAULT_JOBS 100
#define MOST_JOBS    1000000

typedef struct {
    const char *file;
    const char *prefix;
    bool json;
    bool all_failed;
    const char *state;
    size_t limit;
    clarity_alone_t alone; /* of the commands that are */
} clarity_options_t;

typedef struct {
    const char *name;
    const char *argument; /* what it is, for people; NULL: takes none */
    const char *(*refused)(const char *argument);
    int (*run)(const clarity_command_t *command);
} clarity_command_info_t;

typedef struct {
    const char *name;
    int (*run)(const clarity_alone_t *alone);
} clarity_alone_info_t;

static bool take_option(clarity_options_t *options, int option);
static const clarity_alone_info_t *find_alone(const char *name);
static int run_alone(const clarity_options_t *options,
    const clarity_alone_info_t *info, int argc, char **argv);
static int check(const clarity_options_t *options,
    const clarity_command_info_t *info, int argc, char **argv);
static int run(const clarity_options_t *options,
    const clarity_command_info_t *info, const char *argument);
static int ask(const clarity_options_t *options,
    const clarity_command_info_t *info, const char *argument,
    clarity_buf_t *out, clarity_error_t *error);
static const clarity_command_info_t *find_command(const char *name);
static int misused(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static const clarity_command_info_t commands[] = {
    { "cancel", "job id", clarity_command_id_refused, clarity_command_cancel },
    { "erase", "job id", clarity_command_id_refused, clarity_command_erase },
    { "job", "job id", clarity_command_job_refused, clarity_command_job },
    { "jobs", NULL, NULL, clarity_command_jobs },
    { "retry", "job id", clarity_command_id_refused, clarity_command_retry },
    { "stats", NULL, NULL, clarity_command_stats },
    { "webhooks", NULL, NULL, clarity_command_webhooks },
    { NULL, NULL, NULL, NULL },
};

static const clarity_alone_info_t alone_commands[] = {
    { "check", clarity_command_check },
    { "preview", clarity_command_preview },
    { "send", clarity_command_send },
    { NULL, NULL },
};

enum { OPTION_JOB = 256, METHOD, TOKEN_FILE, IDEMPOTENCY_KEY, DRY_RUN };

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "prefix", required_argument, NULL, 'p' },
    { "json", no_argument, NULL, 'j' },
    { "state", required_argument, NULL, 's' },
    { "limit", required_argument, NULL, 'l' },
    { "all-failed", no_argument, NULL, 'a' },
    { "job", required_argument, NULL, OPTION_JOB },
    { "method", required_argument, NULL, METHOD },
    { "token-file", required_argument, NULL, TOKEN_FILE },
    { "idempotency-key", required_argument, NULL, IDEMPOTENCY_KEY },
    { "dry-run", no_argument, NULL, DRY_RUN },
    { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: clarityctl [-c WORKER.json] [--json] [--prefix NAME] COMMAND\n"
    "\n"
    "  job ID         what became of a job; of the newest one: job latest\n"
    "  jobs           which there are, the newest first\n"
    "      --state S  queued, running, waiting, succeeded, failed, cancelled\n"
    "      --limit N  so many at most (100)\n"
    "  retry ID       failed runs again, from the step that failed\n"
    "  retry --all-failed  of all jobs that have failed\n"
    "  cancel ID      ends a job, after the step that is under way\n"
    "  erase ID       all that is kept of a job that has ended\n"
    "  stats          how many jobs wait, and how many are in hand\n"
    "  webhooks       those made at run time; not those of nginx.conf\n"
    "  check          triggers, workflows and Redis: every fault, with its "
    "line\n"
    "  preview WORKFLOW CONTEXT  what would be done; secrets are hidden\n"
    "  preview WORKFLOW --job ID  the same for a job that there is\n"
    "  send URL CONTEXT  a request to a webhook\n"
    "      --token-file FILE  its token; else CLARITY_WEBHOOK_TOKEN\n"
    "      --method M  POST, PUT, PATCH, DELETE or GET (POST)\n"
    "      --idempotency-key KEY\n"
    "      --dry-run  is checked, and makes no job\n"
    "\n"
    "CONTEXT is a JSON object, @FILE, or - for standard input.\n"
    "\n"
    "  -c, --config FILE  the worker's configuration; says which Redis\n"
    "      --prefix NAME  prefix of the keys in Redis (clarity)\n"
    "      --json         the answer as JSON\n"
    "  -V, --version      print the version and exit\n"
    "  -h, --help         print this and exit\n"
    "\n"
    "Without -c the Redis is that of CLARITY_REDIS_URL, its password in the\n"
    "file CLARITY_REDIS_PASSWORD_FILE.\n"
    "\n"
    "Exit status: 0 done, 1 no (standard error says why), 2 misused.\n";


int
main(int argc, char **argv)
{
    int option, status;
    clarity_options_t options = { 0 };
    const clarity_alone_info_t *alone;
    const clarity_command_info_t *info;

    clarity_conf_keep_standard_descriptors();

    while (
        (option = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
        switch (option) {

        case 'V':
            puts("clarityctl " CLARITY_VERSION);
            return CLARITY_EXIT_DONE;
        case 'h': fputs(usage, stdout); return CLARITY_EXIT_DONE;
        case '?': fputs(usage, stderr); return CLARITY_EXIT_USAGE;

        default:
            if (!take_option(&options, option)) {
                return misused(
                    "--limit %s is no number from 1 to %d", optarg, MOST_JOBS);
            }
        }
    }

    argc -= optind;
    argv += optind;

    if (argc == 0) {
        return misused("no command");
    }

    alone = find_alone(argv[0]);

    if (alone != NULL) {
        return run_alone(&options, alone, argc - 1, argv + 1);
    }

    info = find_command(argv[0]);

    if (info == NULL) {
        return misused("%s: unknown command", argv[0]);
    }

    status = check(&options, info, argc, argv);

    if (status != CLARITY_EXIT_DONE) {
        return status;
    }

    return run(&options, info, argv[1]);
}


/* false: --limit is no number. */
static bool
take_option(clarity_options_t *options, int option)
{
    clarity_alone_t *alone;

    alone = &options->alone;

    switch (option) {

    case 'c': options->file = optarg; break;
    case 'p': options->prefix = optarg; break;
    case 'j': options->json = true; break;
    case 'a': options->all_failed = true; break;
    case 's': options->state = optarg; break;
    case OPTION_JOB: alone->job = optarg; break;
    case METHOD: alone->method = optarg; break;
    case TOKEN_FILE: alone->token_file = optarg; break;
    case IDEMPOTENCY_KEY: alone->idempotency_key = optarg; break;
    case DRY_RUN: alone->dry_run = true; break;

    default:
        return clarity_number_to_size(
                   clarity_str(optarg), MOST_JOBS, &options->limit)
               && options->limit != 0;
    }

    return true;
}


static const clarity_alone_info_t *
find_alone(const char *name)
{
    const clarity_alone_info_t *info;

    for (info = alone_commands; info->name != NULL; info++) {
        if (strcmp(name, info->name) == 0) {
            return info;
        }
    }

    return NULL;
}


static int
run_alone(const clarity_options_t *options, const clarity_alone_info_t *info,
    int argc, char **argv)
{
    int status;
    bool sends;
    clarity_buf_t out = { 0 };
    clarity_error_t error = { 0 };
    clarity_alone_t alone;

    alone = options->alone;
    sends = info->run == clarity_command_send;

    if (options->all_failed || options->state != NULL || options->limit != 0
        || (alone.job != NULL && info->run != clarity_command_preview)
        || ((alone.method != NULL || alone.token_file != NULL
                || alone.idempotency_key != NULL || alone.dry_run)
            && !sends))
    {
        return misused("%s: an option that is another command's", info->name);
    }

    alone.file = options->file;
    alone.prefix = options->prefix;
    alone.json = options->json;
    alone.argc = (size_t) argc;
    alone.argv = argv;
    alone.out = &out;
    alone.error = &error;

    status = info->run(&alone);

    if (status == CLARITY_EXIT_USAGE) {
        clarity_buf_free(&out);
        return misused("%s: %s", info->name, error.text);
    }

    if (out.failed
        || (out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
        || fflush(stdout) != 0)
    {
        clarity_error(&error, "the answer could not be written");
        status = CLARITY_EXIT_NO;
    }

    if (error.text[0] != '\0') {
        fprintf(stderr, "clarityctl: %s\n", error.text);
    }

    clarity_buf_free(&out);

    return status;
}


/* Do the arguments and options go with the command? */
static int
check(const clarity_options_t *options, const clarity_command_info_t *info,
    int argc, char **argv)
{
    int most;
    bool is_jobs;
    const char *reason;
    clarity_state_t state;

    is_jobs = info->run == clarity_command_jobs;

    if (options->all_failed && info->run != clarity_command_retry) {
        return misused("%s: --all-failed is an option of retry", argv[0]);
    }

    if (options->alone.job != NULL || options->alone.method != NULL
        || options->alone.token_file != NULL
        || options->alone.idempotency_key != NULL || options->alone.dry_run)
    {
        return misused("%s: an option that is another command's", argv[0]);
    }

    if ((options->state != NULL || options->limit != 0) && !is_jobs) {
        return misused("%s: --state and --limit are options of jobs", argv[0]);
    }

    if (options->state != NULL
        && (!clarity_state_parse(clarity_str(options->state), &state)
            || state == CLARITY_PENDING || state == CLARITY_SKIPPED))
    {
        return misused("--state %s is none that a job can have, expected "
                       "queued, running, waiting, succeeded, failed or "
                       "cancelled",
            options->state);
    }

    most = info->argument != NULL && !options->all_failed ? 2 : 1;

    if (argc > most) {
        return misused("%s: one argument too many", argv[most]);
    }

    if (most == 1) {
        return CLARITY_EXIT_DONE;
    }

    if (argc == 1) {
        return misused("%s: no %s given", argv[0], info->argument);
    }

    reason = info->refused(argv[1]);

    return reason == NULL ? CLARITY_EXIT_DONE
                          : misused("%s %s", argv[1], reason);
}


static int
run(const clarity_options_t *options, const clarity_command_info_t *info,
    const char *argument)
{
    int status;
    clarity_buf_t out = { 0 };
    clarity_error_t error;

    status = ask(options, info, argument, &out, &error);

    if (out.failed
        || (out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
        || fflush(stdout) != 0)
    {
        clarity_error(&error, "the answer could not be written");
        status = CLARITY_EXIT_NO;
    }

    if (status != CLARITY_EXIT_DONE) {
        fprintf(stderr, "clarityctl: %s\n", error.text);
    }

    clarity_buf_free(&out);

    return status;
}


static int
ask(const clarity_options_t *options, const clarity_command_info_t *info,
    const char *argument, clarity_buf_t *out, clarity_error_t *error)
{
    int status;
    clarity_target_t target;
    clarity_command_t command = { 0 };

    if (!clarity_target_find(&target, options->file, options->prefix, error)) {
        return CLARITY_EXIT_NO;
    }

    status = CLARITY_EXIT_NO;
    command.target = &target;
    command.asker = clarity_asker_open(&target, error);

    if (command.asker != NULL) {
        command.argument = argument;
        command.json = options->json;
        command.all_failed = options->all_failed;
        command.state = options->state;
        command.limit = options->limit > 0 ? options->limit : DEFAULT_JOBS;
        command.out = out;
        command.error = error;

        status = info->run(&command);

        clarity_asker_close(command.asker);
    }

    clarity_target_wipe(&target);

    return status;
}


static const clarity_command_info_t *
find_command(const char *name)
{
    const clarity_command_info_t *info;

    for (info = commands; info->name != NULL; info++) {
        if (strcmp(name, info->name) == 0) {
            return info;
        }
    }

    return NULL;
}


static int
misused(const char *format, ...)
{
    va_list args;

    fputs("clarityctl: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fprintf(stderr, "\n\n%s", usage);

    return CLARITY_EXIT_USAGE;
}
