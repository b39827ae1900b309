/*
 * What JSON is, by RFC 8259 in UTF-8 by RFC 3629, and what it is not: texts of
 * our own, each read as it is, and within an array, where it must be taken or
 * refused as well.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "json/buf.h"
#include "json/reader.h"
#include "json/tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* With its length: some hold a NUL. */
#define T(text)                                                               \
    {                                                                         \
        text, sizeof(text) - 1                                                \
    }

static const clarity_str_t json[] = {
    T("0"),
    T("-0"),
    T("1"),
    T("-1"),
    T("10"),
    T("9007199254740993"),
    T("123456789012345678901234567890"),
    T("0.0"),
    T("-0.0"),
    T("0.5"),
    T("1.25"),
    T("-1.25"),
    T("1e0"),
    T("1E0"),
    T("1e+0"),
    T("1e-0"),
    T("1e00"),
    T("1E+10"),
    T("1e-10"),
    T("0e0"),
    T("0e+1"),
    T("-0e-1"),
    T("1.0e0"),
    T("1.5E-3"),
    T("1e400"),
    T("-1e400"),
    T("1e-400"),
    T("0.00000000000000000000000000000001"),
    T("1.7976931348623157e308"),
    T("20e1"),
    T("1.000"),
    T("true"),
    T("false"),
    T("null"),
    T("\"\""),
    T("\" \""),
    T("\"a\""),
    T("\"abc\""),
    T("\"\\\"\""),
    T("\"\\\\\""),
    T("\"\\/\""),
    T("\"/\""),
    T("\"\\b\\f\\n\\r\\t\""),
    T("\"\\u0000\""),
    T("\"\\u001f\""),
    T("\"\\u0022\""),
    T("\"\\u005C\""),
    T("\"\\u00e9\""),
    T("\"\\u00E9\""),
    T("\"\\uabcd\\uABCD\""),
    T("\"\\ud834\\udd1e\""),
    T("\"\\uD83D\\uDE00\""),
    T("\"\\ud800\\udc00\""),
    T("\"\\udbff\\udfff\""),
    T("\"\\uffff\""),
    T("\"\\ufffe\""),
    T("\"\\ufdd0\""),
    T("\"\\u2028\\u2029\""),
    T("\"\\\\u0041\""),
    T("\"\\\\ud800\""),
    T("\"\\u0061\\u30af\\u30EA\\u30b9\""),
    T("\"\177\""),
    T("\"\303\251\""),
    T("\"\302\200\""),
    T("\"\337\277\""),
    T("\"\340\240\200\""),
    T("\"\355\237\277\""),
    T("\"\356\200\200\""),
    T("\"\357\277\277\""),
    T("\"\360\220\200\200\""),
    T("\"\364\217\277\277\""),
    T("\"\342\202\254\""),
    T("\"\360\237\230\200\""),
    T("\"\342\200\213\342\200\256\""),
    T("\"\357\273\277\""),
    T("\"'\""),
    T("\"//\""),
    T("\"/* */\""),
    T("\"<script>\""),
    T("\"\342\200\250\""),
    T("\"asd\""),
    T("\"\\\"\\\\\\/\\b\""),
    T("\"new\\u000Aline\""),
    T("\"\\u0060\\u012a\\u12AB\""),
    T("[]"),
    T("[ ]"),
    T("[1]"),
    T("[1,2]"),
    T("[ 1 , 2 ]"),
    T("[[]]"),
    T("[[],[]]"),
    T("[[[]]]"),
    T("[{}]"),
    T("[{},{}]"),
    T("[null]"),
    T("[true,false,null]"),
    T("[\"a\",\"b\"]"),
    T("[1,\"a\",{},[],null]"),
    T("[0,0.5,-1e1]"),
    T("[\n]"),
    T("[\r\n1\t]"),
    T("[\"\"]"),
    T("[1,[2,[3,[4]]]]"),
    T("{}"),
    T("{ }"),
    T("{\"a\":1}"),
    T("{\"a\":1,\"b\":2}"),
    T("{ \"a\" : 1 , \"b\" : 2 }"),
    T("{\"\":0}"),
    T("{\"a\":{}}"),
    T("{\"a\":[]}"),
    T("{\"a\":{\"b\":{\"c\":null}}}"),
    T("{\"a\":\"b\"}"),
    T("{\"a\":1,\"a\":2}"),
    T("{\"a\":1,\"a\":1}"),
    T("{\"\\u0061\":1,\"a\":2}"),
    T("{\"a\\nb\":1}"),
    T("{\"\\u0000\":0}"),
    T("{\"a b\":1}"),
    T("{\"\303\251\":1}"),
    T("{\"\360\237\230\200\":1}"),
    T("{\"true\":true,\"null\":null}"),
    T("{\"a\":[{\"b\":[1]}]}"),
    T("{\"1\":1}"),
    T("{\n\"a\":\n1\n}"),
    T("{\"a\":-0}"),
    T("{\"asd\":\"sdf\",\"dfg\":\"fgh\"}"),
    T("{\"x\":[{\"id\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}],\"id\":"
      "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"),
    T(" 1"),
    T("1 "),
    T("\t1"),
    T("\n1\n"),
    T("\r1\r"),
    T(" \t\n\r1\r\n\t "),
    T(" {} "),
    T(" [] "),
    T("\n\n\nnull"),
    T("\"a\" "),
};

