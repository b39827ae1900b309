#include "workflow/zone.h"

#include <stdint.h>
#include <stdlib.h>

#include "workflow/zone_rule.h"

#define HEADER   44 /* bytes */
#define TYPE     6  /* bytes: offset, is it dst, its name's index */
#define TYPE_MAX 256

struct clarity_zone_s {
    bool has_rule;
    clarity_zone_rule_t rule; /* after the last transition */

    int first;        /* offset before the first transition */
    size_t count;     /* of the transitions */
    int64_t *times;   /* ascending */
    int32_t *offsets; /* from that time on */
};

/*
 *   "TZif" version(1) reserved(15)
 *   isutcnt isstdcnt leapcnt timecnt typecnt charcnt     (4 each)
 *   times(timecnt) types(timecnt) local time types(6 * typecnt)
 *   names(charcnt) leap seconds(leapcnt) isstd(isstdcnt) isut(isutcnt)
 *
 * Times have 4 bytes. From version 2 on the same follows again, with times of
 * 8 bytes, and then the rule between two line feeds.
 */
typedef struct {
    char version;
    size_t isut;
    size_t isstd;
    size_t leaps;
    size_t times;
    size_t types;
    size_t names;
} header_t;

static bool read_header(header_t *header, clarity_str_t bytes);
static size_t body_length(const header_t *header, size_t width);
static clarity_zone_t *read_body(clarity_str_t bytes, const header_t *header,
    size_t width, clarity_error_t *error);
static bool fill(clarity_zone_t *zone, const char *body,
    const header_t *header, size_t width);
static bool read_rule(clarity_zone_t *zone, clarity_str_t text);
static int64_t read_number(const char *p, size_t width);


clarity_zone_t *
clarity_zone_parse(clarity_str_t bytes, clarity_error_t *error)
{
    size_t width, skip;
    header_t header;

    if (!read_header(&header, bytes)) {
        clarity_error(error, "is no file of a time zone (TZif)");
        return NULL;
    }

    width = 4;

    if (header.version != '\0') {
        skip = HEADER + body_length(&header, width);

        if (skip > bytes.len) {
            goto cut;
        }

        width = 8;
        bytes.data += skip;
        bytes.len -= skip;

        if (!read_header(&header, bytes)) {
            goto cut;
        }
    }

    if (HEADER + body_length(&header, width) > bytes.len) {
        goto cut;
    }

    return read_body(bytes, &header, width, error);

cut:

    clarity_error(error, "is cut short");
    return NULL;
}


/* Counts are bounded by what a file may have, so sums do not overflow. */
static bool
read_header(header_t *header, clarity_str_t bytes)
{
    size_t i;
    int64_t number;
    size_t *counts[] = { &header->isut, &header->isstd, &header->leaps,
        &header->times, &header->types, &header->names };

    if (bytes.len < HEADER || memcmp(bytes.data, "TZif", 4) != 0) {
        return false;
    }

    header->version = bytes.data[4];

    for (i = 0; i < 6; i++) {
        number = read_number(bytes.data + 20 + 4 * i, 4);

        if (number < 0 || number > CLARITY_ZONE_FILE_MAX) {
            return false;
        }

        *counts[i] = (size_t) number;
    }

    return true;
}


static size_t
body_length(const header_t *header, size_t width)
{
    return header->times * (width + 1) + header->types * TYPE + header->names
           + header->leaps * (width + 4) + header->isstd + header->isut;
}


