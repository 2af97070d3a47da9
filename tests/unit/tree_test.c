// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tree_test.c - control/model: trees from YAML and JSON and back */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <model/tree.h>

#include "../lib/unit.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define S(text)		text, sizeof(text) - 1

/* ---- accepted: what it means, as canonical JSON ---- */

static const struct accept_case {
	const char *name, *text;
	size_t len;
	const char *json;
} accept_cases[] = {
	{ "yaml: empty file", S(""), "{}" },
	{ "yaml: only comments", S("# a\n  # b\n\n"), "{}" },
	{ "yaml: only '---'", S("---\n"), "{}" },
	{ "yaml: blank lines", S("\n\n\n"), "{}" },
	{ "yaml: byte order mark only", S("\xef\xbb\xbf"), "{}" },
	{ "yaml: map", S("a: 1\nb: two\n"), "{\"a\":\"1\",\"b\":\"two\"}" },
	{ "yaml: no newline at the end", S("a: 1"), "{\"a\":\"1\"}" },
	{ "yaml: leading '---', trailing '...'", S("---\na: 1\n...\n"), "{\"a\":\"1\"}" },
	{ "yaml: byte order mark", S("\xef\xbb\xbf" "a: 1\n"), "{\"a\":\"1\"}" },
	{ "yaml: CRLF", S("a: 1\r\nb:\r\n  - x\r\n"), "{\"a\":\"1\",\"b\":[\"x\"]}" },
	{ "yaml: list of lists", S("- - a\n  - b\n- []\n"), "[[\"a\",\"b\"],[]]" },
	{ "yaml: list under a key, not indented", S("a:\n- b\n- c\n"), "{\"a\":[\"b\",\"c\"]}" },
	{ "yaml: list of maps", S("a:\n  - b: 1\n    c: 2\n  - d: 3\n"),
	  "{\"a\":[{\"b\":\"1\",\"c\":\"2\"},{\"d\":\"3\"}]}" },
	{ "yaml: flow", S("a: {b: [c, d], e: {}}\n"), "{\"a\":{\"b\":[\"c\",\"d\"],\"e\":{}}}" },
	{ "yaml: flow over lines", S("a: [\n  b,\n  c,\n]\n"), "{\"a\":[\"b\",\"c\"]}" },
	{ "yaml: JSON", S("{\"a\": [1, 2.5, true], \"b\": {\"c\": \"d\"}}"),
	  "{\"a\":[\"1\",\"2.5\",\"true\"],\"b\":{\"c\":\"d\"}}" },
	{ "yaml: no types: no, 1_000, 0x1f, null, ~, MAC",
	  S("[no, 1_000, 0x1f, null, ~, 02:00:00:00:00:01]"),
	  "[\"no\",\"1_000\",\"0x1f\",\"null\",\"~\",\"02:00:00:00:00:01\"]" },
	{ "yaml: member without value", S("a:\nb: 1\n"), "{\"a\":\"\",\"b\":\"1\"}" },
	{ "yaml: single quotes", S("a: 'it''s \\n'"), "{\"a\":\"it's \\\\n\"}" },
	{ "yaml: double quotes", S("a: \"x\\ty\\u00e9\\\"\""), "{\"a\":\"x\\ty\u00e9\\\"\"}" },
	{ "yaml: literal block", S("a: |\n  x\n  y\nb: 1\n"), "{\"a\":\"x\\ny\\n\",\"b\":\"1\"}" },
	{ "yaml: folded block", S("a: >-\n  x\n  y\n"), "{\"a\":\"x y\"}" },
	{ "yaml: a rule in quotes", S("- \"tcp dport { 22, 80 } drop\"\n"),
	  "[\"tcp dport { 22, 80 } drop\"]" },
	{ "yaml: a rule without quotes",
	  S("- ip saddr @bad tcp flags & (syn|ack) == syn drop # why\n"),
	  "[\"ip saddr @bad tcp flags & (syn|ack) == syn drop\"]" },
	{ "yaml: quoted '<<' is a word", S("\"<<\": 1"), "{\"<<\":\"1\"}" },
	{ "yaml: '<<' as value", S("a: <<"), "{\"a\":\"<<\"}" },
	{ "yaml: explicit key", S("? a\n: b\n"), "{\"a\":\"b\"}" },
	{ "yaml: empty key", S("\"\": 1\n"), "{\"\":\"1\"}" },
	{ "yaml: same key in two maps", S("a: {x: 1}\nb: {x: 1}\n"),
	  "{\"a\":{\"x\":\"1\"},\"b\":{\"x\":\"1\"}}" },
	{ "yaml: scalar alone", S("hello"), "\"hello\"" },
	{ "yaml: 4-byte characters", S("a: 😀\n"), "{\"a\":\"😀\"}" },
	{ "yaml: 32 levels", S("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" },
};

static void check_yaml_trip(struct arena *arena, const struct tree *tree)
{
	struct diags diags = { .arena = arena };
	struct buf out = { 0 };
	struct tree *again = NULL;

	tree_to_yaml(tree, &out);
	if (tree_from_yaml(out.data, out.len, &diags, &again) < 0 || !tree_equal(tree, again))
		fail_msg("does not read back (%s):\n%s", diags.n ? diags.v[0].message : "differs",
			 out.data);
	buf_clear(&out);
	tree_to_json(tree, &out);
	if (tree_from_json(out.data, out.len, &diags, &again) < 0 || !tree_equal(tree, again))
		fail_msg("does not read back (%s):\n%s", diags.n ? diags.v[0].message : "differs",
			 out.data);
	buf_fini(&out);
}

static void test_accept(void **state)
{
	const struct accept_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf json = { 0 };
	struct tree *tree;

	if (tree_from_yaml(c->text, c->len, &diags, &tree) < 0)
		fail_msg("refused: %s", diags.v[0].message);
	assert_int_equal(diags.total, 0);
	tree_to_json(tree, &json);
	assert_string_equal(json.data, c->json);
	check_yaml_trip(&arena, tree);
	buf_fini(&json);
	arena_fini(&arena);
}

/* ---- refused: where, why, and words that the message must have ---- */

static const struct refuse_case {
	const char *name, *text;
	size_t len;
	int line, column;
	const char *code, *message, *hint;
} refuse_cases[] = {
	{ "anchor", S("a: 1\nb: &x 2\n"), 2, 4, "anchor", "anchors", "quotes" },
	{ "anchor on a map", S("b: &x\n  c: 1\n"), 1, 4, "anchor", "anchors", "quotes" },
	{ "anchor on a key", S("&x b: 1\n"), 1, 1, "anchor", "anchors", "quotes" },
	{ "alias", S("b: [ *x ]\n"), 1, 6, "alias", "aliases", "quotes" },
	{ "alias as key", S("*x : 1\n"), 1, 1, "alias", "aliases", "quotes" },
	{ "alias bomb: at its first anchor", S("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"), 1, 4,
	  "anchor", "anchors", "quotes" },
	{ "'*' alone", S("a: *\n"), 1, 4, "syntax", "aliases", "quotes" },
	{ "'&' alone", S("a: & b\n"), 1, 4, "syntax", "anchors", "quotes" },
	{ "tag", S("a: !!str 1\n"), 1, 4, "tag", "tags", "quotes" },
	{ "tag '!' alone", S("a: ! 1\n"), 1, 4, "tag", "tags", "quotes" },
	{ "tag on a list", S("a: !t [1]\n"), 1, 4, "tag", "tags", "quotes" },
	{ "tag, malformed", S("a: !<x 1\n"), 1, 4, "syntax", "tags", "quotes" },
	{ "merge key", S("a:\n  <<: 1\n"), 2, 3, "merge_key", "merge keys", NULL },
	{ "two documents", S("a: 1\n---\nb: 1\n"), 2, 1, "documents", "second document", "---" },
	{ "directive", S("%FOO\n---\na: 1\n"), 1, 1, "syntax", "directives", "quotes" },
	{ "duplicate key", S("a: 1\nb: 2\na: 3\n"), 3, 1, "duplicate_key",
	  "'a': it is on line 1", NULL },
	{ "duplicate key, nested", S("x:\n  a: 1\n  a: 1\n"), 3, 3, "duplicate_key",
	  "line 2", NULL },
	{ "duplicate key, one in quotes", S("{a: 1, \"a\": 2}"), 1, 8, "duplicate_key",
	  "line 1", NULL },
	{ "key is a list", S("[a]: b\n"), 1, 1, "key_kind", "must be a word", "quotes" },
	{ "key is a map", S("? {a: b}\n: c\n"), 1, 3, "key_kind", "must be a word", "quotes" },
	{ "33 levels", S("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
	  1, 33,
	  "too_deep", "32 levels", NULL },
	{ "NUL byte", S("a: 1\0\n"), 1, 5, "encoding", "U+0000", NULL },
	{ "NUL byte, escaped", S("a: \"x\\0\"\n"), 1, 4, "encoding", "NUL", NULL },
	{ "control character", S("a: 1\nb: \x1b[0m\n"), 2, 4, "encoding", "U+001B", NULL },
	{ "bad UTF-8", S("a: 1\r\nb: x\xff\n"), 2, 5, "encoding", "UTF-8", NULL },
	{ "bad UTF-8: cut off at the end", S("%\xdf"), 1, 2, "encoding", "UTF-8", NULL },
	{ "bad UTF-8: surrogate", S("a: \xed\xa0\x80"), 1, 4, "encoding", "UTF-8", NULL },
	{ "UTF-16", S("\xff\xfe" "a\0:\0"), 1, 1, "encoding", "UTF-8", NULL },
	{ "value with ': '", S("a: b: c\n"), 1, 5, "syntax", "': ' is not allowed", "quotes" },
	{ "member indented too far", S("a: 1\n b: 2\n"), 2, 3, "syntax", "': ' is not allowed",
	  "same column" },
	{ "member indented too little", S("a:\n  b: 1\n c: 2\n"), 3, 2, "syntax",
	  "a member of the map that begins on line 1", "same column" },
	{ "map after a list", S("a:\n  - b\n  c: 3\n"), 3, 3, "syntax",
	  "an item of the list that begins on line 2", "same column" },
	{ "word without ':'", S("a: 1\nb\nc: 2\n"), 2, 1, "syntax", "expected 'key: value'",
	  "blank" },
	{ "item without blank", S("a:\n- b\n-c\n"), 3, 1, "syntax", "expected 'key: value'",
	  "'- value'" },
	{ "'- ' behind a key", S("a: - b\n"), 1, 4, "syntax", "'- ' is not allowed", "line below" },
	{ "tab as indentation", S("a:\n\tb: 1\n"), 2, 1, "syntax", "tab", "spaces" },
	{ "tab before an item", S("a:\n\t- 1\n"), 2, 1, "syntax", "tab", "spaces" },
	{ "value begins with '@'", S("a: @set\n"), 1, 4, "syntax", "cannot begin with '@'",
	  "quotes" },
	{ "value begins with '%'", S("a: %x\n"), 1, 4, "syntax", "cannot begin with '%'",
	  "quotes" },
	{ "value begins with '`'", S("a: `x\n"), 1, 4, "syntax", "cannot begin with '`'",
	  "quotes" },
	{ "IPv6 address in a flow list", S("a: [::1, fe80::/64]\n"), 1, 5, "syntax", "value",
	  "quotes" },
	{ "address and port in brackets", S("a: [2001:db8::]:443\n"), 1, 14, "syntax", "':'",
	  "quotes" },
	{ "braces in a flow map", S("a: { m: udp dport {80,443} }\n"), 1, 19, "syntax",
	  "expected ',' or '}'", "quotes" },
	{ "list not closed", S("a: [1, 2\nb: 3\n"), 2, 2, "syntax",
	  "expected ',' or ']' in the list that begins on line 1", "quotes" },
	{ "map not closed", S("a: {b: 1\nc: 3\n"), 2, 2, "syntax",
	  "expected ',' or '}' in the map that begins on line 1", "quotes" },
	{ "closed, not opened", S("a: ]\n"), 1, 4, "syntax", "expected a value", "quotes" },
	{ "quote not closed: shown where it begins", S("a: 1\nb: \"x\nc: 3\n"), 2, 4, "syntax",
	  "not closed", NULL },
	{ "text behind a quote", S("r:\n - \"a\" drop\n"), 2, 8, "syntax", "behind the end",
	  "whole value" },
	{ "text behind a brace", S("r:\n - { a } drop\n"), 2, 10, "syntax", "behind the end",
	  "whole value" },
	{ "unknown escape", S("a: \"\\q\"\n"), 1, 5, "syntax", "unknown escape", "single quotes" },
	{ "bad hexadecimal escape", S("a: \"\\xzz\"\n"), 1, 7, "syntax", "hexadecimal",
	  "single quotes" },
	{ "text block with text", S("a: | x\n"), 1, 6, "syntax", "text block", "quotes" },
	{ "text behind the top", S("  a: 1\nb: 2\n"), 2, 1, "syntax", "ends before",
	  "same column" },
};

static void test_refuse(void **state)
{
	const struct refuse_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *tree = (struct tree *)1;
	const struct diag *diag = &diags.v[0];

	assert_int_equal(tree_from_yaml(c->text, c->len, &diags, &tree), -EINVAL);
	assert_ptr_equal(tree, (struct tree *)1);
	assert_int_equal(diags.n, 1);
	if (diag->line != c->line || diag->column != c->column || strcmp(diag->code, c->code))
		fail_msg("%d:%d %s: %s", diag->line, diag->column, diag->code, diag->message);
	if (!strstr(diag->message, c->message))
		fail_msg("message: %s", diag->message);
	if (c->hint && (!diag->hint || !strstr(diag->hint, c->hint)))
		fail_msg("hint: %s", diag->hint ? diag->hint : "none");
	arena_fini(&arena);
}

/* ---- JSON ---- */

static const struct accept_case json_accept_cases[] = {
	{ "json: kinds", S("{\"a\": [1, -2, true, false, null, \"x\"], \"b\": {}}"),
	  "{\"a\":[\"1\",\"-2\",\"true\",\"false\",\"\",\"x\"],\"b\":{}}" },
	{ "json: largest integer", S("[9223372036854775807]"), "[\"9223372036854775807\"]" },
	{ "json: real, shortest text", S("[0.1, 2.5, 1e300, 0.30000000000000004]"),
	  "[\"0.1\",\"2.5\",\"1e+300\",\"0.30000000000000004\"]" },
	{ "json: order of members is kept", S("{\"z\":1,\"a\":2,\"m\":3}"),
	  "{\"z\":\"1\",\"a\":\"2\",\"m\":\"3\"}" },
	{ "json: brackets in strings are no depth",
	  S("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]"),
	  "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]" },
	{ "json: siblings are no depth",
	  S("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
	    "[],[],[],[],[],[],[],[],[],[],[]]"),
	  "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
	  "[],[],[],[],[],[],[],[],[],[],[]]" },
	{ "json: scalar alone", S("\"x\""), "\"x\"" },
};

static void test_json_accept(void **state)
{
	const struct accept_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf json = { 0 };
	struct tree *tree;

	if (tree_from_json(c->text, c->len, &diags, &tree) < 0)
		fail_msg("refused: %s", diags.v[0].message);
	tree_to_json(tree, &json);
	assert_string_equal(json.data, c->json);
	assert_int_equal(tree->line, 0);
	check_yaml_trip(&arena, tree);
	buf_fini(&json);
	arena_fini(&arena);
}

static const struct refuse_case json_refuse_cases[] = {
	{ "json: duplicate key", S("{\"a\":1,\n\"a\":2}"), 2, 3, "duplicate_key", "", NULL },
	{ "json: 33 levels", S("[\n[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), 2, 32, "too_deep",
	  "32 levels", NULL },
	{ "json: empty", S(""), 1, 1, "syntax", "", NULL },
	{ "json: cut off", S("{\"a\":"), 1, 5, "syntax", "", NULL },
	{ "json: rubbish behind", S("{} x"), 1, 4, "syntax", "", NULL },
	{ "json: bad UTF-8", S("[\"\xff\"]"), 1, 2, "encoding", "", NULL },
	{ "json: NUL byte", S("[\"a\0b\"]"), 1, 3, "syntax", "", NULL },
	{ "json: NUL escaped", S("[\"a\\u0000b\"]"), 1, 11, "syntax", "", NULL },
	{ "json: NaN", S("[NaN]"), 1, 4, "syntax", "", NULL },
	{ "json: integer above 63 bits", S("[18446744073709551615]"), 1, 21, "syntax", "", NULL },
	{ "json: comment", S("{} // x"), 1, 4, "syntax", "", NULL },
};

static void test_json_refuse(void **state)
{
	const struct refuse_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *tree = (struct tree *)1;
	const struct diag *diag = &diags.v[0];

	assert_int_equal(tree_from_json(c->text, c->len, &diags, &tree), -EINVAL);
	assert_ptr_equal(tree, (struct tree *)1);
	assert_int_equal(diags.n, 1);
	if (diag->line != c->line || diag->column != c->column || strcmp(diag->code, c->code))
		fail_msg("%d:%d %s: %s", diag->line, diag->column, diag->code, diag->message);
	arena_fini(&arena);
}

/* ---- hostile ---- */

/* A small text, many times: refused by both readers, and soon (a hang is the test's timeout) */
static const struct hostile_case {
	const char *name, *unit;
	const char *code, *json_code;
} hostile_cases[] = {
	{ "hostile: 100000 '['", "[", "too_deep", "too_deep" },
	{ "hostile: 100000 '{'", "{", "key_kind", "too_deep" },
	{ "hostile: 100000 '{a: '", "{a: ", "too_deep", "too_deep" },
	{ "hostile: 100000 '- '", "- ", "too_deep", "syntax" },
	{ "hostile: 100000 '? '", "? ", "key_kind", "syntax" },
	{ "hostile: 100000 lines of '['", "[\n", "too_deep", "too_deep" },
	{ "hostile: 100000 '{\"a\":'", "{\"a\":", "too_deep", "too_deep" },
	{ "hostile: 100000 anchors", "&a ", "anchor", "syntax" },
	{ "hostile: 100000 ']'", "]", "syntax", "syntax" },
	{ "hostile: 100000 quotes", "\"\\", "syntax", "syntax" },
	{ "hostile: 100000 documents", "--- a\n", "documents", "syntax" },
};

static void test_hostile(void **state)
{
	const struct hostile_case *c = *state;
	struct arena arena = { 0 };
	struct diags yaml = { .arena = &arena }, json = { .arena = &arena };
	struct buf text = { 0 };
	struct tree *tree;
	int i;

	for (i = 0; i < 100000; i++)
		buf_str(&text, c->unit);
	assert_int_equal(tree_from_yaml(text.data, text.len, &yaml, &tree), -EINVAL);
	assert_string_equal(yaml.v[0].code, c->code);
	assert_int_equal(tree_from_json(text.data, text.len, &json, &tree), -EINVAL);
	assert_string_equal(json.v[0].code, c->json_code);
	assert_true(arena.bytes < 1 << 20);	/* refused before it was built */
	buf_fini(&text);
	arena_fini(&arena);
}

static void test_too_large(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct tree *tree;

	/* refused by the length alone: the text is not touched */
	assert_int_equal(tree_from_yaml("", TREE_BYTES_MAX + 1, &diags, &tree), -EINVAL);
	assert_int_equal(tree_from_json("", TREE_BYTES_MAX + 1, &diags, &tree), -EINVAL);
	assert_string_equal(diags.v[0].code, "too_large");
	assert_string_equal(diags.v[1].code, "too_large");
	arena_fini(&arena);
}

static void test_too_many_values(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf text = { 0 };
	struct tree *tree;
	size_t i;

	buf_char(&text, '[');
	for (i = 0; i < TREE_NODES_MAX + 10; i++)
		buf_str(&text, "1,");
	assert_int_equal(tree_from_json(text.data, text.len, &diags, &tree), -EINVAL);
	assert_string_equal(diags.v[0].code, "too_large");
	assert_true(arena.bytes < 1 << 20);
	buf_fini(&text);
	arena_fini(&arena);
}

static void test_many_duplicates(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf text = { 0 };
	struct tree *tree;
	int i;

	for (i = 0; i < 100000; i++)
		buf_printf(&text, "key%d: 1\n", i % 50000);
	assert_int_equal(tree_from_yaml(text.data, text.len, &diags, &tree), -EINVAL);
	assert_int_equal(diags.total, 50000);
	assert_int_equal(diags.n, DIAGS_MAX);
	buf_fini(&text);
	arena_fini(&arena);
}

int main(void)
{
	struct CMUnitTest tests[256] = {
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_many_values),
		cmocka_unit_test(test_many_duplicates),
	};
	size_t n = 3, i;

	for (i = 0; i < COUNT(accept_cases); i++)
		tests[n++] = unit_row(accept_cases[i].name, test_accept, &accept_cases[i]);
	for (i = 0; i < COUNT(refuse_cases); i++)
		tests[n++] = unit_row(refuse_cases[i].name, test_refuse, &refuse_cases[i]);
	for (i = 0; i < COUNT(json_accept_cases); i++)
		tests[n++] = unit_row(json_accept_cases[i].name, test_json_accept,
				      &json_accept_cases[i]);
	for (i = 0; i < COUNT(json_refuse_cases); i++)
		tests[n++] = unit_row(json_refuse_cases[i].name, test_json_refuse,
				      &json_refuse_cases[i]);
	for (i = 0; i < COUNT(hostile_cases); i++)
		tests[n++] = unit_row(hostile_cases[i].name, test_hostile, &hostile_cases[i]);
	return unit_main(tests, n);
}
