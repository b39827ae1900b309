/*
 * A fuzz target: LLVMFuzzerTestOneInput(), for libFuzzer (make fuzz), and for
 * the main() of replay.c, which runs it over its corpus (make test).
 *
 * A target looks at more than that nothing crashes: what must hold of every
 * input is said by FUZZ_HOLDS().
 */

#ifndef CLARITY_T_FUZZ_H
#define CLARITY_T_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_HOLDS(condition)                                                 \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
                #condition);                                                  \
            abort();                                                          \
        }                                                                     \
    } while (0)

#endif
