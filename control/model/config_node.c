// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* config_node.c - nodes */
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

enum {
	NODE_MODULE, NODE_CONFIG, NODE_RULES, NODE_CHAINS, NODE_DEFAULT, NODE_SOURCE, NODE_SOURCE6,
	NODE_SEED, NODE_SERVICES, NODE_COMMENT, NODE_MAX
};
static const struct config_key node_keys[] = {
	[NODE_MODULE] = { "module", TREE_SCALAR, true },
	[NODE_CONFIG] = { "config", TREE_MAP, false },
	[NODE_RULES] = { "rules", TREE_LIST, false },
	[NODE_CHAINS] = { "chains", TREE_MAP, false },
	[NODE_DEFAULT] = { "default", TREE_SCALAR, false },
	[NODE_SOURCE] = { "source", TREE_SCALAR, false },
	[NODE_SOURCE6] = { "source6", TREE_SCALAR, false },
	[NODE_SEED] = { "seed", TREE_SCALAR, false },
	[NODE_SERVICES] = { "services", TREE_MAP, false },
	[NODE_COMMENT] = { "comment", TREE_SCALAR, false },
	[NODE_MAX] = { 0 },
};
_Static_assert(NODE_MAX <= CONFIG_KEYS_MAX, "config_read_keys()");

/* A list of values: they are told with commas between them */
static const char *read_list(struct config_reader *r, const struct tree *list)
{
	struct buf text = { 0 };
	const char *copy;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (config_read_is(r, list->child[i], TREE_SCALAR, "an element of a config value"))
			buf_printf(&text, "%s%s", text.len ? ", " : "", list->child[i]->text);
	copy = arena_strdup(r->arena, text.len ? text.data : "");
	buf_fini(&text);
	return copy;
}

static void read_values(struct config_reader *r, const struct tree *map, struct config_node *node)
{
	size_t i;

	node->value = arena_new_n(r->arena, struct config_value, map->n);
	for (i = 0; i < map->n; i++) {
		const struct tree *member = map->child[i];

		if (member->kind != TREE_LIST &&
		    !config_read_is(r, member, TREE_SCALAR, "a config value"))
			continue;
		node->value[node->n_values++] = (struct config_value){
			.name = member->key, .tree = member,
			.text = member->kind == TREE_LIST ? read_list(r, member) : member->text,
		};
	}
}

static void read_module(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	if (strchr(tree->text, '/') ?
	    config_read_line(r, tree, "the path of a module", CONFIG_PATH_MAX) :
	    config_read_name(r, tree, "a module"))
		node->module = tree->text;
}

static void read_default(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	if (strchr(tree->text, '('))
		config_read_error(r, tree, "bad_value", "'default' is an edge, not '%.60s'",
				  tree->text)->hint = "an edge's target is set under 'graphs'";
	else if (config_read_name(r, tree, "an edge"))
		node->fallback = tree->text;
}

static void check_node_name(struct config_reader *r, const struct tree *tree)
{
	if (config_read_name_key(r, tree, "a node") && config_is_target(tree->key))
		config_read_error(r, tree, "reserved_name",
				  "a node cannot be called '%s': that is a target of edges",
				  tree->key)->key = 1;
}

static void read_node(struct config_reader *r, const struct tree *tree, struct config_node *node)
{
	struct tree *value[NODE_MAX], *chains;

	check_node_name(r, tree);
	node->name = tree->key;
	node->tree = tree;
	if (config_read_keys(r, tree, arena_printf(r->arena, "node '%.32s'", tree->key), node_keys,
			     value) < 0)
		return;
	if (value[NODE_MODULE])
		read_module(r, value[NODE_MODULE], node);
	if (value[NODE_CONFIG])
		read_values(r, value[NODE_CONFIG], node);
	chains = tree_get(tree, node_keys[NODE_CHAINS].name);
	config_rule_read(r, value[NODE_RULES], value[NODE_CHAINS],
			 chains && !value[NODE_CHAINS] && !config_read_is_empty(chains), node);
	if (value[NODE_DEFAULT])
		read_default(r, value[NODE_DEFAULT], node);
	node->lb = config_lb_read(r, tree, &(struct config_lb_trees){
		value[NODE_SOURCE], value[NODE_SOURCE6], value[NODE_SEED], value[NODE_SERVICES] });
	config_read_comment(r, value[NODE_COMMENT]);
}

void config_node_read_all(struct config_reader *r, const struct tree *section)
{
	struct config *config = r->config;
	size_t i;

	config->n_nodes = section->n;
	config->node = arena_new_n(r->arena, struct config_node, section->n + 1);
	for (i = 0; i < section->n; i++)
		read_node(r, section->child[i], &config->node[i]);
	if (r->rejects && !tree_get(section, CONFIG_REJECT))
		config->node[config->n_nodes++] = (struct config_node){
			.name = CONFIG_REJECT, .module = CONFIG_REJECT, .tree = r->rejects,
		};
	qsort(config->node, config->n_nodes, sizeof(*config->node), config_compare_names);
}
