/* Conditions: what holds and what does not. */

#include "workflow_fixture.h"

#include "workflow/condition.h"

/* 2025-06-11 10:30:15 UTC, a Wednesday */
#define NOW ((time_t) 1749637815)

static const char context[] =
    "{'app_identifier': 'Payroll', 'identity_id': 42,"
    " 'entitlement_id': '42', 'expiration': '2025-06-11T10:30:15Z',"
    " 'grant_type': 'exception', 'creator_id': null,"
    " 'meta': {'ticket': 'INC0012345', 'line': 'INC1\\n', 'amount': 12.50, "
    "'big':"
    " 12345678901234567890, 'urgent': true, 'tags': ['a', 'b', 3, {'k': 1}],"
    " 'nested': {'x': 1, 'y': [1, 2]}, 'empty': '', 'list': [],"
    " 'text': 'Zürich \\u0000 end', 'due': '2025-06-11',"
    " 'precise': '2025-06-11T10:30:15.250Z',"
    " 'east': '2025-06-11T12:30:15+02:00', 'not_a_date': '2025-02-30',"
    " 'twice': 'first', 'twice': 'second', 'date': '2099-01-01'}}";

typedef struct {
    const char *condition;
    clarity_condition_result_t result;
} holds_case_t;

#define YES CLARITY_CONDITION_YES
#define NO  CLARITY_CONDITION_NO


static clarity_condition_result_t
evaluate(const char *condition, const char *values, time_t now,
    clarity_error_t *error)
{
    clarity_json_doc_t *doc, *value;
    clarity_condition_t *compiled;
    clarity_condition_result_t result;

    doc = fixture_json(condition);
    value = fixture_json(values);

    compiled = clarity_condition_compile(
        doc->root, "w.json", &fixture_trigger_list[0], error);
    if (compiled == NULL) {
        fail_msg("%s in %s", error->text, condition);
    }

    result = clarity_condition_holds(compiled, value->root, now, error);

    clarity_condition_free(compiled);
    clarity_json_free(doc);
    clarity_json_free(value);

    return result;
}


static void
check_holds(const holds_case_t *cases, size_t n)
{
    size_t i;
    clarity_error_t error;
    clarity_condition_result_t result;

    for (i = 0; i < n; i++) {
        result = evaluate(cases[i].condition, context, NOW, &error);

        if (result != cases[i].result) {
            fail_msg("%s: %d, expected %d", cases[i].condition, result,
                cases[i].result);
        }
    }
}


static void
equals_compares_any_value_by_value(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'app_identifier', 'equals': 'Payroll'}", YES },
        { "{'parameter': 'app_identifier', 'equals': 'payroll'}", NO },
        { "{'parameter': 'app_identifier', 'equals': 'Payrol'}", NO },
        { "{'parameter': 'identity_id', 'equals': 42}", YES },
        { "{'parameter': 'identity_id', 'equals': 42.0}", YES },
        { "{'parameter': 'identity_id', 'equals': 4.2e1}", YES },
        { "{'parameter': 'identity_id', 'equals': '42'}", NO },
        { "{'parameter': 'entitlement_id', 'equals': 42}", NO },
        { "{'parameter': 'entitlement_id', 'equals': '42'}", YES },
        { "{'parameter': 'creator_id', 'equals': null}", YES },
        { "{'parameter': 'creator_id', 'equals': ''}", NO },
        { "{'parameter': 'creator_id', 'equals': false}", NO },
        { "{'parameter': 'meta.big', 'equals': 12345678901234567890}", YES },
        { "{'parameter': 'meta.big', 'equals': 12345678901234567891}", NO },
        { "{'parameter': 'meta.amount', 'equals': 12.5}", YES },
        { "{'parameter': 'meta.urgent', 'equals': true}", YES },
        { "{'parameter': 'meta.urgent', 'equals': false}", NO },
        { "{'parameter': 'meta.urgent', 'equals': 'true'}", NO },
        { "{'parameter': 'meta.text', 'equals': 'Zürich \\u0000 end'}", YES },
        { "{'parameter': 'meta.text', 'equals': 'Zürich '}", NO },
        { "{'parameter': 'meta.text', 'equals': 'Z\\u00fcrich \\u0000 end'}",
            YES },
        { "{'parameter': 'meta.nested', 'equals': {'y': [1, 2.0], 'x': 1}}",
            YES },
        { "{'parameter': 'meta.nested', 'equals': {'y': [2, 1], 'x': 1}}",
            NO },
        { "{'parameter': 'meta.nested', 'equals': {'y': [1, 2]}}", NO },
        { "{'parameter': 'meta.nested', 'equals': {'y': [1, 2], 'z': 1}}",
            NO },
        { "{'parameter': 'meta.nested', 'equals': {}}", NO },
        { "{'parameter': 'meta.nested.y', 'equals': [1, 2]}", YES },
        { "{'parameter': 'meta.nested.y', 'equals': [1]}", NO },
        { "{'parameter': 'meta.nested.y', 'equals': [1, 2, 3]}", NO },
        { "{'parameter': 'meta.list', 'equals': []}", YES },
        { "{'parameter': 'meta.list', 'equals': {}}", NO },
        { "{'parameter': 'meta.none', 'equals': null}", NO },
        { "{'parameter': 'meta.twice', 'equals': 'first'}", YES },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
