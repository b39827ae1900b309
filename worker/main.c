#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/workflows.h"
#include "worker/log.h"
#include "conf/version.h"
#include "worker/master.h"

static int work(const char *file, bool test);
static int start(
    const clarity_conf_t *conf, clarity_workflows_t *set, bool test);

static const char usage[] =
    "usage: clarity-worker -c FILE [-t]\n"
    "\n"
    "Runs the workflows of the jobs that nginx takes in.\n"
    "\n"
    "  -c FILE  configuration (JSON)\n"
    "  -t       check it, the triggers and the workflows, and exit\n"
    "  -V       print the version and exit\n"
    "  -h       print this and exit\n";


int
main(int argc, char **argv)
{
    int option;
    bool test;
    const char *file;

    file = NULL;
    test = false;

    clarity_conf_keep_standard_descriptors();

    /* They mean a reload, and a new log, also to one that has neither yet. */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);

    while ((option = getopt(argc, argv, "c:tVh")) != -1) {
        switch (option) {

        case 'c': file = optarg; break;

        case 't': test = true; break;

        case 'V': puts("clarity-worker " CLARITY_VERSION); return 0;

        case 'h': fputs(usage, stdout); return 0;

        default: fputs(usage, stderr); return 2;
        }
    }

    if (file == NULL || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }

    return work(file, test);
}


static int
work(const char *file, bool test)
{
    int status;
    clarity_buf_t errors = { 0 };
    clarity_conf_t *conf;
    clarity_error_t error;
    clarity_workflows_t *set;

    conf = clarity_conf_read(file, &error);

    if (conf == NULL) {
        fprintf(stderr, "clarity-worker: %s\n", error.text);
        return 1;
    }

    status = 1;
    set = clarity_workflows_load(conf, true, &errors);

    if (set != NULL) {
        status = start(conf, set, test);

    } else {
        fprintf(stderr, "%.*s", clarity_fmt(clarity_buf_str(&errors)));
    }

    clarity_buf_free(&errors);
    clarity_conf_free(conf);

    return status;
}


static int
start(const clarity_conf_t *conf, clarity_workflows_t *set, bool test)
{
    int status;
    bool forked;
    clarity_log_t log;
    clarity_error_t error;
    static const clarity_handlers_t none;

    if (test) {
        if (!clarity_conf_check_lease(conf, &error)
            || !clarity_conf_check_descriptors(conf, &error))
        {
            fprintf(stderr, "clarity-worker: %s\n", error.text);
            clarity_workflows_drop(set);
            return 1;
        }

        printf("configuration %s is ok: %zu trigger%s, %zu workflow%s\n",
            conf->file, set->triggers->count,
            set->triggers->count == 1 ? "" : "s", set->count,
            set->count == 1 ? "" : "s");
        clarity_workflows_drop(set);
        return 0;
    }

    if (conf->ntypes > 0) {
        fprintf(stderr,
            "clarity-worker: %s: \"action_types\" has \"%s\", which this "
            "program has no handler for, expected none: start the program "
            "that has one\n",
            conf->file, conf->types[0]);
        clarity_workflows_drop(set);
        return 1;
    }

    if (!clarity_log_open(&log, conf->log, &error)) {
        fprintf(stderr, "clarity-worker: %s\n", error.text);
        clarity_workflows_drop(set);
        return 1;
    }

    status = clarity_master_work(conf, set, &log, &none, -1, &forked);

    /* Who has started it may look at no log. */
    if (log.fault.text[0] != '\0' && log.path != NULL) {
        fprintf(stderr, "clarity-worker: %s\n", log.fault.text);
    }

    clarity_log_close(&log);

    return status;
}
