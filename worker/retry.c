#include "worker/retry.h"

#include <curl/curl.h>

#define DAY ((uint64_t) 24 * 3600 * 1000) /* ms */
#define LONGEST                                                               \
    31536000 /* s, a year: more is as good, and must not overflow */

static uint64_t part(uint64_t most, uint32_t random);


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
        delay = part(delay, random);
    }

    retry_after = retry_after < DAY ? retry_after : DAY;
    retry_after += part(retry_after / 20, random);

    return delay > retry_after ? delay : retry_after;
}


static uint64_t
part(uint64_t most, uint32_t random)
{
    return (uint64_t) ((double) most * random / UINT32_MAX);
}


uint64_t
clarity_retry_after(const char *text, const char *date, time_t now)
{
    size_t digits;
    time_t at, from;
    uint64_t seconds;
    const char *p;

    seconds = 0;
    digits = strspn(text, "0123456789");

    if (digits > 0 && text[digits] == '\0') {
        for (p = text; *p != '\0' && seconds <= LONGEST; p++) {
            seconds = seconds * 10 + (uint64_t) (*p - '0');
        }

    } else {
        at = curl_getdate(text, NULL);
        from = date != NULL ? curl_getdate(date, NULL) : -1;

        if (from == -1) {
            from = now;
        }

        seconds = at > from ? (uint64_t) (at - from) : 0;
    }

    return 1000 * (seconds < LONGEST ? seconds : LONGEST);
}
