/*
 * What is wrong with a body of the settings API: every fault in one answer,
 * each with a JSON pointer (RFC 6901) to the member and a detail for a
 * person. Bounded, whatever was sent.
 */

#ifndef CLARITY_WEBHOOK_FAULTS_H
#define CLARITY_WEBHOOK_FAULTS_H

#include "json/buf.h"
#include "json/tree.h"

#define CLARITY_FAULTS_MAX   32 /* in one answer */
#define CLARITY_FAULTS_SHOWN 64 /* bytes of a name of the caller's */

/* Zeroed: none yet. */
typedef struct {
    size_t n;          /* found; those above the bound are only counted */
    clarity_buf_t buf; /* {"pointer":…,"detail":…},… */
} clarity_faults_t;

void clarity_faults_free(clarity_faults_t *faults);

/* printf about one member; a name that is longer than it may be is cut. */
void clarity_faults_add(clarity_faults_t *faults, clarity_str_t member,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Is the body an object, and is each of its members one of `known`? Those of
 * `fixed` are told that they cannot be set. Both lists end with NULL; fixed
 * may be NULL.
 */
void clarity_faults_check_members(clarity_faults_t *faults,
    const clarity_json_t *body, const char *const *known,
    const char *const *fixed);

/*
 * Appends `"errors":[…]`, and `,"errors_omitted":N` where there were more.
 * Where memory ran out, buf->failed is set.
 */
void clarity_faults_write(const clarity_faults_t *faults, clarity_buf_t *buf);

#endif
