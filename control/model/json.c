// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * json.c - a tree from and to JSON
 *
 * What the command sends is read by json_plain.c, jansson reads all else; its
 * values carry no positions. A scan of the text beforehand bounds depth and
 * count, so that neither its recursion nor its memory, which is many times the
 * text's, depends on who wrote the text.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/jsonw.h>
#include <model/json_plain.h>

static int refuse_at(struct diags *diags, const char *text, size_t offset, const char *code,
		     const char *message)
{
	struct diag *diag = diags_add(diags, NULL, code, "%s", message);

	source_place(text, offset, offset, &diag->line, &diag->column);
	return -EINVAL;
}

/* A comma, bracket or brace begins at most one value */
static int check_bounds(const char *text, size_t len, struct diags *diags)
{
	size_t i, nodes = 1, depth = 0;
	bool in_string = false;

	if (len > TREE_BYTES_MAX) {
		diags_add(diags, NULL, "too_large", "larger than %u MiB", TREE_BYTES_MAX >> 20);
		return -EINVAL;
	}
	for (i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '[' || c == '{')
			depth++, nodes++;
		else if (c == ']' || c == '}')
			depth -= depth > 0;
		else if (c == ',')
			nodes++;
		if (depth > TREE_DEPTH_MAX)
			return refuse_at(diags, text, i, "too_deep",
					 "nested deeper than 32 levels");
		if (nodes > TREE_NODES_MAX)
			return refuse_at(diags, text, i, "too_large", "more than 4194304 values");
	}
	return 0;
}

/* The shortest text that reads back to the same number */
static struct tree *from_real(struct arena *arena, double value)
{
	char text[64];
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return tree_new_scalar(arena, text);
}

static struct tree *from_string(struct arena *arena, const char *text, size_t len)
{
	struct tree *tree = tree_new_scalar(arena, "");

	tree->text = arena_strndup(arena, text, len);
	tree->len = len;
	return tree;
}

static struct tree *from_json(struct arena *arena, json_t *json)
{
	struct tree *tree, *child;
	const char *key;
	json_t *value;
	size_t i;

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		tree = tree_new_map(arena);
		json_object_foreach(json, key, value) {
			child = from_json(arena, value);
			child->key = arena_strdup(arena, key);
			tree_append(arena, tree, child);
		}
		return tree;
	case JSON_ARRAY:
		tree = tree_new_list(arena);
		json_array_foreach(json, i, value)
			tree_append(arena, tree, from_json(arena, value));
		return tree;
	case JSON_STRING:
		return from_string(arena, json_string_value(json), json_string_length(json));
	case JSON_INTEGER:
		return tree_new_scalar(arena, arena_printf(arena, "%" JSON_INTEGER_FORMAT,
							   json_integer_value(json)));
	case JSON_REAL:
		return from_real(arena, json_real_value(json));
	case JSON_TRUE:
		return tree_new_scalar(arena, "true");
	case JSON_FALSE:
		return tree_new_scalar(arena, "false");
	default:
		return tree_new_scalar(arena, "");
	}
}

/* Of a value that others have read: bounds as of a text. Return: the finding's code, or NULL */
static const char *out_of_bounds(const json_t *json, unsigned int depth, size_t *nodes)
{
	const char *key, *code = NULL;
	json_t *value;
	size_t i;

	if (++*nodes > TREE_NODES_MAX)
		return "too_large";
	if (!json_is_object(json) && !json_is_array(json))
		return NULL;
	if (depth == TREE_DEPTH_MAX)
		return "too_deep";
	json_array_foreach(json, i, value) {
		code = out_of_bounds(value, depth + 1, nodes);
		if (code)
			return code;
	}
	json_object_foreach((json_t *)json, key, value) {
		code = out_of_bounds(value, depth + 1, nodes);
		if (code)
			return code;
	}
	return NULL;
}

int tree_from_value(const struct json_t *value, struct diags *diags, struct tree **ret_tree)
{
	size_t nodes = 0;
	const char *code = out_of_bounds(value, 0, &nodes);

	if (code) {
		diags_add(diags, NULL, code, strcmp(code, "too_deep") ?
			  "more than 4194304 values" : "nested deeper than 32 levels");
		return -EINVAL;
	}
	*ret_tree = from_json(diags->arena, (json_t *)value);
	return 0;
}

static int refuse_syntax(struct diags *diags, const json_error_t *error)
{
	enum json_error_code why = json_error_code(error);
	const char *code = "syntax";
	struct diag *diag;

	if (why == json_error_out_of_memory)
		arena_no_memory();
	if (why == json_error_duplicate_key)
		code = "duplicate_key";
	else if (why == json_error_invalid_utf8)
		code = "encoding";
	diag = diags_add(diags, NULL, code, "%s", error->text);
	diag->line = error->line > 0 ? error->line : 1;
	diag->column = error->column > 0 ? error->column : 1;
	return -EINVAL;
}

int tree_from_json(const char *text, size_t len, struct diags *diags, struct tree **ret_tree)
{
	struct tree *plain = json_plain_read(text, len, diags->arena);
	json_error_t error;
	json_t *json;
	int r;

	if (plain) {
		*ret_tree = plain;
		return 0;
	}
	r = check_bounds(text, len, diags);
	if (r < 0)
		return r;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!json)
		return refuse_syntax(diags, &error);
	*ret_tree = from_json(diags->arena, json);
	json_decref(json);
	return 0;
}

static void write_json(struct jsonw *w, const struct tree *tree)
{
	size_t i;

	switch (tree->kind) {
	case TREE_SCALAR:
		jsonw_strn(w, tree->key, tree->text, tree->len);
		return;
	case TREE_MAP:
		jsonw_object(w, tree->key);
		break;
	case TREE_LIST:
		jsonw_array(w, tree->key);
		break;
	}
	for (i = 0; i < tree->n; i++)
		write_json(w, tree->child[i]);
	if (tree->kind == TREE_MAP)
		jsonw_object_end(w);
	else
		jsonw_array_end(w);
}

void tree_to_json(const struct tree *tree, struct buf *out)
{
	struct tree outermost = *tree;
	struct jsonw w;

	outermost.key = NULL;	/* it may be a member that is written on its own */
	jsonw_init(&w, out, false);
	write_json(&w, &outermost);
}
