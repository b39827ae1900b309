#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/conf.h"

/* What a job may have open at once: a connection and what looks up its name,
 * or the three pipes of a program. */
#define EACH 3

/* Redis, the log, `listen`, the loop, a reload's files. */
#define REST 64


bool
clarity_conf_check_descriptors(
    const clarity_conf_t *conf, clarity_error_t *error)
{
    unsigned long long processes, wanted;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0
        || limit.rlim_max == RLIM_INFINITY) {
        return true;
    }

    processes = conf->processes;

    if (processes == 0) {
        processes = (unsigned long long) sysconf(_SC_NPROCESSORS_ONLN);
    }

    wanted = EACH * ((conf->concurrency + processes - 1) / processes) + REST;

    if (wanted <= limit.rlim_max) {
        return true;
    }

    return clarity_error(error,
        "%s:%u: \"concurrency\" is %u, for which a process may need %llu file "
        "descriptors; it can have %llu here: expected less, or a higher "
        "LimitNOFILE (systemd) or ulimit -Hn",
        conf->file, conf->concurrency_line, conf->concurrency, wanted,
        (unsigned long long) limit.rlim_max);
}


void
clarity_conf_raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0
        && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}


/* Turned round, so that to read or write there still fails. */
void
clarity_conf_keep_standard_descriptors(void)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1
            && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY)
                   == -1)
        {
            return;
        }
    }
}
