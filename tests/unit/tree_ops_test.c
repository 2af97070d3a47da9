// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tree_ops_test.c - control/model: places, paths, builders, printing of trees */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <model/tree.h>

#include "../lib/unit.h"

static struct tree *parse(struct arena *arena, const char *text)
{
	struct diags diags = { .arena = arena };
	struct tree *tree = NULL;

	if (tree_from_yaml(text, strlen(text), &diags, &tree) < 0)
		fail_msg("%s", diags.v[0].message);
	return tree;
}

static void assert_place(const struct tree *tree, int line, int column, int end_line,
			 int end_column)
{
	if (tree->line != line || tree->column != column || tree->end_line != end_line ||
	    tree->end_column != end_column)
		fail_msg("%d:%d to %d:%d", tree->line, tree->column, tree->end_line,
			 tree->end_column);
}

static const char sample[] =
	"nodes:\n"
	"  guard:\n"
	"    rules:\n"
	"      - \"udp sport 53 drop\"\n"
	"      - tcp dport 22   # ssh\n"
	"    log: { é: [a, b] }\n"
	"  'x': |\n"
	"    text\n"
	"list: []\n";

static void test_places(void **state)
{
	struct arena arena = { 0 };
	struct tree *root = parse(&arena, sample);
	const struct tree *guard = tree_at(root, "/nodes/guard", NULL);
	const struct tree *rule = tree_at(root, "/nodes/guard/rules/0", NULL);
	const struct tree *text = tree_at(root, "/nodes/x", NULL);

	assert_place(root, 1, 1, 9, 9);
	assert_place(guard, 3, 5, 6, 23);
	assert_int_equal(guard->key_line, 2);
	assert_int_equal(guard->key_column, 3);
	assert_place(tree_at(root, "/nodes/guard/rules", NULL), 4, 7, 5, 21);
	assert_place(rule, 4, 9, 4, 28);
	assert_true(rule->quoted);
	assert_false(rule->multiline);
	assert_place(tree_at(root, "/nodes/guard/rules/1", NULL), 5, 9, 5, 21);
	assert_false(tree_at(root, "/nodes/guard/rules/1", NULL)->quoted);
	assert_place(tree_at(root, "/nodes/guard/log/é", NULL), 6, 15, 6, 21);
	assert_place(tree_at(root, "/nodes/guard/log/é/1", NULL), 6, 19, 6, 20);
	assert_true(text->multiline);
	assert_int_equal(text->key_column, 3);
	arena_fini(&arena);
}

static void test_get(void **state)
{
	struct arena arena = { 0 };
	struct tree *root = parse(&arena, sample);

	assert_string_equal(tree_get(root, "list")->key, "list");
	assert_null(tree_get(root, "none"));
	assert_null(tree_get(tree_get(root, "list"), "x"));
	assert_null(tree_get(NULL, "x"));
	arena_fini(&arena);
}

static void assert_paths(const struct tree *root, const struct tree *tree, struct arena *arena)
{
	bool exact = false;
	size_t i;

	assert_ptr_equal(tree_at(root, tree_path(tree, arena), &exact), tree);
	assert_true(exact);
	for (i = 0; i < tree->n; i++) {
		assert_ptr_equal(tree->child[i]->parent, tree);
		assert_int_equal(tree_index(tree->child[i]), i);
		assert_paths(root, tree->child[i], arena);
	}
}

static void test_paths(void **state)
{
	struct arena arena = { 0 };
	struct tree *root = parse(&arena, "a/b: {~: 1, '': [x, {'~1': y}]}\n0: [z]\n");

	assert_string_equal(tree_path(root, &arena), "");
	assert_string_equal(tree_path(root->child[0]->child[0], &arena), "/a~1b/~0");
	assert_string_equal(tree_path(root->child[0]->child[1]->child[1]->child[0], &arena),
			    "/a~1b//1/~01");
	assert_paths(root, root, &arena);
	arena_fini(&arena);
}

