/*
 * The system's time zones: files of tzdata.
 */

#ifndef CLARITY_CONF_ZONE_H
#define CLARITY_CONF_ZONE_H

#include "workflow/zone.h"

/*
 * Reads one from /usr/share/zoneinfo, or from the folder that TZDIR names, as
 * libc does. NULL and *error: there is no such zone, or no tzdata. The name is
 * one that clarity_zone_name_is() takes.
 */
clarity_zone_t *clarity_zone_read(clarity_str_t name, clarity_error_t *error);

#endif
