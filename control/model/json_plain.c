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

#include <base/utf8.h>
#include <model/json_plain.h>

#define COMPARED_MAX 8		/* a map of so many keys is not sorted to find equal ones */

struct reader {
	const char *at, *end;
	struct arena *arena;
	size_t nodes;
	unsigned int depth;
};

static struct tree *read_value(struct reader *r);

static char next(struct reader *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
	return r->at < r->end ? *r->at : '\0';
}

static bool eat(struct reader *r, char c)
{
	if (next(r) != c)
		return false;
	r->at++;
	return true;
}

/* Step over the string, which has begun. Return: false: not plain; *ret_escapes: it has some */
static bool skip_string(struct reader *r, bool *ret_escapes)
{
	size_t n;

	*ret_escapes = false;
	while (r->at < r->end && *r->at != '"') {
		unsigned char c = *r->at;

		if (c < 0x20)
			return false;
		if (c >= 0x80) {
			n = utf8_next(r->at, r->end - r->at, NULL);
			if (!n)
				return false;
			r->at += n;
			continue;
		}
		if (c == '\\') {
			*ret_escapes = true;
			r->at++;
		}
		r->at++;
	}
	return r->at < r->end;
}

/* In place. Return: the new length; 0: an escape that is not plain */
static size_t unescape(char *text, size_t len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t i, used = 0;

	for (i = 0; i < len; i++) {
		const char *escape;

		if (text[i] != '\\') {
			text[used++] = text[i];
			continue;
		}
		escape = text[++i] ? strchr(from, text[i]) : NULL;
		if (!escape)
			return 0;
		text[used++] = to[escape - from];
	}
	text[used] = '\0';
	return used;
}

/* Return: NULL: not plain */
static char *read_string(struct reader *r, size_t *ret_len)
{
	const char *begin;
	bool escapes;
	size_t len;
	char *text;

	if (!eat(r, '"'))
		return NULL;
	begin = r->at;
	if (!skip_string(r, &escapes))
		return NULL;
	len = r->at++ - begin;
	text = arena_strndup(r->arena, begin, len);
	if (escapes)
		len = unescape(text, len);
	*ret_len = len;
	return escapes && !len ? NULL : text;
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

	if (eat(r, '}'))
		return true;
	do {
		key = read_string(r, &len);
		value = key && eat(r, ':') ? read_value(r) : NULL;
		if (!value)
			return false;
		value->key = key;
		tree_append(r->arena, map, value);
	} while (eat(r, ','));
	return eat(r, '}') && keys_differ(map);
}

static bool read_items(struct reader *r, struct tree *list)
{
	struct tree *value;

	if (eat(r, ']'))
		return true;
	do {
		value = read_value(r);
		if (!value)
			return false;
		tree_append(r->arena, list, value);
	} while (eat(r, ','));
	return eat(r, ']');
}

/* Return: NULL: not plain */
static struct tree *read_value(struct reader *r)
{
	struct tree *tree;
	bool map, good;

	if (r->nodes++ == TREE_NODES_MAX)
		return NULL;
	if (next(r) == '"') {
		tree = arena_new(r->arena, struct tree);
		tree->kind = TREE_SCALAR;
		tree->text = read_string(r, &tree->len);
		return tree->text ? tree : NULL;
	}
	map = eat(r, '{');
	if ((!map && !eat(r, '[')) || r->depth == TREE_DEPTH_MAX)
		return NULL;
	r->depth++;
	tree = map ? tree_new_map(r->arena) : tree_new_list(r->arena);
	good = map ? read_members(r, tree) : read_items(r, tree);
	r->depth--;
	return good ? tree : NULL;
}

struct tree *json_plain_read(const char *text, size_t len, struct arena *arena)
{
	struct reader r = { .at = text, .end = text + len, .arena = arena };
	struct tree *tree;

	if (len > TREE_BYTES_MAX)
		return NULL;
	tree = read_value(&r);
	next(&r);
	return r.at == r.end ? tree : NULL;
}
