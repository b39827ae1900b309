#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/show.h"

#define EVERY 1000 /* ms */


void
clarity_progress_start(clarity_progress_t *progress, const char *what)
{
    progress->what = what;
    progress->next = clarity_show_now() + EVERY;
    progress->on_terminal = isatty(STDERR_FILENO) == 1;
    progress->shown = false;
}


void
clarity_progress_step(clarity_progress_t *progress, uint64_t done)
{
    uint64_t now;

    if (!progress->on_terminal) {
        return;
    }

    now = clarity_show_now();

    if (now < progress->next) {
        return;
    }

    progress->next = now + EVERY;
    progress->shown = true;

    fprintf(stderr, "\r… %" PRIu64 " %s", done, progress->what);
    fflush(stderr);
}


void
clarity_progress_end(clarity_progress_t *progress)
{
    if (progress->shown) {
        fputs("\n", stderr);
    }
}