not_equals_and_not_in_are_the_exact_contrary(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'grant_type', 'not_equals': 'role'}", YES },
        { "{'parameter': 'grant_type', 'not_equals': 'exception'}", NO },
        { "{'parameter': 'identity_id', 'not_equals': 42.00}", NO },
        { "{'parameter': 'identity_id', 'not_equals': '42'}", YES },
        { "{'parameter': 'meta.none', 'not_equals': 'x'}", YES },
        { "{'parameter': 'meta.none.below', 'not_equals': null}", YES },
        { "{'parameter': 'creator_id', 'not_equals': null}", NO },
        { "{'parameter': 'grant_type', 'in': ['role', 'exception']}", YES },
        { "{'parameter': 'grant_type', 'in': ['role']}", NO },
        { "{'parameter': 'identity_id', 'in': ['42', 43]}", NO },
        { "{'parameter': 'identity_id', 'in': ['42', 42.0]}", YES },
        { "{'parameter': 'creator_id', 'in': [null]}", YES },
        { "{'parameter': 'meta.nested', 'in': [{'x': 1, 'y': [1, 2]}]}", YES },
        { "{'parameter': 'meta.tags', 'in': ['a', 'b']}", NO },
        { "{'parameter': 'meta.none', 'in': [null]}", NO },
        { "{'parameter': 'grant_type', 'not_in': ['role']}", YES },
        { "{'parameter': 'grant_type', 'not_in': ['exception']}", NO },
        { "{'parameter': 'meta.none', 'not_in': [null]}", YES },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
exists_asks_for_presence_and_null_is_present(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'meta.ticket', 'exists': true}", YES },
        { "{'parameter': 'meta.ticket', 'exists': false}", NO },
        { "{'parameter': 'creator_id', 'exists': true}", YES },
        { "{'parameter': 'creator_id', 'exists': false}", NO },
        { "{'parameter': 'meta.none', 'exists': true}", NO },
        { "{'parameter': 'meta.none', 'exists': false}", YES },
        { "{'parameter': 'meta.ticket.below', 'exists': false}", YES },
        { "{'parameter': 'meta.tags.0', 'exists': true}", YES },
        { "{'parameter': 'meta.tags.3.k', 'exists': true}", YES },
        { "{'parameter': 'meta.tags.4', 'exists': true}", NO },
        { "{'parameter': 'meta.tags.00', 'exists': true}", NO },
        { "{'parameter': 'meta.tags.-1', 'exists': true}", NO },
        { "{'parameter': 'meta.tags.1e0', 'exists': true}", NO },
        { "{'parameter': 'meta.tags.18446744073709551616', 'exists': true}",
            NO },
        { "{'parameter': 'meta.empty', 'exists': true}", YES },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
