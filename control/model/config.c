// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * config.c - read a configuration, look things up in it
 *
 * DOC: Sections are read in the order in which they refer to each other: the flow table,
 * sets, maps, nodes, graphs, attachments. Whatever is wrong with a thing, its name is
 * known afterwards, so that no finding is only the echo of another.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <model/config_read.h>

/* config_compare_names() */
_Static_assert(offsetof(struct config_set, name) == 0, "begins with its name");
_Static_assert(offsetof(struct config_map, name) == 0, "begins with its name");
_Static_assert(offsetof(struct config_chain, name) == 0, "begins with its name");
_Static_assert(offsetof(struct config_service, name) == 0, "begins with its name");
_Static_assert(offsetof(struct config_node, name) == 0, "begins with its name");
_Static_assert(offsetof(struct config_graph, name) == 0, "begins with its name");

enum {
	TOP_VERSION, TOP_SETTINGS, TOP_CONNTRACK, TOP_LB, TOP_SETS, TOP_MAPS, TOP_NODES, TOP_GRAPHS,
	TOP_ATTACH, TOP_MAX
};
static const struct config_key top_keys[] = {
	[TOP_VERSION] = { "version", TREE_SCALAR, true },
	[TOP_SETTINGS] = { "settings", TREE_MAP, false },
	[TOP_CONNTRACK] = { "conntrack", TREE_MAP, false },
	[TOP_LB] = { "lb", TREE_MAP, false },
	[TOP_SETS] = { "sets", TREE_MAP, false },
	[TOP_MAPS] = { "maps", TREE_MAP, false },
	[TOP_NODES] = { "nodes", TREE_MAP, false },
	[TOP_GRAPHS] = { "graphs", TREE_MAP, false },
	[TOP_ATTACH] = { "attach", TREE_LIST, false },
	[TOP_MAX] = { 0 },
};
_Static_assert(TOP_MAX <= CONFIG_KEYS_MAX, "config_read_keys()");

/* None yet */
static const struct config_key settings_keys[] = { { 0 } };


static void read_version(struct config_reader *r, const struct tree *tree)
{
	if (strcmp(tree->text, "1"))
		config_read_error(r, tree, "bad_version", "version '%.60s' is not known",
				  tree->text)->hint = "this shunt reads version 1";
}

/* Present, and yet nothing came of it: wrong kind, or under a misspelt key */
static bool is_unknown(const struct tree *tree, const struct tree *value, int key)
{
	const struct tree *member = tree_get(tree, top_keys[key].name);
	size_t i;

	if (value)
		return false;
	if (member)
		return !config_read_is_empty(member);
	for (i = 0; i < tree->n; i++)
		if (suggest(tree->child[i]->key, &top_keys[key].name, 1))
			return true;
	return false;
}

static void read_top(struct config_reader *r, const struct tree *tree)
{
	struct tree *value[TOP_MAX], *none[1];

	config_conntrack_init(&r->config->conntrack);
	r->config->lb_flows = CONFIG_LB_FLOWS;
	if (config_read_keys(r, tree, "the configuration", top_keys, value) < 0)
		return;
	r->policies_unknown = is_unknown(tree, value[TOP_CONNTRACK], TOP_CONNTRACK);
	r->sets_unknown = is_unknown(tree, value[TOP_SETS], TOP_SETS);
	r->maps_unknown = is_unknown(tree, value[TOP_MAPS], TOP_MAPS);
	r->nodes_unknown = is_unknown(tree, value[TOP_NODES], TOP_NODES);
	r->graphs_unknown = is_unknown(tree, value[TOP_GRAPHS], TOP_GRAPHS);
	if (value[TOP_VERSION])
		read_version(r, value[TOP_VERSION]);
	if (value[TOP_SETTINGS])
		config_read_keys(r, value[TOP_SETTINGS], "'settings'", settings_keys, none);
	if (value[TOP_CONNTRACK])
		config_conntrack_read(r, value[TOP_CONNTRACK]);
	if (value[TOP_LB])
		config_lb_read_top(r, value[TOP_LB]);
	if (value[TOP_SETS])
		config_set_read_all(r, value[TOP_SETS]);
	if (value[TOP_MAPS])
		config_map_read_all(r, value[TOP_MAPS]);
	if (value[TOP_NODES])
		config_node_read_all(r, value[TOP_NODES]);
	if (value[TOP_GRAPHS])
		config_graph_read_all(r, value[TOP_GRAPHS]);
	if (value[TOP_ATTACH])
		config_attach_read_all(r, value[TOP_ATTACH]);
}

static int read_tree(struct config_reader *r, struct tree *tree)
{
	unsigned int before = r->diags->total;

	read_top(r, tree);
	return r->diags->total == before ? 0 : -EINVAL;
}

int config_from_tree(struct tree *tree, struct diags *diags, struct config *ret_config)
{
	struct config config = { .tree = tree };
	struct config_reader r = { .diags = diags, .arena = diags->arena, .config = &config };
	int ret = read_tree(&r, tree);

	if (ret == 0)
		*ret_config = config;
	return ret;
}

bool config_skim(struct tree *tree)
{
	struct config config = { .tree = tree };
	struct arena arena = { 0 };
	struct diags diags = { .arena = &arena };
	struct config_reader r = {
		.diags = &diags, .arena = &arena, .config = &config, .skims = true,
	};
	int ret = read_tree(&r, tree);

	arena_fini(&arena);
	return ret == 0;
}

static const void *find(const char *name, const void *array, unsigned int n, size_t size)
{
	return n ? bsearch(&name, array, n, size, config_compare_names) : NULL;
}

const struct config_node *config_node_find(const struct config *config, const char *name)
{
	return find(name, config->node, config->n_nodes, sizeof(*config->node));
}

const struct config_set *config_set_find(const struct config *config, const char *name)
{
	return find(name, config->set, config->n_sets, sizeof(*config->set));
}

const struct config_map *config_map_find(const struct config *config, const char *name)
{
	return find(name, config->map, config->n_maps, sizeof(*config->map));
}

const struct config_chain *config_chain_find(const struct config_node *node, const char *name)
{
	return find(name, node->chain, node->n_chains, sizeof(*node->chain));
}

const struct config_graph *config_graph_find(const struct config *config, const char *name)
{
	return find(name, config->graph, config->n_graphs, sizeof(*config->graph));
}
