#include "conf/conf.h"


/* A reply may take that long before the connection is given up, and only then
 * does the next heartbeat follow. */
bool
clarity_conf_check_lease(const clarity_conf_t *conf, clarity_error_t *error)
{
    if (conf->lease > CLARITY_REDIS_WAIT) {
        return true;
    }

    return clarity_error(error,
        "%s:%u: \"lease\" is %llu ms, expected more than the %d ms that a "
        "worker waits for Redis: jobs would be taken over from workers that "
        "are alive",
        conf->file, conf->lease_line, (unsigned long long) conf->lease,
        CLARITY_REDIS_WAIT);
}