text_operators_hold_for_strings_only(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'meta.ticket', 'matches': '^INC[0-9]+$'}", YES },
        { "{'parameter': 'meta.ticket', 'matches': '001'}", YES },
        { "{'parameter': 'meta.ticket', 'matches': '^CHG'}", NO },
        { "{'parameter': 'meta.ticket', 'matches': '^inc'}", NO },
        { "{'parameter': 'meta.ticket', 'matches': '(?i)^inc'}", YES },
        { "{'parameter': 'meta.text', 'matches': '^Z.rich'}", YES },
        { "{'parameter': 'meta.text', 'matches': 'end$'}", YES },
        { "{'parameter': 'meta.line', 'matches': '^INC[0-9]+$'}", NO },
        { "{'parameter': 'meta.line', 'matches': '(?m)^INC[0-9]+$'}", YES },
        { "{'parameter': 'meta.empty', 'matches': '^$'}", YES },
        { "{'parameter': 'identity_id', 'matches': '42'}", NO },
        { "{'parameter': 'creator_id', 'matches': '.*'}", NO },
        { "{'parameter': 'meta.none', 'matches': '.*'}", NO },
        { "{'parameter': 'meta.ticket', 'starts_with': 'INC'}", YES },
        { "{'parameter': 'meta.ticket', 'starts_with': 'INC0012345'}", YES },
        { "{'parameter': 'meta.ticket', 'starts_with': 'INC00123456'}", NO },
        { "{'parameter': 'meta.ticket', 'starts_with': 'NC'}", NO },
        { "{'parameter': 'identity_id', 'starts_with': '4'}", NO },
        { "{'parameter': 'meta.none', 'starts_with': 'I'}", NO },
        { "{'parameter': 'meta.ticket', 'ends_with': '345'}", YES },
        { "{'parameter': 'meta.ticket', 'ends_with': '346'}", NO },
        { "{'parameter': 'meta.empty', 'ends_with': 'x'}", NO },
        { "{'parameter': 'meta.tags', 'ends_with': 'b'}", NO },
        { "{'parameter': 'meta.none', 'ends_with': 'x'}", NO },
        { "{'parameter': 'meta.ticket', 'contains': '0012'}", YES },
        { "{'parameter': 'meta.ticket', 'contains': '0013'}", NO },
        { "{'parameter': 'meta.text', 'contains': '\\u0000'}", YES },
        { "{'parameter': 'meta.ticket', 'contains': 12}", NO },
        { "{'parameter': 'meta.tags', 'contains': 'b'}", YES },
        { "{'parameter': 'meta.tags', 'contains': 3.0}", YES },
        { "{'parameter': 'meta.tags', 'contains': {'k': 1}}", YES },
        { "{'parameter': 'meta.tags', 'contains': 'c'}", NO },
        { "{'parameter': 'meta.list', 'contains': null}", NO },
        { "{'parameter': 'meta.nested', 'contains': 'x'}", NO },
        { "{'parameter': 'meta.none', 'contains': 'x'}", NO },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
greater_and_less_compare_numbers_exactly(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'identity_id', 'greater': 41.999}", YES },
        { "{'parameter': 'identity_id', 'greater': 42}", NO },
        { "{'parameter': 'identity_id', 'less': 42}", NO },
        { "{'parameter': 'identity_id', 'less': 4.2000001e1}", YES },
        { "{'parameter': 'meta.big', 'greater': 12345678901234567889}", YES },
        { "{'parameter': 'meta.big', 'less': 12345678901234567891}", YES },
        { "{'parameter': 'meta.big', 'less': 1e400}", YES },
        { "{'parameter': 'meta.amount', 'greater': -1}", YES },
        { "{'parameter': 'entitlement_id', 'greater': 1}", NO },
        { "{'parameter': 'entitlement_id', 'less': 100}", NO },
        { "{'parameter': 'creator_id', 'less': 1}", NO },
        { "{'parameter': 'meta.none', 'less': 1}", NO },
        { "{'parameter': 'meta.none', 'greater': 1}", NO },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
