// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_diff_test.c - differences between configurations: lines, and as few as can be */
#include "../lib/unit.h"

#include <stdio.h>
#include <string.h>

#include <model/config.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct diff_case {
	const char *name;
	const char *a, *b;
	const char *lines;
};

static const struct diff_case cases[] = {
	{ "equal", "{ a: 1, b: [x, y] }", "{ a: 1, b: [x, y] }", "" },
	{ "order of members", "{ a: 1, b: 2, c: { d: 3, e: 4 } }", "{ c: { e: 4, d: 3 }, b: 2, a: 1 }",
	  "" },
	{ "quotes", "{ a: 1 }", "{ a: '1' }", "" },
	{ "a value", "{ n: { config: { rate_pps: 1000 } } }", "{ n: { config: { rate_pps: 2000 } } }",
	  "~ /n/config/rate_pps: 1000 -> 2000\n" },
	{ "case and length count", "{ a: x, b: xy }", "{ a: X, b: x }",
	  "~ /a: x -> X\n~ /b: xy -> x\n" },
	{ "a member more, in order of the new one", "{ b: 1 }", "{ c: 2, b: 3, a: 4 }",
	  "+ /c: 2\n~ /b: 1 -> 3\n+ /a: 4\n" },
	{ "a member less", "{ a: 1, b: 2, c: 3 }", "{ b: 2 }", "- /a: 1\n- /c: 3\n" },
	{ "all of it new", "{}", "{ a: { b: [1, { c: 2 }], d: [], e: {}, f: '' } }",
	  "+ /a/b/0: 1\n+ /a/b/1/c: 2\n+ /a/d: []\n+ /a/e: {}\n+ /a/f: ''\n" },
	{ "all of it gone", "{ a: [1, 2] }", "{}", "- /a/0: 1\n- /a/1: 2\n" },
	{ "a map becomes a list", "{ a: { b: 1 } }", "{ a: [b] }", "- /a/b: 1\n+ /a/0: b\n" },
	{ "a value becomes a map", "{ a: b }", "{ a: { b: 1 } }", "- /a: b\n+ /a/b: 1\n" },
	{ "an empty list is no empty text", "{ a: }", "{ a: [] }", "- /a: ''\n+ /a: []\n" },
	{ "to an empty list", "{ a: [1] }", "{ a: [] }", "- /a/0: 1\n" },
	{ "from an empty map", "{ a: {} }", "{ a: { b: 1 } }", "+ /a/b: 1\n" },
	{ "rule inserted first", "[r1, r2, r3]", "[r0, r1, r2, r3]", "+ /0: r0\n" },
	{ "rule inserted between", "[r1, r2, r3]", "[r1, r2, new, r3]", "+ /2: new\n" },
	{ "rule appended", "[r1, r2, r3]", "[r1, r2, r3, r4]", "+ /3: r4\n" },
	{ "first rule deleted", "[r1, r2, r3]", "[r2, r3]", "- /0: r1\n" },
	{ "last rule deleted", "[r1, r2, r3]", "[r1, r2]", "- /2: r3\n" },
	{ "rule changed", "[r1, r2, r3]", "[r1, x2, r3]", "- /1: r2\n+ /1: x2\n" },
	{ "rule moved", "[r1, r2, r3, r4]", "[r2, r3, r4, r1]", "- /0: r1\n+ /3: r1\n" },
	{ "changes at both ends", "[a, b, c, d, e]", "[x, b, c, d, y]",
	  "- /0: a\n+ /0: x\n- /4: e\n+ /4: y\n" },
	{ "equal rules", "[a, a, b, a]", "[a, b, a, a]", "- /1: a\n+ /2: a\n" },
	{ "one of equal rules less", "[a, a, a]", "[a, a]", "- /2: a\n" },
	{ "attachment inserted", "[{ dev: a, g: 1 }, { dev: b, g: 1 }]",
	  "[{ dev: c, g: 2 }, { g: 1, dev: a }, { dev: b, g: 1 }]", "+ /0/dev: c\n+ /0/g: 2\n" },
	{ "attachment changed", "[{ dev: a, g: 1 }, { dev: b, g: 1 }]",
	  "[{ dev: a, g: 1 }, { dev: b, g: 2 }]", "~ /1/g: 1 -> 2\n" },
	{ "attachment changed, another before it",
	  "[{ d: a, g: 1 }, { d: b, g: 1 }, { d: c, g: 1 }]",
	  "[{ d: x, g: 1 }, { d: b, g: 1 }, { d: c, g: 2 }]", "~ /0/d: a -> x\n~ /2/g: 1 -> 2\n" },
	{ "text and map in one list", "[x, { a: 1 }]", "[{ a: 2 }, x]",
	  "+ /0/a: 2\n- /1/a: 1\n" },
	{ "lists in lists", "[[a, b], [c]]", "[[a], [c], [d]]", "- /0/1: b\n+ /2/0: d\n" },
	{ "names in a pointer", "{ a/b: 1, c~d: 1 }", "{ a/b: 2, c~d: 2 }",
	  "~ /a~1b: 1 -> 2\n~ /c~0d: 1 -> 2\n" },
	{ "the whole document", "x", "y", "~ /: x -> y\n" },
	{ "control characters", "{ a: \"x\\ty\" }", "{ a: \"\\e[31m\\x7f\\N\", \"k\\n\": v }",
	  "~ /a: x\\x09y -> \\x1b[31m\\x7f\\x85\n+ /k\\x0a: v\n" },
	{ "elements as text", "{ a: \"1\\n2\\n3\\n\" }", "{ a: \"2\\n4 # x\\n5\\n3\\n\" }",
	  "~ /a: +2 -1 (4 elements)\n" },
	{ "elements: one of two equal ones goes", "{ a: \"1\\n1\\n2\" }", "{ a: \"2\\n1\" }",
	  "~ /a: -1 (2 elements)\n" },
	{ "elements: order, comments, blanks", "{ a: \"1\\n2\\n3\\n\" }",
	  "{ a: \"3 # c\\n  2 \\n\\n# d\\n1\" }", "~ /a: (3 elements, written otherwise)\n" },
	{ "elements: from a list to text", "{ a: [1, 2] }", "{ a: \"2\\n3\\n4\\n\" }",
	  "~ /a: +2 -1 (3 elements)\n" },
	{ "elements: from text to a list", "{ a: \"2\\n3\\n\" }", "{ a: [2] }",
	  "~ /a: -1 (1 elements)\n" },
	{ "elements: from one to text", "{ a: 2 }", "{ a: \"2\\n3\\n\" }",
	  "~ /a: +1 (2 elements)\n" },
	{ "elements: all new", "{}", "{ a: \"2\\n3\\n\" }", "+ /a: (2 elements)\n" },
	{ "elements: all gone", "{ a: \"2\\n\\n\" }", "{}", "- /a: (1 elements)\n" },
	{ "elements: to a map", "{ a: \"2\\n3\" }", "{ a: { b: 1 } }",
	  "- /a: (2 elements)\n+ /a/b: 1\n" },
	{ "letters beyond ASCII", "{ a: \"zähler\" }", "{ a: \"größe\" }",
	  "~ /a: zähler -> größe\n" },
};

