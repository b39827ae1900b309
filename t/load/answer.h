/* An HTTP/1.1 answer, as far as the load generator needs to read one. */

#ifndef CLARITY_LOAD_ANSWER_H
#define CLARITY_LOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ANSWER_WHAT_MAX 64

typedef struct {
    int status;
    bool closes; /* the server will close the connection */
    char
        what[ANSWER_WHAT_MAX]; /* the body's job_id, else its code, else "-" */
} answer_t;

typedef enum {
    ANSWER_PART, /* more is to come */
    ANSWER_WHOLE,
    ANSWER_BROKEN /* no answer, one without an end, or more than one */
} answer_state_t;

/* bytes[n] is '\0'. Only ANSWER_WHOLE sets the answer. */
answer_state_t answer_read(const char *bytes, size_t n, answer_t *answer);

#endif
