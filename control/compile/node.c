// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copyright (c) The shunt authors
/* node.c - a configured node against its module's contract: config values, rules, open edges */
#include <string.h>

#include <compile/compile.h>

bool node_value_reserved(const struct module_config *config)
{
	const char *from = config->help ? strrchr(config->help, '(') : NULL;

	return from && !strncmp(from, "(from ", 6) && from[strlen(from) - 1] == ')';
}

/* ---- config values ------------------------------------------------------------------------ */

static const struct config_value *value_find(const struct config_node *node, const char *name)
{
	unsigned int i;

	for (i = 0; i < node->n_values; i++)
		if (!strcmp(node->value[i].name, name))
			return &node->value[i];
	return NULL;
}

static void unknown_value(struct compile *c, const struct node *node,
			  const struct config_value *value)
{
	const struct module *module = node->module;
	const char **known = arena_new_n(c->arena, const char *, module->n_configs);
	unsigned int i, n = 0;
	struct diag *diag;

	for (i = 0; i < module->n_configs; i++)
		if (!node_value_reserved(&module->config[i]))
			known[n++] = module->config[i].name;
	diag = compile_find(c, value->tree, "unknown_config",
			    "module '%s' has no config value '%s'", module->name, value->name);
	diag->key = 1;
	if (!n)
		diag->hint = "it has none";
	diag_suggest(c->diags, diag, value->name, known, n);
}

static void check_values(struct compile *c, const struct node *node)
{
	unsigned int i;

	for (i = 0; i < node->config->n_values; i++) {
		const struct config_value *value = &node->config->value[i];
		const struct module_config *contract;

		contract = module_config_find(node->module, value->name);
		if (!contract)
			unknown_value(c, node, value);
		else if (node_value_reserved(contract))
			compile_find(c, value->tree, "reserved_config",
				     "config value '%s' of module '%s' cannot be set: %s",
				     value->name, node->module->name,
				     strrchr(contract->help, '('))->key = 1;
	}
}

static void add_value(struct compile *c, struct node *node, const struct module_config *contract,
		      const void *data)
{
	struct plan_value *value = arena_push(c->arena, node->value, node->n_values);

	*value = (struct plan_value){ contract->name, data, contract->size };
}

/* In the module's order, so that the configuration's does not change the rendering */
static void read_values(struct compile *c, struct node *node)
{
	unsigned int i;

	check_values(c, node);
	for (i = 0; i < node->module->n_configs; i++) {
		const struct module_config *contract = &node->module->config[i];
		const struct config_value *value = value_find(node->config, contract->name);
		const void *data;

		if (!value || node_value_reserved(contract))
			continue;
		data = value_read(c, value, contract, node->module);
		if (data)
			add_value(c, node, contract, data);
	}
}

/* ---- edges of rules ----------------------------------------------------------------------- */

const char *node_edge_name(struct arena *arena, const char *edge, const char *reason)
{
	return reason ? arena_printf(arena, "%s(%s)", edge, reason) : edge;
}

int node_edge_index(const struct node *node, const char *name)
{
	const struct module_edge *edge = module_edge_find(node->module, name);
	unsigned int i;

	if (edge)
		return edge->index;
	for (i = 0; i < node->n_open; i++)
		if (!strcmp(node->open[i].name, name))
			return node->module->n_edges + i;
	return -1;
}

static void open_edge(struct compile *c, struct node *node, const char *name, const char *reason,
		      const struct config_rule *rule)
{
	if (node_edge_index(node, name) >= 0)
		return;
	*arena_push(c->arena, node->open, node->n_open) =
		(struct node_open){ .name = name, .reason = reason, .rule = rule };
}

static const char *fallback_of(const struct node *node)
{
	return node->config->fallback ? node->config->fallback : "accept";
}

static void open_verdict(struct compile *c, struct node *node, const struct expr_verdict *verdict,
			 const struct config_rule *rule)
{
	if (verdict->kind == EXPR_LEAVE || verdict->kind == EXPR_REJECT)
		open_edge(c, node, node_edge_name(c->arena, verdict->edge, verdict->reason),
			  verdict->reason, rule);
}