static void test_path_nearest(void **state)
{
	static const char *const cases[][2] = {	/* asked, nearest */
		{ "/nodes/guard/none", "/nodes/guard" },
		{ "/none/x/y", "" },
		{ "/list/0", "/list" },
		{ "/nodes/guard/rules/2", "/nodes/guard/rules" },
		{ "/nodes/guard/rules/00", "/nodes/guard/rules" },
		{ "/nodes/guard/rules/-1", "/nodes/guard/rules" },
		{ "/nodes/guard/rules/", "/nodes/guard/rules" },
		{ "/nodes/guard/rules/99999999999999999999999", "/nodes/guard/rules" },
		{ "/nodes/guard/rules/0/x", "/nodes/guard/rules/0" },
		{ "/node", "" },
		{ "/nodess", "" },
		{ "nodes", "" },
	};
	struct arena arena = { 0 };
	struct tree *root = parse(&arena, sample);
	bool exact;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		exact = true;
		assert_string_equal(tree_path(tree_at(root, cases[i][0], &exact), &arena),
				    cases[i][1]);
		assert_false(exact);
	}
	arena_fini(&arena);
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "{a: 1, b: 2}", "{b: 2, a: 1}", true },
		{ "[a, b]", "[b, a]", false },
		{ "{a: 1}", "{a: '1'}", true },
		{ "{a: 1}", "{a: 1, b: 2}", false },
		{ "{a: 1, b: 2}", "{a: 1, c: 2}", false },
		{ "{a: {}}", "{a: []}", false },
		{ "{a: {x: [1, {y: z}]}}", "a:\n  x:\n    - 1\n    - y: z\n", true },
		{ "{a: ''}", "{a: }", true },
		{ "a", "b", false },
	};
	struct arena arena = { 0 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tree_equal(parse(&arena, cases[i].a), parse(&arena, cases[i].b)) !=
		    cases[i].equal)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	arena_fini(&arena);
}

static void test_builders(void **state)
{
	struct arena arena = { 0 };
	struct tree *map = tree_new_map(&arena), *list, *copy;
	char key[] = "a";
	int i;

	tree_set(&arena, map, key, tree_new_scalar(&arena, "1"));
	key[0] = 'x';
	list = tree_set(&arena, map, "b", tree_new_list(&arena));
	for (i = 0; i < 20; i++)
		tree_append(&arena, list, tree_new_scalar(&arena, arena_printf(&arena, "%d", i)));
	for (i = 0; i < 12; i++)
		tree_del(list, list->child[1]);
	for (i = 0; i < 3; i++)
		tree_append(&arena, list, tree_new_scalar(&arena, "new"));
	assert_true(tree_equal(map, parse(&arena, "{a: 1, b: [0, 13, 14, 15, 16, 17, 18, 19, "
						  "new, new, new]}")));
	assert_paths(map, map, &arena);

	copy = tree_copy(&arena, map);
	assert_true(tree_equal(map, copy));
	tree_set(&arena, map, "a", tree_new_scalar(&arena, "2"));
	assert_int_equal(map->n, 2);
	assert_string_equal(map->child[0]->text, "2");
	assert_string_equal(tree_get(copy, "a")->text, "1");
	tree_del(map, tree_get(map, "a"));
	assert_null(tree_get(map, "a"));
	tree_del(map, copy);	/* not a child: nothing */
	assert_int_equal(map->n, 1);
	copy = tree_copy(&arena, tree_get(copy, "b"));
	assert_null(copy->parent);
	assert_paths(copy, copy, &arena);
	arena_fini(&arena);
}

