/*
 * The files that an operator writes: read whole, bounded, with errors that
 * name the path.
 */

#ifndef CLARITY_CONF_FILE_H
#define CLARITY_CONF_FILE_H

#include "json/buf.h"
#include "json/error.h"

/*
 * Appends the file's bytes. false and *error ("PATH: what"): not there, no
 * right to read it, longer than max, a FIFO.
 */
bool clarity_file_read(
    const char *path, size_t max, clarity_buf_t *buf, clarity_error_t *error);

/* The same, for programs that may wait: of a FIFO too, up to its end. */
bool clarity_file_read_waiting(
    const char *path, size_t max, clarity_buf_t *buf, clarity_error_t *error);

/*
 * A secret's file: its one line, without the line end; malloc'd and
 * NUL-terminated, to be given to clarity_secret_wipe(). NULL and *error
 * (never the text): as above, empty, more than a line, control bytes.
 */
char *clarity_file_secret(const char *path, clarity_error_t *error);

#define CLARITY_SECRET_MAX 8192 /* bytes */

/* NULL if the text can be a secret, else why not. */
const char *clarity_secret_refused(clarity_str_t text);

/* Overwrites and frees; NULL is fine. */
void clarity_secret_wipe(char *secret);

/*
 * A path as it stands in the file `from`: a relative one starts at that
 * file's folder. malloc'd; NULL: out of memory.
 */
char *clarity_file_beside(const char *from, clarity_str_t path);

#endif