static struct tree *read_yaml(struct diags *diags, const char *yaml)
{
	struct tree *tree = NULL;

	if (tree_from_yaml(yaml, strlen(yaml), diags, &tree) < 0)
		fail_msg("%s: %s", yaml, diags->v[0].message);
	return tree;
}

static void test_case(void **state)
{
	const struct diff_case *row = *state;
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct buf out = { 0 };
	struct tree *a, *b;
	unsigned int n, lines = 0;
	const char *c;

	a = read_yaml(&diags, row->a);
	b = read_yaml(&diags, row->b);
	for (c = row->lines; *c; c++)
		lines += *c == '\n';
	n = config_diff(a, b, &out);
	assert_string_equal(out.data ? out.data : "", row->lines);
	assert_int_equal(n, lines);
	assert_int_equal(n == 0, tree_equal(a, b));
	buf_fini(&out);
	arena_fini(&arena);
}

/* Textbook dynamic programming, to compare with */
static unsigned int longest_common(const struct tree *a, const struct tree *b)
{
	unsigned int best[33][33] = { { 0 } }, i, j;

	for (i = 1; i <= a->n; i++) {
		for (j = 1; j <= b->n; j++) {
			best[i][j] = best[i - 1][j] > best[i][j - 1] ? best[i - 1][j] : best[i][j - 1];
			if (!strcmp(a->child[i - 1]->text, b->child[j - 1]->text))
				best[i][j] = best[i - 1][j - 1] + 1;
		}
	}
	return best[a->n][b->n];
}