/* What an operator sees: the exact text */
static const struct print_case {
	const char *name, *text, *want;
} print_cases[] = {
	{ "print: words and numbers plain", "{'a': '1', \"b-c\": x.y/z, d: '02:00:00:00:00:01'}",
	  "a: 1\nb-c: x.y/z\nd: 02:00:00:00:00:01\n" },
	{ "print: short lists of words in flow style", "a: [x, y, '10.0.0.0/8']",
	  "a: [x, y, 10.0.0.0/8]\n" },
	{ "print: rules on lines of their own",
	  "a: ['ip saddr 10.0.0.1 drop', 'udp sport {53} drop']",
	  "a:\n  - ip saddr 10.0.0.1 drop\n  - \"udp sport {53} drop\"\n" },
	{ "print: a list too long for a line",
	  "a: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb]",
	  "a:\n  - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	  "  - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n" },
	{ "print: maps in a list", "a: [{b: 1, c: {d: 2}}, {e: []}]",
	  "a:\n  - b: 1\n    c:\n      d: 2\n  - e: []\n" },
	{ "print: lists in a list", "[[a, b], [[c d], {}]]", "- [a, b]\n- - - c d\n  - {}\n" },
	{ "print: quotes only where needed",
	  "[\"a: b\", '- a', '', '#x', 'a #b', '@s', '<<', 'a ']",
	  "- \"a: b\"\n- \"- a\"\n- \"\"\n- \"#x\"\n- \"a #b\"\n- \"@s\"\n- \"<<\"\n- \"a \"\n" },
	{ "print: single quotes where double ones or a backslash are inside",
	  "a: 'x comment \"y\"'",
	  "a: 'x comment \"y\"'\n" },
	{ "print: both quotes inside", "a: \"it's \\\"x\\\"\"", "a: \"it's \\\"x\\\"\"\n" },
	{ "print: control characters", "a: \"x\\ny\\t\\e\"", "a: \"x\\ny\\t\\x1b\"\n" },
	{ "print: lines", "s: { e: \"10.0.0.1 # ü\\n\\n  2\\n\\t3\\n\", f: [\"1\\n2\\n\", 'a b'] }",
	  "s:\n  e: |\n    10.0.0.1 # ü\n\n      2\n    \t3\n"
	  "  f:\n    - |\n      1\n      2\n    - a b\n" },
	{ "print: lines that a block would change",
	  "[\" a\\n\", \"\\ta\\n\", \"\\na\\n\", \"a\\n\\n\", \"a\\n  \\nb\\n\", "
	  "\"a\\r\\n\", \"a b\\nc\"]",
	  "- \" a\\n\"\n- \"\\ta\\n\"\n- \"\\na\\n\"\n- \"a\\n\\n\"\n- \"a\\n  \\nb\\n\"\n"
	  "- \"a\\x0d\\n\"\n- \"a b\\nc\"\n" },
	{ "print: what cannot be seen", "a: \"\\uFEFF\\u2028\"", "a: \"\\ufeff\\u2028\"\n" },
	{ "print: empty", "", "{}\n" },
	{ "print: scalar alone", "x", "x\n" },
};

static void test_print(void **state)
{
	const struct print_case *c = *state;
	struct arena arena = { 0 };
	struct buf out = { 0 };
	struct tree *tree = parse(&arena, c->text);

	tree_to_yaml(tree, &out);
	assert_string_equal(out.data, c->want);
	assert_true(tree_equal(tree, parse(&arena, out.data)));
	buf_fini(&out);
	arena_fini(&arena);
}

/* Scalars that YAML could take for something else; each as value, item, key */
static const char *const hard[] = {
	"", " ", "  x", "x ", "-", "--", "---", "...", "..", ".", "- a", "-a", "?",
	"? a", "?a", ":",
	": a", ":a", "a:", "a: b", "a:b", "::1", "fe80::/64", "2001:db8::", "#", "a#",
	"a #b", "#a",
	"[", "]", "{", "}", "a,b", ",", "&a", "*a", "!a", "!", "|", "|-", ">", ">x",
	"'", "''", "\"",
	"'a'", "\"a\"", "a'b\"c", "%a", "@a", "`a", "<<", "=", "~", "null", "yes",
	"0x10", "1e3", "\\",
	"\\n", "\n", "a\nb", "\na", "a\n", "\t", "a\tb", "\ta", "\r", "a\r\nb",
	"\x01", "\x1b", "\x7f",
	"\xc2\x80", "\xc2\x85", "\xc2\xa0", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
	"\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xbf\xbd", "é", "\xf0\x9f\x98\x80",
	"\xf4\x8f\xbf\xbf",
	"a  b", "a : b", "tcp flags & (syn|ack) == syn", "{ 22, 80-90 }", "a ", "a\\",
	"x\n  y\n\nz",
};

static void check_trip(struct arena *arena, const struct tree *tree, uint64_t seed)
{
	struct diags diags = { .arena = arena };
	struct tree *again = NULL;
	struct buf out = { 0 };

	tree_to_yaml(tree, &out);
	if (tree_from_yaml(out.data, out.len, &diags, &again) < 0 || !tree_equal(tree, again))
		fail_msg("seed %llu: %s:\n%s", (unsigned long long)seed,
			 diags.n ? diags.v[0].message : "differs", out.data);
	buf_clear(&out);
	tree_to_json(tree, &out);
	if (tree_from_json(out.data, out.len, &diags, &again) < 0 || !tree_equal(tree, again))
		fail_msg("seed %llu: %s:\n%s", (unsigned long long)seed,
			 diags.n ? diags.v[0].message : "differs", out.data);
	buf_fini(&out);
}

/* Items know their index: paths of findings and of diffs are made of it */
static void test_insert(void **state)
{
	static const char *const wanted[] = { "first", "a", "middle", "b", "last" };
	struct arena arena = {};
	struct tree *list = tree_new_list(&arena);
	size_t i;

	tree_append(&arena, list, tree_new_scalar(&arena, "a"));
	tree_append(&arena, list, tree_new_scalar(&arena, "b"));
	tree_insert(&arena, list, tree_new_scalar(&arena, "first"), 0);
	tree_insert(&arena, list, tree_new_scalar(&arena, "middle"), 2);
	tree_insert(&arena, list, tree_new_scalar(&arena, "last"), list->n);
	assert_int_equal(list->n, 5);
	for (i = 0; i < list->n; i++) {
		assert_string_equal(list->child[i]->text, wanted[i]);
		assert_int_equal(tree_index(list->child[i]), i);
		assert_ptr_equal(list->child[i]->parent, list);
	}
	tree_del(list, list->child[0]);
	tree_del(list, list->child[0]);
	assert_int_equal(list->n, 3);
	for (i = 0; i < list->n; i++) {
		assert_string_equal(list->child[i]->text, wanted[i + 2]);
		assert_int_equal(tree_index(list->child[i]), i);
	}
	arena_fini(&arena);
}

static void test_hard_scalars(void **state)
{
	struct arena arena = { 0 };
	struct tree *map, *list;
	size_t i;

	for (i = 0; i < sizeof(hard) / sizeof(hard[0]); i++) {
		map = tree_new_map(&arena);
		list = tree_set(&arena, map, "list", tree_new_list(&arena));
		tree_append(&arena, list, tree_new_scalar(&arena, hard[i]));
		tree_append(&arena, list, tree_new_scalar(&arena, "x"));
		check_trip(&arena, list, 0);
		tree_set(&arena, map, "value", tree_new_scalar(&arena, hard[i]));
		tree_set(&arena, map, hard[i], tree_new_scalar(&arena, "x"));
		check_trip(&arena, map, 0);
	}
	arena_fini(&arena);
}

static void test_long_keys(void **state)
{
	struct arena arena = { 0 };
	struct tree *list = tree_new_list(&arena), *map;
	int len;

	for (len = 990; len < 1100; len++) {
		map = tree_append(&arena, list, tree_new_map(&arena));
		tree_set(&arena, map, arena_printf(&arena, "%*s", len, "k"),
			 tree_new_scalar(&arena, "x"));
		tree_set(&arena, map, arena_printf(&arena, "k%0*d", len, 1),
			 tree_append(&arena, tree_new_list(&arena), tree_new_map(&arena)));
	}
	check_trip(&arena, list, 0);
	arena_fini(&arena);
}

static const char *random_text(struct arena *arena, uint64_t *random)
{
	static const char alphabet[] = "ab01 :-#,[]{}&*!|>'\"%@`\\\n\t?~<=./";
	struct buf text = { 0 };
	const char *copy;
	size_t n = unit_random(random) % 9;

	while (n--) {
		if (unit_random(random) % 8 == 0)
			buf_str(&text, hard[unit_random(random) %
					    (sizeof(hard) / sizeof(hard[0]))]);
		else
			buf_char(&text, alphabet[unit_random(random) % (sizeof(alphabet) - 1)]);
	}
	copy = arena_strdup(arena, text.data ? text.data : "");
	buf_fini(&text);
	return copy;
}

static struct tree *random_tree(struct arena *arena, uint64_t *random, int depth)
{
	size_t kind = depth ? unit_random(random) % 4 : 0, n = unit_random(random) % 6;
	struct tree *tree;

	if (kind < 2)
		return tree_new_scalar(arena, random_text(arena, random));
	tree = kind == 2 ? tree_new_map(arena) : tree_new_list(arena);
	while (n--) {
		struct tree *child = random_tree(arena, random, depth - 1);

		if (kind == 2)
			tree_set(arena, tree, random_text(arena, random), child);
		else
			tree_append(arena, tree, child);
	}
	return tree;
}

/* An unquoted empty scalar alone in a file is an empty map by definition: the root is never one */
static void test_random_trees(void **state)
{
	uint64_t seed = unit_seed(), random = seed;
	struct tree *root;
	int i;

	for (i = 0; i < 3000; i++) {
		struct arena arena = { 0 };

		root = tree_new_map(&arena);
		tree_set(&arena, root, "r", random_tree(&arena, &random, 6));
		check_trip(&arena, root, seed);
		check_trip(&arena, tree_get(root, "r"), seed);
		assert_true(tree_equal(root, tree_copy(&arena, root)));
		assert_paths(root, root, &arena);
		arena_fini(&arena);
	}
}

int main(void)
{
	struct CMUnitTest tests[64] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_path_nearest),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_builders),
		cmocka_unit_test(test_insert),
		cmocka_unit_test(test_hard_scalars),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_random_trees),
	};
	size_t n = 0, i;

	while (tests[n].test_func)
		n++;
	for (i = 0; i < sizeof(print_cases) / sizeof(print_cases[0]); i++)
		tests[n++] = unit_row(print_cases[i].name, test_print, &print_cases[i]);
	return unit_main(tests, n);
}
