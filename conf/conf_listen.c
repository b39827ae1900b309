#define _GNU_SOURCE /* memrchr */

#include <string.h>

#include "conf/conf_part.h"
#include "json/number.h"


/* "127.0.0.1:9102", "[::1]:9102": what stands after the last colon is the
 * port. */
bool
clarity_conf_set_listen(
    clarity_conf_t *conf, const clarity_json_t *value, clarity_error_t *error)
{
    size_t port;
    const char *colon;
    clarity_str_t host, text;

    colon = value->kind == CLARITY_STRING
                ? memrchr(value->text.data, ':', value->text.len)
                : NULL;

    if (colon == NULL) {
        goto wrong;
    }

    host = (clarity_str_t){ value->text.data,
        (size_t) (colon - value->text.data) };
    text = (clarity_str_t){ colon + 1, value->text.len - host.len - 1 };

    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
    {
        host.data++;
        host.len -= 2;

    } else if (memchr(host.data, ':', host.len) != NULL) {
        goto wrong;
    }

    if (host.len == 0 || memchr(host.data, '\0', host.len) != NULL
        || !clarity_number_to_size(text, 65535, &port) || port == 0)
    {
        goto wrong;
    }

    conf->listen_port = (unsigned) port;
    conf->listen_host = strndup(host.data, host.len);

    return conf->listen_host != NULL
           || clarity_error(error, "%s: out of memory", conf->file);

wrong:

    return clarity_conf_wrong(conf, value,
        "an address and a port such as \"127.0.0.1:9102\"", error);
}
