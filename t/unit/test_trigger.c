#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "json/buf.h"
#include "t/unit/oom.h"
#include "t/unit/triggers_fixture.h"

#define NAME_64                                                               \
    "a234567890123456789012345678901234567890123456789012345678901234"
#define NUMBER_79                                                             \
    "1234567890123456789012345678901234567890123456789012345678901234567890"  \
    "123456789"
#define NUMBER_90 NUMBER_79 "01234567890"


static void
assert_refused(const char *text, const char *expected)
{
    clarity_error_t error;
    clarity_triggers_t *triggers;

    error.text[0] = '\0';

    triggers = clarity_triggers_parse(clarity_str(text), "t.json", &error);
    if (triggers != NULL) {
        clarity_triggers_free(triggers);
        fail_msg("taken: %s", text);
    }

    if (strcmp(error.text, expected) != 0) {
        fail_msg("%s\n  %s\n  instead of\n  %s", text, error.text, expected);
    }
}


static void
every_keyword_is_read(void **state)
{
    clarity_triggers_t *triggers;
    const clarity_trigger_t *trigger;
    const clarity_parameter_t *p;

    (void) state;

    triggers = parse(
        "{\"description\": \"All of it.\",\n"
        " \"triggers\": [\n"
        "  {\"name\": \"first\", \"title\": \"First\",\n"
        "   \"description\": \"Of two.\",\n"
        "   \"context\": [\n"
        "    {\"name\": \"any\"},\n"
        "    {\"name\": \"list\", \"type\": [\"string\", \"null\"],\n"
        "     \"format\": \"date-or-date-time\"},\n"
        "    {\"name\": \"length\", \"type\": \"string\", \"minLength\": 1,\n"
        "     \"maxLength\": 1e2},\n"
        "    {\"name\": \"range\", \"minimum\": -1.50, \"maximum\": 1e99},\n"
        "    {\"name\": \"some\", \"enum\": [\"a\", 1.0, true, null]}]},\n"
        "  {\"name\": \"_second-2\", \"context\": []}]}\n");

    assert_int_equal(triggers->count, 2);

    trigger = &triggers->triggers[0];
    assert_string_equal(trigger->name.data, "first");
    assert_string_equal(trigger->title.data, "First");
    assert_string_equal(trigger->description.data, "Of two.");
    assert_int_equal(trigger->line, 3);
    assert_int_equal(trigger->ncontext, 5);

    p = trigger->context;
    assert_string_equal(p->name.data, "any");
    assert_int_equal(p->types, 0);
    assert_int_equal(p->format, CLARITY_FORMAT_NONE);
    assert_int_equal(p->min_length, 0);
    assert_int_equal(p->max_length, SIZE_MAX);
    assert_int_equal(p->minimum.len, 0);
    assert_int_equal(p->maximum.len, 0);
    assert_int_equal(p->nvalues, 0);
    assert_null(p->values);

    p++;
    assert_int_equal(p->types, CLARITY_TYPE_STRING | CLARITY_TYPE_NULL);
    assert_int_equal(p->format, CLARITY_FORMAT_DATE_OR_DATE_TIME);

    p++;
    assert_int_equal(p->types, CLARITY_TYPE_STRING);
    assert_int_equal(p->min_length, 1);
    assert_int_equal(p->max_length, 100);

    p++;
    assert_true(clarity_str_is(p->minimum, "-1.50"));
    assert_true(clarity_str_is(p->maximum, "1e99"));

    p++;
    assert_int_equal(p->nvalues, 4);
    assert_int_equal(p->values[0].type, CLARITY_TYPE_STRING);
    assert_true(clarity_str_is(p->values[0].text, "a"));
    assert_int_equal(p->values[1].type, CLARITY_TYPE_NUMBER);
    assert_true(clarity_str_is(p->values[1].text, "1.0"));
    assert_int_equal(p->values[2].type, CLARITY_TYPE_BOOLEAN);
    assert_true(p->values[2].boolean);
    assert_int_equal(p->values[3].type, CLARITY_TYPE_NULL);

    trigger = &triggers->triggers[1];
    assert_string_equal(trigger->name.data, "_second-2");
    assert_int_equal(trigger->title.len, 0);
    assert_int_equal(trigger->ncontext, 0);

    clarity_triggers_free(triggers);
    clarity_triggers_free(NULL);
}