static const clarity_str_t none[] = {
    T(""),
    T(" "),
    T("\t\r\n"),
    T("-"),
    T("+"),
    T("."),
    T("+1"),
    T("+0"),
    T("--1"),
    T("-+1"),
    T(".5"),
    T("-.5"),
    T("0."),
    T("1."),
    T("-1."),
    T("1.e1"),
    T(".e1"),
    T("1e"),
    T("1E"),
    T("1e+"),
    T("1e-"),
    T("1e1.5"),
    T("1e1e1"),
    T("1.2.3"),
    T("01"),
    T("00"),
    T("-01"),
    T("-00"),
    T("0123"),
    T("1_000"),
    T("1,000"),
    T("0x0"),
    T("0xF"),
    T("1f"),
    T("1a"),
    T("0e"),
    T("0e+"),
    T("1e+-1"),
    T("1 2"),
    T("1.0.0"),
    T("Infinity"),
    T("-Infinity"),
    T("+Infinity"),
    T("NaN"),
    T("-NaN"),
    T("inf"),
    T("nan"),
    T("- 1"),
    T("1 .5"),
    T("1e 5"),
    T("\331\241"),
    T("1\331\241"),
    T("0b1"),
    T("0o7"),
    T("2.e3"),
    T("2.e+3"),
    T("9.e+"),
    T("1eE2"),
    T("-foo"),
    T("1/2"),
    T("1;"),
    T("\331\243"),
    T("t"),
    T("tr"),
    T("tru"),
    T("truE"),
    T("True"),
    T("TRUE"),
    T("trues"),
    T("true1"),
    T("truefalse"),
    T("f"),
    T("fals"),
    T("False"),
    T("FALSE"),
    T("n"),
    T("nul"),
    T("Null"),
    T("NULL"),
    T("nulll"),
    T("undefined"),
    T("None"),
    T("nil"),
    T("yes"),
    T("no"),
    T("on"),
    T("off"),
    T("true false"),
    T("null,"),
    T("*"),
    T("!"),
    T("a"),
    T("abc"),
    T("\""),
    T("\"a"),
    T("a\""),
    T("\"\"\""),
    T("\"a\"\"b\""),
    T("\"a\"b"),
    T("'a'"),
    T("`a`"),
    T("\"\\"),
    T("\"\\\""),
    T("\"a\\"),
    T("\"\\x41\""),
    T("\"\\'\""),
    T("\"\\a\""),
    T("\"\\0\""),
    T("\"\\v\""),
    T("\"\\1\""),
    T("\"\\U0041\""),
    T("\"\\u\""),
    T("\"\\u0\""),
    T("\"\\u00\""),
    T("\"\\u004\""),
    T("\"\\u004g\""),
    T("\"\\u 041\""),
    T("\"\\u+041\""),
    T("\"\\u-041\""),
    T("\"\\u004\\u0041\""),
    T("\"\\ud800\""),
    T("\"\\udbff\""),
    T("\"\\udc00\""),
    T("\"\\udfff\""),
    T("\"\\ud800\\ud800\""),
    T("\"\\ud800x\""),
    T("\"\\ud800\\n\""),
    T("\"\\ud800\\u0041\""),
    T("\"\\udc00\\ud800\""),
    T("\"\\udead\""),
    T("\"\\uD83D\\uDE0\""),
    T("\"\\ud83d\\u\""),
    T("\"x\\ud834y\""),
    T("\"\000\""),
    T("\"\001\""),
    T("\"\002\""),
    T("\"\003\""),
    T("\"\004\""),
    T("\"\005\""),
    T("\"\006\""),
    T("\"\007\""),
    T("\"\010\""),
    T("\"\t\""),
    T("\"\n\""),
    T("\"\013\""),
    T("\"\014\""),
    T("\"\r\""),
    T("\"\016\""),
    T("\"\017\""),
    T("\"\020\""),
    T("\"\021\""),
    T("\"\022\""),
    T("\"\023\""),
    T("\"\024\""),
    T("\"\025\""),
    T("\"\026\""),
    T("\"\027\""),
    T("\"\030\""),
    T("\"\031\""),
    T("\"\032\""),
    T("\"\033\""),
    T("\"\034\""),
    T("\"\035\""),
    T("\"\036\""),
    T("\"\037\""),
    T("\"\n"),
    T("\"a\nb\""),
    T("\"\ta\""),
    T("["),
    T("[["),
    T("[1"),
    T("[1,"),
    T("[,"),
    T("[,]"),
    T("[,1]"),
    T("[1,]"),
    T("[1,,2]"),
    T("[1,,]"),
    T("[1 2]"),
    T("[1;2]"),
    T("[1:2]"),
    T("[a]"),
    T("[\"a]"),
    T("[1}"),
    T("{1]"),
    T("]"),
    T("[]]"),
    T("[][]"),
    T("[1]]"),
    T("[1]1"),
    T("[1,2"),
    T("[true"),
    T("[null,"),
    T("[\"a\",\"b\""),
    T("[\"a\" \"b\"]"),
    T("[-]"),
    T("[01]"),
    T("[1.]"),
    T("[\"\\ud800\"]"),
    T("[ ,1]"),
    T("[1\014]"),
    T("[\0131]"),
    T("[\302\2401]"),
    T("[\357\273\2771]"),
    T("[\"a\",\n4\n,1,"),
    T("[3[4]]"),
    T("[1,\n1\n,1"),
    T("[\"\":1]"),
    T("[\"x\""),
    T("[\342\201\240]"),
    T("[*]"),
    T("[\"\""),
    T("[-2.]"),
    T("[1,,,]"),
    T("{"),
    T("{{"),
    T("{\"a\""),
    T("{\"a\":"),
    T("{\"a\":1"),
    T("{\"a\":1,"),
    T("{,"),
    T("{,}"),
    T("{\"a\":1,}"),
    T("{,\"a\":1}"),
    T("{\"a\":1,,\"b\":2}"),
    T("{\"a\":1 \"b\":2}"),
    T("{\"a\" 1}"),
    T("{\"a\"::1}"),
    T("{\"a\":1:2}"),
    T("{\"a\"=1}"),
    T("{\"a\",1}"),
    T("{a:1}"),
    T("{'a':1}"),
    T("{1:1}"),
    T("{null:1}"),
    T("{true:1}"),
    T("{[]:1}"),
    T("{{}:1}"),
    T("{\"a\"}"),
    T("{\"a\":}"),
    T("{:1}"),
    T("{\"a\":1]"),
    T("{\"a\":1}}"),
    T("}"),
    T("{}}"),
    T("{}{}"),
    T("{}[]"),
    T("{\"a\":1} x"),
    T("{\"a\":\"b}"),
    T("{\"a:1}"),
    T("{\"a\":1;\"b\":2}"),
    T("{\"a\":a}"),
    T("{\"a\":'b'}"),
    T("{\"a\n\":1}"),
    T("{\"a\":\"\000\"}"),
    T("{\"\\ud800\":1}"),
    T("{\357\273\277\"a\":1}"),
    T("{\"a\":1,\"b\"}"),
    T("{\"a\" : 1 , }"),
    T("{\"a\":[1,}"),
    T("{\"a\":{\"b\":1}"),
    T("{\014}"),
    T("{\"a\":1\302\240}"),
    T("{\"id\":0,}"),
    T("{\"id\":0,,,,,}"),
    T("{\"a\":\"b\",,\"c\":\"d\"}"),
    T("{\"x\"::\"b\"}"),
    T("{key: 'value'}"),
    T("{\"a\":1}#"),
    T("{\"a\":1}/**/"),
    T("{\"a\":1}//"),
    T("{\"a\":/*c*/1}"),
    T("{9999E9999:1}"),
    T("//1"),
    T("/**/1"),
    T("1//"),
    T("1/**/"),
    T("#1"),
    T("1#"),
    T("<1>"),
    T("(1)"),
    T("@"),
    T("$"),
    T("%"),
    T("1,"),
    T("\"a\","),
    T("null null"),
    T("\302\2401"),
    T("\342\200\2501"),
    T("1\342\200\251"),
    T("\357\273\2771"),
    T("\357\273\277{}"),
    T("\0001"),
    T("1\000"),
    T("{}\000"),
    T("\177"),
    T("\0321"),
    T("1\013"),
    T("\0141"),
    T("\343\200\200{}"),
    T("<.>"),
    T("[<null>]"),
    T("&{}"),
    T("abc def"),
    T("\"\200\""),
    T("\"\277\""),
    T("\"\300\200\""),
    T("\"\300\257\""),
    T("\"\301\277\""),
    T("\"\303\""),
    T("\"\303(\""),
    T("\"\303\303\251\""),
    T("\"\340\200\200\""),
    T("\"\340\200\257\""),
    T("\"\340\237\277\""),
    T("\"\342\202\""),
    T("\"\342(\241\""),
    T("\"\342\202(\""),
    T("\"\355\240\200\""),
    T("\"\355\255\277\""),
    T("\"\355\256\200\""),
    T("\"\355\277\277\""),
    T("\"\355\240\200\355\260\200\""),
    T("\"\360\200\200\200\""),
    T("\"\360\200\200\257\""),
    T("\"\360\217\277\277\""),
    T("\"\360\220\200\""),
    T("\"\360(\214\274\""),
    T("\"\360\220(\274\""),
    T("\"\360\220\214(\""),
    T("\"\364\220\200\200\""),
    T("\"\365\200\200\200\""),
    T("\"\370\210\200\200\200\""),
    T("\"\374\204\200\200\200\200\""),
    T("\"\376\""),
    T("\"\377\""),
    T("\"\377\377\377\""),
    T("\377"),
    T("\376\377\000\""),
    T("\377\376\"\000"),
    T("{\"\377\":1}"),
    T("{\"a\":\"\351\"}"),
    T("[\345]"),
    T("[1\345]"),
    T("\"\303\251"),
    T("\303\251"),
    T("[a\345]"),
    T("[\"\345\"]"),
    T("123\345"),
    T("{\"\271\":\"0\",}"),
    T("\"\355\237\""),
};

