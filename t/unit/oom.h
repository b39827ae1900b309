/*
 * Memory that runs out on purpose: malloc, calloc and realloc of the program
 * under test, which fail from the n-th call on. One source file a program
 * may include this. Valgrind puts its own in their place, so a test that
 * needs them starts with OOM_OR_SKIP().
 */

#ifndef CLARITY_T_OOM_H
#define CLARITY_T_OOM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#define OOM_REAL(name) __interceptor_##name
#else
#define OOM_REAL(name) __libc_##name
#endif

extern void *OOM_REAL(malloc)(size_t size);
extern void *OOM_REAL(calloc)(size_t n, size_t size);
extern void *OOM_REAL(realloc)(void *old, size_t size);

#define OOM_OR_SKIP()                                                         \
    do {                                                                      \
        if (!oom_works()) {                                                   \
            skip();                                                           \
        }                                                                     \
    } while (0)

/*
 * Calls that still succeed; -1: all do. Volatile, as compilers know that no
 * malloc() reads a variable of the program.
 */
static volatile long oom_after = -1;


static bool
oom_fails(void)
{
    if (oom_after == 0) {
        errno = ENOMEM;
        return true;
    }

    if (oom_after > 0) {
        oom_after--;
    }

    return false;
}


void *
malloc(size_t size)
{
    return oom_fails() ? NULL : OOM_REAL(malloc)(size);
}


void *
calloc(size_t n, size_t size)
{
    return oom_fails() ? NULL : OOM_REAL(calloc)(n, size);
}


void *
realloc(void *old, size_t size)
{
    return oom_fails() ? NULL : OOM_REAL(realloc)(old, size);
}


static bool
oom_works(void)
{
    void *p;
    void *(*volatile from_afar)(size_t size) = malloc; /* not inlined */

    oom_after = 0;
    p = from_afar(1);
    oom_after = -1;

    free(p);
    return p == NULL;
}

#endif
