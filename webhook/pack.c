#include "webhook/checker.h"

#include <limits.h>
#include <string.h>

#define OF_ALL 0x80 /* in the byte of the code: no parameter's */

/* The length of a name has a byte. */
_Static_assert(CLARITY_CONTEXT_MAX_SHOWN <= UCHAR_MAX, "names are too long");


/* Each fault: its code, the length of its parameter's name, the name. */
void
clarity_context_pack(
    const clarity_context_checker_t *checker, clarity_context_packed_t *packed)
{
    size_t i, n, kept;
    clarity_str_t name;
    const clarity_context_fault_t *fault;
    char shown[CLARITY_CONTEXT_MAX_SHOWN];

    packed->nfaults = checker->nfaults;
    packed->len = 0;

    kept = checker->nfaults < CLARITY_CONTEXT_MAX_FAULTS
               ? checker->nfaults
               : CLARITY_CONTEXT_MAX_FAULTS;

    for (i = 0; i < kept; i++) {
        fault = &checker->faults[i];
        name = clarity_context_name(checker, fault);
        n = clarity_context_show(shown, name);

        if (packed->len + 2 + n > sizeof(packed->data)) {
            return;
        }

        packed->data[packed->len++] =
            (char) (fault->code | (fault->of == FAULT_OF_ALL ? OF_ALL : 0));
        packed->data[packed->len++] = (char) n;
        memcpy(packed->data + packed->len, shown, n);
        packed->len += n;
    }
}


bool
clarity_context_unpack(const clarity_context_packed_t *packed, size_t *at,
    clarity_context_code_t *code, clarity_str_t *parameter)
{
    unsigned char byte;

    if (*at == packed->len) {
        return false;
    }

    byte = (unsigned char) packed->data[(*at)++];

    *code = byte & ~OF_ALL;
    parameter->len = (unsigned char) packed->data[(*at)++];
    parameter->data = byte & OF_ALL ? NULL : packed->data + *at;
    *at += parameter->len;

    return true;
}
