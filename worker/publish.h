/*
 * Tells others which workflows this worker has loaded: its field of the hash
 * {PREFIX}:workflows, drawn in docs/jobs.md. It is written again and again,
 * so a write that is lost does no harm.
 */

#ifndef CLARITY_WORKER_PUBLISH_H
#define CLARITY_WORKER_PUBLISH_H

#include "conf/workflows.h"
#include "worker/call.h"

typedef struct clarity_publisher_s clarity_publisher_t;

/* conf and consumer must outlive the publisher. NULL: out of memory. */
clarity_publisher_t *clarity_publisher_create(struct event_base *base,
    clarity_calls_t *calls, const clarity_conf_t *conf,
    clarity_str_t consumer);

/* Before the calls are freed. NULL is fine. */
void clarity_publisher_free(clarity_publisher_t *publisher);

/* From now on; writes it. Makes a reference of its own. */
void clarity_publisher_use(
    clarity_publisher_t *publisher, clarity_workflows_t *set);

/* Writes it, if there is a connection. */
void clarity_publisher_write(clarity_publisher_t *publisher);

/* The same for the texts of the workflows, which runs that wait may need when
 * they are not loaded any more. */
void clarity_publisher_write_texts(clarity_publisher_t *publisher);

/* The worker leaves: deletes its field and writes it no more. */
void clarity_publisher_withdraw(clarity_publisher_t *publisher);

#endif
