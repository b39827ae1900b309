/*
 * The text of a workflow as it stands in Redis: so that who can write there
 * cannot make a worker run a text of theirs, with the secrets that it names,
 * it is sealed with a key that only workers have.
 *
 *   <seal>\n<text>
 *
 * The seal is webhook/seal.h's, of the text's SHA-256 in hex, bound to the
 * ids "workflow" and the workflow's digest.
 */

#ifndef CLARITY_WORKER_TEXT_H
#define CLARITY_WORKER_TEXT_H

#include "json/buf.h"
#include "webhook/seal.h"

/* Appends it. false: the crypto library failed. */
bool clarity_text_seal(const clarity_seal_keys_t *keys, clarity_str_t digest,
    clarity_str_t text, clarity_buf_t *buf);

/* The text is a slice of what is in Redis. false and *error. */
bool clarity_text_open(const clarity_seal_keys_t *keys, clarity_str_t digest,
    clarity_str_t value, clarity_str_t *text, clarity_error_t *error);

#endif
