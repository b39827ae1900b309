/*
 * Starts a program without a shell.
 */

#ifndef CLARITY_WORKER_SPAWN_H
#define CLARITY_WORKER_SPAWN_H

#include <sys/types.h>

/*
 * argv[0], a path, in a process group of its own, in "/", with those three
 * files and no others, and with signals as programs expect them. An errno; 0:
 * it runs, and *pid has to be waited for.
 */
int clarity_spawn(pid_t *pid, char *const *argv, char *const *environment,
    const int files[3]);

#endif