static void
every_type_and_format_is_known_by_its_name(void **state)
{
    size_t i;
    char text[200];
    clarity_triggers_t *triggers;
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {
        { "null", CLARITY_TYPE_NULL },
        { "boolean", CLARITY_TYPE_BOOLEAN },
        { "number", CLARITY_TYPE_NUMBER },
        { "integer", CLARITY_TYPE_INTEGER },
        { "string", CLARITY_TYPE_STRING },
        { "array", CLARITY_TYPE_ARRAY },
        { "object", CLARITY_TYPE_OBJECT },
    };
    static const char *const formats[] = { "", "date", "date-time",
        "date-or-date-time", "uuid", "email" };

    (void) state;

    for (i = 0; i < COUNT(types); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"p\","
            "\"type\":\"%s\"}]}]}",
            types[i].name);
        triggers = parse(text);
        assert_int_equal(
            triggers->triggers[0].context[0].types, types[i].type);
        clarity_triggers_free(triggers);
    }

    for (i = 0; i < COUNT(formats); i++) {
        assert_string_equal(
            clarity_format_name((clarity_format_t) i), formats[i]);

        if (i == 0) {
            continue;
        }

        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"p\","
            "\"format\":\"%s\"}]}]}",
            formats[i]);
        triggers = parse(text);
        assert_int_equal(triggers->triggers[0].context[0].format, i);
        clarity_triggers_free(triggers);
    }

    assert_string_equal(clarity_format_name((clarity_format_t) 99), "");
}


static void
a_trigger_is_found_by_its_whole_name(void **state)
{
    clarity_triggers_t *triggers;

    (void) state;

    triggers = parse("{\"triggers\":[{\"name\":\"a\",\"context\":[]},"
                     "{\"name\":\"ab\",\"context\":[]}]}");

    assert_ptr_equal(clarity_triggers_find(triggers, clarity_lit("a")),
        &triggers->triggers[0]);
    assert_ptr_equal(clarity_triggers_find(triggers, clarity_lit("ab")),
        &triggers->triggers[1]);
    assert_null(clarity_triggers_find(triggers, clarity_lit("")));
    assert_null(clarity_triggers_find(triggers, clarity_lit("A")));
    assert_null(clarity_triggers_find(triggers, clarity_lit("abc")));

    clarity_triggers_free(triggers);

    triggers = parse("{\"triggers\":[]}");
    assert_int_equal(triggers->count, 0);
    assert_null(clarity_triggers_find(triggers, clarity_lit("a")));
    clarity_triggers_free(triggers);
}


static void
a_fault_of_the_file_is_told_with_its_line(void **state)
{
    size_t i;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        { "{\"triggers\": [\n  {\"name\" \"x\"}]}",
            "t.json:2:11: expected ':' after the name" },
        { "[]", "t.json:1: the file: expected an object, got an array" },
        { "{}", "t.json:1: the file: no \"triggers\" in it; expected an "
                "array" },
        { "\n{\"triggers\": {}}",
            "t.json:2: the file: \"triggers\" must be an array, not an "
            "object" },
        { "{\"triggers\": [],\n \"version\": 1}",
            "t.json:2: the file: unknown keyword \"version\"; known are "
            "triggers, description" },
        { "{\"triggers\": [],\n \"description\": 1}",
            "t.json:2: the file: \"description\" must be a string, not a "
            "number" },
        { "{\"triggers\": [],\n \"triggers\": []}",
            "t.json:2:2: the name \"triggers\" stands twice in one object, "
            "first in line 1" },

        { "{\"triggers\": [\n\"a\"]}",
            "t.json:2: trigger: expected an object, got a string" },
        { "{\"triggers\": [\n{\"context\": []}]}",
            "t.json:2: trigger: no \"name\" in it" },
        { "{\"triggers\": [\n{\"nmae\": \"x\", \"context\": []}]}",
            "t.json:2: trigger: unknown keyword \"nmae\"; known are name, "
            "title, description, context" },
        { "{\"triggers\": [\n{\"context\": [],\n\"name\": "
          "\"job_failed\"}]}",
            "t.json:3: trigger \"job_failed\": this name is that of a "
            "trigger of Clarity's own, which the worker knows; expected "
            "another" },
        { "{\"triggers\": [\n{\"name\": \"x\"}]}",
            "t.json:2: trigger \"x\": no \"context\" in it; expected an "
            "array" },
        { "{\"triggers\": [\n{\"name\": \"x\", \"context\":\nnull}]}",
            "t.json:3: trigger \"x\": \"context\" must be an array, not "
            "null" },
        { "{\"triggers\": [{\"name\": \"x\", \"context\": [],\n"
          "\"on\\u0000\": 1}]}",
            "t.json:2: trigger \"x\": unknown keyword \"on\\u0000\"; known "
            "are name, title, description, context" },
        { "{\"triggers\": [{\"name\": \"x\", \"context\": [],\n"
          "\"title\": true}]}",
            "t.json:2: trigger \"x\": \"title\" must be a string, not a "
            "boolean" },
        { "{\"triggers\": [{\"name\": \"x\", \"context\": [],\n"
          "\"description\": []}]}",
            "t.json:2: trigger \"x\": \"description\" must be a string, not "
            "an array" },
        { "{\"triggers\": [{\"name\": \"x\", \"context\": []},\n"
          "{\"name\": \"y\", \"context\": []},\n"
          "{\"context\": [],\n\"name\": \"x\"}]}",
            "t.json:4: trigger \"x\": the same name stands in line 1" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        assert_refused(cases[i].text, cases[i].error);
    }
}


