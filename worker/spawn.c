#define _GNU_SOURCE /* …_np */

#include "worker/spawn.h"

#include <signal.h>
#include <spawn.h>

static int set_files(posix_spawn_file_actions_t *actions, const int files[3]);
static int set_attributes(posix_spawnattr_t *attributes);


int
clarity_spawn(pid_t *pid, char *const *argv, char *const *environment,
    const int files[3])
{
    int error;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;

    error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }

    error = posix_spawnattr_init(&attributes);

    if (error == 0) {
        error = set_files(&actions, files);

        if (error == 0) {
            error = set_attributes(&attributes);
        }

        if (error == 0) {
            error = posix_spawn(
                pid, argv[0], &actions, &attributes, argv, environment);
        }

        posix_spawnattr_destroy(&attributes);
    }

    posix_spawn_file_actions_destroy(&actions);

    return error;
}


/* Nothing else that is open here is open there. */
static int
set_files(posix_spawn_file_actions_t *actions, const int files[3])
{
    int i, error;

    for (i = 0; i < 3; i++) {
        error = posix_spawn_file_actions_adddup2(actions, files[i], i);

        if (error != 0) {
            return error;
        }
    }

    error = posix_spawn_file_actions_addclosefrom_np(actions, 3);

    return error == 0 ? posix_spawn_file_actions_addchdir_np(actions, "/")
                      : error;
}


/* A group of its own, and signals as every program expects them. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
    int error;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);

    error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP
                                                     | POSIX_SPAWN_SETSIGMASK
                                                     | POSIX_SPAWN_SETSIGDEF);

    if (error == 0) {
        error = posix_spawnattr_setpgroup(attributes, 0);
    }

    if (error == 0) {
        error = posix_spawnattr_setsigmask(attributes, &none);
    }

    if (error == 0) {
        error = posix_spawnattr_setsigdefault(attributes, &all);
    }

    return error;
}
