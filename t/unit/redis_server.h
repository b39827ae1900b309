/*
 * A redis-server of a test's own, in a new folder below TMPDIR: on a unix
 * socket, and on a port of 127.0.0.1 where asked for. It dies with the test.
 */

#ifndef CLARITY_T_REDIS_SERVER_H
#define CLARITY_T_REDIS_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#define REDIS_SERVER_MAX_ARGS 32

typedef struct {
    char folder[80];
    char socket[96];
    unsigned port; /* 0: none */
    pid_t pid;     /* 0: not running */
} redis_server_t;


/* A folder and, if wanted, a port that is free now; nothing runs yet. */
static bool
redis_server_init(redis_server_t *server, bool tcp)
{
    int fd;
    socklen_t len;
    const char *tmp;
    struct sockaddr_in sin;

    memset(server, 0, sizeof(*server));

    tmp = getenv("TMPDIR");
    if (tmp == NULL || strlen(tmp) > 40) {
        tmp = "/tmp";
    }

    snprintf(
        server->folder, sizeof(server->folder), "%s/clarity-unit-XXXXXX", tmp);

    if (mkdtemp(server->folder) == NULL) {
        return false;
    }

    snprintf(server->socket, sizeof(server->socket), "%s/s", server->folder);

    if (!tcp) {
        return true;
    }

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(sin);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *) &sin, len) == -1
        || getsockname(fd, (struct sockaddr *) &sin, &len) == -1)
    {
        return false;
    }

    server->port = ntohs(sin.sin_port);

    return close(fd) == 0;
}


/* Runs redis-server with more options (NULL at the end), and waits for it. */
static bool
redis_server_start(redis_server_t *server, const char *const *options)
{
    int i, argc;
    char port[12];
    const char *argv[REDIS_SERVER_MAX_ARGS];
    redisContext *c;

    snprintf(port, sizeof(port), "%u", server->port);

    argc = 0;
    argv[argc++] = "redis-server";
    argv[argc++] = "--dir";
    argv[argc++] = server->folder;
    argv[argc++] = "--unixsocket";
    argv[argc++] = server->socket;
    argv[argc++] = "--bind";
    argv[argc++] = "127.0.0.1";
    argv[argc++] = "--port";
    argv[argc++] = port;
    argv[argc++] = "--save";
    argv[argc++] = "";

    while (options != NULL && *options != NULL
           && argc < REDIS_SERVER_MAX_ARGS - 1) {
        argv[argc++] = *options++;
    }

    argv[argc] = NULL;

    server->pid = fork();

    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execvp(argv[0], (char *const *) argv);
        _exit(127);
    }

    for (i = 0; server->pid > 0 && i < 500; i++) {
        c = redisConnectUnix(server->socket);

        if (c != NULL && c->err == 0) {
            redisFree(c);
            return true;
        }

        redisFree(c);
        usleep(10 * 1000);

        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            break;
        }
    }

    server->pid = 0;

    return false;
}


static void
redis_server_stop(redis_server_t *server, int signal)
{
    if (server->pid > 0) {
        kill(server->pid, signal);
        kill(server->pid, SIGCONT);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }

    unlink(server->socket);
}


static void
redis_server_free(redis_server_t *server)
{
    redis_server_stop(server, SIGKILL);
    rmdir(server->folder);
}

#endif