static void
names_are_letters_digits_and_two_marks(void **state)
{
    size_t i;
    char text[400], error[400];
    static const char *const good[] = { "a", "_", "A-9", "app_identifier",
        NAME_64 };
    static const struct {
        const char *name;
        const char *shown;
    } bad[] = {
        { "\"\"", "\"\"" },
        { "\"9a\"", "\"9a\"" },
        { "\"-a\"", "\"-a\"" },
        { "\"a.b\"", "\"a.b\"" },
        { "\"a b\"", "\"a b\"" },
        { "\"a/b\"", "\"a/b\"" },
        { "\"\\u00e9\"", "\"\xc3\xa9\"" },
        { "\"a\\u0000\"", "\"a\\u0000\"" },
        { "\"" NAME_64 "x\"", "\"" NAME_64 "x\"" },
        { "1.50", "1.50" },
        { "null", "null" },
        { "[\"a\"]", "an array" },
        { "{}", "an object" },
        { NUMBER_90, NUMBER_79 },
    };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"%s\",\"context\":[{\"name\":\"%s\"}]"
            "}]}",
            good[i], good[i]);
        clarity_triggers_free(parse(text));
    }

    for (i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":%s}]}]}",
            bad[i].name);
        snprintf(error, sizeof(error),
            "t.json:1: trigger \"t\": parameter: \"name\" must be a string of "
            "1 to 64 letters, digits, _ and -, the first a letter or _; got "
            "%s",
            bad[i].shown);
        assert_refused(text, error);

        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":%s,\"context\":[]}]}", bad[i].name);
        snprintf(error, sizeof(error),
            "t.json:1: trigger: \"name\" must be a string of 1 to 64 letters, "
            "digits, _ and -, the first a letter or _; got %s",
            bad[i].shown);
        assert_refused(text, error);
    }
}


