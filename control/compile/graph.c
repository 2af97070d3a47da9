// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* graph.c - bind the edges of a graph's nodes: by chain, by name, or as the module says */
#include <string.h>

#include <compile/compile.h>

struct binder {
	struct compile *c;
	const struct config_graph *config;
	struct shape *shape;
};

#define REASON_NAME(id, name, help) name,
static const char *const reason_names[] = { SHUNT_REASONS(REASON_NAME) };

static const struct node *find_node(const struct compile *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->config->n_nodes; i++)
		if (!strcmp(c->config->node[i].name, name))
			return &c->node[i];
	return NULL;			/* not with a configuration that was validated */
}

/* The binding of an edge in the long form; NULL: none */
static const struct config_edge *find_binding(const struct config_graph *config, const char *node,
					      const char *edge)
{
	unsigned int i;

	for (i = 0; i < config->n_edges; i++)
		if (!strcmp(config->edge[i].node, node) && !strcmp(config->edge[i].edge, edge))
			return &config->edge[i];
	return NULL;
}

/* The node behind @name in a chain; NULL: it is the last */
static const char *chain_next(const struct config_graph *config, const char *name)
{
	unsigned int i;

	for (i = 0; i + 1 < config->n_chain; i++)
		if (!strcmp(config->chain[i], name))
			return config->chain[i + 1];
	return NULL;
}

/* ---- one edge ----------------------------------------------------------------------------- */

static void leads_nowhere(struct binder *b, const char *node, const char *edge)
{
	struct compile *c = b->c;

	diags_add(c->diags, arena_printf(c->arena, "/graphs/%s/edges/%s", b->config->name, node),
		  "unbound_edge", "edge '%s' of node '%s' leads nowhere: bind it under /graphs/%s/edges/%s",
		  edge, node, b->config->name, node);
}

static bool is_terminal(enum shunt_target target)
{
	return target == SHUNT_TARGET_PASS || target == SHUNT_TARGET_DROP ||
	       target == SHUNT_TARGET_TX || target == SHUNT_TARGET_FORWARD;
}

/* Where the module itself sends an edge. Return: UNBOUND: nowhere */
static struct config_target default_target(struct binder *b, const char *node,
					   const struct module_edge *edge)
{
	struct config_target target = { .kind = edge->target };
	const char *next;

	if (edge->target == SHUNT_TARGET_DROP)
		target.name = reason_names[edge->arg < SHUNT_REASON_MAX ? edge->arg : 0];
	if (is_terminal(edge->target))
		return target;
	if (edge->target != SHUNT_TARGET_NODE || !b->config->chain)
		return (struct config_target){ .kind = SHUNT_TARGET_UNBOUND };
	next = chain_next(b->config, node);
	return (struct config_target){ next ? SHUNT_TARGET_NODE : SHUNT_TARGET_PASS, next };
}

static void bind_declared(struct binder *b, const char *node, const struct module_edge *declared,
			  struct shape_edge *edge)
{
	const struct config_edge *binding = find_binding(b->config, node, declared->name);

	*edge = (struct shape_edge){ .name = declared->name, .fail = declared->fail };
	if (binding) {
		edge->target = binding->target;
		edge->tree = binding->tree;
		return;
	}
	edge->target = default_target(b, node, declared);
	if (edge->target.kind == SHUNT_TARGET_UNBOUND)
		leads_nowhere(b, node, declared->name);
}

/* An edge that rules name, bound nowhere */
static void open_unbound(struct binder *b, const struct node *node, const struct node_open *open)
{
	struct compile *c = b->c;
	const struct tree *tree = open->rule ? open->rule->tree :
				  tree_get(node->config->tree, "default");
	struct diag *diag;

	diag = compile_find(c, tree ? tree : node->config->tree, "unbound_edge",
			    "edge '%s' of node '%s' is bound nowhere in graph '%s'",
			    open->name, node->config->name, b->config->name);
	if (open->rule) {
		diag->offset = open->rule->expr.verdict.offset;
		diag->len = open->rule->expr.verdict.len;
	}
	if (!strcmp(open->name, CONFIG_SYNPROXY))
		diag->hint = "it leads to the node of module 'synproxy' by itself, if there is one";
	else if (b->config->chain)
		diag->hint = "use the long form of the graph";
	else
		diag->hint = arena_printf(c->arena, "bind it under /graphs/%s/edges/%s",
					  b->config->name, node->config->name);
}

static void bind_open(struct binder *b, const struct node *node, const struct node_open *open,
		      struct shape_edge *edge)
{
	const struct config_edge *binding = find_binding(b->config, node->config->name, open->name);

	*edge = (struct shape_edge){ .name = open->name, .fail = SHUNT_FAIL_CLOSED };
	if (open->reason) {
		edge->target = (struct config_target){ SHUNT_TARGET_DROP, open->reason };
	} else if (binding) {
		edge->target = binding->target;
		edge->tree = binding->tree;
	} else if (!strcmp(open->name, CONFIG_REJECT) &&
		   find_node(b->c, CONFIG_REJECT)) {
		edge->target = (struct config_target){ SHUNT_TARGET_NODE, CONFIG_REJECT };
	} else if (!strcmp(open->name, CONFIG_SYNPROXY) && synproxy_node(b->c, b->config)) {
		edge->target = (struct config_target){ SHUNT_TARGET_NODE,
						       synproxy_node(b->c, b->config) };
	} else {
		open_unbound(b, node, open);
	}
}