before_and_after_compare_points_in_time(void **state)
{
    static const holds_case_t cases[] = {
        { "{'parameter': 'expiration', 'before': '2025-06-11T10:30:16Z'}",
            YES },
        { "{'parameter': 'expiration', 'before': '2025-06-11T10:30:15Z'}",
            NO },
        { "{'parameter': 'expiration', 'after': '2025-06-11T10:30:15Z'}", NO },
        { "{'parameter': 'expiration', 'after': '2025-06-11T10:30:14.999Z'}",
            YES },
        { "{'parameter': 'expiration', 'before': "
          "'2025-06-11T10:30:15.0000000000000000000001Z'}",
            YES },
        { "{'parameter': 'expiration', 'after': '2025-06-11'}", YES },
        { "{'parameter': 'expiration', 'before': '2025-06-12'}", YES },
        { "{'parameter': 'expiration', 'before': "
          "'2025-06-11T12:30:15+02:00'}",
            NO },
        { "{'parameter': 'expiration', 'after': "
          "'2025-06-11T12:30:14+02:00'}",
            YES },
        { "{'parameter': 'expiration', 'before': "
          "'2025-06-11T00:30:16-10:00'}",
            YES },
        { "{'parameter': 'meta.east', 'after': '2025-06-11T10:30:14z'}", YES },
        { "{'parameter': 'meta.east', 'before': '2025-06-11t10:30:15Z'}", NO },
        { "{'parameter': 'meta.due', 'before': '2025-06-11T00:00:00.1Z'}",
            YES },
        { "{'parameter': 'meta.due', 'after': '2025-06-10T23:59:59Z'}", YES },
        { "{'parameter': 'meta.precise', 'after': "
          "'2025-06-11T10:30:15.25Z'}",
            NO },
        { "{'parameter': 'meta.precise', 'before': "
          "'2025-06-11T10:30:15.2500Z'}",
            NO },
        { "{'parameter': 'meta.precise', 'after': 'now'}", YES },
        { "{'parameter': 'expiration', 'after': 'now'}", NO },
        { "{'parameter': 'expiration', 'before': 'now'}", NO },
        { "{'parameter': 'meta.due', 'before': 'now'}", YES },
        { "{'parameter': 'meta.date', 'after': 'now'}", YES },
        { "{'parameter': 'meta.not_a_date', 'before': 'now'}", NO },
        { "{'parameter': 'meta.not_a_date', 'after': 'now'}", NO },
        { "{'parameter': 'meta.ticket', 'before': 'now'}", NO },
        { "{'parameter': 'identity_id', 'before': 'now'}", NO },
        { "{'parameter': 'creator_id', 'before': 'now'}", NO },
        { "{'parameter': 'meta.none', 'after': '1970-01-01'}", NO },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
groups_combine_conditions(void **state)
{
#define T "{'parameter': 'meta.urgent', 'equals': true}"
#define F "{'parameter': 'meta.urgent', 'equals': false}"

    static const holds_case_t cases[] = {
        { "{'all': [" T "]}", YES },
        { "{'all': [" T "," T "]}", YES },
        { "{'all': [" T "," F "]}", NO },
        { "{'all': [" F "," T "]}", NO },
        { "{'any': [" F "," T "]}", YES },
        { "{'any': [" T "," F "]}", YES },
        { "{'any': [" F "," F "]}", NO },
        { "{'not': " T "}", NO },
        { "{'not': " F "}", YES },
        { "{'not': {'not': " T "}}", YES },
        { "{'not': {'all': [" T ", {'any': [" F ", {'not': " T "}]}]}}", YES },
        { "{'all': [{'any': [" F "," T "]}, {'not': " F "}]}", YES },
    };

    (void) state;
    check_holds(cases, COUNT(cases));
}


static void
time_holds_within_its_window(void **state)
{
    size_t i;
    clarity_error_t error;
    clarity_condition_result_t result;
    static const struct {
        const char *condition;
        time_t now;
        clarity_condition_result_t result;
    } cases[] = {
        /* Wednesday 10:30:15 UTC */
        { "{'time': {'days': ['wed'], 'zone': 'UTC'}}", NOW, YES },
        { "{'time': {'days': ['wed'], 'from': '10:30', 'to': '10:31'}}", NOW,
            YES },
        { "{'time': {'days': ['tue', 'thu'], 'zone': 'UTC'}}", NOW, NO },
        { "{'time': {'from': '08:00', 'to': '18:00', 'zone': 'UTC'}}", NOW,
            YES },
        { "{'time': {'from': '10:30', 'to': '10:31', 'zone': 'UTC'}}", NOW,
            YES },
        { "{'time': {'from': '10:31', 'to': '18:00', 'zone': 'UTC'}}", NOW,
            NO },
        { "{'time': {'from': '08:00', 'to': '10:30', 'zone': 'UTC'}}", NOW,
            NO },
        { "{'time': {'from': '12:30', 'to': '12:31', 'zone': '+02:00'}}", NOW,
            YES },
        { "{'time': {'from': '05:00', 'to': '05:01', 'zone': '-05:30'}}", NOW,
            YES },
        { "{'time': {'days': ['thu'], 'zone': '+13:30'}}", NOW, YES },
        { "{'time': {'days': ['thu'], 'zone': '+13:29'}}", NOW, NO },
        { "{'time': {'days': ['tue'], 'zone': '-10:31'}}", NOW, YES },
        { "{'time': {'from': '00:00', 'to': '24:00', 'zone': 'Z'}}", NOW,
            YES },
        { "{'time': {'days': ['mon','tue','wed','thu','fri'], 'from': "
          "'08:00', 'to': '18:00', 'zone': '+02:00'}}",
            NOW, YES },

        /* over midnight: from Friday 22:00 to Saturday 06:00 */
        { "{'time': {'days': ['fri'], 'from': '22:00', 'to': '06:00', "
          "'zone': 'UTC'}}",
            1749852000 - 3600 * 1, NO }, /* Fri 2025-06-13 21:00 */
        { "{'time': {'days': ['fri'], 'from': '22:00', 'to': '06:00', "
          "'zone': 'UTC'}}",
            1749852000, YES }, /* Fri 22:00 */
        { "{'time': {'days': ['fri'], 'from': '22:00', 'to': '06:00', "
          "'zone': 'UTC'}}",
            1749852000 + 8 * 3600 - 1, YES }, /* Sat 05:59:59 */
        { "{'time': {'days': ['fri'], 'from': '22:00', 'to': '06:00', "
          "'zone': 'UTC'}}",
            1749852000 + 8 * 3600, NO }, /* Sat 06:00 */
        { "{'time': {'days': ['fri'], 'from': '22:00', 'to': '06:00', "
          "'zone': 'UTC'}}",
            1749852000 - 20 * 3600, NO }, /* Fri 02:00 is Thursday's */

        /* the first second, and the last before it: a Thursday */
        { "{'time': {'days': ['thu'], 'zone': 'UTC'}}", 0, YES },
        { "{'time': {'days': ['wed'], 'from': '23:59', 'to': '24:00', "
          "'zone': 'UTC'}}",
            -1, YES },
        { "{'time': {'days': ['thu'], 'zone': 'UTC'}}", -7 * 86400, YES },
        { "{'time': {'days': ['wed'], 'zone': '-00:01'}}", 59, YES },
        { "{'time': {'days': ['sun'], 'zone': 'UTC'}}", 3 * 86400, YES },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        result = evaluate(cases[i].condition, "{}", cases[i].now, &error);

        if (result != cases[i].result) {
            fail_msg("%zu: %s at %ld: %d", i, cases[i].condition,
                (long) cases[i].now, result);
        }
    }
}


/* A context whose meta.text is n times a letter. */
static char *
long_text(size_t n)
{
    char *text;
    size_t head;

    text = malloc(n + 64);
    assert_non_null(text);

    head = sprintf(text, "{'meta': {'text': '");
    memset(text + head, 'a', n);
    strcpy(text + head + n, "'}}");

    return text;
}


#define ONE_COSTLY "{'parameter': 'meta.text', 'matches': '(?:a|x)*[bc]'}"

static void
a_costly_regular_expression_ends_in_an_error_soon(void **state)
{
    size_t i;
    char *text;
    clock_t start;
    clarity_error_t error;
    static const char *const conditions[] = {
        "{'parameter': 'meta.text', 'matches': '(a+)+[bc]'}",
        "{'parameter': 'meta.text', 'matches': '^(a|aa)+[bc]'}",
        "{'parameter': 'meta.text', 'matches': '(?:a|x)*[bc]'}",
        "{'parameter': 'meta.text', 'matches': 'a*x?a*[bc]'}",
        "{'parameter': 'meta.text', 'matches': '(a(?1)?)*[bc]'}",
        "{'any': [{'not': {'parameter': 'meta.text', 'matches': "
        "'(a*)*[bc]'}}, {'parameter': 'meta', 'exists': true}]}",
    };

    (void) state;

    text = long_text(16000);

    for (i = 0; i < COUNT(conditions); i++) {
        start = clock();

        assert_int_equal(evaluate(conditions[i], text, NOW, &error),
            CLARITY_CONDITION_ERROR);
        assert_string_equal(error.text,
            "parameter \"meta.text\": the regular expression takes too "
            "long, its limit is reached");

        /* sanitizers and valgrind are slow; unbounded it takes minutes */
        assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
    }

    free(text);
}


/* Each of them alone is below its bound, and says no. */
static void
costly_regular_expressions_share_a_bound(void **state)
{
    char *text;
    clarity_error_t error;

    (void) state;

    text = long_text(250);

    assert_int_equal(evaluate("{'any': [" ONE_COSTLY "]}", text, NOW, &error),
        CLARITY_CONDITION_NO);
    assert_int_equal(
        evaluate("{'any': [" ONE_COSTLY "," ONE_COSTLY "," ONE_COSTLY
                 "," ONE_COSTLY "," ONE_COSTLY "," ONE_COSTLY "," ONE_COSTLY
                 "," ONE_COSTLY "," ONE_COSTLY "," ONE_COSTLY "]}",
            text, NOW, &error),
        CLARITY_CONDITION_ERROR);

    free(text);
}


static void
a_usual_regular_expression_is_far_from_the_limit(void **state)
{
    size_t i;
    char *text;
    clarity_error_t error;
    static const holds_case_t cases[] = {
        { "{'parameter': 'meta.text', 'matches': '^[a-z]+$'}", YES },
        { "{'parameter': 'meta.text', 'matches': 'b$'}", NO },
        { "{'parameter': 'meta.text', 'matches': '^(?:a|b)*$'}", YES },
        { "{'parameter': 'meta.text', 'matches': "
          "'[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+'}",
            NO },
    };

    (void) state;

    text = long_text(16000);

    for (i = 0; i < COUNT(cases); i++) {
        assert_int_equal(
            evaluate(cases[i].condition, text, NOW, &error), cases[i].result);
    }

    free(text);
}


static void
a_text_too_long_for_an_expression_is_an_error(void **state)
{
    char *text;
    clarity_error_t error;

    (void) state;

    text = long_text(16384);
    assert_int_equal(evaluate("{'parameter': 'meta.text', 'matches': '^a'}",
                         text, NOW, &error),
        CLARITY_CONDITION_YES);
    free(text);

    text = long_text(16385);
    assert_int_equal(evaluate("{'parameter': 'meta.text', 'matches': '^a'}",
                         text, NOW, &error),
        CLARITY_CONDITION_ERROR);
    assert_string_equal(error.text,
        "parameter \"meta.text\": a text longer than 16384 bytes, too long "
        "for a regular expression");

    /* the other operators have no such bound */
    assert_int_equal(evaluate("{'parameter': 'meta.text', 'contains': 'aa'}",
                         text, NOW, &error),
        CLARITY_CONDITION_YES);
    free(text);
}


static void
a_group_is_settled_before_what_would_fail(void **state)
{
    char *text;
    clarity_error_t error;

    (void) state;

    text = long_text(20000);

#define PRESENT "{'parameter': 'meta.text', 'exists': true}"
#define ABSENT  "{'parameter': 'meta.text', 'exists': false}"
#define FAILS   "{'parameter': 'meta.text', 'matches': 'a'}"

    assert_int_equal(
        evaluate("{'any': [" PRESENT "," FAILS "]}", text, NOW, &error), YES);
    assert_int_equal(
        evaluate("{'all': [" ABSENT "," FAILS "]}", text, NOW, &error), NO);
    assert_int_equal(
        evaluate("{'any': [" ABSENT "," FAILS "]}", text, NOW, &error),
        CLARITY_CONDITION_ERROR);
    assert_int_equal(
        evaluate("{'not': {'all': [" FAILS "]}}", text, NOW, &error),
        CLARITY_CONDITION_ERROR);

    free(text);
}


static void
a_context_that_is_no_object_has_no_parameters(void **state)
{
    clarity_error_t error;

    (void) state;

    assert_int_equal(
        evaluate("{'parameter': 'meta', 'exists': false}", "[1]", NOW, &error),
        YES);
    assert_int_equal(
        evaluate("{'parameter': 'meta', 'equals': 1}", "'meta'", NOW, &error),
        NO);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_compares_any_value_by_value),
        cmocka_unit_test(not_equals_and_not_in_are_the_exact_contrary),
        cmocka_unit_test(exists_asks_for_presence_and_null_is_present),
        cmocka_unit_test(text_operators_hold_for_strings_only),
        cmocka_unit_test(greater_and_less_compare_numbers_exactly),
        cmocka_unit_test(before_and_after_compare_points_in_time),
        cmocka_unit_test(groups_combine_conditions),
        cmocka_unit_test(time_holds_within_its_window),
        cmocka_unit_test(a_costly_regular_expression_ends_in_an_error_soon),
        cmocka_unit_test(costly_regular_expressions_share_a_bound),
        cmocka_unit_test(a_usual_regular_expression_is_far_from_the_limit),
        cmocka_unit_test(a_text_too_long_for_an_expression_is_an_error),
        cmocka_unit_test(a_group_is_settled_before_what_would_fail),
        cmocka_unit_test(a_context_that_is_no_object_has_no_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