static clarity_json_reader_t *reader;


static bool
take(void *data, const clarity_json_token_t *token)
{
    size_t *end = data;

    assert_true(token->start >= *end || token->end > token->start);
    *end = token->end;

    return true;
}


static clarity_json_status_t
read_text(clarity_str_t text, clarity_json_fault_t *fault)
{
    size_t end = 0;

    return clarity_json_read(reader, text, take, &end, fault);
}


/* The tree's parser goes by the same reader. */
static bool
parses(clarity_str_t text)
{
    bool ok;
    clarity_error_t error;
    clarity_json_doc_t *doc;

    doc = clarity_json_parse(text, "text", 0, &error);
    ok = doc != NULL;
    clarity_json_free(doc);

    return ok;
}


static void
within(clarity_buf_t *buf, clarity_str_t text)
{
    clarity_buf_reset(buf);
    clarity_buf_addz(buf, "[0,");
    clarity_buf_add(buf, text);
    clarity_buf_addz(buf, "\n]");
    assert_false(buf->failed);
}


static void
json_is_taken(void **state)
{
    size_t i;
    clarity_json_fault_t fault;
    clarity_buf_t buf = { 0 };

    (void) state;

    for (i = 0; i < COUNT(json); i++) {
        within(&buf, json[i]);

        if (read_text(json[i], &fault) != CLARITY_JSON_OK || !parses(json[i])
            || read_text(clarity_buf_str(&buf), &fault) != CLARITY_JSON_OK)
        {
            fail_msg("%zu is refused: %.*s", i, clarity_fmt(json[i]));
        }
    }

    clarity_buf_free(&buf);
}


