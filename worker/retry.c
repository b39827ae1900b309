#include "worker/retry.h"


uint64_t
clarity_retry_delay(
    const clarity_retry_t *retry, unsigned attempts, uint32_t random)
{
    uint64_t most;

    most = retry->delay;

    while (attempts > 1 && most < retry->max_delay) {
        most = most > UINT64_MAX / 2 ? UINT64_MAX : 2 * most;
        attempts--;
    }

    if (most > retry->max_delay) {
        most = retry->max_delay;
    }

    return (uint64_t) ((double) most * random / UINT32_MAX);
}