static clarity_zone_t *
read_body(clarity_str_t bytes, const header_t *header, size_t width,
    clarity_error_t *error)
{
    size_t len;
    clarity_zone_t *zone;

    if (header->types == 0 || header->types > TYPE_MAX) {
        clarity_error(error, "has no types of local time, or too many");
        return NULL;
    }

    /* time_t counts none, so such a zone would be off by all of them */
    if (header->leaps > 0) {
        clarity_error(error, "counts leap seconds, expected a zone without");
        return NULL;
    }

    zone = calloc(1, sizeof(*zone));

    if (zone != NULL) {
        zone->count = header->times;
        zone->times = calloc(zone->count + 1, sizeof(*zone->times));
        zone->offsets = calloc(zone->count + 1, sizeof(*zone->offsets));
    }

    if (zone == NULL || zone->times == NULL || zone->offsets == NULL) {
        clarity_error(error, "out of memory");
        clarity_zone_free(zone);
        return NULL;
    }

    len = HEADER + body_length(header, width);

    if (!fill(zone, bytes.data + HEADER, header, width)
        || (width == 8
            && !read_rule(
                zone, (clarity_str_t){ bytes.data + len, bytes.len - len })))
    {
        clarity_error(error, "is damaged");
        clarity_zone_free(zone);
        return NULL;
    }

    return zone;
}


static bool
fill(clarity_zone_t *zone, const char *body, const header_t *header,
    size_t width)
{
    size_t i, type;
    int64_t offset;
    const char *indexes, *types;

    indexes = body + header->times * width;
    types = indexes + header->times;

    for (i = 0; i < header->types; i++) {
        offset = read_number(types + i * TYPE, 4);

        /* RFC 8536, section 3.2, has a day or so; it must not overflow */
        if (offset < -7 * 86400 || offset > 7 * 86400) {
            return false;
        }
    }

    zone->first = (int) read_number(types, 4);

    for (i = 0; i < header->times; i++) {
        type = (unsigned char) indexes[i];

        if (type >= header->types) {
            return false;
        }

        zone->times[i] = read_number(body + i * width, width);
        zone->offsets[i] = (int32_t) read_number(types + type * TYPE, 4);

        if (i > 0 && zone->times[i] <= zone->times[i - 1]) {
            return false;
        }
    }

    return true;
}


/* "\nRULE\n"; an empty one says that there is none. */
static bool
read_rule(clarity_zone_t *zone, clarity_str_t text)
{
    const char *end;

    if (text.len < 2 || text.data[0] != '\n') {
        return false;
    }

    text.data++;
    text.len--;

    end = memchr(text.data, '\n', text.len);
    if (end == NULL) {
        return false;
    }

    text.len = (size_t) (end - text.data);
    zone->has_rule = text.len > 0;

    return text.len == 0 || clarity_zone_rule_parse(&zone->rule, text);
}


/* Big-endian, two's complement. */
static int64_t
read_number(const char *p, size_t width)
{
    size_t i;
    uint64_t number;

    /* the sign's bits, shifted out where there are eight bytes */
    number = (p[0] & 0x80) ? UINT64_MAX : 0;

    for (i = 0; i < width; i++) {
        number = number << 8 | (unsigned char) p[i];
    }

    return (int64_t) number;
}


void
clarity_zone_free(clarity_zone_t *zone)
{
    if (zone != NULL) {
        free(zone->times);
        free(zone->offsets);
        free(zone);
    }
}


int
clarity_zone_offset(const clarity_zone_t *zone, time_t at)
{
    size_t low, high, middle;

    if (zone->count == 0 || at < zone->times[0]) {
        return zone->count == 0 && zone->has_rule
                   ? clarity_zone_rule_offset(&zone->rule, at)
                   : zone->first;
    }

    if (zone->has_rule && at >= zone->times[zone->count - 1]) {
        return clarity_zone_rule_offset(&zone->rule, at);
    }

    /* times[low] <= at < times[high] */
    low = 0;
    high = zone->count;

    while (high - low > 1) {
        middle = low + (high - low) / 2;

        if (at < zone->times[middle]) {
            high = middle;
        } else {
            low = middle;
        }
    }

    return zone->offsets[low];
}


bool
clarity_zone_name_is(clarity_str_t name)
{
    char c, before;
    size_t i;

    if (name.len == 0 || name.len > CLARITY_ZONE_NAME_MAX) {
        return false;
    }

    before = '/';

    for (i = 0; i < name.len; i++, before = c) {
        c = name.data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
            continue;
        }

        /* a part begins with a letter */
        if (before == '/'
            || ((c < '0' || c > '9') && c != '_' && c != '+' && c != '-'
                && c != '/'))
        {
            return false;
        }
    }

    return before != '/';
}
