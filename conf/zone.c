#include "conf/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/file.h"

#define FOLDER "/usr/share/zoneinfo"


clarity_zone_t *
clarity_zone_read(clarity_str_t name, clarity_error_t *error)
{
    const char *folder;
    clarity_buf_t path = { 0 }, bytes = { 0 };
    clarity_error_t why;
    clarity_zone_t *zone;

    folder = getenv("TZDIR");
    if (folder == NULL || folder[0] == '\0') {
        folder = FOLDER;
    }

    clarity_buf_addf(&path, "%s/%.*s", folder, clarity_fmt(name));
    clarity_buf_add(&path, (clarity_str_t){ "", 1 });

    zone = NULL;

    if (path.failed) {
        clarity_error(error, "out of memory");

    } else if (!clarity_file_read(
                   path.data, CLARITY_ZONE_FILE_MAX, &bytes, &why)) {
        clarity_error(error,
            "%s, expected a zone of the package tzdata, such as "
            "\"Europe/Berlin\"",
            why.text);

    } else {
        zone = clarity_zone_parse(clarity_buf_str(&bytes), &why);

        if (zone == NULL) {
            clarity_error(error, "%s: %s", path.data, why.text);
        }
    }

    clarity_buf_free(&path);
    clarity_buf_free(&bytes);

    return zone;
}
