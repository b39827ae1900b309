/*
 * The endpoint of a webhook that is made at run time: what follows the
 * location's prefix in its address. Restricted to bytes that need no escape in
 * a URL (RFC 3986, section 2.3) and to segments that no proxy or client
 * normalises away, so that it is found by comparing bytes.
 */

#ifndef CLARITY_WEBHOOK_ENDPOINT_H
#define CLARITY_WEBHOOK_ENDPOINT_H

#include "json/str.h"

#define CLARITY_ENDPOINT_MAX 200 /* bytes */

/*
 * NULL if it can be an endpoint, else why not ("is empty", "starts with
 * \"/\"", …): 1 to 200 bytes, segments of [A-Za-z0-9._~-] joined by "/", none
 * of them empty, "." or "..".
 */
const char *clarity_endpoint_refused(clarity_str_t endpoint);

#endif
