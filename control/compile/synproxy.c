// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/*
 * synproxy.c - graphs that packets of proxied connections come by
 *
 * DOC: Each end of such a connection has numbers of its own, so whoever finds its flow has to send
 * it to a node of module 'synproxy', in every graph. And the last segment of a handshake is of no
 * flow when it comes: it has to get to the rules, too.
 */
#include <string.h>

#include <compile/compile.h>

static bool is_of(const struct node *node, const char *module)
{
	return node->module && !strcmp(node->module->name, module);
}

static bool is_named(const struct config_graph *graph, const char *node)
{
	unsigned int i;

	for (i = 0; i < graph->n_chain; i++)
		if (!strcmp(graph->chain[i], node))
			return true;
	for (i = 0; i < graph->n_edges; i++)
		if (!strcmp(graph->edge[i].node, node) ||
		    (graph->edge[i].target.kind == SHUNT_TARGET_NODE &&
		     !strcmp(graph->edge[i].target.name, node)))
			return true;
	return false;
}

/* The only one of those that are proxies, @graph: and that it names */
static const char *only(const struct compile *c, const struct config_graph *graph)
{
	const char *name = NULL;
	unsigned int i;

	for (i = 0; i < c->config->n_nodes; i++) {
		if (!is_of(&c->node[i], "synproxy") ||
		    (graph && !is_named(graph, c->config->node[i].name)))
			continue;
		if (name)
			return NULL;
		name = c->config->node[i].name;
	}
	return name;
}

const char *synproxy_node(const struct compile *c, const struct config_graph *graph)
{
	const char *name = only(c, graph);

	return name ? name : only(c, NULL);
}

static bool has_proxy(const struct compile *c)
{
	unsigned int i;

	for (i = 0; i < c->config->n_nodes; i++)
		if (is_of(&c->node[i], "synproxy"))
			return true;
	return false;
}

/* ---- ways through a graph ------------------------------------------------------------------ */

static bool reaches_from(const struct shape *shape, const char *name, bool *seen)
{
	unsigned int i, k;

	for (i = 0; i < shape->n_nodes; i++)
		if (!strcmp(shape->node[i].node->config->name, name))
			break;
	if (i == shape->n_nodes || seen[i])
		return false;
	seen[i] = true;
	if (is_of(shape->node[i].node, "synproxy"))
		return true;
	for (k = 0; k < shape->node[i].n_edges; k++)
		if (shape->node[i].edge[k].target.kind == SHUNT_TARGET_NODE &&
		    reaches_from(shape, shape->node[i].edge[k].target.name, seen))
			return true;
	return false;
}

/* Whether an edge of a node leads to a proxy, by whatever way. @name: NULL: any of its edges */
static bool reaches(struct compile *c, const struct shape *shape, const struct shape_node *node,
		    const char *name)
{
	bool *seen = arena_new_n(c->arena, bool, shape->n_nodes);
	unsigned int i;

	for (i = 0; i < node->n_edges; i++)
		if ((!name || !strcmp(node->edge[i].name, name)) &&
		    node->edge[i].target.kind == SHUNT_TARGET_NODE &&
		    reaches_from(shape, node->edge[i].target.name, seen))
			return true;
	return false;
}

static bool has_edge(const struct shape_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_edges; i++)
		if (!strcmp(node->edge[i].name, name))
			return true;
	return false;
}

static void check_tracker(struct compile *c, const struct shape *shape,
			  const struct shape_node *node)
{
	const struct config_node *config = node->node->config;

	if (!reaches(c, shape, node, "established")) {
		compile_find(c, config->tree, "no_synproxy",
			     "edge 'established' of node '%s' leads to no node of module 'synproxy' in graph '%s'",
			     config->name, shape->config->name)->hint =
			"packets of connections that such a node has opened need it, wherever they come by";
		return;
	}
	if (reaches(c, shape, node, "next") && !c->config->conntrack.pickup &&
	    has_edge(node, "invalid") && !reaches(c, shape, node, "invalid"))
		compile_find(c, config->tree, "no_synproxy",
			     "edge 'invalid' of node '%s' leads to no node of module 'synproxy' in graph '%s'",
			     config->name, shape->config->name)->hint =
			"what a client sends back is of no flow yet: bind it as 'next' is, or set 'pickup'";
}

void synproxy_check(struct compile *c, const struct shape *shape)
{
	unsigned int i;

	if (!has_proxy(c))
		return;
	for (i = 0; i < shape->n_nodes; i++)
		if (is_of(shape->node[i].node, "conntrack"))
			check_tracker(c, shape, &shape->node[i]);
}
