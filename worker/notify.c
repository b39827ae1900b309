#include "worker/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "worker/timer.h"


/* A name that starts with "@" is of the abstract name space. */
void
clarity_notify(const char *text)
{
    int fd;
    size_t len;
    const char *path;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    path = getenv("NOTIFY_SOCKET");
    len = path != NULL ? strlen(path) : 0;

    if (len < 2 || len >= sizeof(address.sun_path)
        || (path[0] != '/' && path[0] != '@'))
    {
        return;
    }

    memcpy(address.sun_path, path, len);

    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return;
    }

    (void) sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
        (struct sockaddr *) &address,
        (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len));

    close(fd);
}


void
clarity_notify_reloading(void)
{
    char text[64];

    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
        clarity_clock_ms() * 1000);

    clarity_notify(text);
}


/* Twice in the time that it gives, as sd_watchdog_enabled(3) advises. */
uint64_t
clarity_notify_watchdog(void)
{
    const char *usec, *pid;

    usec = getenv("WATCHDOG_USEC");
    pid = getenv("WATCHDOG_PID");

    if (usec == NULL
        || (pid != NULL && strtoll(pid, NULL, 10) != (long long) getpid()))
    {
        return 0;
    }

    return strtoull(usec, NULL, 10) / 2000;
}


bool
clarity_notify_arm_watchdog(struct event_base *base, event_callback_fn on_time,
    void *data, struct event **watchdog)
{
    uint64_t ms;
    struct timeval tv;

    ms = clarity_notify_watchdog();

    if (ms == 0) {
        return true;
    }

    tv.tv_sec = (time_t) (ms / 1000);
    tv.tv_usec = (suseconds_t) (ms % 1000 * 1000);

    *watchdog = event_new(base, -1, EV_PERSIST, on_time, data);

    return *watchdog != NULL && event_add(*watchdog, &tv) == 0;
}
