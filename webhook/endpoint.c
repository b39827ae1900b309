#include "webhook/endpoint.h"

static bool is_unreserved(char c);
static bool is_dots(const char *start, const char *end);


const char *
clarity_endpoint_refused(clarity_str_t endpoint)
{
    const char *p, *end, *segment;

    if (endpoint.len == 0) {
        return "is empty";
    }

    if (endpoint.len > CLARITY_ENDPOINT_MAX) {
        return "is longer than 200 bytes";
    }

    end = endpoint.data + endpoint.len;

    for (p = endpoint.data; p != end; p++) {
        if (*p != '/' && !is_unreserved(*p)) {
            return "holds a byte that is no letter, no digit and none of"
                   " . _ ~ - /";
        }
    }

    if (endpoint.data[0] == '/') {
        return "starts with \"/\"";
    }

    if (end[-1] == '/') {
        return "ends with \"/\"";
    }

    segment = endpoint.data;

    for (p = segment; p != end; p = segment) {
        while (p != end && *p != '/') {
            p++;
        }

        if (p == segment) {
            return "holds \"//\"";
        }

        if (is_dots(segment, p)) {
            return "holds a segment \".\" or \"..\"";
        }

        segment = p == end ? end : p + 1;
    }

    return NULL;
}


static bool
is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '~'
           || c == '-';
}


static bool
is_dots(const char *start, const char *end)
{
    return (end - start == 1 || end - start == 2) && start[0] == '.'
           && end[-1] == '.';
}
