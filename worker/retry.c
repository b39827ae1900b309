#include "worker/retry.h"

#define DAY ((uint64_t) 24 * 3600 * 1000)


uint64_t
clarity_retry_delay(const clarity_retry_t *retry, unsigned attempts,
    uint64_t retry_after, uint32_t random)
{
    uint64_t delay;

    delay = retry->delay;

    while (attempts > 1 && delay < retry->max_delay) {
        delay = delay > UINT64_MAX / 2 ? UINT64_MAX : 2 * delay;
        attempts--;
    }

    if (delay > retry->max_delay) {
        delay = retry->max_delay;
    }

    if (!retry->exact) {
        delay = (uint64_t) ((double) delay * random / UINT32_MAX);
    }

    retry_after = retry_after < DAY ? retry_after : DAY;

    return delay > retry_after ? delay : retry_after;
}
