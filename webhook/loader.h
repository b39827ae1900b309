/*
 * What the readers of triggers.json share: trigger.c and parameter.c.
 */

#ifndef CLARITY_WEBHOOK_LOADER_H
#define CLARITY_WEBHOOK_LOADER_H

#include "json/text.h"
#include "json/tree.h"
#include "webhook/trigger.h"

typedef struct {
    clarity_json_doc_t *doc; /* all memory comes from it */
    const char *file;
    clarity_error_t *error;

    /* What messages start with: 'trigger "a": parameter "b": '. */
    char where[2 * CLARITY_MAX_NAME + 64];
} clarity_loader_t;

/* "FILE:LINE: WHERE: …"; always false, like clarity_error(). */
bool clarity_loader_refuse(clarity_loader_t *loader, unsigned line,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
bool clarity_loader_out_of_memory(clarity_loader_t *loader);

/* A value for a message: a string in quotes, "an array", or as written. */
clarity_quote_t clarity_loader_shown(const clarity_json_t *json);

/*
 * Adds `what` and its name to `where`, and checks that it is an object, that
 * all its keys are in a NULL-terminated list, and its "name" if it has one
 * (name != NULL).
 */
bool clarity_loader_enter(clarity_loader_t *loader, const clarity_json_t *json,
    const char *what, const char *const *keywords, clarity_str_t *name);

/* One element of "context". */
bool clarity_parameter_load(clarity_loader_t *loader,
    const clarity_json_t *json, clarity_parameter_t *parameter);

#endif
