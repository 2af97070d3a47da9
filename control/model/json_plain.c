// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * json_plain.c - a tree from the JSON that tree_to_json() writes
 *
 * DOC: What the command sends has maps, lists and strings, and may have a
 * hundred thousand of them: read in one pass, straight into the tree. All else
 * (numbers, \u, any error) is left to json.c, which reads the text from its
 * beginning again, and knows what to say.
 */
#include <stdlib.h>
#include <string.h>

#include <model/json_plain.h>
#include <model/json_scan.h>

#define COMPARED_MAX 8		/* a map of so many keys is not sorted to find equal ones */

struct reader {
	struct json_scan scan;
	struct arena *arena;
	size_t nodes;
	unsigned int depth;
};

static struct tree *read_value(struct reader *r);

/* Return: NULL: not plain */
static char *read_string(struct reader *r, size_t *ret_len)
{
	struct json_string string;
	char *text;

	if (!json_scan_string(&r->scan, &string))
		return NULL;
	text = arena_alloc(r->arena, string.len + 1);
	return json_scan_copy(&string, text, ret_len) ? text : NULL;
}

static bool keys_differ(const struct tree *map)
{
	const struct tree **sorted;
	bool differ = true;
	size_t i, k;

	if (map->n <= COMPARED_MAX) {
		for (i = 1; i < map->n; i++)
			for (k = 0; k < i; k++)
				if (!strcmp(map->child[i]->key, map->child[k]->key))
					return false;
		return true;
	}
	sorted = tree_sorted(map);
	for (i = 1; i < map->n && differ; i++)
		differ = strcmp(sorted[i - 1]->key, sorted[i]->key) != 0;
	free(sorted);
	return differ;
}

static bool read_members(struct reader *r, struct tree *map)
{
	struct tree *value;
	const char *key;
	size_t len;

	if (json_scan_eat(&r->scan, '}'))
		return true;
	do {
		key = read_string(r, &len);
		value = key && json_scan_eat(&r->scan, ':') ? read_value(r) : NULL;
		if (!value)
			return false;
		value->key = key;
		tree_append(r->arena, map, value);
	} while (json_scan_eat(&r->scan, ','));
	return json_scan_eat(&r->scan, '}') && keys_differ(map);
}

static bool read_items(struct reader *r, struct tree *list)
{
	struct tree *value;

	if (json_scan_eat(&r->scan, ']'))
		return true;
	do {
		value = read_value(r);
		if (!value)
			return false;
		tree_append(r->arena, list, value);
	} while (json_scan_eat(&r->scan, ','));
	return json_scan_eat(&r->scan, ']');
}

/* Return: NULL: not plain */
static struct tree *read_value(struct reader *r)
{
	struct tree *tree;
	bool map, good;

	if (r->nodes++ == TREE_NODES_MAX)
		return NULL;
	if (json_scan_next(&r->scan) == '"') {
		tree = arena_new(r->arena, struct tree);
		tree->kind = TREE_SCALAR;
		tree->text = read_string(r, &tree->len);
		return tree->text ? tree : NULL;
	}
	map = json_scan_eat(&r->scan, '{');
	if ((!map && !json_scan_eat(&r->scan, '[')) || r->depth == TREE_DEPTH_MAX)
		return NULL;
	r->depth++;
	tree = map ? tree_new_map(r->arena) : tree_new_list(r->arena);
	good = map ? read_members(r, tree) : read_items(r, tree);
	r->depth--;
	return good ? tree : NULL;
}

struct tree *json_plain_read(const char *text, size_t len, struct arena *arena)
{
	struct reader r = { .scan = { text, text + len }, .arena = arena };
	struct tree *tree;

	if (len > TREE_BYTES_MAX)
		return NULL;
	tree = read_value(&r);
	json_scan_next(&r.scan);
	return r.scan.at == r.scan.end ? tree : NULL;
}
