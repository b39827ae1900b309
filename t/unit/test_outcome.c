#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "webhook/outcome.h"


/* The codes and statuses that callers build on: none may change unnoticed. */
static void
codes_and_statuses_are_the_published_ones(void **state)
{
    size_t i;
    const clarity_outcome_info_t *info;
    static const struct {
        clarity_outcome_t outcome;
        const char *code;
        unsigned status;
    } cases[] = {
        { CLARITY_ACCEPTED, "accepted", 202 },
        { CLARITY_DUPLICATE, "duplicate", 202 },
        { CLARITY_VALID, "valid", 200 },
        { CLARITY_WEBHOOK_NOT_FOUND, "webhook_not_found", 404 },
        { CLARITY_JOB_NOT_FOUND, "job_not_found", 404 },
        { CLARITY_TOKEN_MISSING, "token_missing", 401 },
        { CLARITY_TOKEN_INVALID, "token_invalid", 401 },
        { CLARITY_METHOD_NOT_ALLOWED, "method_not_allowed", 405 },
        { CLARITY_WEBHOOK_DISABLED, "webhook_disabled", 410 },
        { CLARITY_MEDIA_TYPE_UNSUPPORTED, "media_type_unsupported", 415 },
        { CLARITY_JSON_INVALID_BODY, "json_invalid", 400 },
        { CLARITY_CONTEXT_TWICE, "context_twice", 400 },
        { CLARITY_CONTEXT_INVALID, "context_invalid", 422 },
        { CLARITY_IDEMPOTENCY_KEY_REUSED, "idempotency_key_reused", 422 },
        { CLARITY_PAYLOAD_TOO_LARGE, "payload_too_large", 413 },
        { CLARITY_RATE_LIMITED, "rate_limited", 429 },
        { CLARITY_BAD_REQUEST, "bad_request", 400 },
        { CLARITY_REQUEST_TIMEOUT, "request_timeout", 408 },
        { CLARITY_QUEUE_FULL, "queue_full", 503 },
        { CLARITY_DURABILITY_UNAVAILABLE, "durability_unavailable", 503 },
        { CLARITY_WEBHOOKS_NOT_LOADED, "webhooks_not_loaded", 503 },
        { CLARITY_QUEUE_UNAVAILABLE, "queue_unavailable", 503 },
        { CLARITY_QUEUE_TIMEOUT, "queue_timeout", 504 },
        { CLARITY_INTERNAL, "internal", 500 },
    };

    (void) state;

    assert_int_equal(sizeof(cases) / sizeof(cases[0]), CLARITY_NOUTCOMES);

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {
        assert_int_equal(cases[i].outcome, i);
        info = clarity_outcome_info(cases[i].outcome);
        assert_string_equal(info->code, cases[i].code);
        assert_int_equal(info->status, cases[i].status);
    }
}


static void
every_outcome_says_what_it_is_and_what_to_do(void **state)
{
    unsigned i, j;
    const clarity_outcome_info_t *info, *other;

    (void) state;

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {
        info = clarity_outcome_info((clarity_outcome_t) i);

        assert_true(strlen(info->title) > 4);
        assert_true(strlen(info->detail) > 20);

        for (j = 0; j < i; j++) {
            other = clarity_outcome_info((clarity_outcome_t) j);
            assert_string_not_equal(info->code, other->code);
            assert_string_not_equal(info->detail, other->detail);
        }
    }
}


static void
what_passes_by_itself_says_when_to_come_again(void **state)
{
    unsigned i, status;

    (void) state;

    for (i = 0; i < CLARITY_NOUTCOMES; i++) {
        status = clarity_outcome_info((clarity_outcome_t) i)->status;
        assert_int_equal(
            clarity_outcome_info((clarity_outcome_t) i)->retry_after,
            status == 503 || status == 504 || status == 429);
    }
}


static void
an_outcome_outside_the_table_is_an_internal_error(void **state)
{
    (void) state;

    assert_string_equal(
        clarity_outcome_info(CLARITY_NOUTCOMES)->code, "internal");
    assert_string_equal(
        clarity_outcome_info((clarity_outcome_t) -1)->code, "internal");
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_statuses_are_the_published_ones),
        cmocka_unit_test(every_outcome_says_what_it_is_and_what_to_do),
        cmocka_unit_test(what_passes_by_itself_says_when_to_come_again),
        cmocka_unit_test(an_outcome_outside_the_table_is_an_internal_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
