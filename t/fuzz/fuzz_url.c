/* Redis URLs, and endpoints: what is shown does not depend on a password. */

#include "redis/url.h"
#include "t/fuzz/fuzz.h"
#include "webhook/endpoint.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char shown[512], again[512];
    clarity_str_t text;
    clarity_error_t error;
    clarity_redis_url_t url;

    text = (clarity_str_t){ (const char *) data, size };

    error.text[0] = '\0';

    if (clarity_redis_url_parse(text, &url, &error)) {
        clarity_redis_url_show(&url, shown, sizeof(shown));
        FUZZ_HOLDS(shown[0] != '\0' && url.port <= 65535);

        memset(url.user, 0, sizeof(url.user));
        memset(url.password, 0, sizeof(url.password));
        clarity_redis_url_show(&url, again, sizeof(again));
        FUZZ_HOLDS(strcmp(shown, again) == 0);

    } else {
        FUZZ_HOLDS(error.text[0] != '\0');
    }

    (void) clarity_endpoint_refused(text);

    return 0;
}