static struct tree *random_list(struct arena *arena, uint64_t *random)
{
	struct tree *list = tree_new_list(arena);
	unsigned int n = unit_random(random) % 33, letters = 1 + unit_random(random) % 20;
	char text[2] = "";

	while (n--) {
		text[0] = 'a' + unit_random(random) % letters;
		tree_append(arena, list, tree_new_scalar(arena, text));
	}
	return list;
}

static void test_shortest(void **state)
{
	uint64_t random = unit_seed();
	unsigned int i, n;

	for (i = 0; i < 3000; i++) {
		struct arena arena = { 0 };
		struct buf out = { 0 };
		struct tree *a = random_list(&arena, &random), *b = random_list(&arena, &random);

		n = config_diff(a, b, &out);
		assert_int_equal(n, a->n + b->n - 2 * longest_common(a, b));
		buf_fini(&out);
		arena_fini(&arena);
	}
}

/* Lines applied to a list give the other one */
static void apply_lines(struct arena *arena, const struct tree *a, const char *lines,
			struct tree *ret_list)
{
	size_t at = 0, index;
	int used;
	char sign, text[16];

	for (; *lines; lines += used + 1) {
		assert_int_equal(sscanf(lines, "%c /%zu: %15s%n", &sign, &index, text, &used), 3);
		if (sign == '-') {
			for (; at < index; at++)
				tree_append(arena, ret_list, tree_copy(arena, a->child[at]));
			assert_string_equal(a->child[at++]->text, text);
			continue;
		}
		for (; ret_list->n < index; at++)
			tree_append(arena, ret_list, tree_copy(arena, a->child[at]));
		tree_append(arena, ret_list, tree_new_scalar(arena, text));
	}
	for (; at < a->n; at++)
		tree_append(arena, ret_list, tree_copy(arena, a->child[at]));
}

static void test_applied(void **state)
{
	uint64_t random = unit_seed();
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		struct arena arena = { 0 };
		struct buf out = { 0 };
		struct tree *a = random_list(&arena, &random), *b = random_list(&arena, &random);
		struct tree *made = tree_new_list(&arena);

		config_diff(a, b, &out);
		apply_lines(&arena, a, out.data ? out.data : "", made);
		assert_true(tree_equal(made, b));
		buf_fini(&out);
		arena_fini(&arena);
	}
}

/* Many, and many equal ones: right and not quadratic (the test would not end) */
static void test_large(void **state)
{
	struct arena arena = { 0 };
	struct tree *a = tree_new_list(&arena), *b = tree_new_list(&arena), *made;
	struct buf out = { 0 };
	unsigned int i, n = 100000;
	char text[16];

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%u", i % 2 ? 7 : i);
		tree_append(&arena, a, tree_new_scalar(&arena, text));
		if (i % 1000)
			tree_append(&arena, b, tree_new_scalar(&arena, text));
		else
			tree_append(&arena, b, tree_new_scalar(&arena, "new"));
	}
	assert_int_equal(config_diff(a, b, &out), 200);
	made = tree_new_list(&arena);
	apply_lines(&arena, a, out.data, made);
	assert_true(tree_equal(made, b));
	buf_fini(&out);
	arena_fini(&arena);
}

int main(void)
{
	static struct CMUnitTest tests[N(cases) + 3];
	size_t i, n = 0;

	for (i = 0; i < N(cases); i++)
		tests[n++] = unit_row(cases[i].name, test_case, &cases[i]);
	tests[n++] = unit_row("as few lines as can be", test_shortest, NULL);
	tests[n++] = unit_row("lines applied give the new list", test_applied, NULL);
	tests[n++] = unit_row("100 000 items, half of them equal", test_large, NULL);
	return unit_main(tests, n);
}
