#include "worker/action_custom_part.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RESULT_MAX ((size_t) 1 << 20)


const char *
clarity_call_job(const clarity_call_t *call)
{
    return call->job;
}


const char *
clarity_call_trigger(const clarity_call_t *call)
{
    return call->trigger;
}


const char *
clarity_call_webhook(const clarity_call_t *call)
{
    return call->webhook;
}


const char *
clarity_call_workflow(const clarity_call_t *call)
{
    return call->workflow;
}


const char *
clarity_call_step(const clarity_call_t *call)
{
    return call->step;
}


unsigned
clarity_call_attempt(const clarity_call_t *call)
{
    return call->attempt;
}


const char *
clarity_call_idempotency_key(const clarity_call_t *call)
{
    return call->idempotency_key;
}


const char *
clarity_call_traceparent(const clarity_call_t *call)
{
    return call->traceparent;
}


const char *
clarity_call_context(const clarity_call_t *call)
{
    return call->context;
}


const char *
clarity_call_input(const clarity_call_t *call)
{
    return call->input;
}


int
clarity_call_is_over(const clarity_call_t *call)
{
    return atomic_load(&call->is_over);
}


int
clarity_call_set_result(clarity_call_t *call, const char *text, size_t len)
{
    clarity_buf_free(&call->body);
    memset(&call->body, 0, sizeof(call->body));

    if (len > RESULT_MAX) {
        return -1;
    }

    clarity_buf_add(&call->body, (clarity_str_t){ text, len });

    return call->body.failed ? -1 : 0;
}


void
clarity_call_set_reason(clarity_call_t *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(call->reason, sizeof(call->reason), format, args);
    va_end(args);
}


void
clarity_call_set_retry_after(clarity_call_t *call, uint64_t ms)
{
    call->retry_after = ms;
}