static void
a_fault_of_a_parameter_is_told_with_its_line(void **state)
{
    size_t i;
    char text[1000], error[1000];
    static const struct {
        const char *keywords;
        const char *error;
    } cases[] = {
        { "\"pattern\": \"^x\"",
            "unknown keyword \"pattern\"; known are name, type, enum, format, "
            "minLength, maxLength, minimum, maximum" },
        { "\"Type\": \"string\"",
            "unknown keyword \"Type\"; known are name, type, enum, format, "
            "minLength, maxLength, minimum, maximum" },

        { "\"type\": \"text\"",
            "unknown type \"text\"; known are null, boolean, number, integer, "
            "string, array, object" },
        { "\"type\": [\"string\", 1]",
            "unknown type 1; known are null, boolean, number, integer, "
            "string, array, object" },
        { "\"type\": null",
            "\"type\" must be the name of a type or a list of some" },
        { "\"type\": []",
            "\"type\" must be the name of a type or a list of some" },
        { "\"type\": [\"null\", \"string\", \"null\"]",
            "the type \"null\" stands twice in \"type\"" },

        { "\"format\": \"datetime\"",
            "unknown format \"datetime\"; known are date, date-time, "
            "date-or-date-time, uuid, email" },
        { "\"format\": \"\"",
            "unknown format \"\"; known are date, date-time, "
            "date-or-date-time, uuid, email" },
        { "\"format\": 1", "unknown format 1; known are date, date-time, "
                           "date-or-date-time, uuid, email" },
        { "\"type\": [\"integer\", \"null\"], \"format\": \"date\"",
            "\"format\" is for strings, which \"type\" shuts out" },

        { "\"minLength\": -1",
            "\"minLength\" must be an integer from 0 on, a count of "
            "characters" },
        { "\"maxLength\": 1.5",
            "\"maxLength\" must be an integer from 0 on, a count of "
            "characters" },
        { "\"maxLength\": \"1\"",
            "\"maxLength\" must be an integer from 0 on, a count of "
            "characters" },
        { "\"maxLength\": 18446744073709551615",
            "\"maxLength\" must be an integer from 0 on, a count of "
            "characters" },
        { "\"maxLength\": 1, \"minLength\": 2",
            "\"maxLength\" is less than \"minLength\": nothing fits" },
        { "\"minLength\": 1, \"type\": \"number\"",
            "\"minLength\" is for strings, which \"type\" shuts out" },
        { "\"maxLength\": 1, \"type\": [\"null\", \"array\"]",
            "\"maxLength\" is for strings, which \"type\" shuts out" },

        { "\"minimum\": \"1\"", "\"minimum\" must be a number, not a string" },
        { "\"maximum\": null", "\"maximum\" must be a number, not null" },
        { "\"minimum\": 1e3, \"maximum\": 999.9",
            "\"maximum\" is less than \"minimum\": nothing fits" },
        { "\"minimum\": 1, \"type\": \"string\"",
            "\"minimum\" is for numbers, which \"type\" shuts out" },
        { "\"maximum\": 1, \"type\": [\"string\", \"boolean\"]",
            "\"maximum\" is for numbers, which \"type\" shuts out" },

        { "\"enum\": []", "\"enum\" must be a list of one value or more" },
        { "\"enum\": \"a\"", "\"enum\" must be a list of one value or more" },
        { "\"enum\": [\"a\", []]",
            "\"enum\" takes strings, numbers, true, false and null, not an "
            "array" },
        { "\"enum\": [{}]",
            "\"enum\" takes strings, numbers, true, false and null, not an "
            "object" },
        { "\"type\": \"string\", \"enum\": [\"a\", 12]",
            "\"enum\" holds 12, which \"type\" shuts out" },
        { "\"type\": \"integer\", \"enum\": [1, 1.5]",
            "\"enum\" holds 1.5, which \"type\" shuts out" },
        { "\"enum\": [\"2026-02-30\"], \"format\": \"date\"",
            "\"enum\" holds \"2026-02-30\", which \"format\" shuts "
            "out" },
        { "\"enum\": [\"\"], \"minLength\": 1",
            "\"enum\" holds \"\", which \"minLength\" shuts out" },
        { "\"enum\": [\"ab\"], \"maxLength\": 1",
            "\"enum\" holds \"ab\", which \"maxLength\" shuts out" },
        { "\"enum\": [1], \"minimum\": 2",
            "\"enum\" holds 1, which \"minimum\" shuts out" },
        { "\"enum\": [3], \"maximum\": 2",
            "\"enum\" holds 3, which \"maximum\" shuts out" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\": [{\"name\": \"t\", \"context\": [\n"
            "{\"name\": \"p\"},\n{\"name\": \"q\", %s}]}]}",
            cases[i].keywords);
        snprintf(error, sizeof(error),
            "t.json:3: trigger \"t\": parameter \"q\": %s", cases[i].error);
        assert_refused(text, error);
    }

    assert_refused("{\"triggers\": [{\"name\": \"t\", \"context\": [\n"
                   "{\"name\": \"p\"},\n{\"name\": \"q\"},\n"
                   "{\"name\": \"p\"}]}]}",
        "t.json:4: trigger \"t\": parameter \"p\": the same name stands in "
        "line 2");

    assert_refused("{\"triggers\": [{\"name\": \"t\", \"context\": [\n1]}]}",
        "t.json:2: trigger \"t\": parameter: expected an object, got a "
        "number");

    assert_refused("{\"triggers\": [{\"name\": \"t\", \"context\": [{}]}]}",
        "t.json:1: trigger \"t\": parameter: no \"name\" in it");
}