static void
what_is_none_is_refused(void **state)
{
    size_t i;
    clarity_json_fault_t fault;

    (void) state;

    for (i = 0; i < COUNT(none); i++) {
        memset(&fault, 0, sizeof(fault));

        if (read_text(none[i], &fault) != CLARITY_JSON_INVALID
            || parses(none[i])) {
            fail_msg("%zu is taken: %.*s", i, clarity_fmt(none[i]));
        }

        assert_non_null(fault.reason);
        assert_true(fault.offset <= none[i].len);
        assert_true(fault.line >= 1 && fault.column >= 1);
    }
}


static void
nor_is_it_within_an_array(void **state)
{
    size_t i;
    clarity_json_fault_t fault;
    clarity_buf_t buf = { 0 };

    (void) state;

    for (i = 0; i < COUNT(none); i++) {
        within(&buf, none[i]);

        if (read_text(clarity_buf_str(&buf), &fault) == CLARITY_JSON_OK) {
            fail_msg("%zu is taken: %.*s", i, clarity_fmt(none[i]));
        }
    }

    clarity_buf_free(&buf);
}


static void
the_set_is_large_enough(void **state)
{
    (void) state;

    assert_true(COUNT(json) >= 100);
    assert_true(COUNT(none) >= 200);
}


static int
set_up(void **state)
{
    (void) state;

    reader = clarity_json_reader_create();
    return reader == NULL;
}


static int
tear_down(void **state)
{
    (void) state;

    clarity_json_reader_free(reader);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(nor_is_it_within_an_array),
        cmocka_unit_test(the_set_is_large_enough),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
