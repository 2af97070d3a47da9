// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* source_test.c - control/model: findings as text, with the caret where it belongs */
#include <stdio.h>
#include <string.h>

#include <model/tree.h>

#include "../lib/unit.h"

static const char sample[] =
	"nodes:\n"
	"  guard:\n"
	"    rules:\n"
	"      - \"udp sprot { 19, 53 } drop\"\n"
	"      - tcp dport 22 accpt # ssh\n"
	"      - 'it''s tcp'\n"
	"      - >\n"
	"        folded\n"
	"        text\n"
	"\n"
	"  lb: { vip: \"é 😀 x\", udp:\t[53, 54] }\n"
	"chain: [guard, lb]\n"
	"last:";

/* One finding, by path or by line, and all that is printed of it */
static const struct print_case {
	const char *name;
	struct diag diag;
	const char *want;
} print_cases[] = {
	{ "word in a quoted scalar", { "/nodes/guard/rules/0", 0, 4, 5, 0, 0, "c",
	  "unknown field 'sprot'", "did you mean 'sport'?" },
	  "f.yaml:4:14: error: unknown field 'sprot'\n"
	  "        - \"udp sprot { 19, 53 } drop\"\n"
	  "               ^~~~~\n"
	  "        hint: did you mean 'sport'?\n" },
	{ "word in a plain scalar", { "/nodes/guard/rules/1", 0, 13, 5, 0, 0, "c", "m", NULL },
	  "f.yaml:5:22: error: m\n"
	  "        - tcp dport 22 accpt # ssh\n"
	  "                       ^~~~~\n" },
	{ "a message of several lines: the line behind the first of them",
	  { "/nodes/guard/rules/1", 0, 13, 5, 0, 0, "c", "refused\n  | why\nlog", "h" },
	  "f.yaml:5:22: error: refused\n"
	  "        - tcp dport 22 accpt # ssh\n"
	  "                       ^~~~~\n"
	  "          | why\n"
	  "        log\n"
	  "        hint: h\n" },
	{ "length not known: a caret", { "/nodes/guard/rules/1", 0, 4, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:5:13: error: m\n"
	  "        - tcp dport 22 accpt # ssh\n"
	  "              ^\n" },
	{ "end of a quoted scalar", { "/nodes/guard/rules/0", 0, 25, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:4:35: error: m\n"
	  "        - \"udp sprot { 19, 53 } drop\"\n"
	  "                                    ^\n" },
	{ "offset behind the end stays at the end",
	  { "/nodes/guard/rules/1", 0, 99, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:5:27: error: m\n"
	  "        - tcp dport 22 accpt # ssh\n"
	  "                            ^\n" },
	{ "the whole scalar", { "/nodes/guard/rules/1", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:5:9: error: m\n"
	  "        - tcp dport 22 accpt # ssh\n"
	  "          ^~~~~~~~~~~~~~~~~~\n" },
	{ "escaped scalar: all of it", { "/nodes/guard/rules/2", 0, 5, 3, 0, 0, "c", "m", NULL },
	  "f.yaml:6:9: error: m\n"
	  "        - 'it''s tcp'\n"
	  "          ^~~~~~~~~~~\n" },
	{ "folded scalar: its start", { "/nodes/guard/rules/3", 0, 3, 3, 0, 0, "c", "m", NULL },
	  "f.yaml:7:9: error: m\n"
	  "        - >\n"
	  "          ^\n" },
	{ "a key", { "/nodes/guard", 1, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:2:3: error: m\n"
	  "        guard:\n"
	  "        ^~~~~\n" },
	{ "a map over lines: its start", { "/nodes/guard", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:3:5: error: m\n"
	  "        rules:\n"
	  "        ^\n" },
	{ "a list on one line", { "/chain", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:12:8: error: m\n"
	  "        chain: [guard, lb]\n"
	  "               ^~~~~~~~~~~\n" },
	{ "an item of it", { "/chain/1", 0, 0, 2, 0, 0, "c", "m", NULL },
	  "f.yaml:12:16: error: m\n"
	  "        chain: [guard, lb]\n"
	  "                       ^~\n" },
	{ "a missing member: the name of what lacks it",
	  { "/nodes/guard/module", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:2:3: error: m\n"
	  "        guard:\n"
	  "        ^~~~~\n" },
	{ "a missing member of all", { "/version", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:1:1: error: m\n"
	  "        nodes:\n"
	  "        ^\n" },
	{ "characters of several bytes, before and under",
	  { "/nodes/lb/vip", 0, 2, 1, 0, 0, "c", "m", NULL },
	  "f.yaml:11:17: error: m\n"
	  "        lb: { vip: \"é 😀 x\", udp:\t[53, 54] }\n"
	  "                      ^\n" },
	{ "a tab in the line", { "/nodes/lb/udp", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:11:28: error: m\n"
	  "        lb: { vip: \"é 😀 x\", udp:\t[53, 54] }\n"
	  "                                \t^~~~~~~~\n" },
	{ "by line and column", { "", 0, -1, 5, 12, 1, "c", "m", NULL },
	  "f.yaml:12:1: error: m\n"
	  "        chain: [guard, lb]\n"
	  "        ^~~~~\n" },
	{ "in the indent", { "", 0, -1, 0, 2, 2, "c", "m", NULL },
	  "f.yaml:2:2: error: m\n"
	  "         guard:\n"
	  "        ^\n" },
	{ "behind the end of the line", { "", 0, -1, 9, 1, 99, "c", "m", NULL },
	  "f.yaml:1:99: error: m\n"
	  "        nodes:\n"
	  "              ^\n" },
	{ "an empty line", { "", 0, -1, 0, 10, 1, "c", "m", NULL }, "f.yaml:10:1: error: m\n" },
	{ "a line that is not there",
	  { "", 0, -1, 0, 99, 1, "c", "m", NULL }, "f.yaml:99:1: error: m\n" },
	{ "an empty value at the end of the file", { "/last", 0, -1, 0, 0, 0, "c", "m", NULL },
	  "f.yaml:13:6: error: m\n"
	  "        last:\n"
	  "             ^\n" },
	{ "text of others does not steer the terminal",
	  { "", 0, -1, 0, 99, 1, "c", "a\033[2Jb\xff\xc2\x9b\nz", "\a" },
	  "f.yaml:99:1: error: a?[2Jb??\n        z\n        hint: ?\n" },
};

static void test_print(void **state)
{
	const struct print_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };
	struct tree *tree;

	assert_int_equal(tree_from_yaml(sample, strlen(sample), &diags, &tree), 0);
	diags.v[0] = c->diag;
	diags.n = diags.total = 1;
	source_print(&out, "f.yaml", sample, strlen(sample), tree, &diags);
	assert_string_equal(out.data, c->want);
	buf_fini(&out);
	arena_fini(&arena);
}

/* The text of a file as it comes in, and what is said of its first finding */
static const struct file_case {
	const char *name, *text, *want;
} file_cases[] = {
	{ "duplicate key", "a: 1\nb: 2\na: 3\n",
	  "f.yaml:3:1: error: duplicate key 'a': it is on line 1 already\n"
	  "        a: 3\n        ^\n" },
	{ "anchor", "x:\n  - &name a\n",
	  "f.yaml:2:5: error: anchors (&name) are not supported\n        - &name a\n"
	  "          ^~~~~\n        hint: a value that begins with '&' must be in quotes\n" },
	{ "tab as indentation", "a:\n\tb: 1\n",
	  "f.yaml:2:1: error: a tab cannot be used here\n        \tb: 1\n        ^\n"
	  "        hint: indent with spaces\n" },
	{ "CRLF", "a: 1\r\nb: @x\r\n",
	  "f.yaml:2:4: error: a value cannot begin with '@'\n        b: @x\n           ^\n"
	  "        hint: put it in quotes\n" },
	{ "byte order mark", "\xef\xbb\xbf" "b: @x\n",
	  "f.yaml:1:4: error: a value cannot begin with '@'\n        b: @x\n           ^\n"
	  "        hint: put it in quotes\n" },
	{ "lone CR, NEL, LS and PS end lines, too",
	  "a: 1\rb: 2\xc2\x85" "c: 3\xe2\x80\xa8"
	  "d: 4\xe2\x80\xa9" "e: @x\n",
	  "f.yaml:5:4: error: a value cannot begin with '@'\n        e: @x\n           ^\n"
	  "        hint: put it in quotes\n" },
	{ "bad UTF-8 is shown as '?'", "a: 1\nb: x\xff\n",
	  "f.yaml:2:5: error: not valid UTF-8: invalid leading UTF-8 octet\n        b: x?\n"
	  "            ^\n" },
};

static void test_file(void **state)
{
	const struct file_case *c = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };
	struct tree *tree;

	assert_true(tree_from_yaml(c->text, strlen(c->text), &diags, &tree) < 0);
	source_print(&out, "f.yaml", c->text, strlen(c->text), NULL, &diags);
	assert_string_equal(out.data, c->want);
	buf_fini(&out);
	arena_fini(&arena);
}

static void test_no_text(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };

	diags_add(&diags, "/nodes/lb", "c", "first")->hint = "h";
	diags_add(&diags, "", "c", "second");
	source_print(&out, "f.json", NULL, 0, NULL, &diags);
	source_print(&out, NULL, NULL, 0, NULL, &diags);
	assert_string_equal(out.data,
			    "f.json: error: first (at /nodes/lb)\n        hint: h\n"
			    "f.json: error: second\n"
			    "error: first (at /nodes/lb)\n        hint: h\nerror: second\n");
	buf_fini(&out);
	arena_fini(&arena);
}

/* A finding in a scalar of several lines: in a block, in quotes, in a file of its own */
static void test_in_text(void **state)
{
	static const char *const text =
		"x:\n"
		"  block: |\n"
		"      10.0.0.1\n"
		"\n"
		"        bad one # ö\n"
		"  quoted: \"10.0.0.1\\nbad\"\n"
		"  own: \"\"\n";
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };
	struct tree *tree, *own;
	unsigned int i;

	assert_int_equal(tree_from_yaml(text, strlen(text), &diags, &tree), 0);
	own = tree_get(tree_get(tree, "x"), "own");
	own->text = "# a\n\tbad one\n";
	own->len = strlen(own->text);
	own->file = "own.txt";
	diags.v[0] = (struct diag){ "/x/block", 0, -1, 3, 3, 3, "c", "m", NULL };
	diags.v[1] = (struct diag){ "/x/quoted", 0, -1, 3, 2, 1, "c", "m", NULL };
	diags.v[2] = (struct diag){ "/x/own", 0, -1, 3, 2, 2, "c", "m", NULL };
	diags.v[3] = (struct diag){ "/x/own", 0, -1, 0, 0, 0, "c", "m", NULL };
	diags.n = diags.total = 4;
	source_print(&out, "f.yaml", text, strlen(text), tree, &diags);
	assert_string_equal(out.data,
			    "f.yaml:5:9: error: m\n"
			    "        bad one # ö\n"
			    "        ^~~\n"
			    "f.yaml:6:11: error: m\n"
			    "        quoted: \"10.0.0.1\\nbad\"\n"
			    "                ^~~~~~~~~~~~~~~\n"
			    "own.txt:2:2: error: m\n"
			    "        bad one\n"
			    "        ^~~\n"
			    "f.yaml:7:8: error: m\n"
			    "        own: \"\"\n"
			    "             ^~\n");
	for (i = 0; i < 4; i++)		/* without the text the line alone is known */
		diags.v[i].message = "n";
	buf_clear(&out);
	source_print(&out, "f.yaml", NULL, 0, tree, &diags);
	assert_string_equal(out.data,
			    "f.yaml:5:3: error: n\nf.yaml:6:11: error: n\n"
			    "own.txt:2:2: error: n\n        bad one\n        ^~~\n"
			    "f.yaml:7:8: error: n\n");
	buf_fini(&out);
	arena_fini(&arena);
}

static void test_more(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };
	const char *end;
	int i;

	for (i = 0; i < DIAGS_MAX + 7; i++)
		diags_add(&diags, "", "c", "m");
	source_print(&out, "f", NULL, 0, NULL, &diags);
	end = strstr(out.data, "... and");
	assert_non_null(end);
	assert_string_equal(end, "... and 7 more\n");
	buf_fini(&out);
	arena_fini(&arena);
}

/* Of a long line a part is shown, and the caret is under the same character */
static void test_long_line(void **state)
{
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	char text[1001], *shown, *caret, *end;
	struct buf out = { 0 };
	size_t i;

	memset(text, 'x', sizeof(text) - 1);
	text[1000] = '\0';
	for (i = 0; i < 1000; i += 50) {
		text[i] = '!';
		diags.n = diags.total = 0;
		diags_add(&diags, "", "c", "m")->line = 1;
		diags.v[0].column = i + 1;
		diags.v[0].len = 500;
		buf_clear(&out);
		source_print(&out, NULL, text, 1000, NULL, &diags);
		shown = strchr(out.data, '\n') + 1;
		caret = strchr(shown, '\n') + 1;
		end = strchr(caret, '\n');
		assert_true(caret - shown <= 8 + 3 + 160 + 3 + 1);
		assert_true(end - caret <= 8 + 3 + 160);
		assert_int_equal(shown[strchr(caret, '^') - caret], '!');
		assert_int_equal(strncmp(shown, "        ...", 11) == 0, i > 80);
		text[i] = 'x';
	}
	buf_fini(&out);
	arena_fini(&arena);
}

static void test_lines(void **state)
{
	static const char text[] = "a\n\nbé\r\nc";
	const char *line;
	size_t len = 77;
	int at, column;

	line = source_line(text, strlen(text), 3, &len);
	assert_ptr_equal(line, text + 3);
	assert_int_equal(len, 3);
	line = source_line(text, strlen(text), 2, &len);
	assert_int_equal(len, 0);
	assert_null(source_line(text, strlen(text), 5, &len));
	assert_null(source_line(text, strlen(text), 0, &len));
	source_place(text, strlen(text), 6, &at, &column);
	assert_int_equal(at, 3);
	assert_int_equal(column, 3);
	source_place(text, strlen(text), 8, &at, &column);
	assert_int_equal(at, 4);
	assert_int_equal(column, 1);
	source_place(text, strlen(text), 999, &at, &column);
	assert_int_equal(at, 4);
	assert_int_equal(column, 2);
	source_place("", 0, 0, &at, &column);
	assert_int_equal(at, 1);
	assert_int_equal(column, 1);
}

int main(void)
{
	struct CMUnitTest tests[64] = {
		cmocka_unit_test(test_no_text),
		cmocka_unit_test(test_in_text),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_lines),
	};
	size_t n = 0, i;

	while (tests[n].test_func)
		n++;
	for (i = 0; i < sizeof(print_cases) / sizeof(print_cases[0]); i++)
		tests[n++] = unit_row(print_cases[i].name, test_print, &print_cases[i]);
	for (i = 0; i < sizeof(file_cases) / sizeof(file_cases[0]); i++)
		tests[n++] = unit_row(file_cases[i].name, test_file, &file_cases[i]);
	return unit_main(tests, n);
}