/* ---- one node ----------------------------------------------------------------------------- */

static void unknown_edge(struct binder *b, const struct node *node,
			 const struct config_edge *binding)
{
	const struct module *module = node->module;
	struct compile *c = b->c;
	const char **known = arena_new_n(c->arena, const char *, module->n_edges + node->n_open);
	unsigned int i, n = 0;
	struct diag *diag;

	for (i = 0; i < module->n_edges; i++)
		known[n++] = module->edge[i].name;
	for (i = 0; i < node->n_open; i++)
		known[n++] = node->open[i].name;
	diag = compile_find(c, binding->tree, "no_such_edge",
			    "node '%s' has no edge '%s': module '%s' does not declare it%s",
			    binding->node, binding->edge, module->name,
			    node->is_filter ? ", and no rule goes to it" : "");
	diag->key = 1;
	diag_suggest(c->diags, diag, binding->edge, known, n);
}

static void add_edge(struct binder *b, struct shape_node *to, const struct shape_edge *edge)
{
	*arena_push(b->c->arena, to->edge, to->n_edges) = *edge;
}

/* Bindings that are no edges of the node: edges that it may have all the same, or findings */
static void bind_rest(struct binder *b, const struct node *node, struct shape_node *to)
{
	unsigned int i, n_open = 0;

	for (i = 0; i < b->config->n_edges; i++) {
		const struct config_edge *binding = &b->config->edge[i];

		if (strcmp(binding->node, node->config->name) ||
		    node_edge_index(node, binding->edge) >= 0)
			continue;
		if (node->is_filter || !node->module->open_edges) {
			unknown_edge(b, node, binding);
		} else if (n_open++ < node->module->open_edges) {
			add_edge(b, to, &(struct shape_edge){
				.name = binding->edge, .target = binding->target,
				.fail = SHUNT_FAIL_CLOSED, .tree = binding->tree });
		} else {
			compile_find(b->c, binding->tree, "too_many_edges",
				     "node '%s': module '%s' takes %u edges that it does not declare, not more",
				     binding->node, node->module->name,
				     node->module->open_edges)->key = 1;
		}
	}
}

static void bind_node(struct binder *b, struct shape_node *to)
{
	const struct node *node = to->node;
	const struct module *module = node->module;
	struct shape_edge edge;
	unsigned int i;

	if (!module)
		return;
	for (i = 0; i < module->n_edges; i++) {
		bind_declared(b, node->config->name, &module->edge[i], &edge);
		add_edge(b, to, &edge);
	}
	for (i = 0; i < node->n_open; i++) {
		bind_open(b, node, &node->open[i], &edge);
		add_edge(b, to, &edge);
	}
	bind_rest(b, node, to);
}

/* ---- the graph ---------------------------------------------------------------------------- */

static void reach(struct binder *b, const char *name)
{
	struct shape *shape = b->shape;
	const struct node *node = find_node(b->c, name);
	unsigned int i;

	for (i = 0; i < shape->n_nodes; i++)
		if (shape->node[i].node == node)
			return;
	if (!node)
		return;
	*arena_push(b->c->arena, shape->node, shape->n_nodes) = (struct shape_node){ .node = node };
}

/* All boundaries of a graph lead to one other: a program has one tag to write */
static void note_boundary(struct binder *b, const struct shape_edge *edge)
{
	const struct shape_edge *first = b->shape->boundary;

	if (!first)
		b->shape->boundary = edge;
	else if (strcmp(first->target.name, edge->target.name))
		compile_find(b->c, edge->tree, "two_boundaries",
			     "graph '%s' has a boundary to '%s' already: it cannot have one to '%s' too",
			     b->config->name, first->target.name, edge->target.name);
}

/* A chain names nodes that no edge may lead to: behind a module whose edges all end */
static void check_chain(struct binder *b)
{
	unsigned int i, k;

	for (i = 0; i < b->config->n_chain; i++) {
		for (k = 0; k < b->shape->n_nodes; k++)
			if (!strcmp(b->shape->node[k].node->config->name, b->config->chain[i]))
				break;
		if (k < b->shape->n_nodes)
			continue;
		diags_add(b->c->diags,
			  arena_printf(b->c->arena, "/graphs/%s/%u", b->config->name, i),
			  "unreachable_node", "no edge of node '%s' leads on to node '%s'",
			  b->config->chain[i - 1], b->config->chain[i])->hint =
			"bind one in the long form of the graph";
		return;
	}
}

void graph_resolve(struct compile *c, const struct config_graph *config, struct shape *ret_shape)
{
	struct binder b = { c, config, ret_shape };
	unsigned int i, k;

	*ret_shape = (struct shape){ .config = config };
	reach(&b, config->entry);
	for (i = 0; i < ret_shape->n_nodes; i++) {
		struct shape_node node = ret_shape->node[i];

		bind_node(&b, &node);
		ret_shape->node[i] = node;
		for (k = 0; k < node.n_edges; k++) {
			if (node.edge[k].target.kind == SHUNT_TARGET_NODE)
				reach(&b, node.edge[k].target.name);
			else if (node.edge[k].target.kind == SHUNT_TARGET_BOUNDARY)
				note_boundary(&b, &node.edge[k]);
		}
	}
	if (config->chain)
		check_chain(&b);
}
