// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* json_plain_test.c - the quick way to read JSON against the one that knows all of it */
#include "../lib/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <model/json_plain.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct arena arena;

static int teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

/* In memory of just that size: what is read behind it is found out */
static struct tree *read_plain(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct tree *tree;

	memcpy(copy, text, len);
	tree = json_plain_read(copy, len, &arena);
	free(copy);
	return tree;
}

/* A number in front of it, and the text is none of the plain ones */
static struct tree *read_otherwise(const char *text)
{
	struct diags diags = { .arena = &arena };
	struct buf list = {0};
	struct tree *tree;
	int r;

	buf_printf(&list, "[1,%s]", text);
	r = tree_from_json(list.data, list.len, &diags, &tree);
	buf_fini(&list);
	return r < 0 ? NULL : tree->child[1];
}

static void test_same(void **state)
{
	static const char *const texts[] = {
		"\"\"", "{}", "[]", " { } ", "[\n]\r\n", "\"a\"", "[\"a\",\"\",[[]]]",
		"{\"b\":\"1\",\"a\":{\"c\":[\"x\",\"y\"]}}", "{\"\":\"\"}",
		"[\"\\\"quoted\\\"\",\"a\\\\b\",\"\\/\\b\\f\\n\\r\\t\"]",
		"\"Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x8c\x8d\"",
		"{\"a\\\"b\":\"c\"}", "\"\x7f\"",
		"{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\","
		"\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\",\"i\":\"\"}",
	};
	unsigned int i;

	for (i = 0; i < N(texts); i++) {
		struct tree *tree = read_plain(texts[i], strlen(texts[i]));
		struct tree *other = read_otherwise(texts[i]);

		if (!tree || !other || !tree_equal(tree, other))
			fail_msg("%s", texts[i]);
		assert_null(tree->parent);
	}
}

static void test_left_to_the_other(void **state)
{
	static const char *const texts[] = {
		"", " ", "1", "true", "null", "[1]", "{\"a\":1}", "\"\\u0041\"", "\"",
		"\"\\", "\"\\\"",
		"[", "[\"a\"", "[\"a\",]", "[,]", "{", "{\"a\"", "{\"a\":", "{\"a\":}",
		"{\"a\":\"b\"",
		"{\"a\":\"b\",}", "{a:\"b\"}", "{\"a\" \"b\"}", "]", "[]]", "{} x", "\"a\" \"b\"",
		"\"\x01\"", "\"\x1f\"", "\"\n\"", "\"\\\x01\"", "\"\\x\"", "\"\\\xc3\xbc\"", "\"\xff\"",
		"\"\xc3\"", "\"\xed\xa0\x80\"", "[}", "{]", "{\"a\":\"b\",\"a\":\"c\"}",
		"{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\","
		"\"e\":\"\",\"f\":\"\",\"g\":\"\",\"h\":\"\",\"a\":\"\"}",
	};
	unsigned int i;

	for (i = 0; i < N(texts); i++)
		if (read_plain(texts[i], strlen(texts[i])))
			fail_msg("%s", texts[i]);
	assert_null(read_plain("\"a\0b\"", 5));
	assert_null(read_plain("[]\0", 3));
}

static void test_depth(void **state)
{
	char text[2 * (TREE_DEPTH_MAX + 1)];

	memset(text, '[', TREE_DEPTH_MAX);
	memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
	assert_non_null(read_plain(text, 2 * TREE_DEPTH_MAX));
	memset(text, '[', TREE_DEPTH_MAX + 1);
	memset(text + TREE_DEPTH_MAX + 1, ']', TREE_DEPTH_MAX + 1);
	assert_null(read_plain(text, 2 * (TREE_DEPTH_MAX + 1)));
}

static struct tree *random_tree(uint64_t *random, unsigned int depth)
{
	static const char *const words[] = {
		"", "a", "ip saddr 10.0.0.1 drop", "comment \"why\"", "back\\slash",
		"tab\t", "\xc3\xa9",
	};
	unsigned int kind = (unit_random(random) >> 16) % (depth > 4 ? 1 : 3);
	unsigned int n = (unit_random(random) >> 16) % 12, i;
	struct tree *tree;
	char key[16];

	if (kind == 0)
		return tree_new_scalar(&arena, words[n % N(words)]);
	tree = kind == 1 ? tree_new_map(&arena) : tree_new_list(&arena);
	for (i = 0; i < n; i++) {
		struct tree *child = random_tree(random, depth + 1);

		snprintf(key, sizeof(key), "k%u\"", i);
		if (kind == 1)
			tree_set(&arena, tree, key, child);
		else
			tree_append(&arena, tree, child);
	}
	return tree;
}

/* What is written is read that way, to the same tree */
static void test_random_trees(void **state)
{
	uint64_t random = unit_seed();
	struct buf text = {0};
	unsigned int i;

	for (i = 0; i < 300; i++) {
		struct tree *tree = random_tree(&random, 0), *again;

		buf_clear(&text);
		tree_to_json(tree, &text);
		again = read_plain(text.data, text.len);
		assert_non_null(again);
		assert_true(tree_equal(tree, again));
		assert_true(tree_equal(tree, read_otherwise(text.data)));
		arena_fini(&arena);
	}
	buf_fini(&text);
}

#define WHOLE(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WHOLE(test_same),
		WHOLE(test_left_to_the_other),
		WHOLE(test_depth),
		WHOLE(test_random_trees),
	};

	return unit_main(tests, N(tests));
}