static void
keywords_that_go_together_are_taken(void **state)
{
    size_t i;
    char text[300];
    static const char *const good[] = {
        "\"minLength\": 2, \"maxLength\": 2",
        "\"minimum\": 1.0, \"maximum\": 1",
        "\"minimum\": 1, \"type\": [\"string\", \"integer\"]",
        "\"maxLength\": 1, \"minimum\": 1, \"format\": \"date\"",
        "\"type\": \"number\", \"enum\": [1, 2.5]",
        "\"type\": \"integer\", \"enum\": [1.0, 1e3]",
        "\"type\": [\"integer\", \"number\"]",
        "\"enum\": [\"a\", \"a\"]",
        "\"enum\": [null, false]",
    };

    (void) state;

    for (i = 0; i < COUNT(good); i++) {
        snprintf(text, sizeof(text),
            "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"p\", %s}"
            "]}]}",
            good[i]);
        clarity_triggers_free(parse(text));
    }
}


/* n times `item`, with the index for its "%zu", within head and tail. */
static void
make_list(clarity_buf_t *buf, const char *head, const char *item, size_t n,
    const char *tail)
{
    size_t i;
    const char *number;

    number = strstr(item, "%zu");

    clarity_buf_reset(buf);
    clarity_buf_addz(buf, head);

    for (i = 0; i < n; i++) {
        clarity_buf_addz(buf, i == 0 ? "" : ",");
        clarity_buf_add(
            buf, (clarity_str_t){ item, (size_t) (number - item) });
        clarity_buf_addf(buf, "%zu", i);
        clarity_buf_addz(buf, number + 3);
    }

    clarity_buf_addz(buf, tail);
    clarity_buf_add(buf, clarity_lit("\0"));
    assert_false(buf->failed);
}


static void
a_file_has_bounds(void **state)
{
    size_t i;
    clarity_buf_t buf = { 0 };
    static const struct {
        const char *head;
        const char *item;
        size_t max;
        const char *tail;
        const char *error;
    } cases[] = {
        { "{\"triggers\":[", "{\"name\":\"t%zu\",\"context\":[]}",
            CLARITY_MAX_TRIGGERS, "]}",
            "t.json:1: the file: \"triggers\" holds 1025 elements; at most "
            "1024 are taken" },
        { "{\"triggers\":[{\"name\":\"t\",\"context\":[",
            "{\"name\":\"p%zu\"}", CLARITY_MAX_PARAMETERS, "]}]}",
            "t.json:1: trigger \"t\": \"context\" holds 65 elements; at most "
            "64 are taken" },
        { "{\"triggers\":[{\"name\":\"t\",\"context\":[{\"name\":\"p\","
          "\"enum\":[",
            "\"v%zu\"", CLARITY_MAX_ENUM, "]}]}]}",
            "t.json:1: trigger \"t\": parameter \"p\": \"enum\" holds 1025 "
            "values; at most 1024 are taken" },
    };

    (void) state;

    for (i = 0; i < COUNT(cases); i++) {
        make_list(
            &buf, cases[i].head, cases[i].item, cases[i].max, cases[i].tail);
        clarity_triggers_free(parse(buf.data));

        make_list(&buf, cases[i].head, cases[i].item, cases[i].max + 1,
            cases[i].tail);
        assert_refused(buf.data, cases[i].error);
    }

    clarity_buf_free(&buf);
}


