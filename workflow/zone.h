/*
 * Time zones by name, from the bytes of a TZif file (RFC 8536), which is what
 * tzdata installs. libc knows named zones only through TZ, which is the whole
 * process's; so a file is read here, and any number of zones stand side by
 * side.
 */

#ifndef CLARITY_WORKFLOW_ZONE_H
#define CLARITY_WORKFLOW_ZONE_H

#include <time.h>

#include "json/error.h"
#include "json/str.h"

#define CLARITY_ZONE_NAME_MAX 64 /* bytes */
#define CLARITY_ZONE_FILE_MAX                                                 \
    65536 /* bytes; the largest there are have 4000 */

typedef struct clarity_zone_s clarity_zone_t;

/* NULL and *error (what, without the file): no TZif, cut short, with leap
 * seconds, or out of memory. The bytes are copied. */
clarity_zone_t *clarity_zone_parse(
    clarity_str_t bytes, clarity_error_t *error);
void clarity_zone_free(clarity_zone_t *zone);

/* Seconds east of UTC that the zone's clocks are at that time. */
int clarity_zone_offset(const clarity_zone_t *zone, time_t at);

/*
 * Can that be a zone's name, "Europe/Berlin"? It becomes a path: no part of
 * it starts with a dot, so it cannot leave the folder.
 */
bool clarity_zone_name_is(clarity_str_t name);

/* A zone that a workflow names. The loader (worker, cli) fills in zone. */
typedef struct {
    clarity_str_t name; /* empty: none is named */
    unsigned line;
    clarity_zone_t *zone; /* owned; NULL: not loaded */
} clarity_named_zone_t;

typedef bool (*clarity_zone_pt)(
    void *data, clarity_named_zone_t *zone, clarity_error_t *error);

#endif