/* Each verdict that a rule has: its own, or those of its map's elements */
static void open_rule(struct compile *c, struct node *node, const struct config_rule *rule)
{
	const struct expr_vmap *vmap = rule->expr.vmap;
	const struct expr_verdict *verdict;
	const struct config_map *map;
	unsigned int i, n;

	if (!vmap) {
		open_verdict(c, node, &rule->expr.verdict, rule);
		return;
	}
	map = vmap->key.set ? config_map_find(c->config, vmap->key.set) : NULL;
	verdict = map ? map->verdict : vmap->verdict;
	n = map ? map->n : vmap->key.n_tuples;
	for (i = 0; i < n; i++)
		open_verdict(c, node, &verdict[i], rule);
}

static void open_edges(struct compile *c, struct node *node)
{
	const struct config_node *config = node->config;
	unsigned int i, k;

	for (i = 0; i < config->n_rules; i++)
		open_rule(c, node, &config->rule[i]);
	for (i = 0; i < config->n_chains; i++)
		for (k = 0; k < config->chain[i].n_rules; k++)
			open_rule(c, node, &config->chain[i].rule[k]);
	open_edge(c, node, fallback_of(node), NULL, NULL);
	if (node->n_open <= node->module->open_edges)
		return;
	compile_find(c, config->tree, "too_many_edges",
		     "the rules of node '%s' name %u edges that module '%s' does not declare, %u at most",
		     config->name, node->n_open, node->module->name,
		     node->module->open_edges)->hint =
		arena_printf(c->arena, "each drop(REASON) is one of them; the last is '%s'",
			     node->open[node->n_open - 1].name);
	node->n_open = node->module->open_edges;
}

/* ---- rules -------------------------------------------------------------------------------- */

/* Whoever has the filter's table and constants takes rules: a user's module may */
static bool takes_rules(const struct module *module)
{
	const struct module_config *fallback = module_config_find(module, "fallback");
	unsigned int i;

	if (!fallback || fallback->size != sizeof(uint32_t) || !node_value_reserved(fallback))
		return false;
	for (i = 0; i < module->n_tables; i++)
		if (!strcmp(module->table[i].name, FILTER_IMAGE))
			return true;
	return false;
}

static void refuse_rules(struct compile *c, const struct node *node)
{
	const struct config_node *config = node->config;
	const char *key = config->n_rules ? "rules" : "default";
	const struct tree *tree = tree_get(config->tree, key);

	if (!config->n_rules && !config->n_chains && !config->fallback)
		return;
	compile_find(c, tree ? tree : config->tree, "no_rules", "module '%s' takes no %s",
		     node->module->name,
		     config->n_rules || config->n_chains ? "rules" : "default edge")->key = 1;
}

static void refuse_services(struct compile *c, const struct node *node)
{
	static const char *const keys[] = { "services", "source", "source6", "seed" };
	const struct tree *tree = NULL;
	unsigned int i;

	if (!node->config->lb || node->is_balancer)
		return;
	for (i = 0; !tree; i++)
		tree = tree_get(node->config->tree, keys[i]);
	compile_find(c, tree, "no_services", "module '%s' takes no %s", node->module->name,
		     tree->key)->key = 1;
}

static void filter_value(struct compile *c, struct node *node, const char *name, uint32_t value)
{
	add_value(c, node, module_config_find(node->module, name), value_u32(c->arena, value));
}

void node_read(struct compile *c, const struct config_node *config, struct node *ret_node)
{
	struct node *node = ret_node;

	*node = (struct node){
		.config = config,
		.module = module_find(c->modules, config->module),
	};
	if (!node->module) {
		compile_find(c, config->tree, "no_such_module", "node '%s': no module '%s'",
			     config->name, config->module);
		return;
	}
	node->is_filter = takes_rules(node->module);
	node->is_balancer = lb_takes_services(node->module);
	refuse_services(c, node);
	read_values(c, node);
	if (!node->is_filter) {
		refuse_rules(c, node);
		return;
	}
	open_edges(c, node);
	filter_value(c, node, "fallback", node_edge_index(node, fallback_of(node)));
}
