#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/target.h"
#include "conf/version.h"

typedef struct {
    const char *file;
    const char *prefix;
    bool json;
} clarity_options_t;

typedef struct {
    const char *name;
    const char *argument; /* what it is, for people; NULL: takes none */
    const char *(*refused)(const char *argument);
    int (*run)(const clarity_command_t *command);
} clarity_command_info_t;

static int run(const clarity_options_t *options,
    const clarity_command_info_t *info, const char *argument);
static int ask(const clarity_options_t *options,
    const clarity_command_info_t *info, const char *argument,
    clarity_buf_t *out, clarity_error_t *error);
static const clarity_command_info_t *find_command(const char *name);
static int misused(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static const clarity_command_info_t commands[] = {
    { "job", "job id", clarity_command_job_refused, clarity_command_job },
    { "stats", NULL, NULL, clarity_command_stats },
    { "webhooks", NULL, NULL, clarity_command_webhooks },
    { NULL, NULL, NULL, NULL },
};

static const struct option long_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "prefix", required_argument, NULL, 'p' },
    { "json", no_argument, NULL, 'j' },
    { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: clarityctl [-c WORKER.json] [--json] [--prefix NAME] COMMAND\n"
    "\n"
    "  job ID         what became of a job; of the newest one: job latest\n"
    "  stats          how many jobs wait, and how many are in hand\n"
    "  webhooks       those made at run time; not those of nginx.conf\n"
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
    int option, most;
    const char *reason;
    clarity_options_t options = { 0 };
    const clarity_command_info_t *info;

    while (
        (option = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
        switch (option) {

        case 'c': options.file = optarg; break;
        case 'p': options.prefix = optarg; break;
        case 'j': options.json = true; break;
        case 'V':
            puts("clarityctl " CLARITY_VERSION);
            return CLARITY_EXIT_DONE;
        case 'h': fputs(usage, stdout); return CLARITY_EXIT_DONE;
        default: fputs(usage, stderr); return CLARITY_EXIT_USAGE;
        }
    }

    argc -= optind;
    argv += optind;

    if (argc == 0) {
        return misused("no command");
    }

    info = find_command(argv[0]);

    if (info == NULL) {
        return misused("%s: unknown command", argv[0]);
    }

    if (info->argument != NULL) {
        if (argc == 1) {
            return misused("%s: no %s given", argv[0], info->argument);
        }

        reason = info->refused(argv[1]);

        if (reason != NULL) {
            return misused("%s %s", argv[1], reason);
        }
    }

    most = info->argument != NULL ? 2 : 1;

    if (argc > most) {
        return misused("%s: one argument too many", argv[most]);
    }

    return run(&options, info, argv[1]);
}


static int
run(const clarity_options_t *options, const clarity_command_info_t *info,
    const char *argument)
{
    int status;
    clarity_buf_t out = { 0 };
    clarity_error_t error;

    status = ask(options, info, argument, &out, &error);

    if (status == CLARITY_EXIT_DONE
        && (out.failed || fwrite(out.data, 1, out.len, stdout) != out.len
            || fflush(stdout) != 0))
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
