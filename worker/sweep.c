#include "worker/sweep.h"

#include <inttypes.h>
#include <stdio.h>

#include "job/key.h"
#include "worker/timer.h"

#define LEASES 10


void
clarity_sweep(clarity_sweep_t *sweep)
{
    char ms[24];
    clarity_str_t argv[3];
    clarity_call_conf_t conf = { 0 };

    if (clarity_clock_ms() < sweep->at) {
        return;
    }

    sweep->at = clarity_clock_ms() + LEASES * sweep->lease;

    snprintf(ms, sizeof(ms), "%" PRIu64, LEASES * sweep->lease);

    argv[0] = sweep->stream;
    argv[1] = clarity_lit(CLARITY_GROUP);
    argv[2] = clarity_str(ms);

    conf.script = &clarity_script_sweep;
    conf.argv = argv;
    conf.argc = 3;
    conf.nkeys = 1;
    conf.once = true;
    conf.subject = sweep;

    (void) clarity_call(sweep->calls, &conf);
}
