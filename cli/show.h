/*
 * What people read: aligned, coloured where a terminal shows it, and safe for
 * that terminal, whatever names hold.
 */

#ifndef CLARITY_CLI_SHOW_H
#define CLARITY_CLI_SHOW_H

#include <stdint.h>

#include "job/state.h"
#include "json/buf.h"

/* A text, with what could steer the terminal shown as "?". */
void clarity_show_text(clarity_buf_t *out, clarity_str_t text);

/* "  name      value" and a line end; nothing for an empty value. */
void clarity_show_line(
    clarity_buf_t *out, const char *name, clarity_str_t value);

/* A state, in its colour if there are colours, and blanks up to a width. */
void clarity_show_state(
    clarity_buf_t *out, clarity_state_t state, int width, bool colours);

/* Is standard output a terminal, and NO_COLOR not set? */
bool clarity_show_colours(void);

/* ms since 1970 */
uint64_t clarity_show_now(void);

/* "12 ms", "3.4 s", "5 min", "2 h", "3 d". */
void clarity_show_duration(clarity_buf_t *out, uint64_t ms);

#endif