static void
out_of_memory_at_any_point_is_an_error_without_a_leak(void **state)
{
    long n;
    size_t padding;
    clarity_buf_t buf = { 0 };
    clarity_error_t error;
    clarity_triggers_t *triggers;

    (void) state;

    OOM_OR_SKIP();

    make_list(&buf, "{\"triggers\":[",
        "{\"name\":\"t%zu\",\"context\":[{\"name\":\"p\",\"enum\":[1,2,3]}]}",
        10, "]}");
    buf.len -= 3;

    /* Memory comes in blocks: let each piece be the first of one. */
    for (padding = 0; padding < 4096 / 16; padding++) {
        clarity_buf_addz(&buf, "],\"description\":\"");
        clarity_buf_addf(&buf, "%0*d\"}", (int) (padding * 16 + 1), 0);

        for (n = 0;; n++) {
            error.text[0] = '\0';

            oom_after = n;
            triggers = clarity_triggers_parse(
                clarity_buf_str(&buf), "t.json", &error);
            oom_after = -1;

            if (triggers != NULL) {
                break;
            }

            assert_string_equal(error.text, "t.json: out of memory");
        }

        assert_true(n > 5);
        clarity_triggers_free(triggers);
        buf.len -= padding * 16 + 1 + strlen("],\"description\":\"\"}");
    }

    clarity_buf_free(&buf);
}


static void
a_file_cut_off_anywhere_is_refused(void **state)
{
    size_t n;
    clarity_error_t error;
    static const char text[] =
        "{\"triggers\":[{\"name\":\"t\",\"title\":\"T\",\"context\":["
        "{\"name\":\"p\",\"type\":[\"string\"],\"enum\":[\"a\\u00e9\"],"
        "\"minLength\":1}]}]}";

    (void) state;

    for (n = 0; n < sizeof(text) - 1; n++) {
        assert_null(clarity_triggers_parse(
            (clarity_str_t){ text, n }, "t.json", &error));
    }
}


/* make runs the tests in the root of the source tree. */
static void
the_shipped_triggers_load_with_their_published_names(void **state)
{
    FILE *file;
    size_t i, n;
    char text[16384];
    clarity_error_t error;
    clarity_triggers_t *triggers;
    const clarity_trigger_t *trigger;
    static const char *const provision[] = { "app_identifier", "identity_id",
        "entitlement_id", "expiration", "grant_type", "meta", "creator_id" };
    static const char *const modified[] = { "identity_id", "auto_or_manual",
        "action_initiating_trigger", "internal_or_external" };

    (void) state;

    file = fopen("examples/triggers.json", "r");
    assert_non_null(file);
    n = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_in_range(n, 1, sizeof(text) - 1);

    triggers = clarity_triggers_parse(
        (clarity_str_t){ text, n }, "examples/triggers.json", &error);
    if (triggers == NULL) {
        fail_msg("%s", error.text);
        return;
    }

    trigger =
        clarity_triggers_find(triggers, clarity_lit("provision_entitlement"));
    assert_non_null(trigger);
    assert_string_equal(trigger->title.data, "Provision Entitlement");
    assert_int_equal(trigger->ncontext, COUNT(provision));
    for (i = 0; i < COUNT(provision); i++) {
        assert_string_equal(trigger->context[i].name.data, provision[i]);
    }

    trigger =
        clarity_triggers_find(triggers, clarity_lit("identity_modified"));
    assert_non_null(trigger);
    assert_int_equal(trigger->ncontext, COUNT(modified));
    for (i = 0; i < COUNT(modified); i++) {
        assert_string_equal(trigger->context[i].name.data, modified[i]);
    }

    for (i = 0; i < triggers->count; i++) {
        assert_true(triggers->triggers[i].title.len > 0);
        assert_true(triggers->triggers[i].description.len > 0);
    }

    clarity_triggers_free(triggers);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_is_read),
        cmocka_unit_test(every_type_and_format_is_known_by_its_name),
        cmocka_unit_test(a_trigger_is_found_by_its_whole_name),
        cmocka_unit_test(a_fault_of_the_file_is_told_with_its_line),
        cmocka_unit_test(names_are_letters_digits_and_two_marks),
        cmocka_unit_test(a_fault_of_a_parameter_is_told_with_its_line),
        cmocka_unit_test(keywords_that_go_together_are_taken),
        cmocka_unit_test(a_file_has_bounds),
        cmocka_unit_test(
            out_of_memory_at_any_point_is_an_error_without_a_leak),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused),
        cmocka_unit_test(the_shipped_triggers_load_with_their_published_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
