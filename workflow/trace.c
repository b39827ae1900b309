#include "workflow/trace.h"

#include <stdio.h>

#include "webhook/digest.h"

#define TRACE  16 /* bytes */
#define PARENT 8

static bool add_id(clarity_sha256_t *sha256, const char *label,
    clarity_str_t of, size_t n, char *hex);


bool
clarity_trace(clarity_str_t came, clarity_str_t job_id, clarity_str_t key,
    char made[CLARITY_TRACEPARENT + 1])
{
    bool good;
    char known[CLARITY_TRACEPARENT], trace[2 * TRACE + 1],
        parent[2 * PARENT + 1];
    clarity_str_t goes_on;
    clarity_sha256_t *sha256;

    made[0] = '\0';
    goes_on = clarity_traceparent(came, known);

    if (goes_on.len > 0) {
        memcpy(made, goes_on.data, CLARITY_TRACEPARENT);
        made[CLARITY_TRACEPARENT] = '\0';
        return true;
    }

    sha256 = clarity_sha256_create();

    good = sha256 != NULL
           && add_id(sha256, "clarity trace ", job_id, TRACE, trace)
           && add_id(sha256, "clarity parent ", key, PARENT, parent);

    if (good) {
        snprintf(made, CLARITY_TRACEPARENT + 1, "00-%s-%s-00", trace, parent);
    }

    clarity_sha256_free(sha256);

    return good;
}


/* n bytes in hex; an id of zeros would be none. */
static bool
add_id(clarity_sha256_t *sha256, const char *label, clarity_str_t of, size_t n,
    char *hex)
{
    size_t i;
    unsigned any;
    unsigned char digest[CLARITY_SHA256];
    clarity_str_t parts[] = { clarity_str(label), of };

    if (!clarity_sha256(sha256, parts, 2, digest)) {
        return false;
    }

    for (i = any = 0; i < n; i++) {
        any |= digest[i];
    }

    digest[n - 1] |= any == 0;

    for (i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    return true;
}
