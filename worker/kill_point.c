#include "worker/kill_point.h"

#ifdef CLARITY_KILL_POINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

void
clarity_kill_point(const char *name)
{
    size_t len;
    const char *where;
    static unsigned passed;

    where = getenv("CLARITY_KILL_AT");
    len = strlen(name);

    if (where == NULL || strncmp(where, name, len) != 0 || where[len] != ':') {
        return;
    }

    if (++passed == strtoul(where + len + 1, NULL, 10)) {
        raise(SIGKILL);
    }
}

#endif
