// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_map.c - maps: elements with verdicts, for 'vmap @name' */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

enum { MAP_TYPE, MAP_ELEMENTS, MAP_COMMENT, MAP_MAX };
static const struct config_key map_keys[] = {
	[MAP_TYPE] = { "type", TREE_SCALAR, true },
	[MAP_ELEMENTS] = { "elements", TREE_MAP, false },
	[MAP_COMMENT] = { "comment", TREE_SCALAR, false },
	[MAP_MAX] = { 0 },
};

struct item {
	struct expr_interval tuple[EXPR_CONCAT_MAX];
	struct expr_verdict verdict;
	const struct tree *tree;
};

static bool is_bare_verdict(const struct expr_rule *rule)
{
	return !rule->n && !rule->n_concats && !rule->n_statements && !rule->vmap &&
	       !rule->comment && rule->verdict.kind != EXPR_CONTINUE;
}

/* Return: it is one */
static bool read_verdict(struct config_reader *r, const struct tree *tree,
			 struct expr_verdict *ret_verdict)
{
	struct expr_rule rule = { 0 };

	if (!config_read_is(r, tree, TREE_SCALAR, "a verdict"))
		return false;
	if (tree->multiline) {
		config_read_error(r, tree, "multiline", "a verdict is one line");
		return false;
	}
	if (expr_parse(tree->text, "", r->diags, &rule) < 0) {
		config_read_place(r, tree, false);
		return false;
	}
	if (!is_bare_verdict(&rule)) {
		config_read_error(r, tree, "bad_value", "'%.60s' is more than a verdict",
				  tree->text)->hint =
			"accept, drop, drop(NAME), reject, synproxy, goto NAME, jump NAME or return";
		return false;
	}
	config_rule_check_reason(r, tree, &rule.verdict);
	*ret_verdict = rule.verdict;
	return true;
}

static bool read_key(struct config_reader *r, const struct tree *tree,
		     const struct config_map *map, struct expr_interval *ret_tuple)
{
	if (!config_element(tree->key, strlen(tree->key), map->field, map->n_fields, "", 0,
			    r->diags, ret_tuple))
		return true;
	config_read_place(r, tree, true);
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_verdict(const struct expr_verdict *a, const struct expr_verdict *b)
{
	return a->kind == b->kind && a->reject == b->reject && same_text(a->edge, b->edge) &&
	       same_text(a->reason, b->reason) && same_text(a->chain, b->chain);
}

static void check_pair(struct config_reader *r, const struct item *a, const struct item *b,
		       unsigned int n_fields)
{
	const struct item *first = a->tree->index < b->tree->index ? a : b;
	const struct item *second = first == a ? b : a;

	if (config_tuple_overlap(a->tuple, b->tuple, n_fields) &&
	    !same_verdict(&a->verdict, &b->verdict))
		config_read_error(r, second->tree, "overlap",
				  "'%.60s' and '%.60s' overlap, with different verdicts",
				  first->tree->key, second->tree->key)->key = 1;
}

/*
 * By the first field's beginning. Of one field it is enough to look at the one that reaches the
 * farthest: all that overlap so far have its verdict, or there is a finding already.
 */
static void check_overlaps(struct config_reader *r, const struct item *item, unsigned int n,
			   unsigned int n_fields)
{
	unsigned int i, k, far = 0;

	for (i = 1; n_fields == 1 && i < n; i++) {
		check_pair(r, &item[far], &item[i], 1);
		if (!config_tuple_reaches(item[far].tuple, item[i].tuple))
			far = i;
	}
	for (i = 0; n_fields > 1 && i < n; i++)
		for (k = i + 1; k < n && config_tuple_overlap(item[i].tuple, item[k].tuple, 1); k++)
			check_pair(r, &item[i], &item[k], n_fields);
}

static int compare_items(const void *a, const void *b, void *n_fields)
{
	return config_tuple_compare(((const struct item *)a)->tuple, ((const struct item *)b)->tuple,
				    *(unsigned int *)n_fields);
}

static void read_elements(struct config_reader *r, const struct tree *tree, struct config_map *map)
{
	size_t max = map->n_fields > 1 ? CONFIG_MAP_TUPLES_MAX : CONFIG_MAP_MAX, i;
	struct item *item;

	if (!config_read_count(r, tree, max, map->n_fields > 1 ? "a map of this type" : "a map",
			       "elements"))
		return;
	item = calloc(tree->n + 1, sizeof(*item));
	if (!item)
		arena_no_memory();
	for (i = 0; i < tree->n; i++) {
		item[map->n].tree = tree->child[i];
		if (read_key(r, tree->child[i], map, item[map->n].tuple) &
		    read_verdict(r, tree->child[i], &item[map->n].verdict))
			map->n++;
	}
	qsort_r(item, map->n, sizeof(*item), compare_items, &map->n_fields);
	check_overlaps(r, item, map->n, map->n_fields);
	map->tuple = arena_new_n(r->arena, struct expr_interval, map->n * map->n_fields);
	map->verdict = arena_new_n(r->arena, struct expr_verdict, map->n);
	for (i = 0; i < map->n; i++) {
		memcpy(&map->tuple[i * map->n_fields], item[i].tuple,
		       map->n_fields * sizeof(*map->tuple));
		map->verdict[i] = item[i].verdict;
	}
	free(item);
}

static bool has_iif(const struct config_map *map)
{
	unsigned int i;

	for (i = 0; i < map->n_fields; i++)
		if (map->field[i] == EXPR_IIF)
			return true;
	return false;
}

static void read_map(struct config_reader *r, const struct tree *tree, struct config_map *map)
{
	struct tree *value[MAP_MAX];

	config_read_at_name(r, tree, "a map");
	map->name = tree->key;
	map->tree = tree;
	if (config_read_keys(r, tree, arena_printf(r->arena, "map '%.32s'", tree->key), map_keys,
			     value) < 0)
		return;
	if (value[MAP_TYPE])
		map->n_fields = config_type_read(r, value[MAP_TYPE], "a map", map->field);
	if (has_iif(map)) {
		config_read_error(r, value[MAP_TYPE], "not_dynamic",
				  "a map has no 'iif' in its type")->hint =
			"interfaces come and go: name them in the rule";
		map->n_fields = 0;
	}
	if (map->n_fields && value[MAP_ELEMENTS])
		read_elements(r, value[MAP_ELEMENTS], map);
	config_read_comment(r, value[MAP_COMMENT]);
}

void config_map_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_maps = section->n;
	config->map = arena_new_n(r->arena, struct config_map, section->n);
	for (i = 0; i < section->n; i++)
		read_map(r, section->child[i], &config->map[i]);
	qsort(config->map, config->n_maps, sizeof(*config->map), config_compare_names);
}
