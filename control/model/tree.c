// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* tree.c - a configuration as a tree: look up, compare, paths, builders */
#include <stdlib.h>
#include <string.h>

#include <model/tree.h>

struct tree *tree_get(const struct tree *map, const char *key)
{
	size_t i;

	if (!map || map->kind != TREE_MAP)
		return NULL;
	for (i = 0; i < map->n; i++)
		if (!strcmp(map->child[i]->key, key))
			return map->child[i];
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	const struct tree *x = *(const struct tree *const *)a, *y = *(const struct tree *const *)b;
	int order = x->key && y->key ? strcmp(x->key, y->key) : 0;

	if (order)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

const struct tree **tree_sorted(const struct tree *map)
{
	const struct tree **sorted = calloc(map->n + 1, sizeof(*sorted));

	if (!sorted)
		arena_no_memory();
	if (map->n)
		memcpy(sorted, map->child, map->n * sizeof(*sorted));
	if (map->kind == TREE_MAP)
		qsort(sorted, map->n, sizeof(*sorted), compare_keys);
	return sorted;
}

static bool maps_equal(const struct tree *a, const struct tree *b)
{
	const struct tree **x = tree_sorted(a), **y = tree_sorted(b);
	bool equal = true;
	size_t i;

	for (i = 0; equal && i < a->n; i++)
		equal = !strcmp(x[i]->key, y[i]->key) && tree_equal(x[i], y[i]);
	free(x);
	free(y);
	return equal;
}

bool tree_equal(const struct tree *a, const struct tree *b)
{
	size_t i;

	if (a->kind != b->kind)
		return false;
	if (a->kind == TREE_SCALAR)
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	if (a->n != b->n)
		return false;
	if (a->kind == TREE_MAP)
		return maps_equal(a, b);
	for (i = 0; i < a->n; i++)
		if (!tree_equal(a->child[i], b->child[i]))
			return false;
	return true;
}

/* Outwards from where it was put */
size_t tree_index(const struct tree *tree)
{
	const struct tree *parent = tree->parent;
	size_t from = tree->index, i;

	for (i = 0; i <= from || from + i < parent->n; i++) {
		if (i <= from && from - i < parent->n && parent->child[from - i] == tree)
			return from - i;
		if (from + i < parent->n && parent->child[from + i] == tree)
			return from + i;
	}
	return parent->n;
}

static void add_path(const struct tree *tree, struct buf *out)
{
	const char *c;

	if (!tree->parent)
		return;
	add_path(tree->parent, out);
	if (tree->parent->kind == TREE_LIST) {
		buf_char(out, '/');
		buf_u64(out, tree_index(tree));
		return;
	}
	buf_char(out, '/');
	for (c = tree->key; *c; c++) {
		if (*c == '~')
			buf_str(out, "~0");
		else if (*c == '/')
			buf_str(out, "~1");
		else
			buf_char(out, *c);
	}
}

const char *tree_path(const struct tree *tree, struct arena *arena)
{
	struct buf path = { 0 };
	const char *copy;

	add_path(tree, &path);
	copy = arena_strndup(arena, path.data, path.len);
	buf_fini(&path);
	return copy;
}

/* Is the part of a pointer, up to '/' or the end, this key? */
static bool part_is_key(const char *part, const char *key)
{
	for (; *part && *part != '/'; part++, key++) {
		char c = *part;

		if (c == '~' && (part[1] == '0' || part[1] == '1'))
			c = *++part == '0' ? '~' : '/';
		if (c != *key)
			return false;
	}
	return !*key;
}

static struct tree *list_item(const struct tree *list, const char *part)
{
	size_t i = 0;

	if (*part == '0' && part[1] && part[1] != '/')
		return NULL;
	if (!*part || *part == '/')
		return NULL;
	for (; *part && *part != '/'; part++) {
		if (*part < '0' || *part > '9')
			return NULL;
		i = 10 * i + (*part - '0');
		if (i >= list->n)
			return NULL;
	}
	return list->child[i];
}

static struct tree *child_at(const struct tree *tree, const char *part)
{
	size_t i;

	if (tree->kind == TREE_LIST)
		return list_item(tree, part);
	for (i = 0; i < tree->n; i++)
		if (part_is_key(part, tree->child[i]->key))
			return tree->child[i];
	return NULL;
}

const struct tree *tree_at(const struct tree *root, const char *path, bool *ret_exact)
{
	const struct tree *child;
	bool exact = true;

	while (exact && *path) {
		child = *path == '/' ? child_at(root, path + 1) : NULL;
		exact = child != NULL;
		if (!exact)
			break;
		root = child;
		path++;
		path += strcspn(path, "/");
	}
	if (ret_exact)
		*ret_exact = exact;
	return root;
}

static struct tree *tree_new(struct arena *arena, enum tree_kind kind)
{
	struct tree *tree = arena_new(arena, struct tree);

	tree->kind = kind;
	return tree;
}

struct tree *tree_new_scalar(struct arena *arena, const char *text)
{
	struct tree *tree = tree_new(arena, TREE_SCALAR);

	tree->text = arena_strdup(arena, text);
	tree->len = strlen(text);
	return tree;
}

struct tree *tree_new_map(struct arena *arena)
{
	return tree_new(arena, TREE_MAP);
}

struct tree *tree_new_list(struct arena *arena)
{
	return tree_new(arena, TREE_LIST);
}

struct tree *tree_append(struct arena *arena, struct tree *list, struct tree *value)
{
	value->parent = list;
	value->index = list->n;
	*arena_push(arena, list->child, list->n) = value;
	return value;
}

struct tree *tree_insert(struct arena *arena, struct tree *list, struct tree *value, size_t index)
{
	tree_append(arena, list, value);
	memmove(&list->child[index + 1], &list->child[index],
		(list->n - 1 - index) * sizeof(*list->child));
	list->child[index] = value;
	value->index = index;
	return value;
}

struct tree *tree_set(struct arena *arena, struct tree *map, const char *key, struct tree *value)
{
	struct tree *old = tree_get(map, key);

	value->key = arena_strdup(arena, key);
	if (!old)
		return tree_append(arena, map, value);
	value->parent = map;
	value->index = tree_index(old);
	map->child[value->index] = value;
	old->parent = NULL;
	return value;
}

void tree_del(struct tree *parent, const struct tree *child)
{
	size_t i;

	if (child->parent != parent)
		return;
	i = tree_index(child);
	if (i == parent->n)
		return;
	parent->child[i]->parent = NULL;
	parent->n--;
	memmove(&parent->child[i], &parent->child[i + 1],
		(parent->n - i) * sizeof(*parent->child));
}

struct tree *tree_copy(struct arena *arena, const struct tree *tree)
{
	struct tree *copy = arena_new(arena, struct tree), *child;
	size_t i;

	*copy = *tree;
	copy->parent = NULL;
	copy->child = NULL;
	copy->n = copy->index = 0;
	if (tree->key)
		copy->key = arena_strdup(arena, tree->key);
	if (tree->text)
		copy->text = arena_strndup(arena, tree->text, tree->len);
	for (i = 0; i < tree->n; i++) {
		child = tree_copy(arena, tree->child[i]);
		tree_append(arena, copy, child);
	}
	return copy;
}
