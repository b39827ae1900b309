#include "job/traceparent.h"

/* version-trace-parent-flags, in lower-case hex digits. */
#define TRACE      3
#define PARENT     36
#define FLAGS_LAST (CLARITY_TRACEPARENT - 1)

static bool has_shape(const char *value);
static bool is_zero(const char *digits, size_t n);


clarity_str_t
clarity_traceparent(clarity_str_t value, char made[CLARITY_TRACEPARENT])
{
    unsigned char flags;
    static const clarity_str_t none = { NULL, 0 };

    if (value.len < CLARITY_TRACEPARENT || !has_shape(value.data)
        || is_zero(value.data + TRACE, 32) || is_zero(value.data + PARENT, 16)
        || memcmp(value.data, "ff", 2) == 0)
    {
        return none;
    }

    if (memcmp(value.data, "00", 2) == 0) {
        return value.len == CLARITY_TRACEPARENT ? value : none;
    }

    if (value.len > CLARITY_TRACEPARENT
        && value.data[CLARITY_TRACEPARENT] != '-') {
        return none;
    }

    memcpy(made, value.data, CLARITY_TRACEPARENT);
    memcpy(made, "00", 2);

    /* The only flag that 00 knows: sampled, the lowest bit. */
    flags = (unsigned char) made[FLAGS_LAST];
    flags = flags <= '9' ? flags - '0' : flags - 'a' + 10;
    made[FLAGS_LAST - 1] = '0';
    made[FLAGS_LAST] = flags & 1 ? '1' : '0';

    return (clarity_str_t){ made, CLARITY_TRACEPARENT };
}


static bool
has_shape(const char *value)
{
    size_t i;
    static const char shape[] =
        "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    for (i = 0; i < CLARITY_TRACEPARENT; i++) {
        if (shape[i] == '-') {
            if (value[i] != '-') {
                return false;
            }

        } else if (!((value[i] >= '0' && value[i] <= '9')
                       || (value[i] >= 'a' && value[i] <= 'f')))
        {
            return false;
        }
    }

    return true;
}


static bool
is_zero(const char *digits, size_t n)
{
    size_t i;

    for (i = 0; i < n && digits[i] == '0'; i++) {
        /* up to another one */
    }

    return i == n;
}
